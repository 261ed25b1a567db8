//! The tuning of one unit.

use serde::Serialize;

use super::{
    frequency::frequency_peak,
    orientation::{circular_variance, orientation_peak, orthogonal_ratio},
    record::{Recording, UnitResponses},
    sets::GratingSets,
    size::{STRONG, size_tuning},
};

/// A unit counts whose largest response is more than this share of that of the
/// most responsive one: 5 spikes a second where the liveliest neuron has 243.1
/// (\[Marques\]).
const WEAK: f64 = 5.0 / 243.1;

/// Why a unit does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// It responds to no grating more than to a blank.
    Silent,
    /// Its largest response is below 2 % of that of the most responsive unit.
    Weak,
}

/// How one unit is tuned; nothing where a measure does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct UnitTuning {
    /// Number of the unit, from 0.
    pub unit: usize,
    /// Why it does not count, if so.
    pub excluded: Option<Exclusion>,
    /// Its largest response to the set for orientation.
    pub response: f64,
    /// Circular variance, in `[0, 1]`.
    pub circular_variance: Option<f64>,
    /// Preferred orientation, degrees in `[-22.5, 157.5)`.
    pub preferred_orientation_deg: Option<f64>,
    /// Full width of the orientation curve at half of its maximum, degrees.
    pub full_width_deg: Option<f64>,
    /// Half of its width at 0.707 of its maximum, degrees.
    pub half_width_deg: Option<f64>,
    /// Response to the orthogonal over that to the preferred orientation.
    pub orthogonal_preferred_ratio: Option<f64>,
    /// F1/F0 at the preferred grating.
    pub modulation_ratio: Option<f64>,
    /// Preferred spatial frequency, cycles per degree.
    pub peak_spatial_frequency_cpd: Option<f64>,
    /// `100 · f_low / f_high` at 0.707 of the peak.
    pub spatial_frequency_bandwidth_ratio: Option<f64>,
    /// Surround suppression index.
    pub surround_suppression_index: Option<f64>,
    /// Grating summation field, degrees.
    pub grating_summation_field_deg: Option<f64>,
    /// Surround diameter, degrees; only with a suppression index above 0.1.
    pub surround_diameter_deg: Option<f64>,
}

impl UnitTuning {
    /// Returns whether the suppression index is above 0.1.
    #[must_use]
    pub fn strongly_suppressed(&self) -> Option<bool> {
        self.surround_suppression_index.map(|index| index > STRONG)
    }
}

/// Returns how every unit of a recording is tuned.
///
/// In each set a unit is measured at the grating of its largest response, on
/// the component that is the larger there, mean less blank or F1; a mean below
/// the blank counts as no response.
#[must_use]
pub fn tune(recording: &Recording) -> Vec<UnitTuning> {
    let units = recording.units.iter().enumerate();
    let mut tuned: Vec<UnitTuning> = units
        .map(|(unit, responses)| UnitTuning { unit, ..tune_unit(responses, &recording.sets) })
        .collect();
    let most = tuned.iter().map(|unit| unit.response).fold(0.0, f64::max);
    for unit in &mut tuned {
        if unit.response <= 0.0 {
            unit.excluded = Some(Exclusion::Silent);
        } else if unit.response <= WEAK * most {
            unit.excluded = Some(Exclusion::Weak);
        }
    }
    tuned
}

/// Returns the responses over orientation at the preferred grating, none below
/// 0; nothing for a silent unit.
#[must_use]
pub fn orientation_curve(responses: &UnitResponses) -> Option<Vec<f64>> {
    let (condition, component, _) = responses.orientation.preferred()?;
    let curve = responses.orientation.over_orientations(condition, component);
    Some(curve.into_iter().map(|response| response.max(0.0)).collect())
}

fn tune_unit(responses: &UnitResponses, sets: &GratingSets) -> UnitTuning {
    let mut tuned = UnitTuning::default();
    if let Some((condition, _, response)) = responses.orientation.preferred() {
        tuned.response = response;
        tuned.modulation_ratio = responses.orientation.modulation_ratio(condition);
    }
    if let Some(curve) = orientation_curve(responses) {
        let orientations = &sets.orientation.orientations;
        tuned.circular_variance = circular_variance(&curve, orientations);
        tuned.orthogonal_preferred_ratio = orthogonal_ratio(&curve);
        if let Some(peak) = orientation_peak(&curve, orientations) {
            let preferred = peak.preferred_deg;
            let preferred = if preferred >= 157.5 { preferred - 180.0 } else { preferred };
            tuned.preferred_orientation_deg = Some(preferred);
            tuned.full_width_deg = peak.full_width_deg;
            tuned.half_width_deg = peak.half_width_deg;
        }
    }
    if let Some((condition, component, _)) = responses.frequency.preferred() {
        let curve = responses.frequency.over_frequencies(condition, component);
        if let Some(peak) = frequency_peak(&curve, &sets.frequency.frequencies) {
            tuned.peak_spatial_frequency_cpd = Some(peak.preferred);
            tuned.spatial_frequency_bandwidth_ratio = peak.bandwidth_ratio;
        }
    }
    if let Some((condition, component, _)) = responses.size.preferred() {
        let curve = responses.size.over_sizes(condition, component);
        if let Some(size) = size_tuning(&curve, sets.size.sizes.values()) {
            tuned.surround_suppression_index = Some(size.suppression_index);
            tuned.grating_summation_field_deg = Some(size.summation_field);
            tuned.surround_diameter_deg = size.surround_diameter;
        }
    }
    tuned
}
