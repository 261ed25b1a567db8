//! A sensor that speaks only where the scene departs from what it was.

use lcl_infer::{
    FeatureRow, ImageSize, LCL_V2, Novelty, V2, WatchSettings, Watcher, watcher_memory_len,
};

use crate::features::open;
use crate::stream::Stream;
use crate::{Board, Camera, Failure};

/// Returns the bytes of memory that [`watch`] needs for square images of up to
/// `width` pixels.
#[must_use]
pub const fn watch_memory_len(width: usize) -> usize {
    let Some((side, channels)) = LCL_V2.map_of(V2, width) else { return usize::MAX };
    crate::memory_len(width) + watcher_memory_len(ImageSize::square(side), channels)
}

/// Watches what the camera sees and sends one event, of some 15 bytes, for each
/// frame that departs from the scene so far; says at the end what that saves.
///
/// What it does of a sequence of images is what `lcl watch` does of it, to the
/// byte. A frame of which rows were lost is given up whole.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn watch<B: Camera>(board: &mut B, memory: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let blob = open(board)?;
    let first = board.wait_frame().map_err(Failure::Board)?.ok_or(Failure::NoFrame)?;
    let frontend_len = blob.memory_len(first.width.min(B::MAX_WIDTH));
    let (memory, watcher_memory) = memory.split_at_mut_checked(frontend_len).unwrap_or_default();
    let mut stream = Stream::new(board, &blob, first, memory)?;
    let map = stream.frontend().map_size(V2).ok_or(Failure::NoTap(V2))?;
    let channels = stream.frontend().map_channels(V2).ok_or(Failure::NoTap(V2))?;
    let mut watcher = Watcher::new(map, channels, WatchSettings::default(), watcher_memory)
        .map_err(Failure::Watch)?;
    let frame_len = u64::try_from(stream.frontend().row_len() * first.height).unwrap_or(u64::MAX);
    let (mut events, mut sent) = (0_u32, 0_u64);
    let mut next = Some(first);
    while let Some(size) = next {
        let emit = |features: &FeatureRow<'_>| watcher.push(features).map_err(Failure::Watch);
        if let Some(loss) = stream.take(board, size, emit, |push| push())? {
            watcher.reset();
            defmt::warn!("a frame was lost: {=str}", loss.text());
        } else {
            let novelty = watcher.finish().map_err(Failure::Watch)?;
            let len = if novelty.is_event() { send(board, &novelty)? } else { 0 };
            log(&novelty, len);
            sent += u64::try_from(len).unwrap_or(u64::MAX);
            events += u32::from(len > 0);
        }
        next = board.wait_frame().map_err(Failure::Board)?;
    }
    let frames = frame_len.saturating_mul(stream.whole.into());
    defmt::info!(
        "{=u32} images, {=u32} lost, {=u32} events: sent {=u64} bytes instead of {=u64}",
        stream.whole,
        stream.lost,
        events,
        sent,
        frames
    );
    if let Some(ratio) = frames.checked_div(sent) {
        defmt::info!("that is {=u64} times less", ratio);
    }
    Ok(())
}

/// Sends an event and returns its length in bytes.
fn send<B: Board>(board: &mut B, novelty: &Novelty) -> Result<usize, Failure<B::Error>> {
    let mut bytes = [0; Novelty::MAX_LEN];
    let len = novelty.emit(&mut bytes).unwrap_or_default();
    let event = bytes.get(..len).unwrap_or_default();
    board.send_event(event).map_err(Failure::Board)?;
    Ok(len)
}

/// Logs a frame as `lcl watch` prints it.
fn log(novelty: &Novelty, sent: usize) {
    let hundredths = u32::from(novelty.score) * 100 / 256;
    let (whole, hundredths) = (hundredths / 100, hundredths % 100);
    if sent == 0 {
        defmt::info!("image {=u32}: novelty {=u32}.{=u32:02}", novelty.frame, whole, hundredths);
        return;
    }
    let [first, second, third] = novelty.channels;
    defmt::info!(
        "image {=u32}: novelty {=u32}.{=u32:02}, {=u16} cells, most at column {=u8} row {=u8}, \
         channels {=u16} {=u16} {=u16} by {=i16} {=i16} {=i16}; {=usize} bytes",
        novelty.frame,
        whole,
        hundredths,
        novelty.cells,
        novelty.x,
        novelty.y,
        first.channel,
        second.channel,
        third.channel,
        first.change,
        second.change,
        third.change,
        sent
    );
}
