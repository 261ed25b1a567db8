//! What is wrong with the bytes of a sensor's own test picture.

use defmt::Formatter;

/// Bytes from the start of a frame that a test picture is looked at in: three
/// lines of the longest, and more.
pub const TEST_PICTURE_LEN: usize = 4 * 1280;

/// What a board made of a sensor's test picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestPicture {
    /// Every byte is as it was sent.
    Right,
    /// Each byte has its highest bit where the lowest is.
    TurnedRound,
    /// Lines have another length.
    LineOf {
        /// Bytes and further bits that came.
        got: (usize, usize),
        /// Bytes of a line.
        expected: usize,
    },
    /// Everything is late or early by the same.
    Shifted {
        /// How much.
        by: usize,
        /// What it counts: `bits` or `bytes`.
        unit: &'static str,
    },
    /// Nothing of that.
    Other {
        /// Place of the first byte that is not as expected.
        at: usize,
        /// The byte.
        got: u8,
    },
}

impl defmt::Format for TestPicture {
    fn format(&self, f: Formatter<'_>) {
        match *self {
            Self::Right => defmt::write!(f, "every byte is right"),
            Self::TurnedRound => {
                defmt::write!(
                    f,
                    "bits are turned round: the lowest is where the highest should be"
                );
            }
            Self::LineOf { got: (bytes, 0), expected } => {
                defmt::write!(f, "a line of {=usize} bytes in place of {=usize}", bytes, expected);
            }
            Self::LineOf { got: (bytes, bits), expected } => defmt::write!(
                f,
                "a line of {=usize} bytes and {=usize} bits in place of {=usize} bytes",
                bytes,
                bits,
                expected
            ),
            Self::Shifted { by, unit } => defmt::write!(f, "shifted by {=usize} {=str}", by, unit),
            Self::Other { at, got } => {
                defmt::write!(f, "byte {=usize} is {=u8:#04x}: nothing that is known", at, got);
            }
        }
    }
}

/// Bytes that came, with bits in the order in which they were sent.
pub struct Came<'a> {
    /// Returns a byte.
    pub byte: &'a mut dyn FnMut(usize) -> u8,
    /// Number of them.
    pub len: usize,
}

impl Came<'_> {
    fn get(&mut self, at: usize) -> u8 {
        if at < self.len { (self.byte)(at) } else { 0 }
    }

    /// Returns the byte that starts with that bit, the lowest first.
    fn at_bit(&mut self, bit: usize) -> u8 {
        let [low, high] = [0, 1].map(|next| self.get(bit / 8 + next));
        let [byte, _] = (u16::from_le_bytes([low, high]) >> (bit % 8)).to_le_bytes();
        byte
    }

    /// Compares with a picture whose bytes are known, in lines of `line_len`.
    pub fn compare(&mut self, line_len: usize, expected: fn(usize) -> u8) -> TestPicture {
        /// Bytes that are no chance.
        const RUN: usize = 32;
        let len = self.len.saturating_sub(1);
        let Some(wrong) = (0..len).find(|&at| self.get(at) != expected(at)) else {
            return TestPicture::Right;
        };
        if (0..len).all(|at| self.get(at) == expected(at).reverse_bits()) {
            return TestPicture::TurnedRound;
        }
        if wrong >= RUN {
            // A new line begins where the picture does once more.
            let first = (wrong - RUN / 2) * 8;
            let begins = |came: &mut Self, bit: usize| {
                (0..RUN).all(|at| came.at_bit(bit + 8 * at) == expected(at))
            };
            if let Some(bit) = (first..first + 8 * RUN).find(|&bit| begins(self, bit)) {
                return TestPicture::LineOf { got: (bit / 8, bit % 8), expected: line_len };
            }
        }
        for by in 1..8 * RUN {
            let run = len.min(line_len).saturating_sub(RUN);
            if (0..run).all(|at| self.at_bit(by + 8 * at) == expected(at)) {
                let (by, unit) = if by % 8 == 0 { (by / 8, "bytes") } else { (by, "bits") };
                return TestPicture::Shifted { by, unit };
            }
        }
        TestPicture::Other { at: wrong, got: self.get(wrong) }
    }

    /// Looks at eight bars from white to black, of pixels whose bytes are luma and
    /// chroma by turns, in lines of `line_len` bytes.
    ///
    /// The bytes of a bar are no public fact; how they fall and where they change are
    /// enough.
    pub fn bars(&mut self, line_len: usize) -> TestPicture {
        const BARS: usize = 8;
        /// How far bytes of one colour differ, and an edge may be from its place.
        const NOISE: u8 = 4;
        const EDGE: usize = 8;
        let bar_len = line_len / BARS;
        let is_like = |came: &mut Self, at: usize, other: usize| {
            came.get(at).abs_diff(came.get(other)) <= NOISE
        };
        // The picture is the same in each line.
        let found = (line_len / 2..2 * line_len)
            .find(|line| (0..line_len).all(|at| is_like(self, at, at + line)));
        let Some(got) = found else {
            let at = (0..bar_len).find(|&at| !is_like(self, at, at % 4)).unwrap_or_default();
            return TestPicture::Other { at, got: self.get(at) };
        };
        if got != line_len {
            return TestPicture::LineOf { got: (got, 0), expected: line_len };
        }
        let falls = |came: &mut Self, first: usize, turn: fn(u8) -> u8| {
            let luma =
                |came: &mut Self, bar: usize| turn(came.get(bar * bar_len + bar_len / 2 + first));
            let [white, black] = [0, BARS - 1].map(|bar| luma(came, bar));
            let are_in_order = (1..BARS).all(|bar| luma(came, bar) <= luma(came, bar - 1));
            are_in_order && white > black && white - black > 100
        };
        if !falls(self, 0, |byte| byte) {
            if falls(self, 1, |byte| byte) {
                return TestPicture::Shifted { by: 1, unit: "bytes" };
            }
            if falls(self, 0, u8::reverse_bits) {
                return TestPicture::TurnedRound;
            }
            return TestPicture::Other { at: 0, got: self.get(0) };
        }
        // Where luma first falls, against where the second bar begins.
        let edge = (2..line_len).step_by(2).find(|&at| !is_like(self, at, at - 2));
        match edge.unwrap_or_default().abs_diff(bar_len) {
            by if by <= EDGE => TestPicture::Right,
            by => TestPicture::Shifted { by, unit: "bytes" },
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const LINE: usize = 324;

    /// A bit that walks, and a byte without one.
    fn walking(at: usize) -> u8 {
        [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x00][at % 9]
    }

    fn compare(bytes: &[u8]) -> TestPicture {
        Came { byte: &mut |at| bytes[at], len: bytes.len() }.compare(LINE, walking)
    }

    fn bits(bytes: &[u8]) -> Vec<bool> {
        bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect()
    }

    fn bytes(bits: &[bool]) -> Vec<u8> {
        let byte = |bits: &[bool]| (0..8).map(|bit| u8::from(bits[bit]) << bit).sum();
        bits.chunks_exact(8).map(byte).collect()
    }

    /// Returns four lines, each followed by so many bits of something else.
    fn lines(more: usize) -> Vec<u8> {
        let line: Vec<u8> = (0..LINE).map(walking).collect();
        let mut sent = Vec::new();
        for _ in 0..4 {
            sent.extend(bits(&line));
            sent.extend(std::iter::repeat_n(true, more));
        }
        bytes(&sent)
    }

    #[test]
    fn each_way_to_get_a_known_picture_wrong_has_its_name() {
        let right = lines(0);
        assert_eq!(compare(&right), TestPicture::Right);
        let turned: Vec<u8> = right.iter().map(|byte| byte.reverse_bits()).collect();
        assert_eq!(compare(&turned), TestPicture::TurnedRound);
        let line_of = |got| TestPicture::LineOf { got, expected: LINE };
        assert_eq!(compare(&lines(16)), line_of((326, 0)));
        assert_eq!(compare(&lines(3)), line_of((324, 3)));
        let short: Vec<u8> = right.chunks(LINE).flat_map(|line| &line[..320]).copied().collect();
        assert_eq!(compare(&short), line_of((320, 0)));
        let mut late = bits(&right);
        late.splice(0..0, [true, true, false]);
        assert_eq!(compare(&bytes(&late)), TestPicture::Shifted { by: 3, unit: "bits" });
        let late = [&[7, 7], &right[..]].concat();
        assert_eq!(compare(&late), TestPicture::Shifted { by: 2, unit: "bytes" });
        assert_eq!(compare(&[0x55; 2000]), TestPicture::Other { at: 0, got: 0x55 });
    }

    /// Returns lines of `len` bytes of bars, the first of them `early` bytes short.
    fn bars(len: usize, early: usize) -> Vec<u8> {
        // White, yellow, cyan, green, magenta, red, blue and black of BT.601.
        const BARS: [[u8; 3]; 8] = [
            [235, 128, 128],
            [210, 16, 146],
            [170, 166, 16],
            [145, 54, 34],
            [106, 202, 222],
            [81, 90, 240],
            [41, 240, 110],
            [16, 128, 128],
        ];
        let line = (0..1280).map(|at| {
            let [y, u, v] = BARS[at / 160];
            [y, u, y, v][at % 4]
        });
        let line: Vec<u8> = line.chain(std::iter::repeat(16)).take(len).collect();
        let mut sent: Vec<u8> = line.repeat(6);
        sent.drain(..early);
        sent
    }

    #[test]
    fn bars_are_told_by_where_they_change_and_how_they_fall() {
        let look = |bytes: &[u8]| Came { byte: &mut |at| bytes[at], len: bytes.len() }.bars(1280);
        assert_eq!(look(&bars(1280, 0)), TestPicture::Right);
        let turned: Vec<u8> = bars(1280, 0).iter().map(|byte| byte.reverse_bits()).collect();
        assert_eq!(look(&turned), TestPicture::TurnedRound);
        for got in [1278, 1281, 1284, 1568] {
            assert_eq!(look(&bars(got, 0)), TestPicture::LineOf { got: (got, 0), expected: 1280 });
        }
        assert_eq!(look(&bars(1280, 1)), TestPicture::Shifted { by: 1, unit: "bytes" });
        assert_eq!(look(&bars(1280, 40)), TestPicture::Shifted { by: 40, unit: "bytes" });
        assert_eq!(look(&[0x80; 5120]), TestPicture::LineOf { got: (640, 0), expected: 1280 });
        let noise: Vec<u8> = (0..5120_u32).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 21) as u8).collect();
        assert!(matches!(look(&noise), TestPicture::Other { .. }));
    }
}
