//! Why no blob can carry a checkpoint.

use std::fmt;

/// One thing about a checkpoint that no blob can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Local fields have weights for each place.
    LocalFields {
        /// Side of the map that they stand on, in pixels.
        side: usize,
        /// How many weights, a byte each in a blob.
        weights: usize,
    },
    /// Magnification goes along rings and angles.
    Magnification {
        /// Side of the map that is magnified, in pixels.
        side: usize,
        /// Bytes of the whole map, which each ring needs parts of.
        bytes: usize,
    },
    /// Centre–surround without the ReLU behind it gives either sign.
    Signed,
    /// A colour-opponent retina takes colours.
    GreyRetina,
    /// A retina takes light as it is.
    RetinaInput,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalFields { side, weights } => write!(
                f,
                "local fields: weights of their own at each of {side}×{side} places are \
                 {weights} bytes of flash ({} in the checkpoint), and no layer of the engine has \
                 weights for each place; train without local = true",
                4 * weights
            ),
            Self::Magnification { side, bytes } => write!(
                f,
                "magnification: its rings and angles mix rows with columns, and the engine \
                 resamples rows and columns alone, one table for both; it would also keep the \
                 whole map of {side}×{side} pixels, {bytes} bytes; train without \
                 magnification = true, and for a fine middle and a coarse edge quantise with \
                 --fovea"
            ),
            Self::Signed => f.write_str(
                "centre-surround without its ReLU: it gives either sign, and the bytes of a map \
                 have none; train with rectify = true",
            ),
            Self::GreyRetina => f.write_str(
                "a colour-opponent retina: it takes red, green and blue, and grey images have one \
                 channel; leave --input out",
            ),
            Self::RetinaInput => f.write_str(
                "a retina behind a normalised input: the engine's takes light as it is; train \
                 with input.mean = [0, 0, 0] and input.std = [1, 1, 1]",
            ),
        }
    }
}

/// Joins reasons as a sentence has them.
pub(super) fn listed(reasons: &[Refusal]) -> String {
    reasons.iter().map(Refusal::to_string).collect::<Vec<_>>().join("; and ")
}
