//! ST's NUCLEO-H743ZI: a Cortex-M7 at 480 MHz, images and features over RTT, and
//! an OV7670.
#![no_std]

mod axi_sram;
mod camera;
mod dcmi;

pub use camera::NucleoCamera;
pub use dcmi::DcmiPort;
pub use physical::{entry, run};

use cortex_m::peripheral::MPU;
use embassy_stm32::rcc::{
    AHBPrescaler, APBPrescaler, HSIPrescaler, Pll, PllDiv, PllMul, PllPreDiv, PllSource, Sysclk,
    VoltageScale,
};
use embassy_stm32::{Config, Peripherals};
use physical::{CameraError, Machine, Physical, Rtt};
use shared::CameraRequest;

/// The board, as programs have it.
pub type Board = Physical<NucleoH743Zi>;

/// What sets it apart.
#[derive(Debug)]
pub struct NucleoH743Zi;

impl Machine for NucleoH743Zi {
    const NAME: &'static str = "nucleo-h743zi";
    const MAX_WIDTH: usize = 224;
    const CLOCK_HZ: u32 = 480_000_000;
    type Link = Rtt;
    type Camera = NucleoCamera;
    type Peripherals = Peripherals;

    #[expect(unsafe_code, reason = "the caches are switched on")]
    fn start() -> (Rtt, Peripherals) {
        axi_sram::clear();
        let chip = embassy_stm32::init(clocks());
        // SAFETY: nothing else of the program holds the core's registers, and
        // no memory that a cache covers is written by anything but the core.
        unsafe {
            let mut core = cortex_m::Peripherals::steal();
            leave_uncached(&core.MPU);
            core.SCB.enable_icache();
            core.SCB.enable_dcache(&mut core.CPUID);
        }
        (Rtt::start(), chip)
    }

    fn camera(chip: Peripherals, request: CameraRequest) -> Result<NucleoCamera, CameraError> {
        camera::start(chip, request)
    }
}

/// Lays an area that is not cached over the camera's ring, which a DMA writes
/// (Armv7-M Architecture Reference Manual, "Protected Memory System
/// Architecture").
///
/// # Safety
///
/// Nothing else may have set up the unit, and the caches must be off.
#[expect(unsafe_code, reason = "the memory protection unit is set up")]
unsafe fn leave_uncached(mpu: &MPU) {
    const ENABLE: u32 = 1;
    // What no area covers is as it would be without the unit.
    const DEFAULTS: u32 = 1 << 2;
    const NO_CODE: u32 = 1 << 28;
    const READ_AND_WRITE: u32 = 0b011 << 24;
    // TEX 1, C 0, B 0: normal memory, not cached.
    const NOT_CACHED: u32 = 1 << 19;
    // 2^(15 + 1) bytes: 64 KiB.
    const SIZE: u32 = 15 << 1;
    // SAFETY: the caller keeps these registers to this function. The area has the
    // length and the alignment of the region CAMERA (`build.rs`).
    unsafe {
        mpu.rnr.write(0);
        mpu.rbar.write(CAMERA_RAM);
        mpu.rasr.write(NO_CODE | READ_AND_WRITE | NOT_CACHED | SIZE | ENABLE);
        mpu.ctrl.write(DEFAULTS | ENABLE);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Start of the region CAMERA (`build.rs`).
const CAMERA_RAM: u32 = 0x2400_0000;

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
