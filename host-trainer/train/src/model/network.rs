//! Both stages with their projectors.

use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::{
    Mode, ModelError, Parameter,
    components::Components,
    dropout::{Dropout, Occasion},
    projector::Projector,
    stage::Stage,
};
use crate::loss::Objective;
use lcl_artefacts::checkpoint::{Checkpoint, ProjectorWeights};
use lcl_run::{config::InputConfig, device::Precision};

/// The network for training.
#[derive(Debug)]
pub struct Network {
    origin: Origin,
    dropout: Dropout,
    stages: [Stage; 2],
    projectors: [Projector; 2],
    predictors: Option<[Projector; 2]>,
}

/// The parts of a checkpoint that no training changes.
#[derive(Debug)]
struct Origin {
    pool: lcl_infer::PoolOrder,
    input_side: usize,
    input: InputConfig,
}

impl Network {
    /// Copies a checkpoint's weights to a device, to train in that precision.
    ///
    /// # Errors
    ///
    /// When it has no projectors, or the device has too little memory.
    pub fn new(
        checkpoint: &Checkpoint,
        device: Device,
        precision: Precision,
    ) -> Result<Self, ModelError> {
        let both = |[first, second]: &[ProjectorWeights; 2]| {
            Ok::<_, TchError>([Projector::new(first, device)?, Projector::new(second, device)?])
        };
        let projectors = checkpoint.projectors.as_ref().ok_or(ModelError::NoProjectors)?;
        let network = Self {
            origin: Origin {
                pool: checkpoint.pool,
                input_side: checkpoint.input_side,
                input: checkpoint.input(),
            },
            dropout: Dropout::default(),
            stages: stages(checkpoint, device)?,
            projectors: both(projectors)?,
            predictors: checkpoint.predictors.as_ref().map(both).transpose()?,
        };
        if precision == Precision::Float64 {
            for mut tensor in network.tensors() {
                let double = tensor.f_to_kind(Kind::Double)?;
                tensor.f_set_data(&double)?;
            }
        }
        for parameter in network.parameters() {
            let _ = parameter.tensor.f_set_requires_grad(true)?;
        }
        Ok(network)
    }

    /// Begins a step of training, which says what chance in the network draws.
    pub(crate) fn begin_step(&self, occasion: Occasion) {
        self.dropout.begin(occasion);
    }

    /// Returns the loss of each stage, a scalar, on views A and B of a batch.
    ///
    /// A view holds the images of each stage, `[N, 3, size, size]`: those of
    /// stage 2 pass stage 1 on their way, in the same mode, and no gradient
    /// comes back from there.
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn losses(
        &self,
        [view_a, view_b]: &[[Tensor; 2]; 2],
        objective: Objective,
        mode: Mode<'_>,
    ) -> Result<[Tensor; 2], ModelError> {
        let (pooled_a, pooled_b) = (self.pooled(view_a, mode)?, self.pooled(view_b, mode)?);
        let loss =
            |stage: usize| self.loss(stage, [&pooled_a[stage], &pooled_b[stage]], objective, mode);
        Ok([loss(0)?, loss(1)?])
    }

    /// Returns the embeddings of one view of a batch, `[N, D]` for each stage,
    /// for images as those of [`losses`](Self::losses).
    ///
    /// # Errors
    ///
    /// When libtorch refuses an operation.
    pub fn embed(&self, images: &[Tensor; 2], mode: Mode<'_>) -> Result<[Tensor; 2], ModelError> {
        let [pooled1, pooled2] = self.pooled(images, mode)?;
        Ok([self.projectors[0].last(&pooled1)?, self.projectors[1].last(&pooled2)?])
    }

    /// Returns what the projectors' last layers take for one view, `[N, C]` for
    /// each stage.
    fn pooled(&self, images: &[Tensor; 2], mode: Mode<'_>) -> Result<[Tensor; 2], ModelError> {
        let [stage1, stage2] = &self.stages;
        let [projector1, projector2] = &self.projectors;
        let v1 = stage1.forward(&images[0], mode, &self.dropout)?;
        let below = no_grad(|| stage1.forward(&images[1], mode, &self.dropout))?;
        let v2 = stage2.forward(&below, mode, &self.dropout)?;
        Ok([projector1.pooled(&v1, mode)?, projector2.pooled(&v2, mode)?])
    }

    fn loss(
        &self,
        stage: usize,
        pooled: [&Tensor; 2],
        objective: Objective,
        mode: Mode<'_>,
    ) -> Result<Tensor, ModelError> {
        let projector = &self.projectors[stage];
        let embeddings =
            || Ok::<_, TchError>([projector.last(pooled[0])?, projector.last(pooled[1])?]);
        Ok(match objective {
            Objective::BarlowTwins(loss) => {
                loss.loss(pooled, &projector.fc2.weight, &projector.fc2.bias, mode.ranks())?
            }
            Objective::SimClr(loss) => {
                let [z_a, z_b] = embeddings()?;
                loss.loss(&z_a, &z_b, mode.ranks())?
            }
            Objective::SimSiam(loss) => {
                let [z_a, z_b] = embeddings()?;
                let predictors = self.predictors.as_ref().ok_or(ModelError::NoPredictors)?;
                let predicted = |z: &Tensor| predictors[stage].predicted(z, mode);
                loss.loss([&predicted(&z_a)?, &predicted(&z_b)?], [&z_a, &z_b], mode.ranks())?
            }
        })
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
        for (index, predictor) in self.predictors.iter().flatten().enumerate() {
            parameters.extend(predictor.parameters(&format!("predictor{}", index + 1)));
        }
        parameters
    }

    /// Returns the parameters of a stage, its projector and its predictor of
    /// whose gradients each rank has a part.
    ///
    /// Barlow Twins has the projector's last layer after its sum over ranks:
    /// its gradient is whole on every rank.
    pub(crate) fn parameters_in_parts(&self, stage: usize, objective: Objective) -> Vec<Tensor> {
        let mut parameters = self.stages[stage].parameters("");
        parameters.extend(match objective {
            Objective::BarlowTwins(_) => self.projectors[stage].first_parameters(""),
            Objective::SimClr(_) | Objective::SimSiam(_) => self.projectors[stage].parameters(""),
        });
        if let Some(predictors) = &self.predictors {
            parameters.extend(predictors[stage].parameters(""));
        }
        parameters.into_iter().map(|parameter| parameter.tensor).collect()
    }

    /// Returns everything that training changes: parameters and running
    /// statistics, shared with the network.
    pub(crate) fn tensors(&self) -> Vec<Tensor> {
        let parameters = self.parameters().into_iter().map(|parameter| parameter.tensor);
        let projectors = self.projectors.iter().chain(self.predictors.iter().flatten());
        let statistics = self.stages.iter().flat_map(Stage::statistics);
        parameters.chain(statistics).chain(projectors.flat_map(Projector::statistics)).collect()
    }

    /// Copies the weights out.
    ///
    /// # Errors
    ///
    /// When libtorch cannot copy them.
    pub fn checkpoint(&self, step: u64, config: String) -> Result<Checkpoint, ModelError> {
        let Origin { pool, input_side, input } = self.origin;
        let both = |[first, second]: &[Projector; 2]| {
            Ok::<_, TchError>([first.weights()?, second.weights()?])
        };
        Ok(Checkpoint {
            pool,
            mean: input.mean,
            std: input.std,
            step,
            config: Some(config),
            input_side,
            components: self.stages[0].components()?,
            convolutions: self.stages.iter().map(Stage::weights).collect::<Result<_, _>>()?,
            projectors: Some(both(&self.projectors)?),
            predictors: self.predictors.as_ref().map(both).transpose()?,
        })
    }
}

/// Copies the two stages of a checkpoint to a device: each convolution with the
/// pool behind it, which are trained together.
pub(super) fn stages(checkpoint: &Checkpoint, device: Device) -> Result<[Stage; 2], ModelError> {
    let geometry = checkpoint.geometries();
    let stage = |index: usize, components: Components| {
        let weights = &checkpoint.convolutions[index];
        Stage::new(weights, geometry[index], components, checkpoint.pool, device)
    };
    let map = geometry[0].out_side(checkpoint.input_side);
    let of_v1 = Components::new(checkpoint.components.as_ref(), map, device)?;
    Ok([stage(0, of_v1)?, stage(1, Components::default())?])
}
