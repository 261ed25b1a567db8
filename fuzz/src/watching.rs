//! Watching maps of any size, and reading any bytes as events.

use arbitrary::{Arbitrary, Unstructured};
use lcl_infer::{
    CellGrid, Departure, FeatureRow, ImageSize, NOVEL_CHANNELS, Novelty, V2, WatchError,
    WatchSettings, Watcher, watcher_memory_len,
};
use lcl_infer_suite::Random;

use crate::aligned::Aligned;

/// Most features of one map that is watched.
const MAX_FEATURES: usize = 1 << 13;

/// Calls of a script.
const STEPS: usize = 24;

/// What is done with a watcher.
#[derive(Arbitrary, Debug)]
struct Script {
    /// Of each two bits: as the next number says, small, or as large as may be.
    sizes: u8,
    width: u16,
    height: u16,
    channels: u16,
    threshold: u16,
    adaptation_shift: u8,
    warm_up: u32,
    /// Bytes from an aligned address to the memory.
    offset: u8,
    seed: u32,
    steps: [u8; STEPS],
}

impl Script {
    fn map(&self) -> (ImageSize, usize) {
        let size = |shift: u8, number: u16, least: usize| match (self.sizes >> shift) & 3 {
            0 => number.into(),
            1 => usize::from(number % 8) + 1,
            2 => 4090 + usize::from(number % 16),
            _ => usize::MAX - usize::from(number % 4) * least,
        };
        let map = ImageSize { width: size(0, self.width, 1), height: size(2, self.height, 1) };
        (map, size(4, self.channels, 1000))
    }
}

/// Reads `data` as events, and watches maps as it says.
///
/// # Panics
///
/// Panics where lcl-infer breaks a promise.
pub fn watch(data: &[u8]) {
    parse(data);
    let mut input = Unstructured::new(data);
    let Ok(script) = Script::arbitrary(&mut input) else {
        return;
    };
    write(&script);
    let (map, channels) = script.map();
    let settings = WatchSettings {
        threshold: script.threshold,
        adaptation_shift: script.adaptation_shift,
        warm_up: script.warm_up,
    };
    let len = watcher_memory_len(map, channels);
    let refused = Watcher::new(map, channels, settings, &mut []);
    assert!(!refused.expect_err("it takes memory").to_string().is_empty());
    if len == usize::MAX {
        assert!(matches!(
            Watcher::new(map, channels, WatchSettings::default(), &mut []),
            Err(WatchError::Map { .. })
        ));
        return;
    }
    if map.width * map.height > MAX_FEATURES / channels {
        return;
    }
    run(&script, map, channels, settings, len);
}

fn run(script: &Script, map: ImageSize, channels: usize, settings: WatchSettings, len: usize) {
    let mut random = Random::new(script.seed.into());
    let rubbish: Vec<u8> = (0..len).map(|_| random.byte()).collect();
    let mut memory = Aligned::copy_off(&rubbish, script.offset.into());
    let short = Watcher::new(map, channels, settings, &mut memory.as_mut_slice()[1..]);
    assert!(short.is_err());
    let Ok(mut watcher) = Watcher::new(map, channels, settings, memory.as_mut_slice()) else {
        let valid = settings.threshold > 0 && settings.adaptation_shift <= 7;
        assert!(!valid || settings.warm_up < 2, "{settings:?}");
        return;
    };
    let (mut y, mut frames) = (0, 0);
    for step in script.steps {
        match step & 7 {
            0..=4 => {
                // Rows up to the end of the frame, which may be still, dark or
                // as bright as can be.
                let noise = [0, 1, 15, 255][usize::from(step >> 3) % 4];
                let base = if step & 64 == 0 { 0 } else { 255 - noise };
                for row in y..map.height {
                    let len = map.width * channels;
                    let values: Vec<u8> =
                        (0..len).map(|_| base + (random.byte() & noise)).collect();
                    let row = row_of(row, &values);
                    watcher.push(&row).expect("the next row");
                }
                let novelty = watcher.finish().expect("every row has arrived");
                said(&novelty, watcher.grid(), channels, settings, frames);
                (y, frames) = (0, frames + 1);
                assert_eq!(watcher.frames(), frames);
            }
            5 => {
                watcher.reset();
                y = 0;
            }
            6 => {
                let values = vec![step; map.width * channels];
                let row = row_of(y, &values);
                assert_eq!(watcher.push(&row).is_ok(), y < map.height);
                y = map.height.min(y + 1);
                assert_eq!(watcher.finish().is_ok(), y == map.height);
                if y == map.height {
                    (y, frames) = (0, frames + 1);
                }
            }
            _ => {
                let values = vec![step; (map.width * channels).saturating_sub(1)];
                let at = if step & 8 == 0 { y } else { y.wrapping_sub(1) };
                let refused = watcher.push(&row_of(at, &values));
                assert!(!refused.expect_err("no such row").to_string().is_empty());
            }
        }
    }
}

/// A row of V2.
fn row_of(y: usize, values: &[u8]) -> FeatureRow<'_> {
    FeatureRow { tap: V2, y, width: values.len(), channels: 1, values }
}

/// Holds what is said of a frame against what may be said.
fn said(novelty: &Novelty, grid: CellGrid, channels: usize, settings: WatchSettings, frame: u32) {
    assert_eq!(novelty.frame, frame);
    assert!(usize::from(novelty.x) < grid.columns() && usize::from(novelty.y) < grid.rows());
    assert!(usize::from(novelty.cells) <= grid.cells());
    let may_speak = frame >= settings.warm_up && novelty.score >= settings.threshold;
    assert_eq!(novelty.is_event(), may_speak, "{novelty:?}, {settings:?}");
    for departure in novelty.channels {
        assert!(usize::from(departure.channel) < channels, "{novelty:?}");
        assert!((-255..=255).contains(&departure.change), "{novelty:?}");
    }
    round_trip(novelty);
}

fn round_trip(novelty: &Novelty) {
    let mut bytes = [0x55; Novelty::MAX_LEN + 1];
    let len = novelty.emit(&mut bytes).expect("MAX_LEN is enough");
    assert!(len <= Novelty::MAX_LEN);
    assert_eq!(novelty.emit(&mut vec![0; len - 1]), None);
    assert_eq!(Novelty::parse(&bytes[..len]), Some((*novelty, &[][..])));
    assert_eq!(Novelty::parse(&bytes).map(|(_, rest)| rest.len()), Some(bytes.len() - len));
    assert_eq!(Novelty::parse(&bytes[..len - 1]), None);
}

/// Reads any bytes as one event after another.
fn parse(mut data: &[u8]) {
    while let Some((novelty, rest)) = Novelty::parse(data) {
        assert!(rest.len() < data.len(), "an event has bytes");
        round_trip(&novelty);
        data = rest;
    }
}

/// Writes an event of any numbers.
fn write(script: &Script) {
    let mut random = Random::new(script.seed.into());
    let mut word = || u16::from_le_bytes([random.byte(), random.byte()]);
    let channels = [(); NOVEL_CHANNELS]
        .map(|()| Departure { channel: word(), change: i16::from_ne_bytes(word().to_ne_bytes()) });
    round_trip(&Novelty {
        frame: script.warm_up,
        score: script.threshold,
        x: script.sizes,
        y: script.offset,
        cells: script.width,
        channels,
    });
}

/// Returns the bytes that [`watch`] starts from: scenes that stay and change.
#[must_use]
pub fn watching_seed(index: u8) -> Vec<u8> {
    let small = index % 4 != 3;
    let sizes = if small { 0b01_01_01 } else { 0b01_01_10 };
    let settings = [0, 1, index % 8, 2, 0, 0, 0];
    let numbers = [sizes, index, 0, index / 3, 0, index / 2, 0];
    let scene: [u8; STEPS] = core::array::from_fn(|step| match step % 8 {
        0..=4 => 8 * (index % 3),
        5 => 24,
        6 => 5 + index % 3,
        _ => 64,
    });
    [&numbers[..], &settings, &[index, 1, 0, 0, 0], &scene].concat()
}
