//! Making the views of a batch.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{
    LoaderError, Order, Sample,
    buffer::{Buffer, Buffers},
};
use crate::views::{Centre, View, ViewMaker};
use lcl_artefacts::random::{Purpose, stream};
use lcl_images::Centres;

/// The views of some images, ready to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Images.
    pub images: usize,
    /// Side of the views of each stage, in pixels.
    pub sides: [usize; 2],
    /// For each stage, views A and B, `[images, side, side, 3]`, normalised.
    pub views: [[Buffer; 2]; 2],
}

/// Makes the views of training and validation images.
#[derive(Debug)]
pub struct ViewSource {
    centres: Arc<Centres>,
    maker: ViewMaker,
    buffers: Buffers,
}

impl ViewSource {
    /// Creates a source of views.
    #[must_use]
    pub fn new(centres: Arc<Centres>, maker: ViewMaker) -> Self {
        Self { centres, maker, buffers: Buffers::default() }
    }

    /// Makes the views for some showings of training images.
    ///
    /// An image that cannot be used gives its place to the next usable one in
    /// the list, with views of its own.
    ///
    /// # Errors
    ///
    /// When most images are damaged.
    pub fn training_batch(&self, samples: &[Sample], order: &Order) -> Result<Batch, LoaderError> {
        let centres: Vec<_> = samples
            .par_iter()
            .map(|sample| self.usable_centre(sample.image, order.images()))
            .collect();
        self.centres.check()?;
        let centres =
            centres.into_iter().collect::<Option<Vec<_>>>().ok_or(LoaderError::Stopped)?;
        let key = |at: usize| [samples[at].epoch, samples[at].image as u64];
        Ok(self.make(&centres, |at| stream(order.seed(), Purpose::TrainingView, key(at))))
    }

    /// Makes the fixed views of held-out images; those that cannot be used are
    /// left out.
    ///
    /// # Errors
    ///
    /// When most images are damaged.
    pub fn validation_batch(&self, images: &[usize], seed: u64) -> Result<Batch, LoaderError> {
        let usable: Vec<(usize, Arc<[u8]>)> = images
            .par_iter()
            .filter_map(|&image| Some((image, self.centres.get(image)?)))
            .collect();
        self.centres.check()?;
        let (images, centres): (Vec<usize>, Vec<Arc<[u8]>>) = usable.into_iter().unzip();
        let key = |at: usize| [0, images[at] as u64];
        Ok(self.make(&centres, |at| stream(seed, Purpose::ValidationView, key(at))))
    }

    fn usable_centre(&self, image: usize, images: &[usize]) -> Option<Arc<[u8]>> {
        self.centres.get(image).or_else(|| {
            let start = images.iter().position(|&other| other == image)?;
            images
                .iter()
                .cycle()
                .skip(start + 1)
                .take(images.len())
                .find_map(|&i| self.centres.get(i))
        })
    }

    /// Each view draws from a stream of its own within its image's.
    fn make(&self, centres: &[Arc<[u8]>], rng: impl Fn(usize) -> ChaCha8Rng + Sync) -> Batch {
        let mut views = [0, 1].map(|stage| {
            let len = self.maker.view_len(stage) * centres.len();
            View::BOTH.map(|_| self.buffers.take(len))
        });
        let [[a1, b1], [a2, b2]] = &mut views;
        let [small, large] = [0, 1].map(|stage| self.maker.view_len(stage));
        let outputs = (
            a1.par_chunks_exact_mut(small),
            b1.par_chunks_exact_mut(small),
            a2.par_chunks_exact_mut(large),
            b2.par_chunks_exact_mut(large),
        );
        outputs.into_par_iter().enumerate().for_each(|(at, (a1, b1, a2, b2))| {
            let (centre, rng) = (Centre::new(&centres[at], self.centres.side()), rng(at));
            for (stage, outputs) in [[a1, b1], [a2, b2]].into_iter().enumerate() {
                for (view, out) in View::BOTH.into_iter().zip(outputs) {
                    self.maker.make(&centre, stage, view, &rng, out);
                }
            }
        });
        let sides = [0, 1].map(|stage| self.maker.side(stage) as usize);
        Batch { images: centres.len(), sides, views }
    }
}
