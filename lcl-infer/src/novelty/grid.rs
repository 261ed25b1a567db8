//! Cells: the parts of the visual field that a watcher keeps apart.

use core::num::NonZero;

use crate::shape::{ImageSize, MAX_IMAGE_SIDE};

/// Cells along the longer side of a map, as long as they may grow.
const CELLS: usize = 8;

/// Most locations along the side of a cell: 255 times their number fits 16 bits.
const MAX_CELL_SIDE: usize = 16;

/// Largest width and height of a map that is watched: a
/// [`Novelty`](crate::Novelty) names the column and the row of a cell in a byte
/// each. No front-end gives a larger map of V2.
pub(super) const MAX_MAP_SIDE: usize = MAX_CELL_SIDE * (u8::MAX as usize + 1);

// Each stage pools once, at stride 2.
const _: () = assert!(MAX_IMAGE_SIDE / 4 <= MAX_MAP_SIDE);

const _: () = assert!(MAX_CELL_SIDE * MAX_CELL_SIDE * 255 <= u16::MAX as usize);

/// The division of a feature map into square cells.
///
/// Up to 8 locations a side every location is a cell; larger maps have at most
/// 8 cells a side, and those of more than 128 locations cells of 16. The last
/// cell of a row or a column may be narrower.
///
/// # Examples
///
/// V2 of an image of 224×224 pixels:
///
/// ```
/// use lcl_infer::{CellGrid, ImageSize};
/// let grid = CellGrid::new(ImageSize::square(14));
/// assert_eq!((grid.cell_side(), grid.columns(), grid.rows()), (2, 7, 7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CellGrid {
    cell_side: NonZero<usize>,
    columns: usize,
    rows: usize,
}

impl CellGrid {
    /// Divides a map of that size.
    #[must_use]
    pub const fn new(map: ImageSize) -> Self {
        let longer = if map.width > map.height { map.width } else { map.height };
        let side = longer.div_ceil(CELLS);
        let side = if side > MAX_CELL_SIDE { MAX_CELL_SIDE } else { side };
        let cell_side = match NonZero::new(side) {
            Some(side) => side,
            None => NonZero::<usize>::MIN,
        };
        Self {
            cell_side,
            columns: map.width.div_ceil(cell_side.get()),
            rows: map.height.div_ceil(cell_side.get()),
        }
    }

    /// Returns the locations along the side of a cell.
    #[must_use]
    pub const fn cell_side(&self) -> usize {
        self.cell_side.get()
    }

    /// Returns the cells in a row.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the cells in a column.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of cells, or `usize::MAX` where they are more.
    #[must_use]
    pub const fn cells(&self) -> usize {
        self.columns.saturating_mul(self.rows)
    }

    /// Returns the row of cells that row `y` of the map falls into, and how many
    /// rows of the map that has up to `y`.
    pub(super) fn band(&self, y: usize) -> (usize, usize) {
        (y / self.cell_side, y % self.cell_side + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: usize, height: usize, expected: (usize, usize, usize)) {
        let grid = CellGrid::new(ImageSize { width, height });
        assert_eq!((grid.cell_side(), grid.columns(), grid.rows()), expected);
    }

    #[test]
    fn cells_grow_with_the_map() {
        check(3, 3, (1, 3, 3));
        check(8, 6, (1, 8, 6));
        check(14, 14, (2, 7, 7));
        check(20, 15, (3, 7, 5));
        check(512, 1, (16, 32, 1));
        check(0, 0, (1, 0, 0));
        check(4096, 4096, (16, 256, 256));
        check(usize::MAX, 1, (16, usize::MAX / 16 + 1, 1));
        assert_eq!(CellGrid::new(ImageSize::square(usize::MAX)).cells(), usize::MAX);
    }
}
