//! The kernels of divisive normalisation.

use super::Norm;
use crate::kernels::RowWindow;

/// Divisive normalisation, a row of output at a call.
///
/// `window` has the rows with their borders at both ends, `[1, W + 2 · padding,
/// C]`; `out` is `[1, W, C]`; `scratch` is aligned to 16 bytes and has
/// [`scratch_len`](crate::kernels::scratch_len) of the denominators'
/// convolution.
#[derive(Clone, Copy, Debug)]
pub struct NormKernels {
    /// One row.
    pub norm_row: fn(norm: &Norm<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]),
}

/// Divides the bytes of up to `P` pixels, of which `x` is the first, by their
/// denominators, `[C, P]`; `out` has as many pixels as are written.
#[inline(never)]
pub(crate) fn divide<const P: usize>(
    norm: &Norm<'_>,
    window: &RowWindow<'_>,
    x: usize,
    denominators: &[[i32; P]],
    out: &mut [u8],
) {
    let geometry = norm.geometry();
    let (channels, padding) = (geometry.channels(), geometry.kernel() / 2);
    let row = window.rows().get(padding).copied().unwrap_or_default();
    let start = x.saturating_add(padding).saturating_mul(channels);
    let bytes = row.get(start..).unwrap_or_default();
    let pixels = bytes.chunks_exact(channels).zip(out.chunks_exact_mut(channels));
    for (pixel, (bytes, out)) in pixels.enumerate().take(P) {
        let sums = denominators.iter().filter_map(|of_channel| of_channel.get(pixel));
        for (((channel, &denominator), &byte), out) in norm.channels().zip(sums).zip(bytes).zip(out)
        {
            *out = channel.divide(byte, denominator);
        }
    }
}
