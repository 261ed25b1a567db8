//! Both stages with their projectors.

use lcl_infer::LCL_V2;
use tch::{Device, TchError, Tensor, no_grad};

use super::{Mode, ModelError, Parameter, projector::Projector, stage::Stage};
use crate::{checkpoint::Checkpoint, config::InputConfig};

/// The network for training.
#[derive(Debug)]
pub struct Network {
    origin: Origin,
    stages: [Stage; 2],
    projectors: [Projector; 2],
}

/// The parts of a checkpoint that no training changes.
#[derive(Debug)]
struct Origin {
    pool: lcl_infer::PoolOrder,
    input: InputConfig,
}

impl Network {
    /// Copies a checkpoint's weights to a device.
    ///
    /// # Errors
    ///
    /// When it has no projectors, or the device has too little memory.
    pub fn new(checkpoint: &Checkpoint, device: Device) -> Result<Self, ModelError> {
        let [first, second] = checkpoint.projectors.as_ref().ok_or(ModelError::NoProjectors)?;
        let network = Self {
            origin: Origin { pool: checkpoint.pool, input: checkpoint.input() },
            stages: stages(checkpoint, device)?,
            projectors: [Projector::new(first, device)?, Projector::new(second, device)?],
        };
        for parameter in network.parameters() {
            let _ = parameter.tensor.f_set_requires_grad(true)?;
        }
        Ok(network)
    }

    /// Returns the embeddings of one view of a batch, `[N, D]` for each stage.
    ///
    /// `images` holds the stage's own views, `[N, 3, size, size]`: those of
    /// stage 2 pass stage 1 on their way, in the same mode, and no gradient
    /// comes back from there.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn embed(&self, images: &[Tensor; 2], mode: Mode) -> Result<[Tensor; 2], ModelError> {
        let [stage1, stage2] = &self.stages;
        let [projector1, projector2] = &self.projectors;
        let v1 = stage1.forward(&images[0], mode)?;
        let below = no_grad(|| stage1.forward(&images[1], mode))?;
        let v2 = stage2.forward(&below, mode)?;
        Ok([projector1.forward(&v1, mode)?, projector2.forward(&v2, mode)?])
    }

    /// Returns the tensors to train, stage by stage, in the order of a
    /// checkpoint.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for (index, stage) in self.stages.iter().enumerate() {
            parameters.extend(stage.parameters(&format!("layer{}", index + 1)));
        }
        for (index, projector) in self.projectors.iter().enumerate() {
            parameters.extend(projector.parameters(&format!("projector{}", index + 1)));
        }
        parameters
    }

    /// Copies the weights out.
    ///
    /// # Errors
    ///
    /// When libtorch cannot copy them.
    pub fn checkpoint(&self, step: u64, config: String) -> Result<Checkpoint, ModelError> {
        let Origin { pool, input } = self.origin;
        let [first, second] = &self.projectors;
        Ok(Checkpoint {
            pool,
            mean: input.mean,
            std: input.std,
            step,
            config: Some(config),
            stages: [self.stages[0].weights()?, self.stages[1].weights()?],
            projectors: Some([first.weights()?, second.weights()?]),
        })
    }
}

/// Copies the stages of a checkpoint to a device.
pub(super) fn stages(checkpoint: &Checkpoint, device: Device) -> Result<[Stage; 2], TchError> {
    let stage = |index: usize| {
        Stage::new(&checkpoint.stages[index], LCL_V2[index], checkpoint.pool, device)
    };
    Ok([stage(0)?, stage(1)?])
}
