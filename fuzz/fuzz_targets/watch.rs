//! Watches maps of any size and reads any bytes as events.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lcl_infer_fuzz::watch(data));
