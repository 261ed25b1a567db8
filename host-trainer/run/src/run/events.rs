//! The log of a run for TensorBoard: an event file of scalars, with the
//! configuration as a text and the filters as a picture.
//!
//! The file is a sequence of records (length, its checksum, bytes, their
//! checksum), each a protocol buffer of the message `tensorflow.Event`, of
//! which the fields that these need are declared here.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;
use serde_json::Value;

use super::{Metrics, MetricsError};
use lcl_artefacts::atomic_file::WriteError;

/// What the first event says of the file.
const FILE_VERSION: &str = "brain.Event:2";

/// The checksum of records, CRC-32C.
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Bytes of a record before and after its message.
const HEAD_LEN: usize = 12;
const TAIL_LEN: usize = 4;

/// `tensorflow.Event`.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Shown>,
}

/// `tensorflow.Summary.Value`: a scalar, a picture or, with metadata, a text.
#[derive(Clone, PartialEq, Message)]
struct Shown {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Image>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<Text>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
}

/// `tensorflow.Summary.Image`.
#[derive(Clone, PartialEq, Message)]
struct Image {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// 4 for red, green, blue and opacity.
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded: Vec<u8>,
}

/// `tensorflow.TensorProto` of strings, without dimensions.
#[derive(Clone, PartialEq, Message)]
struct Text {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Scalar>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    strings: Vec<Vec<u8>>,
}

/// `tensorflow.TensorShapeProto` without dimensions.
#[derive(Clone, PartialEq, Message)]
struct Scalar {}

/// `tensorflow.SummaryMetadata`.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin: Option<Plugin>,
}

/// `tensorflow.SummaryMetadata.PluginData`.
#[derive(Clone, PartialEq, Message)]
struct Plugin {
    #[prost(string, tag = "1")]
    name: String,
}

/// `tensorflow.DataType.DT_STRING`.
const STRING: i32 = 7;

/// The event file, open for appending.
#[derive(Debug)]
pub struct EventLog {
    path: PathBuf,
    file: File,
}

impl EventLog {
    /// Creates a file at `path` without any scalar.
    ///
    /// # Errors
    ///
    /// When the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, MetricsError> {
        let file = File::create(path).map_err(|cause| WriteError::new(path, cause))?;
        let mut log = Self { path: path.to_owned(), file };
        let (file_version, summary) = (Some(FILE_VERSION.to_owned()), None);
        log.write(&Event { wall_time: now(), step: 0, file_version, summary })?;
        Ok(log)
    }

    /// Opens the file at `path` to continue from `step`, or creates it where
    /// there is none; what is of that step or a later one, or was not written
    /// to its end, is cut off.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written.
    pub fn resume(path: &Path, step: u64) -> Result<Self, MetricsError> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Self::create(path),
            Err(cause) => return Err(MetricsError::Io { path: path.to_owned(), cause }),
        };
        let is_earlier = |event: &Event| {
            event.summary.is_none() || u64::try_from(event.step).is_ok_and(|of| of < step)
        };
        let mut kept = 0;
        while let Some((event, len)) = first_record(&bytes[kept..]) {
            if !is_earlier(&event) {
                break;
            }
            kept += len;
        }
        if kept == 0 {
            return Self::create(path);
        }
        let open = OpenOptions::new().append(true).open(path);
        let cut = open.and_then(|file| file.set_len(kept as u64).map(|()| file));
        let file = cut.map_err(|cause| WriteError::new(path, cause))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends the numbers of a line of the log: `train/NAME`, and `val/NAME`
    /// for those on held-out images.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn append(&mut self, metrics: &Metrics) -> Result<(), MetricsError> {
        let step = i64::try_from(metrics.step).unwrap_or(i64::MAX);
        let summary = Some(Summary { values: scalars(metrics) });
        self.write(&Event { wall_time: now(), step, file_version: None, summary })
    }

    /// Appends a text, in Markdown.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn append_text(&mut self, step: u64, tag: &str, text: &str) -> Result<(), MetricsError> {
        let strings = vec![text.as_bytes().to_vec()];
        let plugin = Some(Plugin { name: "text".to_owned() });
        self.show(
            step,
            Shown {
                tag: tag.to_owned(),
                tensor: Some(Text { dtype: STRING, shape: Some(Scalar {}), strings }),
                metadata: Some(Metadata { plugin }),
                ..Shown::default()
            },
        )
    }

    /// Appends a picture, `[width, height]` as a PNG with opacity.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn append_picture(
        &mut self,
        step: u64,
        tag: &str,
        size: [usize; 2],
        png: Vec<u8>,
    ) -> Result<(), MetricsError> {
        let [width, height] = size.map(|side| i32::try_from(side).unwrap_or(i32::MAX));
        let image = Some(Image { height, width, colorspace: 4, encoded: png });
        self.show(step, Shown { tag: tag.to_owned(), image, ..Shown::default() })
    }

    fn show(&mut self, step: u64, shown: Shown) -> Result<(), MetricsError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let summary = Some(Summary { values: vec![shown] });
        self.write(&Event { wall_time: now(), step, file_version: None, summary })
    }

    fn write(&mut self, event: &Event) -> Result<(), MetricsError> {
        let written = self.file.write_all(&record(&event.encode_to_vec()));
        written.map_err(|cause| WriteError::new(&self.path, cause).into())
    }
}

/// Every number of a line but the step.
fn scalars(metrics: &Metrics) -> Vec<Shown> {
    let Ok(Value::Object(fields)) = serde_json::to_value(metrics) else {
        return Vec::new();
    };
    let scalar = |(name, value): (&String, &Value)| {
        let tag = match name.strip_prefix("val_") {
            Some(name) => format!("val/{name}"),
            None => format!("train/{name}"),
        };
        #[expect(clippy::cast_possible_truncation, reason = "TensorBoard's scalars are 32-bit")]
        let value = Some(value.as_f64()? as f32);
        (name != "step").then_some(Shown { tag, value, ..Shown::default() })
    };
    fields.iter().filter_map(scalar).collect()
}

/// Returns a message as a record.
fn record(message: &[u8]) -> Vec<u8> {
    let len = (message.len() as u64).to_le_bytes();
    [&len[..], &masked_checksum(&len), message, &masked_checksum(message)].concat()
}

/// Returns the first record's message and its length in all, where it is whole.
fn first_record(bytes: &[u8]) -> Option<(Event, usize)> {
    let (len, rest) = bytes.split_first_chunk::<8>()?;
    let (checksum, _) = rest.split_first_chunk::<4>()?;
    let message_len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let end = HEAD_LEN.checked_add(message_len)?;
    let message = bytes.get(HEAD_LEN..end)?;
    let tail = bytes.get(end..end.checked_add(TAIL_LEN)?)?;
    let is_whole = *checksum == masked_checksum(len) && *tail == masked_checksum(message);
    let event = is_whole.then(|| Event::decode(message).ok()).flatten()?;
    Some((event, end + TAIL_LEN))
}

/// Returns the checksum as records store it, rotated and moved so that it can
/// be taken of bytes that hold one.
fn masked_checksum(bytes: &[u8]) -> [u8; 4] {
    CHECKSUM.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Losses;

    fn line(step: u64) -> Metrics {
        let validation = (step == 0).then_some(Losses { stages: [4.0, 5.0] });
        Metrics::new(step, Losses { stages: [1.5, 2.0] }, validation, 30.0)
    }

    fn events(path: &Path) -> Vec<Event> {
        let bytes = fs::read(path).expect("a file");
        let (mut events, mut at) = (Vec::new(), 0);
        while let Some((event, len)) = first_record(&bytes[at..]) {
            events.push(event);
            at += len;
        }
        assert_eq!(at, bytes.len(), "what is left over is no record");
        events
    }

    /// The record of an event with `wall_time` 1, `step` 2 and the scalar `a`
    /// of 0.5, as TensorBoard's own writer makes it.
    #[test]
    fn a_record_has_the_bytes_that_tensorboard_writes() {
        let values = vec![Shown { tag: "a".to_owned(), value: Some(0.5), ..Shown::default() }];
        let summary = Some(Summary { values });
        let event = Event { wall_time: 1.0, step: 2, file_version: None, summary };
        let expected =
            "1700000000000000e7cef81e09000000000000f03f10022a0a0a080a0161150000003f400ae3a6";
        let byte = |at: usize| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16);
        let expected: Vec<u8> = (0..expected.len() / 2).flat_map(byte).collect();
        assert_eq!(record(&event.encode_to_vec()), expected);
    }

    /// The bytes of a text and a picture as protocol buffers of `tensorflow.Event`
    /// have them, field by field.
    #[test]
    fn a_text_and_a_picture_are_what_tensorboard_reads() -> Result<(), MetricsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let mut log = EventLog::create(&path)?;
        log.append_text(0, "c", "x")?;
        log.append_picture(2, "f", [3, 2], vec![9])?;
        let events = events(&path);
        let encoded = |event: &Event| event.summary.as_ref().map(Message::encode_to_vec);
        let text = [
            &[0x0a, 0x16, 0x0a, 1, b'c'][..],
            &[0x42, 7, 0x08, 7, 0x12, 0, 0x42, 1, b'x'],
            &[0x4a, 8, 0x0a, 6, 0x0a, 4],
            b"text",
        ]
        .concat();
        assert_eq!(encoded(&events[1]), Some(text));
        let picture = vec![0x0a, 14, 0x0a, 1, b'f', 0x22, 9, 8, 2, 0x10, 3, 0x18, 4, 0x22, 1, 9];
        assert_eq!((events[2].step, encoded(&events[2])), (2, Some(picture)));
        Ok(())
    }

    #[test]
    fn a_resumed_file_has_each_step_once() -> Result<(), MetricsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        let mut log = EventLog::create(&path)?;
        for step in 0..4 {
            log.append(&line(step))?;
        }
        // Killed in the middle of a record.
        let torn = fs::read(&path).expect("a file");
        fs::write(&path, &torn[..torn.len() - 3]).expect("written");
        for first in [3, 2] {
            let mut log = EventLog::resume(&path, first)?;
            log.append(&line(first))?;
            let steps: Vec<i64> = events(&path).iter().skip(1).map(|event| event.step).collect();
            assert_eq!(steps, if first == 3 { vec![0, 1, 2, 3] } else { vec![0, 1, 2] });
        }
        let events = events(&path);
        assert_eq!(events[0].file_version.as_deref(), Some(FILE_VERSION));
        let tags = |event: &Event| -> Vec<(String, Option<f32>)> {
            let values = event.summary.iter().flat_map(|summary| &summary.values);
            values.map(|scalar| (scalar.tag.clone(), scalar.value)).collect()
        };
        assert_eq!(tags(&events[1]).len(), 8);
        assert!(tags(&events[1]).contains(&("val/loss_stage2".to_owned(), Some(5.0))));
        assert!(tags(&events[2]).contains(&("train/images_per_second".to_owned(), Some(30.0))));
        assert_eq!(tags(&events[2]).len(), 5);
        Ok(())
    }

    #[test]
    fn a_file_that_is_none_is_begun_again() -> Result<(), MetricsError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        for content in [None, Some(&b""[..]), Some(b"something else than records")] {
            if let Some(content) = content {
                fs::write(&path, content).expect("written");
            }
            EventLog::resume(&path, 1)?.append(&line(1))?;
            assert_eq!(events(&path).len(), 2);
        }
        Ok(())
    }
}
