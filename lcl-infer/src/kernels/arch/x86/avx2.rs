//! Kernels for AVX2.
//!
//! `vpmaddubsw`, which multiplies bytes, saturates its sums at 16 bits, so the
//! convolution widens both sides to 16 bits and uses `vpmaddwd`: sixteen
//! products in pairs, exact. A tile is up to six pixels by eight channels,
//! twelve accumulators; each holds four channels and two pairs of taps.
#![allow(unsafe_code)]

use core::arch::asm;

use super::requant::{BLOCK, GROUPS, RequantBlock};
use super::toom::Avx2;
use super::{store_last, tile_width};
use crate::kernels::arch::vector_pooling;
use crate::kernels::arch::widened::Layout;
use crate::kernels::{ConvKernels, Kernels, PoolKernels, PoolStep, RowWindow, portable, toom};
use crate::memory::aligned;
use crate::packing::{CHANNEL_GROUP, TAP_BLOCK};
use crate::parameters::Conv2d;
use crate::shape::ConvGeometry;

/// The kernels for AVX2.
pub(super) static KERNELS: Kernels = Kernels {
    name: "avx2",
    conv: ConvKernels { conv2d_row, toom_row: toom::row::conv2d_row::<Avx2> },
    pool: PoolKernels { max_rows, max_blur_row, blur_max_row, max_row },
    ..portable::KERNELS
}
.built_in();

/// Returns whether the machine has what the kernels use.
pub(super) fn detected() -> bool {
    super::detected!("avx2")
}

/// Most pixels of a tile.
const PIXELS: usize = 6;

/// Groups of channels of a tile.
const TILE_GROUPS: usize = 2;

/// Channels of a tile.
const CHANNELS: usize = TILE_GROUPS * CHANNEL_GROUP;

/// Widened values of a tile that go on the stack; where those of one pixel are
/// more, they go into scratch.
const WIDENED_LEN: usize = 3584;

/// Returns the bytes of scratch that the convolution asks for.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    let values = Layout::new(conv, Layout::pixels(conv, PIXELS, WIDENED_LEN)).values();
    if values > WIDENED_LEN { aligned(values * size_of::<i16>()) } else { 0 }
}

fn conv2d_row(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]) {
    if let Ok(scratch) = bytemuck::try_cast_slice_mut(scratch) {
        // SAFETY: these kernels are handed out on machines with AVX2 only.
        unsafe { convolve(conv, window, out, scratch) };
    }
}

#[target_feature(enable = "avx2")]
unsafe fn convolve(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [i16]) {
    let geometry = &conv.geometry();
    let out_c = geometry.out_c();
    let width = out.len() / out_c;
    let most = Layout::pixels(geometry, PIXELS, WIDENED_LEN);
    let group_len = CHANNEL_GROUP * geometry.padded_taps();
    let mut widened = [0; WIDENED_LEN];
    let mut requant = RequantBlock::EMPTY;
    let mut x = 0;
    while x < width {
        let pixels = tile_width(width - x, most);
        let layout = Layout::new(geometry, pixels);
        let values = match widened.get_mut(..layout.values()) {
            Some(values) => values,
            None => scratch.get_mut(..layout.values()).unwrap_or_default(),
        };
        if values.is_empty() || layout.rows * layout.len != geometry.padded_taps() {
            return;
        }
        layout.widen(window, geometry, x, values);
        let out = out.get_mut(x * out_c..(x + pixels) * out_c).unwrap_or_default();
        for (block, weights) in conv.packed_weights().chunks(GROUPS * group_len).enumerate() {
            requant.set(&conv.channels(), block * BLOCK);
            for (half, weights) in weights.chunks(TILE_GROUPS * group_len).enumerate() {
                let first = block * BLOCK + half * CHANNELS;
                let second = if weights.len() > group_len { group_len } else { 0 };
                let mut tile = Tile {
                    values: values.as_ptr(),
                    rows: layout.rows,
                    row_step: layout.row_len * size_of::<i16>(),
                    blocks: layout.len / TAP_BLOCK,
                    step: layout.step * size_of::<i16>(),
                    weights: weights.as_ptr(),
                    second,
                    requant: (&raw const requant).cast::<[i32; CHANNELS]>().wrapping_add(half),
                    bias: requant.bias.as_ptr().wrapping_add(TILE_GROUPS * half),
                    out: core::ptr::null_mut(),
                    out_step: out_c,
                };
                if out_c - first >= CHANNELS {
                    tile.out = out.as_mut_ptr().wrapping_add(first);
                    // SAFETY: the machine has AVX2; the values have each row of
                    // the layout, in which each pixel's are whole; the weights
                    // have all rows' blocks of two groups, or of one that is
                    // read twice; the last pixel of `out` has a tile of
                    // channels from `first` on.
                    unsafe { tile.run(pixels) };
                } else {
                    let mut bytes = [[0; CHANNELS]; PIXELS];
                    (tile.out, tile.out_step) = (bytes.as_mut_ptr().cast(), CHANNELS);
                    // SAFETY: as above, and `bytes` has the channels of each
                    // pixel.
                    unsafe { tile.run(pixels) };
                    store_last(&bytes, first, out_c, out);
                }
            }
        }
        x += pixels;
    }
}

/// What one tile reads and writes, as the assembly finds it.
#[repr(C)]
struct Tile {
    /// Widened values of the first pixel's first row.
    values: *const i16,
    /// Rows, at least one.
    rows: usize,
    /// Bytes from one row to the next.
    row_step: usize,
    /// Blocks of [`TAP_BLOCK`] taps that a pixel has in each row, at least one.
    blocks: usize,
    /// Bytes from one pixel to the next.
    step: usize,
    /// The packed weights of the first group of channels.
    weights: *const i8,
    /// Bytes from there to those of the second group.
    second: usize,
    /// The tile's half of a [`RequantBlock`], and its biases.
    requant: *const [i32; CHANNELS],
    bias: *const [i32; BLOCK],
    /// Where the first pixel's channels go.
    out: *mut u8,
    /// Bytes from there to the next pixel's.
    out_step: usize,
}

/// One quad of taps of a pixel, whose address is `$at`, with both groups.
macro_rules! multiply {
    ($quad:literal, $at:literal, $a:literal, $b:literal) => {
        concat!(
            "vpbroadcastq ymm14, qword ptr [",
            $at,
            " + 8 * ",
            $quad,
            "]\n",
            "vpmaddwd ymm15, ymm14, ymm12\n",
            "vpmaddwd ymm14, ymm14, ymm13\n",
            "vpaddd ymm",
            $a,
            ", ymm",
            $a,
            ", ymm15\n",
            "vpaddd ymm",
            $b,
            ", ymm",
            $b,
            ", ymm14\n",
        )
    };
}

/// The weights of one quad of taps.
macro_rules! weights {
    ($quad:literal) => {
        concat!(
            "vpmovsxbw ymm12, xmmword ptr [{weights} + 16 * ",
            $quad,
            "]\n",
            "vpmovsxbw ymm13, xmmword ptr [{weights} + {second} + 16 * ",
            $quad,
            "]\n",
        )
    };
}

/// Adds one pixel's pairs of taps up, requantises the sums and stores them as
/// bytes. `vphaddd` leaves both groups' channels 0 and 1 before their channels
/// 2 and 3.
macro_rules! finish {
    ($a:literal, $b:literal) => {
        concat!(
            "vphaddd ymm",
            $a,
            ", ymm",
            $a,
            ", ymm",
            $b,
            "\n",
            "vpermq ymm",
            $a,
            ", ymm",
            $a,
            ", 0xd8\n",
            "vpaddd ymm",
            $a,
            ", ymm",
            $a,
            ", ymm12\n",
            "vpmaxsd ymm",
            $a,
            ", ymm",
            $a,
            ", ymm13\n",
            "vpminsd ymm",
            $a,
            ", ymm",
            $a,
            ", ymmword ptr [{row} + 192]\n",
            "vpsllvd ymm",
            $a,
            ", ymm",
            $a,
            ", ymmword ptr [{row} + 256]\n",
            "vpsrlq ymm",
            $b,
            ", ymm",
            $a,
            ", 32\n",
            "vpmuludq ymm",
            $a,
            ", ymm",
            $a,
            ", ymm14\n",
            "vpmuludq ymm",
            $b,
            ", ymm",
            $b,
            ", ymm15\n",
            "vpsrlq ymm",
            $a,
            ", ymm",
            $a,
            ", 32\n",
            "vpblendd ymm",
            $a,
            ", ymm",
            $a,
            ", ymm",
            $b,
            ", 0xaa\n",
            "vpaddd ymm",
            $a,
            ", ymm",
            $a,
            ", ymmword ptr [{row} + 64]\n",
            "vpsrlvd ymm",
            $a,
            ", ymm",
            $a,
            ", ymmword ptr [{row} + 128]\n",
            "vpackssdw ymm",
            $a,
            ", ymm",
            $a,
            ", ymm",
            $a,
            "\n",
            "vpackuswb ymm",
            $a,
            ", ymm",
            $a,
            ", ymm",
            $a,
            "\n",
            "vextracti128 xmm",
            $b,
            ", ymm",
            $a,
            ", 1\n",
            "vpunpckldq xmm",
            $a,
            ", xmm",
            $a,
            ", xmm",
            $b,
            "\n",
            "vmovq qword ptr [{x}], xmm",
            $a,
            "\n",
            "add {x}, {step}\n",
        )
    };
}

macro_rules! zero {
    ($a:literal, $b:literal) => {
        concat!(
            "vpxor xmm",
            $a,
            ", xmm",
            $a,
            ", xmm",
            $a,
            "\n",
            "vpxor xmm",
            $b,
            ", xmm",
            $b,
            ", xmm",
            $b,
            "\n",
        )
    };
}

macro_rules! tile_fn {
    ($name:ident: $([$at:literal $a:literal $b:literal])+) => {
        /// Computes a tile.
        ///
        /// # Safety
        ///
        /// As [`Tile::run`].
        unsafe fn $name(tile: *const Tile) {
            // SAFETY: the caller vouches for what the tile points to; every
            // register that the assembly writes is given up.
            unsafe {
                asm!(
                    $(zero!($a, $b),)+
                    "mov {row}, [{tile}]",
                    "mov {rows}, [{tile} + 8]",
                    "mov {step}, [{tile} + 32]",
                    "mov {weights}, [{tile} + 40]",
                    "mov {second}, [{tile} + 48]",
                    "lea {step3}, [{step} + 2 * {step}]",
                    "lea {step5}, [{step} + 4 * {step}]",
                    "2:",
                    "mov {x}, {row}",
                    "add {row}, [{tile} + 16]",
                    "mov {blocks}, [{tile} + 24]",
                    ".p2align 4",
                    "3:",
                    weights!("0"),
                    $(multiply!("0", $at, $a, $b),)+
                    weights!("1"),
                    $(multiply!("1", $at, $a, $b),)+
                    weights!("2"),
                    $(multiply!("2", $at, $a, $b),)+
                    weights!("3"),
                    $(multiply!("3", $at, $a, $b),)+
                    "add {weights}, 64",
                    "add {x}, 32",
                    "dec {blocks}",
                    "jnz 3b",
                    "dec {rows}",
                    "jnz 2b",
                    // The requantisation, the output and its step.
                    "mov {row}, [{tile} + 64]",
                    "vmovdqu xmm12, xmmword ptr [{row}]",
                    "vinserti128 ymm12, ymm12, xmmword ptr [{row} + 64], 1",
                    "mov {row}, [{tile} + 56]",
                    "mov {x}, [{tile} + 72]",
                    "mov {step}, [{tile} + 80]",
                    "vpxor xmm13, xmm13, xmm13",
                    "vmovdqu ymm14, ymmword ptr [{row}]",
                    "vpsrlq ymm15, ymm14, 32",
                    $(finish!($a, $b),)+
                    "vzeroupper",
                    tile = in(reg) tile,
                    row = out(reg) _,
                    rows = out(reg) _,
                    step = out(reg) _,
                    step3 = out(reg) _,
                    step5 = out(reg) _,
                    weights = out(reg) _,
                    second = out(reg) _,
                    x = out(reg) _,
                    blocks = out(reg) _,
                    out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _,
                    out("ymm4") _, out("ymm5") _, out("ymm6") _, out("ymm7") _,
                    out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
                    out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
                    options(nostack),
                );
            }
        }
    };
}

tile_fn!(one: ["{x}" "0" "1"]);
tile_fn!(two: ["{x}" "0" "1"]["{x} + {step}" "2" "3"]);
tile_fn!(three: ["{x}" "0" "1"]["{x} + {step}" "2" "3"]["{x} + 2 * {step}" "4" "5"]);
tile_fn!(four:
    ["{x}" "0" "1"]["{x} + {step}" "2" "3"]["{x} + 2 * {step}" "4" "5"]
    ["{x} + {step3}" "6" "7"]
);
tile_fn!(five:
    ["{x}" "0" "1"]["{x} + {step}" "2" "3"]["{x} + 2 * {step}" "4" "5"]
    ["{x} + {step3}" "6" "7"]["{x} + 4 * {step}" "8" "9"]
);
tile_fn!(six:
    ["{x}" "0" "1"]["{x} + {step}" "2" "3"]["{x} + 2 * {step}" "4" "5"]
    ["{x} + {step3}" "6" "7"]["{x} + 4 * {step}" "8" "9"]["{x} + {step5}" "10" "11"]
);

impl Tile {
    /// Computes the tile of one to [`PIXELS`] pixels.
    ///
    /// # Safety
    ///
    /// The machine has AVX2; each row can be read for as many pixels, and each
    /// group of weights for its taps; `out` can be written for [`CHANNELS`]
    /// bytes of each pixel; nothing overlaps it.
    unsafe fn run(&self, pixels: usize) {
        let compute = match pixels {
            1 => one,
            2 => two,
            3 => three,
            4 => four,
            5 => five,
            _ => six,
        };
        // SAFETY: the caller vouches for all that is asked for.
        unsafe { compute(self) }
    }
}

/// Defines an operation of [`KERNELS`] as its portable source, compiled for
/// AVX2.
macro_rules! compiled_for_avx2 {
    ($($name:ident($($argument:ident: $type:ty),+);)+) => {$(
        fn $name($($argument: $type),+) {
            #[target_feature(enable = "avx2")]
            unsafe fn compiled($($argument: $type),+) {
                vector_pooling::$name($($argument),+);
            }
            // SAFETY: these kernels are handed out on machines with AVX2 only.
            unsafe { compiled($($argument),+) }
        }
    )+};
}

compiled_for_avx2! {
    max_rows(row: &mut [u8], other: &[u8]);
    max_blur_row(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>);
    blur_max_row(rows: [&[u8]; 3], channels: usize, largest: &mut [u16], step: PoolStep<'_>);
    max_row(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>);
}
