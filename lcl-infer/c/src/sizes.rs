//! Lengths of memory as constants: the macros of the header, held against the
//! code for every target that the library is built for.

use lcl_infer::{ImageSize, LCL_V2, V2, Watcher, memory_len, watcher_memory_len};

use crate::engine::Engine;
use crate::marked::Marked;

/// Bytes of `LCL_V2_MEMORY_LEN` for a width of 0.
pub const MEMORY_BASE: usize = 8192;

/// Bytes of `LCL_V2_MEMORY_LEN` for each pixel of a width, rounded up to a
/// multiple of 8.
pub const MEMORY_PER_PIXEL: usize = 245;

/// Bytes of `LCL_V2_WATCHER_MEMORY_LEN`.
pub const WATCHER_MEMORY: usize = 28_256;

/// Largest width that the macros are for.
pub const LARGEST_WIDTH: usize = 640;

const _: () = {
    let mut width = LCL_V2.min_image_side();
    while width <= LARGEST_WIDTH {
        let bound = MEMORY_BASE + MEMORY_PER_PIXEL * (width.div_ceil(8) * 8);
        assert!(memory_len(&LCL_V2, width) + Marked::<Engine>::LEN <= bound);
        let Some((side, channels)) = LCL_V2.map_of(V2, width) else { panic!("it has a V2") };
        let watcher = watcher_memory_len(ImageSize::square(side), channels);
        assert!(watcher + Marked::<Watcher<'static>>::LEN <= WATCHER_MEMORY);
        width += 1;
    }
};
