//! Convolutions through a transform, see [`crate::toom`]: a row for any machine,
//! and the portable one. A kernel takes the same window as any other and
//! transforms what it reads in scratch.

pub(super) mod portable;
pub(super) mod row;

use super::arch;
use crate::toom::ToomGeometry;

/// Most tiles of a transform that any machine computes together.
pub const MAX_TILES: usize = 4;

/// Returns the bytes of scratch with which any kernel compiled in computes up
/// to `tiles` tiles of a transform together.
///
/// More tiles at a time load each weight less often. Every number from 1 on
/// gives the same bytes.
#[must_use]
pub const fn toom_scratch_len(geometry: &ToomGeometry, tiles: usize) -> usize {
    let portable = row::scratch_len::<portable::Portable>(geometry, tiles);
    let arch = arch::toom_scratch_len(geometry, tiles);
    if arch > portable { arch } else { portable }
}
