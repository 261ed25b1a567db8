//! Why fits do not count.

use serde::Serialize;

/// Why a fit does not count, or not by the stricter rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rejection {
    /// Every weight is zero or all are equal: there is nothing to fit.
    Flat,
    /// Too little of the filter is in grey.
    Colour,
    /// The best function explains too little of the variance.
    PoorFit,
    /// The best function would have its centre outside of the filter.
    CentreOutside,
    /// The best envelope would be narrower than half a pixel or wider than half
    /// of the filter.
    Envelope,
    /// The best frequency would be above half a cycle per pixel.
    Frequency,
    /// The best amplitude would be above three times the largest weight.
    Amplitude,
}

impl Rejection {
    /// Every reason, in the order in which they are asked.
    pub const ALL: [Self; 7] = [
        Self::Flat,
        Self::Colour,
        Self::PoorFit,
        Self::CentreOutside,
        Self::Envelope,
        Self::Frequency,
        Self::Amplitude,
    ];

    /// Returns the reason in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Flat => "without contrast in grey",
            Self::Colour => "colour alone",
            Self::PoorFit => "poor fit",
            Self::CentreOutside => "centre outside of the filter",
            Self::Envelope => "envelope too narrow or too wide",
            Self::Frequency => "frequency above 0.5 cycles per pixel",
            Self::Amplitude => "amplitude above three times the largest weight",
        }
    }

    /// Returns the reason in a word or two, for a column of many.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Colour => "colour",
            Self::PoorFit => "poor fit",
            Self::CentreOutside => "centre",
            Self::Envelope => "envelope",
            Self::Frequency => "frequency",
            Self::Amplitude => "amplitude",
        }
    }
}
