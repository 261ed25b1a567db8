//! Why explained variance cannot be computed.

use super::{layout::LayoutError, responses::Exclusions, splits::SplitError};
use crate::EvaluatedModelError;
use lcl_images::DecodeError;

/// Explained variance cannot be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NeuralError {
    /// The responses cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The model cannot be run.
    #[error(transparent)]
    Model(#[from] EvaluatedModelError),
    /// An image cannot be used.
    #[error("{0}; every stimulus is needed")]
    Image(DecodeError),
    /// The stimuli cannot be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Images and unnamed stimuli differ in number.
    #[error(
        "there are {stimuli} stimuli and {images} images, and no names say which belong together; \
         give the names as `images` in the file of responses, or the very images"
    )]
    ImageCount {
        /// Stimuli.
        stimuli: usize,
        /// Images.
        images: usize,
    },
    /// Stimuli have no images.
    #[error("{count} of {stimuli} stimuli have no image, such as {first}; give a folder with all")]
    NoImage {
        /// How many have none.
        count: usize,
        /// All stimuli.
        stimuli: usize,
        /// One that has none.
        first: String,
    },
    /// An image's name occurs twice, or a stimulus is named twice.
    #[error("{name} is named twice, as a stimulus or as an image; name each once")]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// There are no repetitions.
    #[error(
        "there is one trial of each stimulus, or the mean of several, and the ceiling needs at \
         least two: give every trial, [stimuli, repetitions, neurons]"
    )]
    NoRepetition,
    /// No neuron can be used.
    #[error("none of {neurons} neurons can be used: {}", describe(.exclusions))]
    NoNeuron {
        /// Neurons.
        neurons: usize,
        /// Why they cannot.
        exclusions: Exclusions,
    },
    /// There are too few images for the components.
    #[error(
        "{components} components need more than {components} images for fitting, and there are \
         {train} of {stimuli}; give more stimuli or fewer --components"
    )]
    FewImages {
        /// Components.
        components: usize,
        /// Images for fitting.
        train: usize,
        /// All stimuli.
        stimuli: usize,
    },
    /// There are too few images to test on.
    #[error("{test} images for testing are too few for a correlation; give 30 stimuli or more")]
    FewTests {
        /// Images for testing.
        test: usize,
    },
    /// There are fewer features than components.
    #[error("{features} features are fewer than {components} components; give fewer --components")]
    FewFeatures {
        /// Features of the area.
        features: usize,
        /// Components.
        components: usize,
    },
    /// The features are not numbers, or the same for all images.
    #[error(
        "the features of {area} are equal for all stimuli, or not finite; is this the model that \
         was meant, and are these its images?"
    )]
    NoFeatures {
        /// The area.
        area: &'static str,
    },
    /// No neuron has a ceiling.
    #[error(
        "none of {neurons} neurons responds differently to different stimuli in both halves of its \
         trials, so that there is no ceiling; give more trials"
    )]
    NoCeiling {
        /// Neurons.
        neurons: usize,
    },
    /// There are too few neurons for quarters.
    #[error("{neurons} neurons are too few for quarters; leave --quartiles out")]
    NoQuarters {
        /// Neurons.
        neurons: usize,
    },
    /// No correlation could be computed.
    #[error("what {area} predicts does not vary for any neuron; give more stimuli")]
    NoPrediction {
        /// The area.
        area: &'static str,
    },
}

// The message holds what happened, so that it is no source as well, which would
// be printed after it.
impl From<DecodeError> for NeuralError {
    fn from(error: DecodeError) -> Self {
        Self::Image(error)
    }
}

fn describe(exclusions: &Exclusions) -> String {
    format!(
        "{} have fewer than two trials of some stimulus, {} never fire, {} respond to all stimuli \
         alike",
        exclusions.too_few_trials.len(),
        exclusions.silent.len(),
        exclusions.constant.len(),
    )
}
