//! The checks of layers and tables, made once.

use super::header::Header;
use super::layer::{Body, ConvHeader, LayerHeader};
use super::section::Section;
use super::{ALIGNMENT, OpenError};
use crate::arithmetic::{MAX_SHIFT, MIN_MULTIPLIER, MIN_SHIFT};
use crate::contract::Contract;
use crate::layers::dense::DenseHeader;
use crate::layers::readout;
use crate::name::Name;
use crate::packing::{TAP_QUAD, packed_quads};
use crate::parameters::{CHANNEL_WORDS, ChannelTable, Scales, accumulator_bound};
use crate::shape::{ConvGeometry, Sums};
use crate::toom::{FilterSums, NotTransformed, check_filter};

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
        let given = layer.kind().out_c(channels);
        if !layer.kind().takes_and_gives(channels, given) {
            return Err(OpenError::Geometry { layer: name });
        }
        channels = given;
        newest = newest.max(layer.contract());
        match layer.body {
            Body::Conv(conv) => conv_tables(name, &conv, payload)?,
            Body::Readout(readout) => readout::tables(name, &readout, payload)?,
            Body::Dense(dense) => dense_tables(name, &dense, payload)?,
            Body::Norm(norm) => norm.check(name, payload)?,
            Body::Resample(resample) => resample.check(name, payload)?,
            Body::Pool(_) | Body::WindowPool(_) | Body::Retina(_) | Body::Opponent(_) => {}
        }
        if let Some(before) = last.filter(LayerHeader::hands_out_sums) {
            return Err(OpenError::SumsWithin { layer: before.name });
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
    let toom = header.toom();
    let lens = ConvHeader::lens(&geometry, toom);
    for (section, expected) in [header.weights, header.channels].into_iter().zip(lens) {
        section.check_len(layer, expected)?;
    }
    let out_of_range = |section: Section| section.out_of_range(layer, payload);
    let sums = |channel| -> Result<FilterSums, OpenError> {
        match toom {
            None => {
                let packed = header.packed(payload).ok_or(out_of_range(header.weights))?;
                packed_sums(layer, geometry, packed, channel)
            }
            Some(toom) => {
                let transformed =
                    header.transformed(payload).ok_or(out_of_range(header.weights))?;
                check_filter(toom, transformed, channel).map_err(
                    |NotTransformed { oc, ky, value }| {
                        let tap = ky * geometry.taps_per_row() + value;
                        OpenError::NotTransformed { layer, channel: oc, tap }
                    },
                )
            }
        }
    };
    let words = header.words(payload).ok_or(out_of_range(header.channels))?;
    for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
        let present = channel < geometry.out_c();
        // A transform fills fewer channels up.
        let sums = if toom.is_some() && channel >= geometry.out_c().next_multiple_of(2) {
            FilterSums::default()
        } else {
            sums(channel)?
        };
        if present {
            one_channel(layer, channel, words, sums)?;
        } else if words != ChannelTable::PADDING {
            return Err(OpenError::Padding { layer, channel });
        }
    }
    Scales::check(layer, geometry.out_c(), header.output_scale)
}

/// Checks the packed weights of one channel, of which there may be none, and
/// returns what they add up to.
fn packed_sums(
    layer: Name,
    geometry: ConvGeometry,
    packed: &[i8],
    channel: usize,
) -> Result<FilterSums, OpenError> {
    let taps = if channel < geometry.out_c() { geometry.taps() } else { 0 };
    let filling = packed_quads(geometry, packed, channel).skip(taps / TAP_QUAD).flatten();
    if filling.skip(taps % TAP_QUAD).any(|weight| weight != 0) {
        return Err(OpenError::Padding { layer, channel });
    }
    filter_sums(layer, channel, packed_quads(geometry, packed, channel).flatten())
}

/// Returns what the weights of an output add up to.
fn filter_sums(
    layer: Name,
    channel: usize,
    filter: impl Iterator<Item = i8>,
) -> Result<FilterSums, OpenError> {
    // Neither sum can leave 32 bits: no filter has 2^24 weights.
    let (mut sums, mut smallest) = (FilterSums::default(), 0);
    for weight in filter {
        sums.sum = sums.sum.wrapping_add(weight.into());
        sums.magnitude = sums.magnitude.wrapping_add(weight.unsigned_abs().into());
        smallest = weight.min(smallest);
    }
    if smallest == i8::MIN {
        return Err(OpenError::Weight { layer, channel });
    }
    Ok(sums)
}

/// Checks the tables of a dense layer.
fn dense_tables(layer: Name, header: &DenseHeader<'_>, payload: &[u8]) -> Result<(), OpenError> {
    let geometry = header.geometry;
    let lens = DenseHeader::lens(&geometry);
    for (section, expected) in [header.weights, header.channels].into_iter().zip(lens) {
        section.check_len(layer, expected)?;
    }
    let out_of_range = |section: Section| section.out_of_range(layer, payload);
    let weights = header.weights(payload).ok_or(out_of_range(header.weights))?;
    let words = header.words(payload).ok_or(out_of_range(header.channels))?;
    let mut rows = weights.chunks_exact(geometry.padded_inputs().max(1));
    for (channel, words) in words.chunks_exact(CHANNEL_WORDS).enumerate() {
        let Some(row) = rows.next() else {
            if words == ChannelTable::PADDING {
                continue;
            }
            return Err(OpenError::Padding { layer, channel });
        };
        let (filter, filling) = row.split_at_checked(geometry.inputs()).unwrap_or_default();
        // A requantisation that nobody uses is that of the padding.
        let unused = geometry.sums() == Sums::Words;
        let [_, multiplier, shift, _] = ChannelTable::PADDING;
        let is_unused = words.get(1..3) == Some(&[multiplier, shift]);
        if filling.iter().any(|&weight| weight != 0) || (unused && !is_unused) {
            return Err(OpenError::Padding { layer, channel });
        }
        one_channel(layer, channel, words, filter_sums(layer, channel, filter.iter().copied())?)?;
    }
    Scales::check(layer, geometry.outputs(), header.output_scale)
}

/// Checks the words of one channel, whose weights add up to these sums.
fn one_channel(
    layer: Name,
    channel: usize,
    words: &[i32],
    sums: FilterSums,
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
    let FilterSums { sum: expected, magnitude } = sums;
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
