//! The golden vector: proof on the spot that a machine gives the contract's
//! bytes.

use core::fmt;

use crate::architecture::MAX_LAYERS;
use crate::blob::{Blob, OpenError};
use crate::crc32::Crc32;
use crate::frontend::{Frontend, FrontendError};
use crate::kernels::{self, Kernels, portable};
use crate::name::Name;
use crate::shape::ImageSize;

/// A generated image: blocks of 8×8 pixels of random colours under noise.
///
/// The byte at row y, column x and channel c is `(3 · block + noise) >> 2`,
/// where `block` is the low byte of `hash(seed, y / 8, x / 8, c)` and `noise`
/// the second byte of `hash(seed, y, x, c)`; see the source for the hash. An
/// image for a blob that takes grey ones has the channel 0 alone.
///
/// # Examples
///
/// ```
/// let image = lcl_infer::golden::GoldenImage { seed: 1, side: 32 };
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
    /// Writes the row `y`, `[1, side, C]`: with `3 · side` bytes RGB888, with
    /// `side` bytes GRAY8.
    pub fn fill_row(&self, y: u32, row: &mut [u8]) {
        let channels = row.len().checked_div(self.side).unwrap_or_default().max(1);
        for (x, pixel) in (0..).zip(row.chunks_exact_mut(channels)) {
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
    blob.memory_len(blob.golden().side.into())
}

/// Returns the CRC-32 of the golden image's features for each tap of a blob,
/// from the image on; 0 behind the last.
///
/// # Errors
///
/// As [`Frontend::new`].
pub fn golden_crc32(
    blob: &Blob<'_>,
    memory: &mut [u8],
    kernels: &'static Kernels,
) -> Result<[u32; MAX_LAYERS], FrontendError> {
    let golden = blob.golden();
    let image = GoldenImage { seed: golden.seed, side: golden.side.into() };
    let size = ImageSize::square(image.side);
    let mut frontend = Frontend::with_kernels(blob, size, memory, kernels)?;
    let mut digests = [Crc32::new(); MAX_LAYERS];
    for y in 0..u32::from(golden.side) {
        let pushed = frontend.push_filled(|row| image.fill_row(y, row));
        // Every row of features has been pulled.
        debug_assert!(pushed.is_ok());
        while let Some(row) = frontend.next() {
            let tap = blob.taps().position(|tap| tap == row.tap);
            if let Some(digest) = tap.and_then(|tap| digests.get_mut(tap)) {
                digest.update(row.values);
            }
        }
    }
    Ok(digests.map(Crc32::value))
}

/// Tests the whole chain, from the bytes of the blob through the kernels in
/// use, and says which link is at fault.
///
/// 1. The blob's bytes are read again and their CRC-32 compared.
/// 2. The blob's golden image is run with the kernels in use, and the features'
///    CRC-32 compared with those in the header.
/// 3. Where they differ, the image is run with the [`portable`] kernels: if
///    these give the right bytes, the kernels in use are at fault; if they do
///    not, everything that both share is suspect, such as the memory.
///
/// # Errors
///
/// Returns the link at fault, or that `memory` has fewer bytes than
/// [`self_test_memory_len`].
///
/// # Examples
///
/// ```no_run
/// # fn run(blob: &lcl_infer::Blob<'_>, memory: &mut [u8]) {
/// if let Err(fault) = lcl_infer::self_test(blob, memory) {
///     // For example: the kernels "arm-dsp" do not keep the contract here.
///     panic!("{fault}");
/// }
/// # }
/// ```
pub fn self_test(blob: &Blob<'_>, memory: &mut [u8]) -> Result<(), SelfTestError> {
    self_test_of(blob, memory, kernels::active())
}

/// As [`self_test`], of kernels that are chosen by the caller.
///
/// # Errors
///
/// As [`self_test`].
pub fn self_test_of(
    blob: &Blob<'_>,
    memory: &mut [u8],
    kernels: &'static Kernels,
) -> Result<(), SelfTestError> {
    blob.check_again().map_err(SelfTestError::Blob)?;
    let Some(fault) = first_difference(blob, memory, kernels)? else {
        return Ok(());
    };
    match first_difference(blob, memory, &portable::KERNELS)? {
        Some(difference) => Err(SelfTestError::Features(difference)),
        None => Err(SelfTestError::Kernels { name: kernels.name, difference: fault }),
    }
}

/// Returns where the features of the golden image first differ.
fn first_difference(
    blob: &Blob<'_>,
    memory: &mut [u8],
    kernels: &'static Kernels,
) -> Result<Option<Difference>, SelfTestError> {
    let got = golden_crc32(blob, memory, kernels).map_err(SelfTestError::Frontend)?;
    let taps = blob.layers().filter_map(|layer| Some((layer.tap?, layer.golden_crc32)));
    let mut differences =
        taps.zip(got).map(|((tap, expected), got)| Difference { tap, expected, got });
    Ok(differences.find(|difference| difference.expected != difference.got))
}

/// Features of the golden image that are not those of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Difference {
    /// First tap that differs.
    pub tap: Name,
    /// CRC-32 in the header.
    pub expected: u32,
    /// CRC-32 of the features.
    pub got: u32,
}

/// Which link of the chain failed a self-test.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SelfTestError {
    /// The bytes of the blob are no longer those that were opened.
    Blob(OpenError),
    /// The engine could not be created.
    Frontend(FrontendError),
    /// The kernels in use give other features than the header states, and the
    /// portable ones the right ones.
    Kernels {
        /// [`Kernels::name`] of those in use.
        name: &'static str,
        /// What they gave.
        difference: Difference,
    },
    /// The portable kernels give other features than the header states, from a
    /// blob whose bytes are sound.
    Features(Difference),
}

impl fmt::Display for SelfTestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blob(error) => {
                write!(f, "the blob changed after it was opened, so its storage fails: {error}")
            }
            Self::Frontend(error) => error.fmt(f),
            Self::Kernels { name, difference } => write!(
                f,
                "{difference}, and the portable kernels give the right ones: the kernels \
                 \"{name}\" do not keep the contract on this machine"
            ),
            Self::Features(difference) => write!(
                f,
                "{difference}, with the portable kernels too, from a blob whose bytes are sound: \
                 suspect the memory, the compiler, or the program that wrote the blob"
            ),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the golden image gives {} features of CRC-32 {:08x} instead of {:08x}",
            self.tap, self.got, self.expected
        )
    }
}

impl core::error::Error for SelfTestError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::tests::{faded, pointwise};

    #[test]
    fn blob_that_fades_is_told_from_kernels() {
        let golden = crate::blob::Golden { seed: 1, side: 8 };
        let (blocks, len) = pointwise(golden);
        let bytes: &[u8] = &bytemuck::cast_slice(&blocks)[..len];
        let blob = Blob::open(bytes).expect("sound");
        let mut damaged = bytes.to_vec();
        damaged[len - 1] ^= 1;
        let fault = self_test(&faded(&blob, &damaged), &mut []).expect_err("it faded");
        assert!(matches!(fault, SelfTestError::Blob(OpenError::Crc { .. })), "{fault}");
    }
}
