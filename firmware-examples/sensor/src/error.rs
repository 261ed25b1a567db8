//! What can be wrong with a camera.

use defmt::Formatter;
use shared::Loss;

use crate::{TestPicture, TwoWireError};

/// What can be wrong with a camera, none of which goes away by itself.
///
/// A frame that is lost is no error: [`shared::Arrival::Lost`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CameraError {
    /// The board has no camera that programs know.
    NoCamera,
    /// Another program has what receives the camera's bytes.
    NoRoom,
    /// A line of the bus stays low, so that nothing can be said on it.
    LineIsLow {
        /// Name of the line and its pin.
        line: &'static str,
    },
    /// A line of the bus went low in the middle of something and stays so.
    BusIsStuck {
        /// Pins of the bus.
        wiring: &'static str,
    },
    /// Nothing answers on the bus.
    NoAnswer {
        /// Address, seven bits.
        address: u8,
        /// Pins that an answer depends on.
        wiring: &'static str,
    },
    /// Something else answers.
    OtherChip {
        /// What the chip ought to say that it is.
        expected: u16,
        /// What it says.
        got: u16,
    },
    /// The chip answered at first and then no more.
    Refused {
        /// Register.
        register: u16,
    },
    /// The chip is set up, and no frame comes, or none goes on.
    Silent {
        /// Pins that frames come through.
        wiring: &'static str,
    },
    /// A number of frames is wanted, and none comes whole.
    OnlyLosses {
        /// Frames that were lost in a row.
        count: u32,
        /// Why the last one was.
        last: Loss,
    },
    /// The camera's test picture does not arrive as it is sent.
    TestPicture(TestPicture),
    /// The camera has no image of that side.
    NoSuchSide {
        /// Side that was asked for, in pixels.
        side: usize,
        /// Longest side.
        most: usize,
        /// What sides are multiples of.
        multiple_of: usize,
    },
}

impl CameraError {
    /// Returns the error of a bus that could not be freed at the start.
    #[must_use]
    pub const fn held(error: TwoWireError) -> Self {
        match error {
            TwoWireError::Low { line } => Self::LineIsLow { line },
            TwoWireError::NoAcknowledge(_) => Self::NoCamera,
        }
    }
}

impl defmt::Format for CameraError {
    fn format(&self, f: Formatter<'_>) {
        match *self {
            Self::NoCamera => {
                defmt::write!(f, "this board has no camera: pass images with --image");
            }
            Self::NoRoom => {
                let what = "another program has taken what receives the camera's bytes";
                defmt::write!(f, "{=str}", what);
            }
            Self::LineIsLow { line } => defmt::write!(
                f,
                "the camera's line {=str} is held low: look for a short circuit, and at the \
                 camera's 3.3 V",
                line
            ),
            Self::BusIsStuck { wiring } => defmt::write!(
                f,
                "the camera's I2C is held low, and nine clocks did not free it: switch the camera's \
                 power off and on, and look at {=str}",
                wiring
            ),
            Self::NoAnswer { address, wiring } => defmt::write!(
                f,
                "no camera answers on I2C at address {=u8:#04x}: look at {=str}",
                address,
                wiring
            ),
            Self::OtherChip { expected, got } => defmt::write!(
                f,
                "the camera says that it is {=u16:#06x}, this program is for {=u16:#06x}",
                got,
                expected
            ),
            Self::Refused { register } => defmt::write!(
                f,
                "the camera did not take register {=u16:#06x}: look for a loose wire of its I2C",
                register
            ),
            Self::Silent { wiring } => {
                defmt::write!(
                    f,
                    "the camera is set up and sends no frames: look at {=str}",
                    wiring
                );
            }
            Self::OnlyLosses { count, last } => defmt::write!(
                f,
                "{=u32} frames in a row were lost, the last because {=str}: the table of docs/boards \
                 says what to look at, and --test-picture what arrives",
                count,
                last.text()
            ),
            Self::TestPicture(picture) => defmt::write!(
                f,
                "the camera's test picture does not arrive as it is sent: {}",
                picture
            ),
            Self::NoSuchSide { side, most, multiple_of } => defmt::write!(
                f,
                "the camera has no image of {=usize} pixels: pass --size with a multiple of \
                 {=usize}, {=usize} at most",
                side,
                multiple_of,
                most
            ),
        }
    }
}
