//! The format: round trip, golden bytes, damage.

use lcl_infer::blob::write::EmitError;
use lcl_infer::blob::{ALIGNMENT, Golden, MAX_SCALE, MIN_SCALE, SECTION_LABELS};
use lcl_infer::parameters::{Channel, ConvParameters, Operation, Requant, accumulator_bound};
use lcl_infer::{
    Architecture, Blob, Contract, ConvGeometry, InputFormat, Name, OpenError, PoolOrder, V1, V2,
    blob_len,
};

use crate::model::{Bytes, GOLDEN, Model, two_areas};

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Returns the convolutions of a blob.
fn convolutions<'a>(blob: &Blob<'a>) -> Vec<ConvParameters<'a>> {
    let operations = blob.layers().map(|layer| layer.operation);
    let conv = |operation| if let Operation::Conv(conv) = operation { Some(conv) } else { None };
    operations.filter_map(conv).collect()
}

const PREAMBLE_LEN: usize = 40;

#[test]
fn round_trip() {
    let mut model = Model::tiny(PoolOrder::BlurMax, 1);
    let bytes = model.blob();
    let blob = bytes.open();
    assert_eq!(blob_len(&bytes.as_slice()[..PREAMBLE_LEN]), Ok(bytes.len));
    assert_eq!(blob.architecture(), Some(model.architecture));
    assert_eq!((blob.len(), blob.input(), blob.golden()), (4, InputFormat::Rgb888, GOLDEN));
    assert_eq!(blob.taps().collect::<Vec<_>>(), [V1, V2]);
    let convolutions = convolutions(&blob);
    assert_eq!(convolutions.len(), model.weights.len());
    for (got, expected) in convolutions.iter().zip(&model.weights) {
        let filters = (0..got.conv.geometry().out_c()).flat_map(|oc| got.conv.filter(oc));
        assert!(filters.eq(expected.weights.iter().copied()));
        assert!(got.conv.channels().iter().eq(expected.channels.iter().copied()));
        assert!(got.output_scale.iter().eq(expected.output_scale.iter().copied()));
    }
    for (tap, expected) in [V1, V2].into_iter().zip(&model.weights) {
        let scales = blob.output_scale(tap).expect("behind a convolution");
        assert!(scales.iter().eq(expected.output_scale.iter().copied()));
    }
    assert!(blob.output_scale(name("V4")).is_none() && blob.up_to(name("V4")).is_none());
}

#[test]
fn preamble_is_pinned() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let preamble = &bytes.as_slice()[..24];
    assert_eq!(preamble, b"LCLBLOB\n\x03\0\0\0lcl.u8.v1\0\0\0");
}

#[test]
fn truncated_anywhere_is_an_error() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    for len in 0..bytes.len {
        let error = Blob::open(&bytes.as_slice()[..len]).expect_err("truncated");
        assert!(matches!(error, OpenError::Truncated { got, .. } if got == len as u64), "{len}");
    }
}

#[test]
fn any_flipped_bit_is_an_error() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    for position in 0..bytes.len {
        for bit in 0..8 {
            bytes.as_mut_slice()[position] ^= 1 << bit;
            assert!(Blob::open(bytes.as_slice()).is_err(), "byte {position}, bit {bit}");
            bytes.as_mut_slice()[position] ^= 1 << bit;
        }
    }
    bytes.open();
}

#[test]
fn trailing_bytes_are_an_error() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let expected = bytes.len as u64;
    bytes = Bytes::copy_of(&[bytes.as_slice(), &[0]].concat());
    let error = Blob::open(bytes.as_slice()).expect_err("one byte more");
    assert_eq!(error, OpenError::TrailingBytes { expected, got: expected + 1 });
}

#[test]
fn misaligned_is_an_error() {
    let sound = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    for offset in 1..ALIGNMENT {
        let shifted = Bytes::copy_of(&[&vec![0; offset], sound.as_slice()].concat());
        let error = Blob::open(&shifted.as_slice()[offset..]).expect_err("misaligned");
        assert_eq!(error, OpenError::Misaligned { expected: ALIGNMENT, got: offset });
    }
}

#[test]
fn other_versions_say_what_to_do() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let again = "quantise the checkpoint again";
    for (version, remedy) in [(1, again), (2, again), (4, "update the program")] {
        bytes.as_mut_slice()[8] = version;
        let error = Blob::open(bytes.as_slice()).expect_err("another version");
        assert_eq!(error, OpenError::Version { expected: 3, got: version.into() });
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn other_contract_is_named() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    bytes.as_mut_slice()[20] = b'9';
    let error = Blob::open(bytes.as_slice()).expect_err("another contract");
    assert!(error.to_string().contains("\"lcl.u8.v9\""), "{error}");
    assert!(error.to_string().contains("update the program"), "{error}");
    // One that is known, and newer than what the layers ask for.
    bytes.as_mut_slice()[20] = b'2';
    let error = Blob::open(bytes.as_slice()).expect_err("no layer asks for it");
    let (expected, got) = (Contract::V1, Contract::V2);
    assert_eq!(error, OpenError::NewestContract { expected, got });
}

#[test]
fn not_a_blob_is_told() {
    let error = Blob::open(&[0x89; 64]).expect_err("no blob");
    assert_eq!(error, OpenError::NotABlob);
}

/// States the CRC-32 of the bytes in their preamble.
pub fn mend_crc(bytes: &mut [u8]) {
    let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[PREAMBLE_LEN..]);
    bytes[32..36].copy_from_slice(&crc32.to_le_bytes());
}

/// Changes bytes after the preamble, makes the CRC-32 right again, and opens.
#[track_caller]
fn check_forged(forge: impl FnOnce(&mut [u8]), expected: fn(&OpenError) -> bool) {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    forge(&mut bytes.as_mut_slice()[PREAMBLE_LEN..]);
    mend_crc(bytes.as_mut_slice());
    let error = Blob::open(bytes.as_slice()).expect_err("forged");
    assert!(expected(&error), "{error:?}: {error}");
}

/// Position in the body of the first layer, `conv1`: after the input format, the
/// golden image (seed 7, side 24) and the number of layers.
const CONV1: usize = 4;

/// Positions within `conv1`, after its kind, its name and its tap of none.
const CONV1_CONTRACT: usize = CONV1 + 8;
const CONV1_GEOMETRY: usize = CONV1_CONTRACT + 2;
const CONV1_SECTIONS: usize = CONV1_GEOMETRY + 7;

/// Position of `pool1`, behind the sections (0 and 128, 128 and 64, lengths of
/// 128 and more in two bytes) and four scales with their length.
const POOL1: usize = CONV1_SECTIONS + 6 + 17;

/// Position of `conv2`, behind kind, name, tap and CRC-32 of `pool1`, its
/// contract, its transform and its order.
fn conv2() -> usize {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    model.blob();
    let varint_len = |value: u32| (32 - value.leading_zeros()).div_ceil(7).max(1) as usize;
    POOL1 + 1 + 6 + 1 + 3 + varint_len(model.crc32[0]) + 3
}

#[test]
fn layers_are_where_the_page_on_the_format_says() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let body = &bytes.as_slice()[PREAMBLE_LEN..];
    assert_eq!(body[..CONV1], [0, 7, 24, 4]);
    assert_eq!(body[CONV1..CONV1_CONTRACT], *b"\0\x05conv1\0");
    assert_eq!(body[CONV1_CONTRACT..CONV1_GEOMETRY], [1, 0]);
    assert_eq!(body[CONV1_GEOMETRY..CONV1_SECTIONS], [3, 4, 3, 2, 1, 0, 0]);
    assert_eq!(body[CONV1_SECTIONS..CONV1_SECTIONS + 7], [0, 0x80, 1, 0x80, 1, 64, 16]);
    assert_eq!(body[POOL1..POOL1 + 11], *b"\x01\x05pool1\x01\x02V1");
    assert_eq!(body[conv2()..conv2() + 8], *b"\0\x05conv2\0");
}

#[test]
fn unknown_layer_is_named() {
    for (position, index, layer) in [(CONV1, 0, "conv1"), (conv2(), 2, "conv2")] {
        let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
        bytes.as_mut_slice()[PREAMBLE_LEN + position] = 9;
        mend_crc(bytes.as_mut_slice());
        let error = Blob::open(bytes.as_slice()).expect_err("no such kind");
        assert_eq!(error, OpenError::UnknownLayer { index, layer: name(layer), kind: 9 });
        assert!(error.to_string().contains(layer), "{error}");
    }
}

#[test]
fn names_are_checked() {
    check_forged(|body| body[CONV1 + 2] = b' ', |e| *e == OpenError::Name);
    check_forged(|body| body[CONV1 + 2] = 0xff, |e| *e == OpenError::Name);
    let at = conv2() + 2;
    check_forged(
        move |body| body[at..at + 5].copy_from_slice(b"pool1"),
        |e| matches!(e, OpenError::NameTwice { name } if name.as_str() == "pool1"),
    );
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    let layers = model.architecture.layers();
    let mut twice = [layers[0], layers[1], layers[2], layers[3]];
    twice[2].tap = Some(V1);
    model.architecture = Architecture::new(InputFormat::Rgb888, &twice).expect("they fit");
    let error = Blob::open(model.emit(GOLDEN).as_slice()).expect_err("two taps of one name");
    assert_eq!(error, OpenError::NameTwice { name: V1 });
}

#[test]
fn what_is_to_come_is_told_from_damage() {
    check_forged(
        |body| body[CONV1_CONTRACT] = 2,
        |e| matches!(e, OpenError::LayerContract { expected: 1, got: 2, .. }),
    );
    check_forged(
        |body| body[CONV1_CONTRACT + 1] = 100,
        |e| matches!(e, OpenError::Transform { got: 100, .. }),
    );
    check_forged(
        |body| body[CONV1_GEOMETRY + 6] = 1,
        |e| matches!(e, OpenError::Sums { got: 1, .. }),
    );
    // The number of layers, and of the golden image's side.
    check_forged(
        |body| body[CONV1 - 1] = 13,
        |e| *e == OpenError::LayerCount { largest: 12, got: 13 },
    );
    check_forged(|body| body[CONV1 - 1] = 0, |e| matches!(e, OpenError::LayerCount { got: 0, .. }));
}

#[test]
fn last_layer_has_a_tap() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1);
    bytes.blob();
    // A chain that ends with the first convolution, which has no tap.
    check_forged(|body| body[CONV1 - 1] = 1, |e| !matches!(e, OpenError::NoTap { .. }));
    let untapped = bytes.with_spec(GOLDEN, |spec| {
        let mut layers = spec.layers.to_vec();
        layers.truncate(3);
        let spec = lcl_infer::blob::write::BlobSpec { layers: &layers, ..*spec };
        let mut bytes = Bytes::zeros(spec.max_len());
        bytes.len = spec.emit(bytes.as_mut_slice()).expect("max_len is enough");
        bytes
    });
    let error = Blob::open(untapped.as_slice()).expect_err("rows that are lost");
    assert_eq!(error, OpenError::NoTap { layer: name("conv2") });
}

#[test]
fn geometry_is_checked() {
    const AT: usize = CONV1_GEOMETRY;
    // in_c, out_c, kernel, stride, padding, border.
    for (offset, value) in [(2, 0), (2, 16), (3, 0), (4, 2)] {
        check_forged(
            move |body| body[AT + offset] = value,
            |e| matches!(e, OpenError::Geometry { layer } if layer.as_str() == "conv1"),
        );
    }
    check_forged(
        |body| body[AT] = 4,
        |e| matches!(e, OpenError::InputChannels { expected: 3, got: 4, .. }),
    );
    check_forged(
        |body| body[AT + 1] = 5,
        |e| matches!(e, OpenError::SectionLen { expected: 256, got: 128, .. }),
    );
    check_forged(|body| body[AT + 5] = 2, |e| *e == OpenError::Header);
    // Zero padding is of another contract.
    check_forged(
        |body| body[AT + 5] = 1,
        |e| matches!(e, OpenError::LayerContract { expected: 2, got: 1, .. }),
    );
    let order = conv2() - 1;
    check_forged(move |body| body[order] = 3, |e| *e == OpenError::Header);
}

#[test]
fn sections_of_layers_are_checked() {
    check_forged(
        |body| body[CONV1_SECTIONS] = 1,
        |e| matches!(e, OpenError::SectionRange { offset: 1, .. }),
    );
    // The weights of conv2 start at 192, in two bytes.
    let offset = conv2() + 8 + 2 + 7;
    check_forged(
        move |body| {
            assert_eq!(body[offset..offset + 2], [0xc0, 0x01]);
            body[offset..offset + 2].copy_from_slice(&[0xf0, 0x7f]);
        },
        |e| matches!(e, OpenError::SectionRange { offset: 0x3ff0, .. }),
    );
}

#[test]
fn other_sections_are_read_and_passed_over() {
    let labels = b"cat\ndog\n".to_vec();
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    let plain = model.blob();
    model.sections = vec![(SECTION_LABELS, labels.clone()), (900, vec![7; 40])];
    let bytes = model.blob();
    let blob = bytes.open();
    assert_eq!(blob.section(SECTION_LABELS), Some(&labels[..]));
    assert_eq!(blob.section(900), Some(&[7; 40][..]));
    assert_eq!((blob.section(2), plain.open().section(SECTION_LABELS)), (None, None));
    // What fills up the last section is not free.
    let mut forged = bytes.clone();
    let end = forged.len - 1;
    forged.as_mut_slice()[end] = 1;
    mend_crc(forged.as_mut_slice());
    let error = Blob::open(forged.as_slice()).expect_err("a byte that is not zero");
    assert_eq!(error, OpenError::Section { kind: 900 });
    for kinds in [[900, SECTION_LABELS], [3, 3], [0, 1]] {
        model.sections = kinds.map(|kind| (kind, labels.clone())).to_vec();
        let error = Blob::open(model.emit(GOLDEN).as_slice()).expect_err("out of order");
        assert!(matches!(error, OpenError::SectionKind { .. }), "{error}");
    }
    model.sections = (1..10).map(|kind| (kind, Vec::new())).collect();
    let error = Blob::open(model.emit(GOLDEN).as_slice()).expect_err("too many");
    assert_eq!(error, OpenError::SectionCount { largest: 8, got: 9 });
}

#[test]
fn numbers_are_checked() {
    let sound = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = sound.open();
    let base = sound.as_slice().as_ptr().addr() + PREAMBLE_LEN;
    let conv1 = convolutions(&blob)[0].conv;
    let weights = conv1.weights().as_ptr().addr() - base;
    let channels = weights + conv1.weights().len();

    check_forged(
        move |body| body[weights + 4] = 0x80,
        |e| *e == OpenError::Weight { layer: name("conv1"), channel: 1 },
    );
    // 27 taps: the last quad of seven has three, and the eighth none.
    check_forged(
        move |body| body[weights + 6 * 16 + 2 * 4 + 3] = 1,
        |e| *e == OpenError::Padding { layer: name("conv1"), channel: 2 },
    );
    check_forged(
        move |body| body[weights + 7 * 16] = 1,
        |e| *e == OpenError::Padding { layer: name("conv1"), channel: 0 },
    );
    check_forged(
        move |body| body[channels + 16 + 12] ^= 1,
        |e| {
            matches!(e, OpenError::WeightSum { channel: 1, expected, got, .. }
            if expected ^ got == 1)
        },
    );
    check_forged(
        move |body| body[channels + 4..channels + 8].copy_from_slice(&5_i32.to_le_bytes()),
        |e| *e == OpenError::Multiplier { layer: name("conv1"), channel: 0, got: 5 },
    );
    for shift in [30_i32, 63, -1, 1 << 20] {
        check_forged(
            move |body| body[channels + 8..channels + 12].copy_from_slice(&shift.to_le_bytes()),
            |e| matches!(e, OpenError::Shift { channel: 0, .. }),
        );
    }
    check_forged(
        move |body| body[channels..channels + 4].copy_from_slice(&i32::MAX.to_le_bytes()),
        |e| matches!(e, OpenError::Accumulator { channel: 0, .. }),
    );
    check_forged(
        move |body| body[channels..channels + 4].copy_from_slice(&i32::MIN.to_le_bytes()),
        |e| matches!(e, OpenError::Accumulator { channel: 0, .. }),
    );
}

#[test]
fn padding_channels_are_checked() {
    let sound = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = sound.open();
    let base = sound.as_slice().as_ptr().addr() + PREAMBLE_LEN;
    // It has three channels: the fourth is padding.
    let conv2 = convolutions(&blob)[1].conv;
    let weights = conv2.weights().as_ptr().addr() - base;
    let words = conv2.channels().words().as_ptr().addr() - base;
    for position in [weights + 3 * 4, words + 3 * 16, words + 3 * 16 + 12] {
        check_forged(
            move |body| body[position] = 1,
            |e| *e == OpenError::Padding { layer: name("conv2"), channel: 3 },
        );
    }
}

#[test]
fn scales_are_checked() {
    let [below, above] = [MIN_SCALE.to_bits() - 1, MAX_SCALE.to_bits() + 1].map(f32::from_bits);
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 3.4e38, 1.2e-38, below, above] {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        model.weights[1].output_scale[2] = scale;
        let bytes = model.emit(GOLDEN);
        let error = Blob::open(bytes.as_slice()).expect_err("no scale");
        assert!(matches!(error, OpenError::Scale { channel: 2, .. }), "{error}");
        assert!(error.to_string().ends_with("it is 2^-100 to 2^100"), "{error}");
    }
    for scale in [MIN_SCALE, MAX_SCALE] {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        model.weights[1].output_scale[2] = scale;
        model.blob().open();
    }
}

#[test]
fn golden_image_is_checked() {
    for side in [0, 4, 225, u16::MAX] {
        let golden = Golden { seed: 7, side };
        let bytes = Model::tiny(PoolOrder::MaxBlur, 1).emit(golden);
        let error = Blob::open(bytes.as_slice()).expect_err("no such image");
        assert!(matches!(error, OpenError::Golden { got, .. } if got == side.into()), "{error}");
    }
}

#[test]
fn accumulator_that_just_fits_is_accepted() {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    let filter = &model.weights[0].weights[..27];
    let magnitude = filter.iter().map(|weight| i64::from(weight.unsigned_abs())).sum();
    let room = i64::from(i32::MAX) - accumulator_bound(0, magnitude);
    let requant = Requant::new(1 << 30, 62).expect("in range");
    model.weights[0].channels[0] = Channel { bias: i32::try_from(room).expect("fits"), requant };
    model.blob().open();
}

/// Makes lengths and CRC-32 right again and returns why the blob is not opened.
fn refused(mut bytes: Vec<u8>, header_len: usize) -> OpenError {
    let payload_start = (PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    let lens = [header_len, bytes.len() - payload_start];
    let [header_len, payload_len] = lens.map(|len| u32::try_from(len).expect("small"));
    bytes[24..28].copy_from_slice(&header_len.to_le_bytes());
    bytes[28..32].copy_from_slice(&payload_len.to_le_bytes());
    let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(&bytes[PREAMBLE_LEN..]);
    bytes[32..36].copy_from_slice(&crc32.to_le_bytes());
    Blob::open(Bytes::copy_of(&bytes).as_slice()).expect_err("another encoding")
}

/// Returns the bytes of a sound blob, and the length of its header.
fn sound() -> (Vec<u8>, usize) {
    sound_with(Vec::new())
}

fn sound_with(sections: Vec<(u32, Vec<u8>)>) -> (Vec<u8>, usize) {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    model.sections = sections;
    let bytes = model.blob().as_slice().to_vec();
    let header_len = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes"));
    (bytes, usize::try_from(header_len).expect("small"))
}

/// Returns a sound blob with bytes between its header and its payload.
fn sound_with_gap() -> (Vec<u8>, usize) {
    let (bytes, header_len) = sound_with(vec![(SECTION_LABELS, vec![b'a'; 16])]);
    assert_ne!((PREAMBLE_LEN + header_len) % ALIGNMENT, 0, "the test's blob has such bytes");
    (bytes, header_len)
}

#[test]
fn byte_between_header_and_payload_is_not_free() {
    let (bytes, header_len) = sound_with_gap();
    let gap = PREAMBLE_LEN + header_len..(PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    for position in gap {
        let mut bytes = bytes.clone();
        bytes[position] = 1;
        assert_eq!(refused(bytes, header_len), OpenError::HeaderPadding);
    }
}

#[test]
fn bytes_behind_the_last_table_are_not_free() {
    let (mut bytes, header_len) = sound();
    let start = (PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    let expected = bytes.len() - start;
    for more in [1, 16, 64] {
        bytes.resize(start + expected + more, 0);
        let error = refused(bytes.clone(), header_len);
        assert_eq!(error, OpenError::PayloadLen { expected, got: expected + more });
    }
}

#[test]
fn bytes_before_the_first_table_are_not_free() {
    let (mut bytes, header_len) = sound();
    // The lower bytes of the offsets 0, 128, 192 and 384 in the header.
    let second = conv2() + 8 + 2 + 7;
    let offsets = [CONV1_SECTIONS, CONV1_SECTIONS + 3, second, second + 4];
    let offsets = offsets.map(|field| PREAMBLE_LEN + field);
    assert_eq!(offsets.map(|position| bytes[position]), [0, 0x80, 0xc0, 0x80]);
    for position in offsets {
        bytes[position] += 16;
    }
    let start = (PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    bytes.splice(start..start, [0; 16]);
    assert_eq!(
        refused(bytes, header_len),
        OpenError::SectionOffset { layer: name("conv1"), expected: 0, got: 16 }
    );
}

#[test]
fn number_has_one_encoding() {
    let (mut bytes, header_len) = sound_with_gap();
    let start = (PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    // The seed, 7, in two bytes; the gap has room for it.
    assert_eq!(bytes[PREAMBLE_LEN + 1], 7);
    bytes[PREAMBLE_LEN + 1] = 0x87;
    bytes.insert(PREAMBLE_LEN + 2, 0);
    bytes.remove(start);
    let got = header_len + 1;
    assert_eq!(refused(bytes, got), OpenError::HeaderLen { expected: header_len, got });
}

#[test]
fn whatever_opens_is_what_is_written() {
    for (seed, pool) in (1..20).zip(PoolOrder::ALL.into_iter().cycle()) {
        let mut model = Model::tiny(pool, seed);
        let bytes = model.blob();
        let again = model.emit(bytes.open().golden());
        assert_eq!(bytes.as_slice(), again.as_slice());
    }
}

#[test]
fn table_of_another_length_is_not_written() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Model), expected: (&str, &'static str, usize, usize)) {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        change(&mut model);
        let (layer, table, expected, got) = expected;
        let error = model.try_emit(GOLDEN).expect_err("a table too short or too long");
        assert_eq!(error, EmitError::TableLen { layer: name(layer), table, expected, got });
    }
    check(|model| model.weights[0].weights.truncate(107), ("conv1", "weights", 108, 107));
    check(|model| model.weights[0].weights.push(1), ("conv1", "weights", 108, 109));
    check(|model| model.weights[1].weights.clear(), ("conv2", "weights", 108, 0));
    check(|model| model.weights[1].channels.truncate(2), ("conv2", "channels", 3, 2));
    check(|model| model.weights[0].output_scale.push(1.0), ("conv1", "scales", 4, 5));
}

#[test]
fn slice_that_is_too_short_is_told() {
    let model = Model::tiny(PoolOrder::MaxBlur, 1);
    let len = model.emit(GOLDEN).len;
    model.with_spec(GOLDEN, |spec| {
        let mut out = vec![0; spec.max_len()];
        for got in 0..spec.max_len() {
            let written = spec.emit(&mut out[..got]);
            let expected = EmitError::Space { expected: spec.max_len(), got };
            assert_eq!(written, if got < len { Err(expected) } else { Ok(len) }, "{got} bytes");
        }
    });
}

#[test]
fn layers_too_large_for_any_golden_image_are_told() {
    let conv1 = ConvGeometry::new(3, 1, 15, 8, 0).expect("valid");
    let conv2 = ConvGeometry::new(1, 1, 15, 8, 0).expect("valid");
    let model = Model::random(two_areas([conv1, conv2], PoolOrder::MaxBlur), 1);
    for side in [64, 239] {
        let golden = Golden { seed: 7, side };
        let error = Blob::open(model.emit(golden).as_slice()).expect_err("no such image");
        assert_eq!(error, OpenError::MinImageSide { smallest: 239, largest: 224 });
        assert!(error.to_string().contains("at most 224"), "{error}");
    }
}
