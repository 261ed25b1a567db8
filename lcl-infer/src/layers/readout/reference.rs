//! Readouts on whole frames, in their plainest form.

use super::{Place, RATES_PER_ROW, Readout};
use crate::shape::ImageSize;

/// Computes a readout of a whole frame.
///
/// # Shapes
///
/// `input` is `[1, H, W, C]`, `out` is `[1, rows, 1, 16]` (NHWC): the neurons in
/// their order, and zeros behind the last.
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn readout_ref(readout: &Readout<'_>, size: ImageSize, input: &[u8], out: &mut [u8]) {
    let geometry = readout.geometry();
    let channels = geometry.in_c();
    out[..geometry.rows() * RATES_PER_ROW].fill(0);
    for (index, rate) in out.iter_mut().enumerate().take(geometry.neurons()) {
        let neuron = readout.neuron(index).expect("as many neurons as the geometry has");
        let [x, y] = neuron.position;
        let (x, y) = (Place::of(x, size.width), Place::of(y, size.height));
        let mut sum = 0_i64;
        for (row, row_share) in [(y.cell, 256 - y.share), (y.cell + 1, y.share)] {
            for (column, column_share) in [(x.cell, 256 - x.share), (x.cell + 1, x.share)] {
                for c in 0..channels {
                    let inside = row < size.height && column < size.width;
                    let value =
                        if inside { input[(row * size.width + column) * channels + c] } else { 0 };
                    let product = i64::from(readout.weights(index)[c]) * i64::from(value);
                    sum += i64::from(row_share) * i64::from(column_share) * product;
                }
            }
        }
        let mean = i32::try_from((sum + (1 << 15)) >> 16).expect("a mean of bounded sums");
        let drive = neuron.drive.scaled(neuron.bias + mean);
        *rate = neuron.rate.requantise(super::elu_plus_one(drive));
    }
}
