//! Dropping channels while training, by keyed chance.

use std::cell::Cell;

use rand::Rng;
use tch::{TchError, Tensor};

use lcl_artefacts::random::{Purpose, stream};

/// Which channels are dropped: an image of a batch loses the same ones whoever
/// computes it, and in a resumed run.
#[derive(Debug, Default)]
pub(super) struct Dropout {
    occasion: Cell<Occasion>,
    /// Maps of this step so far.
    maps: Cell<u64>,
}

/// When channels are dropped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Occasion {
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Updates so far.
    pub(crate) step: u64,
    /// Place of the first image of this process in the batch.
    pub(crate) first_image: usize,
}

impl Dropout {
    /// Begins a step.
    pub(super) fn begin(&self, occasion: Occasion) {
        self.occasion.set(occasion);
        self.maps.set(0);
    }

    /// Sets each channel of `x`, `[N, C, H, W]`, to 0 with that probability, and
    /// scales the others so that the mean stays.
    pub(super) fn channels(&self, x: &Tensor, probability: f32) -> Result<Tensor, TchError> {
        if probability <= 0.0 {
            return Ok(x.shallow_clone());
        }
        let (images, channels, ..) = x.size4()?;
        let Occasion { seed, step, first_image } = self.occasion.get();
        let map = self.maps.replace(self.maps.get() + 1);
        let mut kept = Vec::new();
        for image in (first_image as u64..).take(usize::try_from(images).unwrap_or_default()) {
            let mut rng = stream(seed, Purpose::Dropout, [step, map << 32 | image]);
            for _ in 0..channels {
                let is_kept = rng.random::<f32>() >= probability;
                kept.push(if is_kept { 1.0 / (1.0 - probability) } else { 0.0 });
            }
        }
        let kept = Tensor::f_from_slice(&kept)?.f_reshape([images, channels, 1, 1])?;
        x.f_mul(&kept.f_to_device(x.device())?.f_to_kind(x.kind())?)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::model::array::values;

    fn dropped(dropout: &Dropout, images: i64) -> Vec<f32> {
        let x = Tensor::ones([images, 64, 1, 2], (Kind::Float, Device::Cpu));
        values(&dropout.channels(&x, 0.5).expect("a map")).expect("values")
    }

    #[test]
    fn half_of_the_channels_are_dropped_whole_and_the_others_doubled() {
        let dropout = Dropout::default();
        let first = dropped(&dropout, 32);
        assert!(first.chunks(2).all(|pair| pair[0] == pair[1]));
        assert!(first.iter().all(|&value| value == 0.0 || value == 2.0));
        let mean = first.iter().sum::<f32>() / first.len() as f32;
        assert!((mean - 1.0).abs() < 0.07, "{mean}");
    }

    #[test]
    fn an_image_loses_what_its_place_in_the_batch_says() {
        let dropout = Dropout::default();
        let at = |seed, step, first_image| Occasion { seed, step, first_image };
        dropout.begin(at(1, 2, 0));
        let (whole, second) = (dropped(&dropout, 4), dropped(&dropout, 4));
        assert_ne!(whole, second);
        dropout.begin(at(1, 2, 0));
        assert_eq!(dropped(&dropout, 4), whole);
        dropout.begin(at(1, 2, 3));
        assert_eq!(dropped(&dropout, 1), whole[3 * 128..]);
        for other in [at(2, 2, 0), at(1, 3, 0)] {
            dropout.begin(other);
            assert_ne!(dropped(&dropout, 4), whole);
        }
    }
}
