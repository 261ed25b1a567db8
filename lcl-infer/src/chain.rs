//! A chain of layers on its way through a frame: which layer is to do what next.
//!
//! The caller's memory holds what each layer keeps, one after the other, then
//! one row of the last layer's output, then scratch. A layer writes its rows
//! where the next one takes them, so no row is copied.

use crate::architecture::{LEAST_TILES, MAX_LAYERS, Plan};
use crate::blob::Blob;
use crate::kernels::Kernels;
use crate::layers::{Count, Layer, count};
use crate::memory::{ALIGNMENT, aligned};
use crate::name::Name;
use crate::shape::ImageSize;

/// One layer, its tap, and the size of its output.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    layer: Layer<'a>,
    tap: Option<Name>,
    /// Where what it keeps ends in the memory, and that of the next begins.
    end: u32,
    width: Count,
    height: Count,
    channels: Count,
}

impl Link<'_> {
    fn row_len(&self) -> usize {
        usize::from(self.width) * usize::from(self.channels)
    }
}

/// The layers, and what is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Chain<'a> {
    kernels: &'static Kernels,
    /// `None` behind the last. Not a vector of heapless, which would be dropped
    /// at the end of its scope and so borrow the caller's memory up to there.
    links: [Option<Link<'a>>; MAX_LAYERS],
    /// Where the output row ends in the memory, and scratch begins.
    rows_end: usize,
    /// Layers from the first on up to the last that has something to do: it goes
    /// first, so that a row is handed out as soon as it is complete.
    at: usize,
}

/// What a step of a chain has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The layer of that index has written a row that is handed out.
    Row(usize),
    /// A convolution has written a row.
    Conv,
    /// What takes no time.
    Little,
    /// Nothing is left to do until a row of the image arrives.
    All,
}

/// A map that is handed out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapMap {
    pub(crate) tap: Name,
    pub(crate) size: ImageSize,
    pub(crate) channels: usize,
}

impl<'a> Chain<'a> {
    /// Creates a chain of no layer.
    pub(crate) const fn new(kernels: &'static Kernels) -> Self {
        Self { kernels, links: [const { None }; MAX_LAYERS], rows_end: 0, at: 0 }
    }

    /// Puts the layers of a blob into a chain of none, for images of one size,
    /// and returns the bytes that it needs; `None` if the blob's bytes are no
    /// longer those that were opened.
    ///
    /// It is done in place: a chain is large for the stack of a chip.
    #[inline(never)]
    pub(crate) fn fill(&mut self, blob: &Blob<'a>, size: ImageSize) -> Option<usize> {
        let mut places = self.links.iter_mut();
        let mut plan = Plan::new(blob.input(), size.width);
        let (mut height, mut end) = (size.height, 0_usize);
        for parameters in blob.layers() {
            let (kind, tap) = (parameters.kind(), parameters.tap);
            let in_size = ImageSize { width: plan.width, height };
            let layer = Layer::new(&parameters.operation, in_size, plan.channels);
            end = end.saturating_add(kind.memory_len(plan.width, plan.channels));
            plan = plan.then(&kind).with(parameters.toom(), LEAST_TILES);
            height = kind.out_height(height);
            let [width, height, channels] = [plan.width, height, plan.channels].map(count);
            let end = u32::try_from(end).unwrap_or(u32::MAX);
            *places.next()? = Some(Link { layer, tap, end, width, height, channels });
        }
        self.rows_end = end.saturating_add(aligned(plan.row_len()));
        (places.len() + blob.len() == MAX_LAYERS).then_some(plan.len())
    }

    /// Forgets the frame.
    pub(crate) fn reset(&mut self) {
        self.at = 0;
        for link in self.links.iter_mut().flatten() {
            link.layer.reset();
        }
    }

    /// Returns how many rows of the image have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.link(0).map_or(0, |link| link.layer.arrived())
    }

    /// Returns whether rows that have arrived are still to be worked on.
    pub(crate) fn is_busy(&self) -> bool {
        self.at > 0
    }

    /// Takes in the next row of the image, which `fill` writes, `[1, W, C]`.
    pub(crate) fn push(&mut self, memory: &mut [u8], fill: impl FnOnce(&mut [u8])) {
        if let Some(Some(Link { layer, .. })) = self.links.first_mut() {
            fill(layer.next_row(memory));
            layer.commit(memory);
            self.at = usize::from(layer.is_ready());
        }
    }

    /// Does one thing that is to be done.
    #[inline(never)]
    pub(crate) fn advance(&mut self, memory: &mut [u8]) -> Done {
        let Some(index) = self.at.checked_sub(1) else { return Done::All };
        let (before, from) = self.links.split_at_mut_checked(index).unwrap_or_default();
        let Some((Some(link), after)) = from.split_first_mut() else {
            self.at = 0;
            return Done::All;
        };
        let (start, end) = (end_of(before.last()), link.end as usize);
        let (memory, scratch) = memory.split_at_mut_checked(self.rows_end).unwrap_or_default();
        // All that is left, in whole words: transforms take more than they need.
        let len = scratch.len() / ALIGNMENT * ALIGNMENT;
        let scratch = scratch.get_mut(..len).unwrap_or_default();
        let (memory, rows) = memory.split_at_mut_checked(end).unwrap_or_default();
        let own = memory.get_mut(start..).unwrap_or_default();
        let out = match after.first() {
            Some(Some(next)) => next.layer.next_row(rows),
            _ => rows.get_mut(..link.row_len()).unwrap_or_default(),
        };
        if !link.layer.emit(self.kernels, own, out, scratch) {
            self.at = self.last_ready(index);
            return Done::Little;
        }
        let done = match link.tap {
            Some(_) => Done::Row(index),
            None if link.layer.is_conv() => Done::Conv,
            None => Done::Little,
        };
        if let Some(Some(next)) = after.first_mut() {
            next.layer.commit(rows);
        }
        self.at = self.last_ready(index + 2);
        done
    }

    /// Returns the number of layers from the first on up to the last that has
    /// something to do, of the first `count`.
    fn last_ready(&self, count: usize) -> usize {
        let mut at = count.min(MAX_LAYERS);
        while let Some(index) = at.checked_sub(1) {
            if self.link(index).is_some_and(|link| link.layer.is_ready()) {
                break;
            }
            at = index;
        }
        at
    }

    /// Returns the row that the layer of that index has written last: its
    /// number and its bytes.
    pub(crate) fn last_row<'m>(&self, index: usize, memory: &'m mut [u8]) -> (usize, &'m [u8]) {
        let (upto, after) = self.links.split_at_checked(index + 1).unwrap_or_default();
        let Some(Some(link)) = upto.last() else { return (0, &[]) };
        let memory = memory.get_mut(link.end as usize..).unwrap_or_default();
        let row = match after.first() {
            Some(Some(next)) => next.layer.last_row(memory),
            _ => memory.get(..link.row_len()).unwrap_or_default(),
        };
        (link.layer.emitted().saturating_sub(1), row)
    }

    fn link(&self, index: usize) -> Option<&Link<'a>> {
        self.links.get(index)?.as_ref()
    }

    /// Returns the map that the layer of that index hands out.
    pub(crate) fn map(&self, index: usize) -> Option<TapMap> {
        let Link { tap, width, height, channels, .. } = *self.link(index)?;
        let size = ImageSize { width: width.into(), height: height.into() };
        Some(TapMap { tap: tap?, size, channels: channels.into() })
    }

    /// Iterates over the maps that are handed out, from the image on.
    pub(crate) fn maps(&self) -> impl Iterator<Item = TapMap> + '_ {
        (0..self.links.len()).filter_map(|index| self.map(index))
    }
}

/// Returns where what a layer keeps ends in the memory; 0 without one.
fn end_of(link: Option<&Option<Link<'_>>>) -> usize {
    link.and_then(Option::as_ref).map_or(0, |link| link.end as usize)
}
