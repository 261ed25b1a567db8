//! The board's camera: an HM01B0, on the pins of docs/boards.

use core::mem;

use embassy_rp::Peripherals;
use embassy_rp::clocks::{Gpout, GpoutSrc};
use embassy_rp::gpio::{Input, Pull};
use embassy_rp::i2c::{self, Blocking, I2c};
use embassy_rp::peripherals::I2C0;
use embedded_hal::delay::DelayNs;
use physical::{Camera, CameraError, Delay, Machine};
use sensor::Hm01b0;

use crate::Pico2;
use crate::port::{Pins, PioPort};

/// The camera.
pub type PicoCamera = Camera<Hm01b0<I2c<'static, I2C0, Blocking>>, PioPort>;

const SCL: &str = "SCL (GP5, pin 7)";
const SDA: &str = "SDA (GP4, pin 6)";
const BUS: &str = "SCL (GP5, pin 7), SDA (GP4, pin 6), MCLK (GP13, pin 17), 3.3 V and GND";
const DATA: &str =
    "D0 (GP6, pin 9), PCLK (GP7, pin 10), HREF (GP8, pin 11) and VSYNC (GP9, pin 12)";

/// Hertz of the bus: slow, for the weak pull-ups of the chip.
const BUS_HZ: u32 = 50_000;

/// Milliseconds until lines with pull-ups are high, and the sensor has its clock.
const RISE_MS: u32 = 2;

/// Starts the camera.
///
/// # Errors
///
/// Returns an error where it does not answer or has no images of that side.
pub(crate) fn start(mut chip: Peripherals, side: usize) -> Result<PicoCamera, CameraError> {
    let mut delay = Delay::<{ Pico2::CLOCK_HZ }>;
    // 12 MHz of the crystal, for as long as the chip runs.
    let clock = Gpout::new(chip.PIN_13);
    clock.set_src(GpoutSrc::Xosc);
    clock.set_div(1, 0);
    clock.enable();
    mem::forget(clock);

    // A transfer on a bus that is held low would never end.
    let lines = [
        (Input::new(chip.PIN_5.reborrow(), Pull::Up), SCL),
        (Input::new(chip.PIN_4.reborrow(), Pull::Up), SDA),
    ];
    delay.delay_ms(RISE_MS);
    for (input, line) in &lines {
        if input.is_low() {
            return Err(CameraError::LineIsLow { line });
        }
    }
    drop(lines);
    let mut config = i2c::Config::default();
    config.frequency = BUS_HZ;
    let bus = I2c::new_blocking(chip.I2C0, chip.PIN_5, chip.PIN_4, config);
    let pins = Pins { d0: chip.PIN_6, pclk: chip.PIN_7, href: chip.PIN_8, vsync: chip.PIN_9 };
    let port = PioPort::new(chip.PIO0, chip.DMA_CH0, pins)?;
    Camera::start(Hm01b0::new(bus, BUS), port, side, &mut delay, DATA)
}
