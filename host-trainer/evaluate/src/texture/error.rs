//! What can go wrong.

use super::{AgainstError, Excluded, RankingError};
use crate::EvaluatedModelError;
use lcl_artefacts::atomic_file::WriteError;
use lcl_images::{DataError, DecodeError};

/// Texture modulation cannot be evaluated, or noise cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextureError {
    /// The images cannot be listed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An image cannot be read.
    #[error("{0}; every sample counts, so copy it again or take it and its partner away")]
    Image(DecodeError),
    /// The model cannot be opened or run.
    #[error(transparent)]
    Model(#[from] EvaluatedModelError),
    /// The ranking cannot be read.
    #[error(transparent)]
    Ranking(#[from] RankingError),
    /// What the model is compared with cannot be read.
    #[error(transparent)]
    Against(#[from] AgainstError),
    /// Noise cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// No family has both textures and noise.
    #[error(
        "no texture family has noise: images are named tex-SIZE-FAMILY-smpN.png and \
         noise-SIZE-FAMILY-smpN.png, and --make-noise makes the noise; {}",
        excluded.sentences().join(" ")
    )]
    NoFamily {
        /// What was there.
        excluded: Excluded,
    },
    /// There are no textures to make noise of.
    #[error("no image is named tex-SIZE-FAMILY-smpN.png; noise is made of such images")]
    NoTexture,
    /// Two images are the same sample.
    #[error("{first} and {second} are the same sample of a family; keep one of them")]
    Twice {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// A feature is no number.
    #[error("{area} of {image} has a feature that is not finite; the model is damaged")]
    NotFinite {
        /// V1 or V2.
        area: &'static str,
        /// The image.
        image: String,
    },
    /// The model returned something else than features of every image.
    #[error("the model returned features of {got} images where {expected} were given")]
    Features {
        /// Images given.
        expected: usize,
        /// Images returned.
        got: usize,
    },
}

// The message holds what happened, so that it is no source as well, which would
// be printed after it.
impl From<DecodeError> for TextureError {
    fn from(error: DecodeError) -> Self {
        Self::Image(error)
    }
}
