//! Transforms: exact at their corners and bounds, and what is accepted and
//! refused.

use lcl_infer::kernels::{RowWindow, available, toom_scratch_len};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{ChannelTable, Conv2d};
use lcl_infer::reference::conv2d_ref;
use lcl_infer::toom::{
    F2_3, F4_5, F6_3, Pair, TRANSFORMS, ToomConv2d, ToomGeometry, Transform, transform_weights,
};
use lcl_infer::{Architecture, ConvGeometry, ImageSize, LCL_V2, LCL_V2_GRAY};

/// Outputs of a row of taps, computed in 64 bits with nothing folded or wrapped.
#[track_caller]
fn check(transform: &Transform, taps: &[i64], values: &[i64]) {
    let dot = |row: &[i16], by: &[i64]| -> i64 {
        row.iter().zip(by).map(|(&factor, &by)| i64::from(factor) * by).sum()
    };
    let points: Vec<_> = transform
        .data()
        .iter()
        .zip(transform.weights())
        .map(|(data, weights)| (dot(data, values), dot(weights, taps)))
        .collect();
    for &(value, weight) in &points {
        assert!(i16::try_from(value).is_ok() && i16::try_from(weight).is_ok(), "{value} {weight}");
    }
    for (j, row) in transform.folded().iter().enumerate().take(transform.outputs()) {
        let sum = row.iter().zip(&points).fold(0_i32, |sum, (&factor, &(value, weight))| {
            let product = i32::try_from(value * weight).expect("both have 16 bits");
            sum.wrapping_add(factor.wrapping_mul(product))
        });
        let expected: i64 = taps.iter().zip(&values[j..]).map(|(tap, value)| tap * value).sum();
        assert_eq!(i64::from(sum >> transform.shift()), expected, "{} {j}", transform.name());
    }
}

#[test]
fn every_corner_of_every_transform_is_exact() {
    for transform in TRANSFORMS {
        for signs in 0..1_u32 << transform.taps() {
            let taps: Vec<_> = (0..transform.taps())
                .map(|i| if signs >> i & 1 == 0 { 127 } else { -127 })
                .collect();
            for bytes in 0..1_u32 << transform.points() {
                let values: Vec<_> = (0..transform.points())
                    .map(|t| if bytes >> t & 1 == 0 { 0 } else { 255 })
                    .collect();
                check(transform, &taps, &values);
            }
        }
    }
}

#[test]
fn page_has_the_matrices_of_the_code() {
    let page = include_str!("../../../docs/toom-cook.md");
    let lines: Vec<Vec<&str>> =
        page.lines().map(|line| line.split_whitespace().collect()).collect();
    for transform in TRANSFORMS {
        let points = transform.points();
        let title = |line: &&Vec<&str>| line.first() == Some(&&*format!("{},", transform.name()));
        let at = lines.iter().position(|line| title(&line)).expect("each has its block");
        let scale: i32 = lines[at][2].trim_end_matches(',').parse().expect("a number");
        let rows = |from: usize, count: usize| -> Vec<Vec<i32>> {
            let numbers =
                |line: &Vec<&str>| line.iter().map(|n| n.parse().expect("a number")).collect();
            lines[from..from + count].iter().map(numbers).collect()
        };
        let weights = rows(at + 3, points);
        for (row, expected) in weights.iter().zip(transform.weights()) {
            let expected: Vec<i32> =
                expected[..transform.taps()].iter().map(|&n| n.into()).collect();
            assert_eq!(*row, expected, "{}", transform.name());
        }
        let odd = scale >> scale.trailing_zeros();
        for (row, expected) in
            rows(at + 4 + points, transform.outputs()).iter().zip(transform.folded())
        {
            let unfolded: Vec<i32> =
                expected[..points].iter().map(|n| n.wrapping_mul(odd)).collect();
            assert_eq!(*row, unfolded, "{}", transform.name());
        }
        for row in &transform.data()[..points] {
            let row: Vec<_> = row[..points].iter().map(ToString::to_string).collect();
            assert!(lines.iter().any(|line| *line == row), "{} {row:?}", transform.name());
        }
    }
}

fn convolutions(architecture: &Architecture) -> [ConvGeometry; 2] {
    let convolutions: Vec<_> = architecture.convolutions().collect();
    convolutions.try_into().expect("two of them")
}

#[test]
fn geometry_takes_what_is_exact() {
    let [conv1, conv2] = convolutions(&LCL_V2);
    let names = |conv| -> Vec<_> {
        let fits = |transform: &&'static Transform| ToomGeometry::new(conv, transform).is_some();
        TRANSFORMS.into_iter().filter(fits).map(Transform::name).collect()
    };
    for conv in [conv1, convolutions(&LCL_V2_GRAY)[0]] {
        assert_eq!(names(conv), ["F(2,3)", "F(4,3)", "F(6,3)"]);
    }
    assert_eq!(names(conv2), ["F(2,5)", "F(3,5)", "F(4,5)"]);
    let one = ConvGeometry::new(8, 8, 1, 1, 0).expect("valid");
    assert_eq!(names(one), [""; 0]);
    // 255 · 127 · 25 · 331 is the last below 2^28.
    for (in_c, fits) in [(331, true), (332, false)] {
        let conv = ConvGeometry::new(in_c, 1, 5, 1, 2).expect("valid");
        assert_eq!(ToomGeometry::new(conv, &F4_5).is_some(), fits, "{in_c}");
    }
    let widest = ConvGeometry::new(1024, 1, 3, 1, 1).expect("valid");
    assert!(ToomGeometry::new(widest, &F2_3).is_some());
    assert!(ToomGeometry::new(widest, &F6_3).is_none());
}

#[test]
fn largest_sums_come_out_right() {
    let conv = ConvGeometry::new(331, 1, 5, 1, 2).expect("valid");
    let geometry = ToomGeometry::new(conv, &F4_5).expect("just inside");
    let size = ImageSize { width: 4, height: 4 };
    let mut packed = vec![0_u128; conv.packed_len() / 16];
    let packed: &mut [i8] = bytemuck::cast_slice_mut(&mut packed);
    for weight in [127, -127] {
        let sum = i32::from(weight) * 255 * 25 * 331;
        // The upper bits of the sum, and what is left of it beside a bias.
        for (bias, shift) in [(0, 51), (100 - sum, 31), (-100 - sum, 31)] {
            let mut words = [0, 1 << 30, shift, 0];
            words[0] = bias;
            let words =
                [words, ChannelTable::PADDING, ChannelTable::PADDING, ChannelTable::PADDING];
            let table = ChannelTable::new(words.as_flattened(), 1).expect("valid");
            pack_weights(conv, &vec![weight; conv.weights_len()], packed);
            let conv2d = Conv2d::new(conv, packed, table).expect("valid");
            let input = vec![255; 16 * 331];
            let mut expected = [0; 16];
            conv2d_ref(conv2d, size, &input, &mut expected);
            let row = vec![255; 8 * 331];
            let window = RowWindow::new((0..5).map(|_| &row[..]));
            let mut transformed = vec![0_u128; geometry.weights_len().div_ceil(4)];
            let transformed: &mut [Pair] = bytemuck::cast_slice_mut(&mut transformed);
            let transformed = &mut transformed[..geometry.weights_len()];
            transform_weights(geometry, &vec![weight; conv.weights_len()], |index, half, value| {
                transformed[index][half] = value;
            });
            let toom = ToomConv2d::new(geometry, transformed, table).expect("valid");
            for kernels in available() {
                let mut scratch = vec![0_u128; toom_scratch_len(&geometry, 1) / 16];
                let mut out = [1; 4];
                (kernels.conv.toom_row)(
                    &toom,
                    &window,
                    &mut out,
                    bytemuck::cast_slice_mut(&mut scratch),
                );
                assert_eq!(out, expected[..4], "{} {weight} {bias} {shift}", kernels.name);
            }
        }
    }
}

#[test]
fn lengths_of_the_published_model() {
    let lens = |conv, transform| {
        let geometry = ToomGeometry::new(conv, transform).expect("it fits");
        4 * geometry.weights_len()
    };
    let [conv1, conv2] = convolutions(&LCL_V2);
    assert_eq!(lens(conv1, &F6_3), 135_168);
    assert_eq!(lens(conv2, &F4_5), 983_040);
}

#[test]
fn tables_of_other_lengths_or_places_are_refused() {
    let conv = ConvGeometry::new(4, 3, 3, 1, 1).expect("valid");
    let geometry = ToomGeometry::new(conv, &F4_5);
    assert!(geometry.is_none(), "three taps are not five");
    let geometry = ToomGeometry::new(conv, &F6_3).expect("it fits");
    let words = [ChannelTable::PADDING; 4];
    let table = |len| ChannelTable::new(words.as_flattened(), len).expect("within a group");
    let weights = vec![0_u128; 200];
    let weights: &[Pair] = bytemuck::cast_slice(&weights);
    let len = geometry.weights_len();
    assert!(ToomConv2d::new(geometry, &weights[..len], table(3)).is_some());
    assert!(ToomConv2d::new(geometry, &weights[..len], table(4)).is_none());
    assert!(ToomConv2d::new(geometry, &weights[..len - 1], table(3)).is_none());
    assert!(ToomConv2d::new(geometry, &weights[1..=len], table(3)).is_none());
}
