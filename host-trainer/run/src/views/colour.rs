//! Everything that is done to the colours of a view, from bytes to normalised
//! values.
//!
//! Pixels are `[H, W, 3]`.

#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for vectors")]

use pulp::{Simd, WithSimd};

use super::{
    adjust::{Adjustment, mean_luma, solarise, to_grey},
    blur::Blur,
    noise::{BLOCK, Noise},
};

/// What is done to the colours of one view.
#[derive(Clone, Debug)]
pub struct Recolouring {
    /// What values are multiplied by, for another exposure.
    pub exposure: Option<f32>,
    /// Factors of brightness and contrast, which are changed together.
    pub jitter: Option<Jitter>,
    /// What is changed after these, in order.
    pub adjustments: Vec<Adjustment>,
    /// Whether the three channels become the pixel's luma.
    pub grey: bool,
    /// The blur.
    pub blur: Option<Blur>,
    /// From which byte on values are inverted.
    pub solarise: Option<u8>,
    /// Noise and its standard deviation, on values in `[0, 1]`.
    pub noise: Option<(Noise, f32)>,
    /// What is taken off of the three channels in the end.
    pub mean: [f32; 3],
    /// What they are then divided by.
    pub std: [f32; 3],
}

/// Factors of brightness and contrast; 1 changes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jitter {
    /// Multiplies, that is blends with black.
    pub brightness: f32,
    /// Scales the distance to the mean of the brightened image's luma.
    pub contrast: f32,
}

/// [`Recolouring::apply`], compiled for each set of vector instructions.
pub struct Recolour<'a> {
    /// What is done.
    pub recolouring: Recolouring,
    /// RGB8 pixels.
    pub bytes: &'a [u8],
    /// As many values.
    pub out: &'a mut [f32],
}

impl WithSimd for Recolour<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.recolouring.apply(self.bytes, self.out);
    }
}

impl Recolouring {
    /// Turns bytes into values, in the order of the fields.
    ///
    /// # Panics
    ///
    /// When the arrays differ in length.
    #[inline(always)]
    pub fn apply(self, bytes: &[u8], out: &mut [f32]) {
        assert_eq!(bytes.len(), out.len(), "values of a view");
        match self.jitter {
            // What is cut off at white stays so.
            Some(Jitter { brightness, contrast }) if self.exposure.is_some() => {
                exposed(bytes, self.exposure, out);
                Adjustment::Brightness(brightness).apply(out);
                Adjustment::Contrast(contrast).apply(out);
            }
            Some(Jitter { brightness, contrast }) => {
                let scale = brightness / 255.0;
                let bright = |byte: u8| (f32::from(byte) * scale).min(1.0);
                let offset = (1.0 - contrast) * mean_luma(bytes, bright);
                for (value, byte) in out.iter_mut().zip(bytes) {
                    *value = (contrast * bright(*byte) + offset).clamp(0.0, 1.0);
                }
            }
            None => exposed(bytes, self.exposure, out),
        }
        for adjustment in self.adjustments {
            adjustment.apply(out);
        }
        if self.grey {
            to_grey(out);
        }
        if let Some(blur) = self.blur {
            blur.apply(out);
        }
        if let Some(threshold) = self.solarise {
            solarise(out, threshold);
        }
        let scale = self.std.map(|std| 1.0 / std);
        let offset: [f32; 3] = std::array::from_fn(|c| -self.mean[c] * scale[c]);
        let [scales, offsets] = [scale, offset].map(repeated);
        let constants = || scales.iter().zip(&offsets);
        let Some((mut noise, deviation)) = self.noise else {
            for values in out.chunks_mut(BLOCK) {
                for (value, (scale, offset)) in values.iter_mut().zip(constants()) {
                    *value = *value * scale + offset;
                }
            }
            return;
        };
        for values in out.chunks_mut(BLOCK) {
            let normal = noise.block();
            for ((value, normal), (scale, offset)) in
                values.iter_mut().zip(&normal).zip(constants())
            {
                *value = (*value + deviation * normal) * scale + offset;
            }
        }
    }
}

/// Turns bytes into values in `[0, 1]` at another exposure.
#[inline(always)]
fn exposed(bytes: &[u8], exposure: Option<f32>, out: &mut [f32]) {
    for (value, byte) in out.iter_mut().zip(bytes) {
        *value = f32::from(*byte) * (1.0 / 255.0);
    }
    if let Some(factor) = exposure {
        Adjustment::Brightness(factor).apply(out);
    }
}

#[inline(always)]
fn repeated(channels: [f32; 3]) -> [f32; BLOCK] {
    std::array::from_fn(|at| channels[at % 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of 32-bit values.
    const CLOSE: f32 = 1e-6;

    #[track_caller]
    fn check(recolour: impl FnOnce(&mut Recolouring), bytes: &[u8], expected: &[f32]) {
        let mut recolouring = Recolouring {
            exposure: None,
            jitter: None,
            adjustments: Vec::new(),
            grey: false,
            blur: None,
            solarise: None,
            noise: None,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        recolour(&mut recolouring);
        let mut values = vec![0.0; bytes.len()];
        recolouring.apply(bytes, &mut values);
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < CLOSE, "{values:?} {expected:?}");
        }
    }

    #[test]
    fn adjustments_are_those_of_torchvision() {
        let bytes = [51, 102, 153, 204, 153, 255];
        let jitter = |brightness, contrast| {
            move |r: &mut Recolouring| r.jitter = Some(Jitter { brightness, contrast })
        };
        check(jitter(1.2, 1.0), &bytes, &[0.24, 0.48, 0.72, 0.96, 0.72, 1.0]);
        // Luma 0.363 and 0.7054, mean 0.5342.
        let contrasted = [0.26684, 0.42684, 0.58684, 0.74684, 0.58684, 0.90684];
        check(jitter(1.0, 0.8), &bytes, &contrasted);
        // 0.299 · 0.2 + 0.587 · 0.4 + 0.114 · 0.6.
        check(|r| r.grey = true, &bytes[..3], &[0.363; 3]);
        let normalised = |r: &mut Recolouring| (r.mean, r.std) = ([0.5, 0.2, 0.1], [0.5, 0.1, 1.0]);
        check(normalised, &bytes[..3], &[-0.6, 2.0, 0.5]);
    }

    #[test]
    fn everything_is_done_in_the_order_of_the_fields() {
        let all = |r: &mut Recolouring| {
            r.jitter = Some(Jitter { brightness: 1.5, contrast: 1.0 });
            r.adjustments = vec![Adjustment::Hue(1.0 / 3.0), Adjustment::Brightness(0.5)];
            (r.grey, r.solarise) = (true, Some(38));
            (r.mean, r.std) = ([0.5; 3], [0.5; 3]);
        };
        // Red 0.3 becomes green 0.15, whose luma is 0.08805, byte 22: it stays.
        check(all, &[51, 0, 0], &[-0.8239; 3]);
        // Red 0.6 becomes green 0.3, luma 0.1761, byte 45: it is inverted.
        check(all, &[102, 0, 0], &[0.6478; 3]);
    }

    #[test]
    fn exposure_comes_first_and_is_cut_off_at_white() {
        let bright = |r: &mut Recolouring| r.exposure = Some(2.0);
        check(bright, &[51, 102, 204], &[0.4, 0.8, 1.0]);
        let then_dark = |r: &mut Recolouring| {
            r.exposure = Some(2.0);
            r.jitter = Some(Jitter { brightness: 0.5, contrast: 1.0 });
        };
        check(then_dark, &[51, 102, 204], &[0.2, 0.4, 0.5]);
    }

    #[test]
    fn both_ways_to_change_brightness_and_contrast_agree() {
        let bytes: Vec<u8> = (0..=255).chain(0..44).collect();
        let jitter = Jitter { brightness: 1.3, contrast: 0.7 };
        let one_by_one = [Adjustment::Brightness(1.3), Adjustment::Contrast(0.7)];
        let mut values = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect::<Vec<_>>();
        for adjustment in one_by_one {
            adjustment.apply(&mut values);
        }
        check(|r| r.jitter = Some(jitter), &bytes, &values);
    }
}
