//! Resampling of whole maps, in its plainest form.

use super::{RUN_WEIGHT, ResampleTable};

/// Computes a resampling of a whole map.
///
/// `out = round(Σ row weight · column weight · input / 255²)`, half up.
///
/// # Shapes
///
/// `input` is `[1, in, in, C]`, `out` is `[1, out, out, C]` (NHWC).
///
/// # Panics
///
/// Panics where a slice is shorter than its shape.
pub fn resample_ref(table: &ResampleTable<'_>, channels: usize, input: &[u8], out: &mut [u8]) {
    let side = table.resample().taken_side();
    let whole = u64::from(RUN_WEIGHT * RUN_WEIGHT);
    let mut places = out.iter_mut();
    for (rows, row_weights) in table.runs() {
        for (columns, column_weights) in table.runs() {
            for c in 0..channels {
                let mut sum = 0_u64;
                for (y, &row_weight) in (usize::from(rows.start)..).zip(row_weights) {
                    for (x, &weight) in (usize::from(columns.start)..).zip(column_weights) {
                        let value = input[(y * side + x) * channels + c];
                        sum += u64::from(row_weight) * u64::from(weight) * u64::from(value);
                    }
                }
                let rounded = (2 * sum + whole) / (2 * whole);
                *places.next().expect("as many places as its shape says") =
                    u8::try_from(rounded).expect("a mean of bytes");
            }
        }
    }
}
