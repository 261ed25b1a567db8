//! Waiting, by the core's counter of cycles.

use core::hint;

use embedded_hal::delay::DelayNs;

use crate::arch;

/// Waits while the core, whose clock has `HZ` hertz, counts its cycles.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delay<const HZ: u32>;

impl<const HZ: u32> DelayNs for Delay<HZ> {
    fn delay_ns(&mut self, ns: u32) {
        const NS_PER_US: u32 = 1000;
        self.delay_us(ns.div_ceil(NS_PER_US));
    }

    fn delay_us(&mut self, us: u32) {
        const US_PER_S: u32 = 1_000_000;
        let cycles = u64::from(us) * u64::from(HZ.div_ceil(US_PER_S));
        let (mut last, mut passed) = (arch::cycles(), 0);
        while passed < cycles {
            hint::spin_loop();
            let now = arch::cycles();
            passed += u64::from(now.wrapping_sub(last));
            last = now;
        }
    }

    fn delay_ms(&mut self, ms: u32) {
        const US_PER_MS: u32 = 1000;
        for _ in 0..ms {
            self.delay_us(US_PER_MS);
        }
    }
}
