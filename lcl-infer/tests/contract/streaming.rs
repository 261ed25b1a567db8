//! Row by row against the whole frame.

use lcl_infer::shape::{Border, NormGeometry, Retina, RetinaOutput, WindowOperation, WindowPool};
use lcl_infer::{
    Architecture, Blob, ConvGeometry, Frontend, FrontendError, ImageSize, InputFormat, LCL_V2,
    LCL_V2_GRAY, Layer, LayerKind, Name, PoolOrder, V1, V2, kernels, memory_len, reference,
};
use proptest::prelude::*;

use crate::model::{Bytes, GOLDEN_SIDE, Model, Random, Runs, two_areas};

/// The contract on a whole frame: the map of each tap.
fn whole_frame(blob: &Blob<'_>, mut size: ImageSize, image: &[u8]) -> Vec<Vec<u8>> {
    let (mut map, mut channels) = (image.to_vec(), blob.input().channels());
    let mut taps = Vec::new();
    for layer in blob.layers() {
        let kind = layer.kind();
        let [width, height] = [size.width, size.height].map(|side| kind.out_side(side));
        let mut out = vec![0; width * height * kind.out_c(channels)];
        reference::layer_ref(&layer.operation, size, channels, &map, &mut out);
        (map, channels, size) = (out, kind.out_c(channels), ImageSize { width, height });
        if layer.tap.is_some() {
            taps.push(map.clone());
        }
    }
    taps
}

/// Streams an image with every kernel that this machine can run, into memory
/// full of rubbish, twice by pull and once by callback, and compares each time
/// with the whole frame, which it returns. Then stops at each tap.
#[track_caller]
pub fn check(architecture: &Architecture, size: ImageSize, seed: u64) -> Vec<Vec<u8>> {
    check_blob(architecture, &Model::random(*architecture, seed).blob(), size, seed)
}

/// Checks as [`check`] does, a blob of that architecture.
#[track_caller]
fn check_blob(
    architecture: &Architecture,
    bytes: &Bytes,
    size: ImageSize,
    seed: u64,
) -> Vec<Vec<u8>> {
    let blob = bytes.open();
    assert_eq!(blob.architecture(), Some(*architecture));
    assert_eq!(blob.max_image_side(), architecture.max_image_side());
    assert_eq!(blob.memory_len(size.width), memory_len(architecture, size.width));
    let row_len = blob.input().channels() * size.width;
    let image = Random(seed ^ 1).bytes(row_len * size.height);
    let expected = whole_frame(&blob, size, &image);

    for kernels in kernels::available() {
        let context = format!("{}: {size:?} {architecture:?} seed {seed}", kernels.name);
        let mut memory = Random(seed ^ 2).bytes(blob.memory_len(size.width) + 1);
        // Offset by one: the caller's slice may start anywhere.
        let mut frontend =
            Frontend::with_kernels(&blob, size, &mut memory[1..], kernels).expect("it streams");
        for _ in 0..2 {
            let mut got = vec![Vec::new(); expected.len()];
            for row in image.chunks_exact(row_len) {
                assert_eq!(frontend.push_row(row), Ok(()));
                while let Some(row) = frontend.next() {
                    let tap = blob.taps().position(|tap| tap == row.tap).expect("a tap");
                    assert_eq!(got[tap].len(), row.y * row.values.len(), "rows come in order");
                    assert_eq!(row.values.len(), row.width * row.channels);
                    got[tap].extend_from_slice(row.values);
                }
            }
            assert!(got == expected, "{context}");
            assert_eq!(frontend.finish(), Ok(()));
        }
        let mut whole: Vec<_> = expected.iter().map(|map| vec![0; map.len()]).collect();
        for (tap, map) in blob.taps().zip(&whole) {
            assert_eq!(frontend.features_len(tap), map.len());
        }
        let run = frontend.run_frame(&image, |row| {
            row.copy_to(&mut whole[blob.taps().position(|tap| tap == row.tap).expect("a tap")]);
        });
        assert_eq!(run, Ok(()));
        assert!(whole == expected, "{context}");
    }
    for (tap, expected) in blob.taps().zip(&expected) {
        let blob = blob.up_to(tap).expect("the blob has it");
        let chain = architecture.up_to(tap).expect("the architecture has it");
        let mut memory = vec![0x55; memory_len(&chain, size.width)];
        let mut frontend = Frontend::new(&blob, size, &mut memory).expect("it streams");
        let mut got = vec![0; frontend.features_len(tap)];
        let run = frontend.run_frame(&image, |row| {
            if row.tap == tap {
                row.copy_to(&mut got);
            }
        });
        assert_eq!((run, frontend.taps().last()), (Ok(()), Some(tap)));
        assert!(got == *expected, "up to {tap}: {size:?} {architecture:?} seed {seed}");
    }
    expected
}

fn small(in_c: usize, out_c: usize, kernel: usize, stride: usize, padding: usize) -> ConvGeometry {
    ConvGeometry::new(in_c, out_c, kernel, stride, padding).expect("valid")
}

#[test]
fn published_geometry_with_few_channels() {
    let conv = [small(3, 6, 11, 4, 5), small(6, 9, 5, 1, 2)];
    for pool in PoolOrder::ALL {
        for side in [17, 18, 19, 20, 21, 32, 47, 48] {
            let features = check(&two_areas(conv, pool), ImageSize::square(side), side as u64);
            for map in features {
                assert!(map.iter().any(|&byte| byte > 0 && byte < 255), "nothing is tested");
            }
        }
    }
}

#[test]
fn published_model() {
    let size = ImageSize { width: 32, height: 24 };
    check(&LCL_V2, size, 3);
    check(&LCL_V2_GRAY, size, 3);
}

#[test]
fn smallest_images() {
    let pointwise = [small(3, 2, 1, 1, 0), small(2, 3, 1, 1, 0)];
    let window = [small(3, 2, 3, 1, 1), small(2, 3, 3, 1, 1)];
    for pool in PoolOrder::ALL {
        let [pointwise, window] = [pointwise, window].map(|conv| two_areas(conv, pool));
        assert_eq!((pointwise.min_image_side(), window.min_image_side()), (1, 3));
        for (width, height) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (1, 5)] {
            check(&pointwise, ImageSize { width, height }, 4);
        }
        for (width, height) in [(3, 3), (3, 4), (4, 3), (5, 3), (3, 9)] {
            check(&window, ImageSize { width, height }, 5);
        }
    }
}

/// Returns a chain whose layers are called by their position and tapped where
/// `taps` says, the last always.
fn chain(input: InputFormat, kinds: &[LayerKind], taps: u32) -> Option<Architecture> {
    let layers: Vec<Layer> = kinds
        .iter()
        .enumerate()
        .map(|(index, &kind)| {
            let name = |start: &str| Name::new(&format!("{start}{index}")).expect("a name");
            let tapped = (taps >> index) & 1 == 1 || index + 1 == kinds.len();
            Layer { name: name("layer"), tap: tapped.then(|| name("T")), kind }
        })
        .collect();
    Architecture::new(input, &layers)
}

fn any_kind() -> impl Strategy<Value = (usize, LayerKind)> {
    let conv = (1_usize..=6, 1_usize..=5, 1_usize..=3, 0_usize..=2, any::<bool>()).prop_map(
        |(out_c, kernel, stride, padding, zero)| {
            let conv = small(1, out_c, kernel, stride, padding.min((kernel - 1) / 2));
            let border = if zero { Border::Zero } else { Border::Reflect };
            (out_c, LayerKind::Conv(conv.with_border(border)))
        },
    );
    let pool =
        prop::sample::select(&PoolOrder::ALL[..]).prop_map(|order| (0, LayerKind::Pool(order)));
    let plain = (0_usize..2, 1_usize..=5, 1_usize..=3, 0_usize..=2).prop_map(
        |(operation, side, stride, padding)| {
            let operation = WindowOperation::ALL[operation];
            let pool = WindowPool::new(operation, side, stride, padding.min((side - 1) / 2));
            (0, LayerKind::WindowPool(pool.expect("valid")))
        },
    );
    let norm = (0_usize..3, any::<bool>()).prop_map(|(half, zero)| {
        let border = if zero { Border::Zero } else { Border::Reflect };
        (0, LayerKind::Norm(NormGeometry::new(1, 2 * half + 1, border).expect("valid")))
    });
    let retina = (any::<bool>(), 1_u8..=5, 1_u16..=300, 1_u16..=900).prop_map(
        |(on_off, shift, gain, offset)| {
            let output = if on_off { RetinaOutput::OnOff } else { RetinaOutput::Adapted };
            (0, LayerKind::Retina(Retina::new(output, shift, gain, offset).expect("valid")))
        },
    );
    prop_oneof![6 => conv, 2 => pool, 2 => plain, 1 => norm, 1 => retina]
}

/// Gives each convolution the channels that the layer before it has.
fn fitted(input: InputFormat, kinds: &[(usize, LayerKind)]) -> Vec<LayerKind> {
    let mut channels = input.channels();
    kinds
        .iter()
        .map(|&(_, kind)| {
            let kind = match kind {
                LayerKind::Conv(conv) => LayerKind::Conv(
                    small(channels, conv.out_c(), conv.kernel(), conv.stride(), conv.padding())
                        .with_border(conv.border()),
                ),
                LayerKind::Norm(norm) => LayerKind::Norm(
                    NormGeometry::new(channels, norm.kernel(), norm.border()).expect("valid"),
                ),
                kind => kind,
            };
            channels = kind.out_c(channels);
            kind
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_geometry(
        (kernel1, stride1, channels1) in (1_usize..=7, 1_usize..=4, 1_usize..=5),
        (kernel2, stride2, channels2) in (1_usize..=5, 1_usize..=2, 1_usize..=5),
        (padding1, padding2) in (0_usize..=3, 0_usize..=2),
        (extra_w, extra_h) in (0_usize..24, 0_usize..24),
        pool in prop::sample::select(&PoolOrder::ALL[..]),
        in_c in prop::sample::select(&[1_usize, 3][..]),
        seed in any::<u64>(),
    ) {
        let conv = [
            small(in_c, channels1, kernel1, stride1, padding1.min((kernel1 - 1) / 2)),
            small(channels1, channels2, kernel2, stride2, padding2.min((kernel2 - 1) / 2)),
        ];
        let architecture = two_areas(conv, pool);
        let smallest = architecture.min_image_side();
        // The golden image of the test model has to stream too.
        prop_assume!(smallest <= usize::from(GOLDEN_SIDE));
        let size = ImageSize { width: smallest + extra_w, height: smallest + extra_h };
        check(&architecture, size, seed);
    }

    #[test]
    #[cfg_attr(
        not(all(feature = "components", feature = "recognition")),
        ignore = "it needs both parts"
    )]
    fn any_chain(
        input in prop::sample::select(&InputFormat::ALL[..]),
        kinds in prop::collection::vec(any_kind(), 1..7),
        taps in any::<u32>(),
        (extra_w, extra_h) in (0_usize..12, 0_usize..12),
        seed in any::<u64>(),
    ) {
        let architecture = chain(input, &fitted(input, &kinds), taps).expect("the layers fit");
        let smallest = architecture.min_image_side();
        prop_assume!(smallest <= usize::from(GOLDEN_SIDE));
        let size = ImageSize { width: smallest + extra_w, height: smallest + extra_h };
        check(&architecture, size, seed);
    }
}

#[test]
#[cfg_attr(not(feature = "components"), ignore = "it needs the part")]
fn maps_of_one_size() {
    for (taken, given) in [(1, 1), (2, 5), (7, 7), (24, 9), (24, 3), (13, 20)] {
        let (resample, _) = Runs::drawn(taken, given).expect("drawn");
        let kind = LayerKind::Resample(resample);
        let conv = LayerKind::Conv(small(3, 2, 1, 2, 0));
        let fovea = chain(InputFormat::Rgb888, &[kind, conv], 1).expect("they fit");
        assert_eq!((fovea.min_image_side(), fovea.max_image_side()), (taken, taken));
        let mut model = Model::random(fovea, 1);
        let golden = lcl_infer::blob::Golden { seed: 1, side: taken.try_into().expect("small") };
        let bytes = model.blob_of(golden);
        check_blob(&fovea, &bytes, ImageSize::square(taken), 2);
        let blob = bytes.open();
        for side in [taken + 1, taken.saturating_sub(1).max(1)] {
            let refused = Frontend::new(&blob, ImageSize::square(side), &mut []);
            assert!(
                side == taken
                    || refused.is_err_and(|refused| {
                        let got = ImageSize::square(side);
                        refused.error
                            == FrontendError::ImageSize { smallest: taken, largest: taken, got }
                    }),
                "{side} of {taken}"
            );
        }
        // Behind a convolution of stride 2 it takes two sides of images.
        let magnified =
            chain(InputFormat::Rgb888, &[LayerKind::Conv(small(3, 2, 3, 2, 1)), kind], 1)
                .expect("they fit");
        let sides = (magnified.min_image_side(), magnified.max_image_side());
        assert_eq!(sides, if taken == 1 { (2, 2) } else { (2 * taken - 1, 2 * taken) });
        let mut model = Model::random(magnified, 3);
        let side = sides.0.try_into().expect("small");
        let bytes = model.blob_of(lcl_infer::blob::Golden { seed: 1, side });
        check_blob(&magnified, &bytes, ImageSize { width: sides.1, height: sides.0 }, 4);
    }
}

#[test]
#[cfg_attr(not(feature = "components"), ignore = "it needs the part")]
fn normalisation_by_hand() {
    use lcl_infer::parameters::NormChannel;
    let norm = NormGeometry::new(3, 1, Border::Zero).expect("valid");
    let architecture = chain(InputFormat::Rgb888, &[LayerKind::Norm(norm)], 0).expect("one layer");
    let mut model = Model::random(architecture, 1);
    let [norm] = &mut model.norms[..] else { panic!("one normalisation") };
    norm.weights = vec![1, 0, 0, 0, 2, 1, 127, 127, 127];
    norm.channels = [(10, 1000), (1, 5), (1, 1 << 23)]
        .map(|(bias, multiplier)| NormChannel { bias, multiplier })
        .to_vec();
    let bytes = model.blob();
    let blob = bytes.open();
    let mut memory = vec![0x55; blob.memory_len(2)];
    let mut frontend = Frontend::new(&blob, ImageSize { width: 2, height: 1 }, &mut memory);
    let frontend = frontend.as_mut().expect("it streams");
    let mut map = [0; 6];
    frontend.run_frame(&[2, 3, 4, 255, 255, 255], |row| row.copy_to(&mut map)).expect("a frame");
    // 2000 / 12 = 166.7; 15 / (1 + 6 + 4) = 1.4; 4 · 2^23 / (1 + 127 · 9) = 29229, a byte.
    // 255000 / 265 = 962, a byte; 1275 / 766 = 1.66; 255 · 2^23 / 97156 = 22017.
    assert_eq!(map, [167, 1, 255, 255, 2, 255]);
}

#[test]
#[cfg_attr(not(feature = "components"), ignore = "it needs the part")]
fn retina_by_hand() {
    let retina = Retina::new(RetinaOutput::OnOff, 1, 100, 256).expect("valid");
    let chain = chain(InputFormat::Gray8, &[LayerKind::Retina(retina)], 0).expect("one layer");
    let bytes = Model::random(chain, 1).blob();
    let blob = bytes.open();
    let mut memory = vec![0x55; blob.memory_len(2)];
    let mut frontend = Frontend::new(&blob, ImageSize::square(2), &mut memory).expect("it streams");
    let mut map = [0; 8];
    frontend.run_frame(&[10, 30, 50, 10], |row| row.copy_to(&mut map)).expect("a frame");
    // In bytes. Row 1: down 10 30; right 10 20; left 20 30; mean 15 25: contrasts
    // -5 / 16 and 5 / 26. Row 2: down 30 20; right 30 25; left 25 20; mean 27.5
    // 22.5: contrasts 22.5 / 28.5 and -12.5 / 23.5.
    assert_eq!(map, [0, 31, 19, 0, 79, 0, 0, 53]);
}

#[test]
#[cfg_attr(not(feature = "components"), ignore = "it needs the part")]
fn colour_opponents_by_hand() {
    use lcl_infer::shape::Opponent;
    let retina = Opponent::new(64, 256).expect("valid");
    let kind = LayerKind::Opponent(retina);
    let architecture = chain(InputFormat::Rgb888, &[kind], 0).expect("one layer");
    assert_eq!(architecture.min_image_side(), 3);
    let bytes = Model::random(architecture, 1).blob();
    let blob = bytes.open();
    let size = ImageSize { width: 3, height: 4 };
    let run = |image: &[u8]| {
        let mut memory = vec![0x55; blob.memory_len(3)];
        let mut frontend = Frontend::new(&blob, size, &mut memory).expect("it streams");
        let mut map = vec![0; 72];
        frontend.run_frame(image, |row| row.copy_to(&mut map)).expect("a frame");
        map
    };
    // Flat grey has no contrast. Flat red: M 0; P = 16 · 16 · 200 = 51200; K = -2 · 64 · 200
    // = -25600; the denominator is (64 · 200 · 4 + 16 · 76800 + 4096) / 16 = 80256, and
    // 64 · 51200 / 80256 = 40.8.
    assert!(run(&[128; 36]).iter().all(|&byte| byte == 0));
    let red = run(&[200, 0, 0].repeat(12));
    assert!(red.chunks_exact(6).all(|pixel| pixel == [0, 0, 41, 0, 0, 20]), "{red:?}");
    // A light twice as strong gives the same, but for the offset.
    let stronger = run(&[100, 0, 0].repeat(12));
    assert!(stronger.chunks_exact(6).all(|pixel| pixel == [0, 0, 41, 0, 0, 20]), "{stronger:?}");
}

#[test]
#[cfg_attr(not(feature = "components"), ignore = "it needs the part")]
fn resampling_by_hand() {
    let (resample, _) = Runs::drawn(3, 2).expect("drawn");
    let kind = lcl_infer::shape::Resample::new(3, 2, 2).expect("valid");
    let architecture =
        chain(InputFormat::Gray8, &[LayerKind::Resample(resample)], 0).expect("one layer");
    let mut model = Model::random(architecture, 1);
    let layers = chain(InputFormat::Gray8, &[LayerKind::Resample(kind)], 0);
    model.architecture = layers.expect("one layer");
    model.runs = vec![Runs { runs: vec![[0, 2], [1, 2]], weights: vec![85, 170, 204, 51] }];
    let bytes = model.blob_of(lcl_infer::blob::Golden { seed: 1, side: 3 });
    let blob = bytes.open();
    let mut memory = vec![0x55; blob.memory_len(3)];
    let mut frontend = Frontend::new(&blob, ImageSize::square(3), &mut memory).expect("it streams");
    let mut map = [0; 4];
    let image = [9, 0, 0, 0, 90, 30, 0, 0, 200];
    frontend.run_frame(&image, |row| row.copy_to(&mut map)).expect("a frame");
    // Thirds and fifths: 1/9 · 9 + 4/9 · 90 = 41; 2/3 · 0.8 · 90 + 2/3 · 0.2 · 30 = 52;
    // 0.8 · 2/3 · 90 = 48; 0.64 · 90 + 0.16 · 30 + 0.04 · 200 = 70.4.
    assert_eq!(map, [41, 52, 48, 70]);
}

#[test]
fn zeros_lie_outside_by_hand() {
    let conv = ConvGeometry::new(1, 1, 3, 1, 1).expect("valid").with_border(Border::Zero);
    let mut model = Model::random(
        chain(InputFormat::Gray8, &[LayerKind::Conv(conv)], 0).expect("one layer"),
        1,
    );
    model.weights[0].weights = vec![1; 9];
    let requant = lcl_infer::parameters::Requant::new(1 << 30, 31).expect("in range");
    model.weights[0].channels = vec![lcl_infer::parameters::Channel { bias: 0, requant }];
    let bytes = model.blob();
    let blob = bytes.open();
    assert_eq!(blob.contract(), lcl_infer::Contract::V2);
    let mut memory = vec![0x55; blob.memory_len(3)];
    let mut frontend = Frontend::new(&blob, ImageSize::square(3), &mut memory).expect("it streams");
    let mut map = [0; 9];
    frontend.run_frame(&[2; 9], |row| row.copy_to(&mut map)).expect("a frame");
    // Half of 2 for each of the pixels that exist: 4, 6, 4, 6, 9, 6, 4, 6, 4.
    assert_eq!(map, [4, 6, 4, 6, 9, 6, 4, 6, 4]);
}

/// Runs one plain pool on a grey image of 4×4 pixels.
#[track_caller]
fn check_plain_pool<const LEN: usize>(pool: [usize; 3], of: WindowOperation, expected: [u8; LEN]) {
    const IMAGE: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 255, 254, 0, 0, 253, 255, 0, 1];
    let [side, stride, padding] = pool;
    let kind = LayerKind::WindowPool(WindowPool::new(of, side, stride, padding).expect("valid"));
    let bytes = Model::random(chain(InputFormat::Gray8, &[kind], 0).expect("one layer"), 1).blob();
    let blob = bytes.open();
    let mut memory = vec![0x55; blob.memory_len(4)];
    let mut frontend = Frontend::new(&blob, ImageSize::square(4), &mut memory).expect("it streams");
    let mut map = [0; LEN];
    frontend.run_frame(&IMAGE, |row| row.copy_to(&mut map)).expect("a frame");
    assert_eq!(map, expected);
}

#[test]
#[cfg_attr(not(feature = "recognition"), ignore = "it needs the part")]
fn plain_pools_by_hand() {
    use WindowOperation::{Average, Max};
    check_plain_pool([2, 2, 0], Max, [6, 8, 255, 1]);
    // 14 / 4 = 3.5 and 22 / 4 = 5.5 round up, 1017 / 4 and 1 / 4 down.
    check_plain_pool([2, 2, 0], Average, [4, 6, 254, 0]);
    check_plain_pool([4, 4, 0], Average, [66]);
    check_plain_pool([3, 2, 1], Max, [6, 8, 255, 255]);
    // Nine bytes count, also those that are zeros outside: 14 / 9, 30 / 9,
    // 1028 / 9 and 531 / 9.
    check_plain_pool([3, 2, 1], Average, [2, 3, 114, 59]);
}

#[test]
fn memory_of_the_published_model() {
    assert!(memory_len(&LCL_V2, 48) <= 18 * 1024);
    assert!(memory_len(&LCL_V2, 96) <= 32 * 1024);
    assert!(memory_len(&LCL_V2, 224) <= 64 * 1024);
    let v1 = LCL_V2.up_to(V1).expect("it has V1");
    // Memory that is laid out for colour takes a blob for grey images too, and
    // V1 alone takes less than both areas.
    for width in [17, 48, 96, 97, 224] {
        assert!(memory_len(&LCL_V2_GRAY, width) < memory_len(&LCL_V2, width));
        assert!(memory_len(&v1, width) < memory_len(&LCL_V2, width));
        assert_eq!(LCL_V2.up_to(V2), Some(LCL_V2));
    }
}

#[test]
fn too_little_memory_says_how_much_is_needed_and_comes_back() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = bytes.open();
    let expected = blob.memory_len(32);
    let mut memory = vec![7; expected - 1];
    let refused = Frontend::new(&blob, ImageSize::square(32), &mut memory).expect_err("one short");
    assert_eq!(refused.error, FrontendError::Memory { expected, got: expected - 1 });
    assert!(refused.to_string().contains(&expected.to_string()));
    refused.memory.push(7);
    let frontend = Frontend::new(&blob, ImageSize::square(32), refused.memory).expect("enough");
    assert_eq!(frontend.into_memory().len(), expected);
}

#[test]
fn image_that_cannot_stream_is_refused() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = bytes.open();
    let smallest = blob.min_image_side();
    for (width, height) in [(smallest - 1, 32), (32, smallest - 1), (0, 0), (8193, 32)] {
        let got = ImageSize { width, height };
        let refused = Frontend::new(&blob, got, &mut []).expect_err("not streamable");
        assert_eq!(refused.error, FrontendError::ImageSize { smallest, largest: 8192, got });
    }
    assert_eq!(LCL_V2.min_image_side(), 17);
}

#[test]
fn memory_may_be_owned() {
    use lcl_infer::AlignedMemory;
    let bytes = Model::tiny(PoolOrder::MaxBlur, 1).blob();
    let blob = bytes.open();
    let size = ImageSize::square(16);
    let image = Random(3).bytes(3 * 16 * 16);
    let mut memory = vec![0; blob.memory_len(16)];
    let mut borrowed = Frontend::new(&blob, size, &mut memory).expect("it streams");
    let mut owned = Frontend::new(&blob, size, AlignedMemory::<8192>::new()).expect("enough");
    let mut moved = Vec::new();
    for row in image.chunks_exact(3 * 16) {
        // It may move between rows.
        owned = *Box::new(owned);
        let (mut rows, mut others) = (Vec::new(), Vec::new());
        borrowed.push_row_with(row, |row| rows.push(row.values.to_vec())).expect("a row");
        owned.push_row_with(row, |row| others.push(row.values.to_vec())).expect("a row");
        assert_eq!(rows, others);
        moved.extend(rows);
    }
    assert_eq!(moved.len(), 4 + 2);
}
