//! Networks that name images, as the command line gives them.

use std::path::Path;

use anyhow::{Context, Result};
use host_trainer::{
    blob_file::{BlobFile, is_blob},
    device::DeviceChoice,
    feature_model::FeatureModel,
    recogniser::Recogniser,
    score_model::{BlobRecogniser, ScoreModel},
};
use lcl_infer::Architecture;

/// Side of the images of a blob where nothing is said.
const BLOB_SIDE: u32 = 96;

/// Opens the checkpoint or the blob of a network that names images.
pub fn open(path: &Path, side: Option<u32>, device: DeviceChoice) -> Result<Box<dyn ScoreModel>> {
    if is_blob(path) {
        let model = BlobRecogniser::new(BlobFile::read(path)?, side.unwrap_or(BLOB_SIDE));
        return Ok(Box::new(model.with_context(|| format!("opening {}", path.display()))?));
    }
    float(&Recogniser::read(path)?, side, device)
}

/// Returns the float network of a recogniser.
#[cfg(feature = "torch")]
pub fn float(
    recogniser: &Recogniser,
    side: Option<u32>,
    device: DeviceChoice,
) -> Result<Box<dyn ScoreModel>> {
    Ok(Box::new(host_trainer::model::FloatRecogniser::new(recogniser, side, device)?))
}

/// Returns the error of this build.
#[cfg(not(feature = "torch"))]
pub fn float(_: &Recogniser, _: Option<u32>, _: DeviceChoice) -> Result<Box<dyn ScoreModel>> {
    Err(super::libtorch::WithoutLibtorch.into())
}

/// Returns the float network of a recogniser, with the features of a blob's layers.
#[cfg(feature = "torch")]
#[expect(clippy::large_types_passed_by_value, reason = "it becomes part of the network")]
pub fn features(
    recogniser: &Recogniser,
    side: u32,
    architecture: Architecture,
    device: DeviceChoice,
) -> Result<Box<dyn FeatureModel>> {
    let network = host_trainer::model::FloatRecogniser::new(recogniser, Some(side), device)?;
    Ok(Box::new(network.with_architecture(architecture)))
}

/// Returns the error of this build.
#[cfg(not(feature = "torch"))]
pub fn features(
    _: &Recogniser,
    _: u32,
    _: Architecture,
    _: DeviceChoice,
) -> Result<Box<dyn FeatureModel>> {
    Err(super::libtorch::WithoutLibtorch.into())
}
