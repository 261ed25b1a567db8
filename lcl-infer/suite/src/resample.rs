//! Resampling against the reference.

use lcl_infer::kernels::Kernels;
use lcl_infer::parameters::{RUN_WEIGHT, ResampleTable};
use lcl_infer::reference;
use lcl_infer::shape::{MAX_OVERLAP, Resample};

use crate::conv::{compare, unbreached};
use crate::draw::Values;
use crate::memory::{INPUT_LEN, Memory, OUT_LEN};
use crate::mismatch::{Fault, Shape};
use crate::random::Random;

/// Most runs of a case.
pub(crate) const MAX_RUNS: usize = 24;

/// Most weights of all runs of a case.
pub(crate) const MAX_RUN_WEIGHTS: usize = 512;

/// Most values of a row of the output.
const ROW_LEN: usize = 256;

/// A resampling and the channels of its map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResampleCase {
    pub(crate) resample: Resample,
    pub(crate) channels: usize,
    pub(crate) values: Values,
}

/// Draws the runs of a resampling between two sides, which are the seed, and
/// their weights, `[len of each]`. Returns the overlap and the number of weights,
/// or `None` if they overlap more than the engine runs or do not fit.
pub fn fill_runs(
    in_side: usize,
    out_side: usize,
    runs: &mut [[u16; 2]],
    weights: &mut [u8],
) -> Option<(usize, usize)> {
    let random = &mut Random::new((in_side as u64) << 32 | out_side as u64);
    let runs = runs.get_mut(..out_side)?;
    let (mut start, mut end, mut weights_len) = (0, 0, 0);
    // Runs side by side, now and then with a gap or an overlap.
    for (index, run) in runs.iter_mut().enumerate() {
        let least = (index * in_side / out_side.max(1)).saturating_sub(random.below(3));
        start = start.max(least).min(in_side.checked_sub(1)?);
        let reach = (index + 1) * in_side / out_side.max(1) + random.below(3);
        end = end.max(start + 1).max(reach).min(in_side);
        let len = end - start;
        *run = [start.try_into().ok()?, len.try_into().ok()?];
        let own = weights.get_mut(weights_len..)?.get_mut(..len)?;
        weights_len += len;
        let mut left = RUN_WEIGHT;
        for weight in own.iter_mut().skip(1) {
            let most = (2 * RUN_WEIGHT as usize / len).min(left as usize);
            *weight = u8::try_from(random.below(most + 1)).unwrap_or_default();
            left -= u32::from(*weight);
        }
        *own.first_mut()? = u8::try_from(left).ok()?;
    }
    let mut overlap = 1;
    for (index, [start, _]) in runs.iter().enumerate() {
        let before = runs.get(..index).unwrap_or_default();
        let open = before.iter().filter(|[first, len]| first + len > *start).count();
        overlap = overlap.max(open + 1);
    }
    (overlap <= MAX_OVERLAP).then_some((overlap, weights_len))
}

/// Draws a resampling whose runs [`fill_runs`] draws.
pub(crate) fn draw(random: &mut Random) -> Option<Resample> {
    let in_side = 1 + random.below(40);
    let most = if random.below(3) == 0 { 2 * in_side } else { in_side };
    let out_side = 1 + random.below(most.min(MAX_RUNS));
    of_sides(in_side, out_side)
}

/// Returns the resampling between two sides whose runs [`fill_runs`] draws.
pub(crate) fn of_sides(in_side: usize, out_side: usize) -> Option<Resample> {
    let (mut runs, mut weights) = ([[0; 2]; MAX_RUNS], [0; MAX_RUN_WEIGHTS]);
    let (overlap, _) = fill_runs(in_side, out_side, &mut runs, &mut weights)?;
    Resample::new(in_side, out_side, overlap)
}

impl ResampleCase {
    /// Draws a case that the suite has room for.
    pub(crate) fn draw(random: &mut Random) -> Self {
        let values = [Values::Any, Values::Tiny, Values::Largest, Values::Extreme];
        let values = random.pick(&values).unwrap_or(Values::Any);
        loop {
            let Some(resample) = draw(random) else { continue };
            let case = Self { resample, channels: random.count(9, &[1, 3, 4]), values };
            if case.has_room() {
                return case;
            }
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape::Resample { resample: self.resample, channels: self.channels }
    }

    fn has_room(&self) -> bool {
        let [taken, given] = [self.resample.taken_side(), self.resample.given_side()];
        let row_len = given * self.channels;
        taken * taken * self.channels <= INPUT_LEN
            && given * row_len <= OUT_LEN
            && row_len <= ROW_LEN
    }
}

/// Resamples a map row by row, and returns the number of bytes compared.
pub(crate) fn check(
    kernels: &Kernels,
    memory: &mut Memory,
    case: &ResampleCase,
    random: &mut Random,
) -> Result<usize, Fault> {
    let ResampleCase { resample, channels, values } = *case;
    if !case.has_room() {
        return Err(Fault::Refused);
    }
    let (taken, given) = (resample.taken_side(), resample.given_side());
    let (mut runs, mut weights) = ([[0; 2]; MAX_RUNS], [0; MAX_RUN_WEIGHTS]);
    let (_, weights_len) =
        fill_runs(taken, given, &mut runs, &mut weights).ok_or(Fault::Refused)?;
    let bytes = memory.padded.get_mut(..6 * given + weights_len).ok_or(Fault::Refused)?;
    let (head, tail) = bytes.split_at_mut(6 * given);
    let mut first = 0_u16;
    for (place, [start, len]) in head.chunks_exact_mut(6).zip(runs) {
        place.copy_from_slice([start, len, first].map(u16::to_le_bytes).as_flattened());
        first += len;
    }
    tail.copy_from_slice(weights.get(..weights_len).ok_or(Fault::Refused)?);
    let table = ResampleTable::new(resample, bytes).ok_or(Fault::Refused)?;
    let (in_len, row_len) = (taken * taken * channels, given * channels);
    let input = memory.input.get_mut(..in_len).ok_or(Fault::Refused)?;
    values.fill(random, input);
    let input = &*input;
    let expected = memory.expected.get_mut(..given * row_len).ok_or(Fault::Refused)?;
    reference::resample_ref(&table, channels, input, expected);

    let sums = memory.partial.get_mut(..row_len).ok_or(Fault::Refused)?;
    let mut totals = [0; ROW_LEN];
    let totals = totals.get_mut(..row_len).ok_or(Fault::Refused)?;
    for (y, ((run, weights), expected)) in
        table.runs().zip(expected.chunks_exact(row_len)).enumerate()
    {
        totals.fill(0);
        for (row, &weight) in (usize::from(run.start)..).zip(weights) {
            let len = taken * channels;
            let row = input.get(row * len..(row + 1) * len).ok_or(Fault::Refused)?;
            sums.fill(u16::MAX);
            (kernels.resample.columns)(&table, row, channels, sums);
            (kernels.resample.add_row)(weight, sums, totals);
        }
        let offset = random.below(16);
        let out = memory.out.part(offset, row_len).ok_or(Fault::Refused)?;
        for (out, &expected) in out.iter_mut().zip(expected) {
            *out = !expected;
        }
        (kernels.resample.finish_row)(totals, out);
        unbreached(&memory.out, offset, row_len)?;
        compare(expected, memory.out.written(offset, row_len), y, channels)?;
    }
    // Slices that do not fit each other: it may write anything, but nowhere else.
    for _ in 0..2 {
        let any = random.below(99);
        let channels = random.pick(&[0, channels, any, usize::MAX]).unwrap_or(1);
        let row = input.get(..random.below(in_len)).unwrap_or_default();
        (kernels.resample.columns)(&table, row, channels, sums);
        let len = random.below(row_len + 2);
        let out = memory.out.part(1, len).ok_or(Fault::Refused)?;
        (kernels.resample.finish_row)(totals, out);
        unbreached(&memory.out, 1, len)?;
    }
    Ok(given * row_len)
}
