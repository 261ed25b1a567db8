//! A watcher against its documented formula, computed plainly on whole maps, and
//! what it says of scenes.

use lcl_infer::{
    CellGrid, Departure, FeatureRow, ImageSize, Name, Novelty, V1, V2, WatchError, WatchSettings,
    Watcher, watcher_memory_len,
};

use crate::model::Random;

/// A row of one channel.
fn row_of(tap: Name, y: usize, values: &[u8]) -> FeatureRow<'_> {
    FeatureRow { tap, y, width: values.len(), channels: 1, values }
}

/// `256 · (a / b)` rounded half up is `divide(256 · a, b)`.
fn divide(a: i64, b: i64) -> i64 {
    (2 * a + b).div_euclid(2 * b)
}

/// The formula of [`Watcher`], cell by cell.
struct Plain {
    map: ImageSize,
    channels: usize,
    settings: WatchSettings,
    means: Vec<Vec<i64>>,
    usual: Vec<i64>,
    frame: u32,
    floor: i64,
}

impl Plain {
    fn new(map: ImageSize, channels: usize, settings: WatchSettings) -> Self {
        let cells = CellGrid::new(map).cells();
        let means = vec![vec![0; channels]; cells];
        Self { map, channels, settings, means, usual: vec![0; cells], frame: 0, floor: 0 }
    }

    /// The value of each channel of a cell in 1/256.
    fn values(&self, map: &[u8], cell: (usize, usize)) -> Vec<i64> {
        let (side, channels) = (CellGrid::new(self.map).cell_side(), self.channels);
        let (mut sums, mut locations) = (vec![0; channels], 0);
        for y in cell.1 * side..self.map.height.min((cell.1 + 1) * side) {
            for x in cell.0 * side..self.map.width.min((cell.0 + 1) * side) {
                locations += 1;
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum += 256 * i64::from(map[(y * self.map.width + x) * channels + c]);
                }
            }
        }
        sums.into_iter().map(|sum| divide(sum, locations)).collect()
    }

    fn frame(&mut self, map: &[u8]) -> Novelty {
        let grid = CellGrid::new(self.map);
        let slowest = u32::from(self.settings.adaptation_shift);
        let shift = |seen: u32| seen.max(1).ilog2().min(slowest);
        let (mean_shift, usual_shift) = (shift(self.frame + 1), shift(self.frame));
        let mut said = Novelty { frame: self.frame, ..Novelty::default() };
        for cell in 0..grid.cells() {
            let (x, y) = (cell % grid.columns(), cell / grid.columns());
            let values = self.values(map, (x, y));
            let departures: Vec<i64> =
                values.iter().zip(&self.means[cell]).map(|(value, mean)| value - mean).collect();
            let distance: i64 = departures.iter().map(|departure| departure.abs()).sum();
            if self.frame >= 2 {
                let usual = self.usual[cell].max(self.floor).max(1);
                let score = u16::try_from(256 * distance / usual).unwrap_or(u16::MAX);
                let novel = self.frame >= self.settings.warm_up && score >= self.settings.threshold;
                said.cells += u16::from(novel);
                if score > said.score {
                    let mut order: Vec<usize> = (0..self.channels).collect();
                    order.sort_by_key(|&c| -departures[c].abs());
                    order.retain(|&c| departures[c] != 0);
                    let departure = |&c: &usize| Departure {
                        channel: u16::try_from(c).expect("few"),
                        change: i16::try_from(divide(departures[c], 256)).expect("a byte"),
                    };
                    let mut largest = order.iter().map(departure).take(3).collect::<Vec<_>>();
                    largest.resize(3, Departure::default());
                    said.score = score;
                    said.x = u8::try_from(x).expect("few");
                    said.y = u8::try_from(y).expect("few");
                    said.channels = [largest[0], largest[1], largest[2]];
                }
            }
            let towards =
                |mean: i64, value: i64, shift| mean + divide(value - mean, 1_i64 << shift);
            self.usual[cell] = towards(self.usual[cell], distance, usual_shift);
            for (mean, value) in self.means[cell].iter_mut().zip(values) {
                *mean = towards(*mean, value, mean_shift);
            }
        }
        let held: i64 = self.means.iter().flatten().sum();
        self.floor = held / i64::try_from(grid.cells()).expect("few") / 32;
        self.frame += 1;
        said
    }
}

/// Runs one frame through a watcher.
#[track_caller]
fn watch(watcher: &mut Watcher<'_>, map: &[u8], row_len: usize) -> Novelty {
    push(watcher, map, row_len);
    watcher.finish().expect("every row has arrived")
}

#[track_caller]
fn push(watcher: &mut Watcher<'_>, rows: &[u8], row_len: usize) {
    for (y, values) in rows.chunks_exact(row_len).enumerate() {
        watcher.push(&row_of(V1, 9, values)).expect("V1 is passed over");
        watcher.push(&row_of(V2, y, values)).expect("the next row");
    }
}

/// A scene of random values that each frame adds a little noise to.
struct Scene {
    base: Vec<u8>,
    random: Random,
}

impl Scene {
    fn new(len: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        Self { base: random.bytes(len), random }
    }

    fn frame(&mut self) -> Vec<u8> {
        let noise = self.random.bytes(self.base.len());
        self.base.iter().zip(noise).map(|(base, noise)| base.saturating_add(noise / 32)).collect()
    }
}

#[test]
fn every_frame_is_said_as_the_formula_says() {
    // The last have as many cells in a row and in a column as there may be.
    let maps = [
        (6, 6, 12),
        (14, 14, 5),
        (9, 20, 4),
        (1, 1, 2),
        (17, 3, 1),
        (130, 2, 3),
        (4096, 1, 1),
        (1, 4081, 1),
    ];
    let settings = [(1, 0, 2), (400, 4, 3), (768, 7, 4), (u16::MAX, 2, 5)];
    for ((width, height, channels), seed) in maps.into_iter().zip(1..) {
        for (threshold, adaptation_shift, warm_up) in settings {
            let map = ImageSize { width, height };
            let settings = WatchSettings { threshold, adaptation_shift, warm_up };
            let mut memory = Random(3).bytes(watcher_memory_len(map, channels));
            let mut watcher =
                Watcher::new(map, channels, settings, &mut memory).expect("it watches");
            let mut plain = Plain::new(map, channels, settings);
            let mut scene = Scene::new(width * height * channels, seed);
            for frame in 0..40 {
                if frame % 11 == 10 {
                    let other = Scene::new(scene.base.len(), seed + frame);
                    let from = scene.base.len() / 2;
                    scene.base[from..].copy_from_slice(&other.base[from..]);
                }
                let bytes = if frame == 25 { vec![0; scene.base.len()] } else { scene.frame() };
                let said = watch(&mut watcher, &bytes, width * channels);
                assert_eq!(said, plain.frame(&bytes), "{map:?}, {settings:?}, frame {frame}");
            }
            assert_eq!(watcher.frames(), 40);
        }
    }
}

const MAP: ImageSize = ImageSize::square(6);
const CHANNELS: usize = 16;
const ROW_LEN: usize = MAP.width * CHANNELS;

fn with_watcher(check: impl FnOnce(&mut Watcher<'_>, &mut Scene)) {
    let mut memory = vec![0; watcher_memory_len(MAP, CHANNELS)];
    let settings = WatchSettings::default();
    let mut watcher = Watcher::new(MAP, CHANNELS, settings, &mut memory).expect("it watches");
    check(&mut watcher, &mut Scene::new(ROW_LEN * MAP.height, 8));
}

#[test]
fn what_stays_is_silent_and_what_is_new_speaks_then_habituates() {
    with_watcher(|watcher, scene| {
        for _ in 0..60 {
            let said = watch(watcher, &scene.frame(), ROW_LEN);
            assert!(!said.is_event(), "{said:?}");
        }
        let cell = (4 * MAP.width + 2) * CHANNELS;
        for value in &mut scene.base[cell..cell + CHANNELS] {
            *value = 255 - *value;
        }
        let said = watch(watcher, &scene.frame(), ROW_LEN);
        assert!(said.is_event() && (said.x, said.y, said.cells) == (2, 4, 1), "{said:?}");
        let largest = scene.base[cell..].iter().take(CHANNELS).map(|&v| v.abs_diff(128)).max();
        let named = usize::from(said.channels[0].channel);
        assert!(scene.base[cell + named].abs_diff(128) + 8 >= largest.expect("some"), "{said:?}");
        let last = (0..60).map(|_| watch(watcher, &scene.frame(), ROW_LEN)).last();
        assert!(!last.expect("60 frames").is_event(), "{last:?}");
    });
}

#[test]
fn nothing_is_novel_while_it_warms_up() {
    with_watcher(|watcher, _| {
        for frame in 0..4_u8 {
            let said = watch(watcher, &vec![frame * 80; ROW_LEN * MAP.height], ROW_LEN);
            assert!(!said.is_event() && said.frame == frame.into(), "{said:?}");
        }
        let said = watch(watcher, &vec![0; ROW_LEN * MAP.height], ROW_LEN);
        assert_eq!((said.frame, said.channels[0].channel), (4, 0));
    });
}

#[test]
fn frame_given_up_is_neither_counted_nor_said() {
    with_watcher(|watcher, scene| {
        for _ in 0..20 {
            watch(watcher, &scene.frame(), ROW_LEN);
        }
        push(watcher, &vec![255; 4 * ROW_LEN], ROW_LEN);
        watcher.reset();
        let said = watch(watcher, &scene.frame(), ROW_LEN);
        assert!(!said.is_event() && said.frame == 20, "{said:?}");
    });
}

#[test]
fn rows_that_do_not_belong_are_refused_and_change_nothing() {
    with_watcher(|watcher, scene| {
        let frame = scene.frame();
        let values = &frame[..ROW_LEN];
        let row = |y, values| row_of(V2, y, values);
        assert_eq!(watcher.finish(), Err(WatchError::FrameIncomplete { height: 6, arrived: 0 }));
        assert_eq!(
            watcher.push(&row(1, values)),
            Err(WatchError::Row { height: 6, expected: 0, got: 1 })
        );
        assert_eq!(
            watcher.push(&row(0, &values[1..])),
            Err(WatchError::Length { expected: ROW_LEN, got: ROW_LEN - 1 })
        );
        push(watcher, &frame, ROW_LEN);
        let error = watcher.push(&row(6, values)).expect_err("a row too many");
        assert!(error.to_string().contains("finish()"), "{error}");
        assert!(watcher.finish().is_ok());
    });
}

#[test]
fn what_cannot_be_watched_is_refused() {
    let settings = WatchSettings::default();
    let len = watcher_memory_len(MAP, CHANNELS);
    let mut memory = vec![0; len];
    let error = Watcher::new(MAP, CHANNELS, settings, &mut memory[1..]).expect_err("too small");
    assert_eq!(error, WatchError::Memory { expected: len, got: len - 1 });
    for settings in [
        WatchSettings { threshold: 0, ..settings },
        WatchSettings { adaptation_shift: 8, ..settings },
        WatchSettings { warm_up: 1, ..settings },
    ] {
        let error = Watcher::new(MAP, CHANNELS, settings, &mut memory).expect_err("no such");
        assert_eq!(error, WatchError::Settings { got: settings });
    }
    let large = [(8192, 1), (4097, 1), (1, 4097), (1, usize::MAX), (usize::MAX, usize::MAX)];
    let large = large.map(|(width, height)| (ImageSize { width, height }, 1));
    let other = [(ImageSize::square(0), 3), (MAP, 0), (MAP, 1025), (MAP, usize::MAX)];
    for (map, channels) in large.into_iter().chain(other) {
        assert_eq!(watcher_memory_len(map, channels), usize::MAX);
        let error = Watcher::new(map, channels, settings, &mut memory).expect_err("no such map");
        assert_eq!(error, WatchError::Map { got: map, channels });
    }
}

/// Cells are named by their column and row, to the last.
#[test]
fn last_cell_of_the_widest_map_is_named() {
    let map = ImageSize { width: 4096, height: 1 };
    let mut memory = vec![0; watcher_memory_len(map, 1)];
    let settings = WatchSettings::default();
    let mut watcher = Watcher::new(map, 1, settings, &mut memory).expect("it watches");
    let mut frame = vec![9; map.width];
    for _ in 0..8 {
        assert!(!watch(&mut watcher, &frame, map.width).is_event());
    }
    frame[4095] = 255;
    let said = watch(&mut watcher, &frame, map.width);
    assert_eq!((said.x, said.y, said.cells), (255, 0, 1));
}

#[test]
fn memory_is_what_the_documentation_says() {
    let of = |side| watcher_memory_len(ImageSize::square(side), 192);
    assert_eq!([3, 6, 14].map(of), [4671, 16_287, 21_727]);
}
