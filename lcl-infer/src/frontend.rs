//! The streaming engine: image rows in, rows of V1 and V2 features out.

use core::fmt;

use crate::blob::{Blob, InputFormat};
use crate::kernels::{self, Kernels};
use crate::memory::{ALIGNMENT, Carver, aligned};
use crate::pixels::{Convert, PixelFormat, conversion, copy};
use crate::shape::{ConvGeometry, ImageSize, LCL_V2, MAX_IMAGE_SIDE, min_image_side, pooled_side};
use crate::stage::Stage;

/// Returns the bytes that a [`Frontend`] needs to run the published model,
/// LCL-V2, on images of `width` pixels, in any order of pooling.
///
/// A blob for grey images needs less: [`memory_len_of`] of
/// [`LCL_V2_GRAY`](crate::LCL_V2_GRAY). The format of the camera's pixels does
/// not matter.
///
/// Everything is counted: rings, partial results, the output row and the
/// scratch of the kernels. The height of the image does not matter.
///
/// # Examples
///
/// ```
/// static MEMORY: [u8; lcl_infer::memory_len(96)] = [0; lcl_infer::memory_len(96)];
/// assert!(MEMORY.len() <= 32 * 1024);
/// ```
#[must_use]
pub const fn memory_len(width: usize) -> usize {
    memory_len_of(&LCL_V2, width)
}

/// Returns the bytes that a [`Frontend`] needs to run stages of that geometry
/// on images of `width` pixels, or `usize::MAX` for a width above
/// [`MAX_IMAGE_SIDE`], which no front-end takes.
#[must_use]
pub const fn memory_len_of(stages: &[ConvGeometry; 2], width: usize) -> usize {
    if width > MAX_IMAGE_SIDE {
        return usize::MAX;
    }
    let v1_w = pooled_side(stages[0].out_side(width));
    let v2_w = pooled_side(stages[1].out_side(v1_w));
    ALIGNMENT - 1
        + Stage::memory_len(&stages[0], width)
        + Stage::memory_len(&stages[1], v1_w)
        + aligned(v2_w * stages[1].out_c())
        + aligned(scratch_len(stages))
}

/// Returns the bytes of scratch, which the stages use in turn.
const fn scratch_len(stages: &[ConvGeometry; 2]) -> usize {
    let [v1, v2] = [kernels::scratch_len(&stages[0]), kernels::scratch_len(&stages[1])];
    if v1 > v2 { v1 } else { v2 }
}

/// A cortical area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Area {
    /// The output of stage 1.
    V1,
    /// The output of stage 2.
    V2,
}

/// One row of features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FeatureRow<'r> {
    /// The area that the row belongs to.
    pub area: Area,
    /// The row, from 0 at the top.
    pub y: usize,
    /// The features, `[1, W, C]`: real = scale · byte, with the scale of each
    /// channel in [`StageParameters::output_scale`](crate::StageParameters).
    pub values: &'r [u8],
}

/// Runs a blob on images that arrive row by row.
///
/// It keeps only the rows that the windows need, computes nothing twice, and
/// calls back with each row of V1 and V2 as soon as it is complete. The bytes
/// are those of the whole frame.
///
/// # Examples
///
/// ```no_run
/// # fn camera_row(_y: usize) -> [u8; 96 * 3] { [0; 288] }
/// # fn run(bytes: &[u8]) -> Result<(), Box<dyn core::error::Error + '_>> {
/// use lcl_infer::{Area, Blob, Frontend, ImageSize, memory_len};
///
/// let blob = Blob::open(bytes)?;
/// let mut memory = [0; memory_len(96)];
/// let mut frontend = Frontend::new(&blob, ImageSize::square(96), &mut memory)?;
/// for y in 0..96 {
///     frontend.push_row(&camera_row(y), |row| {
///         if row.area == Area::V2 {
///             // Six calls a frame, one for each row of V2.
///         }
///     })?;
/// }
/// frontend.finish()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Frontend<'a> {
    size: ImageSize,
    input: InputFormat,
    pixels: PixelFormat,
    row_len: usize,
    convert: Convert,
    v1: Stage<'a>,
    v2: Stage<'a>,
    v2_row: &'a mut [u8],
    v2_rows: usize,
    scratch: &'a mut [u8],
}

impl<'a> Frontend<'a> {
    /// Creates a front-end for images of one size, with the kernels for the
    /// machine that this runs on.
    ///
    /// Rows are to come in the format that the blob was made for; see
    /// [`with_pixels`](Self::with_pixels) for others.
    ///
    /// # Errors
    ///
    /// Returns an error for an image that the stages cannot stream, and for
    /// memory of fewer bytes than [`memory_len`] of the image's width.
    pub fn new(
        blob: &Blob<'a>,
        size: ImageSize,
        memory: &'a mut [u8],
    ) -> Result<Self, FrontendError> {
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
        memory: &'a mut [u8],
        kernels: &'static Kernels,
    ) -> Result<Self, FrontendError> {
        let geometry = blob.convolutions();
        let smallest = min_image_side(&geometry);
        if size.width.min(size.height) < smallest || size.width.max(size.height) > MAX_IMAGE_SIDE {
            return Err(FrontendError::ImageSize { smallest, largest: MAX_IMAGE_SIDE, got: size });
        }
        let expected = memory_len_of(&geometry, size.width);
        let error = FrontendError::Memory { expected, got: memory.len() };
        if memory.len() < expected {
            return Err(error);
        }
        let [v1, v2] = blob.stages();
        let mut memory = Carver::new(memory);
        let v1 = Stage::new(v1, size, kernels, &mut memory).ok_or(error)?;
        let v2 = Stage::new(v2, v1.out_size(), kernels, &mut memory).ok_or(error)?;
        let v2_row = memory.take(v2.out_size().width * geometry[1].out_c()).ok_or(error)?;
        let scratch = memory.take(scratch_len(&geometry)).ok_or(error)?;
        let input = blob.input();
        Ok(Self {
            size,
            input,
            pixels: input.into(),
            row_len: input.channels() * size.width,
            convert: copy,
            v1,
            v2,
            v2_row,
            v2_rows: 0,
            scratch,
        })
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
    /// Returns an error for YUV 4:2:2 and images of odd width, in which a pixel
    /// would miss half of its colour.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn run(blob: &lcl_infer::Blob<'_>, memory: &mut [u8]) -> Result<(), lcl_infer::FrontendError> {
    /// use lcl_infer::{Frontend, ImageSize, PixelFormat};
    ///
    /// let frontend =
    ///     Frontend::new(blob, ImageSize::square(96), memory)?.with_pixels(PixelFormat::Rgb565Be)?;
    /// assert_eq!(frontend.row_len(), 192);
    /// # Ok(()) }
    /// ```
    #[inline]
    pub fn with_pixels(self, pixels: PixelFormat) -> Result<Self, FrontendError> {
        let width = self.size.width;
        let row_len =
            pixels.row_len(width).ok_or(FrontendError::OddWidth { pixels, got: width })?;
        let convert = conversion(pixels, self.input);
        Ok(Self { pixels, row_len, convert, ..self })
    }

    /// Takes in the next row of the image and calls `emit` with each row of
    /// features that it completes, V1 before the V2 that needs it.
    ///
    /// # Shapes
    ///
    /// `row` has [`row_len`](Self::row_len) bytes, the pixels from left to
    /// right in the format that [`pixels`](Self::pixels) returns.
    ///
    /// # Errors
    ///
    /// Returns an error, and takes nothing in, for a row of another length and
    /// for a row after the last of the frame, until [`finish`](Self::finish) or
    /// [`reset`](Self::reset).
    pub fn push_row(
        &mut self,
        row: &[u8],
        mut emit: impl FnMut(FeatureRow<'_>),
    ) -> Result<(), RowError> {
        if self.v1.arrived() == self.size.height {
            return Err(RowError::FrameComplete { height: self.size.height });
        }
        if row.len() != self.row_len {
            return Err(RowError::Length { expected: self.row_len, got: row.len() });
        }
        (self.convert)(row, self.v1.next_row());
        self.v1.commit();
        while self.v1.emit(self.v2.next_row(), self.scratch) {
            let y = self.v2.arrived();
            self.v2.commit();
            emit(FeatureRow { area: Area::V1, y, values: self.v2.last_row() });
            while self.v2.emit(self.v2_row, self.scratch) {
                let y = self.v2_rows;
                self.v2_rows += 1;
                emit(FeatureRow { area: Area::V2, y, values: self.v2_row });
            }
        }
        Ok(())
    }

    /// Ends a frame of which every row has arrived, so that all its features
    /// were handed out; the next row is the first of another.
    ///
    /// # Errors
    ///
    /// Returns an error, and stays in the frame, while rows are missing.
    pub fn finish(&mut self) -> Result<(), RowError> {
        let (height, arrived) = (self.size.height, self.v1.arrived());
        if arrived < height {
            return Err(RowError::FrameIncomplete { height, arrived });
        }
        self.reset();
        Ok(())
    }

    /// Forgets the frame, complete or not; the next row is the first of
    /// another.
    pub fn reset(&mut self) {
        self.v1.reset();
        self.v2.reset();
        self.v2_rows = 0;
    }

    /// Runs a whole frame, from its first row to [`finish`](Self::finish).
    ///
    /// # Shapes
    ///
    /// `image` is the rows one after the other, `H` times
    /// [`row_len`](Self::row_len) bytes; `v1` and `v2` are `[1, H, W, C]` with
    /// the sizes that [`area_size`](Self::area_size) returns.
    ///
    /// # Errors
    ///
    /// Returns an error, and changes nothing, where one of the slices has
    /// another length, and after rows of another frame that was neither
    /// finished nor reset.
    pub fn run_frame(
        &mut self,
        image: &[u8],
        v1: &mut [u8],
        v2: &mut [u8],
    ) -> Result<(), RowError> {
        let arrived = self.v1.arrived();
        if arrived > 0 {
            return Err(RowError::FrameStarted { arrived });
        }
        let lengths = [
            (self.size.height.saturating_mul(self.row_len), image.len()),
            (self.features_len(Area::V1), v1.len()),
            (self.features_len(Area::V2), v2.len()),
        ];
        for (expected, got) in lengths {
            if expected != got {
                return Err(RowError::Length { expected, got });
            }
        }
        // No image is 0 pixels wide.
        for row in image.chunks_exact(self.row_len.max(1)) {
            self.push_row(row, |row| {
                let area = match row.area {
                    Area::V1 => &mut *v1,
                    Area::V2 => &mut *v2,
                };
                let start = row.y * row.values.len();
                if let Some(target) = area.get_mut(start..start + row.values.len()) {
                    target.copy_from_slice(row.values);
                }
            })?;
        }
        self.finish()
    }

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
        self.v1.arrived()
    }

    /// Returns the size of the images.
    #[must_use]
    pub fn image_size(&self) -> ImageSize {
        self.size
    }

    /// Returns the size of an area's feature map.
    #[must_use]
    pub fn area_size(&self, area: Area) -> ImageSize {
        match area {
            Area::V1 => self.v1.out_size(),
            Area::V2 => self.v2.out_size(),
        }
    }

    /// Returns the number of features of an area, `H · W · C`, or `usize::MAX`
    /// where they are more than a slice of this machine can hold: a frame may
    /// have 2^34 of them, and their rows still arrive one by one.
    #[must_use]
    pub fn features_len(&self, area: Area) -> usize {
        let size = self.area_size(area);
        let channels = match area {
            Area::V1 => self.v1.out_c(),
            Area::V2 => self.v2.out_c(),
        };
        size.width.saturating_mul(size.height).saturating_mul(channels)
    }
}

/// Why a [`Frontend`] cannot be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrontendError {
    /// The stages cannot stream an image of this size.
    ImageSize {
        /// Smallest width and height.
        smallest: usize,
        /// Largest width and height.
        largest: usize,
        /// The size asked for.
        got: ImageSize,
    },
    /// The memory is too small.
    Memory {
        /// Bytes that the image's width needs.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// Rows of YUV 4:2:2 have an even number of pixels.
    OddWidth {
        /// The format asked for.
        pixels: PixelFormat,
        /// Width of the image, in pixels.
        got: usize,
    },
}

impl fmt::Display for FrontendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageSize { smallest, largest, got } => write!(
                f,
                "cannot stream an image of {}×{} pixels: width and height must be {smallest} to \
                 {largest}",
                got.width, got.height
            ),
            Self::Memory { expected, got } => write!(
                f,
                "the front-end needs {expected} bytes of memory for this width and has {got}: \
                 size it with memory_len(width)"
            ),
            Self::OddWidth { pixels, got } => write!(
                f,
                "rows of {} have an even number of pixels and the image is {got} wide: crop it \
                 by one column",
                pixels.name()
            ),
        }
    }
}

impl core::error::Error for FrontendError {}

/// Why a row was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RowError {
    /// The slice has another length than the image's size asks for.
    Length {
        /// Bytes expected.
        expected: usize,
        /// Bytes handed over.
        got: usize,
    },
    /// All rows of the frame have arrived.
    FrameComplete {
        /// Rows of the frame.
        height: usize,
    },
    /// The frame is to be finished and has rows to come.
    FrameIncomplete {
        /// Rows of the frame.
        height: usize,
        /// Rows that have arrived.
        arrived: usize,
    },
    /// A whole frame is to be run and another has begun.
    FrameStarted {
        /// Rows of the other frame that have arrived.
        arrived: usize,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Length { expected, got } => {
                write!(f, "expected {expected} bytes, got {got}")
            }
            Self::FrameComplete { height } => write!(
                f,
                "all {height} rows of the frame have arrived: call finish() or reset() before the \
                 next image"
            ),
            Self::FrameIncomplete { height, arrived } => write!(
                f,
                "{arrived} of {height} rows of the frame have arrived: push the other {}, or call \
                 reset() to give the frame up",
                height.saturating_sub(arrived)
            ),
            Self::FrameStarted { arrived } => write!(
                f,
                "{arrived} rows of another frame have arrived: finish it, or call reset() to give \
                 it up"
            ),
        }
    }
}

impl core::error::Error for RowError {}
