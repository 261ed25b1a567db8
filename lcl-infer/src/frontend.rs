//! The streaming engine: image rows in, rows of features out.

mod error;

pub use error::{FrontendError, Refused, RowError};

use crate::blob::Blob;
use crate::chain::{Chain, Done, TapMap};
use crate::input::InputFormat;
use crate::kernels::{self, Kernels};
use crate::memory::{ALIGNMENT, Memory};
use crate::name::Name;
use crate::pixels::{Convert, PixelFormat, conversion, copy};
use crate::row::FeatureRow;
use crate::shape::{ImageSize, MAX_IMAGE_SIDE};

/// Runs a blob on images that arrive row by row.
///
/// It keeps only the rows that the windows need, computes nothing twice, and
/// hands out each row of a tap as soon as it is complete. The bytes are those
/// of the whole frame.
///
/// Rows are pulled: after each [`push_row`](Self::push_row),
/// [`next`](Self::next) is called until it returns `None`.
/// [`push_row_with`](Self::push_row_with) does both and calls back.
///
/// To stop at a tap and pay time and memory for no more, hand over
/// [`Blob::up_to`] that tap.
///
/// # Examples
///
/// ```no_run
/// # fn camera_row(_y: usize) -> [u8; 96 * 3] { [0; 288] }
/// # fn run(bytes: &[u8], memory: &mut [u8]) -> Result<(), lcl_infer::Error> {
/// use lcl_infer::{Blob, Frontend, ImageSize, V2};
///
/// let blob = Blob::open(bytes)?;
/// let mut frontend = Frontend::new(&blob, ImageSize::square(96), memory)?;
/// for y in 0..96 {
///     frontend.push_row(&camera_row(y))?;
///     while let Some(row) = frontend.next() {
///         if row.tap == V2 {
///             // Six rows a frame.
///         }
///     }
/// }
/// frontend.finish()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Frontend<'a, M = &'a mut [u8]> {
    size: ImageSize,
    input: InputFormat,
    pixels: PixelFormat,
    row_len: usize,
    convert: Convert,
    chain: Chain<'a>,
    memory: M,
}

/// What [`Frontend::step`] has done, and whether to call it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'r> {
    /// A row of a tap is complete. There may be more.
    Row(FeatureRow<'r>),
    /// Part of the work is done, no row is complete yet, and there is more to do.
    Working,
    /// All is done: the next row of the image may come.
    Idle,
}

impl<'a, M: Memory> Frontend<'a, M> {
    /// Creates a front-end for images of one size, with the kernels for the
    /// machine that this runs on.
    ///
    /// `memory` is a mutable slice, array or vector, or owns its bytes: see
    /// [`Memory`]. Rows are to come in the format that the blob was made for;
    /// see [`with_pixels`](Self::with_pixels) for others.
    ///
    /// # Errors
    ///
    /// Returns an error, with the memory, for an image that the layers cannot
    /// stream, and for memory of fewer bytes than
    /// [`Blob::memory_len`] of the image's width.
    pub fn new(blob: &Blob<'a>, size: ImageSize, memory: M) -> Result<Self, Refused<M>> {
        Self::with_kernels(blob, size, memory, kernels::active())
    }

    /// Creates a front-end that runs the given kernels.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_kernels(
        blob: &Blob<'a>,
        size: ImageSize,
        mut memory: M,
        kernels: &'static Kernels,
    ) -> Result<Self, Refused<M>> {
        let len = memory.bytes().len();
        let input = blob.input();
        let mut frontend = Self {
            size,
            input,
            pixels: input.into(),
            row_len: input.channels().saturating_mul(size.width),
            convert: copy,
            chain: Chain::new(kernels),
            memory,
        };
        match fill(&mut frontend.chain, blob, size, len) {
            Ok(()) => Ok(frontend),
            Err(error) => Err(Refused { error, memory: frontend.memory }),
        }
    }

    /// Takes rows in the format that a camera delivers, whatever the blob was
    /// made for; they are converted while they are copied, without a buffer.
    ///
    /// - RGB565: the high bits of each colour are repeated below its low ones.
    /// - YUV 4:2:2: full range (Y, U and V in `0..=255`, grey at 128), as in
    ///   JPEG and as the OV7670 delivers it by default; a camera for video
    ///   range (Y in `16..=235`) is to be set to full range, or contrast is
    ///   lost. Two neighbours share their U and V. The conversion is that of
    ///   ITU-T T.871 in 16-bit fixed point, rounded half up.
    /// - A blob for grey images gets [`luma`](crate::luma) of a colour, and
    ///   the Y of YUV as it is.
    /// - A blob for colour images gets a grey value three times.
    ///
    /// # Errors
    ///
    /// Returns an error, with the memory, for YUV 4:2:2 and images of odd
    /// width, in which a pixel would miss half of its colour.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn run(blob: &lcl_infer::Blob<'_>, memory: &mut [u8]) -> Result<(), lcl_infer::Error> {
    /// use lcl_infer::{Frontend, ImageSize, PixelFormat};
    ///
    /// let frontend =
    ///     Frontend::new(blob, ImageSize::square(96), memory)?.with_pixels(PixelFormat::Rgb565Be)?;
    /// assert_eq!(frontend.row_len(), 192);
    /// # Ok(()) }
    /// ```
    #[inline]
    pub fn with_pixels(self, pixels: PixelFormat) -> Result<Self, Refused<M>> {
        let width = self.size.width;
        let Some(row_len) = pixels.row_len(width) else {
            let error = FrontendError::OddWidth { pixels, got: width };
            return Err(Refused { error, memory: self.memory });
        };
        let convert = conversion(pixels, self.input);
        Ok(Self { pixels, row_len, convert, ..self })
    }

    /// Takes in the next row of the image.
    ///
    /// # Shapes
    ///
    /// `row` has [`row_len`](Self::row_len) bytes, the pixels from left to
    /// right in the format that [`pixels`](Self::pixels) returns.
    ///
    /// # Errors
    ///
    /// Returns an error, and takes nothing in, for a row of another length,
    /// while rows of features wait to be pulled, and for a row after the last
    /// of the frame, until [`finish`](Self::finish) or [`reset`](Self::reset).
    pub fn push_row(&mut self, row: &[u8]) -> Result<(), RowError> {
        self.check_row(row)?;
        let convert = self.convert;
        self.chain.push(aligned_part(&mut self.memory), |place| convert(row, place));
        Ok(())
    }

    /// Takes in the next row of the image, which `fill` writes in the format of the
    /// first layer.
    pub(crate) fn push_filled(&mut self, fill: impl FnOnce(&mut [u8])) -> Result<(), RowError> {
        self.check_turn()?;
        self.chain.push(aligned_part(&mut self.memory), fill);
        Ok(())
    }

    /// Checks that a row may come.
    fn check_turn(&self) -> Result<(), RowError> {
        if self.chain.is_busy() {
            return Err(RowError::RowsWaiting);
        }
        if self.chain.arrived() == self.size.height {
            return Err(RowError::FrameComplete { height: self.size.height });
        }
        Ok(())
    }

    fn check_row(&self, row: &[u8]) -> Result<(), RowError> {
        self.check_turn()?;
        if row.len() != self.row_len {
            return Err(RowError::Length { expected: self.row_len, got: row.len() });
        }
        Ok(())
    }

    /// Returns the next row of features that the rows so far complete, V1
    /// before the V2 that needs it, or `None` once the next row of the image
    /// may come.
    ///
    /// It computes as many rows of convolutions as that row needs; where no
    /// call may take long, [`step`](Self::step) computes one.
    #[expect(clippy::should_implement_trait, reason = "rows borrow the front-end")]
    pub fn next(&mut self) -> Option<FeatureRow<'_>> {
        let index = loop {
            match self.chain.advance(aligned_part(&mut self.memory)) {
                Done::Row(index) => break index,
                Done::Conv | Done::Little => {}
                Done::All => return None,
            }
        };
        self.row(index)
    }

    /// Does a part of the work that the rows so far make possible: at most one
    /// row of one convolution.
    pub fn step(&mut self) -> Step<'_> {
        let index = loop {
            match self.chain.advance(aligned_part(&mut self.memory)) {
                Done::Row(index) => break index,
                Done::Conv if self.chain.is_busy() => return Step::Working,
                Done::Little => {}
                Done::Conv | Done::All => return Step::Idle,
            }
        };
        self.row(index).map_or(Step::Working, Step::Row)
    }

    /// Returns the row that a layer with a tap has written.
    fn row(&mut self, index: usize) -> Option<FeatureRow<'_>> {
        let TapMap { tap, size, channels } = self.chain.map(index)?;
        let (y, values) = self.chain.last_row(index, aligned_part(&mut self.memory));
        Some(FeatureRow { tap, y, width: size.width, channels, values })
    }

    /// Takes in the next row of the image and calls `emit` with each row of
    /// features that it completes.
    ///
    /// # Errors
    ///
    /// As [`push_row`](Self::push_row).
    pub fn push_row_with(
        &mut self,
        row: &[u8],
        mut emit: impl FnMut(FeatureRow<'_>),
    ) -> Result<(), RowError> {
        self.push_row(row)?;
        while let Some(row) = self.next() {
            emit(row);
        }
        Ok(())
    }

    /// Ends the current frame. All its rows must have been pushed, and all rows
    /// of features pulled. The next row starts a new frame.
    ///
    /// # Errors
    ///
    /// Returns an error, and stays in the frame, while rows are missing or wait
    /// to be pulled.
    pub fn finish(&mut self) -> Result<(), RowError> {
        if self.chain.is_busy() {
            return Err(RowError::RowsWaiting);
        }
        let (height, arrived) = (self.size.height, self.chain.arrived());
        if arrived < height {
            return Err(RowError::FrameIncomplete { height, arrived });
        }
        self.reset();
        Ok(())
    }

    /// Gives the frame up, complete or not. The next row starts a new frame.
    pub fn reset(&mut self) {
        self.chain.reset();
    }

    /// Runs a whole frame, from its first row to [`finish`](Self::finish), and
    /// calls `emit` with each row of features; [`FeatureRow::copy_to`] puts
    /// them together.
    ///
    /// # Shapes
    ///
    /// `image` is the rows one after the other, `H` times
    /// [`row_len`](Self::row_len) bytes.
    ///
    /// # Errors
    ///
    /// Returns an error, and changes nothing, for an image of another length,
    /// and after rows of another frame that was neither finished nor reset.
    pub fn run_frame(
        &mut self,
        image: &[u8],
        mut emit: impl FnMut(FeatureRow<'_>),
    ) -> Result<(), RowError> {
        let arrived = self.chain.arrived();
        if arrived > 0 {
            return Err(RowError::FrameStarted { arrived });
        }
        let (expected, got) = (self.size.height.saturating_mul(self.row_len), image.len());
        if expected != got {
            return Err(RowError::Length { expected, got });
        }
        // No image is 0 pixels wide.
        for row in image.chunks_exact(self.row_len.max(1)) {
            self.push_row_with(row, &mut emit)?;
        }
        self.finish()
    }

    /// Ends the front-end and returns its memory.
    pub fn into_memory(self) -> M {
        self.memory
    }
}

impl<M> Frontend<'_, M> {
    /// Returns the format of the rows.
    #[must_use]
    pub fn pixels(&self) -> PixelFormat {
        self.pixels
    }

    /// Returns the bytes of a row.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.row_len
    }

    /// Returns how many rows of the frame have arrived.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.chain.arrived()
    }

    /// Returns the size of the images.
    #[must_use]
    pub fn image_size(&self) -> ImageSize {
        self.size
    }

    /// Iterates over the taps that hand out rows, from the image on.
    pub fn taps(&self) -> impl Iterator<Item = Name> + '_ {
        self.chain.maps().map(|map| map.tap)
    }

    /// Returns the size of a tap's map, or `None` if no layer has that tap.
    #[must_use]
    pub fn map_size(&self, tap: Name) -> Option<ImageSize> {
        self.map(tap).map(|map| map.size)
    }

    /// Returns the channels of a tap's map, or `None` if no layer has that tap.
    #[must_use]
    pub fn map_channels(&self, tap: Name) -> Option<usize> {
        self.map(tap).map(|map| map.channels)
    }

    /// Returns the number of features of a tap's map, `H · W · C`, or
    /// `usize::MAX` if they are more than a slice of this machine can hold: a
    /// frame may have 2^34 of them, and their rows still arrive one by one.
    /// 0 if no layer has that tap.
    #[must_use]
    pub fn features_len(&self, tap: Name) -> usize {
        self.map(tap).map_or(0, |TapMap { size, channels, .. }| {
            size.width.saturating_mul(size.height).saturating_mul(channels)
        })
    }

    fn map(&self, tap: Name) -> Option<TapMap> {
        self.chain.maps().find(|map| map.tap == tap)
    }
}

/// Puts a blob's layers into a chain, if there is enough memory.
#[inline(never)]
fn fill<'a>(
    chain: &mut Chain<'a>,
    blob: &Blob<'a>,
    size: ImageSize,
    memory_len: usize,
) -> Result<(), FrontendError> {
    let smallest = blob.min_image_side();
    if size.width.min(size.height) < smallest || size.width.max(size.height) > MAX_IMAGE_SIDE {
        return Err(FrontendError::ImageSize { smallest, largest: MAX_IMAGE_SIDE, got: size });
    }
    let expected = chain.fill(blob, size).ok_or(FrontendError::Blob)?;
    if memory_len < expected {
        return Err(FrontendError::Memory { expected, got: memory_len });
    }
    Ok(())
}

/// Returns the bytes from the first aligned one on.
fn aligned_part<M: Memory>(memory: &mut M) -> &mut [u8] {
    let bytes = memory.bytes();
    let offset = bytes.as_ptr().align_offset(ALIGNMENT);
    bytes.get_mut(offset..).unwrap_or_default()
}
