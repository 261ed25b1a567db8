//! The fields of a resampling in a header, and its table.

use super::{MAX_OVERLAP, RUN_WEIGHT, RUN_WORDS, Resample, ResampleTable, Run};
use crate::blob::reader::Reader;
use crate::blob::section::Section;
use crate::blob::{ALIGNMENT, OpenError};
use crate::name::Name;

/// Sides, overlap and table of a resampling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResampleHeader {
    pub(crate) resample: Resample,
    /// Three u16 a run: start, length, place of its first weight; then the
    /// weights, a byte each.
    pub(crate) table: Section,
}

impl ResampleHeader {
    /// Number of the kind.
    pub(crate) const KIND: u32 = 4;

    /// Reads the fields: sides, overlap, section.
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let [in_side, out_side] = [reader.short().into(), reader.short().into()];
        let resample = Resample::new(in_side, out_side, reader.byte().into())?;
        Some(Self { resample, table: Section::parse(reader) })
    }

    /// Returns the resampling with its table in the payload.
    pub(crate) fn in_place<'a>(&self, payload: &'a [u8]) -> Option<ResampleTable<'a>> {
        ResampleTable::new(self.resample, self.table.of(payload)?)
    }

    /// Checks the table: no run leaves the map, runs never go back, and the
    /// weights of each sum to [`RUN_WEIGHT`].
    pub(crate) fn check(&self, layer: Name, payload: &[u8]) -> Result<(), OpenError> {
        let runs_len = 2 * RUN_WORDS * self.resample.given_side();
        let got = self.table.len as usize;
        if got < runs_len {
            return Err(OpenError::SectionLen { layer, expected: runs_len, got });
        }
        let table =
            self.in_place(payload).ok_or_else(|| self.table.out_of_range(layer, payload))?;
        let (mut first, mut before, mut overlap) = (0_usize, Run::default(), 0);
        for (index, (run, weights)) in table.runs().enumerate() {
            let in_order = run.start >= before.start && run.end() >= before.end();
            let inside = run.len > 0 && run.end() <= self.resample.taken_side();
            if !in_order || !inside || usize::from(run.first) != first {
                return Err(OpenError::Run { layer, index });
            }
            // A run that is longer than the table has fewer weights.
            let got = weights.iter().copied().map(u32::from).sum();
            if got != RUN_WEIGHT {
                return Err(OpenError::RunWeight { layer, index, got });
            }
            overlap = overlap.max(overlap_of(&table, index, run));
            first = first.saturating_add(run.len.into());
            before = run;
        }
        let len = runs_len.saturating_add(first);
        let expected = len.next_multiple_of(ALIGNMENT);
        self.table.check_len(layer, expected)?;
        let filling = self.table.of(payload).and_then(|bytes| bytes.get(len..));
        if filling.unwrap_or_default().iter().any(|&byte| byte != 0) {
            return Err(OpenError::Padding { layer, channel: self.resample.given_side() });
        }
        let got = self.resample.overlap();
        if overlap == got {
            Ok(())
        } else {
            Err(OpenError::Overlap { layer, expected: overlap, got })
        }
    }
}

/// Returns how many runs, up to that one, its first row belongs to, or one more
/// than the engine runs.
fn overlap_of(table: &ResampleTable<'_>, index: usize, run: Run) -> usize {
    let mut overlap = 1;
    while overlap <= MAX_OVERLAP {
        let Some(before) = index.checked_sub(overlap) else { break };
        if table.run(before).end() <= run.start.into() {
            break;
        }
        overlap += 1;
    }
    overlap
}
