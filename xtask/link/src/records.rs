//! The log and the features that share one line.
//!
//! `ff 00` precedes a line of the log, which ends at its next zero; `fe 00`
//! precedes a record of features: area, `y` and length as u32, then the bytes.
//! Area 0 is the end of the program, and its `y` the status. What is neither,
//! as the text of a boot loader, is passed over.

use crate::Ended;

const LOG: [u8; 2] = [0xff, 0x00];
const RECORD: [u8; 2] = [0xfe, 0x00];

/// Bytes of the header of a record.
const HEADER_LEN: usize = 12;

/// Something that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A line of the log with its zero, as the decoder reads it.
    Log(Vec<u8>),
    Row(Vec<u8>),
}

/// Bytes that are not whole yet.
#[derive(Clone, Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    ended: Option<Ended>,
}

impl Records {
    /// Takes what came and returns what is whole, in order.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Part> {
        self.bytes.extend_from_slice(bytes);
        let mut parts = Vec::new();
        let mut start = 0;
        while let Some(rest) = self.bytes.get(start..).filter(|rest| rest.len() >= 2) {
            let used = if rest.starts_with(&LOG) {
                let Some(end) = rest[2..].iter().position(|byte| *byte == 0) else { break };
                parts.push(Part::Log(rest[2..end + 3].to_vec()));
                end + 3
            } else if rest.starts_with(&RECORD) {
                let Some(header) = rest.get(2..2 + HEADER_LEN) else { break };
                let [area, y, len] = [0, 4, 8].map(|at| field(header, at));
                let end = 2 + HEADER_LEN + len as usize;
                let Some(record) = rest.get(2..end) else { break };
                if area == 0 {
                    self.ended = Some(if y == 0 { Ended::Well } else { Ended::Badly });
                } else {
                    parts.push(Part::Row(record.to_vec()));
                }
                end
            } else {
                1
            };
            start += used;
        }
        self.bytes.drain(..start);
        parts
    }

    /// Returns how the program ended, once it has.
    pub fn has_ended(&self) -> Option<Ended> {
        self.ended
    }
}

fn field(header: &[u8], at: usize) -> u32 {
    let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    u32::from_le_bytes(bytes.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(area: u32, y: u32, values: &[u8]) -> Vec<u8> {
        let len = u32::try_from(values.len()).expect("it is short");
        let header = [area, y, len].map(u32::to_le_bytes).concat();
        [&header[..], values].concat()
    }

    fn stream() -> Vec<u8> {
        let mut stream = b"ESP-ROM\r\n".to_vec();
        stream.extend([0xff, 0x00, 7, 8, 0x00, 0xfe, 0x00]);
        // Values that look like the start of something else.
        stream.extend(record(1, 3, &[0xff, 0x00, 0xfe, 0x00]));
        stream.extend([0xff, 0x00, 9, 0x00, 0xfe, 0x00]);
        stream.extend(record(0, 1, &[]));
        stream
    }

    #[test]
    fn log_and_rows_are_told_apart_however_they_arrive() {
        let expected = [
            Part::Log(vec![7, 8, 0]),
            Part::Row(record(1, 3, &[0xff, 0x00, 0xfe, 0x00])),
            Part::Log(vec![9, 0]),
        ];
        let stream = stream();
        for chunk in 1..=stream.len() {
            let mut records = Records::default();
            let parts: Vec<_> =
                stream.chunks(chunk).flat_map(|bytes| records.take(bytes)).collect();
            assert_eq!(parts, expected, "chunks of {chunk}");
            assert_eq!(records.has_ended(), Some(Ended::Badly));
        }
    }

    #[test]
    fn what_is_not_whole_waits() {
        let mut records = Records::default();
        assert_eq!(records.take(&[0xff, 0x00, 1]), []);
        assert_eq!(records.has_ended(), None);
        assert_eq!(records.take(&[0x00]), [Part::Log(vec![1, 0])]);
    }
}
