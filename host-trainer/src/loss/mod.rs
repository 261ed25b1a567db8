//! The losses that stages are trained with.

mod barlow_twins;

pub use barlow_twins::BarlowTwins;
