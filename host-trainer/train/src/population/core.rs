//! The cores: what all neurons share.

use lcl_artefacts::checkpoint::Checkpoint;
use lcl_population::{CoreChoice, FitConfig, fitted::Field};
use tch::{TchError, Tensor};

use super::{FitError, lcl::LclCore, separable::SeparableCore, vgg::VggCore};
use crate::model::Parameter;

/// Whether batch norms use the batch, and follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Training,
    Evaluation,
}

/// A core of any kind.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a fit has one")]
pub(super) enum Core {
    Separable(SeparableCore),
    Lcl(LclCore),
    Vgg(VggCore),
}

/// Calls a method of whichever core it is.
macro_rules! each {
    ($core:expr, $kind:ident => $call:expr) => {
        match $core {
            Core::Separable($kind) => $call,
            Core::Lcl($kind) => $call,
            Core::Vgg($kind) => $call,
        }
    };
}

impl Core {
    /// Creates the core of a configuration; `checkpoint` is that of LCL-V2.
    pub(super) fn new(config: &FitConfig, checkpoint: &Checkpoint) -> Result<Self, FitError> {
        Ok(match config.core {
            CoreChoice::Lurz => Self::Separable(SeparableCore::new(config)?),
            CoreChoice::LclV1 => Self::Lcl(LclCore::new(checkpoint, 1, config.enlarge)?),
            CoreChoice::LclV2 => Self::Lcl(LclCore::new(checkpoint, 2, config.enlarge)?),
            CoreChoice::Vgg16 => Self::Vgg(VggCore::new(config.seed)?),
        })
    }

    /// Returns the map of images, `[N, 1, H, W]` raw, to `[N, C, h, w]`.
    pub(super) fn forward(&self, images: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        each!(self, core => core.forward(images, phase))
    }

    /// Returns the penalty of the core's first kernels, before its weight; `None`
    /// where there is none.
    pub(super) fn roughness(&self) -> Result<Option<Tensor>, TchError> {
        match self {
            Self::Separable(core) => core.roughness().map(Some),
            Self::Lcl(_) | Self::Vgg(_) => Ok(None),
        }
    }

    /// Returns the tensors to train.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        each!(self, core => core.parameters())
    }

    /// Returns the running statistics by name, shared with this.
    pub(super) fn statistics(&self) -> Vec<(String, Tensor)> {
        each!(self, core => core.statistics())
    }

    /// Returns the size of the map for images of (height, width), and where its cells
    /// lie.
    pub(super) fn field(&self, size: (usize, usize)) -> Result<Field, FitError> {
        each!(self, core => core.field(size))
    }
}
