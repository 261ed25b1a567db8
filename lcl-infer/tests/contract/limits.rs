//! Lengths at the limits of what the engine takes, on machines of 32 bits too.

use lcl_infer::{
    Architecture, ConvGeometry, Frontend, ImageSize, InputFormat, LCL_V2, Layer, LayerKind,
    MAX_LAYERS, Name, PoolOrder, RowError, V1, memory_len,
};

use crate::model::{Model, two_areas};

fn conv(in_c: usize, out_c: usize, kernel: usize, padding: usize) -> ConvGeometry {
    ConvGeometry::new(in_c, out_c, kernel, 1, padding).expect("within the limits")
}

#[test]
fn memory_of_every_image_fits_32_bits() {
    let layers: [Layer; MAX_LAYERS] = core::array::from_fn(|index| {
        let in_c = if index == 0 { 3 } else { 1024 };
        let name = Name::new(&format!("layer{index}")).expect("a name");
        Layer { name, tap: Some(name), kind: LayerKind::Conv(conv(in_c, 1024, 15, 7)) }
    });
    let widest = Architecture::new(InputFormat::Rgb888, &layers).expect("they fit");
    let len = memory_len(&widest, 8192);
    assert!(u32::try_from(len).is_ok_and(|len| len < u32::MAX), "{len}");
    assert_eq!(memory_len(&widest, 8193), usize::MAX);
    assert_eq!(memory_len(&LCL_V2, usize::MAX), usize::MAX);
    assert!(widest.min_image_side() <= 64);
}

#[test]
fn features_that_no_slice_can_hold_still_come_row_by_row() {
    let wide = two_areas([conv(3, 1024, 1, 0), conv(1024, 1, 1, 0)], PoolOrder::Max);
    let bytes = Model::random(wide, 1).blob();
    let blob = bytes.open();
    let size = ImageSize::square(8192);
    let mut memory = vec![0; blob.memory_len(size.width)];
    let mut frontend = Frontend::new(&blob, size, &mut memory).expect("it streams");
    // 4096 · 4096 · 1024.
    let expected = usize::try_from(1_u64 << 34).unwrap_or(usize::MAX);
    assert_eq!(frontend.features_len(V1), expected);
    let refused = frontend.run_frame(&[0; 64], |_| unreachable!());
    assert_eq!(refused, Err(RowError::Length { expected: 8192 * 8192 * 3, got: 64 }));
}

/// Kernels take any numbers, as their slices may have any length.
#[test]
fn more_channels_than_there_are_pool_nothing() {
    use lcl_infer::kernels::{PoolStep, available};
    for kernels in available() {
        for channels in [1025, usize::MAX / 2, usize::MAX] {
            let (mut partial, mut out) = ([7; 2048], [7; 2048]);
            let row = [9; 2048];
            (kernels.pool.max_row)(&row, channels, &mut partial, PoolStep::Edge(&mut out));
            (kernels.pool.max_blur_row)(&row, channels, &mut partial, PoolStep::Middle);
            (kernels.pool.blur_max_row)(
                [&row; 3],
                channels,
                &mut partial,
                PoolStep::Edge(&mut out),
            );
            assert!(partial == [7; 2048] && out == [7; 2048], "{}, {channels}", kernels.name);
        }
        let mut sums = [u16::MAX; 4];
        (kernels.pool.max_blur_row)(&[255; 4], 1, &mut sums, PoolStep::Middle);
    }
}
