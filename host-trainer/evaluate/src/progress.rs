//! How far an evaluation is.

/// Is told how far an evaluation is.
pub trait Progress {
    /// A part of the evaluation begins, which takes `total` units of work.
    fn begin(&mut self, part: &str, total: usize);

    /// So many more units are done.
    fn advance(&mut self, units: usize);
}

/// Tells nobody.
impl Progress for () {
    fn begin(&mut self, _: &str, _: usize) {}

    fn advance(&mut self, _: usize) {}
}
