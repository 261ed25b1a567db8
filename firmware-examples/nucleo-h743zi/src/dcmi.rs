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
use sensor::{Port, Progress, Take};

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
    /// Words of a lap.
    words: u16,
    _pins: Dcmi<'static, peripherals::DCMI>,
}

impl DcmiPort {
    /// Returns a port on the pins of `dcmi`.
    pub(crate) fn new(dcmi: Dcmi<'static, peripherals::DCMI>) -> Self {
        let mut idle = DCMI.cr().read();
        idle.set_capture(false);
        idle.set_enable(false);
        // One frame at a time: the next one that starts, and nothing after it.
        idle.set_crop(false);
        idle.set_cm(true);
        Self { idle, words: WORDS, _pins: dcmi }
    }

    fn stop(&self) {
        // A reset is the one way to give up a frame that has begun.
        RCC.ahb2rstr().modify(|register| register.set_dcmirst(true));
        RCC.ahb2rstr().modify(|register| register.set_dcmirst(false));
        // RCC and DCMI are behind different buses: the first write to DCMI is not to
        // overtake the end of its reset, and two cycles of its clock have to pass.
        RCC.ahb2rstr().read();
        cortex_m::asm::dsb();
        DCMI.cr().read();
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

    /// Returns how many words the DMA has written since it was started.
    fn arrived_words(&self) -> usize {
        loop {
            let laps = LAPS.load(Ordering::Relaxed);
            let stream = DMA1.st(STREAM);
            let left = stream.ndtr().read().ndt();
            // The counter starts over before the interrupt has counted the lap.
            let is_counted = !DMA1.isr(0).read().tcif(STREAM) || !stream.cr().read().circ();
            if is_counted && LAPS.load(Ordering::Relaxed) == laps {
                let lap = u32::from(self.words.saturating_sub(left));
                return laps.saturating_mul(WORDS.into()).saturating_add(lap) as usize;
            }
        }
    }
}

impl Port for DcmiPort {
    const RING_LEN: usize = Ring::<{ WORDS as usize }>::BYTE_LEN;
    const TICKS_PER_MS: u32 = NucleoH743Zi::CLOCK_HZ / 1000;

    fn begin(&mut self, take: Take) {
        self.stop();
        // Each line begins anew with its first byte: what is too much of one is cut
        // off, and what is missing of one is missing at the end of the frame.
        let words = match take {
            Take::Frame { line_len, lines } => {
                DCMI.cwstrt().write(|_| {});
                DCMI.cwsize().write(|register| {
                    register.set_capcnt(less_one(line_len));
                    register.set_vline(less_one(lines));
                });
                None
            }
            Take::Bytes(len) => Some(u16::try_from(len / 4).unwrap_or(WORDS)),
        };
        DMAMUX1.ccr(STREAM).write(|register| register.set_dmareq_id(DCMI_REQUEST));
        let stream = DMA1.st(STREAM);
        stream.par().write_value(address(DCMI.dr().as_ptr().cast()));
        stream.m0ar().write_value(address(RING.as_ptr()));
        stream.ndtr().write(|register| register.set_ndt(words.unwrap_or(WORDS)));
        self.words = words.unwrap_or(WORDS);
        stream.cr().write(|register| {
            register.set_dir(Dir::PERIPHERAL_TO_MEMORY);
            register.set_circ(words.is_none());
            register.set_minc(true);
            register.set_psize(Size::BITS32);
            register.set_msize(Size::BITS32);
            register.set_pl(Pl::VERY_HIGH);
            register.set_teie(true);
            register.set_tcie(words.is_none());
            register.set_en(true);
        });
        DCMI.cr().modify(|register| register.set_crop(words.is_none()));
        DCMI.cr().modify(|register| register.set_enable(true));
        DCMI.cr().modify(|register| register.set_capture(true));
    }

    fn progress(&mut self) -> Progress {
        let status = DCMI.ris().read();
        Progress {
            arrived: self.arrived_words() * 4,
            has_ended: status.frame_ris(),
            has_overrun: status.ovr_ris(),
            has_slipped: false,
        }
    }

    fn copy(&mut self, start: usize, out: &mut [u8]) {
        RING.copy(start, out);
    }

    fn ticks(&mut self) -> u32 {
        physical::cycles()
    }
}

/// Returns a count as the crop window takes it.
fn less_one(count: usize) -> u16 {
    u16::try_from(count.saturating_sub(1)).unwrap_or(u16::MAX)
}

/// Returns an address as the DMA takes it.
fn address(pointer: *mut u32) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or_default()
}
