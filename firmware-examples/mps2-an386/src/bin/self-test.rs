//! Runs [`shared::self_test`] on this board.
#![no_std]
#![no_main]

#[cortex_m_rt::entry]
fn main() -> ! {
    mps2_an386::run(shared::self_test)
}
