//! A program that is never run: linking it is the test.
//!
//! Its panic handler calls a function that is nowhere. In a release build the
//! linker leaves out what cannot be reached, so it misses that function only
//! where a path through lcl-infer leads to a panic.
#![no_std]
#![no_main]

use core::hint::black_box;

use lcl_infer::{Blob, Frontend, ImageSize, memory_len, self_test};

/// Widest image that the memory is for.
const MAX_WIDTH: usize = 96;

#[expect(unsafe_code, reason = "the function is nowhere")]
unsafe extern "C" {
    safe fn a_path_through_lcl_infer_leads_to_a_panic() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    a_path_through_lcl_infer_leads_to_a_panic()
}

/// Opens any bytes, tests them, and streams rows of any length at any size.
#[expect(unsafe_code, reason = "the linker looks for this name")]
#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        let _ = black_box(run(black_box(&[]), black_box(&[]), black_box(ImageSize::square(0))));
    }
}

#[inline(never)]
fn run(bytes: &[u8], rows: &[u8], size: ImageSize) -> Option<usize> {
    let mut memory = [0; memory_len(MAX_WIDTH)];
    let len = lcl_infer::blob_len(bytes).ok()?;
    let blob = Blob::open(bytes.get(..len)?).ok()?;
    self_test(&blob, &mut memory).ok()?;
    let mut frontend = Frontend::new(&blob, size, &mut memory).ok()?;
    let mut seen = 0_usize;
    for row in rows.split(|&byte| byte == 0) {
        if frontend.push_row(row, |features| seen ^= features.values.len()).is_err() {
            frontend.reset();
        }
    }
    Some(seen)
}
