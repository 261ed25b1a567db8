//! Kernels with a clock around each operation of another table.

use std::cell::Cell;
use std::time::{Duration, Instant};

use lcl_infer::LCL_V2;
use lcl_infer::kernels::{self, ConvKernels, Kernels, PoolKernels};

/// Names of the layers, which are timed.
pub const OPERATIONS: [&str; 4] = ["conv1", "pool1", "conv2", "pool2"];

type Times = [Duration; OPERATIONS.len()];

const NONE: Times = [Duration::ZERO; OPERATIONS.len()];

thread_local! {
    static WRAPPED: Cell<&'static Kernels> = const { Cell::new(&kernels::portable::KERNELS) };
    static SPENT: Cell<Times> = const { Cell::new(NONE) };
    static UNASSIGNED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The kernels that [`wrap`] was given, timed.
pub static KERNELS: Kernels = Kernels {
    name: "timed",
    conv: ConvKernels {
        conv2d_row: |conv, window, out, scratch| {
            let spent = clocked(|inner| (inner.conv.conv2d_row)(conv, window, out, scratch));
            add("conv", conv.geometry().out_c(), spent);
        },
        toom_row: |conv, window, out, scratch| {
            let spent = clocked(|inner| (inner.conv.toom_row)(conv, window, out, scratch));
            add("conv", conv.geometry().conv().out_c(), spent);
        },
    },
    pool: PoolKernels {
        // Its layer is that of the call which follows.
        max_rows: |row, other| {
            let spent = clocked(|inner| (inner.pool.max_rows)(row, other));
            UNASSIGNED.set(UNASSIGNED.get() + spent);
        },
        max_blur_row: |row, channels, sum, step| {
            let spent = clocked(|inner| (inner.pool.max_blur_row)(row, channels, sum, step));
            add("pool", channels, spent + UNASSIGNED.take());
        },
        blur_max_row: |rows, channels, largest, step| {
            let spent = clocked(|inner| (inner.pool.blur_max_row)(rows, channels, largest, step));
            add("pool", channels, spent);
        },
        max_row: |row, channels, largest, step| {
            let spent = clocked(|inner| (inner.pool.max_row)(row, channels, largest, step));
            add("pool", channels, spent);
        },
    },
    ..kernels::portable::KERNELS
};

/// Sets the kernels that are timed.
pub fn wrap(kernels: &'static Kernels) {
    WRAPPED.set(kernels);
    SPENT.set(NONE);
}

/// Returns the time spent in each of the [`OPERATIONS`].
pub fn spent() -> Times {
    SPENT.get()
}

fn clocked(call: impl FnOnce(&'static Kernels)) -> Duration {
    let start = Instant::now();
    call(WRAPPED.get());
    start.elapsed()
}

fn add(operation: &str, channels: usize, spent: Duration) {
    let first = LCL_V2.convolutions().next().is_some_and(|conv| conv.out_c() == channels);
    let mut times = SPENT.get();
    for (name, time) in OPERATIONS.iter().zip(&mut times) {
        if name.strip_prefix(operation) == Some(if first { "1" } else { "2" }) {
            *time += spent;
        }
    }
    SPENT.set(times);
}
