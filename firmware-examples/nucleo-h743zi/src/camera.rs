//! The board's camera: an OV7670, on the pins of docs/boards.

use embassy_stm32::dcmi::{
    self, Config, Dcmi, HSyncDataInvalidLevel, PixelClockPolarity, VSyncDataInvalidLevel,
};
use embassy_stm32::gpio::{Level, OutputOpenDrain, Pull, Speed};
use embassy_stm32::peripherals::{self, DMA1_CH0};
use embassy_stm32::rcc::{Mco, Mco1Source, McoConfig, McoPrescaler};
use embassy_stm32::{Peripherals, bind_interrupts, dma};
use physical::{Camera, CameraError, Delay, Machine};
use sensor::{Ov7670, TwoWire};
use shared::CameraRequest;

use crate::NucleoH743Zi;
use crate::dcmi::{DcmiPort, Laps};

bind_interrupts!(struct Interrupts {
    DCMI => dcmi::InterruptHandler<peripherals::DCMI>;
    // Laps comes first: the other takes the flag away.
    DMA1_STREAM0 => Laps, dma::InterruptHandler<DMA1_CH0>;
});

/// What carries registers.
type Bus = TwoWire<OutputOpenDrain<'static>, OutputOpenDrain<'static>, Wait>;

type Wait = Delay<{ NucleoH743Zi::CLOCK_HZ }>;

/// The camera.
pub type NucleoCamera = Camera<Ov7670<Bus>, DcmiPort>;

const SCL: &str = "SIOC (PB8, D15)";
const SDA: &str = "SIOD (PB9, D14)";
const BUS: &str = "SIOC (PB8, D15), SIOD (PB9, D14), XCLK (PA8, CN12 pin 23), 3.3 V and GND, \
                   RESET at 3.3 V and PWDN at GND";
const DATA: &str = "PCLK (PA6, D12), HREF (PA4, D24) and VSYNC (PB7, D0)";

/// Starts the camera.
///
/// # Errors
///
/// Returns an error where it does not answer or has no images of that side.
pub(crate) fn start(
    chip: Peripherals,
    request: CameraRequest,
) -> Result<NucleoCamera, CameraError> {
    let mut delay: Wait = Delay;
    // 16 MHz: 64 MHz of the internal oscillator, which the sensor runs on for as
    // long as the chip does.
    let mut clock = McoConfig::default();
    clock.prescaler = McoPrescaler::DIV4;
    Mco::new(chip.MCO1, chip.PA8, Mco1Source::HSI, clock);

    let (high, slow) = (Level::High, Speed::Low);
    let scl = OutputOpenDrain::new_pull(chip.PB8, high, slow, Pull::Up);
    let sda = OutputOpenDrain::new_pull(chip.PB9, high, slow, Pull::Up);
    let mut bus = TwoWire::new((scl, SCL), (sda, SDA), Delay);
    bus.free().map_err(CameraError::held)?;

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
    let port = DcmiPort::new(dcmi);
    Camera::start(sensor, port, request, &mut delay, DATA)
}
