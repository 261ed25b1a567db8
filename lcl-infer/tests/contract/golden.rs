//! The self-test.

use lcl_infer::golden::{GoldenImage, self_test_of};
use lcl_infer::kernels::{PoolKernels, PoolStep, portable};
use lcl_infer::{
    Frontend, FrontendError, ImageSize, InputFormat, Kernels, PoolOrder, SelfTestError, V1, V2,
    self_test, self_test_memory_len,
};

use crate::model::{GOLDEN, GOLDEN_SIDE, Model};

#[test]
fn image_is_pinned() {
    let image = GoldenImage { seed: 1, side: 4 };
    let mut row = [0; 12];
    image.fill_row(9, &mut row);
    assert_eq!(row, PINNED_ROW);
}

/// Row 9 of the image with seed 1, as first generated.
const PINNED_ROW: [u8; 12] = [26, 213, 227, 50, 193, 213, 44, 209, 190, 5, 218, 180];

#[test]
fn passes_on_a_sound_blob() {
    for pool in PoolOrder::ALL {
        let bytes = Model::tiny(pool, 3).blob();
        let blob = bytes.open();
        let mut memory = vec![0; self_test_memory_len(&blob)];
        assert_eq!(self_test(&blob, &mut memory), Ok(()));
    }
}

#[test]
fn grey_image_is_the_first_channel() {
    let image = GoldenImage { seed: 1, side: 4 };
    let mut row = [0; 4];
    image.fill_row(9, &mut row);
    assert_eq!(row, [26, 50, 44, 5]);
}

#[test]
fn passes_on_a_blob_for_grey_images() {
    let bytes = Model::tiny_for(InputFormat::Gray8, PoolOrder::MaxBlur, 3).blob();
    let blob = bytes.open();
    let mut memory = vec![0; self_test_memory_len(&blob)];
    assert_eq!(self_test(&blob, &mut memory), Ok(()));
}

#[test]
fn names_the_first_tap_that_differs() {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 3);
    model.blob();
    for (index, tap) in [V1, V2].into_iter().enumerate() {
        let crc32 = model.crc32[index];
        model.crc32[index] = !crc32;
        let bytes = model.emit(GOLDEN);
        let blob = bytes.open();
        let mut memory = vec![0; self_test_memory_len(&blob)];
        let error = self_test(&blob, &mut memory).expect_err("the CRC is wrong");
        let SelfTestError::Features(difference) = error else { panic!("{error}") };
        assert_eq!((difference.tap, difference.got), (tap, crc32));
        assert!(error.to_string().contains(tap.as_str()), "{error}");
        model.crc32[index] = crc32;
        // A chain that ends before the tap has no such difference.
        let v1 = blob.up_to(V1).expect("it has V1");
        assert_eq!(self_test(&v1, &mut memory).is_ok(), tap == V2);
    }
}

/// Kernels of which one is wrong.
static FAULTY: Kernels = Kernels {
    name: "faulty",
    pool: PoolKernels { max_blur_row: forget, ..portable::KERNELS.pool },
    ..portable::KERNELS
};

fn forget(_: &[u8], _: usize, sum: &mut [u16], step: PoolStep<'_>) {
    sum.fill(0);
    if let PoolStep::Edge(out) = step {
        out.fill(1);
    }
}

#[test]
fn names_the_kernels_at_fault() {
    let mut model = Model::tiny(PoolOrder::MaxBlur, 3);
    let bytes = model.blob();
    let blob = bytes.open();
    let mut memory = vec![0; self_test_memory_len(&blob)];
    let error = self_test_of(&blob, &mut memory, &FAULTY).expect_err("a kernel is wrong");
    let SelfTestError::Kernels { name: "faulty", difference } = error else {
        panic!("{error}");
    };
    assert_eq!((difference.tap, difference.expected), (V1, model.crc32[0]));
    assert!(error.to_string().contains("\"faulty\""), "{error}");
    // The blob has another order of pooling and never runs that kernel.
    let bytes = Model::tiny(PoolOrder::Max, 3).blob();
    assert_eq!(self_test_of(&bytes.open(), &mut memory, &FAULTY), Ok(()));
}

#[test]
fn says_how_much_memory_it_needs() {
    let bytes = Model::tiny(PoolOrder::MaxBlur, 3).blob();
    let blob = bytes.open();
    let expected = self_test_memory_len(&blob);
    let error = self_test(&blob, &mut []).expect_err("no memory");
    assert_eq!(error, SelfTestError::Frontend(FrontendError::Memory { expected, got: 0 }));
}

#[test]
fn crc_is_of_the_features_of_the_image() {
    let mut model = Model::tiny(PoolOrder::BlurMax, 5);
    let bytes = model.blob();
    let blob = bytes.open();
    let side = usize::from(GOLDEN_SIDE);
    let image = GoldenImage { seed: blob.golden().seed, side };
    let mut pixels = vec![0; 3 * side * side];
    for (y, row) in (0..).zip(pixels.chunks_exact_mut(3 * side)) {
        image.fill_row(y, row);
    }
    let mut memory = vec![0; blob.memory_len(side)];
    let mut frontend =
        Frontend::new(&blob, ImageSize::square(side), &mut memory).expect("it streams");
    let mut maps = [V1, V2].map(|tap| vec![0; frontend.features_len(tap)]);
    let run = frontend.run_frame(&pixels, |row| row.copy_to(&mut maps[usize::from(row.tap == V2)]));
    run.expect("lengths fit");
    let crc32 = |features: &Vec<u8>| crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(features);
    assert_eq!(maps.each_ref().map(crc32), model.crc32[..2]);
}
