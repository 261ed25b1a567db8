//! What differs, and how to see it again.

use core::fmt;

use lcl_infer::shape::{DenseGeometry, NormGeometry, Opponent, Resample, Retina, WindowPool};
use lcl_infer::{ConvGeometry, ImageSize, LayerKind, MAX_LAYERS, PoolOrder};

use crate::draw::Style;

/// Where kernels do not keep the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mismatch {
    /// Name of the kernels.
    pub kernels: &'static str,
    /// The operation.
    pub operation: Operation,
    /// Which case.
    pub case: Case,
    /// What it was run on.
    pub shape: Shape,
    /// What is wrong.
    pub fault: Fault,
}

/// One function of a table of kernels, or all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Operation {
    /// `conv2d_row`.
    Conv2dRow,
    /// `toom_row`.
    ToomRow,
    /// `max_rows`.
    MaxRows,
    /// `max_blur_row`.
    MaxBlurRow,
    /// `blur_max_row`.
    BlurMaxRow,
    /// `max_row`.
    MaxRow,
    /// `window_pool.max_row`.
    WindowMaxRow,
    /// `window_pool.average_row`.
    WindowAverageRow,
    /// `dense.row`.
    DenseRow,
    /// `norm.norm_row`.
    NormRow,
    /// `resample.columns`, `resample.add_row` and `resample.finish_row`.
    Resample,
    /// `retina.retina_row`.
    RetinaRow,
    /// `opponent.contrasts_row` and `opponent.divide_row`.
    Opponent,
    /// `readout.sums`.
    ReadoutSums,
    /// A whole image, streamed.
    Frontend,
}

/// Which case of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Case {
    /// One with expectations written by hand.
    Hand(&'static str),
    /// One at an edge, in the order of the suite.
    Edge(usize),
    /// One drawn from this seed.
    Seed(u64),
}

/// What a case was run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Shape {
    /// A convolution of an input of this size.
    Conv {
        /// The convolution.
        conv: ConvGeometry,
        /// Size of the input.
        size: ImageSize,
        /// What the numbers are like.
        style: Style,
    },
    /// A convolution through a transform.
    Transformed {
        /// Name of the transform.
        transform: &'static str,
        /// Tiles that there is scratch for.
        tiles: usize,
        /// The convolution.
        conv: ConvGeometry,
        /// Size of the input.
        size: ImageSize,
        /// What the numbers are like.
        style: Style,
    },
    /// A pooling of a map of this size.
    Pool {
        /// Order of pooling.
        order: PoolOrder,
        /// Size of the map.
        size: ImageSize,
        /// Channels of the map.
        channels: usize,
    },
    /// A plain pool of a map of this size.
    WindowPool {
        /// The pool.
        pool: WindowPool,
        /// Size of the map.
        size: ImageSize,
        /// Channels of the map.
        channels: usize,
    },
    /// A dense layer of a row of so many pixels.
    Dense {
        /// The layer.
        dense: DenseGeometry,
        /// Pixels of the row.
        width: usize,
    },
    /// A divisive normalisation of a map of this size.
    Norm {
        /// The normalisation.
        norm: NormGeometry,
        /// Size of the map.
        size: ImageSize,
    },
    /// A resampling of a map.
    Resample {
        /// The resampling.
        resample: Resample,
        /// Channels of the map.
        channels: usize,
    },
    /// A retina on a map of this size.
    Retina {
        /// The retina.
        retina: Retina,
        /// Size of the map.
        size: ImageSize,
        /// Channels of the map.
        channels: usize,
    },
    /// A colour-opponent retina on a map of this size.
    Opponent {
        /// The retina.
        retina: Opponent,
        /// Size of the map.
        size: ImageSize,
    },
    /// Rows of these lengths in bytes.
    Rows {
        /// The row that is written to.
        row: usize,
        /// The one that is read.
        other: usize,
    },
    /// A chain of layers on an image of this size.
    Chain {
        /// The layers.
        layers: [Option<LayerKind>; MAX_LAYERS],
        /// Size of the image.
        size: ImageSize,
    },
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// A byte of the output.
    Value {
        /// Row of the output; for a chain, rows of a tap follow those of the one
        /// before it.
        y: usize,
        /// Column.
        x: usize,
        /// Channel.
        c: usize,
        /// What the contract asks for.
        expected: u8,
        /// What the kernel wrote.
        got: u8,
    },
    /// A byte outside of a slice was written to.
    OutOfBounds {
        /// Bytes from the start of the slice.
        offset: isize,
    },
    /// The number of rows that came out.
    RowCount {
        /// Rows of the maps.
        expected: usize,
        /// Rows that came.
        got: usize,
    },
    /// The case itself cannot be run: the suite's memory is too small for it,
    /// or lcl-infer refuses it.
    Refused,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernels, operation, case, shape, fault } = self;
        write!(f, "kernels \"{kernels}\", {operation:?}, {case:?}, {shape:?}: ")?;
        match fault {
            Fault::Value { y, x, c, expected, got } => {
                write!(f, "row {y}, column {x}, channel {c} is {got} instead of {expected}")?;
            }
            Fault::OutOfBounds { offset } => {
                write!(f, "a byte {offset} from the start of a slice was written to")?;
            }
            Fault::RowCount { expected, got } => {
                write!(f, "{got} rows came out instead of {expected}")?;
            }
            Fault::Refused => f.write_str("the case cannot be run")?,
        }
        match case {
            Case::Seed(seed) => {
                write!(f, "; to run it again: Cases {{ seed: {seed}, count: 1 }}")
            }
            Case::Hand(_) | Case::Edge(_) => f.write_str("; it is run every time"),
        }
    }
}

impl core::error::Error for Mismatch {}
