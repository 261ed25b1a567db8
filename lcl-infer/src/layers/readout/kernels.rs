//! The kernels of readouts.

use core::hint::black_box;

/// Readouts, a neuron at a call.
#[derive(Clone, Copy, Debug)]
pub struct ReadoutKernels {
    /// Returns the sums of weights times bytes at four pixels, each `[in_c]`: those
    /// that are shorter have zeros behind their end. Weights are filled up with zeros
    /// to a multiple of 16 and start at one.
    pub sums: fn(weights: &[i8], pixels: [&[u8]; 4]) -> [i32; 4],
}

impl ReadoutKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { sums };
}

/// The sums in portable Rust, channel by channel.
pub(crate) fn sums(weights: &[i8], [a, b, c, d]: [&[u8]; 4]) -> [i32; 4] {
    let len = weights.len().min(a.len()).min(b.len()).min(c.len()).min(d.len());
    // A pixel that is not there comes to nothing, and so do those that differ in
    // length: no pixel of a map does.
    if len < weights.len().min(a.len().max(b.len()).max(c.len()).max(d.len())) {
        return [a, b, c, d].map(|pixel| one_sum(weights, pixel));
    }
    let mut sums = [0_i32; 4];
    // A number that the compiler does not know: it would take several channels at
    // once, for which small cores have no registers.
    let len = black_box(len);
    let weights = weights.iter().take(len);
    for ((((&weight, &a), &b), &c), &d) in weights.zip(a).zip(b).zip(c).zip(d) {
        let weight = i32::from(weight);
        for (sum, value) in sums.iter_mut().zip([a, b, c, d]) {
            *sum = sum.wrapping_add(weight.wrapping_mul(value.into()));
        }
    }
    sums
}

fn one_sum(weights: &[i8], pixel: &[u8]) -> i32 {
    let products = weights.iter().zip(pixel);
    products.fold(0, |sum: i32, (&weight, &value)| {
        sum.wrapping_add(i32::from(weight).wrapping_mul(value.into()))
    })
}
