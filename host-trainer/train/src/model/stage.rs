//! One cortical stage: convolution, batch norm, ReLU, pool.

use lcl_infer::{ConvGeometry, PoolOrder};
use tch::{Device, TchError, Tensor};

use super::{
    affine::Affine,
    array::length,
    batch_norm::{BatchNorm, Mode},
    parameter::Parameter,
    pool::Pool,
};
use lcl_artefacts::checkpoint::StageWeights;

/// One stage's weights on a device.
#[derive(Debug)]
pub(super) struct Stage {
    geometry: ConvGeometry,
    conv: Affine,
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
        Ok(Self {
            geometry,
            conv: Affine::new(&weights.conv, &shape, device)?,
            norm: BatchNorm::new(&weights.bn, device)?,
            pool: Pool::new(pool, channels, device)?,
        })
    }

    /// Convolution with reflection, batch norm, ReLU: `[N, in_c, H, W]` to
    /// `[N, out_c, out(H), out(W)]`, in the precision of the input.
    ///
    /// While training, batch norm takes the convolution's bias out again, so
    /// that no gradient of it is computed: it would be 0.
    pub(super) fn activation(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        let padding = length(self.geometry.padding());
        let stride = length(self.geometry.stride());
        let padded = x.f_reflection_pad2d([padding; 4])?;
        let convolved = padded.f_conv2d(
            &self.conv.weight_as(x.kind())?,
            Some(self.conv.bias_before(mode, x.kind())?),
            [stride, stride],
            [0, 0],
            [1, 1],
            1,
        )?;
        self.norm.forward(&convolved, mode)?.f_relu_()
    }

    /// Pools an activation.
    pub(super) fn pooled(&self, activation: &Tensor) -> Result<Tensor, TchError> {
        self.pool.forward(activation)
    }

    /// The whole stage.
    pub(super) fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        self.pooled(&self.activation(x, mode)?)
    }

    /// Returns the running statistics, shared with this.
    pub(super) fn statistics(&self) -> [Tensor; 2] {
        self.norm.statistics()
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let conv = self.conv.parameters(&format!("{prefix}.conv"));
        conv.into_iter().chain(self.norm.parameters(&format!("{prefix}.bn"))).collect()
    }

    pub(super) fn weights(&self) -> Result<StageWeights, TchError> {
        Ok(StageWeights { conv: self.conv.weights()?, bn: self.norm.weights()? })
    }
}
