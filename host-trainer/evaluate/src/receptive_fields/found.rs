//! The fits of all filters, and what follows from them.

use rayon::prelude::*;
use serde::Serialize;

use super::{
    filters::{Filter, Filters},
    fit::{Fit, fit_gabor, undetermined},
    gabor::Gabor,
    rejection::Rejection,
};
use crate::{
    Progress,
    distribution::Comparison,
    published::{FieldShapes, PublishedV1},
};
use lcl_numerics::statistics::median;

/// Which fits count.
///
/// The paper leaves out fields that are "not fit well" and nothing else, so the
/// explained variance of the bounded fit alone decides. The stricter rule also
/// wants a filter that sees grey, and a fit that ends at no bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// The least share of the variance that a fit must explain.
    pub least_r2: f64,
    /// The least share of a filter's energy that must be in grey by the stricter
    /// rule: neurons are recorded with grey stimuli, which a filter below it
    /// hardly sees.
    pub least_grey_share: f64,
}

impl Default for Rule {
    /// Half of the variance, about twice what the best fit to noise reaches, and
    /// a tenth in grey.
    fn default() -> Self {
        Self { least_r2: 0.5, least_grey_share: 0.1 }
    }
}

/// A filter with its fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FittedFilter {
    /// Number of the filter, from 0.
    pub filter: usize,
    /// Share of its energy that is in grey.
    pub grey_share: Option<f64>,
    /// Why the fit does not count, if so.
    pub rejected: Option<Rejection>,
    /// Why the fit does not count by the stricter rule, if so.
    pub strictly_rejected: Option<Rejection>,
    /// Share of the variance of the grey filter that the fit explains.
    pub r2: Option<f64>,
    /// The function; also where the fit does not count.
    #[serde(flatten)]
    pub gabor: Option<Gabor>,
    /// Cycles across the filter.
    pub cycles_per_filter: Option<f64>,
    /// Phase folded to `[0, 90]` degrees.
    pub folded_phase_deg: Option<f64>,
    /// Width in cycles, `σx · f`.
    pub nx: Option<f64>,
    /// Length in cycles, `σy · f`.
    pub ny: Option<f64>,
}

/// The receptive fields of a model's V1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceptiveFields {
    /// The model.
    pub model: String,
    /// Side of a filter in pixels.
    pub kernel: usize,
    /// Which fits count.
    pub rule: Rule,
    /// Every filter, in order.
    pub filters: Vec<FittedFilter>,
    /// What follows from those that count.
    pub summary: Summary,
    /// What the pictures show.
    #[serde(skip)]
    pub(super) shown: Filters,
    /// What the fields are compared with.
    #[serde(skip)]
    pub(super) published: FieldShapes,
}

/// What follows from the fits that count.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Filters.
    pub filters: usize,
    /// Filters whose fit counts.
    pub accepted: usize,
    /// Filters whose fit does not, by reason.
    pub rejected: Vec<Rejected>,
    /// Filters whose fit counts by the stricter rule.
    pub strictly_accepted: usize,
    /// Filters whose fit does not count by the stricter rule, by reason.
    pub strictly_rejected: Vec<Rejected>,
    /// Filters with less than half of their energy in grey.
    pub colour_filters: usize,
    /// Median share of energy in grey over all filters.
    pub grey_share_median: Option<f64>,
    /// Median share of explained variance over all filters that were fitted.
    pub r2_median_all: Option<f64>,
    /// The same over those that count, as all that follow.
    pub r2_median: Option<f64>,
    /// Median spatial frequency, cycles per pixel.
    pub cycles_per_pixel_median: Option<f64>,
    /// Median of the phases folded to `[0, 90]` degrees.
    pub folded_phase_deg_median: Option<f64>,
    /// Width in cycles.
    pub nx: FieldComparison,
    /// Length in cycles.
    pub ny: FieldComparison,
    /// Overlap of the joint histograms of `nx` and `ny`, `Σ min(p, q)` over the
    /// shares of their bins: 1 for equal, 0 for apart. Few units leave bins
    /// empty, so it is biased towards 0.
    pub joint_overlap: Option<f64>,
}

/// How many fits do not count for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The reason.
    pub reason: Rejection,
    /// How many.
    pub filters: usize,
}

/// One measure of the fields against that of macaque neurons.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FieldComparison {
    /// Median of the model.
    pub median: Option<f64>,
    /// Median of the neurons, from the bins.
    pub published_median: f64,
    /// Similarity of the distributions, with its ceiling.
    pub comparison: Option<Comparison>,
}

/// Fits a Gabor function to every filter and compares those that count with
/// the published shapes; `seed` is that of the bootstrap.
pub fn receptive_fields(
    model: &str,
    filters: Filters,
    rule: Rule,
    published: &PublishedV1,
    seed: u64,
    progress: &mut dyn Progress,
) -> ReceptiveFields {
    let kernel = filters.kernel();
    let all: Vec<Filter<'_>> = filters.iter().collect();
    progress.begin("filters", all.len());
    let mut fitted = Vec::with_capacity(all.len());
    for some in all.chunks(8) {
        let first = fitted.len();
        let fits = some.par_iter().enumerate();
        fitted.par_extend(fits.map(|(at, filter)| fit_filter(first + at, filter, kernel, rule)));
        progress.advance(some.len());
    }
    let published = published.field_shape.clone();
    let summary = Summary::of(&fitted, &published, seed);
    ReceptiveFields {
        model: model.to_owned(),
        kernel,
        rule,
        filters: fitted,
        summary,
        shown: filters,
        published,
    }
}

fn fit_filter(filter: usize, weights: &Filter<'_>, kernel: usize, rule: Rule) -> FittedFilter {
    let (grey, grey_share) = (weights.grey(), weights.grey_share());
    let fit = fit_gabor(&grey, kernel);
    let rejected = match fit {
        None => Some(Rejection::Flat),
        Some(fit) if fit.r2 < rule.least_r2 => Some(Rejection::PoorFit),
        Some(_) => None,
    };
    let in_colour = grey_share.is_none_or(|share| share < rule.least_grey_share);
    let strictly_rejected = match (fit, rejected) {
        (Some(_), _) if in_colour => Some(Rejection::Colour),
        (Some(fit), None) => undetermined(&fit.gabor, &grey, kernel),
        _ => rejected,
    };
    let of = |value: fn(&Gabor) -> f64| fit.as_ref().map(|fit: &Fit| value(&fit.gabor));
    FittedFilter {
        filter,
        grey_share,
        rejected,
        strictly_rejected,
        r2: fit.map(|fit| fit.r2),
        gabor: fit.map(|fit| fit.gabor),
        cycles_per_filter: of(|gabor| gabor.cycles_per_pixel).map(|f| f * kernel as f64),
        folded_phase_deg: of(Gabor::folded_phase_deg),
        nx: of(Gabor::nx),
        ny: of(Gabor::ny),
    }
}

impl ReceptiveFields {
    /// Iterates over the filters whose fit counts.
    pub fn accepted(&self) -> impl Iterator<Item = &FittedFilter> {
        self.filters.iter().filter(|filter| filter.rejected.is_none())
    }
}

impl Summary {
    fn of(filters: &[FittedFilter], published: &FieldShapes, seed: u64) -> Self {
        let accepted: Vec<&FittedFilter> =
            filters.iter().filter(|filter| filter.rejected.is_none()).collect();
        let all = |value: fn(&FittedFilter) -> Option<f64>| -> Vec<f64> {
            filters.iter().filter_map(value).collect()
        };
        let counted = |value: fn(&FittedFilter) -> Option<f64>| -> Vec<f64> {
            accepted.iter().copied().filter_map(value).collect()
        };
        let (nx, ny) = (counted(|filter| filter.nx), counted(|filter| filter.ny));
        let field =
            |values: &[f64], histogram: &crate::distribution::Histogram, key| FieldComparison {
                median: median(values),
                published_median: histogram.median(true),
                comparison: histogram.compare(values, seed, key),
            };
        let shares = all(|filter| filter.grey_share);
        let strictly_rejected = by_reason(filters, |filter| filter.strictly_rejected);
        let left_out: usize = strictly_rejected.iter().map(|rejected| rejected.filters).sum();
        Self {
            filters: filters.len(),
            accepted: accepted.len(),
            rejected: by_reason(filters, |filter| filter.rejected),
            strictly_accepted: filters.len() - left_out,
            strictly_rejected,
            colour_filters: shares.iter().filter(|&&share| share < 0.5).count(),
            grey_share_median: median(&shares),
            r2_median_all: median(&all(|filter| filter.r2)),
            r2_median: median(&counted(|filter| filter.r2)),
            cycles_per_pixel_median: median(&counted(|filter| {
                filter.gabor.map(|gabor| gabor.cycles_per_pixel)
            })),
            folded_phase_deg_median: median(&counted(|filter| filter.folded_phase_deg)),
            joint_overlap: joint_overlap(&nx, &ny, published),
            nx: field(&nx, &published.nx, 0),
            ny: field(&ny, &published.ny, 1),
        }
    }
}

/// Counts the reasons that filters have, without those that none has.
fn by_reason(
    filters: &[FittedFilter],
    reason: impl Fn(&FittedFilter) -> Option<Rejection>,
) -> Vec<Rejected> {
    let having = |of: Rejection| filters.iter().filter(|filter| reason(filter) == Some(of)).count();
    let counted = Rejection::ALL.map(|reason| Rejected { reason, filters: having(reason) });
    counted.into_iter().filter(|rejected| rejected.filters > 0).collect()
}

/// Returns the overlap of two joint histograms, nothing of nothing.
fn joint_overlap(nx: &[f64], ny: &[f64], published: &FieldShapes) -> Option<f64> {
    if nx.is_empty() {
        return None;
    }
    let total = published.nx.total() as f64;
    let places: Vec<(usize, usize)> =
        nx.iter().zip(ny).map(|(&nx, &ny)| (published.nx.bin(nx), published.ny.bin(ny))).collect();
    let overlap = |row: usize, column: usize, count: u32| {
        let model = places.iter().filter(|place| **place == (row, column)).count();
        (model as f64 / places.len() as f64).min(f64::from(count) / total)
    };
    let rows = published.counts.iter().enumerate();
    let cells = rows.flat_map(|(row, counts)| {
        counts.iter().enumerate().map(move |(column, &count)| (row, column, count))
    });
    Some(cells.map(|(row, column, count)| overlap(row, column, count)).sum())
}

#[cfg(test)]
mod tests;
