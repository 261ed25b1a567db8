//! Whole square frames of a sensor, row by row.

use embedded_hal::delay::DelayNs;
use lcl_infer::{ImageSize, PixelFormat};
use shared::{Arrival, Loss};

use crate::{CameraError, Frame, Progress, Step, Window};

/// A sensor of images, set up over its registers.
pub trait Sensor {
    /// Name, for people.
    const NAME: &'static str;

    /// Lines and pixels of a line that it sends.
    const SIZE: ImageSize;

    /// What it sends: [`PixelFormat::Gray8`] or [`PixelFormat::Yuyv`].
    const PIXELS: PixelFormat;

    /// Sees that the sensor is there, and lets it send.
    ///
    /// # Errors
    ///
    /// Returns an error where it does not answer or another chip does.
    fn start(&mut self, delay: &mut impl DelayNs) -> Result<(), CameraError>;

    /// Makes its lines last twice as long; returns whether that was possible.
    ///
    /// # Errors
    ///
    /// Returns an error where it does not answer.
    fn slow_down(&mut self) -> Result<bool, CameraError>;
}

/// What a chip receives a sensor's bytes with: a DMA that writes them into a ring
/// of memory, one frame at a time.
pub trait Port {
    /// Length of the ring in bytes, a multiple of four.
    const RING_LEN: usize;

    /// What [`Port::ticks`] counts in a millisecond.
    const TICKS_PER_MS: u32;

    /// Forgets the frame at hand and waits for the next one, of `frame_len`
    /// bytes, whose first byte goes to the start of the ring. Nothing of a frame
    /// that has begun may be taken, and nothing after its end.
    fn begin(&mut self, frame_len: usize);

    /// Returns how far the frame has come.
    fn progress(&mut self) -> Progress;

    /// Copies bytes of the frame from the ring; `start` and the length are
    /// multiples of four.
    fn copy(&mut self, start: usize, out: &mut [u8]);

    /// Returns a free-running counter that wraps at 32 bits.
    fn ticks(&mut self) -> u32;
}

/// What programs ask of a camera.
pub trait Frames {
    /// Returns the size of its frames.
    fn size(&self) -> ImageSize;

    /// Returns the format of its pixels.
    fn pixels(&self) -> PixelFormat;

    /// Waits for the start of the next frame.
    ///
    /// # Errors
    ///
    /// Returns an error where none comes.
    fn wait_frame(&mut self) -> Result<(), CameraError>;

    /// Waits for the next row of the frame and fills `row` with it. The last row
    /// is there when the frame has ended whole.
    ///
    /// # Errors
    ///
    /// Returns an error where nothing comes.
    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, CameraError>;
}

/// The camera of a board that has none.
#[derive(Clone, Copy, Debug)]
pub enum NoCamera {}

impl Frames for NoCamera {
    fn size(&self) -> ImageSize {
        match *self {}
    }

    fn pixels(&self) -> PixelFormat {
        match *self {}
    }

    fn wait_frame(&mut self) -> Result<(), CameraError> {
        match *self {}
    }

    fn wait_row(&mut self, _: &mut [u8]) -> Result<Arrival, CameraError> {
        match *self {}
    }
}

/// Longest line of a sensor, in bytes.
const MAX_LINE_LEN: usize = 1280;

/// How long nothing may come. The slowest frames take 5.5 s, and one that has
/// begun is waited out before the next.
const SILENCE_MS: u32 = 15_000;

/// A sensor and what receives its bytes.
#[derive(Debug)]
pub struct Camera<S, P> {
    sensor: S,
    port: P,
    frame: Frame,
    window: Window,
    /// Row that comes next.
    row: usize,
    line: [u8; MAX_LINE_LEN],
    /// Pins that frames come through.
    wiring: &'static str,
}

impl<S: Sensor, P: Port> Camera<S, P> {
    const LINE_LEN: usize = match S::PIXELS.row_len(S::SIZE.width) {
        Some(len) => len,
        None => 0,
    };

    /// Sets the sensor up and returns a camera of frames of `side` by `side`
    /// pixels; `wiring` names the pins to look at where no frame comes.
    ///
    /// # Errors
    ///
    /// Returns an error where there are no such frames, or the sensor does not
    /// answer.
    pub fn start(
        mut sensor: S,
        port: P,
        side: usize,
        delay: &mut impl DelayNs,
        wiring: &'static str,
    ) -> Result<Self, CameraError> {
        const {
            assert!(Self::LINE_LEN > 0 && Self::LINE_LEN <= MAX_LINE_LEN);
            assert!(Self::LINE_LEN % 4 == 0 && P::RING_LEN % 4 == 0);
        }
        let window = Window::new(S::SIZE, S::PIXELS, side)?;
        sensor.start(delay)?;
        defmt::info!(
            "camera {=str}: {=usize}x{=usize} pixels, each the mean of {=usize}x{=usize}",
            S::NAME,
            side,
            side,
            window.step(),
            window.step()
        );
        let frame = Frame::new(Self::LINE_LEN, S::SIZE.height, P::RING_LEN);
        Ok(Self { sensor, port, frame, window, row: 0, line: [0; MAX_LINE_LEN], wiring })
    }

    /// Adds the lines of the next row to the window.
    fn gather(&mut self) -> Result<Option<Loss>, CameraError> {
        for line in self.window.lines(self.row) {
            if let Some(loss) = self.wait(|frame, progress| frame.line(line, progress))? {
                return Ok(Some(loss));
            }
            let bytes = self.line.get_mut(..Self::LINE_LEN).unwrap_or_default();
            self.port.copy(line * Self::LINE_LEN, bytes);
            if let Step::Lost(loss) = self.frame.line(line, self.port.progress()) {
                return Ok(Some(loss));
            }
            self.window.add(bytes);
        }
        if self.row + 1 < self.window.side() {
            return Ok(None);
        }
        self.wait(Frame::end)
    }

    /// Looks until something is ready or lost.
    fn wait(
        &mut self,
        mut look: impl FnMut(&mut Frame, Progress) -> Step,
    ) -> Result<Option<Loss>, CameraError> {
        let mut last = (self.port.ticks(), Progress::default());
        let (mut ticks, mut silence_ms) = (0, 0);
        loop {
            let progress = self.port.progress();
            match look(&mut self.frame, progress) {
                Step::Ready => return Ok(None),
                Step::Lost(loss) => return Ok(Some(loss)),
                Step::Wait => {}
            }
            let now = self.port.ticks();
            if progress.arrived == last.1.arrived {
                ticks += now.wrapping_sub(last.0);
                silence_ms += ticks / P::TICKS_PER_MS;
                ticks %= P::TICKS_PER_MS;
            } else {
                (ticks, silence_ms) = (0, 0);
            }
            last = (now, progress);
            if silence_ms >= SILENCE_MS {
                return Err(CameraError::Silent { wiring: self.wiring });
            }
        }
    }
}

impl<S: Sensor, P: Port> Frames for Camera<S, P> {
    fn size(&self) -> ImageSize {
        ImageSize::square(self.window.side())
    }

    fn pixels(&self) -> PixelFormat {
        S::PIXELS
    }

    fn wait_frame(&mut self) -> Result<(), CameraError> {
        self.row = 0;
        self.frame.begin();
        self.window.begin();
        self.port.begin(self.frame.byte_len());
        self.wait(|_, progress| {
            // What is wrong with a frame is said of its first row.
            let is_there = progress.arrived > 0 || progress.has_ended || progress.has_overrun;
            if is_there { Step::Ready } else { Step::Wait }
        })?;
        Ok(())
    }

    /// A camera that was too fast is slowed down for the frames to come.
    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, CameraError> {
        let Some(loss) = self.gather()? else {
            self.window.take(row);
            self.row += 1;
            return Ok(Arrival::Row);
        };
        if loss == Loss::Overrun && self.sensor.slow_down()? {
            defmt::info!("the camera is slowed down: its lines last twice as long");
        }
        Ok(Arrival::Lost(loss))
    }
}
