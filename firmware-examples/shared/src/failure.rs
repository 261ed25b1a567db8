//! Why a program stops.

use defmt::Formatter;
use lcl_infer::{
    FrontendError, ImageSize, Name, OpenError, Refused, RowError, SelfTestError, WatchError,
};
use lcl_infer_suite::Mismatch;

/// Why a program stops; `E` is the board's error.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure<E> {
    /// The model partition has no blob that can be run.
    Model(OpenError),
    /// The front-end cannot take this image.
    Frontend(FrontendError),
    /// A row does not belong to the image.
    Row(RowError),
    /// The image is wider than the board's memory is laid out for.
    TooWide {
        /// Widest image, in pixels.
        expected: usize,
        /// Width of the image, in pixels.
        got: usize,
    },
    /// An image has another size than those before.
    SizeChanged {
        /// Size of the first image.
        expected: ImageSize,
        /// Size of this one.
        got: ImageSize,
    },
    /// The watcher cannot take these features.
    Watch(WatchError),
    /// The blob has no layer of this tap.
    NoTap(Name),
    /// The blob's last layer is no readout.
    NoReadout,
    /// There was no image at all.
    NoFrame,
    /// An image could not be read or features could not be written.
    Board(E),
    /// Another engine, which is measured beside ours, failed.
    Baseline(&'static str),
    /// The blob's own test failed.
    SelfTest(SelfTestError),
    /// Kernels do not keep the contract.
    Kernels(Mismatch),
    /// The program has run before, and its memory is taken.
    RunBefore,
}

impl<E: defmt::Format> defmt::Format for Failure<E> {
    #[expect(clippy::match_same_arms, reason = "their texts differ, which lie elsewhere")]
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::Model(error) => describe_model(error, f),
            Self::Frontend(error) => defmt::write!(f, "cannot run this image: {}", error),
            Self::Row(error) => defmt::write!(f, "a row was refused: {}", error),
            Self::TooWide { expected, got } => defmt::write!(
                f,
                "the image is {=usize} pixels wide, this board takes {=usize}: pass --size {=usize}",
                got,
                expected,
                expected
            ),
            Self::SizeChanged { expected, got } => defmt::write!(
                f,
                "an image has {=usize}x{=usize} pixels and the first {=usize}x{=usize}: pass --size",
                got.width,
                got.height,
                expected.width,
                expected.height
            ),
            Self::Watch(error) => defmt::write!(f, "cannot watch these images: {}", error),
            Self::NoTap(tap) => defmt::write!(f, "the model hands out no rows of {}", tap),
            Self::NoReadout => defmt::write!(
                f,
                "the model has no readout: pass --model with a blob of `lcl quantise --population`"
            ),
            Self::NoFrame => defmt::write!(f, "there is no image: pass one with --image"),
            Self::Board(error) => defmt::write!(f, "{}", error),
            Self::Baseline(what) => defmt::write!(f, "{=str}", what),
            Self::SelfTest(error) => defmt::write!(f, "self-test failed: {}", error),
            Self::Kernels(mismatch) => {
                defmt::write!(f, "kernels do not keep the contract: {}", mismatch);
            }
            Self::RunBefore => {
                defmt::write!(f, "{=str}", "reset the board to run this once more");
            }
        }
    }
}

/// Drops the memory of a front-end that was not created.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(crate) fn refused<M, E>(refused: Refused<M>) -> Failure<E> {
    Failure::Frontend(refused.error)
}

/// Says what is wrong with the blob, and what to do.
fn describe_model(error: &OpenError, f: Formatter<'_>) {
    match error {
        OpenError::NotABlob => defmt::write!(
            f,
            "there is no blob in the model partition: make one with `cargo xtask train` or \
             `cargo xtask quantise`"
        ),
        OpenError::Crc { expected, got } => defmt::write!(
            f,
            "the blob is damaged: its CRC-32 should be {=u32:08x} and is {=u32:08x}; write it once \
             more",
            expected,
            got
        ),
        OpenError::Version { expected, got } => defmt::write!(
            f,
            "the blob has format version {=u32} and this program reads {=u32}: quantise the \
             checkpoint again, or write program and blob of one version",
            got,
            expected
        ),
        OpenError::Contract { got } => defmt::write!(
            f,
            "the blob follows the integer contract {=[u8]:a}, which this program does not know: \
             write program and blob of one version",
            id(got)
        ),
        error => defmt::write!(
            f,
            "the blob cannot be run: {}; make one with `cargo xtask train` or `cargo xtask \
             quantise`",
            error
        ),
    }
}

/// Returns the id of a contract without the zeros that fill it up.
fn id(padded: &[u8]) -> &[u8] {
    padded.split(|byte| *byte == 0).next().unwrap_or_default()
}
