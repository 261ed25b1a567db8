//! The chip's camera interface: DCMI and a DMA that goes round a ring \[RM0433\].
#![expect(unsafe_code, reason = "the handler of an interrupt, and where the ring lies")]

use core::sync::atomic::{AtomicU32, Ordering};

use embassy_stm32::dcmi::Dcmi;
use embassy_stm32::interrupt::typelevel::{DMA1_STREAM0, Handler};
use embassy_stm32::pac::dcmi::regs::Cr;
use embassy_stm32::pac::dma::vals::{Dir, Pl, Size};
use embassy_stm32::pac::{DCMI, DMA1, DMAMUX1, RCC};
use embassy_stm32::peripherals;
use physical::{Machine, Ring};
use sensor::{Port, Progress};

use crate::NucleoH743Zi;

/// Stream of DMA1, whose requests come from the channel of `DMAMUX1` of the same
/// number.
const STREAM: usize = 0;

/// DCMI among the requests of `DMAMUX1` (\[RM0433\], assignment of multiplexer
/// inputs to resources).
const DCMI_REQUEST: u8 = 75;

/// Words of the ring, 51 lines of VGA.
const WORDS: u16 = 16_384;

/// The ring. DMA1 does not reach the tightly coupled memory that everything else
/// is in, so that it lies in the AXI SRAM (`build.rs`). The core's data cache
/// would cover that, and would give back what was there before the DMA wrote:
/// `start` has an area of no cache laid over it.
#[unsafe(link_section = ".camera")]
static RING: Ring<{ WORDS as usize }> = Ring::new();

/// Times that the DMA went round since it was started.
static LAPS: AtomicU32 = AtomicU32::new(0);

/// Counts the laps of the DMA.
pub(crate) struct Laps;

impl Handler<DMA1_STREAM0> for Laps {
    unsafe fn on_interrupt() {
        if DMA1.isr(0).read().tcif(STREAM) && DMA1.st(STREAM).cr().read().tcie() {
            LAPS.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// DCMI with its DMA.
pub struct DcmiPort {
    /// DCMI as its pins need it, stopped.
    idle: Cr,
    _pins: Dcmi<'static, peripherals::DCMI>,
}

impl DcmiPort {
    /// Returns a port on the pins of `dcmi`.
    pub(crate) fn new(dcmi: Dcmi<'static, peripherals::DCMI>) -> Self {
        let mut idle = DCMI.cr().read();
        idle.set_capture(false);
        idle.set_enable(false);
        // One frame at a time: the next one that starts, and nothing after it.
        idle.set_cm(true);
        Self { idle, _pins: dcmi }
    }

    fn stop(&self) {
        // A reset is the one way to give up a frame that has begun.
        RCC.ahb2rstr().modify(|register| register.set_dcmirst(true));
        RCC.ahb2rstr().modify(|register| register.set_dcmirst(false));
        DCMI.cr().write_value(self.idle);
        let stream = DMA1.st(STREAM);
        stream.cr().write(|_| {});
        while stream.cr().read().en() {}
        DMA1.ifcr(0).write(|register| {
            register.set_feif(STREAM, true);
            register.set_dmeif(STREAM, true);
            register.set_teif(STREAM, true);
            register.set_htif(STREAM, true);
            register.set_tcif(STREAM, true);
        });
        LAPS.store(0, Ordering::Relaxed);
    }
}

impl Port for DcmiPort {
    const RING_LEN: usize = Ring::<{ WORDS as usize }>::BYTE_LEN;
    const TICKS_PER_MS: u32 = NucleoH743Zi::CLOCK_HZ / 1000;

    fn begin(&mut self, _: usize) {
        self.stop();
        DMAMUX1.ccr(STREAM).write(|register| register.set_dmareq_id(DCMI_REQUEST));
        let stream = DMA1.st(STREAM);
        stream.par().write_value(address(DCMI.dr().as_ptr().cast()));
        stream.m0ar().write_value(address(RING.as_ptr()));
        stream.ndtr().write(|register| register.set_ndt(WORDS));
        stream.cr().write(|register| {
            register.set_dir(Dir::PERIPHERAL_TO_MEMORY);
            register.set_circ(true);
            register.set_minc(true);
            register.set_psize(Size::BITS32);
            register.set_msize(Size::BITS32);
            register.set_pl(Pl::VERY_HIGH);
            register.set_teie(true);
            register.set_tcie(true);
            register.set_en(true);
        });
        DCMI.cr().modify(|register| register.set_enable(true));
        DCMI.cr().modify(|register| register.set_capture(true));
    }

    fn progress(&mut self) -> Progress {
        let status = DCMI.ris().read();
        Progress {
            arrived: arrived_words() * 4,
            has_ended: status.frame_ris(),
            has_overrun: status.ovr_ris(),
        }
    }

    fn copy(&mut self, start: usize, out: &mut [u8]) {
        RING.copy(start, out);
    }

    fn ticks(&mut self) -> u32 {
        physical::cycles()
    }
}

/// Returns how many words the DMA has written since it was started.
fn arrived_words() -> usize {
    loop {
        let laps = LAPS.load(Ordering::Relaxed);
        let left = DMA1.st(STREAM).ndtr().read().ndt();
        // The counter starts over before the interrupt has counted the lap.
        let is_counted = !DMA1.isr(0).read().tcif(STREAM);
        if is_counted && LAPS.load(Ordering::Relaxed) == laps {
            let words = laps.saturating_mul(WORDS.into()) + u32::from(WORDS.saturating_sub(left));
            return words as usize;
        }
    }
}

/// Returns an address as the DMA takes it.
fn address(pointer: *mut u32) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or_default()
}
