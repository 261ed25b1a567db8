//! The Raspberry Pi Pico 2: an RP2350 with a Cortex-M33 at 150 MHz, images and
//! features over RTT, and an HM01B0.
#![no_std]

mod camera;
mod port;
mod program;

pub use camera::PicoCamera;
pub use physical::{entry, run};
pub use port::PioPort;

use embassy_rp::Peripherals;
use embassy_rp::config::Config;
use physical::{CameraError, Machine, Physical, Rtt};
use shared::CameraRequest;

/// The board, as programs have it.
pub type Board = Physical<Pico2>;

/// What sets it apart.
#[derive(Debug)]
pub struct Pico2;

impl Machine for Pico2 {
    const NAME: &'static str = "pico2";
    const MAX_WIDTH: usize = 224;
    const CLOCK_HZ: u32 = 150_000_000;
    type Link = Rtt;
    type Camera = PicoCamera;
    type Peripherals = Peripherals;

    fn start() -> (Rtt, Peripherals) {
        let chip = embassy_rp::init(Config::default());
        (Rtt::start(), chip)
    }

    fn camera(chip: Peripherals, request: CameraRequest) -> Result<PicoCamera, CameraError> {
        camera::start(chip, request)
    }
}
