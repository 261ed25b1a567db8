//! Images and features as bytes of a link between board and host.

use defmt::Formatter;
use lcl_infer::{FeatureRow, ImageSize, Name, V1, V2};

/// What a record of an event has for its area.
const EVENT_AREA: usize = 3;

/// Sides from which on a header is taken for something else.
const SIDE_LIMIT: u32 = 1 << 14;

/// A link to the host. It waits for as long as the host takes: a row is never
/// dropped and never sent in part.
pub trait Link {
    /// Waits for bytes of the host and returns how many came, at least one.
    fn read(&mut self, bytes: &mut [u8]) -> usize;

    /// Sends one record: its header, then its values.
    fn send(&mut self, header: &[u8], values: &[u8]);
}

/// Images and features as bytes of a link, all numbers little-endian.
///
/// The host sends for each image its width and height as u32, then its rows in
/// the format that the blob takes; 0 by 0 says that no image follows. These are
/// the bytes of `frames.bin` of the emulated boards. In place of images, a width
/// and a height of 0 say that the board's own camera is to take them, as large as
/// the width, a u32 how many, 0 for no end, and a u32 what else is wanted: bit 0 that
/// its test picture is looked at first, bit 1 that the board drives its clock. The board sends for each
/// row of features a record: the area (1 or 2), `y` and the length in bytes as
/// u32, then the bytes, as in their `rows.bin`. An event is a record of area 3.
#[derive(Debug)]
pub struct Stream<L> {
    link: L,
    has_asked: bool,
}

/// What the host sends before the rows of an image, or in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// An image of that size follows.
    Image(ImageSize),
    /// The board's own camera is to take images.
    Camera(CameraRequest),
    /// Nothing follows.
    End,
}

/// What the host wants of the board's own camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CameraRequest {
    /// Side of the images, in pixels.
    pub side: usize,
    /// How many, or `None` for no end.
    pub count: Option<u32>,
    /// Whether the camera's own test picture is looked at first.
    pub has_test_picture: bool,
    /// Whether the board is to give the camera its clock, on boards whose cameras may
    /// have one of their own.
    pub drives_clock: bool,
}

impl CameraRequest {
    /// Reads the u32 after side and count, bit by bit.
    const fn new(side: usize, count: u32, options: u32) -> Self {
        let count = if count == 0 { None } else { Some(count) };
        let (has_test_picture, drives_clock) = (options & 1 != 0, options & 2 != 0);
        Self { side, count, has_test_picture, drives_clock }
    }
}

/// What can go wrong with the bytes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// The header of an image has sides that no image has.
    NotAFrame {
        /// Width, in pixels.
        width: u32,
        /// Height, in pixels.
        height: u32,
    },
    /// The host asks for images of the board's camera where it cannot.
    CameraAsked,
}

impl defmt::Format for LinkError {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::NotAFrame { width, height } => defmt::write!(
                f,
                "the host sent an image of {=u32}x{=u32}: reset the board and send it once more",
                width,
                height
            ),
            Self::CameraAsked => {
                defmt::write!(f, "this program takes images of the host: pass --image");
            }
        }
    }
}

impl<L: Link> Stream<L> {
    /// Returns a stream over a link.
    pub const fn new(link: L) -> Self {
        Self { link, has_asked: false }
    }

    /// Waits for the next image and returns its size, or nothing after the
    /// last.
    ///
    /// # Errors
    ///
    /// Returns an error where what came is no header of an image.
    pub fn next_frame(&mut self) -> Result<Option<ImageSize>, LinkError> {
        match self.request()? {
            Request::Image(size) => Ok(Some(size)),
            Request::End => Ok(None),
            Request::Camera(_) => Err(LinkError::CameraAsked),
        }
    }

    /// Waits for what the host wants next.
    ///
    /// # Errors
    ///
    /// Returns an error where what came is no header.
    pub fn request(&mut self) -> Result<Request, LinkError> {
        if !self.has_asked {
            self.has_asked = true;
            defmt::info!("waiting for the host");
        }
        let [width, height] = [self.number(), self.number()];
        let is_side = width.max(height) < SIDE_LIMIT;
        match (usize::try_from(width), usize::try_from(height)) {
            (Ok(0), Ok(0)) => Ok(Request::End),
            (Ok(side), Ok(0)) if is_side => {
                let [count, options] = [self.number(), self.number()];
                Ok(Request::Camera(CameraRequest::new(side, count, options)))
            }
            (Ok(w), Ok(h)) if w > 0 && is_side => {
                Ok(Request::Image(ImageSize { width: w, height: h }))
            }
            _ => Err(LinkError::NotAFrame { width, height }),
        }
    }

    /// Waits for one row of the image.
    pub fn read_row(&mut self, row: &mut [u8]) {
        self.fill(row);
    }

    /// Sends one row of features.
    pub fn write_features(&mut self, features: &FeatureRow<'_>) {
        let area = record_area(features.tap);
        self.link.send(&record_header([area, features.y, features.values.len()]), features.values);
    }

    /// Sends the bytes of one event.
    pub fn send_event(&mut self, event: &[u8]) {
        self.link.send(&record_header([EVENT_AREA, 0, event.len()]), event);
    }

    fn number(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            filled += self.link.read(rest);
        }
    }
}

/// Returns the area that the records of a tap have: 1 for V1, 2 for V2. Rows of
/// other taps have none, 0.
#[must_use]
pub fn record_area(tap: Name) -> usize {
    match tap {
        V1 => 1,
        V2 => 2,
        _ => 0,
    }
}

/// Returns the header of a record: the area, `y`, and the length in bytes.
///
/// Area 0 is the end of the program, with its exit status as `y`, on links that
/// have no other way to say so.
#[must_use]
pub fn record_header(fields: [usize; 3]) -> [u8; 12] {
    let mut header = [0; 12];
    for (bytes, field) in header.chunks_exact_mut(4).zip(fields) {
        bytes.copy_from_slice(&u32::try_from(field).unwrap_or(u32::MAX).to_le_bytes());
    }
    header
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// What the host sends, a few bytes at a time, and what it got.
    #[derive(Default)]
    struct Host {
        to_board: Vec<u8>,
        at_once: usize,
        from_board: Vec<u8>,
    }

    impl Link for &mut Host {
        fn read(&mut self, bytes: &mut [u8]) -> usize {
            let count = self.at_once.min(bytes.len()).min(self.to_board.len());
            assert!(count > 0, "the board waits for more than was sent");
            bytes[..count].copy_from_slice(&self.to_board[..count]);
            self.to_board.drain(..count);
            count
        }

        fn send(&mut self, header: &[u8], values: &[u8]) {
            self.from_board.extend_from_slice(header);
            self.from_board.extend_from_slice(values);
        }
    }

    fn size(width: u32, height: u32) -> Vec<u8> {
        [width, height].map(u32::to_le_bytes).concat()
    }

    #[test]
    fn images_arrive_however_their_bytes_do() {
        let sent = [size(2, 2), Vec::from([1, 2, 3, 4]), size(0, 0)].concat();
        for at_once in 1..=sent.len() {
            let mut host = Host { to_board: sent.clone(), at_once, ..Host::default() };
            let mut stream = Stream::new(&mut host);
            let expected = ImageSize { width: 2, height: 2 };
            assert_eq!(stream.next_frame(), Ok(Some(expected)), "{at_once} at once");
            let mut rows = [[0; 2]; 2];
            for row in &mut rows {
                stream.read_row(row);
            }
            assert_eq!(rows, [[1, 2], [3, 4]], "{at_once} at once");
            assert_eq!(stream.next_frame(), Ok(None), "{at_once} at once");
        }
    }

    #[test]
    fn a_size_that_no_image_has_is_an_error() {
        for (width, height) in [(0, 1), (SIDE_LIMIT, 0), (SIDE_LIMIT, 1), (1, u32::MAX)] {
            let mut host = Host { to_board: size(width, height), at_once: 8, ..Host::default() };
            let expected = Err(LinkError::NotAFrame { width, height });
            assert_eq!(Stream::new(&mut host).next_frame(), expected);
        }
    }

    #[test]
    fn the_host_may_ask_for_images_of_the_camera() {
        for (count, expected) in [(0, None), (7, Some(7))] {
            for options in 0..4 {
                let numbers = [count, options].map(u32::to_le_bytes).concat();
                let sent = [size(96, 0), numbers].concat();
                let asked = Request::Camera(CameraRequest {
                    side: 96,
                    count: expected,
                    has_test_picture: options % 2 == 1,
                    drives_clock: options >= 2,
                });
                let mut host = Host { to_board: sent.clone(), at_once: 5, ..Host::default() };
                assert_eq!(Stream::new(&mut host).request(), Ok(asked));
                let mut host = Host { to_board: sent, at_once: 5, ..Host::default() };
                assert_eq!(Stream::new(&mut host).next_frame(), Err(LinkError::CameraAsked));
            }
        }
    }

    #[test]
    fn rows_leave_as_the_host_collects_them() {
        let mut host = Host::default();
        let row = FeatureRow { tap: V2, y: 3, width: 1, channels: 2, values: &[7, 8] };
        Stream::new(&mut host).write_features(&row);
        assert_eq!(host.from_board, [2, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 7, 8]);
    }

    #[test]
    fn events_leave_as_records_of_their_own() {
        let mut host = Host::default();
        Stream::new(&mut host).send_event(&[7, 8]);
        assert_eq!(host.from_board, [3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 7, 8]);
    }
}
