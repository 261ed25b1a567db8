//! Himax's HM01B0: 324 by 324 pixels, grey, one line of data.
//!
//! Registers are those of its data sheet \[HM01B0\].

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use lcl_infer::{ImageSize, PixelFormat};

use crate::{Bus, Came, CameraError, Sensor, TestPicture, Width};

/// Address on the bus, of seven bits.
const ADDRESS: u8 = 0x24;

/// `MODEL_ID`: what the chip says that it is.
const ID: [u16; 2] = [0x0000, 0x0001];
const HM01B0: u16 = 0x01b0;

const MODE_SELECT: u16 = 0x0100;
const STANDBY: u8 = 0;
const STREAMING: u8 = 1;

/// `SW_RESET`.
const RESET: (u16, u8) = (0x0103, 1);

/// `GRP_PARAM_HOLD`: what was written takes effect with the next frame.
const APPLY: (u16, u8) = (0x0104, 1);

const LINE_LENGTH_PCK: u16 = 0x0342;

/// How often the chip is reset, and how long it has before it is asked whether that
/// is over: no less than the slowest frame in all, which a camera keeps sending
/// while only its board was reset.
const RESET_TRIES: u32 = 70;
const RESET_MS: u32 = 100;

/// Milliseconds until exposure and gain have had some frames to settle.
const SETTLE_MS: u32 = 300;

/// Pixel clocks of a line at least.
const LINE_CLOCKS: u16 = 376;

/// Pixel clocks of a line at most: a frame of 344 lines takes 5.5 s then, at a
/// pixel clock of 1.5 MHz.
const SLOWEST: u16 = 64 * LINE_CLOCKS;

/// What differs from the state after a reset, or is relied on.
const SETUP: &[(u16, u8)] = &[
    // VSYNC, HSYNC and pixel shift: none, or lines have two bytes more.
    (0x1012, 0x00),
    // No trigger; the clock of MCLK; data change at the fall of PCLK.
    (0x3064, 0x00),
    (0x3067, 0x00),
    (0x3068, 0x20),
    // READOUT_X, READOUT_Y, BINNING_MODE: every pixel.
    (0x0383, 0x01),
    (0x0387, 0x01),
    (0x0390, 0x00),
    // QVGA_WIN_EN: all 324 lines.
    (0x3010, 0x00),
    // FRAME_LENGTH_LINES: 344, the 324 and a gap between frames.
    (0x0340, 0x01),
    (0x0341, 0x58),
    // MAX_INTG: exposure ends two lines before the frame, 342.
    (0x2105, 0x01),
    (0x2106, 0x56),
    // AE_CTRL: the chip exposes automatically.
    (0x2100, 0x01),
    // BIT_CONTROL: one line of data.
    (0x3059, 0x22),
    // OSC_CLK_DIV: pixels at an eighth of the clock, so that bits are at the
    // clock; registers at the clock; the lowest bit first; PCLK rests between
    // lines.
    (0x3060, 0x28),
];

/// `TEST_PATTERN_MODE`, and that of a bit that walks.
const TEST_PATTERN: u16 = 0x0601;
const WALKING: u8 = 0x11;

/// Returns a byte of that picture, which goes on over lines: 324 are a multiple of 9.
fn walking(at: usize) -> u8 {
    1_u8.checked_shl(u32::try_from(at % 9).unwrap_or_default()).unwrap_or_default()
}

/// The sensor.
#[derive(Debug)]
pub struct Hm01b0<I> {
    bus: Bus<I>,
    line_clocks: u16,
}

impl<I: I2c> Hm01b0<I> {
    /// Returns the sensor on a bus of 400 kHz at most; `wiring` names the pins to
    /// look at where it does not answer.
    pub const fn new(i2c: I, wiring: &'static str) -> Self {
        let bus = Bus::new(i2c, ADDRESS, Width::Two, wiring);
        Self { bus, line_clocks: LINE_CLOCKS }
    }

    fn write_line_length(&mut self) -> Result<(), CameraError> {
        let [high, low] = self.line_clocks.to_be_bytes();
        self.bus.write(&[(LINE_LENGTH_PCK, high), (LINE_LENGTH_PCK + 1, low), APPLY])
    }
}

impl<I: I2c> Sensor for Hm01b0<I> {
    const NAME: &'static str = "HM01B0";
    const SIZE: ImageSize = ImageSize { width: 324, height: 324 };
    const PIXELS: PixelFormat = PixelFormat::Gray8;

    fn start(&mut self, delay: &mut impl DelayNs) -> Result<(), CameraError> {
        self.bus.probe(ID, HM01B0, delay)?;
        self.bus.write(&[(MODE_SELECT, STANDBY)])?;
        let mut tries = 0;
        loop {
            self.bus.write(&[RESET])?;
            delay.delay_ms(RESET_MS);
            // A chip in the middle of its reset may not answer.
            if self.bus.read(MODE_SELECT) == Ok(STANDBY) {
                break;
            }
            tries += 1;
            if tries == RESET_TRIES {
                return Err(CameraError::Refused { register: RESET.0 });
            }
        }
        self.bus.write(SETUP)?;
        self.write_line_length()?;
        self.bus.write(&[(MODE_SELECT, STREAMING)])?;
        delay.delay_ms(SETTLE_MS);
        Ok(())
    }

    fn slow_down(&mut self) -> Result<bool, CameraError> {
        if self.line_clocks >= SLOWEST {
            return Ok(false);
        }
        self.line_clocks *= 2;
        self.write_line_length()?;
        Ok(true)
    }

    fn speed_up(&mut self) -> Result<bool, CameraError> {
        if self.line_clocks <= LINE_CLOCKS {
            return Ok(false);
        }
        self.line_clocks /= 2;
        self.write_line_length()?;
        Ok(true)
    }

    fn show_test_picture(&mut self, is_shown: bool) -> Result<(), CameraError> {
        self.bus.write(&[(TEST_PATTERN, if is_shown { WALKING } else { 0 })])
    }

    fn look(mut came: Came<'_>) -> TestPicture {
        came.compare(Self::SIZE.width, walking)
    }
}
