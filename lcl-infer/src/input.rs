//! What the first layer of a blob sees.

/// What the first layer of a blob sees. A camera may deliver another
/// [`PixelFormat`](crate::PixelFormat).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum InputFormat {
    /// Three bytes a pixel: red, green, blue.
    #[default]
    Rgb888,
    /// One byte a pixel: luma. The first convolution was folded to one channel.
    Gray8,
}

impl InputFormat {
    /// Every format, in the order of the blob's encoding.
    pub const ALL: [Self; 2] = [Self::Rgb888, Self::Gray8];

    /// Returns the channels that the first layer sees, which are the bytes of a
    /// pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb888 => 3,
            Self::Gray8 => 1,
        }
    }

    /// Returns the name of the format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rgb888 => "RGB888",
            Self::Gray8 => "GRAY8",
        }
    }
}
