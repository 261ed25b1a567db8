//! The format: round trip, golden bytes, damage.

use lcl_infer::{
    ALIGNMENT, Blob, Channel, ConvGeometry, EmitError, Golden, MAX_SCALE, MIN_SCALE, OpenError,
    PoolOrder, Requant, accumulator_bound, blob_len,
};

use crate::model::{Bytes, Model};

const PREAMBLE_LEN: usize = 40;

#[test]
fn round_trip() {
    let model = Model::tiny(PoolOrder::BlurMax, 1);
    let bytes = model.blob();
    let blob = bytes.open();
    assert_eq!(blob_len(&bytes.as_slice()[..PREAMBLE_LEN]), Ok(bytes.len));
    for (stage, expected) in blob.stages().iter().zip(&model.stages) {
        assert_eq!(stage.conv.geometry(), expected.conv);
        assert_eq!(stage.pool, expected.pool);
        let filters = (0..expected.conv.out_c()).flat_map(|oc| stage.conv.filter(oc));
        assert!(filters.eq(expected.weights.iter().copied()));
        assert!(stage.conv.channels().iter().eq(expected.channels.iter().copied()));
        assert!(stage.output_scale.iter().eq(expected.output_scale.iter().copied()));
    }
}

#[test]
fn preamble_is_pinned() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let preamble = &bytes.as_slice()[..24];
    assert_eq!(preamble, b"LCLBLOB\n\x02\0\0\0lcl.u8.v1\0\0\0");
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
    for (version, remedy) in [(1, "quantise the checkpoint again"), (3, "update the program")] {
        bytes.as_mut_slice()[8] = version;
        let error = Blob::open(bytes.as_slice()).expect_err("another version");
        assert_eq!(error, OpenError::Version { expected: 2, got: version.into() });
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn other_contract_is_named() {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    bytes.as_mut_slice()[20] = b'2';
    let error = Blob::open(bytes.as_slice()).expect_err("another contract");
    assert!(error.to_string().contains("\"lcl.u8.v2\""), "{error}");
}

#[test]
fn not_a_blob_is_told() {
    let error = Blob::open(&[0x89; 64]).expect_err("no blob");
    assert_eq!(error, OpenError::NotABlob);
}

/// Changes bytes after the preamble, makes the CRC-32 right again, and opens.
#[track_caller]
fn check_forged(forge: impl FnOnce(&mut [u8]), expected: fn(&OpenError) -> bool) {
    let mut bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let (preamble, body) = bytes.as_mut_slice().split_at_mut(PREAMBLE_LEN);
    forge(body);
    let crc32 = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(body);
    preamble[32..36].copy_from_slice(&crc32.to_le_bytes());
    let error = Blob::open(bytes.as_slice()).expect_err("forged");
    assert!(expected(&error), "{error:?}: {error}");
}

/// Position in the body of the first layer: after the input format, the golden
/// vector (seed 7, side 24, two CRCs) and the number of layers.
fn first_layer() -> usize {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let golden = bytes.open().golden();
    let varint_len = |value: u32| (32 - value.leading_zeros()).div_ceil(7).max(1) as usize;
    let crcs = varint_len(golden.v1_crc32) + varint_len(golden.v2_crc32);
    1 + varint_len(golden.seed) + varint_len(golden.side.into()) + crcs + 1
}

#[test]
fn unknown_layer_is_named() {
    let layer = first_layer();
    check_forged(
        |body| body[layer] = 9,
        |error| *error == OpenError::UnknownLayer { index: 0, kind: 9 },
    );
}

#[test]
fn geometry_is_checked() {
    let layer = first_layer();
    // Kind, in_c, out_c, kernel, stride, padding, pool.
    check_forged(|body| body[layer + 3] = 0, |e| *e == OpenError::Geometry { stage: 1 });
    check_forged(|body| body[layer + 3] = 16, |e| *e == OpenError::Geometry { stage: 1 });
    check_forged(|body| body[layer + 4] = 0, |e| *e == OpenError::Geometry { stage: 1 });
    check_forged(|body| body[layer + 5] = 2, |e| *e == OpenError::Geometry { stage: 1 });
    check_forged(
        |body| body[layer + 1] = 4,
        |e| *e == OpenError::InputChannels { stage: 1, expected: 3, got: 4 },
    );
    check_forged(
        |body| body[layer + 2] = 5,
        |e| matches!(e, OpenError::SectionLen { stage: 1, expected: 256, got: 128 }),
    );
    check_forged(|body| body[layer + 6] = 3, |e| *e == OpenError::Header);
}

#[test]
fn sections_are_checked() {
    let layer = first_layer();
    // After the pool: offset and length of the weights.
    check_forged(
        |body| body[layer + 7] = 1,
        |e| matches!(e, OpenError::SectionRange { stage: 1, offset: 1, .. }),
    );
    // Stage 2 follows 30 bytes later; its weights start at 192, in two bytes.
    let offset = layer + 30 + 7;
    check_forged(
        |body| {
            assert_eq!(body[offset..offset + 2], [0xc0, 0x01]);
            body[offset..offset + 2].copy_from_slice(&[0xf0, 0x7f]);
        },
        |e| matches!(e, OpenError::SectionRange { stage: 2, offset: 0x3ff0, .. }),
    );
}

#[test]
fn numbers_are_checked() {
    let sound = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = sound.open();
    let base = sound.as_slice().as_ptr().addr() + PREAMBLE_LEN;
    let weights = blob.stages()[0].conv.packed_weights().as_ptr().addr() - base;
    let channels =
        weights + blob.stages()[0].conv.packed_weights().len().next_multiple_of(ALIGNMENT);

    check_forged(
        move |body| body[weights + 4] = 0x80,
        |e| *e == OpenError::Weight { stage: 1, channel: 1 },
    );
    // 27 taps: the last quad of seven has three, and the eighth none.
    check_forged(
        move |body| body[weights + 6 * 16 + 2 * 4 + 3] = 1,
        |e| *e == OpenError::Padding { stage: 1, channel: 2 },
    );
    check_forged(
        move |body| body[weights + 7 * 16] = 1,
        |e| *e == OpenError::Padding { stage: 1, channel: 0 },
    );
    check_forged(
        move |body| body[channels + 16 + 12] ^= 1,
        |e| {
            matches!(e, OpenError::WeightSum { stage: 1, channel: 1, expected, got }
            if expected ^ got == 1)
        },
    );
    check_forged(
        move |body| body[channels + 4..channels + 8].copy_from_slice(&5_i32.to_le_bytes()),
        |e| *e == OpenError::Multiplier { stage: 1, channel: 0, got: 5 },
    );
    for shift in [30_i32, 63, -1, 1 << 20] {
        check_forged(
            move |body| body[channels + 8..channels + 12].copy_from_slice(&shift.to_le_bytes()),
            |e| matches!(e, OpenError::Shift { stage: 1, channel: 0, .. }),
        );
    }
    check_forged(
        move |body| body[channels..channels + 4].copy_from_slice(&i32::MAX.to_le_bytes()),
        |e| matches!(e, OpenError::Accumulator { stage: 1, channel: 0, .. }),
    );
    check_forged(
        move |body| body[channels..channels + 4].copy_from_slice(&i32::MIN.to_le_bytes()),
        |e| matches!(e, OpenError::Accumulator { stage: 1, channel: 0, .. }),
    );
}

#[test]
fn padding_channels_are_checked() {
    let sound = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = sound.open();
    let base = sound.as_slice().as_ptr().addr() + PREAMBLE_LEN;
    // Stage 2 has three channels: the fourth is padding.
    let weights = blob.stages()[1].conv.packed_weights().as_ptr().addr() - base;
    let words = blob.stages()[1].conv.channels().words().as_ptr().addr() - base;
    for position in [weights + 3 * 4, words + 3 * 16, words + 3 * 16 + 12] {
        check_forged(
            move |body| body[position] = 1,
            |e| *e == OpenError::Padding { stage: 2, channel: 3 },
        );
    }
}

#[test]
fn scales_are_checked() {
    let [below, above] = [MIN_SCALE.to_bits() - 1, MAX_SCALE.to_bits() + 1].map(f32::from_bits);
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 3.4e38, 1.2e-38, below, above] {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        model.stages[1].output_scale[2] = scale;
        let golden = Golden { seed: 7, side: 24, v1_crc32: 0, v2_crc32: 0 };
        let bytes = model.emit(golden);
        let error = Blob::open(bytes.as_slice()).expect_err("no scale");
        assert!(matches!(error, OpenError::Scale { stage: 2, channel: 2, .. }), "{error}");
        assert!(error.to_string().ends_with("it is 2^-100 to 2^100"), "{error}");
    }
    for scale in [MIN_SCALE, MAX_SCALE] {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        model.stages[1].output_scale[2] = scale;
        model.blob().open();
    }
}

#[test]
fn golden_image_is_checked() {
    for side in [0, 4, 65, u16::MAX] {
        let golden = Golden { seed: 7, side, v1_crc32: 0, v2_crc32: 0 };
        let bytes = Model::tiny(PoolOrder::MaxBlur, 1).emit(golden);
        let error = Blob::open(bytes.as_slice()).expect_err("no such image");
        assert!(matches!(error, OpenError::Golden { got, .. } if got == side.into()), "{error}");
    }
}

#[test]
fn accumulator_that_just_fits_is_accepted() {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
    let filter = &model.stages[0].weights[..27];
    let magnitude = filter.iter().map(|weight| i64::from(weight.unsigned_abs())).sum();
    let room = i64::from(i32::MAX) - accumulator_bound(0, magnitude);
    let requant = Requant::new(1 << 30, 62).expect("in range");
    model.stages[0].channels[0] = Channel { bias: i32::try_from(room).expect("fits"), requant };
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
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob().as_slice().to_vec();
    let header_len = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes"));
    (bytes, usize::try_from(header_len).expect("small"))
}

#[test]
fn byte_between_header_and_payload_is_not_free() {
    let (bytes, header_len) = sound();
    let gap = PREAMBLE_LEN + header_len..(PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    assert!(!gap.is_empty(), "the test's blob has such bytes");
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
    let offsets = [7, 10, 37, 41].map(|field| PREAMBLE_LEN + first_layer() + field);
    assert_eq!(offsets.map(|position| bytes[position]), [0, 0x80, 0xc0, 0x80]);
    for position in offsets {
        bytes[position] += 16;
    }
    let start = (PREAMBLE_LEN + header_len).next_multiple_of(ALIGNMENT);
    bytes.splice(start..start, [0; 16]);
    assert_eq!(
        refused(bytes, header_len),
        OpenError::SectionOffset { stage: 1, expected: 0, got: 16 }
    );
}

#[test]
fn number_has_one_encoding() {
    let (mut bytes, header_len) = sound();
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
        let model = Model::tiny(pool, seed);
        let bytes = model.blob();
        let again = model.emit(bytes.open().golden());
        assert_eq!(bytes.as_slice(), again.as_slice());
    }
}

#[test]
fn table_of_another_length_is_not_written() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Model), expected: (usize, &'static str, usize, usize)) {
        let mut model = Model::tiny(PoolOrder::MaxBlur, 1);
        change(&mut model);
        let (stage, table, expected, got) = expected;
        let golden = Golden { seed: 7, side: 24, v1_crc32: 0, v2_crc32: 0 };
        let error = model.try_emit(golden).expect_err("a table too short or too long");
        assert_eq!(error, EmitError::TableLen { stage, table, expected, got });
    }
    check(|model| model.stages[0].weights.truncate(107), (1, "weights", 108, 107));
    check(|model| model.stages[0].weights.push(1), (1, "weights", 108, 109));
    check(|model| model.stages[1].weights.clear(), (2, "weights", 108, 0));
    check(|model| model.stages[1].channels.truncate(2), (2, "channels", 3, 2));
    check(|model| model.stages[0].output_scale.push(1.0), (1, "scales", 4, 5));
}

#[test]
fn slice_that_is_too_short_is_told() {
    let model = Model::tiny(PoolOrder::MaxBlur, 1);
    let golden = Golden { seed: 7, side: 24, v1_crc32: 0, v2_crc32: 0 };
    let len = model.emit(golden).len;
    let spec = model.spec(golden);
    let mut out = vec![0; spec.max_len()];
    for got in 0..spec.max_len() {
        let written = spec.emit(&mut out[..got]);
        let expected = EmitError::Space { expected: spec.max_len(), got };
        assert_eq!(written, if got < len { Err(expected) } else { Ok(len) }, "{got} bytes");
    }
}

#[test]
fn stages_too_large_for_any_golden_image_are_told() {
    let conv1 = ConvGeometry::new(3, 1, 15, 8, 0).expect("valid");
    let conv2 = ConvGeometry::new(1, 1, 15, 8, 0).expect("valid");
    let model = Model::random([conv1, conv2], PoolOrder::MaxBlur, 1);
    for side in [64, 239] {
        let golden = Golden { seed: 7, side, v1_crc32: 0, v2_crc32: 0 };
        let error = Blob::open(model.emit(golden).as_slice()).expect_err("no such image");
        assert_eq!(error, OpenError::MinImageSide { smallest: 239, largest: 64 });
        assert!(error.to_string().contains("at most 64"), "{error}");
    }
}
