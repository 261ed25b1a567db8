//! LCL-V2's stages as a core.

use lcl_artefacts::checkpoint::Checkpoint;
use lcl_population::fitted::Field;
use lcl_run::config::InputConfig;
use tch::{Device, TchError, Tensor};

use super::{FitError, core::Phase};
use crate::{
    model::{Mode, Parameter, Stages, length, tensor},
    workers::Ranks,
};

#[derive(Debug)]
pub(super) struct LclCore {
    stages: Stages,
    input: InputConfig,
    enlarge: usize,
    architecture: lcl_infer::Architecture,
}

impl LclCore {
    /// Takes the first `count` stages of a checkpoint; images are enlarged by a
    /// factor.
    pub(super) fn new(
        checkpoint: &Checkpoint,
        count: usize,
        enlarge: usize,
    ) -> Result<Self, FitError> {
        let tap = if count == 1 { lcl_infer::V1 } else { lcl_infer::V2 };
        let whole = checkpoint.architecture();
        let architecture = whole.up_to(tap).unwrap_or(whole);
        let stages = Stages::new(checkpoint, count, Device::Cpu)?;
        Ok(Self { stages, input: checkpoint.input(), enlarge, architecture })
    }

    pub(super) fn forward(&self, images: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        let InputConfig { mean, std } = self.input;
        let load = |values: &[f32; 3]| tensor(values, &[1, 3, 1, 1], Device::Cpu);
        let size = images.size();
        let [height, width] = [size[2], size[3]].map(|side| side * length(self.enlarge));
        let large = images.f_upsample_bilinear2d([height, width], false, None, None)?;
        let x = large.f_div_scalar(255.0)?.f_sub(&load(&mean)?)?.f_div(&load(&std)?)?;
        let mode = match phase {
            Phase::Training => Mode::Training(Ranks::ALONE),
            Phase::Evaluation => Mode::Evaluation,
        };
        self.stages.forward(&x, mode)
    }

    pub(super) fn parameters(&self) -> Vec<Parameter> {
        self.stages.parameters()
    }

    pub(super) fn statistics(&self) -> Vec<(String, Tensor)> {
        self.stages.statistics()
    }

    pub(super) fn field(&self, size: (usize, usize)) -> Result<Field, FitError> {
        let (got, factor) = (size, self.enlarge);
        let least = self.architecture.min_image_side().div_ceil(factor);
        if size.0.min(size.1) < least {
            return Err(FitError::ImageTooSmall { got, least });
        }
        let (mut sides, mut channels, mut stride) = ([size.0 * factor, size.1 * factor], 3, 1);
        for layer in self.architecture.layers() {
            sides = sides.map(|side| layer.kind.out_side(side));
            channels = layer.kind.out_c(channels);
            stride *= match layer.kind {
                lcl_infer::LayerKind::Conv(conv) => conv.stride(),
                _ => 2,
            };
        }
        // Every window is centred on the pixel that its index times its stride
        // names, and a pixel of the image is `factor` pixels wide.
        let factor = factor as f64;
        let [height, width] = sides;
        let (first, step) = (0.5 / factor - 0.5, stride as f64 / factor);
        Ok(Field { height, width, channels, first, step })
    }
}
