//! A program that is never run: linking it is the test.
//!
//! Its panic handler calls a function that is nowhere. In a release build the
//! linker leaves out what cannot be reached, so it misses that function only
//! where a path through lcl-infer leads to a panic. Every function is reached
//! from here with arguments that may be anything, but for
//! `lcl_infer::reference`, which is for tests and says that it panics, and for
//! `Debug`; `cargo xtask planted` sees to that.
//!
//! It is built as firmware is, without overflow checks, so it says nothing of
//! sums that wrap.
#![no_std]
#![no_main]

mod build;
mod errors;
mod kernels;
mod stream;
mod toom;
mod watch;

use core::hint::black_box;

#[expect(unsafe_code, reason = "the function is nowhere")]
unsafe extern "C" {
    safe fn a_path_through_lcl_infer_leads_to_a_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    a_path_through_lcl_infer_leads_to_a_panic()
}

#[expect(unsafe_code, reason = "the linker looks for this name")]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        // Slices, not arrays: the length of an array is a constant, and of none
        // would remain what reads it.
        let bytes = black_box::<&[u8]>(&[]);
        let weights = black_box::<&[i8]>(&[]);
        let scales = black_box::<&[f32]>(&[]);
        let numbers = black_box([0; 8]);
        black_box(stream::run(bytes, numbers));
        black_box(kernels::run(bytes, numbers));
        black_box(toom::run(bytes, weights, numbers));
        black_box(watch::run(bytes, numbers));
        black_box(build::run(bytes, weights, scales, numbers));
    }
}
