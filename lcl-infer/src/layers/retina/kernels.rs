//! The kernel of a retina.

use super::{Retina, RetinaOutput};

/// What a row of a retina reads and keeps, each `[1, W, C]`.
#[derive(Debug)]
pub struct RetinaRows<'a> {
    /// The input.
    pub row: &'a [u8],
    /// The mean down to the row before, 256ths of a byte; for the first row, the
    /// input itself. It becomes that down to this row.
    pub down: &'a mut [u16],
    /// Room for the mean along the row.
    pub along: &'a mut [u16],
}

/// A retina, a row at a call.
#[derive(Clone, Copy, Debug)]
pub struct RetinaKernels {
    /// One row; `out` is `[1, W, C_out]`.
    pub retina_row: fn(retina: &Retina, channels: usize, rows: RetinaRows<'_>, out: &mut [u8]),
}

impl RetinaKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { retina_row };
}

fn retina_row(retina: &Retina, channels: usize, rows: RetinaRows<'_>, out: &mut [u8]) {
    // Means in registers where the number of channels is that of images.
    match channels {
        1 => pixels::<1>(*retina, rows, out),
        3 => pixels::<3>(*retina, rows, out),
        _ => {
            let channels = channels.max(1);
            for (down, &byte) in rows.down.iter_mut().zip(rows.row) {
                *down = retina.step(*down, u16::from(byte) << 8);
            }
            for c in 0..channels.min(rows.row.len()) {
                rightwards(retina, channels, c, rows.down, rows.along);
                leftwards(retina, channels, c, &rows, out);
            }
        }
    }
}

/// One row of pixels of `C` channels.
#[inline(never)]
fn pixels<const C: usize>(retina: Retina, rows: RetinaRows<'_>, out: &mut [u8]) {
    let RetinaRows { row, down, along } = rows;
    let mut means = None;
    let pixels = row.chunks_exact(C).zip(down.chunks_exact_mut(C)).zip(along.chunks_exact_mut(C));
    for ((row, down), along) in pixels {
        let (Some(row), Some(down), Some(along)) =
            (row.first_chunk::<C>(), down.first_chunk_mut::<C>(), along.first_chunk_mut::<C>())
        else {
            return;
        };
        for (down, &byte) in down.iter_mut().zip(row) {
            *down = retina.step(*down, u16::from(byte) << 8);
        }
        // The mean starts from the first pixel.
        let means = means.get_or_insert(*down);
        for ((mean, &down), along) in means.iter_mut().zip(&*down).zip(along) {
            *mean = retina.step(*mean, down);
            *along = *mean;
        }
    }
    let out_c = retina.out_c(C);
    let pixels = row.chunks_exact(C).zip(down.chunks_exact(C)).zip(along.chunks_exact(C));
    let mut means = None;
    for (((row, down), along), out) in pixels.zip(out.chunks_exact_mut(out_c)).rev() {
        let (Some(row), Some(down), Some(along)) =
            (row.first_chunk::<C>(), down.first_chunk::<C>(), along.first_chunk::<C>())
        else {
            return;
        };
        // And from the last.
        let means = means.get_or_insert(*down);
        let means = means.iter_mut().zip(down).zip(along);
        match retina.output() {
            RetinaOutput::Adapted => {
                for (((mean, &down), &along), (&byte, out)) in means.zip(row.iter().zip(out)) {
                    let mean = both(&retina, mean, down, along);
                    *out = retina.contrast(u16::from(byte) << 8, mean);
                }
            }
            RetinaOutput::OnOff => {
                let (on, off) = out.split_at_mut_checked(C).unwrap_or_default();
                let out = row.iter().zip(on.iter_mut().zip(off));
                for (((mean, &down), &along), (&byte, (on, off))) in means.zip(out) {
                    let mean = both(&retina, mean, down, along);
                    (*on, *off) = on_off(&retina, byte, mean);
                }
            }
        }
    }
}

/// Moves the mean from the last pixel on to this one, and returns the mean of
/// both directions.
#[inline]
fn both(retina: &Retina, mean: &mut u16, value: u16, right: u16) -> u16 {
    *mean = retina.step(*mean, value);
    // Half of the sum, rounded up: at most 255 · 256, as each of them is.
    (right | *mean).wrapping_sub((right ^ *mean) >> 1)
}

/// Returns what lies above the mean and what lies below it.
#[inline]
fn on_off(retina: &Retina, byte: u8, mean: u16) -> (u8, u8) {
    let value = u16::from(byte) << 8;
    let contrast = retina.contrast(value.abs_diff(mean), mean);
    if value > mean { (contrast, 0) } else { (0, contrast) }
}

/// Writes the mean from the first pixel on of channel `c`.
#[inline(never)]
fn rightwards(retina: &Retina, channels: usize, c: usize, down: &[u16], along: &mut [u16]) {
    let mut mean = down.get(c).copied().unwrap_or_default();
    let mut at = c;
    while let (Some(&value), Some(along)) = (down.get(at), along.get_mut(at)) {
        mean = retina.step(mean, value);
        *along = mean;
        at = at.saturating_add(channels);
    }
}

/// Takes the mean from the last pixel on of channel `c`, and writes what the
/// retina hands out.
#[inline(never)]
fn leftwards(retina: &Retina, channels: usize, c: usize, rows: &RetinaRows<'_>, out: &mut [u8]) {
    let out_c = retina.out_c(channels);
    let last = (rows.row.len() / channels.max(1)).saturating_sub(1);
    let mut at = last.saturating_mul(channels).saturating_add(c);
    let mut place = last.saturating_mul(out_c).saturating_add(c);
    let mut mean = rows.down.get(at).copied().unwrap_or_default();
    while let (Some(&byte), Some(&value), Some(&right)) =
        (rows.row.get(at), rows.down.get(at), rows.along.get(at))
    {
        let mean = both(retina, &mut mean, value, right);
        match retina.output() {
            RetinaOutput::Adapted => {
                put(out, place, retina.contrast(u16::from(byte) << 8, mean));
            }
            RetinaOutput::OnOff => {
                let (on, off) = on_off(retina, byte, mean);
                put(out, place, on);
                put(out, place.saturating_add(channels), off);
            }
        }
        let (Some(before), Some(place_before)) =
            (at.checked_sub(channels), place.checked_sub(out_c))
        else {
            return;
        };
        (at, place) = (before, place_before);
    }
}

fn put(out: &mut [u8], place: usize, byte: u8) {
    if let Some(out) = out.get_mut(place) {
        *out = byte;
    }
}
