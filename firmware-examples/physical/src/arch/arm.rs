//! Arm's M profile, with a debug probe: RTT, DWT and semihosting's exit.
#![expect(unsafe_code, reason = "debug registers and a fault handler")]

use core::hint;

use cortex_m::peripheral::{DCB, DWT, Peripherals};
pub use cortex_m_rt::entry;
use cortex_m_rt::{ExceptionFrame, exception};
pub(crate) use memory::arm::{STACK_PAINT, stack};
use rtt_target::{ChannelMode, DownChannel, UpChannel};
use semihosting::process::ExitCode;
use shared::{Link, Status};

use crate::stop;

/// Channels of RTT: up 0 is the log, up 1 are features, down 0 are images.
pub struct Rtt {
    frames: DownChannel,
    rows: UpChannel,
}

impl Rtt {
    /// Opens the channels; it can be called once.
    #[must_use]
    pub fn start() -> Self {
        // The host lets the log wait when it attaches; without a host, the
        // program runs on.
        let channels = rtt_target::rtt_init! {
            up: {
                0: { size: 1024, mode: ChannelMode::NoBlockSkip, name: "defmt" }
                1: { size: 4096, mode: ChannelMode::BlockIfFull, name: "rows" }
            }
            down: {
                0: { size: 1024, name: "frames" }
            }
        };
        let (log, rows) = channels.up;
        rtt_target::set_defmt_channel(log);
        Self { frames: channels.down.0, rows }
    }
}

impl Link for Rtt {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        loop {
            match self.frames.read(bytes) {
                0 => hint::spin_loop(),
                count => return count,
            }
        }
    }

    fn send(&mut self, header: &[u8], values: &[u8]) {
        self.rows.write(header);
        self.rows.write(values);
    }
}

/// Does nothing: start-up has painted the stack.
pub(crate) const fn paint_stack() {}

/// Lets the core count its cycles.
pub(crate) fn start_cycles() {
    // SAFETY: no other code of the program holds these registers: a board
    // takes its peripherals from its HAL, which leaves DCB and DWT alone.
    let mut core = unsafe { Peripherals::steal() };
    core.DCB.enable_trace();
    DWT::unlock();
    core.DWT.enable_cycle_counter();
}

/// Returns the counter of cycles, which wraps at 32 bits.
#[inline]
#[must_use]
pub fn cycles() -> u32 {
    DWT::cycle_count()
}

/// Returns how much flash the program takes, in bytes.
pub(crate) fn flash_bytes() -> usize {
    memory::arm::flash().len()
}

/// Ends with `status`: a probe sees it as the exit status of semihosting, and
/// without one the core waits for a reset.
pub(crate) fn end(status: Status) -> ! {
    if DCB::is_debugger_attached() {
        match status {
            Status::Success => ExitCode::SUCCESS,
            Status::Failure => ExitCode::FAILURE,
        }
        .exit_process()
    }
    // Sleep would stop the debug port of some chips, and the log with it.
    loop {
        hint::spin_loop();
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("hard fault at {=u32:#010x}", frame.pc());
    stop::exit(Status::Failure)
}
