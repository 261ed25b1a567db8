//! Espressif's RISC-V chips: the USB serial of their debug unit and their
//! counter of cycles.
#![expect(unsafe_code, reason = "registers and the linker's symbols")]

use core::arch;
use core::cell::UnsafeCell;
use core::hint;
use core::ops::Range;

use critical_section::RestoreState;
use defmt::Encoder;
use esp_hal::Blocking;
pub use esp_hal::main as entry;
use esp_hal::peripherals::USB_DEVICE;
use esp_hal::usb_serial_jtag::UsbSerialJtag;
pub(crate) use memory::riscv::STACK_PAINT;
use shared::{Link, Status};

/// What precedes a record of features. The log's lines, which share the
/// serial line, are preceded by `ff 00`.
const RECORD: [u8; 2] = [0xfe, 0x00];

/// What precedes a line of the log.
const LINE: [u8; 2] = [0xff, 0x00];

/// Sends bytes over USB; each waits until there is room for it, for as long as the
/// host takes.
fn send(bytes: &[u8]) {
    let usb = USB_DEVICE::regs();
    for &byte in bytes {
        while usb.ep1_conf().read().serial_in_ep_data_free().bit_is_clear() {
            hint::spin_loop();
        }
        // SAFETY: the register takes any byte.
        usb.ep1().write(|register| unsafe { register.rdwr_byte().bits(byte) });
    }
}

/// Lets the host have what is less than a packet.
fn flush() {
    USB_DEVICE::regs().ep1_conf().modify(|_, register| register.wr_done().set_bit());
}

/// The log, which shares the line: a line of it waits as a record does, so that none
/// is cut.
#[defmt::global_logger]
struct Log;

struct Logging(UnsafeCell<(Encoder, RestoreState)>);

// SAFETY: it is used between `acquire` and `release` alone, without interrupts.
unsafe impl Sync for Logging {}

static LOGGING: Logging = Logging(UnsafeCell::new((Encoder::new(), RestoreState::invalid())));

// SAFETY: a critical section lasts from `acquire` to `release`.
unsafe impl defmt::Logger for Log {
    fn acquire() {
        // SAFETY: `release` ends it, and until then nothing else has the encoder.
        let logging = unsafe {
            let restore = critical_section::acquire();
            let logging = &mut *LOGGING.0.get();
            logging.1 = restore;
            logging
        };
        send(&LINE);
        logging.0.start_frame(send);
    }

    unsafe fn flush() {
        flush();
    }

    unsafe fn release() {
        // SAFETY: `acquire` has begun the critical section.
        unsafe {
            let logging = &mut *LOGGING.0.get();
            logging.0.end_frame(send);
            flush();
            critical_section::release(logging.1);
        }
    }

    unsafe fn write(bytes: &[u8]) {
        // SAFETY: `acquire` has begun the critical section.
        let logging = unsafe { &mut *LOGGING.0.get() };
        logging.0.write(bytes, send);
    }
}

/// The serial line over USB: images in; the log and features out.
pub struct UsbSerial {
    usb: UsbSerialJtag<'static, Blocking>,
}

impl UsbSerial {
    /// Opens the line.
    #[must_use]
    pub fn start(usb: USB_DEVICE<'static>) -> Self {
        Self { usb: UsbSerialJtag::new(usb) }
    }
}

impl Link for UsbSerial {
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        let mut count = 0;
        for byte in bytes {
            let read = loop {
                match self.usb.read_byte() {
                    Ok(read) => break Some(read),
                    Err(_) if count > 0 => break None,
                    Err(_) => hint::spin_loop(),
                }
            };
            let Some(read) = read else { break };
            *byte = read;
            count += 1;
        }
        count
    }

    fn send(&mut self, header: &[u8], values: &[u8]) {
        for bytes in [&RECORD[..], header, values] {
            send(bytes);
        }
        flush();
    }
}

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static _text_start: u8;
    static _text_end: u8;
    static _rodata_start: u8;
    static _rodata_end: u8;
}

/// Returns the words of the stack, from the deepest.
pub(crate) fn stack() -> Range<*const u32> {
    &raw const _stack_end..&raw const _stack_start
}

/// Paints the stack that is not in use.
pub(crate) fn paint_stack() {
    memory::riscv::paint(stack());
}

/// Lets the core count its cycles.
///
/// The ESP32-C3 has a counter of its own in place of `mcycle` (technical
/// reference manual, "Performance Counter").
pub(crate) fn start_cycles() {
    // SAFETY: the registers are the counter's alone: `mpcer` (0x7e0) chooses
    // cycles, `mpcmr` (0x7e1) lets it count.
    unsafe {
        arch::asm!("csrwi 0x7e0, 1", "csrwi 0x7e1, 1", options(nomem, nostack));
    }
}

/// Returns the counter of cycles, which wraps at 32 bits.
#[inline]
#[must_use]
pub fn cycles() -> u32 {
    let cycles: u32;
    // SAFETY: it reads the counter, `mpccr`.
    unsafe { arch::asm!("csrr {}, 0x7e2", out(reg) cycles, options(nomem, nostack)) };
    cycles
}

/// Returns how much flash the program's code and constants take, in bytes.
pub(crate) fn flash_bytes() -> usize {
    let len = |start: *const u8, end: *const u8| end.addr() - start.addr();
    len(&raw const _text_start, &raw const _text_end)
        + len(&raw const _rodata_start, &raw const _rodata_end)
}

/// Ends with `status`, which the host is told in a record without area.
pub(crate) fn end(status: Status) -> ! {
    let code = usize::from(status == Status::Failure);
    send(&RECORD);
    send(&shared::record_header([0, code, 0]));
    flush();
    loop {
        hint::spin_loop();
    }
}
