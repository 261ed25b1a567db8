//! The filters of V1 as pictures.

use lcl_infer::LCL_V2;

use lcl_artefacts::checkpoint::Checkpoint;
use lcl_pages::picture::{Picture, byte};

/// Pixels of the picture for each weight.
const MAGNIFICATION: usize = 5;

/// Weights' worth of space between two filters.
const SPACE: usize = 1;

/// The filters of V1 at some step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Updates of the weights so far.
    pub step: u64,
    /// What multiplies red, green and blue of a pixel in `[0, 1]`:
    /// `[filters, 3, kernel, kernel]` (OIHW), the convolution's weights over
    /// the standard deviation of the input.
    weights: Vec<f32>,
}

impl Filters {
    /// Takes the filters from a checkpoint; behind a retina, what they make of its
    /// three contrasts stands in the place of colours.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let area = Self::kernel() * Self::kernel();
        let filters = checkpoint.first_filters();
        let planes = filters.chunks_exact(area);
        let scaled = planes.zip(checkpoint.std.iter().cycle());
        let weights =
            scaled.flat_map(|(plane, std)| plane.iter().map(move |weight| weight / std)).collect();
        Self { step: checkpoint.step, weights }
    }

    /// Returns the filters in colour as a PNG with opacity, and its width and
    /// height.
    #[must_use]
    pub fn png(&self) -> Option<([usize; 2], Vec<u8>)> {
        let picture = self.colour();
        Some((picture.size(), picture.png()?))
    }

    /// Returns the number of filters.
    pub(super) fn count(&self) -> usize {
        self.weights.len() / (3 * Self::kernel() * Self::kernel())
    }

    /// Returns the filters in colour, eight in a row. Each is scaled by its
    /// own largest weight, so that mid-grey is zero.
    pub(super) fn colour(&self) -> Picture {
        self.sheet(|[r, g, b]| [r, g, b])
    }

    /// Returns what the filters do to a grey image: the sum of their weights
    /// over the colours.
    pub(super) fn grey(&self) -> Picture {
        self.sheet(|[r, g, b]| [r + g + b; 3])
    }

    fn sheet(&self, shown: impl Fn([f32; 3]) -> [f32; 3]) -> Picture {
        let (kernel, columns) = (Self::kernel(), 8);
        let area = kernel * kernel;
        let pitch = kernel + SPACE;
        let side = |filters: usize| (filters * pitch - SPACE) * MAGNIFICATION;
        let rows = self.count().div_ceil(columns).max(1);
        let mut picture = Picture::new(side(columns), side(rows));
        for (index, filter) in self.weights.chunks_exact(3 * area).enumerate() {
            let pixels: Vec<[f32; 3]> = (0..area)
                .map(|at| shown([filter[at], filter[area + at], filter[2 * area + at]]))
                .collect();
            let largest = pixels.iter().flatten().fold(0.0, |most: f32, w| most.max(w.abs()));
            let (left, top) = (index % columns * pitch, index / columns * pitch);
            for (at, pixel) in pixels.iter().enumerate() {
                let value = |w: f32| if largest > 0.0 { 0.5 + 0.5 * w / largest } else { 0.5 };
                let corner = (left + at % kernel, top + at / kernel);
                let corner = (corner.0 * MAGNIFICATION, corner.1 * MAGNIFICATION);
                picture.fill(corner, MAGNIFICATION, pixel.map(|w| byte(value(w))));
            }
        }
        picture
    }

    fn kernel() -> usize {
        LCL_V2.convolutions().next().map_or(0, |conv1| conv1.kernel())
    }
}
