//! Dense layers on whole frames, in their plainest form.

use super::{Dense, Sums};

/// Computes a dense layer of a whole frame of `pixels` pixels.
///
/// # Shapes
///
/// `input` is `[1, H, W, inputs]`, `out` is `[1, H, W, out_bytes]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn dense_ref(dense: &Dense<'_>, pixels: usize, input: &[u8], out: &mut [u8]) {
    let geometry = dense.geometry();
    for pixel in 0..pixels {
        for (output, (filter, channel)) in dense.filters().zip(dense.channels().iter()).enumerate()
        {
            let mut acc = channel.bias;
            for (at, &weight) in filter.iter().enumerate() {
                acc += i32::from(input[pixel * geometry.inputs() + at]) * i32::from(weight);
            }
            match geometry.sums() {
                Sums::Bytes => {
                    out[pixel * geometry.outputs() + output] = channel.requant.requantise(acc);
                }
                Sums::Words => {
                    let start = 4 * (pixel * geometry.outputs() + output);
                    out[start..start + 4].copy_from_slice(&acc.to_le_bytes());
                }
            }
        }
    }
}
