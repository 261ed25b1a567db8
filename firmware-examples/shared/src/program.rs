//! The binary of a program, on whichever board.

/// Makes a binary of a program: `program!(program)`, or `program!(program,
/// memory_len)` where it needs more memory than the front-end, as many bytes as
/// that function returns for a width.
///
/// The crate `board` is the library of the package that the binary belongs to: it
/// has `Board`, `entry` and `run`. All memory is one static, so that a board whose
/// RAM is too small for its widest image does not link.
#[macro_export]
macro_rules! program {
    ($program:path) => {
        $crate::program!($program, $crate::macro_support::memory_len);
    };
    ($program:path, $memory_len:path) => {
        /// Runs the program.
        #[::board::entry]
        fn main() -> ! {
            use $crate::macro_support::ConstStaticCell;

            const LEN: usize = $memory_len(<::board::Board as $crate::Board>::MAX_WIDTH);

            #[repr(align(16))]
            struct Memory([u8; LEN]);

            static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory([0; LEN]));

            let Memory(memory) = MEMORY.take();
            let program: $crate::Program<::board::Board> = $program;
            ::board::run(memory, program)
        }
    };
}
