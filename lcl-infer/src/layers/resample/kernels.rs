//! The kernels of resampling.

use super::{ResampleTable, round_run};

/// Resampling, a row of input at a call.
#[derive(Clone, Copy, Debug)]
pub struct ResampleKernels {
    /// One input row `[1, W, C]` along its columns: `sums` is `[1, W_out, C]`,
    /// each `Σ weight · byte`.
    pub columns: fn(table: &ResampleTable<'_>, row: &[u8], channels: usize, sums: &mut [u16]),
    /// `total += weight · sum`.
    pub add_row: fn(weight: u8, sums: &[u16], total: &mut [u32]),
    /// One output row `[1, W_out, C]` of its totals, rounded.
    pub finish_row: fn(total: &[u32], out: &mut [u8]),
}

impl ResampleKernels {
    /// Those of any machine.
    pub(crate) const PORTABLE: Self = Self { columns, add_row, finish_row };
}

fn columns(table: &ResampleTable<'_>, row: &[u8], channels: usize, sums: &mut [u16]) {
    let channels = channels.max(1);
    for ((run, weights), sums) in table.runs().zip(sums.chunks_exact_mut(channels)) {
        let start = usize::from(run.start).saturating_mul(channels);
        let pixels = row.get(start..).unwrap_or_default();
        for (c, sum) in sums.iter_mut().enumerate() {
            let mut at = c;
            // At most 255 · 255, which 16 bits hold.
            let mut total = 0_u32;
            for &weight in weights {
                let Some(&value) = pixels.get(at) else { break };
                total = total.wrapping_add(u32::from(weight).wrapping_mul(value.into()));
                at = at.saturating_add(channels);
            }
            *sum = (total & 0xffff) as u16;
        }
    }
}

fn add_row(weight: u8, sums: &[u16], total: &mut [u32]) {
    for (total, &sum) in total.iter_mut().zip(sums) {
        *total = total.wrapping_add(u32::from(weight).wrapping_mul(sum.into()));
    }
}

fn finish_row(total: &[u32], out: &mut [u8]) {
    for (out, &total) in out.iter_mut().zip(total) {
        *out = round_run(total);
    }
}
