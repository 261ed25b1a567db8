//! Gaussian noise, many values at a time.
//!
//! Uniform bits come from sixteen generators xoshiro128++ side by side (Blackman
//! and Vigna, 2021, "Scrambled linear pseudorandom number generators",
//! doi:10.1145/3460772), pairs of normal values from them by Box and Muller's
//! transform (1958, doi:10.1214/aoms/1177706645). Only operations that round
//! alike everywhere are used, so the values are the same on every machine.

#![allow(clippy::inline_always, reason = "what is not inlined is not compiled for vectors")]

use std::f32::consts::{FRAC_PI_2, LN_2};

use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// Generators side by side.
const LANES: usize = 16;

/// Normal values that are made at a time: three of each lane's pairs.
pub const BLOCK: usize = 6 * LANES;

/// 32 random bits of every lane.
type Bits = [u32; LANES];

/// A stream of standard normal values.
#[derive(Clone, Debug)]
pub struct Noise {
    state: [Bits; 4],
}

impl Noise {
    /// Creates the stream that continues another one.
    #[must_use]
    pub fn new(rng: &mut ChaCha8Rng) -> Self {
        let mut state = [[0; LANES]; 4];
        for word in state.iter_mut().flatten() {
            *word = rng.next_u32();
        }
        // A generator whose state is zero stays there.
        state[0].iter_mut().for_each(|word| *word |= 1);
        Self { state }
    }

    /// Returns the next values.
    #[inline(always)]
    pub fn block(&mut self) -> [f32; BLOCK] {
        let mut block = [0.0; BLOCK];
        for pairs in block.chunks_exact_mut(2 * LANES) {
            let (radii, angles) = (self.bits(), self.bits());
            let (left, right) = pairs.split_at_mut(LANES);
            for lane in 0..LANES {
                [left[lane], right[lane]] = normal_pair(radii[lane], angles[lane]);
            }
        }
        block
    }

    #[inline(always)]
    fn bits(&mut self) -> Bits {
        let mut bits = [0; LANES];
        let [a, b, c, d] = &mut self.state;
        for lane in 0..LANES {
            bits[lane] = a[lane].wrapping_add(d[lane]).rotate_left(7).wrapping_add(a[lane]);
            let shifted = b[lane] << 9;
            c[lane] ^= a[lane];
            d[lane] ^= b[lane];
            b[lane] ^= c[lane];
            a[lane] ^= d[lane];
            c[lane] ^= shifted;
            d[lane] = d[lane].rotate_left(11);
        }
        bits
    }
}

/// Returns two independent normal values: `r cos a` and `r sin a` for
/// `r = sqrt(-2 ln u)` with `u` uniform in (0, 1], and a uniform angle.
///
/// The upper 24 bits of each word are the number, the two lowest of `angle` the
/// quadrant.
#[inline(always)]
fn normal_pair(radius: u32, angle: u32) -> [f32; 2] {
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    // Below 2²⁴, so that the conversion through i32, which vectors have, is exact.
    let uniform = |bits: u32| signed(bits >> 8) as f32;
    let radius = (-2.0 * ln((uniform(radius) + 1.0) * UNIT)).max(0.0).sqrt();
    let quarter = uniform(angle) * UNIT;
    let flipped = |value: f32, bit: u32| f32::from_bits(value.to_bits() ^ ((angle >> bit) << 31));
    [
        flipped(radius * sine_of_quarter(1.0 - quarter), 0),
        flipped(radius * sine_of_quarter(quarter), 1),
    ]
}

/// Returns `sin(π/2 · x)` for `x` in `[0, 1]`, to 1e-7.
#[inline(always)]
fn sine_of_quarter(x: f32) -> f32 {
    // Taylor's series.
    const TERMS: [f32; 6] =
        [FRAC_PI_2, -0.645_964_1, 0.079_692_63, -0.004_681_754, 1.604_411_8e-4, -3.598_843e-6];
    let square = x * x;
    x * TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term)
}

/// Returns the natural logarithm of a normal number, to 1e-6 of its distance to
/// zero.
#[inline(always)]
fn ln(x: f32) -> f32 {
    /// Bits of a float's mantissa.
    const MANTISSA: u32 = 23;
    /// The bits of the square root of one half, the least mantissa.
    const LEAST: u32 = 0x3f35_04f3;
    // ln m = 2 artanh((m - 1) / (m + 1)), by its series.
    const TERMS: [f32; 5] = [2.0, 2.0 / 3.0, 2.0 / 5.0, 2.0 / 7.0, 2.0 / 9.0];
    let shifted = x.to_bits().wrapping_sub(LEAST);
    let exponent = (signed(shifted) >> MANTISSA) as f32;
    let mantissa = f32::from_bits((shifted & ((1 << MANTISSA) - 1)).wrapping_add(LEAST));
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let series = TERMS.iter().rev().fold(0.0, |sum, term| sum * square + term);
    exponent * LN_2 + ratio * series
}

/// Returns the same bits with a sign.
#[inline(always)]
fn signed(bits: u32) -> i32 {
    i32::from_ne_bytes(bits.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_artefacts::random::{Purpose, stream};

    /// What the polynomials are off by, and rounding.
    const CLOSE: f64 = 3e-7;

    #[test]
    fn functions_are_close_to_the_exact_ones() {
        for step in 0..=1000_u16 {
            let x = f32::from(step) / 1000.0;
            let exact = (f64::from(x) * std::f64::consts::FRAC_PI_2).sin();
            assert!((f64::from(sine_of_quarter(x)) - exact).abs() < CLOSE, "{x}");
            for x in [x + 1e-3, (x + 1e-3) * 1e-5] {
                let exact = f64::from(x).ln();
                assert!((f64::from(ln(x)) - exact).abs() < CLOSE * exact.abs().max(1.0), "{x}");
            }
        }
    }

    #[test]
    fn values_are_standard_normal() {
        let mut noise = Noise::new(&mut stream(1, Purpose::TrainingView, [0, 0]));
        let mut values: Vec<f64> = Vec::new();
        for _ in 0..2000 {
            values.extend(noise.block().map(f64::from));
        }
        let count = values.len() as f64;
        let moment = |power| values.iter().map(|v| v.powi(power)).sum::<f64>() / count;
        // Six standard errors of each moment, 1, 2, 15 and 96 over the count.
        for (power, expected, variance) in
            [(1, 0.0, 1.0_f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let error = moment(power) - expected;
            assert!(error.abs() < 6.0 * (variance / count).sqrt(), "moment {power}: {error}");
        }
        let share = |least: f64| values.iter().filter(|v| v.abs() > least).count() as f64 / count;
        assert!((share(1.0) - 0.3173).abs() < 0.007 && (share(3.0) - 0.0027).abs() < 0.0007);
        for lag in [1, LANES, 2 * LANES, BLOCK] {
            let pairs = values.iter().zip(&values[lag..]);
            let correlation = pairs.map(|(a, b)| a * b).sum::<f64>() / count;
            assert!(correlation.abs() < 6.0 / count.sqrt(), "lag {lag}: {correlation}");
        }
    }
}
