//! Integer inference.
#![no_std]

mod shape;

pub use shape::{
    ConvGeometry, ImageSize, LCL_V2, MAX_CHANNELS, MAX_IMAGE_SIDE, MAX_KERNEL, MAX_STRIDE,
    PoolOrder, StageGeometry, pooled_side,
};
