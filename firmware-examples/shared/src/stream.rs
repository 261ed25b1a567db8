//! Frames of a camera through the front-end: whole ones, or none of them.

use lcl_infer::{Blob, FeatureRow, Frontend, ImageSize};

use crate::failure::refused;
use crate::{Arrival, Camera, Failure, Loss, ROW_BYTES};

/// Frames of one size, of which only the row at hand is kept.
pub(crate) struct Stream<'m> {
    frontend: Frontend<'m>,
    row: [u8; ROW_BYTES],
    /// Frames whose last row came.
    pub(crate) whole: u32,
    /// Frames that were given up.
    pub(crate) lost: u32,
}

impl<'m> Stream<'m> {
    /// Creates a stream of frames of that size.
    pub(crate) fn new<B: Camera>(
        board: &B,
        blob: &Blob<'m>,
        size: ImageSize,
        memory: &'m mut [u8],
    ) -> Result<Self, Failure<B::Error>> {
        const { assert!(B::MAX_WIDTH * 3 <= ROW_BYTES) };
        if size.width > B::MAX_WIDTH {
            return Err(Failure::TooWide { expected: B::MAX_WIDTH, got: size.width });
        }
        let frontend = Frontend::new(blob, size, memory).map_err(refused)?;
        let pixels = board.pixels(blob.input());
        let frontend = frontend.with_pixels(pixels).map_err(refused)?;
        Ok(Self { frontend, row: [0; ROW_BYTES], whole: 0, lost: 0 })
    }

    /// Returns the front-end.
    pub(crate) fn frontend(&self) -> &Frontend<'m> {
        &self.frontend
    }

    /// Takes one frame, which has begun, and hands its rows of features to
    /// `emit`; `around` is called with what takes in one row.
    ///
    /// Where the camera loses a row the frame is given up, and the loss is
    /// returned: rows of features that were handed out are to be forgotten.
    pub(crate) fn take<B: Camera>(
        &mut self,
        board: &mut B,
        size: ImageSize,
        mut emit: impl FnMut(&FeatureRow<'_>) -> Result<(), Failure<B::Error>>,
        mut around: impl FnMut(&mut dyn FnMut()),
    ) -> Result<Option<Loss>, Failure<B::Error>> {
        let expected = self.frontend.image_size();
        if size != expected {
            return Err(Failure::SizeChanged { expected, got: size });
        }
        let error = Failure::TooWide { expected: B::MAX_WIDTH, got: size.width };
        let row = self.row.get_mut(..self.frontend.row_len()).ok_or(error)?;
        for _ in 0..size.height {
            if let Arrival::Lost(loss) = board.wait_row(row).map_err(Failure::Board)? {
                self.frontend.reset();
                self.lost += 1;
                return Ok(Some(loss));
            }
            let (mut pushed, mut emitted) = (Ok(()), Ok(()));
            around(&mut || {
                pushed = self.frontend.push_row_with(row, |features| {
                    if emitted.is_ok() {
                        emitted = emit(&features);
                    }
                });
            });
            pushed.map_err(Failure::Row)?;
            emitted?;
        }
        self.frontend.finish().map_err(Failure::Row)?;
        self.whole += 1;
        Ok(None)
    }
}
