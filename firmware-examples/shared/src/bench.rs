//! What each operation costs on this board.

use lcl_infer::kernels::active;
use lcl_infer::{Blob, Frontend, ImageSize, Kernels, LayerKind};

use crate::failure::refused;
use crate::features::{blob_bytes, open, row_of};
use crate::tally::{self, OPS};
use crate::{Board, Failure, Meter, ROW_BYTES, Ratio};

/// Sides of the square images that are measured, where the board takes them.
const SIDES: [usize; 3] = [48, 96, 224];

/// Largest denominator of two clocks that follow each other.
const MAX_DENOMINATOR: u32 = 1000;

/// Measures one generated image of each size: the whole with plain kernels,
/// then each operation with kernels that count.
///
/// Each line of the log that starts with `bench ` is one object of `cargo
/// xtask bench --json`, as `key=value`. Rows are made between the windows that
/// are measured. `other` is what remains of the total: rings, borders, calls.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn bench<B: Board + Meter>(board: &mut B, memory: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let ratio = B::calibrate();
    let start = B::ticks();
    let blob = open(board)?;
    let opening = B::ticks().wrapping_sub(start);
    let flash_bytes = B::flash_bytes() + blob_bytes(board)?.len();
    defmt::info!("opening it: {=u64} {=str}", ratio.divide(opening.into()), B::UNIT);
    defmt::info!(
        "{=u32} ticks are {=u32} {=str}, kernels: {=str}",
        ratio.numerator,
        ratio.denominator,
        B::UNIT,
        active().name
    );
    if ratio.denominator > MAX_DENOMINATOR {
        defmt::warn!("the counter does not follow {=str}: the figures are estimates", B::UNIT);
    }
    for side in SIDES.into_iter().filter(|&side| side <= B::MAX_WIDTH) {
        bench_size::<B>(&blob, ImageSize::square(side), memory, ratio, flash_bytes)?;
    }
    Ok(())
}

fn bench_size<B: Board + Meter>(
    blob: &Blob<'_>,
    size: ImageSize,
    memory: &mut [u8],
    ratio: Ratio,
    flash_bytes: usize,
) -> Result<(), Failure<B::Error>> {
    let empty = empty_window::<B>();
    // No more than is reported: transforms would take what there is.
    let ram_bytes = blob.memory_len(size.width);
    let memory = memory.get_mut(..ram_bytes).unwrap_or_default();
    let total = ratio.divide(run::<B>(blob, size, memory, active(), empty)?);

    if let Some(LayerKind::Conv(conv)) = blob.layers().next().map(|layer| layer.kind()) {
        tally::set_first_row_len(conv.out_side(size.width) * conv.out_c());
    }
    run::<B>(blob, size, memory, tally::measured::<B>(), empty)?;

    let (mut macs, mut within) = (0, 0);
    for (costs, stage) in tally::take(ratio, empty).iter().zip(1_u8..) {
        for (cost, op) in costs.iter().zip(OPS).filter(|(cost, _)| cost.calls > 0) {
            macs += cost.macs;
            within += cost.units;
            defmt::info!(
                "bench size={=usize} stage={=u8} op={=str} {=str}={=u64} macs={=u64}",
                size.width,
                stage,
                op,
                B::UNIT,
                cost.units,
                cost.macs
            );
        }
    }
    defmt::info!(
        "bench size={=usize} stage=0 op=other {=str}={=u64} macs=0",
        size.width,
        B::UNIT,
        total.saturating_sub(within)
    );
    defmt::info!(
        "bench size={=usize} stage=0 op=total {=str}={=u64} macs={=u64} ram_bytes={=usize} flash_bytes={=usize} stack_bytes={=usize}",
        size.width,
        B::UNIT,
        total,
        macs,
        ram_bytes,
        flash_bytes,
        B::stack_bytes()
    );
    Ok(())
}

/// Runs one generated image through and returns the ticks of all rows.
#[inline(never)]
fn run<B: Board + Meter>(
    blob: &Blob<'_>,
    size: ImageSize,
    memory: &mut [u8],
    kernels: &'static Kernels,
    empty: u32,
) -> Result<u64, Failure<B::Error>> {
    let mut frontend = Frontend::with_kernels(blob, size, memory, kernels).map_err(refused)?;
    let mut buffer = [0; ROW_BYTES];
    let row = row_of::<B>(&mut buffer, blob.input(), size)?;
    let mut noise = 1_u32;
    let mut ticks = 0;
    for _ in 0..size.height {
        for value in &mut *row {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [.., high] = noise.to_le_bytes();
            *value = high;
        }
        let start = B::ticks();
        let pushed = frontend.push_row_with(row, |_| {});
        let end = B::ticks();
        pushed.map_err(Failure::Row)?;
        ticks += u64::from(end.wrapping_sub(start).saturating_sub(empty));
    }
    Ok(ticks)
}

/// Returns the ticks that a window with nothing in it shows.
fn empty_window<B: Meter>() -> u32 {
    let start = B::ticks();
    B::ticks().wrapping_sub(start)
}
