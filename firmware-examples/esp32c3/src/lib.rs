//! Boards with Espressif's ESP32-C3: RISC-V (RV32IMC) at 160 MHz, images and
//! features over USB serial.
#![no_std]

mod partition;

use esp_hal::Config;
use esp_hal::clock::CpuClock;
use physical::{Machine, NoCamera, Physical, UsbSerial};

pub use physical::{entry, run};

esp_bootloader_esp_idf::esp_app_desc!();

/// The board, as programs have it.
pub type Board = Physical<Esp32C3>;

/// What sets it apart.
#[derive(Debug)]
pub struct Esp32C3;

impl Machine for Esp32C3 {
    const NAME: &'static str = "esp32c3";
    const MAX_WIDTH: usize = 224;
    const CLOCK_HZ: u32 = 160_000_000;
    type Link = UsbSerial;
    type Camera = NoCamera;
    type Peripherals = ();

    fn start() -> (UsbSerial, ()) {
        let peripherals = esp_hal::init(Config::default().with_cpu_clock(CpuClock::_160MHz));
        partition::map();
        (UsbSerial::start(peripherals.USB_DEVICE), ())
    }
}
