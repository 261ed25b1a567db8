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
    /// The class of each image where they have classes. Then view B of stage 1 is
    /// the only one, and the others have side 0.
    pub labels: Vec<i64>,
}

/// Makes the views of training and validation images.
#[derive(Debug)]
pub struct ViewSource {
    centres: Arc<Centres>,
    maker: ViewMaker,
    buffers: Buffers,
    /// The class of each image of the set, for recognition.
    labels: Option<Arc<[usize]>>,
}

/// What the views of an image are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chance {
    /// All that a configuration names.
    Drawn,
    /// Of an image with a class nothing: its middle, as it is.
    Plain,
}

impl ViewSource {
    /// Creates a source of views.
    #[must_use]
    pub fn new(centres: Arc<Centres>, maker: ViewMaker) -> Self {
        Self { centres, maker, buffers: Buffers::default(), labels: None }
    }

    /// Gives each image of the set its class: batches have one view of an image
    /// and its class. While validating it is the middle of the image as it is.
    #[must_use]
    pub fn with_labels(self, labels: Arc<[usize]>) -> Self {
        Self { labels: Some(labels), ..self }
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
        let (images, centres): (Vec<usize>, Vec<Arc<[u8]>>) = centres.into_iter().unzip();
        let key = |at: usize| [samples[at].epoch, samples[at].image as u64];
        let rng = |at| stream(order.seed(), Purpose::TrainingView, key(at));
        Ok(self.make(&images, &centres, Chance::Drawn, rng))
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
        let rng = |at| stream(seed, Purpose::ValidationView, key(at));
        Ok(self.make(&images, &centres, Chance::Plain, rng))
    }

    /// Returns the image, or the next usable one, and its centre.
    fn usable_centre(&self, image: usize, images: &[usize]) -> Option<(usize, Arc<[u8]>)> {
        let usable = |image: usize| Some((image, self.centres.get(image)?));
        usable(image).or_else(|| {
            let start = images.iter().position(|&other| other == image)?;
            let mut others = images.iter().cycle().skip(start + 1).take(images.len());
            others.find_map(|&image| usable(image))
        })
    }

    /// Each view draws from a stream of its own within its image's.
    fn make(
        &self,
        images: &[usize],
        centres: &[Arc<[u8]>],
        chance: Chance,
        rng: impl Fn(usize) -> ChaCha8Rng + Sync,
    ) -> Batch {
        if let Some(labels) = &self.labels {
            return self.make_labelled(images, labels, centres, chance, rng);
        }
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
        Batch { images: centres.len(), sides, views, labels: Vec::new() }
    }

    fn make_labelled(
        &self,
        images: &[usize],
        labels: &[usize],
        centres: &[Arc<[u8]>],
        chance: Chance,
        rng: impl Fn(usize) -> ChaCha8Rng + Sync,
    ) -> Batch {
        let len = self.maker.view_len(0);
        let mut only = self.buffers.take(len * centres.len());
        only.par_chunks_exact_mut(len).enumerate().for_each(|(at, out)| {
            let centre = Centre::new(&centres[at], self.centres.side());
            match chance {
                Chance::Drawn => self.maker.make(&centre, 0, View::B, &rng(at), out),
                Chance::Plain => self.maker.make_plain(&centre, 0, out),
            }
        });
        let none = || Buffer::from(Vec::new());
        let class = |&image: &usize| i64::try_from(labels[image]).unwrap_or(i64::MAX);
        Batch {
            images: centres.len(),
            sides: [self.maker.side(0) as usize, 0],
            views: [[none(), only], [none(), none()]],
            labels: images.iter().map(class).collect(),
        }
    }
}
