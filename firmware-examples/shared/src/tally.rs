//! Sums of ticks, one for each operation of the first convolution with its pool
//! and of the layers behind them.
//!
//! Kernels are plain functions, so the sums that their wrappers add to are
//! statics. One program runs at a time and no interrupt measures.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use lcl_infer::kernels::{
    ConvKernels, Kernels, PoolKernels, PoolStep, RowWindow, active, portable,
};
use lcl_infer::parameters::Conv2d;
use lcl_infer::toom::ToomConv2d;

use crate::{Meter, Ratio};

/// Operations, in the order of [`OPS`].
#[derive(Clone, Copy)]
enum Op {
    Conv2d,
    MaxRows,
    MaxBlur,
    BlurMax,
    Max,
}

/// Names of the operations.
pub(crate) const OPS: [&str; 5] = ["conv2d", "max_rows", "max_blur", "blur_max", "max"];

/// Parts of the chain that are told apart.
pub(crate) const STAGES: usize = 2;

/// What one operation of one part has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// What the [`Meter`] counts.
    pub(crate) units: u64,
    /// Multiply-accumulates.
    pub(crate) macs: u64,
    /// Calls of the kernel.
    pub(crate) calls: u32,
}

struct Counter {
    low: AtomicU32,
    high: AtomicU32,
}

impl Counter {
    const fn new() -> Self {
        Self { low: AtomicU32::new(0), high: AtomicU32::new(0) }
    }

    fn add(&self, value: u32) {
        let (low, carry) = self.low.load(Relaxed).overflowing_add(value);
        self.low.store(low, Relaxed);
        self.high.store(self.high.load(Relaxed).wrapping_add(u32::from(carry)), Relaxed);
    }

    fn take(&self) -> u64 {
        let value = u64::from(self.high.load(Relaxed)) << 32 | u64::from(self.low.load(Relaxed));
        self.low.store(0, Relaxed);
        self.high.store(0, Relaxed);
        value
    }
}

struct Tally {
    ticks: Counter,
    macs: Counter,
    calls: AtomicU32,
}

static TALLIES: [[Tally; OPS.len()]; STAGES] = [const {
    [const { Tally { ticks: Counter::new(), macs: Counter::new(), calls: AtomicU32::new(0) } };
        OPS.len()]
}; STAGES];

/// Bytes of one row of the first convolution: other rows are of layers behind.
static FIRST_ROW_LEN: AtomicU32 = AtomicU32::new(0);

/// Says how many bytes one row of the first convolution has.
pub(crate) fn set_first_row_len(len: usize) {
    FIRST_ROW_LEN.store(u32::try_from(len).unwrap_or(u32::MAX), Relaxed);
}

/// Returns the costs `[part][operation]` since the last call.
///
/// `empty` is the number of ticks that a window with nothing in it shows.
pub(crate) fn take(ratio: Ratio, empty: u32) -> [[Cost; OPS.len()]; STAGES] {
    let cost = |tally: &Tally| {
        // Not `swap`, which cores without atomic instructions lack.
        let calls = tally.calls.load(Relaxed);
        tally.calls.store(0, Relaxed);
        let ticks = tally.ticks.take().saturating_sub(u64::from(empty) * u64::from(calls));
        Cost { units: ratio.divide(ticks), macs: tally.macs.take(), calls }
    };
    TALLIES.each_ref().map(|stage| stage.each_ref().map(cost))
}

/// Returns the machine's kernels, each wrapped in a measurement.
pub(crate) fn measured<M: Meter>() -> &'static Kernels {
    const {
        &Kernels {
            name: "measured",
            conv: ConvKernels { conv2d_row: conv2d_row::<M>, toom_row: toom_row::<M> },
            pool: PoolKernels {
                max_rows: max_rows::<M>,
                max_blur_row: max_blur_row::<M>,
                blur_max_row: blur_max_row::<M>,
                max_row: max_row::<M>,
            },
            window_pool: portable::KERNELS.window_pool,
            dense: portable::KERNELS.dense,
            readout: portable::KERNELS.readout,
        }
    }
}

fn measure<M: Meter>(op: Op, row_len: usize, macs: usize, kernel: impl FnOnce()) {
    let start = M::ticks();
    kernel();
    let ticks = M::ticks().wrapping_sub(start);
    let first = u32::try_from(row_len) == Ok(FIRST_ROW_LEN.load(Relaxed));
    let [conv1, behind] = &TALLIES;
    let stage = if first { conv1 } else { behind };
    if let Some(tally) = stage.get(op as usize) {
        tally.ticks.add(ticks);
        tally.macs.add(u32::try_from(macs).unwrap_or(u32::MAX));
        tally.calls.store(tally.calls.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

fn conv2d_row<M: Meter>(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let macs = out.len() * conv.geometry().taps();
    measure::<M>(Op::Conv2d, out.len(), macs, || {
        (active().conv.conv2d_row)(conv, window, out, scratch);
    });
}

fn toom_row<M: Meter>(
    conv: &ToomConv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    scratch: &mut [u8],
) {
    let macs = out.len() * conv.geometry().conv().taps();
    measure::<M>(Op::Conv2d, out.len(), macs, || {
        (active().conv.toom_row)(conv, window, out, scratch);
    });
}

fn max_rows<M: Meter>(row: &mut [u8], other: &[u8]) {
    measure::<M>(Op::MaxRows, other.len(), 0, || {
        (active().pool.max_rows)(row, other);
    });
}

fn max_blur_row<M: Meter>(row: &[u8], channels: usize, sum: &mut [u16], step: PoolStep<'_>) {
    measure::<M>(Op::MaxBlur, row.len(), 0, || {
        (active().pool.max_blur_row)(row, channels, sum, step);
    });
}

fn blur_max_row<M: Meter>(
    rows: [&[u8]; 3],
    channels: usize,
    largest: &mut [u16],
    step: PoolStep<'_>,
) {
    let [_, middle, _] = rows;
    measure::<M>(Op::BlurMax, middle.len(), 0, || {
        (active().pool.blur_max_row)(rows, channels, largest, step);
    });
}

fn max_row<M: Meter>(row: &[u8], channels: usize, largest: &mut [u16], step: PoolStep<'_>) {
    measure::<M>(Op::Max, row.len(), 0, || {
        (active().pool.max_row)(row, channels, largest, step);
    });
}
