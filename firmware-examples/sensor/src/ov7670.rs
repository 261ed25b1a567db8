//! `OmniVision`'s OV7670: VGA, colour, eight lines in parallel.
//!
//! Registers and timing are those of its data sheet \[OV7670\]. After a reset it
//! sends what is wanted but for a few registers, which the data sheet describes;
//! the larger OV2640 needs well over a hundred, many of them undocumented.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use lcl_infer::{ImageSize, PixelFormat};

use crate::{Bus, Came, CameraError, Sensor, TestPicture, Width};

/// Address on the bus, of seven bits.
const ADDRESS: u8 = 0x21;

/// PID and VER: what the chip says that it is.
const ID: [u16; 2] = [0x0a, 0x0b];
const OV7670: u16 = 0x7673;

const CLKRC: u16 = 0x11;
const COM7: u16 = 0x12;

/// COM7: every register has its first value again.
const RESET: u8 = 0x80;

/// Milliseconds from a reset until registers can be written.
const RESET_MS: u32 = 10;

/// Milliseconds between registers: chips were seen to hang without, public drivers
/// say.
const WRITE_MS: u32 = 1;

/// Milliseconds until exposure and gain have had some frames to settle.
const SETTLE_MS: u32 = 300;

/// What differs from the state after a reset, or is relied on.
const SETUP: &[(u16, u8)] = &[
    // COM7: VGA, YUV.
    (COM7, 0x00),
    // TSLB: Y before U and V (bit 3), and the window stays as it is (bit 0).
    (0x3a, 0x04),
    // COM13: gamma (bit 7), automatic saturation (bit 6), U before V (bit 0).
    (0x3d, 0xc0),
    // HSTART, HSTOP, HREF, VSTRT, VSTOP, VREF: the 640 columns and 480 lines that
    // public drivers agree on; those after a reset begin 22 columns earlier.
    (0x17, 0x13),
    (0x18, 0x01),
    (0x32, 0xb6),
    (0x19, 0x02),
    (0x1a, 0x7a),
    (0x03, 0x0a),
    // COM15: bytes from 0 to 255 (bits 7 and 6).
    (0x40, 0xc0),
    // Reserved in the data sheet; public drivers agree that colours are wrong
    // without it.
    (0xb0, 0x84),
];

/// `SCALING_XSC` and `SCALING_YSC` with their values after a reset. Bit 7 of the second
/// alone has eight bars of colour sent.
const SCALING: [(u16, u8); 2] = [(0x70, 0x3a), (0x71, 0x35)];
const BARS: u8 = 0x80;

/// Largest divider of the clock, the 32 of CLKRC's five bits.
const SLOWEST: u8 = 32;

/// The sensor.
#[derive(Debug)]
pub struct Ov7670<I> {
    bus: Bus<I>,
    divider: u8,
}

impl<I: I2c> Ov7670<I> {
    /// Returns the sensor on a bus of 400 kHz at most; `wiring` names the pins to
    /// look at where it does not answer.
    pub const fn new(i2c: I, wiring: &'static str) -> Self {
        Self { bus: Bus::new(i2c, ADDRESS, Width::One, wiring), divider: 1 }
    }

    /// CLKRC: the input clock divided by `divider`.
    const fn clock(&self) -> (u16, u8) {
        (CLKRC, 0x80 | (self.divider - 1))
    }
}

impl<I: I2c> Sensor for Ov7670<I> {
    const NAME: &'static str = "OV7670";
    const SIZE: ImageSize = ImageSize { width: 640, height: 480 };
    const PIXELS: PixelFormat = PixelFormat::Yuyv;

    fn start(&mut self, delay: &mut impl DelayNs) -> Result<(), CameraError> {
        self.bus.probe(ID, OV7670, delay)?;
        self.bus.write(&[(COM7, RESET)])?;
        delay.delay_ms(RESET_MS);
        for &register in SETUP.iter().chain(&[self.clock()]) {
            self.bus.write(&[register])?;
            delay.delay_ms(WRITE_MS);
        }
        delay.delay_ms(SETTLE_MS);
        Ok(())
    }

    fn slow_down(&mut self) -> Result<bool, CameraError> {
        if self.divider >= SLOWEST {
            return Ok(false);
        }
        self.divider *= 2;
        self.bus.write(&[self.clock()])?;
        Ok(true)
    }

    fn speed_up(&mut self) -> Result<bool, CameraError> {
        if self.divider <= 1 {
            return Ok(false);
        }
        self.divider /= 2;
        self.bus.write(&[self.clock()])?;
        Ok(true)
    }

    fn show_test_picture(&mut self, is_shown: bool) -> Result<(), CameraError> {
        let [x, (register, value)] = SCALING;
        self.bus.write(&[x, (register, if is_shown { value | BARS } else { value })])
    }

    fn look(mut came: Came<'_>) -> TestPicture {
        came.bars(2 * Self::SIZE.width)
    }
}
