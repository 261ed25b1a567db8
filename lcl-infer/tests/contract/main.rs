//! The engine against the integer contract, in its plainest form.

mod blob;
mod golden;
mod model;
mod pooling;
mod streaming;
