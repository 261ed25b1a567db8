//! The last rows of a layer's input, kept for the next window.

use core::num::NonZero;

use crate::kernels::RowWindow;
use crate::memory::aligned;
use crate::shape::{Border, ConvGeometry, ImageSize, MAX_IMAGE_SIDE, reflect};

/// The window that a layer moves over its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) channels: NonZero<usize>,
    pub(crate) side: NonZero<usize>,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) border: Border,
}

impl Window {
    /// Returns the window of a convolution.
    pub(crate) const fn of(conv: &ConvGeometry) -> Self {
        Self {
            channels: not_zero(conv.in_c()),
            side: not_zero(conv.kernel()),
            stride: conv.stride(),
            padding: conv.padding(),
            border: conv.border(),
        }
    }

    /// Returns the bytes of a ring for an input of `width` pixels.
    pub(crate) const fn memory_len(&self, width: usize) -> usize {
        self.slots() * self.slot_len(width)
    }

    /// Returns the rows that are kept: those of a window, and one of zeros
    /// where a window reaches beyond the first and the last row.
    const fn slots(&self) -> usize {
        let zeros = matches!(self.border, Border::Zero) && self.padding > 0;
        self.side.get() + zeros as usize
    }

    /// Returns the bytes of a row with its borders.
    const fn row_len(&self, width: usize) -> usize {
        (width + 2 * self.padding) * self.channels.get()
    }

    /// Returns the bytes from one slot to the next: every row is aligned.
    const fn slot_len(&self, width: usize) -> usize {
        aligned(self.row_len(width))
    }

    fn slot<'m>(&self, memory: &'m [u8], width: usize, index: usize) -> &'m [u8] {
        let start = index * self.slot_len(width);
        memory.get(start..start + self.row_len(width)).unwrap_or_default()
    }

    fn slot_mut<'m>(&self, memory: &'m mut [u8], width: usize, index: usize) -> &'m mut [u8] {
        let start = index * self.slot_len(width);
        memory.get_mut(start..start + self.row_len(width)).unwrap_or_default()
    }

    /// Returns where the pixels of a row lie between its borders.
    fn interior(&self, width: usize) -> core::ops::Range<usize> {
        let start = self.padding * self.channels.get();
        start..start + width * self.channels.get()
    }
}

/// Returns a number that is not zero; of zero, one.
pub(crate) const fn not_zero(number: usize) -> NonZero<usize> {
    match NonZero::new(number) {
        Some(number) => number,
        None => NonZero::<usize>::MIN,
    }
}

/// A number of rows, columns or channels: at most
/// [`MAX_IMAGE_SIDE`](crate::shape::MAX_IMAGE_SIDE). A front-end keeps several for each
/// layer.
pub(crate) type Count = u16;

const _: () = assert!(MAX_IMAGE_SIDE < Count::MAX as usize);

pub(crate) fn count(number: usize) -> Count {
    number.try_into().unwrap_or(Count::MAX)
}

/// As many rows as the window is high, each with its borders once it has
/// arrived, so that a window reads plain contiguous bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    width: Count,
    height: Count,
    arrived: Count,
}

impl Ring {
    /// Creates a ring for an input of that size.
    pub(crate) fn new(size: ImageSize) -> Self {
        Self { width: count(size.width), height: count(size.height), arrived: 0 }
    }

    fn width(&self) -> usize {
        self.width.into()
    }

    /// Forgets all rows.
    pub(crate) fn reset(&mut self) {
        self.arrived = 0;
    }

    /// Returns the number of rows that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.arrived.into()
    }

    /// Returns where the next row goes, `[1, W, C]`; [`commit`](Self::commit)
    /// follows once it is written.
    #[inline]
    pub(crate) fn next_row<'m>(&self, window: &Window, memory: &'m mut [u8]) -> &'m mut [u8] {
        let slot = self.arrived() % window.side;
        let row = window.slot_mut(memory, self.width(), slot);
        row.get_mut(window.interior(self.width())).unwrap_or_default()
    }

    /// Returns the row that arrived last, `[1, W, C]`.
    #[inline]
    pub(crate) fn last_row<'m>(&self, window: &Window, memory: &'m [u8]) -> &'m [u8] {
        let slot = self.arrived().saturating_sub(1) % window.side;
        let row = window.slot(memory, self.width(), slot);
        row.get(window.interior(self.width())).unwrap_or_default()
    }

    // What several kinds of layers call is there once: flash is dear.

    /// Fills the borders of the row in the next slot and counts it as arrived.
    #[inline(never)]
    pub(crate) fn commit(&mut self, window: &Window, memory: &mut [u8]) {
        let (padding, channels, width) = (window.padding, window.channels.get(), self.width());
        if self.arrived == 0 && window.slots() > window.side.get() {
            window.slot_mut(memory, width, window.side.get()).fill(0);
        }
        let slot = window.slot_mut(memory, width, self.arrived() % window.side);
        let (left, rest) = slot.split_at_mut_checked(padding * channels).unwrap_or_default();
        let (row, right) = rest.split_at_mut_checked(width * channels).unwrap_or_default();
        match window.border {
            Border::Zero => {
                left.fill(0);
                right.fill(0);
            }
            Border::Reflect => {
                for (pixels, first) in [(left, 0), (right, padding + width)] {
                    for (padded, pixel) in pixels.chunks_exact_mut(channels).enumerate() {
                        let source = reflect(first + padded, padding, width) * channels;
                        let source = row.get(source..).unwrap_or_default();
                        for (byte, &value) in pixel.iter_mut().zip(source) {
                            *byte = value;
                        }
                    }
                }
            }
        }
        self.arrived = self.arrived.saturating_add(1);
    }

    /// Returns whether all rows that output row `y` reads have arrived.
    #[inline]
    pub(crate) fn has_window(&self, window: &Window, y: usize) -> bool {
        let reach = y * window.stride + window.side.get() - 1;
        let bottom =
            reach.saturating_sub(window.padding).min(usize::from(self.height).saturating_sub(1));
        bottom < self.arrived()
    }

    /// Returns the rows that output row `y` reads.
    #[inline(never)]
    pub(crate) fn window<'m>(&self, window: &Window, memory: &'m [u8], y: usize) -> RowWindow<'m> {
        let (padding, width, height) = (window.padding, self.width(), usize::from(self.height));
        let top = y * window.stride;
        RowWindow::new((0..window.side.get()).map(|ky| {
            let padded = top + ky;
            let slot = match window.border {
                Border::Reflect => reflect(padded, padding, height) % window.side,
                Border::Zero if padded < padding || padded - padding >= height => window.side.get(),
                Border::Zero => (padded - padding) % window.side,
            };
            window.slot(memory, width, slot)
        }))
    }
}
