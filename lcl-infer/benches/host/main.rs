//! Times the kernels that this machine can run, and what its multipliers do at
//! most, all in one run: a line of words between tabs for each figure.
//!
//! `cargo xtask bench --host` builds it, runs it and prints a table.

use std::time::{Duration, Instant};

use lcl_infer::kernels::MAX_TILES;
use lcl_infer::{Blob, Frontend, ImageSize, Kernels, LCL_V2, V1, V2, kernels};

#[path = "../../tests/contract/model.rs"]
#[allow(dead_code, missing_docs, reason = "written for the tests")]
mod model;
mod peak;
mod timed;

/// Widths and heights of the images.
const SIZES: [usize; 2] = [96, 224];

/// How long each size is measured.
const BUDGET: Duration = Duration::from_secs(3);

/// Kernels that take longer than this run a few times only.
const SLOW: Duration = Duration::from_millis(20);

/// Rounds that every kernel runs in.
const ROUNDS: usize = 3;

fn main() {
    let [small, fast] = [model::Model::random(LCL_V2, 1), model::Model::random(LCL_V2, 1).fast(0)]
        .map(|mut model| model.blob());
    let layouts = [("", small.open()), (" fast", fast.open())];
    for size in SIZES {
        measure(&layouts, size);
    }
}

fn measure(layouts: &[(&str, Blob<'_>)], size: usize) {
    let image = model::Random(3).bytes(size * size * 3);
    let entries = kernels::available().flat_map(|kernels| {
        layouts.iter().map(move |(layout, blob)| Entry::new(kernels, layout, blob, size))
    });
    let mut entries: Vec<_> = entries.collect();
    let mut peaks = peak::all();
    let mut expected = None;
    let start = Instant::now();
    let mut round = 0;
    while round < ROUNDS || start.elapsed() < BUDGET {
        for entry in &mut entries {
            if round < ROUNDS || entry.frame < SLOW {
                entry.run(&image);
                let expected = expected.get_or_insert_with(|| entry.features.clone());
                assert_eq!(*expected, entry.features, "{} gives other bytes", entry.kernels.name);
            }
        }
        for peak in &mut peaks {
            peak.run();
        }
        round += 1;
    }
    for peak in peaks {
        let (name, gmacs) = (peak.name, peak.gmacs_per_second());
        println!("peak\t{size}\t{name}\t{gmacs:.1}");
    }
    for entry in &entries {
        entry.print();
    }
}

/// One table of kernels and the least time of each part of a frame.
struct Entry<'a> {
    kernels: &'static Kernels,
    /// Behind the name of the kernels.
    layout: &'a str,
    blob: &'a Blob<'a>,
    size: usize,
    memory: Vec<u8>,
    features: [Vec<u8>; 2],
    frame: Duration,
    operations: [Duration; timed::OPERATIONS.len()],
}

impl<'a> Entry<'a> {
    fn new(kernels: &'static Kernels, layout: &'a str, blob: &'a Blob<'a>, size: usize) -> Self {
        Self {
            kernels,
            layout,
            blob,
            size,
            memory: vec![0; blob.memory_len_with(size, MAX_TILES)],
            features: [const { Vec::new() }; 2],
            frame: Duration::MAX,
            operations: [Duration::MAX; timed::OPERATIONS.len()],
        }
    }

    /// Runs the frame a few times as it is, and once with a clock around each
    /// operation.
    fn run(&mut self, image: &[u8]) {
        let size = ImageSize::square(self.size);
        timed::wrap(self.kernels);
        for (kernels, repeats) in [(&timed::KERNELS, 1), (self.kernels, 4)] {
            let frontend = Frontend::with_kernels(self.blob, size, &mut self.memory, kernels);
            let mut frontend = frontend.expect("the memory is as long as it asks for");
            self.features = [V1, V2].map(|tap| vec![0; frontend.features_len(tap)]);
            for _ in 0..repeats {
                let start = Instant::now();
                let run = frontend.run_frame(image, |row| {
                    row.copy_to(&mut self.features[usize::from(row.tap == V2)]);
                });
                run.expect("the lengths are right");
                self.frame = self.frame.min(start.elapsed());
            }
        }
        for (best, spent) in self.operations.iter_mut().zip(timed::spent()) {
            *best = (*best).min(spent);
        }
    }

    fn print(&self) {
        let (v1, _) = LCL_V2.map_of(V1, self.size).expect("LCL-V2 has V1");
        let sizes = [self.size, v1].map(ImageSize::square);
        let macs = LCL_V2.convolutions().zip(sizes).map(|(conv, size)| conv.macs(size));
        let [conv1, conv2] = macs.collect::<Vec<_>>()[..] else { panic!("two convolutions") };
        let macs = [conv1, 0, conv2, 0, conv1 + conv2];
        let operations = timed::OPERATIONS.iter().zip(self.operations);
        let lines = operations.chain([(&"total", self.frame)]).zip(macs);
        for ((operation, time), macs) in lines {
            let (size, name, layout) = (self.size, self.kernels.name, self.layout);
            println!(
                "time\t{size}\t{name}{layout}\t{operation}\t{:.4}\t{macs}",
                time.as_secs_f64() * 1e3
            );
        }
    }
}
