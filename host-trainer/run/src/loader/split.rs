//! Which images are trained on and which are held out.

use rand::seq::SliceRandom;

use super::LoaderError;
use crate::config::Config;
use lcl_artefacts::random::{Purpose, stream};
use lcl_images::ImageSet;

/// Two disjoint sets of image indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Images to train on.
    pub training: Vec<usize>,
    /// Images held out.
    pub validation: Vec<usize>,
}

impl Split {
    /// Splits `images` images by chance: `validation` of them are held out, at
    /// most a quarter of all and at least two.
    ///
    /// It is biased where images show the same scene: each is drawn by itself, so
    /// scenes that are held out are trained on too, and the held-out loss is
    /// better than on new scenes.
    ///
    /// # Errors
    ///
    /// When fewer than `batch` images are left to train on.
    pub fn new(
        images: usize,
        validation: usize,
        batch: usize,
        seed: u64,
    ) -> Result<Self, LoaderError> {
        let held_out = validation.min(images / 4).max(2);
        if images < held_out + batch.max(2) {
            let needed = format!("a batch of {batch} and {held_out} held out for validation");
            return Err(LoaderError::TooFewImages { images, needed });
        }
        let mut validation: Vec<usize> = (0..images).collect();
        validation.shuffle(&mut stream(seed, Purpose::Split, [0, 0]));
        let training = validation.split_off(held_out);
        Ok(Self { training, validation })
    }

    /// Trains on the first `training` images and validates on those that follow,
    /// `others` of them, of which `validation` at most are drawn.
    ///
    /// # Errors
    ///
    /// When there are fewer than `batch` to train on, or than two to validate on.
    pub fn given(
        training: usize,
        others: usize,
        validation: usize,
        batch: usize,
        seed: u64,
    ) -> Result<Self, LoaderError> {
        if training < batch.max(2) {
            let needed = format!("a batch of {batch}");
            return Err(LoaderError::TooFewImages { images: training, needed });
        }
        if others < 2 {
            let needed = "validation, which needs two".to_owned();
            return Err(LoaderError::TooFewImages { images: others, needed });
        }
        let mut held_out: Vec<usize> = (training..training + others).collect();
        held_out.shuffle(&mut stream(seed, Purpose::Split, [0, 0]));
        held_out.truncate(validation);
        // Shuffled as those are that held-out ones are drawn from.
        let mut order: Vec<usize> = (0..training).collect();
        order.shuffle(&mut stream(seed, Purpose::Split, [1, 0]));
        Ok(Self { training: order, validation: held_out })
    }

    /// Splits the images of `set` as `config` says, which `set` was opened with:
    /// the sources to train on first, then those to validate on.
    ///
    /// # Errors
    ///
    /// When there are too few images.
    pub fn of_run(set: &ImageSet, config: &Config) -> Result<Self, LoaderError> {
        let (data, training) = (&config.data, &config.training);
        if data.validation_sources.is_empty() {
            return Self::new(set.len(), data.validation_images, training.batch, training.seed);
        }
        let lens = set.source_lens();
        let to_train = lens.iter().take(data.sources.len()).sum();
        let others = set.len() - to_train;
        Self::given(to_train, others, data.validation_images, training.batch, training.seed)
    }
}
