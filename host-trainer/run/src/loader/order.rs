//! The order in which training images are seen.

use std::sync::Arc;

use rand::seq::SliceRandom;

use lcl_artefacts::random::{Purpose, stream};

/// One showing of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How often each image was shown before.
    pub epoch: u64,
    /// The image.
    pub image: usize,
}

/// An endless sequence of showings: every epoch is another permutation of the
/// training images. Batches may reach across epochs.
#[derive(Clone, Debug)]
pub struct Order {
    images: Arc<[usize]>,
    seed: u64,
    epoch: Option<u64>,
    permutation: Vec<usize>,
}

impl Order {
    /// Creates the sequence for `images`.
    #[must_use]
    pub fn new(images: &[usize], seed: u64) -> Self {
        Self { images: images.into(), seed, epoch: None, permutation: Vec::new() }
    }

    /// Returns the showing at `position`, counted from the start of the run.
    ///
    /// # Panics
    ///
    /// When there are no images.
    pub fn at(&mut self, position: u64) -> Sample {
        let count = self.images.len() as u64;
        let epoch = position / count;
        if self.epoch != Some(epoch) {
            self.permutation = self.images.to_vec();
            self.permutation.shuffle(&mut stream(self.seed, Purpose::Order, [epoch, 0]));
            self.epoch = Some(epoch);
        }
        // Below the number of images, which is a `usize`.
        let place = usize::try_from(position % count).unwrap_or_default();
        Sample { epoch, image: self.permutation[place] }
    }

    /// Returns the images in the order of their names.
    #[must_use]
    pub fn images(&self) -> &[usize] {
        &self.images
    }

    /// Returns the seed of the run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }
}
