//! Watches maps of any size with rows that need not belong to them.

use core::hint::black_box;

use lcl_infer::{
    FeatureRow, ImageSize, Novelty, V1, V2, WatchSettings, Watcher, watcher_memory_len,
};

use crate::errors;

#[inline(never)]
pub fn run(bytes: &[u8], numbers: [usize; 8]) -> Option<usize> {
    let [width, height, channels, threshold, adaptation_shift, warm_up, y, _] = numbers;
    let map = ImageSize { width, height };
    let settings = WatchSettings {
        threshold: u16::try_from(threshold).ok()?,
        adaptation_shift: u8::try_from(adaptation_shift).ok()?,
        warm_up: u32::try_from(warm_up).ok()?,
    };
    let settings = if black_box(false) { WatchSettings::default() } else { settings };
    let mut memory = [0; watcher_memory_len(ImageSize::square(3), 64)];
    let mut watcher =
        Watcher::new(map, channels, settings, &mut memory).map_err(errors::show).ok()?;
    // It may have seen any number of frames: the first two have no score.
    let watcher = black_box(&mut watcher);
    let tap = if black_box(false) { V1 } else { V2 };
    for values in bytes.split(|&byte| byte == 0) {
        let y = y ^ black_box(0);
        let row = FeatureRow { tap, y, width, channels, values };
        if watcher.push(&row).map_err(errors::show).is_err() {
            watcher.reset();
        }
    }
    let novelty = watcher.finish().map_err(errors::show).ok()?;
    let mut event = [0; Novelty::MAX_LEN];
    let novelty = black_box(novelty);
    let len = novelty.emit(event.get_mut(..len_of(watcher))?)?;
    let (parsed, rest) = Novelty::parse(bytes)?;
    black_box((
        parsed,
        novelty.is_event(),
        watcher.frames(),
        &event,
        watcher_memory_len(map, channels),
    ));
    Some(len ^ rest.len())
}

fn len_of(watcher: &Watcher<'_>) -> usize {
    let grid = watcher.grid();
    grid.cell_side() ^ grid.columns() ^ grid.rows() ^ grid.cells()
}
