//! The tuning of all units against published distributions.

use std::collections::BTreeMap;

use lcl_infer::{Name, V1};
use serde::Serialize;

use super::{
    record::Recording,
    sets::Viewing,
    unit::{Exclusion, UnitTuning, orientation_curve, tune},
};
use crate::{
    distribution::{Comparison, Histogram},
    published::PublishedV1,
};
use lcl_numerics::statistics::{mean, median};

/// How the units of an area are tuned.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tuning {
    /// The model.
    pub model: String,
    /// The area, `v1` or `v2`.
    pub area: &'static str,
    /// Pixels of a degree of visual angle.
    pub pixels_per_degree: f64,
    /// Michelson contrast of the gratings.
    pub contrast: f64,
    /// Gratings that were shown.
    pub gratings: usize,
    /// Spatial frequencies that pixels cannot show and that were left out.
    pub frequencies_left_out: usize,
    /// Side of a unit's receptive field in pixels.
    pub field: usize,
    /// Every unit, in order.
    pub units: Vec<UnitTuning>,
    /// What follows from those that count.
    pub summary: Summary,
    /// Their responses over orientation, the preferred one in the middle and the
    /// largest 1.
    #[serde(skip)]
    pub(super) curves: Vec<Vec<f64>>,
    #[serde(skip)]
    pub(super) published: PublishedV1,
}

/// What follows from the units that count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Units.
    pub units: usize,
    /// Units that count.
    pub responsive: usize,
    /// Units that respond to nothing.
    pub silent: usize,
    /// Units that respond too little.
    pub weak: usize,
    /// Each property by its name.
    pub properties: BTreeMap<&'static str, PropertySummary>,
}

/// One property of the units that count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PropertySummary {
    /// Units that have it.
    pub units: usize,
    /// Median, or the share of units for a property that is there or not;
    /// nothing for an angle.
    pub value: Option<f64>,
    /// The same of recorded neurons.
    pub published: Option<f64>,
    /// Similarity to the published distribution, with its ceiling.
    pub comparison: Option<Comparison>,
}

/// What stands for a distribution in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    Median,
    /// The share of units with the value 1.
    Share,
    /// None: values go round in a circle.
    Circle,
}

/// A property that is compared.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) middle: Middle,
    value: fn(&UnitTuning) -> Option<f64>,
    published: Published,
}

/// What was published of a property.
enum Published {
    Nothing,
    Median(f64),
    Histogram(fn(&PublishedV1) -> &Histogram),
}

/// Every property, in the order of the tables. The medians are those of 304
/// neurons in \[RSH\].
pub(super) const PROPERTIES: [Property; 14] = [
    Property {
        name: "circular_variance",
        text: "circular variance",
        middle: Middle::Median,
        value: |unit| unit.circular_variance,
        published: Published::Median(0.599),
    },
    Property {
        name: "full_width_deg",
        text: "full width at half maximum, degrees",
        middle: Middle::Median,
        value: |unit| unit.full_width_deg,
        published: Published::Nothing,
    },
    Property {
        name: "half_width_deg",
        text: "half width at 0.707, degrees",
        middle: Middle::Median,
        value: |unit| unit.half_width_deg,
        published: Published::Median(23.0),
    },
    Property {
        name: "orthogonal_preferred_ratio",
        text: "orthogonal over preferred",
        middle: Middle::Median,
        value: |unit| unit.orthogonal_preferred_ratio,
        published: Published::Nothing,
    },
    Property {
        name: "modulation_ratio",
        text: "F1/F0",
        middle: Middle::Median,
        value: |unit| unit.modulation_ratio,
        published: Published::Median(0.571),
    },
    Property {
        name: "preferred_orientation_deg",
        text: "preferred orientation, degrees",
        middle: Middle::Circle,
        value: |unit| unit.preferred_orientation_deg,
        published: Published::Histogram(|published| &published.preferred_orientation),
    },
    Property {
        name: "peak_spatial_frequency_cpd",
        text: "preferred frequency, cycles per degree",
        middle: Middle::Median,
        value: |unit| unit.peak_spatial_frequency_cpd,
        published: Published::Histogram(|published| &published.peak_spatial_frequency),
    },
    Property {
        name: "spatial_frequency_selective",
        text: "selective for frequency, share",
        middle: Middle::Share,
        value: |unit| {
            let peak = unit.peak_spatial_frequency_cpd;
            peak.map(|_| share(unit.spatial_frequency_bandwidth_ratio.is_some()))
        },
        published: Published::Histogram(|published| &published.spatial_frequency_selective),
    },
    Property {
        name: "spatial_frequency_bandwidth_ratio",
        text: "frequency bandwidth, 100 · low / high",
        middle: Middle::Median,
        value: |unit| unit.spatial_frequency_bandwidth_ratio,
        published: Published::Histogram(|published| &published.spatial_frequency_bandwidth_ratio),
    },
    Property {
        name: "surround_suppression_index",
        text: "surround suppression index",
        middle: Middle::Median,
        value: |unit| unit.surround_suppression_index,
        published: Published::Histogram(|published| &published.surround_suppression_index),
    },
    Property {
        name: "strongly_suppressed",
        text: "strongly suppressed, share",
        middle: Middle::Share,
        value: |unit| unit.strongly_suppressed().map(share),
        published: Published::Histogram(|published| &published.strongly_suppressed),
    },
    Property {
        name: "grating_summation_field_deg",
        text: "grating summation field, degrees",
        middle: Middle::Median,
        value: |unit| {
            unit.grating_summation_field_deg.filter(|_| unit.strongly_suppressed() == Some(true))
        },
        published: Published::Histogram(|published| &published.grating_summation_field),
    },
    Property {
        name: "surround_diameter_deg",
        text: "surround diameter, degrees",
        middle: Middle::Median,
        value: |unit| unit.surround_diameter_deg,
        published: Published::Histogram(|published| &published.surround_diameter),
    },
    Property {
        name: "surround_summation_ratio",
        text: "surround over summation field",
        middle: Middle::Median,
        value: |unit| Some(unit.surround_diameter_deg? / unit.grating_summation_field_deg?),
        published: Published::Histogram(|published| &published.surround_ratio),
    },
];

fn share(is_there: bool) -> f64 {
    f64::from(u8::from(is_there))
}

impl Property {
    /// Returns the values of the units that count.
    pub(super) fn values(&self, units: &[UnitTuning]) -> Vec<f64> {
        let counted = units.iter().filter(|unit| unit.excluded.is_none());
        counted.filter_map(self.value).collect()
    }

    /// Returns the published histogram, if there is one.
    pub(super) fn histogram<'a>(&self, published: &'a PublishedV1) -> Option<&'a Histogram> {
        match self.published {
            Published::Histogram(histogram) => Some(histogram(published)),
            Published::Nothing | Published::Median(_) => None,
        }
    }

    fn summary(
        &self,
        units: &[UnitTuning],
        published: &PublishedV1,
        key: u64,
        seed: u64,
    ) -> PropertySummary {
        let values = self.values(units);
        let histogram = self.histogram(published);
        let of_neurons = |histogram: &Histogram| match self.middle {
            Middle::Median => Some(histogram.median(histogram.edges()[0] > 0.0)),
            Middle::Share => {
                let there = histogram.counts().last().copied().map_or(0.0, f64::from);
                Some(there / histogram.total() as f64)
            }
            Middle::Circle => None,
        };
        PropertySummary {
            units: values.len(),
            value: match self.middle {
                Middle::Median => median(&values),
                Middle::Share => mean(&values),
                Middle::Circle => None,
            },
            published: match self.published {
                Published::Median(value) => Some(value),
                _ => histogram.and_then(of_neurons),
            },
            comparison: histogram.and_then(|histogram| histogram.compare(&values, seed, key)),
        }
    }
}

impl Tuning {
    /// Measures every unit of a recording and compares those that count with
    /// the published distributions; `seed` is that of the bootstrap.
    #[must_use]
    pub fn new(
        model: &str,
        area: Name,
        viewing: Viewing,
        recording: &Recording,
        published: &PublishedV1,
        seed: u64,
    ) -> Self {
        let units = tune(recording);
        let count = |exclusion| units.iter().filter(|unit| unit.excluded == exclusion).count();
        let properties = PROPERTIES
            .iter()
            .zip(0..)
            .map(|(property, key)| (property.name, property.summary(&units, published, key, seed)));
        let summary = Summary {
            units: units.len(),
            responsive: count(None),
            silent: count(Some(Exclusion::Silent)),
            weak: count(Some(Exclusion::Weak)),
            properties: properties.collect(),
        };
        let counted = units.iter().filter(|unit| unit.excluded.is_none());
        let curves =
            counted.filter_map(|unit| aligned(&orientation_curve(&recording.units[unit.unit])?));
        Self {
            model: model.to_owned(),
            area: if area == V1 { "v1" } else { "v2" },
            pixels_per_degree: viewing.pixels_per_degree,
            contrast: viewing.contrast,
            gratings: recording.sets.len(),
            frequencies_left_out: recording.sets.left_out,
            field: recording.field,
            curves: curves.collect(),
            units,
            summary,
            published: published.clone(),
        }
    }
}

/// Turns a curve so that its peak is in the middle, and divides by the peak.
fn aligned(curve: &[f64]) -> Option<Vec<f64>> {
    let count = curve.len();
    let peak = (0..count).max_by(|&a, &b| curve[a].total_cmp(&curve[b]))?;
    let first = peak + count - count / 2;
    (curve[peak] > 0.0)
        .then(|| (0..count).map(|at| curve[(first + at) % count] / curve[peak]).collect())
}
