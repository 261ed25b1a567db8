//! What real boards share: images in and features out over a link to the host,
//! the log, the exit status and the cycle counter.
//!
//! A board states its clock and starts it in [`Machine::start`], and its camera
//! in [`Machine::camera`]; everything else is here. Start with [`Machine`], and [`program!`], which is all of a
//! board's binaries. The bytes of the link are described in
//! [`shared::Stream`].
#![no_std]

mod arch;
mod delay;
mod error;
mod machine;
mod ring;
mod stop;

pub use arch::*;
pub use delay::Delay;
pub use error::Error;
pub use machine::{Machine, Physical, run};
pub use ring::Ring;
pub use sensor::{Camera, CameraError, NoCamera};

#[doc(hidden)]
pub mod macro_support {
    pub use shared::memory_len;
    pub use static_cell::ConstStaticCell;
}

/// Makes a binary of a program: `program!(machine, program)`, or
/// `program!(machine, program, memory_len)` where it needs more memory than the
/// front-end, as many bytes as that function returns for a width.
///
/// All memory is one static, so that a board whose RAM is too small for its
/// widest image does not link.
#[macro_export]
macro_rules! program {
    ($machine:ty, $program:path) => {
        $crate::program!($machine, $program, $crate::macro_support::memory_len);
    };
    ($machine:ty, $program:path, $memory_len:path) => {
        #[$crate::entry]
        fn main() -> ! {
            use $crate::macro_support::ConstStaticCell;

            const LEN: usize = $memory_len(<$machine as $crate::Machine>::MAX_WIDTH);

            #[repr(align(16))]
            struct Memory([u8; LEN]);

            static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory([0; LEN]));

            let Memory(memory) = MEMORY.take();
            $crate::run::<$machine>(memory, $program)
        }
    };
}
