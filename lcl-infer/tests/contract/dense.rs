//! Dense layers in a blob: by hand, and what `open` refuses.

use lcl_infer::blob::write::{BlobSpec, DenseSpec, LayerSpec, OperationSpec};
use lcl_infer::blob::{Golden, SECTION_LABELS};
use lcl_infer::parameters::{Channel, Requant};
use lcl_infer::shape::{DenseGeometry, Sums, WindowOperation, WindowPool};
use lcl_infer::{Blob, Contract, Frontend, ImageSize, InputFormat, Name, OpenError, sums};

use crate::model::Bytes;

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Writes an average over 2×2 pixels, a dense layer of two bytes and one of two
/// outputs.
fn blob(last: Sums, inner: Sums, weights: [i8; 6]) -> Bytes {
    let requant = Requant::new(1 << 30, 32).expect("in range");
    let channels = [Channel { bias: 8, requant }, Channel { bias: -4, requant }];
    let average = WindowPool::new(WindowOperation::Average, 2, 1, 0).expect("valid");
    let taken = 2 * inner.byte_len();
    let of_last = [1, -2, 3, 4, 5, -6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let layer =
        |text, tap, operation| LayerSpec { name: name(text), tap, golden_crc32: 0, operation };
    let dense = |inputs, sums, weights| {
        OperationSpec::Dense(DenseSpec {
            dense: DenseGeometry::new(inputs, 2, sums).expect("valid"),
            weights,
            channels: &channels,
            output_scale: &[0.5, 0.25],
        })
    };
    let layers = [
        layer("average", None, OperationSpec::WindowPool(average)),
        layer("dense1", None, dense(3, inner, &weights)),
        layer("dense2", Some(name("scores")), dense(taken, last, &of_last[..2 * taken])),
    ];
    let spec = BlobSpec {
        input: InputFormat::Rgb888,
        golden: Golden { seed: 3, side: 2 },
        layers: &layers,
        sections: &[(SECTION_LABELS, b"hat\nbag\n")],
    };
    let mut bytes = Bytes::zeros(spec.max_len());
    bytes.len = spec.emit(bytes.as_mut_slice()).expect("max_len is enough");
    bytes
}

const WEIGHTS: [i8; 6] = [1, 2, 3, -1, 0, 5];

#[test]
fn bytes_and_sums_are_those_by_hand() {
    let bytes = blob(Sums::Words, Sums::Bytes, WEIGHTS);
    let blob = bytes.open();
    assert_eq!((blob.contract(), blob.min_image_side()), (Contract::V2, 2));
    assert_eq!(blob.section(SECTION_LABELS), Some(&b"hat\nbag\n"[..]));
    assert!(blob.output_scale(name("scores")).expect("a tap").iter().eq([0.5, 0.25]));
    let mut memory = vec![0; blob.memory_len(2)];
    let mut frontend = Frontend::new(&blob, ImageSize::square(2), &mut memory).expect("fits");
    // Averages: red 10, green (1 + 2 + 3 + 4 + 2) / 4 = 3 with the half up, blue 20.
    let image = [10, 1, 20, 10, 2, 20, 10, 3, 20, 10, 4, 20];
    let mut rows = Vec::new();
    frontend
        .run_frame(&image, |row| rows.push((row.tap, row.channels, sums(row.values).collect())))
        .expect("a frame");
    // 8 + 10 + 6 + 60 = 84 and -4 - 10 + 100 = 86, a quarter of each: 21, and 21.5
    // rounded up or to even by the contract, 22.
    let hidden = [21, 22];
    let expected: Vec<i32> =
        vec![8 + hidden[0] - 2 * hidden[1], -4 + 3 * hidden[0] + 4 * hidden[1]];
    assert_eq!(rows, [(name("scores"), 8, expected)]);
}

#[track_caller]
fn refused(bytes: &Bytes, expected: &str) {
    let error = Blob::open(bytes.as_slice()).expect_err("refused").to_string();
    assert!(error.contains(expected), "{error}");
}

/// Changes bytes of the blob and mends its CRC-32.
fn damaged(mut bytes: Bytes, change: impl FnOnce(&mut [u8])) -> Bytes {
    let len = bytes.len;
    let slice = &mut bytes.as_mut_slice()[..len];
    change(slice);
    let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&slice[40..]);
    slice[32..36].copy_from_slice(&crc32.to_le_bytes());
    bytes
}

#[test]
fn what_a_dense_layer_may_not_have_is_refused() {
    refused(&blob(Sums::Words, Sums::Words, WEIGHTS), "hands out its sums and is not the last");
    refused(&blob(Sums::Words, Sums::Bytes, [1, -128, 3, 0, 0, 0]), "-128");
    let sound = || blob(Sums::Words, Sums::Bytes, WEIGHTS);
    let payload_len = |bytes: &Bytes| {
        u32::from_le_bytes(bytes.as_slice()[28..32].try_into().expect("four")) as usize
    };
    let start = |bytes: &Bytes| bytes.len - payload_len(bytes);
    // Behind the three weights of the first output stand thirteen zeros.
    let bytes = sound();
    let at = start(&bytes) + 3;
    assert!(Blob::open(bytes.as_slice()).is_ok());
    let error = damaged(bytes, |bytes| bytes[at] = 1);
    let error = Blob::open(error.as_slice()).expect_err("not zero");
    assert!(matches!(error, OpenError::Padding { channel: 0, .. }), "{error}");
    // The second layer's channels begin behind 32 bytes of weights, 64 of channels
    // and its own 32 of weights; its requantisation is not used.
    let bytes = sound();
    let at = start(&bytes) + 32 + 64 + 32 + 8;
    let error = damaged(bytes, |bytes| bytes[at] = 40);
    let error = Blob::open(error.as_slice()).expect_err("used").to_string();
    assert!(error.contains("dense2"), "{error}");
    // The sum of weights.
    let bytes = sound();
    let at = start(&bytes) + 32 + 12;
    let error = damaged(bytes, |bytes| bytes[at] ^= 1);
    let error = Blob::open(error.as_slice()).expect_err("another sum");
    assert!(matches!(error, OpenError::WeightSum { channel: 0, .. }), "{error}");
}
