//! Convolution, batch norm and ReLU, and one stage of training: that with the
//! pool behind it.

use lcl_infer::{ConvGeometry, PoolOrder, shape::Border};
use tch::{Device, TchError, Tensor};

use super::{
    ModelError,
    affine::Affine,
    array::length,
    batch_norm::{BatchNorm, Mode},
    components::Components,
    dropout::Dropout,
    network::stages,
    parameter::Parameter,
    pool::Pool,
};
use lcl_artefacts::checkpoint::{self, Checkpoint, ConvWeights};

/// The weights of a convolution and its batch norm on a device.
#[derive(Debug)]
pub(super) struct Convolution {
    geometry: ConvGeometry,
    conv: Affine,
    norm: BatchNorm,
}

impl Convolution {
    pub(super) fn new(
        weights: &ConvWeights,
        geometry: ConvGeometry,
        device: Device,
    ) -> Result<Self, TchError> {
        let kernel = geometry.kernel();
        let shape = [geometry.out_c(), geometry.in_c(), kernel, kernel];
        let conv = Affine::new(&weights.conv, &shape, device)?;
        Ok(Self { geometry, conv, norm: BatchNorm::new(&weights.bn, device)? })
    }

    /// Convolution with its border, batch norm, ReLU: `[N, in_c, H, W]` to
    /// `[N, out_c, out(H), out(W)]`, in the precision of the input.
    ///
    /// While training, batch norm takes the convolution's bias out again, so
    /// that no gradient of it is computed: it would be 0.
    pub(super) fn activation(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        let padding = [length(self.geometry.padding()); 4];
        let stride = length(self.geometry.stride());
        let padded = match self.geometry.border() {
            Border::Reflect => x.f_reflection_pad2d(padding)?,
            Border::Zero => x.f_constant_pad_nd(padding)?,
        };
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
}

/// One stage of training on a device.
#[derive(Debug)]
pub(super) struct Stage {
    conv: Convolution,
    components: Components,
    pool: Pool,
}

impl Stage {
    pub(super) fn new(
        weights: &ConvWeights,
        geometry: ConvGeometry,
        components: Components,
        pool: PoolOrder,
        device: Device,
    ) -> Result<Self, ModelError> {
        let conv = Convolution::new(weights, geometry, device)?;
        Ok(Self { conv, components, pool: Pool::new(pool, geometry.out_c(), device)? })
    }

    /// The whole stage.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        mode: Mode<'_>,
        dropout: &Dropout,
    ) -> Result<Tensor, TchError> {
        let seen = self.components.in_front(x)?;
        let activation = self.conv.activation(&seen, mode)?;
        let map = self.components.behind(activation, mode, dropout)?;
        match self.components.magnification() {
            Some(magnification) => magnification.forward(&map),
            None => self.pool.forward(&map),
        }
    }

    /// Returns the running statistics, shared with this.
    pub(super) fn statistics(&self) -> [Tensor; 2] {
        self.conv.norm.statistics()
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let conv = self.conv.conv.parameters(&format!("{prefix}.conv"));
        let norm = self.conv.norm.parameters(&format!("{prefix}.bn"));
        conv.into_iter().chain(norm).chain(self.components.parameters(prefix)).collect()
    }

    /// Copies the components out.
    pub(super) fn components(&self) -> Result<Option<checkpoint::Components>, TchError> {
        self.components.weights()
    }

    pub(super) fn weights(&self) -> Result<ConvWeights, TchError> {
        Ok(ConvWeights { conv: self.conv.conv.weights()?, bn: self.conv.norm.weights()? })
    }
}

/// The first stages of a checkpoint, one behind the other, as a core that other
/// models train on.
#[derive(Debug)]
pub(crate) struct Stages {
    stages: Vec<Stage>,
    dropout: Dropout,
}

impl Stages {
    /// Copies the first `count` stages to a device.
    pub(crate) fn new(
        checkpoint: &Checkpoint,
        count: usize,
        device: Device,
    ) -> Result<Self, ModelError> {
        let stages = stages(checkpoint, device)?.into_iter().take(count).collect();
        Ok(Self { stages, dropout: Dropout::default() })
    }

    /// Computes all stages, `[N, 3, H, W]` normalised to `[N, C, h, w]`.
    pub(crate) fn forward(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        let mut x = x.shallow_clone();
        for stage in &self.stages {
            x = stage.forward(&x, mode, &self.dropout)?;
        }
        Ok(x)
    }

    fn named(&self) -> impl Iterator<Item = (String, &Stage)> {
        self.stages.iter().enumerate().map(|(index, stage)| (format!("layer{}", index + 1), stage))
    }

    /// Returns the tensors to train.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        self.named().flat_map(|(name, stage)| stage.parameters(&name)).collect()
    }

    /// Returns the running statistics by name, shared with this.
    pub(crate) fn statistics(&self) -> Vec<(String, Tensor)> {
        let of = |(name, stage): (String, &Stage)| {
            let [mean, variance] = stage.statistics();
            [
                (format!("{name}.bn.running_mean"), mean),
                (format!("{name}.bn.running_var"), variance),
            ]
        };
        self.named().flat_map(of).collect()
    }
}
