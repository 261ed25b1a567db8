//! Passes over images through the float network: calibration and comparison.

use lcl_infer::{Architecture, Blob};

use crate::{Calibration, Ranges};
use lcl_artefacts::compare::{Agreement, TapAgreement, TapComparison};
use lcl_artefacts::feature_model::{FeatureError, FeatureModel};
use lcl_artefacts::integer_features::{AREAS, IntegerError, integer_features};
use lcl_artefacts::sized_image::{ImageError, SizedImage, as_seen, for_each_batch};

/// A pass over images cannot be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassError {
    /// The images cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The float network cannot be run.
    #[error(transparent)]
    Model(#[from] FeatureError),
    /// The float network in plain loops cannot be run.
    #[error(transparent)]
    Folded(#[from] crate::FoldedError),
    /// The blob cannot be run.
    #[error(transparent)]
    Integer(#[from] IntegerError),
}

/// Collects what quantisation for a blob of that architecture needs to know from
/// images of one size, which `images` returns twice.
///
/// # Errors
///
/// When the images cannot be had or the network cannot be run.
pub fn calibrate<I, S: Into<ImageError>>(
    network: &dyn FeatureModel,
    architecture: Architecture,
    images: impl Fn() -> I,
) -> Result<Calibration, PassError>
where
    I: Iterator<Item = Result<SizedImage, S>>,
{
    let input = architecture.input();
    let mut ranges = Ranges::new(architecture);
    for_each_batch::<PassError, ImageError>(had(images()), |_, batch| {
        ranges.add(batch, &network.features(&as_seen(batch, input))?);
        Ok(())
    })?;
    let mut search = ranges.search();
    for_each_batch::<PassError, ImageError>(had(images()), |_, batch| {
        search.add(&network.features(&as_seen(batch, input))?);
        Ok(())
    })?;
    Ok(search.finish())
}

/// Compares a blob's features with those of the float network, V1 and V2, on
/// images of one size. Where the blob takes grey images, both see their luma.
///
/// # Errors
///
/// When the images cannot be had or a network cannot be run.
pub fn compare<S: Into<ImageError>>(
    network: &dyn FeatureModel,
    blob: &Blob<'_>,
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> Result<[Agreement; 2], PassError> {
    Ok(compare_channels(network, blob, images)?.map(|tap| tap.all))
}

/// Compares as [`compare`] does, channel by channel.
///
/// # Errors
///
/// As of [`compare`].
pub fn compare_channels<S: Into<ImageError>>(
    network: &dyn FeatureModel,
    blob: &Blob<'_>,
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> Result<[TapAgreement; 2], PassError> {
    let scales = AREAS.map(|tap| blob.output_scale(tap).unwrap_or_default());
    let mut comparisons = scales.map(|scales| TapComparison::new(scales.len()));
    for_each_batch::<PassError, ImageError>(had(images), |_, batch| {
        let float = network.features(&as_seen(batch, blob.input()))?;
        let bytes = integer_features(blob, batch)?;
        for ((tap, comparison), bytes) in AREAS.into_iter().zip(&mut comparisons).zip(bytes) {
            comparison.add(&float.tap(tap).data, &bytes.dequantise(blob, tap).data);
        }
        Ok(())
    })?;
    Ok(comparisons.map(|comparison| comparison.agreement()))
}

fn had<S: Into<ImageError>>(
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> impl Iterator<Item = Result<SizedImage, ImageError>> {
    images.map(|image| image.map_err(Into::into))
}
