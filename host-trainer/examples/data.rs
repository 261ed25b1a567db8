//! Measures how fast training's four views are made, on one core: from JPEGs of
//! 500×375 pixels, from a pack of their centres, and from centres in memory.
//!
//! `cargo xtask bench --data` runs it. A folder given to it keeps the JPEGs, for
//! another program to be timed on.

use std::{
    env,
    error::Error,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use host_trainer::{
    config::{InputConfig, ViewsConfig},
    data::{CENTRE_SIDE, Centres, ImageSet, Source, Synthetic, prepare},
    loader::{Order, Sample, ViewSource},
    views::ViewMaker,
};
use image::{RgbImage, imageops};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

/// Images, and how often all of them pass; the fastest pass counts.
const IMAGES: usize = 128;
const PASSES: u64 = 12;

/// Size and quality of the JPEGs.
const SIZE: (u16, u16) = (500, 375);
const QUALITY: u8 = 90;

fn main() -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let folder = tempfile::tempdir()?;
    let pack = folder.path().join("pack");
    let kept = env::args_os().nth(1).map(PathBuf::from);
    let images = kept.unwrap_or_else(|| folder.path().join("images"));
    fs::create_dir_all(&images)?;
    let bytes = (0..IMAGES as u64).map(|index| write_jpeg(&images, index));
    let bytes: u64 = bytes.sum::<Result<u64, _>>()?;
    let sources = [Source::Path(images)];
    prepare(&sources, CENTRE_SIDE, &pack, &|_| {})?;

    println!(
        "{IMAGES} JPEGs of {}x{} pixels, quality {QUALITY}, 4:2:0, {} kB each; fastest of {PASSES} \
         passes",
        SIZE.0,
        SIZE.1,
        bytes / IMAGES as u64 / 1000
    );
    println!("| source | images/s, one core |\n|---|---|");
    println!("| JPEG files | {:.0} |", images_per_second(&sources, 0)?);
    println!("| pack | {:.0} |", images_per_second(&[Source::Path(pack)], 0)?);
    println!("| memory | {:.0} |", images_per_second(&sources, usize::MAX)?);
    Ok(())
}

/// Writes a patchwork of six built-in images and returns its bytes' number.
fn write_jpeg(folder: &Path, index: u64) -> Result<u64, Box<dyn Error>> {
    let (width, height) = SIZE;
    let mut whole = RgbImage::new(u32::from(width), u32::from(height));
    for part in 0..6 {
        let patch = Synthetic { seed: 1, index: 6 * index + part }.render();
        let side = i64::from(patch.width());
        let [column, row] =
            [part % 3, part / 3].map(|place| i64::try_from(place).unwrap_or_default());
        imageops::replace(&mut whole, &patch, column * side, row * side);
    }
    let path = folder.join(format!("{index:04}.jpg"));
    let mut encoder = Encoder::new_file(&path, QUALITY)?;
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode(whole.as_raw(), width, height, ColorType::Rgb)?;
    Ok(fs::metadata(path)?.len())
}

/// Seconds that this program computed, so that others on the same core do not
/// count; seconds of the wall where the system does not tell.
struct Clock {
    wall: Instant,
    computed: Option<f64>,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), computed: computed_seconds() }
    }

    fn seconds(&self) -> f64 {
        match (self.computed, computed_seconds()) {
            (Some(start), Some(end)) if end > start => end - start,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// Returns the seconds that all threads together spent on a core.
fn computed_seconds() -> Option<f64> {
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let nanoseconds = tasks.map(|task| {
        let text = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    Some(nanoseconds.sum::<Option<f64>>()? / 1e9)
}

fn images_per_second(sources: &[Source], memory_bytes: usize) -> Result<f64, Box<dyn Error>> {
    let centres = Centres::new(ImageSet::open(sources)?, CENTRE_SIDE, memory_bytes)?;
    let maker = ViewMaker::new(ViewsConfig::default(), InputConfig::default());
    let source = ViewSource::new(Arc::new(centres), maker);
    let indices: Vec<usize> = (0..IMAGES).collect();
    let mut order = Order::new(&indices, 0);
    let mut best = 0.0_f64;
    for pass in 0..PASSES {
        let first = pass * IMAGES as u64;
        let samples: Vec<Sample> =
            (first..first + IMAGES as u64).map(|position| order.at(position)).collect();
        let started = Clock::start();
        black_box(source.training_batch(&samples, &order)?);
        best = best.max(IMAGES as f64 / started.seconds());
    }
    Ok(best)
}
