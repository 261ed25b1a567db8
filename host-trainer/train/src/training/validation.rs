//! The loss on held-out images, with the same views each time.

use tch::{Device, Kind, TchError, Tensor, no_grad};

use super::TrainError;
use crate::model::{Mode, Network, length, tensor, values};
use lcl_run::{device::Precision, loader::Batch, run::Losses};

/// The views of a batch on a device: for views A and B, the images of each
/// stage, `[N, 3, size, size]`, in the precision of the layers.
pub(super) struct DeviceBatch {
    images: usize,
    views: [[Tensor; 2]; 2],
    /// The class of each image in recognition, `[N]`.
    labels: Option<Tensor>,
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
            let values = &batch.views[stage][view];
            // Images with classes have one view alone.
            let side = if values.is_empty() { 0 } else { batch.sides[stage] };
            let shape = [batch.images, side, side, 3];
            tensor(values, &shape, device)?.f_to_kind(kind)?.f_permute([0, 3, 1, 2])
        };
        let view = |view: usize| Ok::<_, TchError>([load(0, view)?, load(1, view)?]);
        let labels = (!batch.labels.is_empty())
            .then(|| Tensor::f_from_slice(&batch.labels)?.f_to_device(device))
            .transpose()?;
        Ok(Self { images: batch.images, views: [view(0)?, view(1)?], labels })
    }

    /// Returns views A and B, the images of each stage.
    pub(super) fn views(&self) -> &[[Tensor; 2]; 2] {
        &self.views
    }

    /// Returns the one view of images with classes.
    pub(super) fn only_view(&self) -> &Tensor {
        &self.views[1][0]
    }

    /// Returns the class of each image.
    pub(super) fn labels(&self) -> Result<&Tensor, TchError> {
        let none = || TchError::Torch("the images of this batch have no classes".to_owned());
        self.labels.as_ref().ok_or_else(none)
    }

    /// Returns some of the images with classes.
    pub(super) fn part(&self, first: usize, images: usize) -> Result<Self, TchError> {
        let narrow = |tensor: &Tensor| tensor.f_narrow(0, length(first), length(images));
        let none = Tensor::shallow_clone;
        let [[a1, a2], [b1, b2]] = &self.views;
        let views = [[none(a1), none(a2)], [narrow(b1)?, none(b2)]];
        Ok(Self { images, views, labels: self.labels.as_ref().map(narrow).transpose()? })
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
}

/// Copies the losses out, and checks that they are numbers.
pub(super) fn finite(losses: &[Tensor], step: u64) -> Result<Losses, TrainError> {
    let mut stages = [0.0; 2];
    for (stage, loss) in stages.iter_mut().zip(losses) {
        *stage = loss.f_double_value(&[])?;
    }
    for (index, loss) in stages.into_iter().enumerate() {
        if !loss.is_finite() {
            return Err(TrainError::NotFinite { step, stage: index + 1, loss, last_good: None });
        }
    }
    Ok(Losses { stages })
}
