//! Batches of views, made by worker threads while the last batch is trained on.
//!
//! What is in a batch follows from the seed and the step alone.

mod batch;
mod buffer;
mod order;
mod split;

use std::{
    cell::Cell,
    ops::Range,
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

pub use batch::{Batch, ViewSource};
pub use buffer::Buffer;
pub use order::{Order, Sample};
pub use split::Split;

use lcl_images::{Centres, MostlyDamaged};

/// Images tried before training starts, to find out whether most are damaged.
const PROBED_IMAGES: usize = 1024;

/// No batch can be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoaderError {
    /// Most images cannot be used.
    #[error(transparent)]
    MostlyDamaged(#[from] MostlyDamaged),
    /// There are too few images.
    #[error(
        "{images} images are too few for {needed}: give more images, or a smaller batch with \
         --batch"
    )]
    TooFewImages {
        /// Images there are.
        images: usize,
        /// What they are needed for.
        needed: String,
    },
    /// The thread that makes batches ended by a panic.
    #[error("the thread that makes batches stopped")]
    Stopped,
}

/// Training batches, one made ahead of the one in use.
#[derive(Debug)]
pub struct Loader {
    batches: Receiver<Result<Batch, LoaderError>>,
    waited: Cell<Duration>,
}

impl Loader {
    /// Starts to make the batches for `first_step` and every later one, of
    /// `batch` images each, of which `share` is made.
    ///
    /// `order` holds the training images; the batches end only when the loader
    /// is dropped.
    #[must_use]
    pub fn start(
        source: Arc<ViewSource>,
        mut order: Order,
        batch: usize,
        share: Range<usize>,
        first_step: u64,
    ) -> Self {
        let (sender, batches) = sync_channel(0);
        thread::spawn(move || {
            for step in first_step.. {
                let first = step * batch as u64;
                let own = share.clone().map(|place| first + place as u64);
                let samples: Vec<Sample> = own.map(|position| order.at(position)).collect();
                let made = source.training_batch(&samples, &order);
                if sender.send(made).is_err() {
                    return;
                }
            }
        });
        Self { batches, waited: Cell::default() }
    }

    /// Returns the next batch, waiting for it where it is not ready.
    ///
    /// # Errors
    ///
    /// When most images turn out to be damaged.
    pub fn next_batch(&self) -> Result<Batch, LoaderError> {
        let asked = Instant::now();
        let batch = self.batches.recv();
        self.waited.set(self.waited.get() + asked.elapsed());
        batch.map_err(|_| LoaderError::Stopped)?
    }

    /// Returns the time spent waiting for batches since this was last asked.
    pub fn take_waited(&self) -> Duration {
        self.waited.take()
    }
}

/// Decodes the first images of `split`, validation first, to find out whether
/// they can be used.
///
/// # Errors
///
/// When more than half of them cannot.
pub fn probe(centres: &Centres, split: &Split) -> Result<(), LoaderError> {
    use rayon::prelude::*;

    let first = split.validation.iter().chain(&split.training).take(PROBED_IMAGES);
    let first: Vec<usize> = first.copied().collect();
    first.into_par_iter().for_each(|image| drop(centres.get(image)));
    Ok(centres.check()?)
}

#[cfg(test)]
mod tests;
