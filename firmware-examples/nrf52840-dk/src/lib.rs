//! Nordic's nRF52840 DK: a Cortex-M4F at 64 MHz, images and features over RTT.
#![no_std]

use embassy_nrf::config::{Config, HfclkSource};
use embassy_nrf::pac::NVMC;
use physical::{Machine, NoCamera, Physical, Rtt};

pub use physical::{entry, run};

/// The board, as programs have it.
pub type Board = Physical<Nrf52840Dk>;

/// What sets it apart.
#[derive(Debug)]
pub struct Nrf52840Dk;

impl Machine for Nrf52840Dk {
    const NAME: &'static str = "nrf52840-dk";
    const MAX_WIDTH: usize = 224;
    const CLOCK_HZ: u32 = 64_000_000;
    type Link = Rtt;
    type Camera = NoCamera;
    type Peripherals = ();

    fn start() -> (Rtt, ()) {
        let mut config = Config::default();
        config.hfclk_source = HfclkSource::ExternalXtal;
        embassy_nrf::init(config);
        // Weights are read from flash, which has wait states.
        NVMC.icachecnf().write(|register| register.set_cacheen(true));
        (Rtt::start(), ())
    }
}
