//! The page of the evaluation.

use std::collections::BTreeMap;

use super::{AreaModulation, Comparison, TextureModulation, result::signed};
use lcl_pages::{
    figure, legend,
    markup::{count, escape},
    plot::Plot,
    scale::Scale,
    section,
};

/// Columns of a distribution.
const COLUMNS: usize = 24;

/// Returns the sections after the tables.
pub(super) fn sections(found: &TextureModulation) -> String {
    let areas = found.areas();
    let distributions: String =
        areas.iter().map(|(name, class, area)| distribution(name, class, area)).collect();
    let about = "How many units have which index, (texture − noise) / (texture + noise), averaged \
                 over families; the dashed line is their mean.";
    let mut html = section("Families", "", &figures(&families(found)));
    html += &section("Units", about, &figures(&distributions));
    let comparisons: String = areas
        .iter()
        .filter_map(|(name, class, area)| area.against.as_ref().map(|of| (name, class, of)))
        .map(|(name, class, other)| quantiles(name, class, other))
        .collect();
    if !comparisons.is_empty() {
        let about = "The same quantiles of two distributions over units; dots on the dashed line \
                     mean that these are the same.";
        html += &section("Quantile by quantile", about, &figures(&comparisons));
    }
    html
}

/// Returns the families, the most modulated first.
pub(super) fn by_modulation(by_family: &BTreeMap<String, f64>) -> Vec<&str> {
    let mut families: Vec<(&str, f64)> =
        by_family.iter().map(|(family, index)| (family.as_str(), *index)).collect();
    families.sort_by(|a, b| b.1.total_cmp(&a.1));
    families.into_iter().map(|(family, _)| family).collect()
}

fn figures(content: &str) -> String {
    format!("<div class=\"figures\">\n{content}</div>\n")
}

fn families(found: &TextureModulation) -> String {
    let order = by_modulation(&found.v2.r_mod_by_family);
    let others = found.areas().map(|(_, _, area)| area.r_mod_by_family.values().copied());
    let scale = Scale::linear_around(others.into_iter().flatten().chain([0.0]));
    let names = order.iter().map(|family| (*family).to_owned()).collect();
    let mut plot = Plot::over_names(names, scale);
    plot.level(0.0, "");
    for (name, class, area) in found.areas() {
        for (place, family) in order.iter().enumerate() {
            if let Some(&index) = area.r_mod_by_family.get(*family) {
                let title = format!("{family}, {name}: {}", signed(index));
                plot.dot(class, (place as f64, index), &title);
            }
        }
    }
    let svg = plot.svg("Mean modulation of V1 and V2 by texture family", "family", "mean R");
    let key = legend(&[("v1", "V1", false), ("v2", "V2", false)]);
    figure("Mean index of each family", &(key + &svg), "")
}

fn distribution(name: &str, class: &str, area: &AreaModulation) -> String {
    let values = &area.responding();
    let most = values.iter().fold(0.05_f64, |most, value| most.max(value.abs()));
    let width = 2.0 * most / COLUMNS as f64;
    let mut counts = [0_u32; COLUMNS];
    for value in values {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let column = ((value + most) / width).clamp(0.0, (COLUMNS - 1) as f64) as usize;
        counts[column] += 1;
    }
    let highest = counts.iter().copied().max().unwrap_or(1);
    let mut plot =
        Plot::new(Scale::linear(-most, most), Scale::linear(0.0, 1.1 * f64::from(highest)));
    for (column, count) in counts.into_iter().enumerate() {
        let from = -most + column as f64 * width;
        plot.column(class, (from, from + width), f64::from(count));
    }
    plot.moment(area.r_mod_mean, &signed(area.r_mod_mean));
    let svg = plot.svg(&format!("Distribution of R over units of {name}"), "R", "units");
    figure(&format!("{name}, {} units", count(values.len() as u64)), &svg, "")
}

fn quantiles(name: &str, class: &str, other: &Comparison) -> String {
    let scale = Scale::linear_around(other.quantiles.iter().flatten().copied());
    let mut plot = Plot::new(scale, scale);
    plot.diagonal();
    for (percent, [ours, theirs]) in other.quantiles.iter().enumerate() {
        let title = format!("{percent} %: {} here, {} there", signed(*ours), signed(*theirs));
        plot.dot(&format!("{class} bare"), (*theirs, *ours), &title);
    }
    let svg = plot.svg(&format!("Quantiles of R over units of {name}"), &other.name, "this model");
    figure(&format!("{name} against {}", escape(&other.name)), &svg, "")
}
