//! What emulated boards share: semihosting files, the log, the exit status and
//! the instruction counter.
//!
//! The emulator runs in a folder that has `frames.bin`; the program writes
//! `rows.bin` or `events.bin` there. Start with [`Machine`], which a board implements, and
//! [`program!`], which is all of its binaries.
#![no_std]

mod arch;
mod files;
mod machine;
mod stop;

// The log of every emulated board.
use defmt_semihosting as _;

pub use arch::*;
pub use files::FileError;
pub use machine::{Emulated, Machine, run};

#[doc(hidden)]
pub mod macro_support {
    pub use shared::memory_len;
    pub use static_cell::ConstStaticCell;
}

/// Makes a binary of a program: `program!(machine, program)`, or
/// `program!(machine, program, memory_len)` where it needs more memory than the
/// front-end, as many bytes as that function returns for a width.
///
/// All memory is one static, so that a machine whose RAM is too small for its
/// widest image does not link.
#[macro_export]
macro_rules! program {
    ($machine:ty, $program:path) => {
        $crate::program!($machine, $program, $crate::macro_support::memory_len);
    };
    ($machine:ty, $program:path, $memory_len:path) => {
        /// Runs the program.
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
