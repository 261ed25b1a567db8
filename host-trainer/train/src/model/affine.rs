//! The weights of a convolution or a linear layer.

use tch::{Device, Kind, TchError, Tensor};

use super::{
    Mode,
    array::{tensor, values},
    parameter::Parameter,
};
use lcl_artefacts::checkpoint::AffineWeights;

/// Weight and bias on a device.
#[derive(Debug)]
pub(super) struct Affine {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
}

impl Affine {
    /// Copies weights of `shape`, the output's channels first, to a device.
    pub(super) fn new(
        weights: &AffineWeights,
        shape: &[usize],
        device: Device,
    ) -> Result<Self, TchError> {
        Ok(Self {
            weight: tensor(&weights.weight, shape, device)?,
            bias: tensor(&weights.bias, &shape[..1], device)?,
        })
    }

    /// Returns the weight in a precision, which gradients go back through.
    pub(super) fn weight_as(&self, kind: Kind) -> Result<Tensor, TchError> {
        self.weight.f_to_kind(kind)
    }

    /// Returns the bias of a layer that a batch norm follows. In training mode
    /// that has subtracted it again, and no gradient comes back.
    pub(super) fn bias_before(&self, mode: Mode<'_>, kind: Kind) -> Result<Tensor, TchError> {
        let bias = self.bias.f_to_kind(kind)?;
        match mode {
            Mode::Training(_) => bias.f_detach(),
            Mode::Evaluation => Ok(bias),
        }
    }

    pub(super) fn parameters(&self, prefix: &str) -> [Parameter; 2] {
        [
            Parameter::new(format!("{prefix}.weight"), &self.weight),
            Parameter::new(format!("{prefix}.bias"), &self.bias),
        ]
    }

    /// Copies the weights out.
    pub(super) fn weights(&self) -> Result<AffineWeights, TchError> {
        Ok(AffineWeights { weight: values(&self.weight)?, bias: values(&self.bias)? })
    }
}
