//! Every way a program ends.

use core::panic::PanicInfo;

use semihosting::process::ExitCode;
use shared::Status;

/// Ends the emulator with `status`.
///
/// An emulator that somebody ends says success, too, so that the log says it: a
/// program has ended well only if this is its last line (`firmware::emulator` of
/// xtask).
pub(crate) fn exit(status: Status) -> ! {
    if status == Status::Success {
        defmt::info!("ended well");
    }
    match status {
        Status::Success => ExitCode::SUCCESS,
        Status::Failure => ExitCode::FAILURE,
    }
    .exit_process()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if let Some(place) = info.location() {
        defmt::error!("panicked at {=str}:{=u32}", place.file(), place.line());
    } else {
        defmt::error!("panicked");
    }
    exit(Status::Failure)
}
