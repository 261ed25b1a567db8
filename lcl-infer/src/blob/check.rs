//! The checks of layers and tables, made once.

use super::header::Header;
use super::layer::{Body, ConvHeader, LayerHeader};
use super::section::Section;
use super::{ALIGNMENT, MAX_SCALE, MIN_SCALE, OpenError};
use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};
use crate::contract::Contract;
use crate::layers::readout;
use crate::name::Name;
use crate::packing::{TAP_QUAD, packed_quads};
use crate::parameters::{CHANNEL_WORDS, ChannelTable, Scales, accumulator_bound};

/// Checks that the layers fit each other, and each of them.
pub(super) fn layers(
    header: &Header<'_>,
    payload: &[u8],
    contract: Contract,
) -> Result<(), OpenError> {
    let mut channels = header.input.channels();
    let mut newest = Contract::V1;
    let mut last: Option<LayerHeader<'_>> = None;
    for (index, layer) in header.layers.iter().enumerate() {
        let name = layer.name;
        for before in header.layers.up_to(index).iter() {
            if before.name == name {
                return Err(OpenError::NameTwice { name });
            }
            if let Some(tap) = layer.tap.filter(|_| layer.tap == before.tap) {
                return Err(OpenError::NameTwice { name: tap });
            }
        }
        let got = layer.kind().in_c().unwrap_or(channels);
        if got != channels {
            return Err(OpenError::InputChannels { layer: name, expected: channels, got });
        }
        channels = layer.kind().out_c(channels);
        newest = newest.max(layer.contract());
        match layer.body {
            Body::Conv(conv) => conv_tables(name, &conv, payload)?,
            Body::Readout(readout) => readout::tables(name, &readout, payload)?,
            Body::Pool(_) | Body::WindowPool(_) => {}
        }
        if layer.in_place(payload).is_none() {
            return Err(OpenError::Geometry { layer: name });
        }
        last = Some(layer);
    }
    if let Some(LayerHeader { name, tap: None, .. }) = last {
        return Err(OpenError::NoTap { layer: name });
    }
    if contract != newest {
        return Err(OpenError::NewestContract { expected: newest, got: contract });
    }
    Ok(())
}

/// Checks the tables of a convolution.
fn conv_tables(layer: Name, header: &ConvHeader<'_>, payload: &[u8]) -> Result<(), OpenError> {
    let geometry = header.geometry;
    let lens = ConvHeader::lens(&geometry);
    for (section, expected) in [header.weights, header.channels].into_iter().zip(lens) {
        let got = section.len as usize;
        if got != expected {
            return Err(OpenError::SectionLen { layer, expected, got });
        }
    }
    let range = |section: Section| OpenError::SectionRange {
        layer,
        offset: section.offset,
        payload_len: payload.len(),
    };
    let weights = header.packed(payload).ok_or(range(header.weights))?;
    let words = header.words(payload).ok_or(range(header.channels))?;
    for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
        let present = channel < geometry.out_c();
        let taps = if present { geometry.taps() } else { 0 };
        let filling = packed_quads(geometry, weights, channel).skip(taps / TAP_QUAD).flatten();
        let filled = present || words == ChannelTable::PADDING;
        if !filled || filling.skip(taps % TAP_QUAD).any(|weight| weight != 0) {
            return Err(OpenError::Padding { layer, channel });
        }
        if present {
            one_channel(layer, channel, words, packed_quads(geometry, weights, channel))?;
        }
    }
    let (expected, got) = (4 * geometry.out_c(), header.output_scale.len());
    if got != expected {
        return Err(OpenError::SectionLen { layer, expected, got });
    }
    for (channel, got) in Scales::from_le_bytes(header.output_scale).iter().enumerate() {
        // Not a number is in no range.
        if !(MIN_SCALE..=MAX_SCALE).contains(&got) {
            return Err(OpenError::Scale { layer, channel, got });
        }
    }
    Ok(())
}

/// Checks the words and the weights of one channel.
fn one_channel(
    layer: Name,
    channel: usize,
    words: &[i32],
    filter: impl Iterator<Item = [i8; TAP_QUAD]>,
) -> Result<(), OpenError> {
    let &[bias, multiplier, shift, weight_sum] = words else {
        return Ok(());
    };
    if multiplier < MIN_MULTIPLIER {
        return Err(OpenError::Multiplier { layer, channel, got: multiplier });
    }
    let range = MIN_SHIFT..=MAX_SHIFT;
    if !u8::try_from(shift).is_ok_and(|shift| range.contains(&shift)) {
        return Err(OpenError::Shift { layer, channel, got: shift });
    }
    // Neither sum can leave 32 bits: no filter has 2^24 weights.
    let (mut expected, mut magnitude, mut smallest) = (0_i32, 0_u32, 0);
    for weight in filter.flatten() {
        expected = expected.wrapping_add(weight.into());
        magnitude = magnitude.wrapping_add(weight.unsigned_abs().into());
        smallest = weight.min(smallest);
    }
    if smallest == i8::MIN {
        return Err(OpenError::Weight { layer, channel });
    }
    if weight_sum != expected {
        return Err(OpenError::WeightSum { layer, channel, expected, got: weight_sum });
    }
    let bound = accumulator_bound(bias, magnitude.into());
    if bound > i64::from(i32::MAX) {
        return Err(OpenError::Accumulator { layer, channel, got: bound });
    }
    Ok(())
}

/// Checks that the sections follow each other in their order, from the start of
/// the payload to its end, each filled up with zeros to a multiple of 16: no
/// byte is free.
pub(super) fn order(header: &Header<'_>, payload: &[u8]) -> Result<(), OpenError> {
    const ALIGNED: u32 = 16;
    const { assert!(ALIGNED as usize == ALIGNMENT) };
    let mut expected = 0_u32;
    for layer in header.layers.iter() {
        for section in layer.sections().into_iter().flatten() {
            if section.offset != expected {
                let (layer, got) = (layer.name, section.offset);
                return Err(OpenError::SectionOffset { layer, expected, got });
            }
            expected = expected.saturating_add(section.len);
        }
    }
    for (kind, section) in header.sections.iter() {
        let end = section.offset.saturating_add(section.len);
        let next = end.saturating_add(ALIGNED - 1) & !(ALIGNED - 1);
        let filling = payload.get(end as usize..next as usize);
        let filled = filling.is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0));
        if section.offset != expected || !filled || section.of(payload).is_none() {
            return Err(OpenError::Section { kind });
        }
        expected = next;
    }
    let (expected, got) = (expected as usize, payload.len());
    if got == expected { Ok(()) } else { Err(OpenError::PayloadLen { expected, got }) }
}
