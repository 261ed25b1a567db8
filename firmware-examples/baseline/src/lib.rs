//! CMSIS-NN on the same network, the same weights and the same board, measured
//! as [`shared::bench`] measures ours.
//!
//! It holds whole frames and pads with zeros, so its bytes are not those of the
//! contract. The blur is its convolution of each channel alone. Behind the
//! blob in the model partition stand the weights in plain OHWI order.
#![no_std]

mod cmsis_nn;

use lcl_infer::parameters::{Convolution, Operation};
use lcl_infer::shape::pooled_side;
use lcl_infer::{Blob, ConvGeometry};
use shared::{Board, Failure, Meter, Ratio};
use static_cell::ConstStaticCell;

use cmsis_nn::{Dims, Filter, Map};

/// Sides of the square images that are measured.
const SIDES: [usize; 3] = [48, 96, 224];

/// Bytes of the largest feature map, that of conv1.
const MAP_LEN: usize = 56 * 56 * 64;

/// Channels of conv2.
const MAX_CHANNELS: usize = 192;

/// Words of scratch for any layer.
const SCRATCH_WORDS: usize = 4096;

#[repr(align(16))]
struct Frames([[i8; MAP_LEN]; 2]);

static FRAMES: ConstStaticCell<Frames> = ConstStaticCell::new(Frames([[0; MAP_LEN]; 2]));

static TABLES: ConstStaticCell<Tables> = ConstStaticCell::new(Tables::NONE);

static SCRATCH: ConstStaticCell<[u32; SCRATCH_WORDS]> = ConstStaticCell::new([0; SCRATCH_WORDS]);

/// What a layer adds and multiplies with, one entry for each channel.
struct Tables {
    bias: [i32; MAX_CHANNELS],
    multiplier: [i32; MAX_CHANNELS],
    shift: [i32; MAX_CHANNELS],
    blur_weights: [i8; BLUR.len() * MAX_CHANNELS],
    no_bias: [i32; MAX_CHANNELS],
}

/// The binomial taps.
const BLUR: [i8; 9] = [1, 2, 1, 2, 4, 2, 1, 2, 1];

/// Divides by their sum.
const BLUR_MULTIPLIER: [i32; MAX_CHANNELS] = [1 << 30; MAX_CHANNELS];
const BLUR_SHIFT: [i32; MAX_CHANNELS] = [-3; MAX_CHANNELS];

impl Tables {
    const NONE: Self = Self {
        bias: [0; MAX_CHANNELS],
        multiplier: [0; MAX_CHANNELS],
        shift: [0; MAX_CHANNELS],
        blur_weights: [0; BLUR.len() * MAX_CHANNELS],
        no_bias: [0; MAX_CHANNELS],
    };

    fn set(&mut self, conv: &Convolution<'_>) {
        let rows = self.bias.iter_mut().zip(&mut self.multiplier).zip(&mut self.shift);
        for (((bias, multiplier), shift), channel) in rows.zip(conv.channels().iter()) {
            *bias = channel.bias;
            *multiplier = channel.requant.multiplier();
            *shift = 31 - i32::from(channel.requant.shift());
        }
        let channels = conv.geometry().out_c();
        for (weights, tap) in self.blur_weights.chunks_mut(channels).zip(BLUR) {
            weights.fill(tap);
        }
    }
}

/// Measures CMSIS-NN on one generated image of each size.
///
/// # Errors
///
/// Returns the first thing that went wrong.
pub fn cmsis_nn<B: Board + Meter>(board: &mut B, _: &mut [u8]) -> Result<(), Failure<B::Error>> {
    let partition = board.model();
    let len = lcl_infer::blob_len(partition).map_err(Failure::Model)?;
    let (blob, behind) = partition.split_at_checked(len).unwrap_or((partition, &[]));
    let padding = len.next_multiple_of(lcl_infer::blob::ALIGNMENT) - len;
    let weights: &[i8] = bytemuck::cast_slice(behind.get(padding..).unwrap_or_default());
    let blob = Blob::open(blob).map_err(Failure::Model)?;

    let ratio = B::calibrate();
    let Frames([first, second]) = FRAMES.take();
    let mut baseline = Baseline::<B> {
        ratio,
        tables: TABLES.take(),
        scratch: SCRATCH.take(),
        meter: core::marker::PhantomData,
    };
    for side in SIDES.into_iter().filter(|&side| side <= B::MAX_WIDTH) {
        let mut total = 0;
        let mut macs = 0;
        let mut noise = 1_u32;
        let mut convolutions = blob.layers().filter_map(|layer| match layer.operation {
            Operation::Conv(parameters) => Some(parameters.conv),
            _ => None,
        });
        let (Some(conv1), Some(conv2)) = (convolutions.next(), convolutions.next()) else {
            return Err(Failure::Baseline("a model of fewer than two convolutions"));
        };
        let in_c = conv1.geometry().in_c();
        for value in second.iter_mut().take(side * side * in_c) {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [.., high] = noise.to_le_bytes();
            *value = i8::from_le_bytes([high.wrapping_sub(128)]);
        }
        let (weights_1, rest) =
            weights.split_at_checked(conv1.geometry().weights_len()).unwrap_or_default();
        let weights_2 = rest.get(..conv2.geometry().weights_len()).unwrap_or_default();
        let mut in_side = side;
        let mut frames = [&mut *first, &mut *second];
        for (number, conv, weights) in [(1_u8, conv1, weights_1), (2, conv2, weights_2)] {
            baseline.tables.set(&conv);
            let costs = baseline.conv_and_pool(conv.geometry(), in_side, weights, &mut frames)?;
            for (op, cost) in ["conv2d", "max", "blur"].into_iter().zip(costs) {
                total += cost.units;
                macs += cost.macs;
                defmt::info!(
                    "bench size={=usize} stage={=u8} op={=str} {=str}={=u64} macs={=u64}",
                    side,
                    number,
                    op,
                    B::UNIT,
                    cost.units,
                    cost.macs
                );
            }
            in_side = pooled_side(conv.geometry().out_side(in_side));
        }
        let ram_bytes = 2 * conv1.geometry().out_side(side).pow(2) * conv1.geometry().out_c();
        defmt::info!(
            "bench size={=usize} stage=0 op=total {=str}={=u64} macs={=u64} ram_bytes={=usize} flash_bytes={=usize} stack_bytes={=usize}",
            side,
            B::UNIT,
            total,
            macs,
            ram_bytes,
            B::flash_bytes() + weights_1.len() + weights_2.len(),
            B::stack_bytes()
        );
    }
    Ok(())
}

struct Baseline<M> {
    ratio: Ratio,
    tables: &'static mut Tables,
    scratch: &'static mut [u32; SCRATCH_WORDS],
    meter: core::marker::PhantomData<M>,
}

#[derive(Clone, Copy, Default)]
struct Cost {
    units: u64,
    macs: u64,
}

impl<M: Board + Meter> Baseline<M> {
    /// Runs convolution, maximum and blur from the second frame, and swaps the
    /// frames so that the result is in the second.
    fn conv_and_pool(
        &mut self,
        conv: ConvGeometry,
        in_side: usize,
        weights: &[i8],
        frames: &mut [&mut [i8; MAP_LEN]; 2],
    ) -> Result<[Cost; 3], Failure<M::Error>> {
        let side = conv.out_side(in_side);
        let pooled = pooled_side(side);
        let int = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        let (in_c, out_c, kernel) = (conv.in_c(), conv.out_c(), int(conv.kernel()));
        let input = Dims::square(int(in_side), int(in_c));
        let whole = Dims::square(int(side), int(out_c));
        let half = Dims::square(int(pooled), int(out_c));
        let [first, second] = frames;
        let Tables { bias, multiplier, shift, blur_weights, no_bias } = &*self.tables;
        let (input_len, whole_len) = (in_side * in_side * in_c, side * side * out_c);
        let half_len = pooled * pooled * out_c;
        let (ratio, scratch) = (self.ratio, &mut self.scratch[..]);
        let blur_len = BLUR.len() * out_c;
        if input_len.max(whole_len) > MAP_LEN || blur_len > blur_weights.len() {
            return Err(Failure::Baseline("an image that CMSIS-NN has no room for"));
        }

        let filter = Filter {
            dims: Dims { n: int(out_c), h: kernel, w: kernel, c: int(in_c) },
            weights,
            bias,
            multiplier,
            shift,
            stride: int(conv.stride()),
            padding: int(conv.padding()),
        };
        let values = &second[..input_len];
        let output = &mut first[..whole_len];
        let conv2d = time::<M, _>(ratio, || {
            let input = Map { dims: input, values };
            cmsis_nn::conv2d(&filter, input, Map { dims: whole, values: output }, scratch)
        })?;

        let values = &first[..whole_len];
        let output = &mut second[..whole_len];
        let max = time::<M, _>(ratio, || {
            let input = Map { dims: whole, values };
            cmsis_nn::max(input, Map { dims: whole, values: output })
        })?;

        let filter = Filter {
            dims: Dims::square(3, int(out_c)),
            weights: &blur_weights[..blur_len],
            bias: no_bias,
            multiplier: &BLUR_MULTIPLIER,
            shift: &BLUR_SHIFT,
            stride: 2,
            padding: 1,
        };
        let values = &second[..whole_len];
        let output = &mut first[..half_len];
        let blur = time::<M, _>(ratio, || {
            let input = Map { dims: whole, values };
            cmsis_nn::depthwise(&filter, input, Map { dims: half, values: output }, scratch)
        })?;
        frames.swap(0, 1);
        let macs = whole_len * conv.taps();
        let cost = |units, macs: usize| Cost { units, macs: u64::try_from(macs).unwrap_or(0) };
        Ok([cost(conv2d, macs), cost(max, 0), cost(blur, 0)])
    }
}

/// Returns what `layer` costs.
fn time<M: Meter, E>(
    ratio: Ratio,
    layer: impl FnOnce() -> Result<(), Failure<E>>,
) -> Result<u64, Failure<E>> {
    let start = M::ticks();
    let done = layer();
    let ticks = M::ticks().wrapping_sub(start);
    done.map(|()| ratio.divide(u64::from(ticks)))
}
