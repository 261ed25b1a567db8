//! The shared suite on every kernel that this machine can run, and on kernels
//! that are broken, which it has to find.

use lcl_infer::ConvGeometry;
use lcl_infer::kernels::{
    ConvKernels, Kernels, PoolKernels, PoolStep, RowWindow, available, portable,
};
use lcl_infer::parameters::{Channel, ChannelTable, Conv2d};
use lcl_infer_suite::{Case, Cases, Fault, Memory, Mismatch, Operation, run};

/// Cases that are drawn for each table.
const COUNT: u32 = 3000;

/// Cases that are drawn to find something broken.
const FEW: u32 = 200;

#[test]
fn every_kernel_passes() {
    let mut memory = Box::new(Memory::new());
    for kernels in available() {
        match run(kernels, &mut memory, Cases { seed: 1, count: COUNT }) {
            Ok(summary) => println!("{}: {summary:?}", kernels.name),
            Err(mismatch) => panic!("{mismatch}"),
        }
    }
}

#[test]
fn plain_kernels_pass() {
    static PLAIN: Kernels = Kernels {
        name: "plain",
        conv: ConvKernels { conv2d_row: row_with::<Plain>, ..portable::KERNELS.conv },
        pool: PoolKernels { max_blur_row: max_blur_row_with::<8>, ..portable::KERNELS.pool },
        ..portable::KERNELS
    };
    let mut memory = Box::new(Memory::new());
    let summary = run(&PLAIN, &mut memory, Cases { seed: 1, count: FEW }).expect("they are right");
    assert!(summary.cases > 1000 && summary.bytes > 100_000, "{summary:?}");
}

/// Checks that the suite finds what is wrong with a table's `operation`, and
/// finds it again from the seed or in what is run every time.
#[track_caller]
fn check(kernels: &'static Kernels, operation: Operation) {
    let mut memory = Box::new(Memory::new());
    let found = |mismatch: Result<_, Mismatch>| mismatch.expect_err("it is broken");
    let mismatch = found(run(kernels, &mut memory, Cases { seed: 1, count: FEW }));
    assert_eq!((mismatch.kernels, mismatch.operation), (kernels.name, operation), "{mismatch}");
    let text = mismatch.to_string();
    assert!(text.contains(kernels.name) && text.contains("instead of"), "{text}");
    let seed = if let Case::Seed(seed) = mismatch.case { seed } else { 1 };
    assert_eq!(found(run(kernels, &mut memory, Cases { seed, count: 1 })), mismatch);
}

macro_rules! broken {
    ($($test:ident: $table:ident.$field:ident = $kernel:expr => $operation:ident;)*) => {$(
        #[test]
        fn $test() {
            static BROKEN: Kernels = {
                let mut kernels = portable::KERNELS;
                kernels.name = stringify!($test);
                kernels.$table.$field = $kernel;
                kernels
            };
            check(&BROKEN, Operation::$operation);
        }
    )*};
}

broken! {
    ties_that_round_down: conv.conv2d_row = row_with::<TiesDown> => Conv2dRow;
    shift_of_the_upper_half_alone: conv.conv2d_row = row_with::<UpperHalf> => Conv2dRow;
    pairs_of_products_in_16_bits: conv.conv2d_row = row_with::<SaturatingPairs> => Conv2dRow;
    sums_of_24_bits: conv.conv2d_row = row_with::<Sums24> => Conv2dRow;
    values_taken_for_signed: conv.conv2d_row = row_with::<SignedValues> => Conv2dRow;
    last_tap_left_out: conv.conv2d_row = row_with::<LastTap> => Conv2dRow;
    last_reflected_pixel_left_out: conv.conv2d_row = row_with::<LastPixel> => Conv2dRow;
    last_channel_left_out: conv.conv2d_row = row_with::<LastChannel> => Conv2dRow;
    last_byte_through_a_transform: conv.toom_row = |conv, window, out, scratch| {
        (portable::KERNELS.conv.toom_row)(conv, window, out, scratch);
        if let Some(last) = out.last_mut() {
            *last ^= 1;
        }
    } => ToomRow;
    last_byte_of_a_row: pool.max_rows = |row, other| {
        let end = row.len().saturating_sub(1);
        (portable::KERNELS.pool.max_rows)(&mut row[..end], other);
    } => MaxRows;
    blur_that_rounds_down: pool.max_blur_row = max_blur_row_with::<7> => MaxBlurRow;
    maximum_without_the_last_column: pool.max_row = |row, channels, largest, step| {
        let end = row.len().saturating_sub(channels);
        (portable::KERNELS.pool.max_row)(&row[..end], channels, largest, step);
    } => MaxRow;
    average_that_rounds_down: window_pool.average_row = |pool, window, channels, out| {
        (portable::KERNELS.window_pool.average_row)(pool, window, channels, out);
        for value in out.iter_mut().filter(|value| pool.side() == 2 && **value > 0) {
            *value -= 1;
        }
    } => WindowAverageRow;
    window_without_its_last_row: window_pool.max_row = |pool, window, channels, out| {
        let rows = window.rows().len().saturating_sub(1).max(1);
        let window = RowWindow::new(window.rows().iter().copied().take(rows));
        (portable::KERNELS.window_pool.max_row)(pool, &window, channels, out);
    } => WindowMaxRow;
    quotients_that_round_down: norm.norm_row = |norm, window, out, scratch| {
        (portable::KERNELS.norm.norm_row)(norm, window, out, scratch);
        for value in out.iter_mut().filter(|value| **value == 1) {
            *value = 0;
        }
    } => NormRow;
    denominators_without_their_last_row: norm.norm_row = |norm, window, out, scratch| {
        let rows = window.rows();
        let zeros = vec![0; rows.last().map_or(0, |row| row.len())];
        let last = rows.len().saturating_sub(1);
        let cut = rows.iter().enumerate().map(|(ky, row)| if ky == last { &zeros } else { *row });
        let window = if last > 0 { RowWindow::new(cut) } else { RowWindow::new(rows.iter().copied()) };
        (portable::KERNELS.norm.norm_row)(norm, &window, out, scratch);
    } => NormRow;
    run_without_its_last_column: resample.columns = |table, row, channels, sums| {
        (portable::KERNELS.resample.columns)(table, &row[..row.len() - row.len() % 2], channels, sums);
    } => Resample;
    means_that_round_down: resample.finish_row = |totals, out| {
        for (out, total) in out.iter_mut().zip(totals) {
            *out = u8::try_from(total / 65_025).unwrap_or(255);
        }
    } => Resample;
    mean_that_starts_from_dark: retina.retina_row = |retina, channels, rows, out| {
        rows.down.fill(0);
        (portable::KERNELS.retina.retina_row)(retina, channels, rows, out);
    } => RetinaRow;
    contrasts_of_a_flat_surround: opponent.contrasts_row = |window, contrasts| {
        let middle = window.rows().get(2).copied().unwrap_or_default();
        let flat = RowWindow::new((0..5).map(|_| middle));
        (portable::KERNELS.opponent.contrasts_row)(&flat, contrasts);
    } => Opponent;
    contrasts_without_the_row_below: opponent.divide_row = |retina, [above, row, _], out| {
        (portable::KERNELS.opponent.divide_row)(retina, [above, row, above], out);
    } => Opponent;
    off_taken_for_on: retina.retina_row = |retina, channels, rows, out| {
        (portable::KERNELS.retina.retina_row)(retina, channels, rows, out);
        for pixel in out.chunks_exact_mut(retina.out_c(channels).max(1)) {
            pixel.rotate_left(retina.out_c(channels) / 2);
        }
    } => RetinaRow;
    sums_without_the_last_pixel: readout.sums = |weights, [a, b, c, _]| {
        (portable::KERNELS.readout.sums)(weights, [a, b, c, &[]])
    } => ReadoutSums;
    bytes_taken_for_signed: readout.sums = |weights, pixels| {
        let mut sums = (portable::KERNELS.readout.sums)(weights, pixels);
        for (sum, pixel) in sums.iter_mut().zip(pixels) {
            for (&weight, &value) in weights.iter().zip(pixel) {
                *sum -= if value > 127 { 256 * i32::from(weight) } else { 0 };
            }
        }
        sums
    } => ReadoutSums;
    blur_without_the_row_below: pool.blur_max_row = |[above, row, _], channels, largest, step| {
        (portable::KERNELS.pool.blur_max_row)([above, row, above], channels, largest, step);
    } => BlurMaxRow;
}

#[test]
fn rows_of_features_that_differ_are_found_in_the_stream() {
    // Wrong on a shape that only whole images of the suite have.
    static BROKEN: Kernels = Kernels {
        name: "broken",
        conv: ConvKernels {
            conv2d_row: |conv, window, out, scratch| {
                (portable::KERNELS.conv.conv2d_row)(conv, window, out, scratch);
                if conv.geometry().kernel() == 5 && conv.geometry().out_c() == 9 {
                    out.reverse();
                }
            },
            ..portable::KERNELS.conv
        },
        ..portable::KERNELS
    };
    let mut memory = Box::new(Memory::new());
    let mismatch = run(&BROKEN, &mut memory, Cases { seed: 1, count: 0 }).expect_err("broken");
    assert_eq!(mismatch.operation, Operation::Frontend, "{mismatch}");
    // Rows of V2 follow the three of V1.
    assert!(matches!(mismatch.fault, Fault::Value { y: 3, .. }), "{mismatch}");
}

#[test]
fn tables_that_kernels_could_not_read_are_refused() {
    let words = [ChannelTable::PADDING; 4];
    let words = words.as_flattened();
    for (len, fits) in [(0, false), (1, true), (4, true), (5, false), (usize::MAX, false)] {
        assert_eq!(ChannelTable::new(words, len).is_some(), fits, "{len} channels");
    }
    assert!(ChannelTable::new(&words[1..], 4).is_none());
    assert!(ChannelTable::new(&[], usize::MAX).is_none());

    let conv = ConvGeometry::new(1, 1, 1, 1, 0).expect("valid");
    let table = ChannelTable::new(words, 1).expect("as many as a group has");
    let weights = [0_u128; 8];
    let weights: &[i8] = bytemuck::cast_slice(&weights);
    for (offset, fits) in [(0, true), (1, false), (8, false), (16, true)] {
        let conv2d = Conv2d::new(conv, &weights[offset..offset + conv.packed_len()], table);
        assert_eq!(conv2d.is_some(), fits, "{offset} past an aligned address");
    }
    assert!(Conv2d::new(conv, &weights[..conv.packed_len() - 1], table).is_none());
}

/// One way to compute a byte of a convolution.
trait Arithmetic {
    fn values(row: &[u8]) -> Vec<i32> {
        row.iter().map(|&value| value.into()).collect()
    }

    fn sum(bias: i32, products: impl Iterator<Item = i32>) -> i32 {
        products.fold(bias, i32::wrapping_add)
    }

    fn requantise(channel: Channel, acc: i32) -> u8 {
        channel.requant.requantise(acc)
    }

    fn taps(count: usize) -> usize {
        count
    }

    fn channels(count: usize) -> usize {
        count
    }

    fn width(count: usize) -> usize {
        count
    }
}

fn row_with<A: Arithmetic>(
    conv: &Conv2d<'_>,
    window: &RowWindow<'_>,
    out: &mut [u8],
    _: &mut [u8],
) {
    let geometry = conv.geometry();
    let rows: Vec<_> = window.rows().iter().map(|row| A::values(row)).collect();
    for (x, pixel) in out.chunks_exact_mut(geometry.out_c()).enumerate() {
        let start = x * geometry.stride() * geometry.in_c();
        let values = rows.iter().flat_map(|row| {
            let width = A::width(row.len() / geometry.in_c()) * geometry.in_c();
            let run = start..start + geometry.taps_per_row();
            run.map(move |index| if index < width { row[index] } else { 0 })
        });
        let values: Vec<_> = if rows.iter().all(|row| row.len() >= start + geometry.taps_per_row())
        {
            values.collect()
        } else {
            Vec::new()
        };
        let channels = A::channels(pixel.len());
        for (oc, (channel, value)) in conv.channels().iter().zip(pixel).enumerate().take(channels) {
            let products = conv.filter(oc).zip(&values).take(A::taps(geometry.taps()));
            let products = products.map(|(weight, value)| i32::from(weight) * value);
            *value = A::requantise(channel, A::sum(channel.bias, products));
        }
    }
}

enum Plain {}
impl Arithmetic for Plain {}

enum TiesDown {}
impl Arithmetic for TiesDown {
    fn requantise(Channel { requant, .. }: Channel, acc: i32) -> u8 {
        let product = i64::from(acc) * i64::from(requant.multiplier());
        let half = 1_i64 << (requant.shift() - 1);
        u8::try_from(((product + half - 1) >> requant.shift()).clamp(0, 255)).expect("a byte")
    }
}

enum UpperHalf {}
impl Arithmetic for UpperHalf {
    /// Right from a shift of 33 on.
    fn requantise(Channel { requant, .. }: Channel, acc: i32) -> u8 {
        let upper = (i64::from(acc) * i64::from(requant.multiplier())) >> 32;
        let rounded = match requant.shift() {
            31 => upper << 1,
            32 => upper,
            shift => (upper + (1 << (shift - 33))) >> (shift - 32),
        };
        u8::try_from(rounded.clamp(0, 255)).expect("a byte")
    }
}

enum SaturatingPairs {}
impl Arithmetic for SaturatingPairs {
    fn sum(bias: i32, products: impl Iterator<Item = i32>) -> i32 {
        let products: Vec<_> = products.collect();
        let pairs = products
            .chunks(2)
            .map(|pair| pair.iter().sum::<i32>().clamp(i16::MIN.into(), i16::MAX.into()));
        pairs.fold(bias, i32::wrapping_add)
    }
}

enum Sums24 {}
impl Arithmetic for Sums24 {
    fn sum(bias: i32, products: impl Iterator<Item = i32>) -> i32 {
        (products.fold(bias, i32::wrapping_add) << 8) >> 8
    }
}

enum SignedValues {}
impl Arithmetic for SignedValues {
    fn values(row: &[u8]) -> Vec<i32> {
        row.iter().map(|&value| i8::from_ne_bytes([value]).into()).collect()
    }
}

enum LastTap {}
impl Arithmetic for LastTap {
    fn taps(count: usize) -> usize {
        count - usize::from(count % 16 == 1)
    }
}

enum LastPixel {}
impl Arithmetic for LastPixel {
    fn width(count: usize) -> usize {
        count.saturating_sub(1)
    }
}

enum LastChannel {}
impl Arithmetic for LastChannel {
    fn channels(count: usize) -> usize {
        count - usize::from(count % 4 == 1 && count > 4)
    }
}

/// Rounds the blur with `(sum + HALF) >> 4`; right with 8.
fn max_blur_row_with<const HALF: u16>(
    row: &[u8],
    channels: usize,
    sum: &mut [u16],
    step: PoolStep<'_>,
) {
    let PoolStep::Edge(out) = step else {
        return (portable::KERNELS.pool.max_blur_row)(row, channels, sum, step);
    };
    let before = sum.to_vec();
    let mut rest = vec![0; out.len()];
    (portable::KERNELS.pool.max_blur_row)(row, channels, sum, PoolStep::Edge(&mut rest));
    for ((out, before), after) in out.iter_mut().zip(before).zip(sum) {
        *out = u8::try_from((before + *after + HALF) >> 4).expect("a byte");
    }
}
