//! The segments of a JPEG before its coded pixels.

use std::ops::Range;

/// Start of image, of the pixels' codes, of the kinds of frames (baseline,
/// extended, progressive), and of the segments that say the
/// file's kind and hold metadata.
const SOI: u8 = 0xd8;
pub const SOS: u8 = 0xda;
pub const SOF0: u8 = 0xc0;
pub const SOF1: u8 = 0xc1;
pub const SOF2: u8 = 0xc2;
pub const APP0: u8 = 0xe0;
pub const APP1: u8 = 0xe1;

/// What the segment of the kind begins with, then its version in two bytes.
const JFIF: &[u8] = b"JFIF\0";

/// The one version of JFIF whose first number decoders know.
const JFIF_MAJOR: u8 = 1;

/// A segment, from its marker on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is.
    pub marker: u8,
    /// Where it is in the file: marker, length and content.
    pub place: Range<usize>,
}

impl Segment {
    /// Returns its content.
    pub fn content<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.place.start + 4..self.place.end).unwrap_or_default()
    }
}

/// Returns the segments before the first scan, and then that of the scan.
///
/// As decoders do, it passes over bytes between segments that belong to none.
pub fn segments(bytes: &[u8]) -> impl Iterator<Item = Segment> {
    let mut at = if bytes.starts_with(&[0xff, SOI]) { 2 } else { bytes.len() };
    std::iter::from_fn(move || {
        let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff);
        let start = at + bytes.get(at..)?.windows(2).position(is_marker)?;
        let length = u16::from_be_bytes(*bytes.get(start + 2..)?.first_chunk()?);
        let end = start + 2 + usize::from(length.max(2));
        let marker = bytes[start + 1];
        at = if end > bytes.len() || marker == SOS { bytes.len() } else { end };
        (end <= bytes.len()).then_some(Segment { marker, place: start..end })
    })
}

/// Returns the file with what decoders warn of and pass over taken out before
/// the first scan, where it tells nothing of the pixels: bytes between segments,
/// and a version of JFIF that is not known. Nothing where there is neither.
///
/// In and after the scan nothing can be passed over: bytes that are left over
/// there are what damage leaves.
pub fn without_oddities(bytes: &[u8]) -> Option<Vec<u8>> {
    let segments: Vec<Segment> = segments(bytes).collect();
    let scan = segments.last().filter(|segment| segment.marker == SOS)?;
    let mut mended = vec![0xff, SOI];
    for segment in &segments[..segments.len() - 1] {
        let start = mended.len();
        mended.extend_from_slice(&bytes[segment.place.clone()]);
        if segment.marker == APP0 && segment.content(bytes).starts_with(JFIF) {
            if let Some(major) = mended.get_mut(start + 4 + JFIF.len()) {
                *major = JFIF_MAJOR;
            }
        }
    }
    mended.extend_from_slice(&bytes[scan.place.start..]);
    (mended != bytes).then_some(mended)
}
