//! Random streams that depend on what they are for, never on who draws first.
//!
//! Every source of chance has a key: the run's seed, its purpose and two
//! numbers that name the occasion. So nothing depends on the number or order
//! of threads, and a resumed run continues with the numbers that it would have
//! drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a random stream is for; streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Which images are held out for validation.
    Split = 1,
    /// The order of the training images in an epoch.
    Order = 2,
    /// The views of one image while training.
    TrainingView = 3,
    /// The views of one held-out image.
    ValidationView = 4,
    /// Initial weights.
    Weights = 5,
    /// Synthetic images and their textures.
    Synthetic = 6,
    /// Noise of the built-in scene.
    Scene = 7,
    /// Phases of the noise that is made of a texture.
    PhaseNoise = 8,
    /// What a bootstrap draws again.
    Bootstrap = 9,
    /// Channels that are dropped while training.
    Dropout = 20,
    /// Simulated neurons, their cortex and their noise.
    Population = 10,
    /// Positions that a readout samples, and its initial values.
    Readout = 11,
}

/// Returns the stream for `purpose` on the occasion that `key` names.
#[must_use]
pub fn stream(seed: u64, purpose: Purpose, key: [u64; 2]) -> ChaCha8Rng {
    let words = [seed, purpose as u64, key[0], key[1]];
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(bytes)
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;

    #[test]
    fn streams_depend_on_every_part_of_the_key() {
        let first = |seed, purpose, key| stream(seed, purpose, key).next_u64();
        let reference = first(1, Purpose::Order, [2, 3]);
        assert_eq!(reference, first(1, Purpose::Order, [2, 3]));
        for other in [
            first(0, Purpose::Order, [2, 3]),
            first(1, Purpose::Split, [2, 3]),
            first(1, Purpose::Order, [0, 3]),
            first(1, Purpose::Order, [2, 0]),
        ] {
            assert_ne!(reference, other);
        }
    }
}
