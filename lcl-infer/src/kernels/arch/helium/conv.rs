//! A convolution row in tiles of two pixels and four channels.
//!
//! `VMLADAVA` sums sixteen products of signed bytes into a general register,
//! and eight of these are even, as it asks for: that is the tile. A value is
//! held as `value - 128`, and the 128 times the sum of weights that this leaves
//! out comes in with the bias.
#![allow(unsafe_code)]

use core::arch::global_asm;
use core::ptr;

use crate::arithmetic::MIN_UPPER_SHIFT;
use crate::kernels::RowWindow;
use crate::packing::{CHANNEL_GROUP, QUAD_LEN, TAP_BLOCK};
use crate::parameters::{CHANNEL_WORDS, Conv2d};
use crate::shape::{ConvGeometry, MAX_KERNEL};

const _: () = assert!(CHANNEL_GROUP == 4 && QUAD_LEN == 16 && TAP_BLOCK == 16);
const _: () = assert!(CHANNEL_WORDS == 4);

/// Output pixels of a tile.
const PIXELS: usize = 2;

/// Bytes from one window to the next, and bytes of a row that the taps of one
/// pixel meet, where the assembly keeps what two windows share in registers:
/// those of V2, which has 64 channels and a kernel of five.
const SHARED: (usize, usize) = (64, 5 * 64);

/// Returns the bytes of scratch: one column for each pixel of a tile.
pub(in crate::kernels::arch) const fn scratch_len(conv: &ConvGeometry) -> usize {
    PIXELS * conv.padded_taps()
}

/// Computes one row of a convolution, as [`crate::kernels::ConvKernels::conv2d_row`].
pub(super) fn conv2d_row(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    row(conv, window, out, scratch);
}

/// Does the work, or nothing where a slice is too short or out of line.
fn row(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) -> Option<()> {
    let geometry = conv.geometry();
    let (out_c, taps) = (geometry.out_c(), geometry.padded_taps());
    let last_x = (out.len() / out_c).checked_sub(1)?;
    let out = out.get_mut(..(last_x + 1) * out_c)?;
    let columns = scratch.get_mut(..scratch_len(&geometry))?.as_mut_ptr();
    let weights = conv.packed_weights().get(..geometry.packed_len())?.as_ptr();
    let channels = conv.channels().words();
    let channels = channels.get(..CHANNEL_WORDS * geometry.padded_out_c())?.as_ptr();
    if weights.addr() % align_of::<u32>() != 0 {
        return None;
    }
    let step = geometry.stride() * geometry.in_c();
    // A slice for more pixels than any row has must not wrap what is checked.
    let row_len = last_x.checked_mul(step)?.checked_add(geometry.taps_per_row())?;
    let mut rows = [ptr::null(); MAX_KERNEL];
    let filled = rows.iter_mut().zip(window.rows().get(..geometry.kernel())?);
    for (start, row) in filled {
        *start = row.get(..row_len)?.as_ptr();
    }
    let mut tile = Tile {
        weights,
        channels,
        out: [ptr::null_mut(); PIXELS],
        out_c,
        columns: [columns, columns.wrapping_add(taps)],
        taps,
        rows: rows.as_ptr(),
        offset: 0,
        step,
        run: geometry.taps_per_row(),
        kernel: geometry.kernel(),
        low_shifts: u32::from(conv.channels().min_shift() < MIN_UPPER_SHIFT),
    };
    for (index, out) in out.chunks_mut(PIXELS * out_c).enumerate() {
        // A lone pixel takes both places.
        let second = usize::from(out.len() > out_c);
        let first_out = out.as_mut_ptr();
        tile.out = [first_out, first_out.wrapping_add(second * out_c)];
        tile.offset = index * PIXELS * step;
        tile.step = second * step;
        let shared = out.len() > out_c && (step, geometry.taps_per_row()) == SHARED;
        // SAFETY: weights, channels and both columns have the lengths that the
        // geometry asks for, and weights and channels are aligned to words, as
        // was checked. `kernel` rows were filled in, and each has a run of taps
        // for every pixel of `out`. `out` has `out_c` bytes for each of the
        // tile's pixels. All of it is borrowed until the end of this function,
        // and scratch and `out` by nobody else.
        unsafe {
            if shared {
                lcl_infer_helium_lay_out_shared(&tile);
                lcl_infer_helium_convolve_shared(&tile);
            } else {
                lcl_infer_helium_lay_out(&tile);
                lcl_infer_helium_convolve(&tile);
            }
        }
    }
    Some(())
}

/// What the assembly reads; it knows each offset.
#[repr(C)]
struct Tile {
    /// Packed weights of all channels.
    weights: *const i8,
    /// Words of all channels.
    channels: *const i32,
    /// Where the bytes of either pixel go.
    out: [*mut u8; PIXELS],
    /// Output channels, at least one.
    out_c: usize,
    /// Column of either pixel, the second behind the first.
    columns: [*mut u8; PIXELS],
    /// Taps of a column, a positive multiple of [`TAP_BLOCK`].
    taps: usize,
    /// Start of each row of the window.
    rows: *const *const u8,
    /// Bytes from the start of a row to the first pixel's window.
    offset: usize,
    /// Bytes from there to the second pixel's.
    step: usize,
    /// Bytes of a row that the taps of one pixel meet, at least one.
    run: usize,
    /// Rows, at least one.
    kernel: usize,
    /// 1 where a shift is less than [`MIN_UPPER_SHIFT`], 0 where none is.
    low_shifts: u32,
}

unsafe extern "C" {
    /// Lays out what the taps of both pixels meet, as `value - 128`.
    ///
    /// Behind the last tap, where weights are 0, the columns stay as they are.
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_lay_out")]
    fn lcl_infer_helium_lay_out(tile: &Tile);

    /// Computes all channels of both pixels from their columns.
    ///
    /// It reads up to sixteen bytes behind the first column.
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_convolve")]
    fn lcl_infer_helium_convolve(tile: &Tile);

    /// Lays out what the taps of both pixels meet, as `value - 128`, in one
    /// column, which goes on where the second would begin. Of each row it takes
    /// one run and one step, which are those of [`SHARED`].
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_lay_out_shared")]
    fn lcl_infer_helium_lay_out_shared(tile: &Tile);

    /// Computes all channels of both pixels from that column.
    #[link_name = concat!("lcl_infer_helium_", env!("LCL_INFER_BUILD"), "_convolve_shared")]
    fn lcl_infer_helium_convolve_shared(tile: &Tile);
}

global_asm!(include_str!(concat!(env!("OUT_DIR"), "/conv.s")), options(raw));
