//! Kernels for AVX-512 with VNNI.
//!
//! 64 bytes of packed weights are four channels by sixteen taps: one 128-bit
//! lane for each quad of taps, one word for each channel. Sixteen values of a
//! pixel are spread so that each lane holds its quad four times; `vpdpbusd`
//! then adds four products in each word. A tile is up to six pixels by sixteen
//! channels, 24 accumulators, whose lanes are added up at its end.
//!
//! The loop is inline assembly, since Rust's intrinsics and target features of
//! AVX-512 are younger than the oldest compiler that this crate builds with.
#![allow(unsafe_code)]

use core::arch::asm;

use super::requant::{BLOCK, GROUPS, RequantBlock};
use super::{avx2, store_last, tile_width};
use crate::kernels::arch::columns::{self, in_place};
use crate::kernels::{ConvKernels, Kernels, RowWindow};
use crate::packing::{CHANNEL_GROUP, TAP_BLOCK};
use crate::parameters::Conv2d;
use crate::shape::{ConvGeometry, MAX_KERNEL};

/// The kernels for AVX-512 with VNNI.
pub(super) static KERNELS: Kernels = Kernels {
    name: "avx512-vnni",
    conv: ConvKernels { conv2d_row, ..avx2::KERNELS.conv },
    ..avx2::KERNELS
};

/// Returns whether the machine has what the kernels use.
pub(super) fn detected() -> bool {
    super::detected!("avx2", "avx512f", "avx512bw", "avx512vnni")
}

/// Most pixels of a tile.
const PIXELS: usize = 6;

/// Returns the bytes of scratch that the convolution asks for.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    columns::scratch_len(conv, PIXELS)
}

fn conv2d_row(conv: &Conv2d<'_>, window: &RowWindow<'_>, out: &mut [u8], scratch: &mut [u8]) {
    let geometry = &conv.geometry();
    if in_place(geometry) {
        let (len, step) = (geometry.taps_per_row(), geometry.stride() * geometry.in_c());
        let pixels = Pixels { rows: window.rows(), len, step };
        // SAFETY: these kernels are handed out on machines with AVX2 only.
        unsafe { pixels.convolve(conv, out) };
        return;
    }
    let (len, out_c) = (geometry.padded_taps(), geometry.out_c());
    let columns = columns::at_a_time(geometry, PIXELS);
    for (chunk, out) in out.chunks_mut(columns * out_c).enumerate() {
        // SAFETY: as above.
        unsafe { lay_out(window, geometry, columns * chunk, out.len() / out_c, scratch) };
        let pixels = Pixels { rows: &[&*scratch], len, step: len };
        // SAFETY: as above.
        unsafe { pixels.convolve(conv, out) };
    }
}

#[target_feature(enable = "avx2")]
unsafe fn lay_out(
    window: &RowWindow<'_>,
    conv: &ConvGeometry,
    x: usize,
    pixels: usize,
    columns: &mut [u8],
) {
    columns::lay_out(window, conv, x, pixels, columns);
}

/// The taps of neighbouring output pixels: pixel x reads `len` bytes, a
/// multiple of [`TAP_BLOCK`], from byte `x · step` of each row.
struct Pixels<'a> {
    rows: &'a [&'a [u8]],
    len: usize,
    step: usize,
}

impl Pixels<'_> {
    /// Computes the pixels of `out`, `[1, W, out_c]`, or nothing where the
    /// rows are too short.
    #[target_feature(enable = "avx2")]
    unsafe fn convolve(&self, conv: &Conv2d<'_>, out: &mut [u8]) {
        let geometry = &conv.geometry();
        let out_c = geometry.out_c();
        let width = out.len() / out_c;
        let readable = width.saturating_sub(1) * self.step + self.len;
        if self.rows.is_empty()
            || self.rows.len() > MAX_KERNEL
            || self.rows.len() * self.len != geometry.padded_taps()
            || self.rows.iter().any(|row| row.len() < readable)
        {
            return;
        }
        let mut rows = [core::ptr::null(); MAX_KERNEL];
        for (pointer, row) in rows.iter_mut().zip(self.rows) {
            *pointer = row.as_ptr();
        }
        let group_len = CHANNEL_GROUP * geometry.padded_taps();
        let mut requant = RequantBlock::EMPTY;
        for (block, weights) in conv.packed_weights().chunks(GROUPS * group_len).enumerate() {
            let first = block * BLOCK;
            requant.set(&conv.channels(), first);
            let last_group = (weights.len() / group_len).saturating_sub(1);
            let mut x = 0;
            while x < width {
                let pixels = tile_width(width - x, PIXELS);
                let mut tile = Tile {
                    rows: rows.as_ptr(),
                    rows_len: self.rows.len(),
                    offset: x * self.step,
                    blocks: self.len / TAP_BLOCK,
                    step: self.step,
                    weights: weights.as_ptr(),
                    groups: [1, 2, 3].map(|group: usize| group.min(last_group) * group_len),
                    requant: &raw const requant,
                    out: core::ptr::null_mut(),
                    out_step: out_c,
                };
                let out = out.get_mut(x * out_c..(x + pixels) * out_c).unwrap_or_default();
                let channels = out_c - first;
                if channels >= BLOCK {
                    tile.out = out.as_mut_ptr().wrapping_add(first);
                    // SAFETY: `width` pixels are readable in each row, as was
                    // checked, and the groups of weights are whole; the last
                    // pixel of `out` has a block of channels from `first` on.
                    unsafe { tile.run(pixels) };
                } else {
                    let mut bytes = [[0; BLOCK]; PIXELS];
                    (tile.out, tile.out_step) = (bytes.as_mut_ptr().cast(), BLOCK);
                    // SAFETY: as above, and `bytes` has a block for each pixel.
                    unsafe { tile.run(pixels) };
                    store_last(&bytes, first, out_c, out);
                }
                x += pixels;
            }
        }
    }
}

/// What one tile reads and writes, as the assembly finds it.
#[repr(C)]
struct Tile {
    /// One pointer for each row.
    rows: *const *const u8,
    /// Rows, at least one.
    rows_len: usize,
    /// Where the first pixel starts in each row, in bytes.
    offset: usize,
    /// Blocks of [`TAP_BLOCK`] taps that a pixel has in each row, at least one.
    blocks: usize,
    /// Bytes from one pixel to the next.
    step: usize,
    /// The packed weights of the first group of channels.
    weights: *const i8,
    /// Bytes from there to those of the other groups.
    groups: [usize; GROUPS - 1],
    requant: *const RequantBlock,
    /// Where the first pixel's block of channels goes.
    out: *mut u8,
    /// Bytes from there to the next pixel's.
    out_step: usize,
}

/// For each word of a lane, which word of its lane's quad: lane L takes word L
/// four times.
#[repr(C, align(64))]
struct Spread([u8; 64]);

static SPREAD: Spread = Spread({
    let mut spread = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        #[expect(clippy::cast_possible_truncation, reason = "below 16")]
        {
            spread[byte] = (byte / 16 * 4 + byte % 4) as u8;
        }
        byte += 1;
    }
    spread
});

/// One block of taps of a pixel, whose address is `$at`, with four groups.
macro_rules! multiply {
    ($at:literal, $x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vbroadcasti32x4 zmm",
            $x,
            ", xmmword ptr [",
            $at,
            "]\n",
            "vpshufb zmm",
            $x,
            ", zmm",
            $x,
            ", zmm31\n",
            "vpdpbusd zmm",
            $a,
            ", zmm",
            $x,
            ", zmm24\n",
            "vpdpbusd zmm",
            $b,
            ", zmm",
            $x,
            ", zmm25\n",
            "vpdpbusd zmm",
            $c,
            ", zmm",
            $x,
            ", zmm26\n",
            "vpdpbusd zmm",
            $d,
            ", zmm",
            $x,
            ", zmm27\n",
        )
    };
}

/// Starts the accumulators of one pixel from the biases.
macro_rules! start {
    ($a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vmovdqa64 zmm",
            $a,
            ", zmm24\n",
            "vmovdqa64 zmm",
            $b,
            ", zmm25\n",
            "vmovdqa64 zmm",
            $c,
            ", zmm26\n",
            "vmovdqa64 zmm",
            $d,
            ", zmm27\n",
        )
    };
}

/// Adds up the lanes of one pixel's accumulators, and makes what is negative 0.
macro_rules! add_up {
    ($a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vshufi32x4 zmm28, zmm",
            $a,
            ", zmm",
            $b,
            ", 0x88\n",
            "vshufi32x4 zmm29, zmm",
            $a,
            ", zmm",
            $b,
            ", 0xdd\n",
            "vpaddd zmm28, zmm28, zmm29\n",
            "vshufi32x4 zmm29, zmm",
            $c,
            ", zmm",
            $d,
            ", 0x88\n",
            "vshufi32x4 zmm",
            $a,
            ", zmm",
            $c,
            ", zmm",
            $d,
            ", 0xdd\n",
            "vpaddd zmm29, zmm29, zmm",
            $a,
            "\n",
            "vshufi32x4 zmm",
            $a,
            ", zmm28, zmm29, 0x88\n",
            "vshufi32x4 zmm",
            $b,
            ", zmm28, zmm29, 0xdd\n",
            "vpaddd zmm",
            $a,
            ", zmm",
            $a,
            ", zmm",
            $b,
            "\n",
            "vpmaxsd zmm",
            $a,
            ", zmm",
            $a,
            ", zmm30\n",
        )
    };
}

/// What shifts of 31 and 32 ask for.
macro_rules! limit {
    ($a:literal) => {
        concat!(
            "vpminsd zmm",
            $a,
            ", zmm",
            $a,
            ", zmmword ptr [{rows} + 192]\n",
            "vpsllvd zmm",
            $a,
            ", zmm",
            $a,
            ", zmmword ptr [{rows} + 256]\n",
        )
    };
}

/// Scales one pixel's sums and stores them as bytes.
macro_rules! scale {
    ($a:literal, $b:literal) => {
        concat!(
            "vmovshdup zmm",
            $b,
            ", zmm",
            $a,
            "\n",
            "vpmuludq zmm",
            $a,
            ", zmm",
            $a,
            ", zmm24\n",
            "vpmuludq zmm",
            $b,
            ", zmm",
            $b,
            ", zmm25\n",
            "vmovshdup zmm",
            $b,
            " {{k1}}, zmm",
            $a,
            "\n",
            "vpaddd zmm",
            $b,
            ", zmm",
            $b,
            ", zmm26\n",
            "vpsrlvd zmm",
            $b,
            ", zmm",
            $b,
            ", zmm27\n",
            "vpmovusdb xmmword ptr [{x}], zmm",
            $b,
            "\n",
            "add {x}, {step}\n",
        )
    };
}

/// The assembly of a tile of as many pixels as there are addresses.
macro_rules! tile_asm {
    ($tile:expr; $([$at:literal $x:literal $a:literal $b:literal $c:literal $d:literal])+) => {
        asm!(
            "vmovdqa64 zmm31, zmmword ptr [{rows}]",
            "mov {rows}, [{tile} + 72]",
            "vmovdqa64 zmm24, zmmword ptr [{rows} + 320]",
            "vmovdqa64 zmm25, zmmword ptr [{rows} + 384]",
            "vmovdqa64 zmm26, zmmword ptr [{rows} + 448]",
            "vmovdqa64 zmm27, zmmword ptr [{rows} + 512]",
            $(start!($a, $b, $c, $d),)+
            "mov {rows}, [{tile}]",
            "mov {rows_left}, [{tile} + 8]",
            "mov {step}, [{tile} + 32]",
            "mov {weights}, [{tile} + 40]",
            "mov {group1}, [{tile} + 48]",
            "mov {group2}, [{tile} + 56]",
            "mov {group3}, [{tile} + 64]",
            "lea {step3}, [{step} + 2 * {step}]",
            "lea {step5}, [{step} + 4 * {step}]",
            "2:",
            "mov {x}, [{rows}]",
            "add {x}, [{tile} + 16]",
            "mov {blocks}, [{tile} + 24]",
            ".p2align 4",
            "3:",
            "vmovdqu64 zmm24, zmmword ptr [{weights}]",
            "vmovdqu64 zmm25, zmmword ptr [{weights} + {group1}]",
            "vmovdqu64 zmm26, zmmword ptr [{weights} + {group2}]",
            "vmovdqu64 zmm27, zmmword ptr [{weights} + {group3}]",
            $(multiply!($at, $x, $a, $b, $c, $d),)+
            "add {weights}, 64",
            "add {x}, 16",
            "dec {blocks}",
            "jnz 3b",
            "add {rows}, 8",
            "dec {rows_left}",
            "jnz 2b",
            // The requantisation, the output and its step.
            "mov {rows}, [{tile} + 72]",
            "mov {x}, [{tile} + 80]",
            "mov {step}, [{tile} + 88]",
            "vpxord zmm30, zmm30, zmm30",
            $(add_up!($a, $b, $c, $d),)+
            "cmp qword ptr [{rows} + 576], 0",
            "je 4f",
            $(limit!($a),)+
            "4:",
            "vmovdqa64 zmm24, zmmword ptr [{rows}]",
            "vmovshdup zmm25, zmm24",
            "vmovdqa64 zmm26, zmmword ptr [{rows} + 64]",
            "vmovdqa64 zmm27, zmmword ptr [{rows} + 128]",
            "mov {blocks:e}, 0x5555",
            "kmovw k1, {blocks:e}",
            $(scale!($a, $b),)+
            "vzeroupper",
            tile = in(reg) $tile,
            rows = inout(reg) &raw const SPREAD => _,
            rows_left = out(reg) _,
            step = out(reg) _,
            step3 = out(reg) _,
            step5 = out(reg) _,
            weights = out(reg) _,
            group1 = out(reg) _,
            group2 = out(reg) _,
            group3 = out(reg) _,
            x = out(reg) _,
            blocks = out(reg) _,
            out("k1") _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _,
            out("zmm4") _, out("zmm5") _, out("zmm6") _, out("zmm7") _,
            out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _,
            out("zmm16") _, out("zmm17") _, out("zmm18") _, out("zmm19") _,
            out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _,
            out("zmm24") _, out("zmm25") _, out("zmm26") _, out("zmm27") _,
            out("zmm28") _, out("zmm29") _, out("zmm30") _, out("zmm31") _,
            options(nostack),
        )
    };
}

macro_rules! tile_fn {
    ($name:ident: $($pixel:tt)+) => {
        /// Computes a tile.
        ///
        /// # Safety
        ///
        /// As [`Tile::run`].
        unsafe fn $name(tile: *const Tile) {
            // SAFETY: the caller vouches for what the tile points to; every
            // register that the assembly writes is given up.
            unsafe { tile_asm!(tile; $($pixel)+) }
        }
    };
}

tile_fn!(one: ["{x}" "28" "0" "1" "2" "3"]);
tile_fn!(two: ["{x}" "28" "0" "1" "2" "3"]["{x} + {step}" "29" "4" "5" "6" "7"]);
tile_fn!(three:
    ["{x}" "28" "0" "1" "2" "3"]
    ["{x} + {step}" "29" "4" "5" "6" "7"]
    ["{x} + 2 * {step}" "30" "8" "9" "10" "11"]
);
tile_fn!(four:
    ["{x}" "28" "0" "1" "2" "3"]
    ["{x} + {step}" "29" "4" "5" "6" "7"]
    ["{x} + 2 * {step}" "30" "8" "9" "10" "11"]
    ["{x} + {step3}" "28" "12" "13" "14" "15"]
);
tile_fn!(five:
    ["{x}" "28" "0" "1" "2" "3"]
    ["{x} + {step}" "29" "4" "5" "6" "7"]
    ["{x} + 2 * {step}" "30" "8" "9" "10" "11"]
    ["{x} + {step3}" "28" "12" "13" "14" "15"]
    ["{x} + 4 * {step}" "29" "16" "17" "18" "19"]
);
tile_fn!(six:
    ["{x}" "28" "0" "1" "2" "3"]
    ["{x} + {step}" "29" "4" "5" "6" "7"]
    ["{x} + 2 * {step}" "30" "8" "9" "10" "11"]
    ["{x} + {step3}" "28" "12" "13" "14" "15"]
    ["{x} + 4 * {step}" "29" "16" "17" "18" "19"]
    ["{x} + {step5}" "30" "20" "21" "22" "23"]
);

impl Tile {
    /// Computes the tile of one to [`PIXELS`] pixels.
    ///
    /// # Safety
    ///
    /// The machine has what [`detected`] asks for; each row can be read for as
    /// many pixels, and each group of weights for its taps; `out` can be
    /// written for [`BLOCK`] bytes of each pixel; nothing overlaps it.
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
