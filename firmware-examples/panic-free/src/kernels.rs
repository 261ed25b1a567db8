//! Calls every kernel with slices that need not fit each other.

use core::hint::black_box;

use lcl_infer::kernels::{self, Kernels, PoolStep, RetinaRows, RowWindow};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{
    ChannelTable, Conv2d, Dense, Norm, NormChannel, ResampleTable, accumulator_bound,
};
use lcl_infer::shape::{
    Border, DenseGeometry, NormGeometry, Opponent, Resample, Retina, RetinaOutput, Sums,
    WindowOperation, WindowPool, pooled_side, reflect,
};
use lcl_infer::{ConvGeometry, ImageSize};

#[inline(never)]
pub fn run(bytes: &[u8], numbers: [usize; 8]) -> Option<usize> {
    let [in_c, out_c, kernel, stride, padding, len, x, first] = numbers;
    let conv = ConvGeometry::new(in_c, out_c, kernel, stride, padding)?;
    let size = ImageSize::square(pooled_side(black_box(96)) ^ reflect(x, padding, len));
    let signed = |byte: &u8| i8::from_ne_bytes([*byte]);
    let mut weights = [0; 256];
    for (weight, byte) in weights.iter_mut().zip(bytes) {
        *weight = signed(byte);
    }
    let mut packed = [0; 256];
    pack_weights(conv, weights.get(..len)?, &mut packed);
    let words = [black_box(0); 64];
    let table = ChannelTable::new(words.get(..len)?, out_c)?;
    let conv2d = Conv2d::new(conv, packed.get(..len)?, table)?;
    black_box(conv2d.filter(x).count());
    black_box(accumulator_bound(black_box(0), black_box(0)));
    black_box((conv.macs(size), conv.packed_index(x, first), table.min_shift()));
    black_box((conv2d.channels().is_empty(), conv.min_side(), conv.out_side(x)));

    let window = RowWindow::new(bytes.split(|&byte| byte == 0));
    let mut taps = [0; 64];
    window.copy_taps(&conv, x, first, &mut taps);
    black_box((&taps, window.rows().len()));
    let sums = if black_box(false) { Sums::Words } else { Sums::Bytes };
    let dense = DenseGeometry::new(in_c, out_c, sums)?;
    let dense = Dense::new(dense, packed.get(..len)?, table)?;
    black_box((dense.geometry().row_len(x), lcl_infer::sums(bytes).count()));
    let mut memory = [0; 1024];
    for kernels in kernels::available() {
        each(kernels, &conv2d, &window, bytes, &mut memory, len);
        (kernels.dense.row)(&dense, bytes, &mut memory);
        components(kernels, &window, packed.get(..len)?, bytes, &mut memory, numbers);
        black_box(&memory);
    }
    Some(kernels::scratch_len(&conv))
}

/// Calls the kernels of normalisation, resampling and retina.
#[inline(never)]
fn components(
    kernels: &Kernels,
    window: &RowWindow<'_>,
    packed: &[i8],
    bytes: &[u8],
    memory: &mut [u8],
    [channels, out_c, kernel, overlap, shift, len, ..]: [usize; 8],
) -> Option<()> {
    let words = [black_box(0); 64];
    let (out, scratch) = memory.split_at_mut_checked(len)?;
    let geometry = NormGeometry::new(channels, kernel, black_box(Border::Zero))?;
    let norm = Norm::new(geometry, packed, words.get(..len)?)?;
    black_box((norm.filter(len).count(), norm.channels().count(), norm.packed_weights().len()));
    black_box((kernels::norm_scratch_len(&geometry.conv()), norm.words().len()));
    black_box(NormChannel { bias: 1, multiplier: black_box(1) }.divide(black_box(1), black_box(1)));
    (kernels.norm.norm_row)(&norm, window, out, scratch);
    let resample = Resample::new(channels, out_c, overlap)?;
    black_box((resample.out_side(len), resample.in_side(len)));
    let table = ResampleTable::new(resample, bytes)?;
    let (mut sums, mut totals) = ([black_box(0); 64], [black_box(0); 64]);
    (kernels.resample.columns)(&table, bytes, channels, sums.get_mut(..len)?);
    (kernels.resample.add_row)(black_box(1), &sums, totals.get_mut(..len)?);
    (kernels.resample.finish_row)(totals.get(..len)?, out);
    let output = black_box(RetinaOutput::OnOff);
    let shift = u8::try_from(shift).ok()?;
    let retina = Retina::new(output, shift, black_box(1), black_box(1))?;
    let mut along = [black_box(0); 64];
    let rows = RetinaRows { row: bytes, down: &mut sums, along: along.get_mut(..len)? };
    (kernels.retina.retina_row)(&retina, channels, rows, out);
    let opponent = Opponent::new(black_box(1), black_box(1))?;
    let mut contrasts = [[black_box(0); 4]; 8];
    (kernels.opponent.contrasts_row)(window, contrasts.get_mut(..len)?);
    let row = contrasts.get(..channels)?;
    (kernels.opponent.divide_row)(&opponent, [row, contrasts.get(..len)?, row], out);
    black_box((out, sums, totals, contrasts));
    Some(())
}

/// Describes a plain pool of any numbers.
fn window_pool(side: usize, stride: usize) -> Option<WindowPool> {
    let operation = black_box(WindowOperation::Average);
    let pool = WindowPool::new(operation, side, stride, black_box(0))?;
    black_box((pool.in_side(side), pool.out_side(side), operation.name()));
    Some(pool)
}

fn each(
    kernels: &Kernels,
    conv2d: &Conv2d<'_>,
    window: &RowWindow<'_>,
    bytes: &[u8],
    memory: &mut [u8],
    len: usize,
) {
    let (out, scratch) = memory.split_at_mut_checked(len).unwrap_or_default();
    (kernels.conv.conv2d_row)(conv2d, window, out, scratch);
    (kernels.pool.max_rows)(out, bytes);
    let channels = conv2d.geometry().out_c() ^ black_box(0);
    let mut partial = [black_box(0); 64];
    let partial = partial.get_mut(..len).unwrap_or_default();
    (kernels.pool.max_blur_row)(bytes, channels, partial, PoolStep::Middle);
    (kernels.pool.max_blur_row)(bytes, channels, partial, PoolStep::Edge(out));
    (kernels.pool.blur_max_row)([bytes, scratch, bytes], channels, partial, PoolStep::Middle);
    (kernels.pool.blur_max_row)([bytes, scratch, bytes], channels, partial, PoolStep::Edge(out));
    (kernels.pool.max_row)(bytes, channels, partial, PoolStep::Middle);
    (kernels.pool.max_row)(bytes, channels, partial, PoolStep::Edge(out));
    if let Some(pool) = window_pool(len, channels) {
        (kernels.window_pool.max_row)(&pool, window, channels, out);
        (kernels.window_pool.average_row)(&pool, window, channels, out);
    }
    let sums = (kernels.readout.sums)(&black_box([1; 16]), [bytes, scratch, out, bytes]);
    black_box((partial, sums, lcl_infer::reference::elu_plus_one(black_box(0))));
}
