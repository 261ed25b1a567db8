//! lcl-infer for C, behind `lcl_infer.h`.
//!
//! Every function checks what can be checked of its arguments and returns a
//! `lcl_status`; none panics, allocates, or keeps anything outside of the
//! memory that the caller hands over. The engine is that of
//! [`lcl_infer`](mod@lcl_infer): here are only pointers, codes and texts.
//!
//! The header is generated from this crate and compared by a test. Start with
//! [`model::lcl_model_open`].

#![no_std]
#![deny(missing_docs)]
#![allow(non_camel_case_types, reason = "the names are those of the header")]
#![allow(clippy::doc_markdown, reason = "the docs become those of the header")]
#![expect(unsafe_code, reason = "pointers of C")]

#[cfg(feature = "std")]
extern crate std;

pub mod engine;
pub mod marked;
pub mod model;
pub mod raw;
pub mod sizes;
pub mod status;
pub mod watcher;
pub mod why;

/// Ends a program that panics. No path through the library leads here: a check
/// looks for it in a linked program.
#[cfg(all(feature = "panic-handler", not(feature = "std")))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
