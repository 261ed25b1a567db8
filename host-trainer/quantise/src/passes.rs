//! Passes over images through the float network: calibration and comparison.

use image::RgbImage;
use lcl_infer::{Architecture, Blob, ImageSize, Name, parameters::Operation, reference::layer_ref};
use rayon::prelude::*;

use crate::{Calibration, Ranges};
use lcl_artefacts::compare::{Agreement, Comparison, TapAgreement, TapComparison};
use lcl_artefacts::feature_model::{FeatureError, FeatureModel};
use lcl_artefacts::integer_features::{AREAS, IntegerError, integer_features};
use lcl_artefacts::sized_image::{ImageError, SizedImage, as_seen, for_each_batch, rows};

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
    /// The checkpoint has no float network in plain loops.
    #[error(transparent)]
    Quantise(#[from] crate::QuantiseError),
    /// A budget has no part for a component.
    #[error(
        "an error budget has parts for V1 and V2 alone, and the checkpoint has {}; \
         lcl compare --layers says what each layer keeps",
        components.join(" and ")
    )]
    BudgetOfComponents {
        /// The components, by name.
        components: Vec<&'static str>,
    },
    /// The blob has other layers than the checkpoint.
    #[error("the blob has other layers than the checkpoint: a fovea in front, or a readout behind")]
    OtherLayers,
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

/// Compares every layer of a blob with the float network's, on images of one size,
/// in the plainest form of the integers: `(name, agreement)` for each layer that
/// gives bytes.
///
/// # Errors
///
/// As of [`compare`], and when the layers are not those of the network.
pub fn compare_layers<S: Into<ImageError>>(
    network: &dyn FeatureModel,
    blob: &Blob<'_>,
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> Result<Vec<(Name, Agreement)>, PassError> {
    let mut comparisons: Vec<(Name, Comparison)> =
        blob.layers().map(|layer| (layer.name, Comparison::default())).collect();
    for_each_batch::<PassError, ImageError>(had(images), |_, batch| {
        let float = network.features(&as_seen(batch, blob.input()))?;
        let names = float.layers.iter().map(|layer| layer.layer.name);
        if !names.eq(blob.layers().map(|layer| layer.name)) {
            return Err(PassError::OtherLayers);
        }
        let bytes: Vec<Vec<Vec<f32>>> =
            batch.par_iter().map(|image| layers_of(blob, image)).collect();
        for (at, (_, comparison)) in comparisons.iter_mut().enumerate() {
            for (float, of_image) in float.layers[at].map.images().zip(&bytes) {
                comparison.add(float, &of_image[at]);
            }
        }
        Ok(())
    })?;
    let agreement = |(name, comparison): (Name, Comparison)| (name, comparison.agreement());
    Ok(comparisons.into_iter().map(agreement).collect())
}

/// Returns what each layer of a blob gives for one image, dequantised.
fn layers_of(blob: &Blob<'_>, image: &RgbImage) -> Vec<Vec<f32>> {
    let mut size = ImageSize { width: image.width() as usize, height: image.height() as usize };
    let (mut bytes, mut channels) =
        (rows(image, blob.input()).into_owned(), blob.input().channels());
    let mut scales: Vec<f32> = vec![1.0; channels];
    let mut maps = Vec::new();
    for layer in blob.layers() {
        let operation = layer.operation;
        let kind = layer.kind();
        let next =
            ImageSize { width: kind.out_side(size.width), height: kind.out_height(size.height) };
        let out_c = kind.out_c(channels);
        let mut out = vec![0; next.width * next.height * out_c];
        layer_ref(&operation, size, channels, &bytes, &mut out);
        match operation {
            Operation::Conv(conv) => scales = conv.output_scale.iter().collect(),
            Operation::Norm(norm) => scales = norm.output_scale.iter().collect(),
            Operation::Opponent(retina) => scales = vec![1.0 / f32::from(retina.gain()); out_c],
            _ => {}
        }
        let real = out.iter().zip(scales.iter().cycle());
        maps.push(real.map(|(&byte, scale)| f32::from(byte) * scale).collect());
        (bytes, size, channels) = (out, next, out_c);
    }
    maps
}

fn had<S: Into<ImageError>>(
    images: impl Iterator<Item = Result<SizedImage, S>>,
) -> impl Iterator<Item = Result<SizedImage, ImageError>> {
    images.map(|image| image.map_err(Into::into))
}
