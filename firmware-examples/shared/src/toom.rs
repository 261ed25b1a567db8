//! Convolutions through a transform on the board: the suite, and what they cost
//! beside today's.

use lcl_infer::ConvGeometry;
use lcl_infer::kernels::toom::{
    F4_5, F6_3, Order, Pair, ToomConv2d, ToomGeometry, active, available, check_weights,
    transform_weights,
};
use lcl_infer::kernels::{self, RowWindow};
use lcl_infer::packing::pack_weights;
use lcl_infer::parameters::{
    CHANNEL_WORDS, Channel, ChannelTable, Conv2d, MIN_MULTIPLIER, Requant,
};
use lcl_infer::shape::{pooled_side, reflect};
use lcl_infer_suite::{Cases, Random, Style, ToomMemory, fill_parameters, run_toom};
use static_cell::ConstStaticCell;

use crate::{Board, Failure, Meter, Ratio};

/// Cases that are drawn for the suite.
const CASES: Cases = Cases { seed: 1, count: 300 };

/// Sides of the square images that are measured.
const SIDES: [usize; 3] = [48, 96, 224];

/// Most tiles together of cores that boards have.
const MAX_TILES: usize = 4;

/// The convolutions of LCL-V2.
const CONV_1: ConvGeometry = geometry(3, 64, 11, 4, 5);
const CONV_2: ConvGeometry = geometry(64, 192, 5, 1, 2);

const fn geometry(
    in_c: usize,
    out_c: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> ConvGeometry {
    ConvGeometry::new(in_c, out_c, kernel, stride, padding).expect("a geometry of LCL-V2")
}

const FAST_2: Option<ToomGeometry> = ToomGeometry::new(CONV_2, &F4_5);
const FAST_1: Option<ToomGeometry> = ToomGeometry::new(CONV_1, &F6_3);

const TRANSFORMED_LEN: usize = match FAST_2 {
    Some(geometry) => geometry.weights_len(),
    None => 0,
};
const SCRATCH_LEN: usize = match FAST_2 {
    Some(geometry) => geometry.with_order(Order::Wide).scratch_len(MAX_TILES),
    None => 0,
};

/// All rows of an input of 224 pixels, reflected at both ends.
const INPUT_LEN: usize = 240 * 234 * 3;

/// The widest row of outputs.
const ROW_LEN: usize = 56 * 192;

#[repr(align(16))]
struct Memory {
    weights: [i8; CONV_2.weights_len()],
    transformed: [Pair; TRANSFORMED_LEN],
    packed: [u128; CONV_2.packed_len() / 16],
    scratch: [u128; SCRATCH_LEN / 16],
    input: [u8; INPUT_LEN],
    words: [i32; 192 * CHANNEL_WORDS],
    rows: [[u8; ROW_LEN]; 2],
}

static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory {
    weights: [0; CONV_2.weights_len()],
    transformed: [[0; 2]; TRANSFORMED_LEN],
    packed: [0; CONV_2.packed_len() / 16],
    scratch: [0; SCRATCH_LEN / 16],
    input: [0; INPUT_LEN],
    words: [0; 192 * CHANNEL_WORDS],
    rows: [[0; ROW_LEN]; 2],
});
static SUITE: ConstStaticCell<ToomMemory> = ConstStaticCell::new(ToomMemory::new());

/// Runs the suite on every kernel through a transform, then both convolutions of
/// the published model on random numbers, row by row, against today's kernel.
///
/// # Errors
///
/// Returns the first byte that is not what the contract asks for.
pub fn toom<B: Board + Meter>(_: &mut B, _: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let suite = SUITE.try_take().ok_or(Failure::RunBefore)?;
    let memory = MEMORY.try_take().ok_or(Failure::RunBefore)?;
    for kernels in available() {
        let summary = run_toom(kernels, suite, CASES).map_err(Failure::Kernels)?;
        defmt::info!(
            "toom {=str}: {=usize} cases passed, {=usize} bytes compared",
            kernels.name,
            summary.cases,
            summary.bytes
        );
    }
    let ratio = B::calibrate();
    for geometry in [FAST_1, FAST_2].into_iter().flatten() {
        measure::<B>(geometry, memory, ratio).ok_or(Failure::RunBefore)?;
    }
    Ok(())
}

/// Measures one convolution at every size, or returns nothing where a byte
/// differs.
fn measure<B: Meter>(geometry: ToomGeometry, memory: &mut Memory, ratio: Ratio) -> Option<()> {
    let geometry = geometry.with_order(active().order);
    let conv = geometry.conv();
    let random = &mut Random::new(1);
    let [style, ..] = Style::EDGES;
    let requant = Requant::new(MIN_MULTIPLIER, 62)?;
    let mut channels = [Channel { bias: 0, requant }; 192];
    let channels = channels.get_mut(..conv.out_c())?;
    let weights = memory.weights.get_mut(..conv.weights_len())?;
    fill_parameters(random, style, weights, channels);
    let words = memory.words.get_mut(..CHANNEL_WORDS * conv.out_c())?;
    for (words, channel) in words.chunks_exact_mut(CHANNEL_WORDS).zip(channels) {
        let shift = i32::from(channel.requant.shift());
        words.copy_from_slice(&[channel.bias, channel.requant.multiplier(), shift, 0]);
    }
    let table = ChannelTable::new(words, conv.out_c())?;
    let packed = bytemuck::cast_slice_mut(&mut memory.packed).get_mut(..conv.packed_len())?;
    pack_weights(conv, weights, packed);
    let direct = Conv2d::new(conv, packed, table)?;
    let transformed = memory.transformed.get_mut(..geometry.weights_len())?;
    let start = B::ticks();
    transform_weights(geometry, &direct, transformed);
    let made = B::ticks();
    check_weights(geometry, transformed).ok()?;
    let checked = B::ticks();
    defmt::info!(
        "{=str} of {=usize} channels: {=u64} instructions to transform the weights, {=u64} to check them",
        geometry.transform().name(),
        conv.in_c(),
        ratio.divide(made.wrapping_sub(start).into()),
        ratio.divide(checked.wrapping_sub(made).into())
    );
    let fast = ToomConv2d::new(geometry, transformed, table)?;
    let scratch: &mut [u8] = bytemuck::cast_slice_mut(&mut memory.scratch);
    let [expected, got] = &mut memory.rows;
    for side in SIDES {
        // Rows of stage 2 are those of V1.
        let side_in = if conv == CONV_2 { pooled_side(CONV_1.out_side(side)) } else { side };
        let row_len = (side_in + 2 * conv.padding()) * conv.in_c();
        let row_step = row_len.next_multiple_of(16);
        let input = memory.input.get_mut(..row_step * side_in)?;
        for row in input.chunks_exact_mut(row_step) {
            style.values.fill(random, row);
        }
        let out_len = conv.out_side(side_in) * conv.out_c();
        let (expected, got) = (expected.get_mut(..out_len)?, got.get_mut(..out_len)?);
        let input = &*input;
        let mut total = [0_u64; MAX_TILES + 1];
        let mut worst = [0; MAX_TILES + 1];
        for y in 0..conv.out_side(side_in) {
            let window = RowWindow::new((0..conv.kernel()).map(|ky| {
                let y = reflect(y * conv.stride() + ky, conv.padding(), side_in);
                input.get(y * row_step..y * row_step + row_len).unwrap_or_default()
            }));
            for tiles in 0..=active().max_tiles {
                let len = if tiles == 0 {
                    kernels::scratch_len(&conv)
                } else {
                    geometry.scratch_len(tiles)
                };
                let scratch = scratch.get_mut(..len)?;
                got.fill(0);
                let start = B::ticks();
                if tiles == 0 {
                    (kernels::active().conv.conv2d_row)(&direct, &window, expected, scratch);
                } else {
                    (active().conv2d_row)(&fast, &window, got, scratch);
                }
                let ticks = u64::from(B::ticks().wrapping_sub(start));
                if tiles > 0 && got != expected {
                    defmt::error!("{=usize}: row {=usize} differs, {=usize} tiles", side, y, tiles);
                    return None;
                }
                *total.get_mut(tiles)? += ticks;
                let worst = worst.get_mut(tiles)?;
                *worst = ticks.max(*worst);
            }
        }
        for (tiles, (total, worst)) in
            total.into_iter().zip(worst).enumerate().take(active().max_tiles + 1)
        {
            defmt::info!(
                "toom size={=usize} transform={=str} tiles={=usize} instructions={=u64} worst_row={=u64} scratch_bytes={=usize} weight_bytes={=usize}",
                side,
                if tiles == 0 { "direct" } else { geometry.transform().name() },
                tiles,
                ratio.divide(total),
                ratio.divide(worst),
                if tiles == 0 { kernels::scratch_len(&conv) } else { geometry.scratch_len(tiles) },
                if tiles == 0 {
                    conv.packed_len()
                } else {
                    size_of::<Pair>() * geometry.weights_len()
                }
            );
        }
    }
    Some(())
}
