//! The projector of one stage and the predictor on top, for training only.

use tch::{Device, TchError, Tensor};

use super::{
    affine::Affine,
    batch_norm::{BatchNorm, Mode},
    parameter::Parameter,
};
use lcl_artefacts::checkpoint::ProjectorWeights;

/// Linear, batch norm, ReLU and linear: a projector, at each location and then
/// averaged over the locations, or a predictor.
#[derive(Debug)]
pub(super) struct Projector {
    fc1: Affine,
    norm: BatchNorm,
    pub(super) fc2: Affine,
}

impl Projector {
    pub(super) fn new(weights: &ProjectorWeights, device: Device) -> Result<Self, TchError> {
        let (hidden, embedding) = (weights.fc1.bias.len(), weights.fc2.bias.len());
        let inputs = weights.fc1.weight.len() / hidden.max(1);
        Ok(Self {
            fc1: Affine::new(&weights.fc1, &[hidden, inputs], device)?,
            norm: BatchNorm::new(&weights.bn, device)?,
            fc2: Affine::new(&weights.fc2, &[embedding, hidden], device)?,
        })
    }

    /// `[N, C, H, W]` to what the last layer takes, `[N, C]`, in the precision of
    /// its weights.
    ///
    /// The mean over the locations is taken before the last linear layer: both
    /// are linear, so the embeddings are the same for `H · W` times less work.
    pub(super) fn pooled(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        self.hidden(x, mode)?.f_mean_dim(1_i64, false, self.fc2.weight.kind())
    }

    /// `[N, D]` to predictions, `[N, D]`.
    pub(super) fn predicted(&self, z: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        let bias = self.fc1.bias_before(mode, z.kind())?;
        let mixed = z.f_linear(&self.fc1.weight, Some(bias))?;
        self.last(&self.norm.forward(&mixed, mode)?.f_relu_()?)
    }

    /// `[N, C, H, W]` to `[N, H · W, C]`, after the ReLU.
    fn hidden(&self, x: &Tensor, mode: Mode<'_>) -> Result<Tensor, TchError> {
        let (n, channels, h, w) = x.size4()?;
        let locations = x.f_permute([0, 2, 3, 1])?.f_reshape([n * h * w, channels])?;
        let weight = self.fc1.weight_as(x.kind())?;
        let bias = self.fc1.bias_before(mode, x.kind())?;
        let mixed = locations.f_linear(&weight, Some(bias))?;
        self.norm.forward(&mixed, mode)?.f_relu_()?.f_reshape([n, h * w, channels])
    }

    /// `[…, C]` to `[…, D]`.
    pub(super) fn last(&self, hidden: &Tensor) -> Result<Tensor, TchError> {
        hidden.f_linear(&self.fc2.weight, Some(&self.fc2.bias))
    }

    /// Returns the running statistics, shared with this.
    pub(super) fn statistics(&self) -> [Tensor; 2] {
        self.norm.statistics()
    }

    pub(super) fn parameters(&self, prefix: &str) -> Vec<Parameter> {
        let fc2 = self.fc2.parameters(&format!("{prefix}.fc2"));
        self.first_parameters(prefix).into_iter().chain(fc2).collect()
    }

    /// Returns the parameters of all but the last layer.
    pub(super) fn first_parameters(&self, prefix: &str) -> Vec<Parameter> {
        let fc1 = self.fc1.parameters(&format!("{prefix}.fc1"));
        fc1.into_iter().chain(self.norm.parameters(&format!("{prefix}.bn"))).collect()
    }

    pub(super) fn weights(&self) -> Result<ProjectorWeights, TchError> {
        Ok(ProjectorWeights {
            fc1: self.fc1.weights()?,
            bn: self.norm.weights()?,
            fc2: self.fc2.weights()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::model::tensor;
    use lcl_artefacts::checkpoint::Checkpoint;
    use lcl_run::config::{InputConfig, ModelConfig};

    /// Rounding of sums over 64 channels and 35 locations.
    const TOLERANCE: f64 = 1e-5;

    #[test]
    fn the_mean_commutes_with_the_last_layer() -> Result<(), TchError> {
        let model = ModelConfig { embedding_dim: 32, ..ModelConfig::default() };
        let checkpoint = Checkpoint::initial(model, InputConfig::default(), 1);
        let weights = &checkpoint.projectors.expect("projectors")[0];
        let projector = Projector::new(weights, Device::Cpu)?;
        let image: Vec<f32> = (0..3 * 64 * 35_u16).map(|at| (f32::from(at) * 0.37).sin()).collect();
        let x = tensor(&image, &[3, 64, 7, 5], Device::Cpu)?;
        let literal = projector.last(&projector.hidden(&x, Mode::Evaluation)?)?;
        let literal = literal.f_mean_dim(1_i64, false, Kind::Float)?;
        let pooled_first = projector.last(&projector.pooled(&x, Mode::Evaluation)?)?;
        assert_eq!(pooled_first.size(), [3, 32]);
        let error = (literal - pooled_first).f_abs()?.f_max()?.f_double_value(&[])?;
        assert!(error < TOLERANCE, "{error}");
        Ok(())
    }
}
