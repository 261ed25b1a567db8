//! The loss on held-out images, with the same views each time.

use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::TrainError;
use crate::{
    loss::Objective,
    model::{Mode, Network, tensor, values},
};
use lcl_run::{device::Precision, loader::Batch, run::Losses};

/// The views of a batch on a device: for views A and B, the images of each
/// stage, `[N, 3, size, size]`, in the precision of the layers.
pub(super) struct DeviceBatch {
    images: usize,
    views: [[Tensor; 2]; 2],
}

impl DeviceBatch {
    /// Copies a batch to a device.
    pub(super) fn new(
        batch: &Batch,
        device: Device,
        precision: Precision,
    ) -> Result<Self, TchError> {
        let kind = match precision {
            // A configuration was resolved before.
            Precision::Float32 | Precision::Auto => Kind::Float,
            Precision::Float64 => Kind::Double,
            Precision::Bfloat16 => Kind::BFloat16,
        };
        let load = |stage: usize, view: usize| {
            let shape = [batch.images, batch.sides[stage], batch.sides[stage], 3];
            tensor(&batch.views[stage][view], &shape, device)?
                .f_to_kind(kind)?
                .f_permute([0, 3, 1, 2])
        };
        let view = |view: usize| Ok::<_, TchError>([load(0, view)?, load(1, view)?]);
        Ok(Self { images: batch.images, views: [view(0)?, view(1)?] })
    }

    /// Returns the number of images.
    pub(super) fn images(&self) -> usize {
        self.images
    }

    /// Returns the embeddings of each stage, views A and B, `[images, D]`, with
    /// running statistics.
    pub(super) fn embeddings(&self, network: &Network) -> Result<[[Vec<f32>; 2]; 2], TrainError> {
        no_grad(|| {
            let [view_a, view_b] = &self.views;
            let [z1_a, z2_a] = network.embed(view_a, Mode::Evaluation)?;
            let [z1_b, z2_b] = network.embed(view_b, Mode::Evaluation)?;
            Ok([[values(&z1_a)?, values(&z1_b)?], [values(&z2_a)?, values(&z2_b)?]])
        })
    }

    /// Returns the loss of each stage on this batch.
    pub(super) fn losses(
        &self,
        network: &Network,
        objective: Objective,
        mode: Mode<'_>,
    ) -> Result<[Tensor; 2], TrainError> {
        Ok(network.losses(&self.views, objective, mode)?)
    }
}

/// Returns the losses on held-out images, with running statistics.
pub(super) fn validate(
    network: &Network,
    objective: Objective,
    held_out: &DeviceBatch,
    step: u64,
) -> Result<Losses, TrainError> {
    no_grad(|| finite(&held_out.losses(network, objective, Mode::Evaluation)?, step))
}

/// Copies the losses out, and checks that they are numbers.
pub(super) fn finite(losses: &[Tensor; 2], step: u64) -> Result<Losses, TrainError> {
    let stages = [losses[0].f_double_value(&[])?, losses[1].f_double_value(&[])?];
    for (index, loss) in stages.into_iter().enumerate() {
        if !loss.is_finite() {
            return Err(TrainError::NotFinite { step, stage: index + 1, loss, last_good: None });
        }
    }
    Ok(Losses { stages })
}
