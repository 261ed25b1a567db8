//! What a program asks of a board.

use lcl_infer::{FeatureRow, ImageSize, InputFormat, PixelFormat};

use crate::Ratio;

/// A board that images come to and features leave from, row by row.
pub trait Board {
    /// Name, as in `cargo xtask emulate --board NAME`.
    const NAME: &'static str;

    /// Widest image that its memory is laid out for.
    const MAX_WIDTH: usize;

    /// What can go wrong with images and features.
    type Error: defmt::Format;

    /// Returns the whole model partition; a blob lies at its start.
    fn model(&self) -> &'static [u8];

    /// Waits for the next image and returns its size, or nothing after the
    /// last.
    ///
    /// # Errors
    ///
    /// Returns an error where images cannot be had.
    fn next_frame(&mut self) -> Result<Option<ImageSize>, Self::Error>;

    /// Fills `row` with the next row of the image, in the format that the blob
    /// takes.
    ///
    /// # Errors
    ///
    /// Returns an error where the image ends early.
    fn read_row(&mut self, row: &mut [u8]) -> Result<(), Self::Error>;

    /// Sends one finished row of features out.
    ///
    /// # Errors
    ///
    /// Returns an error where it cannot be sent whole.
    fn write_features(&mut self, features: &FeatureRow<'_>) -> Result<(), Self::Error>;

    /// Sends the bytes of one event out.
    ///
    /// # Errors
    ///
    /// Returns an error where it cannot be sent whole.
    fn send_event(&mut self, event: &[u8]) -> Result<(), Self::Error>;
}

/// A board with a camera, which goes on whether its rows are taken or not.
///
/// An error means that the camera does not answer, and ends the program; a
/// frame of which rows were lost is told by [`Arrival::Lost`], and the next one
/// is another chance.
pub trait Camera: Board {
    /// Returns the format of its pixels, where a blob takes `input`.
    fn pixels(&self, input: InputFormat) -> PixelFormat {
        input.into()
    }

    /// Waits for the start of the next frame and returns its size, or nothing
    /// where no frame will come.
    ///
    /// # Errors
    ///
    /// Returns an error where the camera does not answer.
    fn wait_frame(&mut self) -> Result<Option<ImageSize>, Self::Error>;

    /// Waits for the next row of the frame and fills `row` with it.
    ///
    /// # Errors
    ///
    /// Returns an error where the camera does not answer.
    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, Self::Error>;
}

/// What came of waiting for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The row is there.
    Row,
    /// A row of this frame was lost, and with it the frame.
    Lost(Loss),
}

/// Why a frame was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Rows came faster than they were taken.
    Overrun,
    /// The frame ended before its last row.
    EndedEarly,
    /// The frame did not end after its last row.
    TooLong,
    /// A line had more or less in it than lines have.
    Slipped,
}

impl Loss {
    /// Returns what happened, for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Overrun => "rows came faster than they were taken",
            Self::EndedEarly => "it ended before its last row",
            Self::TooLong => "it went on after its last row",
            Self::Slipped => "a line of it was too short or too long",
        }
    }
}

/// A board that can say what a program costs.
pub trait Meter {
    /// What [`Meter::ticks`] counts once [`Meter::calibrate`]d.
    const UNIT: &'static str;

    /// Units in a second, of the board or of a chip that it stands for.
    const UNITS_PER_SECOND: u32;

    /// Where [`Meter::UNITS_PER_SECOND`] comes from, for people.
    const CLOCK: &'static str;

    /// Returns a free-running counter that wraps at 32 bits.
    fn ticks() -> u32;

    /// Returns how many ticks pass for one [`Meter::UNIT`].
    fn calibrate() -> Ratio;

    /// Returns the deepest stack so far, in bytes.
    fn stack_bytes() -> usize;

    /// Returns how much flash the program takes without the blob, in bytes.
    fn flash_bytes() -> usize;
}
