//! A resampling on its way through a frame: one input row, and the totals of the
//! rows that are not complete.

use super::{Resample, ResampleKernels, ResampleTable};
use crate::layers::ring::{Count, count};
use crate::memory::{aligned, long_words_mut, words_mut};

#[derive(Clone, Copy, Debug)]
pub(crate) struct ResampleLayer<'a> {
    table: ResampleTable<'a>,
    channels: Count,
    arrived: Count,
    /// Rows that are in the totals of all their runs.
    folded: Count,
    emitted: Count,
}

impl<'a> ResampleLayer<'a> {
    /// Returns the bytes that it keeps.
    pub(crate) const fn memory_len(resample: &Resample, channels: usize) -> usize {
        let out_len = resample.given_side() * channels;
        aligned(resample.taken_side() * channels) + resample.overlap() * aligned(4 * out_len)
    }

    /// Returns the bytes of scratch: the sums of a row along its columns.
    pub(crate) const fn scratch_len(resample: &Resample, channels: usize) -> usize {
        2 * resample.given_side() * channels
    }

    pub(crate) fn new(table: ResampleTable<'a>, channels: usize) -> Self {
        Self { table, channels: count(channels), arrived: 0, folded: 0, emitted: 0 }
    }

    pub(crate) fn reset(&mut self) {
        (self.arrived, self.folded, self.emitted) = (0, 0, 0);
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrived.into()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    fn row_len(&self) -> usize {
        self.table.resample().taken_side() * usize::from(self.channels)
    }

    fn out_len(&self) -> usize {
        self.table.resample().given_side() * usize::from(self.channels)
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        memory.get_mut(..self.row_len()).unwrap_or_default()
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        memory.get(..self.row_len()).unwrap_or_default()
    }

    /// Counts the row as arrived.
    pub(crate) fn commit(&mut self, _memory: &mut [u8]) {
        self.arrived = self.arrived.saturating_add(1);
    }

    /// Returns whether a row has yet to fall into its runs, or a run is whole.
    pub(crate) fn is_ready(&self) -> bool {
        self.folded < self.arrived || self.is_whole()
    }

    /// Returns whether all rows of the next run are in its total.
    fn is_whole(&self) -> bool {
        let run = self.table.run(self.emitted());
        run.len > 0 && run.end() <= self.folded.into()
    }

    /// Returns the totals of a run that is not given yet.
    fn total<'m>(&self, totals: &'m mut [u8], run: usize) -> &'m mut [u32] {
        let len = aligned(4 * self.out_len());
        // The overlap is not 0.
        let start = run.checked_rem(self.table.resample().overlap()).unwrap_or_default() * len;
        let total = totals.get_mut(start..start + len).unwrap_or_default();
        long_words_mut(total).get_mut(..self.out_len()).unwrap_or_default()
    }

    /// Writes the next row of the output, `[1, W_out, C]`, if the rows that
    /// have arrived complete one.
    pub(crate) fn emit(
        &mut self,
        kernels: &ResampleKernels,
        memory: &mut [u8],
        out: &mut [u8],
        scratch: &mut [u8],
    ) -> bool {
        let (row, totals) =
            memory.split_at_mut_checked(aligned(self.row_len())).unwrap_or_default();
        if self.folded < self.arrived {
            let row = row.get(..self.row_len()).unwrap_or_default();
            let sums = words_mut(scratch).get_mut(..self.out_len()).unwrap_or_default();
            self.fold(kernels, row, sums, totals);
            self.folded = self.folded.saturating_add(1);
        }
        if !self.is_whole() {
            return false;
        }
        (kernels.finish_row)(self.total(totals, self.emitted()), out);
        self.emitted = self.emitted.saturating_add(1);
        true
    }

    /// Adds the row that arrived last to the totals of all runs that it belongs
    /// to.
    fn fold(&self, kernels: &ResampleKernels, row: &[u8], sums: &mut [u16], totals: &mut [u8]) {
        let y = usize::from(self.folded);
        let mut index = self.emitted();
        let mut summed = false;
        // Starts never go back, so the runs of a row follow each other.
        loop {
            let run = self.table.run(index);
            if run.len == 0 || usize::from(run.start) > y {
                return;
            }
            if !summed {
                (kernels.columns)(&self.table, row, self.channels.into(), sums);
                summed = true;
            }
            let total = self.total(totals, index);
            if usize::from(run.start) == y {
                total.fill(0);
            }
            (kernels.add_row)(self.table.weight(run, y), sums, total);
            index = index.saturating_add(1);
        }
    }
}
