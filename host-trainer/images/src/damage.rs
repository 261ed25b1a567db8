//! Counting the images that cannot be used.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{DecodeError, passed::say_once};

/// Images that are named one by one; the others are only counted.
const NAMED: usize = 20;

/// More than half of the images cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{damaged} of {images} images cannot be used, the first of them: {first}; replace them or give \
     other images"
)]
pub struct MostlyDamaged {
    /// Images that cannot be used.
    pub damaged: usize,
    /// Images that were tried.
    pub images: usize,
    /// What is wrong with one of them.
    pub first: String,
}

/// A count of images tried and skipped, with a warning for each one skipped.
#[derive(Debug, Default)]
pub struct Damage {
    images: AtomicUsize,
    damaged: AtomicUsize,
    first: std::sync::OnceLock<String>,
}

impl Damage {
    /// Counts an image that can be used.
    pub fn count_sound(&self) {
        self.images.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an image that is skipped, and warns on the standard error; of each
    /// image once in the life of the process.
    pub fn count_skipped(&self, error: &DecodeError) {
        self.images.fetch_add(1, Ordering::Relaxed);
        let before = self.damaged.fetch_add(1, Ordering::Relaxed);
        self.first.get_or_init(|| error.to_string());
        if before < NAMED {
            say_once(format!("warning: skipped: {error}"));
        } else if before == NAMED {
            say_once("warning: more images were skipped; they are counted, not named".to_owned());
        }
    }

    /// Returns the number of images skipped so far.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Checks that at least half of the images tried can be used.
    ///
    /// # Errors
    ///
    /// When more than half cannot.
    pub fn check(&self) -> Result<(), MostlyDamaged> {
        let (damaged, images) = (self.skipped(), self.images.load(Ordering::Relaxed));
        if 2 * damaged <= images {
            return Ok(());
        }
        let first = self.first.get().cloned().unwrap_or_default();
        Err(MostlyDamaged { damaged, images, first })
    }
}
