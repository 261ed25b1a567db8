//! One cortical stage: convolution, batch norm, ReLU, pool.

use lcl_infer::{ConvGeometry, PoolOrder};
use tch::{Device, TchError, Tensor};

use super::{
    array::{length, tensor, values},
    batch_norm::{BatchNorm, Mode},
    parameter::Parameter,
    pool::Pool,
};
use crate::checkpoint::StageWeights;

/// One stage's weights on a device.
#[derive(Debug)]
pub(super) struct Stage {
    geometry: ConvGeometry,
    conv_weight: Tensor,
    conv_bias: Tensor,
    norm: BatchNorm,
    pool: Pool,
}

impl Stage {
    pub(super) fn new(
        weights: &StageWeights,
        geometry: ConvGeometry,
        pool: PoolOrder,
        device: Device,
    ) -> Result<Self, TchError> {
        let (channels, kernel) = (geometry.out_c(), geometry.kernel());
        let shape = [channels, geometry.in_c(), kernel, kernel];
        let norm = [
            &weights.bn_weight[..],
            &weights.bn_bias[..],
            &weights.bn_running_mean[..],
            &weights.bn_running_var[..],
        ];
        Ok(Self {
            geometry,
            conv_weight: tensor(&weights.conv_weight, &shape, device)?,
            conv_bias: tensor(&weights.conv_bias, &[channels], device)?,
            norm: BatchNorm::new(norm, device)?,
            pool: Pool::new(pool, channels, device)?,
        })
    }

    /// Convolution with reflection, batch norm, ReLU: `[N, in_c, H, W]` to
    /// `[N, out_c, out(H), out(W)]`.
    pub(super) fn activation(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let padding = length(self.geometry.padding());
        let stride = length(self.geometry.stride());
        let padded = x.f_reflection_pad2d([padding; 4])?;
        let convolved = padded.f_conv2d(
            &self.conv_weight,
            Some(&self.conv_bias),
            [stride, stride],
            [0, 0],
            [1, 1],
            1,
        )?;
        self.norm.forward(&convolved, mode)?.f_relu()
    }

    /// Pools an activation.
    pub(super) fn pooled(&self, activation: &Tensor) -> Result<Tensor, TchError> {
        self.pool.forward(activation)
    }

    /// The whole stage.
    pub(super) fn forward(&self, x: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.pooled(&self.activation(x, mode)?)
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let mut parameters = vec![
            Parameter::new(format!("{prefix}.conv.weight"), &self.conv_weight),
            Parameter::new(format!("{prefix}.conv.bias"), &self.conv_bias),
        ];
        parameters.extend(self.norm.parameters(&format!("{prefix}.bn")));
        parameters
    }

    pub(super) fn weights(&self) -> Result<StageWeights, TchError> {
        Ok(StageWeights {
            conv_weight: values(&self.conv_weight)?,
            conv_bias: values(&self.conv_bias)?,
            bn_weight: values(&self.norm.weight)?,
            bn_bias: values(&self.norm.bias)?,
            bn_running_mean: values(&self.norm.running_mean)?,
            bn_running_var: values(&self.norm.running_var)?,
        })
    }
}
