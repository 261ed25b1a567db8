//! Pooling, one pooled pixel at a time, with all channels of it in one loop.
//!
//! The loop of the published order of pooling is assembly. The compiler makes
//! vectors of the others by itself.
#![allow(unsafe_code)]

use core::arch::global_asm;
use core::{array, ptr};

use crate::arithmetic::round_blur;
use crate::kernels::PoolStep;
use crate::shape::{MAX_CHANNELS, POOL_STRIDE};

/// `row = max(row, other)`, as [`crate::kernels::PoolKernels::max_rows`].
pub(super) fn max_rows(row: &mut [u8], other: &[u8]) {
    for (value, &other) in row.iter_mut().zip(other) {
        *value = (*value).max(other);
    }
}

/// The maximum over columns, into the blur, as [`crate::kernels::PoolKernels::max_blur_row`].
pub(super) fn max_blur_row(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>) {
    each_pixel(channels, sum, step, |ox, sum, out| {
        if let Some(columns) = Columns::around(row, channels, ox) {
            max_blur(&columns, sum, out);
        }
    });
}

/// Does one pooled pixel; its columns, sums and bytes are of one length.
fn max_blur(columns: &Columns<'_>, sum: &mut [u16], mut out: Option<&mut [u8]>) {
    let channels = sum.len();
    let fits = columns.pixels.iter().all(|pixel| pixel.len() == channels)
        && out.as_ref().is_none_or(|out| out.len() == channels);
    if !fits {
        return;
    }
    let [_, left, _, right, _] = columns.inside;
    let pixel = Pixel {
        columns: columns.pixels.map(<[u8]>::as_ptr),
        sum: sum.as_mut_ptr(),
        out: out.as_mut().map_or(ptr::null_mut(), |out| out.as_mut_ptr()),
        neighbours: [left, right].map(u32::from),
        channels,
    };
    // SAFETY: all that `pixel` points to has as many values as there are
    // channels, as was checked, and is borrowed until here, what is written to
    // mutably; the edge alone has an `out`.
    unsafe {
        if out.is_some() {
            lcl_infer_helium_max_blur_edge(&pixel);
        } else {
            lcl_infer_helium_max_blur_middle(&pixel);
        }
    }
}

/// What the assembly reads.
#[repr(C)]
struct Pixel {
    /// Values of each column.
    columns: [*const u8; COLUMNS],
    /// Partial sums.
    sum: *mut u16,
    /// Where the bytes go, where the step completes a window.
    out: *mut u8,
    /// 1 for a neighbour of the middle column that is there, 0 for one outside
    /// of the map, which the blur sees as zero.
    neighbours: [u32; 2],
    /// Values of all of these.
    channels: usize,
}

unsafe extern "C" {
    /// Adds the row's share to the partial sums: it is the middle of a window.
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_max_blur_middle")]
    fn lcl_infer_helium_max_blur_middle(pixel: &Pixel);

    /// Completes a window with the row, and starts the next.
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_max_blur_edge")]
    fn lcl_infer_helium_max_blur_edge(pixel: &Pixel);
}

global_asm!(include_str!(concat!(env!("OUT_DIR"), "/pool.s")), options(raw));

/// The blur, into the maximum, as [`crate::kernels::PoolKernels::blur_max_row`].
pub(super) fn blur_max_row(
    rows: [&[u8]; 3],
    channels: usize,
    largest: &mut [u16],
    step: PoolStep<'_>,
) {
    each_pixel(channels, largest, step, |ox, largest, out| {
        let [Some(above), Some(middle), Some(below)] =
            rows.map(|row| Columns::around(row, channels, ox))
        else {
            return;
        };
        let inside = middle.inside;
        let rows = above.channels().zip(middle.channels()).zip(below.channels());
        let values = rows.map(|((above, middle), below)| {
            let [a, b, c, d, e] = array::from_fn(|column| {
                let [above, middle, below] =
                    [above, middle, below].map(|row: [u8; COLUMNS]| u16::from(row[column]));
                inside[column] * (above + 2 * middle + below)
            });
            let blurred = [a + 2 * b + c, b + 2 * c + d, c + 2 * d + e].map(round_blur);
            let [left, middle, right] = blurred.map(u16::from);
            middle.max(inside[1] * left).max(inside[3] * right)
        });
        keep_largest(largest, values, out);
    });
}

/// The maximum over columns and rows, as [`crate::kernels::PoolKernels::max_row`].
pub(super) fn max_row(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>) {
    each_pixel(channels, largest, step, |ox, largest, out| {
        if let Some(columns) = Columns::around(row, channels, ox) {
            let values = columns.channels().map(|[_, b, c, d, _]| b.max(c).max(d).into());
            keep_largest(largest, values, out);
        }
    });
}

/// Folds values, each a byte, into the largest so far, or completes a window
/// with them.
#[inline]
fn keep_largest(largest: &mut [u16], values: impl Iterator<Item = u16>, out: Option<&mut [u8]>) {
    match out {
        None => {
            for (largest, value) in largest.iter_mut().zip(values) {
                *largest = value.max(*largest);
            }
        }
        Some(out) => {
            for ((largest, out), value) in largest.iter_mut().zip(out).zip(values) {
                *out = (value.max(*largest) & 255) as u8;
                *largest = value;
            }
        }
    }
}

/// Visits each pooled pixel of a row with its partial results and, where the
/// step completes a window, its bytes.
#[inline]
fn each_pixel(
    channels: usize,
    partial: &mut [u16],
    step: PoolStep<'_>,
    mut visit: impl FnMut(usize, &mut [u16], Option<&mut [u8]>),
) {
    if !(1..=MAX_CHANNELS).contains(&channels) {
        return;
    }
    let pixels = partial.chunks_exact_mut(channels).enumerate();
    match step {
        PoolStep::Middle => pixels.for_each(|(ox, partial)| visit(ox, partial, None)),
        PoolStep::Edge(out) => {
            for ((ox, partial), out) in pixels.zip(out.chunks_exact_mut(channels)) {
                visit(ox, partial, Some(out));
            }
        }
    }
}

/// Columns that the windows of a pooled pixel reach.
const COLUMNS: usize = 5;

/// The pixels of a row around the middle of a window.
struct Columns<'r> {
    /// The nearest one takes the place of a pixel outside of the map, which is
    /// nothing to a maximum.
    pixels: [&'r [u8]; COLUMNS],
    /// 1 for a pixel inside of the map, 0 for one outside.
    inside: [u16; COLUMNS],
}

impl<'r> Columns<'r> {
    /// Returns what lies around the middle of pooled pixel `ox`, or nothing
    /// where that is outside of the map.
    #[inline]
    fn around(row: &'r [u8], channels: usize, ox: usize) -> Option<Self> {
        let x = POOL_STRIDE * ox;
        let pixel = |x: usize| row.get(x * channels..)?.get(..channels);
        let c = pixel(x)?;
        let b = x.checked_sub(1).and_then(pixel);
        let a = x.checked_sub(2).and_then(pixel);
        let [d, e] = [pixel(x + 1), pixel(x + 2)];
        let inside = [a, b, Some(c), d, e].map(|pixel| pixel.is_some().into());
        let [b, d] = [b.unwrap_or(c), d.unwrap_or(c)];
        Some(Self { pixels: [a.unwrap_or(b), b, c, d, e.unwrap_or(d)], inside })
    }

    /// Iterates over the channels.
    #[inline]
    fn channels(&self) -> impl Iterator<Item = [u8; COLUMNS]> + 'r {
        let [a, b, c, d, e] = self.pixels;
        let columns = a.iter().zip(b).zip(c).zip(d).zip(e);
        columns.map(|((((&a, &b), &c), &d), &e)| [a, b, c, d, e])
    }
}
