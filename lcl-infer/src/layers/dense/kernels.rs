//! The kernel of dense layers.

use super::{Dense, Sums};

/// Dense layers, a row of output at a call.
#[derive(Clone, Copy, Debug)]
pub struct DenseKernels {
    /// One row: `values` is `[1, W, inputs]`, `out` is `[1, W, out_bytes]`.
    pub row: fn(dense: &Dense<'_>, values: &[u8], out: &mut [u8]),
}

impl DenseKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { row };
}

fn row(dense: &Dense<'_>, values: &[u8], out: &mut [u8]) {
    let geometry = dense.geometry();
    let pixels = values.chunks_exact(geometry.inputs().max(1));
    for (pixel, out) in pixels.zip(out.chunks_exact_mut(geometry.out_bytes().max(1))) {
        let places = out.chunks_exact_mut(geometry.sums().byte_len().max(1));
        for ((filter, channel), place) in dense.filters().zip(dense.channels().iter()).zip(places) {
            let acc = accumulate(channel.bias, pixel, filter);
            match (geometry.sums(), place) {
                (Sums::Bytes, [byte]) => *byte = channel.requant.requantise(acc),
                (Sums::Words, word) => {
                    for (byte, value) in word.iter_mut().zip(acc.to_le_bytes()) {
                        *byte = value;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns `acc + Σ value · weight`; whoever opened the layer made sure that no
/// such sum leaves 32 bits.
#[inline]
fn accumulate(acc: i32, values: &[u8], weights: &[i8]) -> i32 {
    values.iter().zip(weights).fold(acc, |acc, (&value, &weight)| {
        acc.wrapping_add(i32::from(value).wrapping_mul(i32::from(weight)))
    })
}
