//! Kernels for x86-64: AVX-512 with VNNI, and AVX2.

mod avx2;
mod avx512_vnni;
mod requant;
mod toom;

use crate::kernels::Kernels;
use crate::kernels::toom::row;
use crate::shape::ConvGeometry;
use crate::toom::ToomGeometry;

/// Returns the kernels that this machine can run, the best first.
pub(super) fn available() -> impl Iterator<Item = &'static Kernels> {
    let vnni = avx512_vnni::detected().then_some(&avx512_vnni::KERNELS);
    let avx2 = avx2::detected().then_some(&avx2::KERNELS);
    [vnni, avx2].into_iter().flatten()
}

/// Returns the bytes of scratch that any of these kernels asks for.
pub(super) const fn scratch_len(conv: &ConvGeometry) -> usize {
    let (vnni, avx2) = (avx512_vnni::scratch_len(conv), avx2::scratch_len(conv));
    if vnni > avx2 { vnni } else { avx2 }
}

/// Returns the bytes of scratch for so many tiles of a transform together.
pub(super) const fn toom_scratch_len(geometry: &ToomGeometry, tiles: usize) -> usize {
    row::scratch_len::<toom::Avx2>(geometry, tiles)
}

/// Returns the pixels of the next tile where `left` are left in a row: as many
/// as `most`, but so that the row's tiles are about as wide as each other.
fn tile_width(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// Stores the channels from `first` on, fewer than a tile has, of each pixel of
/// `out`.
fn store_last<const N: usize>(bytes: &[[u8; N]], first: usize, out_c: usize, out: &mut [u8]) {
    for (out, bytes) in out.chunks_exact_mut(out_c).zip(bytes) {
        for (out, &byte) in out.iter_mut().skip(first).zip(bytes) {
            *out = byte;
        }
    }
}

/// Returns whether the machine has an instruction set: asked of it once with
/// the feature `std`, else what the program is compiled for.
macro_rules! detected {
    ($($feature:tt),+) => {{
        #[cfg(feature = "std")]
        let detected = true $(&& std::arch::is_x86_feature_detected!($feature))+;
        #[cfg(not(feature = "std"))]
        let detected = cfg!(all($(target_feature = $feature),+));
        detected
    }};
}
use detected;
