//! The board's camera: an OV7670, on the pins of docs/boards.

use embassy_stm32::dcmi::{
    self, Config, Dcmi, HSyncDataInvalidLevel, PixelClockPolarity, VSyncDataInvalidLevel,
};
use embassy_stm32::gpio::{Input, Pull};
use embassy_stm32::i2c::mode::Master;
use embassy_stm32::i2c::{self, I2c};
use embassy_stm32::mode::Blocking;
use embassy_stm32::peripherals::{self, DMA1_CH0};
use embassy_stm32::rcc::{Mco, Mco1Source, McoConfig, McoPrescaler};
use embassy_stm32::time::Hertz;
use embassy_stm32::{Peripherals, bind_interrupts, dma};
use embedded_hal::delay::DelayNs;
use physical::{Camera, CameraError, Delay, Machine};
use sensor::Ov7670;

use crate::NucleoH743Zi;
use crate::dcmi::{DcmiPort, Laps};

bind_interrupts!(struct Interrupts {
    DCMI => dcmi::InterruptHandler<peripherals::DCMI>;
    // Laps comes first: the other takes the flag away.
    DMA1_STREAM0 => Laps, dma::InterruptHandler<DMA1_CH0>;
});

/// What carries registers.
type Bus = I2c<'static, Blocking, Master>;

/// The camera.
pub type NucleoCamera = Camera<Ov7670<Bus>, DcmiPort>;

const SCL: &str = "SIOC (PB8, D15)";
const SDA: &str = "SIOD (PB9, D14)";
const BUS: &str = "SIOC (PB8, D15), SIOD (PB9, D14), XCLK (PA8, CN12 pin 23), 3.3 V and GND, \
                   RESET at 3.3 V and PWDN at GND";
const DATA: &str = "PCLK (PA6, D12), HREF (PA4, D24) and VSYNC (PB7, D0)";

/// Hertz of the bus: slow, for the weak pull-ups of the chip.
const BUS_HZ: Hertz = Hertz(50_000);

/// Milliseconds until lines with pull-ups are high, and the sensor has its clock.
const RISE_MS: u32 = 2;

/// Starts the camera.
///
/// # Errors
///
/// Returns an error where it does not answer or has no images of that side.
pub(crate) fn start(mut chip: Peripherals, side: usize) -> Result<NucleoCamera, CameraError> {
    let mut delay = Delay::<{ NucleoH743Zi::CLOCK_HZ }>;
    // 16 MHz: 64 MHz of the internal oscillator, which the sensor runs on for as
    // long as the chip does.
    let mut clock = McoConfig::default();
    clock.prescaler = McoPrescaler::DIV4;
    Mco::new(chip.MCO1, chip.PA8, Mco1Source::HSI, clock);

    // A transfer on a bus that is held low would never end.
    let lines = [
        (Input::new(chip.PB8.reborrow(), Pull::Up), SCL),
        (Input::new(chip.PB9.reborrow(), Pull::Up), SDA),
    ];
    delay.delay_ms(RISE_MS);
    for (input, line) in lines {
        if input.is_low() {
            return Err(CameraError::LineIsLow { line });
        }
    }
    let mut config = i2c::Config::default();
    config.frequency = BUS_HZ;
    config.scl_pullup = true;
    config.sda_pullup = true;
    let bus = I2c::new_blocking(chip.I2C1, chip.PB8, chip.PB9, config);

    // Bytes are valid while HREF is high and VSYNC low, at the rising edge of
    // PCLK (OV7670's data sheet, "Horizontal Timing").
    let mut config = Config::default();
    config.vsync_level = VSyncDataInvalidLevel::High;
    config.hsync_level = HSyncDataInvalidLevel::Low;
    config.pixclk_polarity = PixelClockPolarity::RisingEdge;
    let dcmi = Dcmi::new_8bit(
        chip.DCMI,
        chip.DMA1_CH0,
        Interrupts,
        chip.PC6,
        chip.PC7,
        chip.PC8,
        chip.PC9,
        chip.PC11,
        chip.PD3,
        chip.PE5,
        chip.PE6,
        chip.PB7,
        chip.PA4,
        chip.PA6,
        config,
    );
    let sensor = Ov7670::new(bus, BUS);
    Camera::start(sensor, DcmiPort::new(dcmi), side, &mut delay, DATA)
}
