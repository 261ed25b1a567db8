//! The kernels for instruction sets, and the choice among them: by `cfg` where
//! the target says what the machine has, else at run time with the feature
//! `std`.
//!
//! This is the one place of the crate where `unsafe` is allowed.

use super::Kernels;
use crate::shape::ConvGeometry;
use crate::toom::ToomGeometry;

#[cfg(lcl_kernels = "neon")]
mod aarch64;
#[cfg(any(lcl_kernels = "arm-dsp", lcl_kernels = "armv7-m"))]
mod arm;
#[cfg(any(lcl_kernels = "x86-64", lcl_kernels = "neon", lcl_kernels = "wasm"))]
#[cfg_attr(lcl_kernels = "wasm", expect(dead_code, reason = "it asks for `in_place` alone"))]
mod columns;
#[cfg(lcl_kernels = "helium")]
mod helium;
#[cfg(any(lcl_kernels = "x86-64", lcl_kernels = "neon", lcl_kernels = "wasm"))]
mod vector_pooling;
#[cfg(lcl_kernels = "wasm")]
mod wasm;
#[cfg(any(lcl_kernels = "x86-64", lcl_kernels = "wasm"))]
mod widened;
#[cfg(lcl_kernels = "x86-64")]
mod x86;

#[cfg(lcl_kernels = "neon")]
use aarch64 as chosen;
#[cfg(lcl_kernels = "arm-dsp")]
use arm::dsp as chosen;
#[cfg(lcl_kernels = "armv7-m")]
use arm::v7m as chosen;
#[cfg(lcl_kernels = "helium")]
use helium as chosen;
#[cfg(lcl_kernels = "wasm")]
use wasm as chosen;
#[cfg(lcl_kernels = "x86-64")]
use x86 as chosen;

/// Returns the best kernels that this machine can run, if there are any but the
/// portable ones.
pub(super) fn active() -> Option<&'static Kernels> {
    available().next()
}

/// Iterates over the kernels that this machine can run, the best first.
#[cfg(any(
    lcl_kernels = "arm-dsp",
    lcl_kernels = "armv7-m",
    lcl_kernels = "helium",
    lcl_kernels = "wasm"
))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    core::iter::once(&chosen::KERNELS)
}

/// Iterates over the kernels that this machine can run, the best first.
#[cfg(any(lcl_kernels = "x86-64", lcl_kernels = "neon"))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    chosen::available()
}

/// Iterates over the kernels that this machine can run: none.
#[cfg(not(lcl_kernels))]
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    core::iter::empty()
}

/// Returns the bytes of scratch that any of these kernels asks for to normalise.
#[cfg(any(lcl_kernels = "arm-dsp", lcl_kernels = "armv7-m"))]
pub(super) const fn norm_scratch_len(conv: &ConvGeometry) -> usize {
    chosen::scratch_len(conv)
}

/// Returns the bytes of scratch that any of these kernels asks for to normalise:
/// none, the portable ones do.
#[cfg(not(any(lcl_kernels = "arm-dsp", lcl_kernels = "armv7-m")))]
pub(super) const fn norm_scratch_len(_conv: &ConvGeometry) -> usize {
    0
}

/// Returns the bytes of scratch that any of these kernels asks for.
#[cfg(lcl_kernels)]
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    chosen::scratch_len(conv)
}

/// Returns the bytes of scratch that any of these kernels asks for.
#[cfg(not(lcl_kernels))]
pub(super) const fn scratch_len(_conv: &ConvGeometry) -> usize {
    0
}

/// Returns the bytes of scratch that any of these kernels asks for with so many
/// tiles of a transform together; 0 where the portable one is theirs.
#[cfg(any(lcl_kernels = "arm-dsp", lcl_kernels = "armv7-m", lcl_kernels = "x86-64"))]
pub(super) const fn toom_scratch_len(geometry: &ToomGeometry, tiles: usize) -> usize {
    chosen::toom_scratch_len(geometry, tiles)
}

/// Returns the bytes of scratch that any of these kernels asks for with so many
/// tiles of a transform together; 0 where the portable one is theirs.
#[cfg(not(any(lcl_kernels = "arm-dsp", lcl_kernels = "armv7-m", lcl_kernels = "x86-64")))]
pub(super) const fn toom_scratch_len(_geometry: &ToomGeometry, _tiles: usize) -> usize {
    0
}
