//! Networks that name what is on an image: how often they are right, and what
//! they decide.
//!
//! [`accuracy`] counts right answers; [`decide`] writes answers as a table that
//! [`behaviour`](crate::behaviour) reads.

mod accuracy;
mod categories;
mod decide;

use std::sync::Arc;

use lcl_artefacts::{
    feature_model::FeatureError, score_model::ScoreModel, sized_image::SizedImage,
};
use lcl_images::{ClassError, DataError, ImageSet, images_at_size};

pub use accuracy::{AccuracyFindings, Agreement, ClassAccuracy, accuracy};
pub use categories::{CATEGORIES, CategoryError, Decider};
pub use decide::{DecideError, Decided, decide};

/// Images that are computed as one batch.
const BATCH: usize = 32;

/// Images cannot be recognised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecognitionError {
    /// The images cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images have no classes, or other ones than the model.
    #[error(transparent)]
    Class(#[from] ClassError),
    /// The network cannot be run.
    #[error(transparent)]
    Model(#[from] FeatureError),
}

/// Calls `each` with every image of a set at the model's size and its scores, and
/// returns how many images could not be used.
fn for_each_score(
    model: &dyn ScoreModel,
    set: &Arc<ImageSet>,
    mut each: impl FnMut(&str, &[f32]),
) -> Result<usize, RecognitionError> {
    let mut images = images_at_size(Arc::clone(set), model.side());
    loop {
        let batch: Vec<SizedImage> = images.by_ref().take(BATCH).collect::<Result<_, _>>()?;
        if batch.is_empty() {
            return Ok(images.skipped());
        }
        let (names, pixels): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|image| (image.name, image.pixels)).unzip();
        for (name, scores) in names.iter().zip(model.scores(&pixels)?) {
            each(name, &scores);
        }
    }
}

/// Returns the place of the largest value, the first of several; 0 of none.
fn largest(values: impl IntoIterator<Item = f64>) -> usize {
    let values = values.into_iter().enumerate();
    let first = (0, f64::NEG_INFINITY);
    values.fold(first, |best, next| if next.1 > best.1 { next } else { best }).0
}
