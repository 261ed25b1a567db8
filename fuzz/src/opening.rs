//! Opening any bytes.

use std::sync::LazyLock;

use lcl_infer::golden::GoldenImage;
use lcl_infer::parameters::{LayerParameters, Operation};
use lcl_infer::{Blob, ImageSize, Name, PoolOrder, blob_len, self_test};

use crate::aligned::{Aligned, mend_crc, mend_preamble};
use crate::model;

/// Most multiply-accumulates of a self-test that is run.
const MAX_MACS: u64 = 1 << 20;

static SOUND: LazyLock<Aligned> = LazyLock::new(|| model::tiny(PoolOrder::MaxBlur, 1));

/// Opens `data` behind its first byte, which says how it is mended and how far
/// it lies from an aligned address.
///
/// # Panics
///
/// Panics where lcl-infer breaks a promise.
pub fn open(data: &[u8]) {
    let Some((&mode, data)) = data.split_first() else {
        return;
    };
    let mut bytes = Aligned::copy_off(data, if mode & 4 == 0 { 0 } else { (mode >> 4).into() });
    match mode & 3 {
        0 => {}
        1 => mend_crc(bytes.as_mut_slice()),
        _ => mend_preamble(bytes.as_mut_slice(), SOUND.as_slice()),
    }
    let bytes = bytes.as_slice();
    let cut = match blob_len(bytes) {
        Ok(len) => bytes.get(..len),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    };
    match Blob::open(bytes) {
        Ok(blob) => {
            assert_eq!(cut, Some(bytes), "blob_len is the length of a blob that opens");
            read_all(&blob);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Some(cut) = cut.filter(|cut| cut.len() < bytes.len()) {
        if let Ok(blob) = Blob::open(cut) {
            read_all(&blob);
        }
    }
}

/// Reads everything that a blob offers, and runs its self-test where that is
/// soon done.
fn read_all(blob: &Blob<'_>) {
    assert_eq!(blob.layers().count(), blob.len());
    blob.layers().for_each(|layer| read_layer(&layer));
    let side = usize::from(blob.golden().side);
    let architecture = blob.architecture().expect("the layers were checked");
    assert_eq!(architecture.min_image_side(), blob.min_image_side());
    for tap in blob.taps() {
        let chain = blob.up_to(tap).expect("the blob has it");
        assert_eq!(chain.architecture(), architecture.up_to(tap));
        let scales = chain.output_scale(tap).map(|scales| scales.len());
        let channels = architecture.map_of(tap, side).map(|(_, channels)| channels);
        assert!(scales.is_none() || scales == channels, "{tap}: {scales:?}, {channels:?}");
    }
    for kind in 0..4 {
        assert!(blob.section(kind).is_none_or(|bytes| bytes.len() < 1 << 31));
    }
    if crate::streaming::macs(blob, ImageSize::square(side)) > MAX_MACS {
        return;
    }
    let mut memory = vec![0x55; lcl_infer::self_test_memory_len(blob)];
    if let Err(error) = self_test(blob, &mut memory) {
        assert!(!error.to_string().is_empty());
    }
    let golden = GoldenImage { seed: blob.golden().seed, side };
    golden.fill_row(u32::MAX, &mut memory);
}

fn read_layer(layer: &LayerParameters<'_>) {
    assert!(Name::new(layer.name.as_str()) == Some(layer.name), "{layer:?}");
    let Operation::Conv(parameters) = layer.operation else { return };
    let conv = parameters.conv;
    assert_eq!(conv.channels().iter().count(), conv.geometry().out_c());
    for (channel, scale) in conv.channels().iter().zip(parameters.output_scale.iter()) {
        assert!(scale > 0.0 && scale.is_finite());
        let sums = [i32::MIN, -1, 0, channel.bias, i32::MAX];
        let [low, .., high] = sums.map(|acc| channel.requant.requantise(acc));
        assert!(low == 0 && channel.requant.requantise(channel.bias) <= high);
    }
}

/// Returns the bytes that [`open`] starts from: a sound blob in each mode.
#[must_use]
pub fn opening_seed(index: u8) -> Vec<u8> {
    let pool = PoolOrder::ALL[usize::from(index) % PoolOrder::ALL.len()];
    let mode = index % 3;
    [&[mode], model::tiny(pool, index.into()).as_slice()].concat()
}
