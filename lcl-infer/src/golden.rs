//! The golden vector: proof on the spot that a machine gives the contract's
//! bytes.

use core::fmt;

use crate::blob::{Blob, CRC32, GOLDEN_MAX_SIDE};
use crate::frontend::{Area, Frontend, FrontendError, memory_len_of};
use crate::kernels::{self, Kernels};
use crate::shape::ImageSize;

/// A generated image: blocks of 8×8 pixels of random colours under noise.
///
/// The byte at row y, column x and channel c is `(3 · block + noise) >> 2`,
/// where `block` is the low byte of `hash(seed, y / 8, x / 8, c)` and `noise`
/// the second byte of `hash(seed, y, x, c)`; see the source for the hash.
///
/// # Examples
///
/// ```
/// let image = lcl_infer::GoldenImage { seed: 1, side: 32 };
/// let mut row = [0; 3 * 32];
/// image.fill_row(0, &mut row);
/// assert!(row.iter().any(|&byte| byte != 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GoldenImage {
    /// Seed of the image.
    pub seed: u32,
    /// Width and height in pixels.
    pub side: usize,
}

impl GoldenImage {
    /// Writes the row `y`, `[1, W, 3]`, RGB888.
    pub fn fill_row(&self, y: u32, row: &mut [u8]) {
        for (x, pixel) in (0..).zip(row.chunks_exact_mut(3)) {
            for (c, byte) in (0..).zip(pixel) {
                let [block, ..] = hash(self.seed, y / 8, x / 8, c).to_le_bytes();
                let [_, noise, ..] = hash(self.seed, y, x, c).to_le_bytes();
                let mixed = (3 * u16::from(block) + u16::from(noise)) >> 2;
                *byte = (mixed & 255) as u8;
            }
        }
    }
}

/// Mixes a coordinate into 32 bits, with the finaliser of `MurmurHash3`
/// (Appleby 2011, public domain).
fn hash(seed: u32, y: u32, x: u32, c: u32) -> u32 {
    let mut mixed = seed;
    for word in [y, x, c] {
        mixed = (mixed ^ word).wrapping_mul(0x9e37_79b1);
        mixed ^= mixed >> 16;
        mixed = mixed.wrapping_mul(0x85eb_ca6b);
        mixed ^= mixed >> 13;
        mixed = mixed.wrapping_mul(0xc2b2_ae35);
        mixed ^= mixed >> 16;
    }
    mixed
}

/// Returns the bytes of memory that [`self_test`] needs for a blob.
#[must_use]
pub fn self_test_memory_len(blob: &Blob<'_>) -> usize {
    memory_len_of(&blob.convolutions(), blob.golden().side.into())
}

/// Returns the CRC-32 of the V1 and V2 features of a blob's golden image.
///
/// # Errors
///
/// As [`Frontend::new`].
pub fn golden_crc32(
    blob: &Blob<'_>,
    memory: &mut [u8],
    kernels: &'static Kernels,
) -> Result<[u32; 2], FrontendError> {
    let golden = blob.golden();
    let image = GoldenImage { seed: golden.seed, side: golden.side.into() };
    let mut frontend =
        Frontend::with_kernels(blob, ImageSize::square(image.side), memory, kernels)?;
    let (mut v1, mut v2) = (CRC32.digest(), CRC32.digest());
    let mut pixels = [0; 3 * GOLDEN_MAX_SIDE];
    for y in 0..u32::from(golden.side) {
        let row = pixels.get_mut(..3 * image.side).unwrap_or_default();
        image.fill_row(y, row);
        let pushed = frontend.push_row(row, |features| match features.area {
            Area::V1 => v1.update(features.values),
            Area::V2 => v2.update(features.values),
        });
        // The row has the width that the front-end was created with.
        debug_assert!(pushed.is_ok());
    }
    Ok([v1.finalize(), v2.finalize()])
}

/// Runs a blob's golden image and compares the features' CRC-32 with those in
/// the header: the whole chain, from the bytes of the blob through the kernels
/// in use.
///
/// # Errors
///
/// Returns which area differs first, or that `memory` has fewer bytes than
/// [`self_test_memory_len`].
pub fn self_test(blob: &Blob<'_>, memory: &mut [u8]) -> Result<(), SelfTestError> {
    let golden = blob.golden();
    let kernels = kernels::active();
    let [v1, v2] = golden_crc32(blob, memory, kernels).map_err(SelfTestError::Frontend)?;
    for (area, expected, got) in [(Area::V1, golden.v1_crc32, v1), (Area::V2, golden.v2_crc32, v2)]
    {
        if expected != got {
            return Err(SelfTestError::Features { area, expected, got });
        }
    }
    Ok(())
}

/// Why a self-test failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelfTestError {
    /// The engine could not be created.
    Frontend(FrontendError),
    /// The features of the golden image are not those in the header.
    Features {
        /// First area that differs.
        area: Area,
        /// CRC-32 in the header.
        expected: u32,
        /// CRC-32 of the features.
        got: u32,
    },
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frontend(error) => error.fmt(f),
            Self::Features { area, expected, got } => write!(
                f,
                "the golden image gives {area:?} features of CRC-32 {got:08x} instead of \
                 {expected:08x}: the kernels \"{}\" do not keep the contract on this machine",
                kernels::active().name
            ),
        }
    }
}

impl core::error::Error for SelfTestError {}
