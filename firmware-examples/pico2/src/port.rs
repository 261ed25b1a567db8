//! The chip's way to a camera's serial line: a state machine of PIO and a DMA
//! that goes round a ring \[RP2350\].
#![expect(unsafe_code, reason = "a state machine is given the length of a line and its start")]

use embassy_rp::pac::DMA;
use embassy_rp::pac::dma::vals::{DataSize, TransCountMode};
use embassy_rp::peripherals::{DMA_CH0, PIN_6, PIN_7, PIN_8, PIN_9, PIO0};
use embassy_rp::pio::{
    Common, Config, FifoJoin, IrqFlags, Pio, ShiftConfig, ShiftDirection, StateMachine,
};
use embassy_rp::{Peri, pio};
use physical::{CameraError, Machine, Ring};
use ::pio::{InstructionOperands, MovDestination, MovOperation, MovSource};
use sensor::{Port, Progress, Take};

use crate::Pico2;
use crate::program::{START, serial_line};

embassy_rp::bind_interrupts!(struct Interrupts {
    PIO0_IRQ_0 => pio::InterruptHandler<PIO0>;
});

/// Words of the ring: 101 lines of the HM01B0.
const WORDS: usize = 8192;

/// The DMA goes round within an aligned power of two of bytes.
const RING_BITS: u8 = 15;

/// A ring where a DMA can go round.
#[repr(C, align(32768))]
struct Aligned(Ring<WORDS>);

const _: () = assert!(align_of::<Aligned>() == 1 << RING_BITS);
const _: () = assert!(size_of::<Aligned>() == 1 << RING_BITS);

/// The ring.
static RING: Aligned = Aligned(Ring::new());

/// Channel of the DMA.
const CHANNEL: u8 = 0;

/// Flag that the state machine raises when the frame is over.
const ENDED: u8 = 0;

/// Flag that it raises when a line had another length.
const SLIPPED: u8 = 1;

/// Bytes after the last one of a frame that there is room for, so that a frame that
/// goes on is no frame that came too fast.
const SURPLUS: u32 = 4;

/// The pins that a camera sends on.
pub(crate) struct Pins {
    pub(crate) d0: Peri<'static, PIN_6>,
    pub(crate) pclk: Peri<'static, PIN_7>,
    pub(crate) href: Peri<'static, PIN_8>,
    pub(crate) vsync: Peri<'static, PIN_9>,
}

/// A state machine with its DMA.
pub struct PioPort {
    machine: StateMachine<'static, PIO0, 0>,
    config: Config<'static, PIO0>,
    flags: IrqFlags<'static, PIO0>,
    /// The state machine with a FIFO in both directions, to be told of a line.
    telling: Config<'static, PIO0>,
    /// Bytes that are wanted, and that there is room for.
    wanted: u32,
    room: u32,
    has_stalled: bool,
    /// Pins are the chip's again when it is dropped.
    _common: Common<'static, PIO0>,
    _channel: Peri<'static, DMA_CH0>,
}

impl PioPort {
    /// Returns a port on those pins.
    ///
    /// # Errors
    ///
    /// Returns an error where PIO has no room for its program.
    pub(crate) fn new(
        block: Peri<'static, PIO0>,
        channel: Peri<'static, DMA_CH0>,
        pins: Pins,
    ) -> Result<Self, CameraError> {
        let Pio { mut common, sm0: machine, irq_flags: flags, .. } = Pio::new(block, Interrupts);
        let program = common.try_load_program(&serial_line());
        let Ok(program) = program else { return Err(CameraError::NoRoom) };
        let d0 = common.make_pio_pin(pins.d0);
        let pclk = common.make_pio_pin(pins.pclk);
        let href = common.make_pio_pin(pins.href);
        let vsync = common.make_pio_pin(pins.vsync);
        let mut config = Config::default();
        config.use_program(&program, &[]);
        config.set_in_pins(&[&d0, &pclk, &href, &vsync]);
        config.set_jmp_pin(&href);
        // Eight bits, the lowest first, are the highest byte of a word.
        config.shift_in =
            ShiftConfig { threshold: 8, direction: ShiftDirection::Right, auto_fill: true };
        config.shift_out =
            ShiftConfig { threshold: 32, direction: ShiftDirection::Right, auto_fill: false };
        let telling = config;
        config.fifo_join = FifoJoin::RxOnly;
        Ok(Self {
            machine,
            config,
            telling,
            flags,
            wanted: 0,
            room: 0,
            has_stalled: false,
            _common: common,
            _channel: channel,
        })
    }

    fn stop(&mut self) {
        self.machine.set_enable(false);
        let channel = DMA.ch(CHANNEL.into());
        // A channel is to be off before it is stopped (\[RP2350\], erratum E5).
        channel.al1_ctrl().write_value(0);
        DMA.chan_abort().write(|register| register.set_chan_abort(1 << CHANNEL));
        while DMA.chan_abort().read().chan_abort() != 0 {}
        self.machine.restart();
        self.machine.clear_fifos();
        self.flags.clear(ENDED.into());
        self.flags.clear(SLIPPED.into());
        // Seen once, it is forgotten.
        self.machine.rx().stalled();
        self.has_stalled = false;
    }

    /// Puts `bits`, less one, into register X, and has the program start anew.
    fn tell(&mut self, bits: u32) {
        const PULL: u16 = InstructionOperands::PULL { if_empty: false, block: true }.encode();
        const TO_X: u16 = InstructionOperands::MOV {
            destination: MovDestination::X,
            op: MovOperation::None,
            source: MovSource::OSR,
        }
        .encode();
        self.machine.set_config(&self.telling);
        self.machine.tx().push(bits.wrapping_sub(1));
        // SAFETY: the state machine is stopped, and its FIFO has a word.
        unsafe {
            self.machine.exec_instr(PULL);
            self.machine.exec_instr(TO_X);
        }
        self.machine.set_config(&self.config);
        // SAFETY: the program is loaded where its origin says, and starts there.
        unsafe { self.machine.exec_jmp(START) };
    }
}

impl Port for PioPort {
    const RING_LEN: usize = Ring::<WORDS>::BYTE_LEN;
    const TICKS_PER_MS: u32 = Pico2::CLOCK_HZ / 1000;

    fn begin(&mut self, take: Take) {
        // What the bits of a word of the FIFO are shifted to.
        const HIGHEST_BYTE: u32 = 3;
        // More bits than a frame has: its lines are not looked for.
        const NO_LINES: usize = 0;
        self.stop();
        let (wanted, line_bits) = match take {
            Take::Frame { line_len, lines } => (line_len * lines, 8 * line_len),
            Take::Bytes(len) => (len, NO_LINES),
        };
        let number = |number: usize| u32::try_from(number).unwrap_or_default();
        self.wanted = number(wanted);
        self.room = self.wanted + SURPLUS;
        self.tell(number(line_bits));
        let channel = DMA.ch(CHANNEL.into());
        channel.read_addr().write_value(address(self.machine.rx_fifo_ptr()) + HIGHEST_BYTE);
        channel.write_addr().write_value(address(RING.0.as_ptr()));
        channel.trans_count().write(|register| {
            register.set_mode(TransCountMode::NORMAL);
            register.set_count(self.room);
        });
        let request = self.machine.rx_treq();
        channel.ctrl_trig().write(|register| {
            register.set_treq_sel(request);
            register.set_data_size(DataSize::SIZE_BYTE);
            register.set_incr_write(true);
            // The address of what is written goes round.
            register.set_ring_sel(true);
            register.set_ring_size(RING_BITS);
            // Chained to itself, it is chained to none.
            register.set_chain_to(CHANNEL);
            register.set_en(true);
        });
        self.machine.set_enable(true);
    }

    fn progress(&mut self) -> Progress {
        let has_ended = self.flags.check(ENDED);
        self.has_stalled |= self.machine.rx().stalled();
        let left = DMA.ch(CHANNEL.into()).trans_count().read().count();
        let arrived = self.room.saturating_sub(left);
        Progress {
            arrived: arrived as usize,
            has_ended,
            // After the last byte there is nothing to be late for.
            has_overrun: self.has_stalled && arrived <= self.wanted,
            has_slipped: self.flags.check(SLIPPED),
        }
    }

    fn copy(&mut self, start: usize, out: &mut [u8]) {
        RING.0.copy(start, out);
    }

    fn ticks(&mut self) -> u32 {
        physical::cycles()
    }
}

/// Returns an address as the DMA takes it.
fn address(pointer: *mut u32) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or_default()
}
