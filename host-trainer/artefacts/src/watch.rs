//! A watcher on the host: what a board says of the same images.

use std::fmt;

use lcl_infer::{
    Area, Blob, Frontend, FrontendError, ImageSize, Novelty, PixelFormat, RowError, WatchError,
    WatchSettings, Watcher, memory_len_of, watcher_memory_len,
};

use crate::sized_image::{ImageError, SizedImage};

/// Images cannot be watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchImagesError {
    /// The images cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The stages cannot stream images of that size.
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    /// A row does not belong to its image.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The watcher cannot be made or refuses a row.
    #[error(transparent)]
    Watch(#[from] WatchError),
}

/// What a watcher said of one image. It displays as boards log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The image's name.
    pub image: String,
    /// How far it departs, and where.
    pub novelty: Novelty,
    /// The event that is sent, empty where there is nothing to say.
    pub event: Vec<u8>,
}

/// Hands images of `side`×`side` pixels to a watcher, in order, and what it says
/// of each to `each`. A blob that takes grey images gets their luma.
///
/// # Errors
///
/// When an image cannot be had, or the stages or the watcher refuse it.
pub fn watch_images<S: Into<ImageError>>(
    blob: &Blob<'_>,
    side: usize,
    settings: WatchSettings,
    images: impl Iterator<Item = Result<SizedImage, S>>,
    mut each: impl FnMut(Said),
) -> Result<(), WatchImagesError> {
    let mut memory = vec![0; memory_len_of(&blob.convolutions(), side)];
    let mut frontend = Frontend::new(blob, ImageSize::square(side), &mut memory)?
        .with_pixels(PixelFormat::Rgb888)?;
    let (map, [_, stage_2]) = (frontend.area_size(Area::V2), blob.convolutions());
    let mut memory = vec![0; watcher_memory_len(map, stage_2.out_c())];
    let mut watcher = Watcher::new(map, stage_2.out_c(), settings, &mut memory)?;
    for image in images {
        let SizedImage { name: image, pixels } = image.map_err(Into::into)?;
        for row in pixels.chunks_exact(frontend.row_len()) {
            let mut watched = Ok(());
            frontend.push_row(row, |features| {
                watched = watched.and_then(|()| watcher.push(&features));
            })?;
            watched?;
        }
        frontend.finish()?;
        let novelty = watcher.finish()?;
        let mut event = vec![0; Novelty::MAX_LEN];
        let len = if novelty.is_event() { novelty.emit(&mut event) } else { None };
        event.truncate(len.unwrap_or_default());
        each(Said { image, novelty, event });
    }
    Ok(())
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Novelty { frame, score, x, y, cells, channels } = self.novelty;
        let hundredths = u32::from(score) * 100 / 256;
        write!(f, "image {frame}: novelty {}.{:02}", hundredths / 100, hundredths % 100)?;
        if self.event.is_empty() {
            return Ok(());
        }
        write!(f, ", {cells} cells, most at column {x} row {y}, channels")?;
        channels.iter().try_for_each(|departure| write!(f, " {}", departure.channel))?;
        f.write_str(" by")?;
        channels.iter().try_for_each(|departure| write!(f, " {}", departure.change))?;
        write!(f, "; {} bytes", self.event.len())
    }
}

#[cfg(test)]
mod tests {
    use lcl_infer::Departure;

    use super::*;

    #[test]
    fn what_was_said_reads_as_on_a_board() {
        let channels = [(3, 40), (17, -9), (0, 1)];
        let channels = channels.map(|(channel, change)| Departure { channel, change });
        let novelty = Novelty { frame: 7, score: 1101, x: 2, y: 4, cells: 5, channels };
        let said = Said { image: "a".into(), novelty, event: vec![0; 14] };
        let line = "image 7: novelty 4.30, 5 cells, most at column 2 row 4, channels 3 17 0 by 40 \
                    -9 1; 14 bytes";
        assert_eq!(said.to_string(), line);
        let silent = Said { event: Vec::new(), ..said };
        assert_eq!(silent.to_string(), "image 7: novelty 4.30");
    }
}
