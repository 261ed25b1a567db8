//! Rows in, V1 and V2 rows out.

use lcl_infer::{Blob, Frontend, ImageSize, InputFormat, V2};

use crate::failure::refused;
use crate::{Board, Failure, ROW_BYTES};

/// Streams every image of the board through the front-end and sends the rows
/// of V1 and V2 out as they are finished.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn features<B: Board>(board: &mut B, memory: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let blob = open(board)?;
    let mut frames = 0_usize;
    while let Some(size) = board.next_frame().map_err(Failure::Board)? {
        let mut rows = [0_usize; 2];
        let mut buffer = [0; ROW_BYTES];
        let row = row_of::<B>(&mut buffer, blob.input(), size)?;
        let mut frontend = Frontend::new(&blob, size, &mut *memory).map_err(refused)?;
        for _ in 0..size.height {
            board.read_row(row).map_err(Failure::Board)?;
            frontend.push_row(row).map_err(Failure::Row)?;
            while let Some(features) = frontend.next() {
                rows[usize::from(features.tap == V2)] += 1;
                board.write_features(&features).map_err(Failure::Board)?;
            }
        }
        let [v1, v2] = rows;
        defmt::info!(
            "image {=usize}: {=usize}x{=usize}, {=usize} rows of V1, {=usize} rows of V2",
            frames,
            size.width,
            size.height,
            v1,
            v2
        );
        frames += 1;
    }
    if frames == 0 { Err(Failure::NoFrame) } else { Ok(()) }
}

/// Opens the blob in the board's model partition.
pub(crate) fn open<B: Board>(board: &B) -> Result<Blob<'static>, Failure<B::Error>> {
    let bytes = blob_bytes(board)?;
    let blob = Blob::open(bytes).map_err(Failure::Model)?;
    defmt::info!("{=str}: model of {=usize} bytes", B::NAME, bytes.len());
    Ok(blob)
}

/// Returns the bytes of the blob at the start of the model partition.
pub(crate) fn blob_bytes<B: Board>(board: &B) -> Result<&'static [u8], Failure<B::Error>> {
    let partition = board.model();
    let len = lcl_infer::blob_len(partition).map_err(Failure::Model)?;
    Ok(partition.get(..len).unwrap_or(partition))
}

/// Returns the part of `buffer` that holds one row of the format that the blob
/// takes.
pub(crate) fn row_of<B: Board>(
    buffer: &mut [u8; ROW_BYTES],
    input: InputFormat,
    size: ImageSize,
) -> Result<&mut [u8], Failure<B::Error>> {
    const { assert!(B::MAX_WIDTH * 3 <= ROW_BYTES) };
    let too_wide = Failure::TooWide { expected: B::MAX_WIDTH, got: size.width };
    if size.width > B::MAX_WIDTH {
        return Err(too_wide);
    }
    buffer.get_mut(..size.width * input.channels()).ok_or(too_wide)
}
