//! What is evaluated: anything that turns images into features of V1 and V2.

use std::{ffi::OsStr, fmt, path::PathBuf, str::FromStr};

use image::RgbImage;

use lcl_artefacts::{
    blob_file::{BlobError, BlobFile, is_blob},
    checkpoint::{Checkpoint, CheckpointError, InputConfig, ModelConfig},
    feature_map::FeatureMap,
    feature_model::{FeatureError, FeatureModel, Fields},
    integer_features::{IntegerError, integer_features},
};

use super::steerable_pyramid::{PyramidError, steerable_pyramid};
use lcl_infer::{Blob, LayerKind, V1, V2};

/// Which model is evaluated, as the command line says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    /// A checkpoint, or a blob, `.lcl`.
    File(PathBuf),
    /// The network before training, with the initial weights of a seed:
    /// `untrained` or `untrained:SEED`.
    Untrained(u64),
    /// The hand-made baseline, a steerable pyramid: `v1-steerpyr`.
    SteerablePyramid,
}

/// How the command line calls the steerable pyramid.
const STEERABLE_PYRAMID: &str = "v1-steerpyr";

/// The text names no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no seed; write untrained or untrained:SEED, a number")]
pub struct UnknownModel(String);

impl ModelChoice {
    /// Takes the name of a model as a system gives it; one that is not UTF-8 is a
    /// file.
    ///
    /// # Errors
    ///
    /// When the seed of an untrained one is none.
    pub fn from_os(name: &OsStr) -> Result<Self, UnknownModel> {
        name.to_str().map_or_else(|| Ok(Self::File(name.into())), str::parse)
    }
}

impl FromStr for ModelChoice {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        match text.split_once(':') {
            None if text == "untrained" => Ok(Self::Untrained(0)),
            None if text == STEERABLE_PYRAMID => Ok(Self::SteerablePyramid),
            Some(("untrained", seed)) => {
                seed.parse().map(Self::Untrained).map_err(|_| UnknownModel(seed.to_owned()))
            }
            _ => Ok(Self::File(text.into())),
        }
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Untrained(seed) => write!(f, "untrained:{seed}"),
            Self::SteerablePyramid => f.write_str(STEERABLE_PYRAMID),
        }
    }
}

/// A model cannot be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluatedModelError {
    /// The checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The blob cannot be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The float network cannot be run.
    #[error(transparent)]
    Float(#[from] FeatureError),
    /// The blob cannot be run.
    #[error(transparent)]
    Integer(#[from] IntegerError),
    /// The steerable pyramid cannot be computed.
    #[error(transparent)]
    Pyramid(#[from] PyramidError),
}

/// A model that turns images into features of V1 and V2.
#[derive(Debug)]
pub struct EvaluatedModel {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// In 32-bit floats.
    Float(Box<dyn FeatureModel>),
    /// The bytes of a chip, dequantised.
    Integer(BlobFile),
    SteerablePyramid,
}

impl EvaluatedModel {
    /// Opens a model; `float` makes the network of a checkpoint.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or `float` makes no network.
    pub fn open<E: From<EvaluatedModelError>>(
        choice: &ModelChoice,
        float: impl FnOnce(&Checkpoint) -> Result<Box<dyn FeatureModel>, E>,
    ) -> Result<Self, E> {
        let kind = match choice {
            ModelChoice::File(path) if is_blob(path) => {
                Kind::Integer(BlobFile::read(path).map_err(EvaluatedModelError::Blob)?)
            }
            ModelChoice::File(path) => {
                let read = Checkpoint::read(path).map_err(EvaluatedModelError::Checkpoint);
                Kind::Float(float(&read?)?)
            }
            ModelChoice::Untrained(seed) => Kind::Float(float(&untrained(*seed))?),
            ModelChoice::SteerablePyramid => Kind::SteerablePyramid,
        };
        Ok(Self { name: choice.to_string(), kind })
    }

    /// Returns the hand-made baseline, `v1-steerpyr`.
    #[must_use]
    pub fn steerable_pyramid() -> Self {
        Self { name: STEERABLE_PYRAMID.to_owned(), kind: Kind::SteerablePyramid }
    }

    /// Returns what the model is called: its file, or as the command line says
    /// it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what components of the model change about where its units look.
    #[must_use]
    pub fn fields(&self) -> Fields {
        match &self.kind {
            Kind::Float(network) => network.fields(),
            Kind::Integer(file) => file.open().map(|blob| fields(&blob)).unwrap_or_default(),
            Kind::SteerablePyramid => Fields::default(),
        }
    }

    /// Returns the features of V1 and V2, after the pool, `[N, H, W, C]` each,
    /// of images of equal size, which are computed as one batch. Features of a
    /// blob are dequantised, `scale · byte`.
    ///
    /// # Errors
    ///
    /// When the images differ in size or are too small, or memory runs out.
    pub fn features(&self, images: &[RgbImage]) -> Result<[FeatureMap; 2], EvaluatedModelError> {
        match &self.kind {
            Kind::Float(network) => Ok(network.features(images)?.into_areas()),
            Kind::Integer(file) => {
                let blob = file.open()?;
                let [v1, v2] = integer_features(&blob, images)?;
                Ok([v1.dequantise(&blob, V1), v2.dequantise(&blob, V2)])
            }
            Kind::SteerablePyramid => Ok(steerable_pyramid(images)?),
        }
    }
}

/// Returns what the components in a blob change about where units look: a retina
/// in front, and what stands between the first convolution and V1's pool.
fn fields(blob: &Blob<'_>) -> Fields {
    let mut fields = Fields::default();
    let mut is_behind = false;
    for layer in blob.layers().take_while(|layer| layer.tap.is_none()) {
        match layer.kind() {
            LayerKind::Conv(conv) if is_behind => fields.behind += conv.kernel() / 2,
            LayerKind::Conv(_) => is_behind = true,
            LayerKind::Norm(norm) => fields.behind += norm.kernel() / 2,
            // The surround, and the pool of contrast.
            LayerKind::Opponent(_) => fields.in_front += 2 + 1,
            _ => {}
        }
    }
    fields
}

/// Returns the network before training, of the default configuration.
pub(super) fn untrained(seed: u64) -> Checkpoint {
    Checkpoint::initial(ModelConfig::default(), InputConfig::default(), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_written_as_they_are_read() {
        for text in ["untrained:7", "v1-steerpyr", "runs/latest/best.safetensors", "C:\\model.lcl"]
        {
            let choice: ModelChoice = text.parse().expect("a model");
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("untrained".parse(), Ok(ModelChoice::Untrained(0)));
        assert!("untrained:x".parse::<ModelChoice>().is_err());
    }
}
