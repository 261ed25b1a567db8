//! The checks of a readout's tables, made once.

use super::{NEURON_WORDS, POSITION_ONE, ReadoutHeader};
use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};
use crate::blob::OpenError;
use crate::blob::section::Section;
use crate::name::Name;
use crate::parameters::{Scales, accumulator_bound};

/// Checks the tables of a readout.
pub(crate) fn tables(
    layer: Name,
    header: &ReadoutHeader<'_>,
    payload: &[u8],
) -> Result<(), OpenError> {
    let geometry = header.geometry;
    for (section, expected) in [header.weights, header.neurons].into_iter().zip(geometry.lens()) {
        section.check_len(layer, expected)?;
    }
    let out_of_range = |section: Section| section.out_of_range(layer, payload);
    let weights = header.packed(payload).ok_or(out_of_range(header.weights))?;
    let words = header.words(payload).ok_or(out_of_range(header.neurons))?;
    let rows =
        weights.chunks_exact(geometry.padded_c().max(1)).zip(words.chunks_exact(NEURON_WORDS));
    let mut above = 0;
    for (neuron, (weights, words)) in rows.enumerate() {
        above = one_neuron(layer, neuron, words, above)?;
        let (own, filling) = weights.split_at_checked(geometry.in_c()).unwrap_or_default();
        let mut magnitude = 0_i64;
        for &weight in own {
            if weight == i8::MIN {
                return Err(OpenError::Weight { layer, channel: neuron });
            }
            magnitude = magnitude.saturating_add(i64::from(weight.unsigned_abs()));
        }
        if filling.iter().any(|&weight| weight != 0) {
            return Err(OpenError::Padding { layer, channel: neuron });
        }
        let got = accumulator_bound(words.get(1).copied().unwrap_or_default(), magnitude);
        if got > i64::from(i32::MAX) {
            return Err(OpenError::Accumulator { layer, channel: neuron, got });
        }
    }
    Scales::check(layer, geometry.neurons(), header.output_scale)
}

/// Checks the words of one neuron, and returns its position along y, which is not
/// above that of the neuron before.
fn one_neuron(layer: Name, neuron: usize, words: &[i32], above: u16) -> Result<u16, OpenError> {
    let &[position, _, drive, drive_shift, rate, rate_shift, _, zero] = words else {
        return Ok(above);
    };
    let [x_low, x_high, y_low, y_high] = position.to_le_bytes();
    let (x, y) = (u16::from_le_bytes([x_low, x_high]), u16::from_le_bytes([y_low, y_high]));
    if x > POSITION_ONE || y > POSITION_ONE || y < above {
        return Err(OpenError::Position { layer, neuron, got: [x, y] });
    }
    for (multiplier, shift) in [(drive, drive_shift), (rate, rate_shift)] {
        if multiplier < MIN_MULTIPLIER {
            return Err(OpenError::Multiplier { layer, channel: neuron, got: multiplier });
        }
        if !u8::try_from(shift).is_ok_and(|shift| (MIN_SHIFT..=MAX_SHIFT).contains(&shift)) {
            return Err(OpenError::Shift { layer, channel: neuron, got: shift });
        }
    }
    if zero != 0 {
        return Err(OpenError::Padding { layer, channel: neuron });
    }
    Ok(y)
}
