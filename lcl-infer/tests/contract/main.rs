//! The engine against the integer contract, in its plainest form.

mod blob;
mod build_script;
mod components;
mod dense;
mod fast;
mod golden;
mod kernels;
mod limits;
mod misuse;
mod model;
mod novelty;
mod package;
mod pinned;
mod pixels;
mod pooling;
mod readout;
mod streaming;
mod toom;
