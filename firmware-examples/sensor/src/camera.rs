//! Whole square frames of a sensor, row by row.

use embedded_hal::delay::DelayNs;
use lcl_infer::{ImageSize, PixelFormat};
use shared::{Arrival, CameraRequest, Loss};

use crate::{
    Came, CameraError, Change, Frame, Pace, Progress, Step, TEST_PICTURE_LEN, Take, TestPicture,
    Window,
};

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

    /// Makes its lines last half as long; returns whether that was possible.
    ///
    /// # Errors
    ///
    /// Returns an error where it does not answer.
    fn speed_up(&mut self) -> Result<bool, CameraError>;

    /// Has its own test picture sent in place of what it sees, or no longer.
    ///
    /// # Errors
    ///
    /// Returns an error where it does not answer.
    fn show_test_picture(&mut self, is_shown: bool) -> Result<(), CameraError>;

    /// Returns what became of the first bytes of that picture.
    fn look(came: Came<'_>) -> TestPicture;
}

/// What a chip receives a sensor's bytes with: a DMA that writes them into a ring
/// of memory, one frame at a time.
pub trait Port {
    /// Length of the ring in bytes, a multiple of four.
    const RING_LEN: usize;

    /// What [`Port::ticks`] counts in a millisecond.
    const TICKS_PER_MS: u32;

    /// Forgets the frame at hand and waits for the next one, whose first byte goes to
    /// the start of the ring. Nothing of a frame that has begun may be taken.
    fn begin(&mut self, take: Take);

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
    pace: Pace,
    /// Pins that frames come through.
    wiring: &'static str,
}

/// Milliseconds until a test picture is sent, and no longer sent: more than a frame
/// of a camera that was just started.
const TEST_PICTURE_MS: u32 = 200;

impl<S: Sensor, P: Port> Camera<S, P> {
    const LINE_LEN: usize = match S::PIXELS.row_len(S::SIZE.width) {
        Some(len) => len,
        None => 0,
    };

    /// Sets the sensor up and returns a camera of square frames as `request` has them;
    /// `wiring` names the pins to look at where no frame comes.
    ///
    /// # Errors
    ///
    /// Returns an error where there are no such frames, or the sensor does not
    /// answer.
    pub fn start(
        mut sensor: S,
        port: P,
        request: CameraRequest,
        delay: &mut impl DelayNs,
        wiring: &'static str,
    ) -> Result<Self, CameraError> {
        const {
            assert!(Self::LINE_LEN > 0 && Self::LINE_LEN <= MAX_LINE_LEN);
            assert!(Self::LINE_LEN % 4 == 0 && P::RING_LEN % 4 == 0);
        }
        let side = request.side;
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
        let (line, pace) = ([0; MAX_LINE_LEN], Pace::new());
        let mut camera = Self { sensor, port, frame, window, row: 0, line, pace, wiring };
        if request.has_test_picture {
            camera.check_test_picture(delay)?;
        }
        Ok(camera)
    }

    /// Looks at the start of a frame of the sensor's own test picture, which needs no
    /// light, no lens and no eye, and logs that it is right.
    ///
    /// # Errors
    ///
    /// Returns an error where it does not arrive as it is sent: what is wrong with it
    /// says which wire or register to look at.
    fn check_test_picture(&mut self, delay: &mut impl DelayNs) -> Result<(), CameraError> {
        const { assert!(TEST_PICTURE_LEN <= P::RING_LEN && TEST_PICTURE_LEN % 4 == 0) };
        self.sensor.show_test_picture(true)?;
        delay.delay_ms(TEST_PICTURE_MS);
        self.frame.begin();
        self.port.begin(Take::Bytes(TEST_PICTURE_LEN));
        let mut len = 0;
        self.wait(|_, progress| {
            len = progress.arrived.min(TEST_PICTURE_LEN);
            let is_over = len == TEST_PICTURE_LEN || progress.has_ended;
            if is_over { Step::Ready } else { Step::Wait }
        })?;
        let port = &mut self.port;
        let mut byte = |at: usize| {
            let mut word = [0; 4];
            port.copy(at / 4 * 4, &mut word);
            word.get(at % 4).copied().unwrap_or_default()
        };
        let picture = S::look(Came { byte: &mut byte, len });
        if picture != TestPicture::Right {
            return Err(CameraError::TestPicture(picture));
        }
        defmt::info!("test picture: {}", picture);
        self.sensor.show_test_picture(false)?;
        delay.delay_ms(TEST_PICTURE_MS);
        Ok(())
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
        self.port.begin(self.frame.take());
        self.wait(|_, progress| {
            // What is wrong with a frame is said of its first row.
            let is_there = progress != Progress::default();
            if is_there { Step::Ready } else { Step::Wait }
        })?;
        Ok(())
    }

    /// A camera that was too fast is slowed down for the frames to come, and tried
    /// faster after a while: what was slow may have been the host.
    fn wait_row(&mut self, row: &mut [u8]) -> Result<Arrival, CameraError> {
        let Some(loss) = self.gather()? else {
            self.window.take(row);
            self.row += 1;
            if self.row == self.window.side() && self.pace.whole() == Change::Faster {
                if self.sensor.speed_up()? {
                    defmt::info!("the camera is tried faster: its lines last half as long");
                } else {
                    self.pace.is_fastest();
                }
            }
            return Ok(Arrival::Row);
        };
        let is_too_fast = loss == Loss::Overrun && self.pace.overrun() == Change::Slower;
        if is_too_fast && self.sensor.slow_down()? {
            defmt::info!("the camera is slowed down: its lines last twice as long");
        }
        Ok(Arrival::Lost(loss))
    }
}
