//! A layer each of whose rows is one window of its input: what it counts.

use super::ring::{Count, Ring, Window, count};
use crate::kernels::RowWindow;
use crate::shape::ImageSize;

/// What moves a window over its input.
pub(crate) trait Windowed {
    /// Returns the window.
    fn window(&self) -> Window;
}

/// A ring of a layer's input rows, and how many rows of output it has given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowLayer<W> {
    pub(crate) of: W,
    ring: Ring,
    out_h: Count,
    emitted: Count,
}

impl<W: Windowed> WindowLayer<W> {
    /// Creates a layer for an input of that size, whose output has `out_h` rows.
    pub(crate) fn new(of: W, size: ImageSize, out_h: usize) -> Self {
        Self { of, ring: Ring::new(size), out_h: count(out_h), emitted: 0 }
    }

    pub(crate) fn reset(&mut self) {
        self.ring.reset();
        self.emitted = 0;
    }

    pub(crate) fn arrived(&self) -> usize {
        self.ring.arrived()
    }

    pub(crate) fn emitted(&self) -> usize {
        self.emitted.into()
    }

    pub(crate) fn next_row<'m>(&self, memory: &'m mut [u8]) -> &'m mut [u8] {
        self.ring.next_row(&self.of.window(), memory)
    }

    pub(crate) fn commit(&mut self, memory: &mut [u8]) {
        self.ring.commit(&self.of.window(), memory);
    }

    pub(crate) fn last_row<'m>(&self, memory: &'m [u8]) -> &'m [u8] {
        self.ring.last_row(&self.of.window(), memory)
    }

    /// Returns whether the rows that have arrived complete a row of the output.
    pub(crate) fn is_ready(&self) -> bool {
        self.emitted < self.out_h && self.ring.has_window(&self.of.window(), self.emitted())
    }

    /// Returns the rows that the next row of the output reads, which is to be
    /// ready, and counts it as given.
    pub(crate) fn take<'m>(&mut self, memory: &'m [u8]) -> RowWindow<'m> {
        let window = self.ring.window(&self.of.window(), memory, self.emitted());
        self.emitted = self.emitted.saturating_add(1);
        window
    }
}
