//! Blobs whose weights are transformed: the same model, the same bytes.

use lcl_infer::blob::write::EmitError;
use lcl_infer::kernels::{MAX_TILES, available};
use lcl_infer::shape::Border;
use lcl_infer::toom::{F2_3, F4_5, F6_3, Transform};
use lcl_infer::{
    Architecture, Blob, ConvGeometry, Frontend, ImageSize, InputFormat, Kernels, LCL_V2,
    LCL_V2_GRAY, Layer, LayerKind, OpenError, PoolOrder, fast_memory_len, self_test,
    self_test_memory_len,
};

use crate::model::{GOLDEN, Model, Random};

/// Returns all rows of all taps.
fn features(
    blob: &Blob<'_>,
    size: ImageSize,
    memory_len: usize,
    kernels: &'static Kernels,
) -> Vec<u8> {
    let mut memory = vec![0x55; memory_len];
    let mut frontend =
        Frontend::with_kernels(blob, size, &mut memory, kernels).expect("memory is enough");
    let image = Random(9).bytes(frontend.row_len() * size.height);
    let mut features = Vec::new();
    frontend.run_frame(&image, |row| features.extend_from_slice(row.values)).expect("an image");
    features
}

/// Checks that a model gives the same features and weights with and without
/// transforms, with every kernel and any memory that is enough.
#[track_caller]
fn check(architecture: &Architecture, size: ImageSize) {
    let small = Model::random(*architecture, 3).blob();
    let small = small.open();
    let expected =
        features(&small, size, small.memory_len(size.width), available().last().expect("one"));
    for before in 0..3 {
        let fast = Model::random(*architecture, 3).fast(before).blob();
        let fast = fast.open();
        assert_eq!(fast.architecture(), Some(*architecture));
        let transformed: Vec<_> = fast.convolutions().map(|it| it.conv.toom()).collect();
        assert!(transformed.iter().all(Option::is_some), "{transformed:?}");
        for (small, fast) in small.convolutions().zip(fast.convolutions()) {
            for oc in 0..small.conv.geometry().out_c() {
                assert!(fast.conv.filter(oc).eq(small.conv.filter(oc)), "channel {oc}");
            }
        }
        for kernels in available() {
            for tiles in 1..=MAX_TILES {
                let memory_len = fast.memory_len_with(size.width, tiles);
                let most = fast_memory_len(architecture, size.width, tiles);
                assert!(
                    memory_len <= most && (tiles > 1 || memory_len == fast.memory_len(size.width))
                );
                let got = features(&fast, size, memory_len, kernels);
                assert!(got == expected, "{} with {tiles} tiles, {before}", kernels.name);
            }
        }
        let mut memory = vec![0; self_test_memory_len(&fast)];
        self_test(&fast, &mut memory).expect("the golden image is that of the other layout");
        for (small, fast) in small.layers().zip(fast.layers()) {
            assert_eq!(small.golden_crc32, fast.golden_crc32);
        }
    }
}

#[test]
fn published_model() {
    check(&LCL_V2, ImageSize { width: 48, height: 24 });
}

#[test]
fn published_model_for_grey_images() {
    check(&LCL_V2_GRAY, ImageSize { width: 35, height: 20 });
}

#[test]
fn zeros_at_the_borders() {
    let name = |text| lcl_infer::Name::new(text).expect("a name");
    let conv = |numbers: [usize; 5]| {
        let [in_c, out_c, kernel, stride, padding] = numbers;
        let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding).expect("valid");
        LayerKind::Conv(conv.with_border(Border::Zero))
    };
    let layers = [
        Layer { name: name("1"), tap: None, kind: conv([3, 5, 5, 2, 2]) },
        Layer { name: name("2"), tap: Some(name("2")), kind: conv([5, 3, 3, 1, 1]) },
        Layer { name: name("3"), tap: None, kind: LayerKind::Pool(PoolOrder::Max) },
        Layer { name: name("4"), tap: Some(name("4")), kind: conv([3, 7, 5, 1, 1]) },
    ];
    let architecture = Architecture::new(InputFormat::Rgb888, &layers).expect("they fit");
    check(&architecture, ImageSize { width: 24, height: 21 });
}

/// A small model whose second convolution is transformed: four channels to three,
/// with a kernel of three.
fn tiny() -> Model {
    Model::tiny(PoolOrder::MaxBlur, 1).fast(0)
}

/// Returns why a blob of `tiny` is refused in which transformed weights are
/// changed: it is handed the bytes of a channel, point, row of the kernel and
/// value.
fn refused(change: impl Fn(&mut dyn FnMut([usize; 4], i16))) -> OpenError {
    let sound = tiny().blob();
    let conv = sound.open().convolutions().nth(1).expect("two").conv;
    let toom = conv.toom().expect("transformed");
    let start = conv.weights().as_ptr().addr() - sound.as_slice().as_ptr().addr();
    let mut forged = sound.clone();
    change(&mut |[oc, point, ky, value], number| {
        let (index, half) = toom.weight_index(oc, point, ky, value);
        let at = start + 4 * index + 2 * half;
        forged.as_mut_slice()[at..at + 2].copy_from_slice(&number.to_le_bytes());
    });
    crate::blob::mend_crc(forged.as_mut_slice());
    Blob::open(forged.as_slice()).expect_err("it is forged")
}

#[test]
fn numbers_that_are_no_transform_are_refused_by_their_place() {
    // The last is a channel that fills up a pair, whose numbers are 0.
    for (oc, ky, value) in [(0, 0, 0), (2, 2, 3), (1, 1, 2), (3, 0, 1)] {
        for point in 0..F6_3.points() {
            let error = refused(|put| put([oc, point, ky, value], 3000));
            let OpenError::NotTransformed { layer, channel, tap } = error else {
                panic!("{error}")
            };
            assert_eq!((layer.as_str(), channel, tap), ("conv2", oc, 12 * ky + value));
            assert!(error.to_string().contains("quantise the checkpoint again"), "{error}");
        }
    }
}

#[test]
fn weights_beyond_bytes_and_other_weights_are_refused() {
    let with = |weight: i16| {
        refused(|put| {
            for (point, row) in F6_3.weights().iter().enumerate() {
                put([1, point, 0, 2], weight * row[1]);
            }
        })
    };
    for weight in [128, -128] {
        let error = with(weight);
        assert!(matches!(error, OpenError::NotTransformed { channel: 1, tap: 2, .. }), "{error}");
    }
    let error = with(-127);
    assert!(matches!(error, OpenError::WeightSum { channel: 1, .. }), "{error}");
}

#[test]
fn transform_of_another_kernel_is_neither_written_nor_read() {
    let mut model = tiny();
    model.weights[1].transform = Some(&F4_5);
    let error = model.try_emit(GOLDEN).expect_err("five taps for three");
    assert!(matches!(error, EmitError::Transform { transform: "F(4,5)", .. }), "{error}");
    // In the header it is behind the name of the layer, without a tap.
    let sound = tiny().blob();
    let at = sound.as_slice().windows(5).position(|text| text == b"conv2").expect("its name") + 7;
    assert_eq!(u32::from(sound.as_slice()[at]), F6_3.number());
    for number in [F4_5.number(), 7, 127] {
        let mut forged = sound.clone();
        forged.as_mut_slice()[at] = number.to_le_bytes()[0];
        crate::blob::mend_crc(forged.as_mut_slice());
        let error = Blob::open(forged.as_slice()).expect_err("not for it");
        assert!(matches!(error, OpenError::Transform { got, .. } if got == number), "{error}");
    }
    // Of another length.
    let mut forged = sound.clone();
    forged.as_mut_slice()[at] = F2_3.number().to_le_bytes()[0];
    crate::blob::mend_crc(forged.as_mut_slice());
    let error = Blob::open(forged.as_slice()).expect_err("fewer points");
    assert!(matches!(error, OpenError::SectionLen { .. }), "{error}");
}

#[test]
fn numbers_of_transforms_stay() {
    let names: Vec<_> =
        (0..8).map(|number| Transform::from_number(number).map(Transform::name)).collect();
    let expected = ["F(2,3)", "F(4,3)", "F(6,3)", "F(2,5)", "F(3,5)", "F(4,5)"].map(Some);
    assert_eq!((names[0], &names[1..7], names[7]), (None, &expected[..], None));
}
