//! What a camera sees, and how fast.

use lcl_infer::{FeatureRow, V1};

use crate::energy::Energy;
use crate::features::open;
use crate::stream::Stream;
use crate::{Camera, Failure, Meter};

/// Takes frames from the camera, row by row, and logs for each a small picture
/// of the energy of V1 and how many frames a second the front-end computes.
///
/// A frame of which rows were lost is counted and given up whole.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn camera<B: Camera + Meter>(
    board: &mut B,
    memory: &mut [u8],
) -> Result<(), Failure<B::Error>> {
    let blob = open(board)?;
    let ratio = B::calibrate();
    let first = board.wait_frame().map_err(Failure::Board)?.ok_or(Failure::NoFrame)?;
    let mut stream = Stream::new(board, &blob, first, memory)?;
    let map = stream.frontend().map_size(V1).ok_or(Failure::NoTap(V1))?;
    let mut energy = Energy::new(map);
    let mut next = Some(first);
    while let Some(size) = next {
        let mut ticks = 0;
        let emit = |features: &FeatureRow<'_>| {
            energy.add(features);
            Ok(())
        };
        let measure = |push: &mut dyn FnMut()| {
            let start = B::ticks();
            push();
            ticks += u64::from(B::ticks().wrapping_sub(start));
        };
        if let Some(loss) = stream.take(board, size, emit, measure)? {
            defmt::warn!("a frame was lost: {=str}", loss.text());
        } else {
            let units = ratio.divide(ticks);
            let tenths = 10 * u64::from(B::UNITS_PER_SECOND) / units.max(1);
            energy.each_line(|line| defmt::info!("{=str}", line));
            defmt::info!(
                "image {=u32}: {=usize}x{=usize}, {=u64} {=str}, {=u64}.{=u64} frames/s, {=str}",
                stream.whole - 1,
                size.width,
                size.height,
                units,
                B::UNIT,
                tenths / 10,
                tenths % 10,
                B::CLOCK
            );
        }
        energy.clear();
        next = board.wait_frame().map_err(Failure::Board)?;
    }
    defmt::info!("{=u32} images, {=u32} lost", stream.whole, stream.lost);
    Ok(())
}
