//! Plain pools on whole frames, in their plainest form.

use super::{WindowOperation, WindowPool};
use crate::shape::ImageSize;

/// Computes a plain pool of a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, C]`, `out` is `[1, out(H), out(W), C]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn window_pool_ref(
    pool: &WindowPool,
    size: ImageSize,
    channels: usize,
    input: &[u8],
    out: &mut [u8],
) {
    let inside = |padded: usize, side: usize| {
        padded.checked_sub(pool.padding()).filter(|coordinate| *coordinate < side)
    };
    let out_w = pool.out_side(size.width);
    for y in 0..pool.out_side(size.height) {
        for x in 0..out_w {
            for c in 0..channels {
                let (mut largest, mut sum, mut count) = (0, 0, 0);
                for ky in 0..pool.side() {
                    for kx in 0..pool.side() {
                        let row = inside(y * pool.stride() + ky, size.height);
                        let column = inside(x * pool.stride() + kx, size.width);
                        let value = row.zip(column).map_or(0, |(row, column)| {
                            input[(row * size.width + column) * channels + c]
                        });
                        largest = value.max(largest);
                        sum += u32::from(value);
                        count += 1;
                    }
                }
                out[(y * out_w + x) * channels + c] = match pool.operation() {
                    WindowOperation::Max => largest,
                    WindowOperation::Average => {
                        u8::try_from((2 * sum + count) / (2 * count)).expect("an average of bytes")
                    }
                };
            }
        }
    }
}
