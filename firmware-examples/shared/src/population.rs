//! A population of neurons: the rates of a readout, row by row, and what they cost.

use lcl_infer::parameters::Operation;
use lcl_infer::{Blob, Frontend, ImageSize, LCL_V2, memory_len};

use crate::failure::refused;
use crate::features::{open, row_of};
use crate::{Board, Failure, Meter, ROW_BYTES};

/// Bytes that a readout takes beside the layers before it.
const READOUT_LEN: usize = 8 * 1024;

/// Returns the bytes of memory that [`population`] needs for square images of up to
/// `width` pixels.
#[must_use]
pub const fn population_memory_len(width: usize) -> usize {
    memory_len(&LCL_V2, width) + READOUT_LEN
}

/// Streams every image of the board through a blob whose last layer is a readout, logs
/// the rates in rows of 16, neurons in the order of the blob, and says what the readout
/// costs beside the layers before it.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn population<B: Board + Meter>(
    board: &mut B,
    memory: &mut [u8],
) -> Result<(), Failure<B::Error>> {
    let blob = open(board)?;
    let ratio = B::calibrate();
    let (mut frames, mut neurons) = (0_usize, 0);
    if let Some(Operation::Readout(readout)) = blob.layers().last().map(|layer| layer.operation) {
        neurons = readout.readout.geometry().neurons();
    }
    let rates = blob.taps().last().filter(|_| neurons > 0).ok_or(Failure::NoReadout)?;
    // Its layers up to the tap before the readout's.
    let before = blob.taps().nth(blob.taps().count().saturating_sub(2));
    let front = before.and_then(|tap| blob.up_to(tap)).ok_or(Failure::NoReadout)?;
    while let Some(size) = board.next_frame().map_err(Failure::Board)? {
        let mut buffer = [0; ROW_BYTES];
        let row = row_of::<B>(&mut buffer, blob.input(), size)?;
        let mut frontend = Frontend::new(&blob, size, &mut *memory).map_err(refused)?;
        let mut sum = 0_u32;
        for _ in 0..size.height {
            board.read_row(row).map_err(Failure::Board)?;
            frontend.push_row(row).map_err(Failure::Row)?;
            while let Some(features) = frontend.next() {
                if features.tap != rates {
                    continue;
                }
                defmt::info!("neurons {=usize}: {=[u8]}", 16 * features.y, features.values);
                for &rate in features.values {
                    sum = sum.wrapping_mul(31).wrapping_add(rate.into());
                }
            }
        }
        defmt::info!("image {=usize}: {=usize} rates, hash {=u32:08x}", frames, neurons, sum);
        frames += 1;
        if frames == 1 {
            let [whole, front] =
                [cost::<B>(&blob, size, memory)?, cost::<B>(&front, size, memory)?];
            defmt::info!(
                "population size={=usize} neurons={=usize} {=str}={=u64} front_end={=u64} ram_bytes={=usize} front_end_ram_bytes={=usize}",
                size.width,
                neurons,
                B::UNIT,
                ratio.divide(whole.saturating_sub(front)),
                ratio.divide(front),
                blob.memory_len(size.width),
                blob.up_to(before.unwrap_or(rates)).map_or(0, |front| front.memory_len(size.width))
            );
        }
    }
    if frames == 0 { Err(Failure::NoFrame) } else { Ok(()) }
}

/// Returns the ticks of one generated image.
#[inline(never)]
fn cost<B: Board + Meter>(
    blob: &Blob<'_>,
    size: ImageSize,
    memory: &mut [u8],
) -> Result<u64, Failure<B::Error>> {
    let mut frontend = Frontend::new(blob, size, memory).map_err(refused)?;
    let mut buffer = [0; ROW_BYTES];
    let row = row_of::<B>(&mut buffer, blob.input(), size)?;
    let (mut noise, mut ticks) = (1_u32, 0);
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
        ticks += u64::from(end.wrapping_sub(start));
    }
    Ok(ticks)
}
