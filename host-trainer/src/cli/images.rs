//! What every command is told that reads images.

use host_trainer::data::{MOST_PIXELS, set_most_pixels};

/// Limits on the images that are read.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct ImageLimits {
    /// Pixels of the largest image that is read; larger ones are skipped and
    /// named
    #[arg(
        long,
        value_name = "N",
        default_value_t = MOST_PIXELS,
        value_parser = clap::value_parser!(u64).range(256..=1 << 36)
    )]
    max_pixels: u64,
}

impl ImageLimits {
    /// Makes them hold in this process.
    pub fn apply(self) {
        set_most_pixels(self.max_pixels);
    }
}
