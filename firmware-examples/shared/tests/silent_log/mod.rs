//! A log of defmt for tests on the host.

/// Takes the log, which a host has no use for.
#[defmt::global_logger]
struct Silence;

#[expect(unsafe_code, reason = "a logger is; this one does nothing")]
// SAFETY: nothing is kept, so nothing can be used by two at a time.
unsafe impl defmt::Logger for Silence {
    fn acquire() {}
    unsafe fn flush() {}
    unsafe fn release() {}
    unsafe fn write(_: &[u8]) {}
}

defmt::timestamp!("");
