//! What a run trains, whichever network it is.

use tch::{Device, Tensor, no_grad};

use super::{TrainError, validation::DeviceBatch};
use crate::{
    loss::{Objective, Recognised, cross_entropy},
    model::{Mode, Network, Occasion, Parameter, RecogniserNetwork},
};
use lcl_artefacts::saved::Saved;
use lcl_run::{config::Config, run::Accuracy};

/// The network of a run with its objective.
#[derive(Debug)]
pub(super) enum Learner {
    /// The layers of LCL-V2, a loss for each.
    Layers { network: Box<Network>, objective: Objective },
    /// A network that names images, one loss.
    Recogniser(Box<RecogniserNetwork>),
}

/// What a batch came to.
pub(super) struct Answer {
    /// The loss of each stage, scalars.
    pub(super) losses: Vec<Tensor>,
    /// In recognition, the shares of the first and the first five answers, `[2]`.
    shares: Option<Tensor>,
}

impl Answer {
    /// Copies the accuracy out, if there is one.
    pub(super) fn accuracy(&self) -> Result<Option<Accuracy>, TrainError> {
        let Some(shares) = &self.shares else { return Ok(None) };
        let [top1, top5] = [shares.f_double_value(&[0])?, shares.f_double_value(&[1])?];
        Ok(Some(Accuracy { top1, top5 }))
    }
}

impl Learner {
    /// Copies the weights to a device.
    pub(super) fn new(saved: &Saved, config: &Config, device: Device) -> Result<Self, TrainError> {
        let precision = config.training.precision;
        Ok(match saved {
            Saved::Layers(checkpoint) => Self::Layers {
                network: Box::new(Network::new(checkpoint, device, precision)?),
                objective: Objective::new(config.loss),
            },
            Saved::Recogniser(recogniser) => {
                Self::Recogniser(Box::new(RecogniserNetwork::new(recogniser, device, precision)?))
            }
        })
    }

    /// Begins a step of training, which says what chance in the network draws.
    pub(super) fn begin_step(&self, occasion: Occasion) {
        match self {
            Self::Layers { network, .. } => network.begin_step(occasion),
            Self::Recogniser(network) => network.begin_step(occasion),
        }
    }

    /// Returns the losses of a batch.
    pub(super) fn answer(&self, batch: &DeviceBatch, mode: Mode<'_>) -> Result<Answer, TrainError> {
        match self {
            Self::Layers { network, objective } => {
                let losses = network.losses(batch.views(), *objective, mode)?.into();
                Ok(Answer { losses, shares: None })
            }
            Self::Recogniser(network) => {
                let scores = network.scores(batch.only_view(), mode)?;
                let Recognised { loss, shares } =
                    cross_entropy(&scores, batch.labels()?, mode.ranks())?;
                Ok(Answer { losses: vec![loss], shares: Some(shares) })
            }
        }
    }

    /// Returns the losses on held-out images, with running statistics; where
    /// images are independent, `part` at a time.
    pub(super) fn validated(
        &self,
        held_out: &DeviceBatch,
        part: usize,
    ) -> Result<Answer, TrainError> {
        if matches!(self, Self::Layers { .. }) {
            return no_grad(|| self.answer(held_out, Mode::Evaluation));
        }
        let mut sum: Option<[Tensor; 2]> = None;
        let images = held_out.images();
        for first in (0..images).step_by(part.max(1)) {
            let batch = held_out.part(first, part.max(1).min(images - first))?;
            let share = batch.images() as f64 / images as f64;
            let answer = no_grad(|| self.answer(&batch, Mode::Evaluation))?;
            let (Some(loss), Some(shares)) = (answer.losses.first(), &answer.shares) else {
                continue;
            };
            let weighted = [loss.f_mul_scalar(share)?, shares.f_mul_scalar(share)?];
            sum = Some(match sum {
                None => weighted,
                Some([a, b]) => [a.f_add(&weighted[0])?, b.f_add(&weighted[1])?],
            });
        }
        let (losses, shares) = sum.map_or((Vec::new(), None), |[a, b]| (vec![a], Some(b)));
        Ok(Answer { losses, shares })
    }

    /// Returns the tensors to train.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Layers { network, .. } => network.parameters(),
            Self::Recogniser(network) => network.parameters(),
        }
    }

    /// Returns the parameters of a stage of whose gradients each rank has a part.
    pub(super) fn parameters_in_parts(&self, stage: usize) -> Vec<Tensor> {
        match self {
            Self::Layers { network, objective } => network.parameters_in_parts(stage, *objective),
            Self::Recogniser(network) => {
                network.parameters().into_iter().map(|parameter| parameter.tensor).collect()
            }
        }
    }

    /// Returns everything that training changes.
    pub(super) fn tensors(&self) -> Vec<Tensor> {
        match self {
            Self::Layers { network, .. } => network.tensors(),
            Self::Recogniser(network) => network.tensors(),
        }
    }

    /// Copies the weights out.
    pub(super) fn checkpoint(&self, step: u64, config: String) -> Result<Saved, TrainError> {
        Ok(match self {
            Self::Layers { network, .. } => {
                Saved::Layers(Box::new(network.checkpoint(step, config)?))
            }
            Self::Recogniser(network) => {
                Saved::Recogniser(Box::new(network.checkpoint(step, config)?))
            }
        })
    }

    /// Returns the layers of LCL-V2, if these are what is trained.
    pub(super) fn layers(&self) -> Option<&Network> {
        match self {
            Self::Layers { network, .. } => Some(network),
            Self::Recogniser(_) => None,
        }
    }
}
