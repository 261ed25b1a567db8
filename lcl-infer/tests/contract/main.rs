//! The engine against the integer contract, in its plainest form.

mod blob;
mod build_script;
#[cfg(feature = "components")]
mod components;
#[cfg(feature = "recognition")]
mod dense;
#[cfg(feature = "transforms")]
mod fast;
mod golden;
#[cfg(all(
    feature = "transforms",
    feature = "components",
    feature = "recognition",
    feature = "population"
))]
mod kernels;
mod limits;
mod misuse;
#[cfg_attr(
    not(feature = "transforms"),
    expect(dead_code, reason = "tests of transforms need more of it")
)]
mod model;
mod novelty;
mod package;
mod parts;
mod pinned;
mod pixels;
mod pooling;
#[cfg(feature = "population")]
mod readout;
mod streaming;
#[cfg(feature = "transforms")]
mod toom;
