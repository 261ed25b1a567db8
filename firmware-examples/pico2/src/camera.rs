//! The board's camera: an HM01B0, on the pins of docs/boards.

use core::mem;

use embassy_rp::Peripherals;
use embassy_rp::clocks::{Gpout, GpoutSrc};
use embassy_rp::gpio::{Level, OutputOpenDrain};
use physical::{Camera, CameraError, Delay, Machine};
use sensor::{Hm01b0, TwoWire};
use shared::CameraRequest;

use crate::Pico2;
use crate::port::{Pins, PioPort};

/// The camera.
pub type PicoCamera = Camera<Hm01b0<Bus>, PioPort>;

/// What carries registers.
type Bus = TwoWire<OutputOpenDrain<'static>, OutputOpenDrain<'static>, Wait>;

type Wait = Delay<{ Pico2::CLOCK_HZ }>;

const SCL: &str = "SCL (GP5, pin 7)";
const SDA: &str = "SDA (GP4, pin 6)";
const BUS: &str = "SCL (GP5, pin 7), SDA (GP4, pin 6), power and GND; a module without an \
                   oscillator needs --camera-clock and MCLK (GP13, pin 17)";
const DATA: &str =
    "D0 (GP6, pin 9), PCLK (GP7, pin 10), HREF (GP8, pin 11) and VSYNC (GP9, pin 12)";

/// Starts the camera.
///
/// # Errors
///
/// Returns an error where it does not answer or has no images of that side.
pub(crate) fn start(chip: Peripherals, request: CameraRequest) -> Result<PicoCamera, CameraError> {
    let mut delay: Wait = Delay;
    // Most modules have an oscillator on that pin: two outputs would fight.
    if request.drives_clock {
        // 12 MHz of the crystal, for as long as the chip runs.
        let clock = Gpout::new(chip.PIN_13);
        clock.set_src(GpoutSrc::Xosc);
        clock.set_div(1, 0);
        clock.enable();
        mem::forget(clock);
    }
    let [mut scl, mut sda] = [
        OutputOpenDrain::new(chip.PIN_5, Level::High),
        OutputOpenDrain::new(chip.PIN_4, Level::High),
    ];
    scl.set_pullup(true);
    sda.set_pullup(true);
    let mut bus = TwoWire::new((scl, SCL), (sda, SDA), Delay);
    bus.free().map_err(CameraError::held)?;
    let pins = Pins { d0: chip.PIN_6, pclk: chip.PIN_7, href: chip.PIN_8, vsync: chip.PIN_9 };
    let port = PioPort::new(chip.PIO0, chip.DMA_CH0, pins)?;
    Camera::start(Hm01b0::new(bus, BUS), port, request, &mut delay, DATA)
}
