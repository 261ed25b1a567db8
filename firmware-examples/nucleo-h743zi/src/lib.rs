//! ST's NUCLEO-H743ZI: a Cortex-M7 at 480 MHz, images and features over RTT.
#![no_std]
#![expect(unsafe_code, reason = "the caches are switched on")]

mod axi_sram;

use cortex_m::Peripherals;
use embassy_stm32::Config;
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, HSIPrescaler, Pll, PllDiv, PllMul, PllPreDiv, PllSource, Sysclk,
    VoltageScale,
};
use physical::{Machine, Rtt};

/// The board.
#[derive(Debug)]
pub struct NucleoH743Zi;

impl Machine for NucleoH743Zi {
    const NAME: &'static str = "nucleo-h743zi";
    const MAX_WIDTH: usize = 224;
    const CLOCK_HZ: u32 = 480_000_000;
    type Link = Rtt;

    fn start() -> Rtt {
        axi_sram::clear();
        embassy_stm32::init(clocks());
        // SAFETY: nothing else of the program holds the core's registers, and
        // no memory that a cache covers is written by anything but the core.
        let mut core = unsafe { Peripherals::steal() };
        core.SCB.enable_icache();
        core.SCB.enable_dcache(&mut core.CPUID);
        Rtt::start()
    }
}

/// Returns the clocks: 64 MHz of the internal oscillator, through the first
/// PLL to 480 MHz for the core and half of it for the buses, the most that the
/// chip may run at (data sheet DS12110, general operating conditions).
fn clocks() -> Config {
    let mut config = Config::default();
    let rcc = &mut config.rcc;
    rcc.hsi = Some(HSIPrescaler::DIV1);
    rcc.pll1 = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV4,
        mul: PllMul::MUL60,
        fracn: None,
        divp: Some(PllDiv::DIV2),
        divq: None,
        divr: None,
    });
    rcc.sys = Sysclk::PLL1_P;
    rcc.d1c_pre = AHBPrescaler::DIV1;
    rcc.ahb_pre = AHBPrescaler::DIV2;
    rcc.apb1_pre = APBPrescaler::DIV2;
    rcc.apb2_pre = APBPrescaler::DIV2;
    rcc.apb3_pre = APBPrescaler::DIV2;
    rcc.apb4_pre = APBPrescaler::DIV2;
    rcc.voltage_scale = VoltageScale::Scale0;
    config
}
