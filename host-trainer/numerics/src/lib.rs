//! Statistics, in `f64`.

pub mod statistics;
