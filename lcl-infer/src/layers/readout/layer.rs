//! A readout on its way through a frame: a ring of two rows of its input, and the
//! rates of a row that is not complete.

use super::{Place, RATES_PER_ROW, Readout, ReadoutGeometry, ReadoutKernels};
use crate::layers::ring::{Count, Ring, Window, count, not_zero};
use crate::memory::aligned;
use crate::shape::{Border, ImageSize};

#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadoutLayer<'a> {
    readout: Readout<'a>,
    ring: Ring,
    width: Count,
    height: Count,
    /// The neuron that comes next.
    next: Count,
    emitted: Count,
}

impl<'a> ReadoutLayer<'a> {
    /// Returns the bytes that it keeps for an input of `width` pixels.
    pub(crate) const fn memory_len(readout: &ReadoutGeometry, width: usize) -> usize {
        window(readout).memory_len(width) + aligned(RATES_PER_ROW)
    }

    pub(crate) fn new(readout: Readout<'a>, size: ImageSize) -> Self {
        let (width, height) = (count(size.width), count(size.height));
        Self { readout, ring: Ring::new(size), width, height, next: 0, emitted: 0 }
    }

    fn window(&self) -> Window {
        window(&self.readout.geometry())
    }

    pub(crate) fn reset(&mut self) {
        self.ring.reset();
        (self.next, self.emitted) = (0, 0);
    }

    pub(crate) fn arrived(&self) -> usize {
        self.ring.arrived()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.ring.next_row(&self.window(), memory)
    }

    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        self.ring.commit(&self.window(), memory);
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.ring.last_row(&self.window(), memory)
    }

    /// Returns whether both rows that the next neuron reads have arrived.
    pub(crate) fn is_ready(&self) -> bool {
        let next = usize::from(self.next);
        let neuron = self.readout.neuron(next).filter(|_| next < self.readout.geometry().neurons());
        neuron.is_some_and(|neuron| {
            let [_, y] = neuron.position;
            self.ring.has_window(&self.window(), Place::of(y, self.height.into()).cell)
        })
    }

    /// Computes the neurons that the rows so far allow, up to the end of a row of
    /// rates, `[1, 1, RATES_PER_ROW]`, which it writes; returns whether it has.
    pub(crate) fn emit(
        &mut self,
        kernels: &ReadoutKernels,
        memory: &mut [u8],
        out: &mut [u8],
    ) -> bool {
        let rows_len = self.window().memory_len(self.width.into());
        let (rows, rates) = memory.split_at_mut_checked(rows_len).unwrap_or_default();
        while self.is_ready() {
            let index = usize::from(self.next);
            let rate = self.rate(kernels, rows, index);
            if let Some(place) = rates.get_mut(index % RATES_PER_ROW) {
                *place = rate;
            }
            self.next = self.next.saturating_add(1);
            let is_last = usize::from(self.next) == self.readout.geometry().neurons();
            if is_last || usize::from(self.next) % RATES_PER_ROW == 0 {
                let written = index % RATES_PER_ROW + 1;
                for (place, (out, &rate)) in out.iter_mut().zip(&*rates).enumerate() {
                    *out = if place < written { rate } else { 0 };
                }
                self.emitted = self.emitted.saturating_add(1);
                return true;
            }
        }
        false
    }

    #[inline]
    fn rate(&self, kernels: &ReadoutKernels, memory: &[u8], index: usize) -> u8 {
        let Some(neuron) = self.readout.neuron(index) else { return 0 };
        let ([x, y], channels) = (neuron.position, self.readout.geometry().in_c());
        let (x, y) = (Place::of(x, self.width.into()), Place::of(y, self.height.into()));
        let window = self.ring.window(&self.window(), memory, y.cell);
        let (left, right) = (x.cell * channels, (x.cell + 1) * channels);
        let &[above, below] = window.rows() else { return 0 };
        let [above_left, above_right] = pair(above, left, right, channels);
        let [below_left, below_right] = pair(below, left, right, channels);
        let sums = (kernels.sums)(
            self.readout.weights(index),
            [above_left, above_right, below_left, below_right],
        );
        neuron.rate_of(sums, x.share, y.share)
    }
}

/// Returns two pixels of a row; one that is not there is empty.
#[inline]
fn pair(row: &[u8], left: usize, right: usize, channels: usize) -> [&[u8]; 2] {
    [left, right].map(|start| row.get(start..start + channels).unwrap_or_default())
}

const fn window(readout: &ReadoutGeometry) -> Window {
    Window {
        channels: not_zero(readout.in_c()),
        side: not_zero(2),
        stride: 1,
        padding: 0,
        border: Border::Zero,
    }
}
