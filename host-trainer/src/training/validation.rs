//! The loss on held-out images, with the same views each time.

use tch::{Device, TchError, Tensor, no_grad};

use super::TrainError;
use crate::{
    loader::Batch,
    loss::BarlowTwins,
    model::{Mode, Network, tensor},
    run::Losses,
};

/// The views of a batch on a device: for views A and B, the images of each
/// stage, `[N, 3, size, size]`.
pub(super) struct DeviceBatch {
    views: [[Tensor; 2]; 2],
}

impl DeviceBatch {
    /// Copies a batch to a device.
    pub(super) fn new(batch: &Batch, device: Device) -> Result<Self, TchError> {
        let load = |stage: usize, view: usize| {
            let shape = [batch.images, batch.sides[stage], batch.sides[stage], 3];
            tensor(&batch.views[stage][view], &shape, device)?.f_permute([0, 3, 1, 2])
        };
        let view = |view: usize| Ok::<_, TchError>([load(0, view)?, load(1, view)?]);
        Ok(Self { views: [view(0)?, view(1)?] })
    }

    /// Returns the loss of each stage on this batch.
    pub(super) fn losses(
        &self,
        network: &Network,
        loss: BarlowTwins,
        mode: Mode,
    ) -> Result<[Tensor; 2], TrainError> {
        let [view_a, view_b] = &self.views;
        let [z1_a, z2_a] = network.embed(view_a, mode)?;
        let [z1_b, z2_b] = network.embed(view_b, mode)?;
        Ok([loss.loss(&z1_a, &z1_b)?, loss.loss(&z2_a, &z2_b)?])
    }
}

/// Returns the losses on held-out images, with running statistics.
pub(super) fn validate(
    network: &Network,
    loss: BarlowTwins,
    held_out: &DeviceBatch,
    step: u64,
) -> Result<Losses, TrainError> {
    no_grad(|| finite(&held_out.losses(network, loss, Mode::Evaluation)?, step))
}

/// Copies the losses out, and checks that they are numbers.
pub(super) fn finite(losses: &[Tensor; 2], step: u64) -> Result<Losses, TrainError> {
    let stages = [losses[0].f_double_value(&[])?, losses[1].f_double_value(&[])?];
    for (index, loss) in stages.into_iter().enumerate() {
        if !loss.is_finite() {
            return Err(TrainError::NotFinite { step, stage: index + 1, loss });
        }
    }
    Ok(Losses { stages })
}
