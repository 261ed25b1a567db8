//! The fields of a divisive normalisation in a header.

use super::{MAX_NORM_MULTIPLIER, Norm, NormChannel, NormGeometry, NormParameters};
use crate::blob::OpenError;
use crate::blob::reader::Reader;
use crate::blob::section::Section;
use crate::name::Name;
use crate::packing::{TAP_QUAD, packed_quads};
use crate::parameters::{CHANNEL_WORDS, Scales, accumulator_bound};
use crate::shape::Border;

/// Geometry, tables and output scale of a divisive normalisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormHeader<'a> {
    pub(crate) geometry: NormGeometry,
    /// i8 in `[0, 127]`, packed.
    pub(crate) weights: Section,
    /// Four i32 a channel: bias, multiplier, 0, sum of weights.
    pub(crate) channels: Section,
    /// One f32 a channel, little-endian.
    pub(crate) output_scale: &'a [u8],
}

impl<'a> NormHeader<'a> {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 3;

    /// Reads the fields: channels, kernel, border, sections, scales.
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        let [channels, kernel] = [reader.short().into(), reader.byte().into()];
        let border = reader.one_of(&Border::ALL);
        Some(Self {
            geometry: NormGeometry::new(channels, kernel, border)?,
            weights: Section::parse(reader),
            channels: Section::parse(reader),
            output_scale: reader.bytes(),
        })
    }

    fn packed<'p>(&self, payload: &'p [u8]) -> Option<&'p [i8]> {
        bytemuck::try_cast_slice(self.weights.of(payload)?).ok()
    }

    fn words<'p>(&self, payload: &'p [u8]) -> Option<&'p [i32]> {
        bytemuck::try_cast_slice(self.channels.of(payload)?).ok()
    }

    /// Returns the normalisation with its tables in the payload.
    pub(crate) fn in_place(&self, payload: &'a [u8]) -> Option<NormParameters<'a>> {
        let norm = Norm::new(self.geometry, self.packed(payload)?, self.words(payload)?)?;
        Some(NormParameters { norm, output_scale: Scales::from_le_bytes(self.output_scale) })
    }

    /// Checks the tables: no denominator can be 0 or leave 32 bits.
    pub(crate) fn check(&self, layer: Name, payload: &[u8]) -> Result<(), OpenError> {
        let conv = self.geometry.conv();
        let lens = [conv.packed_len(), 4 * CHANNEL_WORDS * conv.padded_out_c()];
        for (section, expected) in [self.weights, self.channels].into_iter().zip(lens) {
            section.check_len(layer, expected)?;
        }
        let weights =
            self.packed(payload).ok_or_else(|| self.weights.out_of_range(layer, payload))?;
        let words =
            self.words(payload).ok_or_else(|| self.channels.out_of_range(layer, payload))?;
        for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
            let present = channel < conv.out_c();
            let taps = if present { conv.taps() } else { 0 };
            let filling = packed_quads(conv, weights, channel).skip(taps / TAP_QUAD).flatten();
            let filled = present || words == NormChannel::PADDING;
            if !filled || filling.skip(taps % TAP_QUAD).any(|weight| weight != 0) {
                return Err(OpenError::Padding { layer, channel });
            }
            if present {
                one_channel(layer, channel, words, packed_quads(conv, weights, channel))?;
            }
        }
        Scales::check(layer, conv.out_c(), self.output_scale)
    }
}

/// Checks the words and the weights of one channel.
fn one_channel(
    layer: Name,
    channel: usize,
    words: &[i32],
    filter: impl Iterator<Item = [i8; TAP_QUAD]>,
) -> Result<(), OpenError> {
    let &[bias, multiplier, reserved, weight_sum] = words else {
        return Ok(());
    };
    if bias < 1 {
        return Err(OpenError::Denominator { layer, channel, got: bias });
    }
    if !(0..=MAX_NORM_MULTIPLIER).contains(&multiplier) {
        return Err(OpenError::NormMultiplier { layer, channel, got: multiplier });
    }
    if reserved != 0 {
        return Err(OpenError::Padding { layer, channel });
    }
    // It cannot leave 32 bits: no filter has 2^24 weights.
    let mut expected = 0_i32;
    for weight in filter.flatten() {
        if weight < 0 {
            return Err(OpenError::NormWeight { layer, channel, got: weight });
        }
        expected = expected.wrapping_add(weight.into());
    }
    if weight_sum != expected {
        return Err(OpenError::WeightSum { layer, channel, expected, got: weight_sum });
    }
    let bound = accumulator_bound(bias, expected.into());
    if bound > i64::from(i32::MAX) {
        return Err(OpenError::Accumulator { layer, channel, got: bound });
    }
    Ok(())
}
