//! A core of VGG16's shape: seven 3×3 convolutions in three groups, with pools of
//! 2×2 between them, untrained.

use lcl_population::fitted::Field;
use tch::{TchError, Tensor};

use super::{
    FitError,
    core::Phase,
    separable::{Norm, normal},
};
use crate::model::Parameter;

/// Channels of each convolution.
const CHANNELS: [usize; 7] = [64, 64, 128, 128, 256, 256, 256];

/// Convolutions that a pool follows.
const POOLED: [usize; 2] = [1, 3];

#[derive(Debug)]
pub(super) struct VggCore {
    weights: Vec<Tensor>,
    norm: Norm,
}

impl VggCore {
    pub(super) fn new(seed: u64) -> Result<Self, TchError> {
        let mut in_c = 1;
        let mut weights = Vec::new();
        for (which, out_c) in (100..).zip(CHANNELS) {
            // He and others (2015), by the inputs.
            let deviation = (2.0 / (9 * in_c) as f64).sqrt();
            weights.push(normal(seed, which, &[out_c, in_c, 3, 3], deviation)?);
            in_c = out_c;
        }
        Ok(Self { weights, norm: Norm::new(in_c, 0.1)? })
    }

    pub(super) fn forward(&self, images: &Tensor, phase: Phase) -> Result<Tensor, TchError> {
        let mut x = images.f_div_scalar(127.5)?.f_sub_scalar(1.0)?;
        let last = self.weights.len() - 1;
        for (index, weight) in self.weights.iter().enumerate() {
            x = x.f_conv2d(weight, None::<Tensor>, [1, 1], [1, 1], [1, 1], 1)?;
            if index < last {
                x = x.f_relu()?;
            }
            if POOLED.contains(&index) {
                x = x.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)?;
            }
        }
        self.norm.forward(&x, phase)?.f_relu()
    }

    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let weights = self.weights.iter().enumerate().map(|(index, weight)| Parameter {
            name: format!("conv{index}.weight"),
            tensor: weight.shallow_clone(),
        });
        weights.chain(self.norm.parameters("bn")).collect()
    }

    pub(super) fn statistics(&self) -> Vec<(String, Tensor)> {
        self.norm.statistics("bn").into()
    }

    #[expect(clippy::unused_self, reason = "as every core")]
    pub(super) fn field(&self, size: (usize, usize)) -> Result<Field, FitError> {
        let (height, width) = (size.0 / 4, size.1 / 4);
        if height.min(width) < 1 {
            return Err(FitError::ImageTooSmall { got: size, least: 4 });
        }
        Ok(Field { height, width, channels: CHANNELS[6], first: 1.5, step: 4.0 })
    }
}
