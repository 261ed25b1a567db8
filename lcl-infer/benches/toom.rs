//! Times both convolutions of the published model through a transform beside the
//! direct kernels of the same run: a line of words between tabs for each, with
//! the least and the median time of a frame's rows in microseconds.
//!
//! `cargo bench -p lcl-infer --features std --bench toom`

use std::time::{Duration, Instant};

use lcl_infer::LCL_V2;
use lcl_infer::kernels::toom::{
    self, F4_5, F6_3, Pair, ToomConv2d, ToomGeometry, transform_weights,
};
use lcl_infer::kernels::{self, RowWindow};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{
    CHANNEL_WORDS, Channel, ChannelTable, Conv2d, MIN_MULTIPLIER, Requant,
};
use lcl_infer::shape::{pooled_side, reflect};
use lcl_infer_suite::{Random, Style, fill_parameters};

/// How long each convolution is measured.
const BUDGET: Duration = Duration::from_secs(2);

/// Kernels that take longer than this run a few times only.
const SLOW: Duration = Duration::from_millis(20);

type Run<'a> = Box<dyn Fn(&RowWindow<'_>, &mut [u8]) + 'a>;

fn main() {
    let convolutions: Vec<_> = LCL_V2.convolutions().collect();
    let [conv1, conv2] = convolutions[..] else { return };
    for side in [48, 96, 224] {
        let v1 = pooled_side(conv1.out_side(side));
        for (name, conv, transform, side_in) in
            [("conv1", conv1, &F6_3, side), ("conv2", conv2, &F4_5, v1)]
        {
            let geometry = ToomGeometry::new(conv, transform).expect("it fits the model");
            for (kernels, times) in measure(geometry, side_in) {
                let [least, median] = times.map(|time| time.as_secs_f64() * 1e6);
                println!("time\t{side}\t{name}\t{kernels}\t{least:.1}\t{median:.1}");
            }
        }
    }
}

fn measure(geometry: ToomGeometry, side: usize) -> Vec<(String, [Duration; 2])> {
    let conv = geometry.conv();
    let random = &mut Random::new(1);
    let [style, ..] = Style::EDGES;
    let requant = Requant::new(MIN_MULTIPLIER, 62).expect("valid");
    let mut weights = vec![0; conv.weights_len()];
    let mut channels = vec![Channel { bias: 0, requant }; conv.out_c()];
    fill_parameters(random, style, &mut weights, &mut channels);
    let words: Vec<[i32; CHANNEL_WORDS]> = channels
        .iter()
        .map(|Channel { bias, requant }| [*bias, requant.multiplier(), requant.shift().into(), 0])
        .collect();
    let table = ChannelTable::new(words.as_flattened(), conv.out_c()).expect("valid");
    let mut packed = vec![0_u128; conv.packed_len() / 16];
    let packed: &mut [i8] = bytemuck::cast_slice_mut(&mut packed);
    pack_weights(conv, &weights, packed);
    // What the suite leaves out: sums of weights, which some kernels start from.
    let sums: Vec<[i32; CHANNEL_WORDS]> = words
        .iter()
        .zip(weights.chunks_exact(conv.taps()))
        .map(|(&[bias, multiplier, shift, _], filter)| {
            [bias, multiplier, shift, filter.iter().map(|&weight| i32::from(weight)).sum()]
        })
        .collect();
    let direct_table = ChannelTable::new(sums.as_flattened(), conv.out_c()).expect("valid");
    let direct = Conv2d::new(conv, packed, direct_table).expect("valid");

    let mut storage: Vec<Vec<u128>> = Vec::new();
    for kernels in toom::available() {
        let geometry = geometry.with_order(kernels.order);
        let mut transformed = vec![0_u128; geometry.weights_len() / 4];
        transform_weights(geometry, &direct, bytemuck::cast_slice_mut(&mut transformed));
        storage.push(transformed);
    }
    let mut runs: Vec<(String, Run<'_>)> = Vec::new();
    for kernels in kernels::available() {
        let direct = &direct;
        let run: Run<'_> = Box::new(move |window, out| {
            let mut scratch = vec![0_u128; kernels::scratch_len(&conv).div_ceil(16)];
            (kernels.conv.conv2d_row)(direct, window, out, bytemuck::cast_slice_mut(&mut scratch));
        });
        runs.push((format!("direct {}", kernels.name), run));
    }
    for (kernels, weights) in toom::available().zip(&storage) {
        let geometry = geometry.with_order(kernels.order);
        let weights: &[Pair] = bytemuck::cast_slice(weights);
        let conv = ToomConv2d::new(geometry, weights, table).expect("valid");
        let run: Run<'_> = Box::new(move |window, out| {
            let mut scratch = vec![0_u128; geometry.scratch_len(kernels.max_tiles) / 16];
            (kernels.conv2d_row)(&conv, window, out, bytemuck::cast_slice_mut(&mut scratch));
        });
        runs.push((format!("{} {}", geometry.transform().name(), kernels.name), run));
    }

    let row_len = (side + 2 * conv.padding()) * conv.in_c();
    let mut input = vec![0; row_len * side];
    style.values.fill(random, &mut input);
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); runs.len()];
    let mut out = vec![0; conv.out_side(side) * conv.out_side(side) * conv.out_c()];
    let (mut expected, start) = (None, Instant::now());
    while times[0].len() < 3 || start.elapsed() < BUDGET {
        for ((_, run), times) in runs.iter().zip(&mut times) {
            if times.len() >= 3 && times[0] > SLOW {
                continue;
            }
            out.fill(0);
            let start = Instant::now();
            for (y, out) in out.chunks_exact_mut(conv.out_side(side) * conv.out_c()).enumerate() {
                let window = RowWindow::new((0..conv.kernel()).map(|ky| {
                    let y = reflect(y * conv.stride() + ky, conv.padding(), side);
                    &input[y * row_len..(y + 1) * row_len]
                }));
                run(&window, out);
            }
            times.push(start.elapsed());
            assert_eq!(*expected.get_or_insert_with(|| out.clone()), out, "other bytes");
        }
    }
    let figures = times.into_iter().map(|mut times| {
        times.sort_unstable();
        [times[0], times[times.len() / 2]]
    });
    runs.into_iter().map(|(name, _)| name).zip(figures).collect()
}
