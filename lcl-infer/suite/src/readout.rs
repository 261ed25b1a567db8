//! The sums of readouts against loops.

use lcl_infer::kernels::Kernels;

use crate::draw::Values;
use crate::memory::Memory;
use crate::mismatch::Fault;
use crate::random::Random;

/// Channels around which kernels go over to another loop, and those of V1 and V2.
pub(crate) const CHANNELS: [usize; 9] = [1, 2, 3, 4, 5, 15, 17, 64, 192];

/// Channels of a map, and what its bytes are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadoutCase {
    pub(crate) channels: usize,
    pub(crate) values: Values,
}

impl ReadoutCase {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = random.pick(&[Values::Any, Values::Tiny, Values::Largest, Values::Extreme]);
        Self { channels: random.count(200, &CHANNELS), values: values.unwrap_or(Values::Any) }
    }
}

/// Sums four pixels, some of which may not be there, and returns the number of bytes
/// compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &ReadoutCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let ReadoutCase { channels, values } = *case;
    let padded = channels.next_multiple_of(16);
    let input = memory.input.get_mut(..4 * channels + 16).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let weights = memory.weights.get_mut(..padded).ok_or(Fault::Refused)?;
    weights.fill(0);
    let extreme = random.below(4) == 0;
    for weight in weights.iter_mut().take(channels) {
        let byte = i8::from_ne_bytes([random.byte()]).max(-127);
        *weight = if extreme { 127 * byte.signum() } else { byte };
    }
    // Pixels start anywhere, as those of an odd number of channels do.
    let start = random.below(16);
    let mut pixels = [&[][..]; 4];
    for (index, pixel) in pixels.iter_mut().enumerate() {
        let from = start + index * channels;
        *pixel = input.get(from..from + channels).ok_or(Fault::Refused)?;
    }
    // Behind the last column and below the last row there is none.
    if random.below(2) == 0 {
        pixels[1] = &[];
        pixels[3] = &[];
    }
    if random.below(2) == 0 {
        pixels[2] = &[];
        pixels[3] = &[];
    }
    let got = (kernels.readout.sums)(weights, pixels);
    for (c, (pixel, got)) in pixels.iter().zip(got).enumerate() {
        let mut expected = 0_i32;
        for (&weight, &value) in weights.iter().zip(*pixel) {
            expected += i32::from(weight) * i32::from(value);
        }
        for (y, (expected, got)) in
            expected.to_le_bytes().into_iter().zip(got.to_le_bytes()).enumerate()
        {
            if expected != got {
                return Err(Fault::Value { y, x: 0, c, expected, got });
            }
        }
    }
    // Slices that do not fit each other: it may return anything.
    let short = weights.get(..random.below(padded + 1)).unwrap_or_default();
    let any = random.below(channels + 1);
    let cut = pixels[0].get(..any).unwrap_or_default();
    core::hint::black_box((kernels.readout.sums)(short, [cut, pixels[0], pixels[1], cut]));
    Ok(16)
}
