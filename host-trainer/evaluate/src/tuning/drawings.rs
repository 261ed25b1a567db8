//! The tables and drawings of the tuning.

use super::found::{Middle, PROPERTIES, Property, PropertySummary, Tuning};
use crate::{
    Findings, Table,
    distribution::{Comparison, Histogram},
};
use lcl_pages::{
    figure, legend,
    markup::{escape, number},
    plot::Plot,
    scale::Scale,
    section,
    series::Bucket,
};

/// Orientation curves that are drawn.
const CURVES: usize = 32;

impl Findings for Tuning {
    fn title(&self) -> String {
        format!("Tuning of {} of {}", self.area.to_uppercase(), self.model)
    }

    fn tables(&self) -> Vec<Table> {
        let summary = &self.summary;
        let mut units = Table::new("Units", &["", "units"]);
        for (name, count) in [
            ("all", summary.units),
            ("responsive", summary.responsive),
            ("left out: silent", summary.silent),
            ("left out: weak", summary.weak),
        ] {
            units.row([name.to_owned(), count.to_string()]);
        }
        let heads = ["", "units", "model", "macaque", "similarity", "± sd", "ceiling"];
        let title = format!("Properties of {} against macaque V1", self.area.to_uppercase());
        let mut table = Table::new(&title, &heads);
        for (property, found) in self.found() {
            let of = |value: fn(&Comparison) -> f64| shown(found.comparison.as_ref().map(value));
            table.row([
                property.text.to_owned(),
                found.units.to_string(),
                shown(found.value),
                shown(found.published),
                of(|found| found.similarity),
                of(|found| found.similarity_sd),
                of(|found| found.ceiling),
            ]);
        }
        vec![units, table]
    }

    fn notes(&self) -> Vec<String> {
        let summary = &self.summary;
        let mut notes = vec![
            format!(
                "Left out: {} of {} units: {} that respond to no grating more than to a blank, {} \
                 whose largest response is at most 2.06 % of that of the most responsive unit.",
                summary.units - summary.responsive,
                summary.units,
                summary.silent,
                summary.weak,
            ),
            format!(
                "{} gratings of contrast {}, {} pixels per degree, {} phases each; a unit is a \
                 channel in the centre of the map, which sees {} pixels, {} degrees. Response: the \
                 larger of the mean over a period less the blank and F1.",
                self.gratings,
                number(self.contrast),
                number(self.pixels_per_degree),
                8,
                self.field,
                number(self.field as f64 / self.pixels_per_degree),
            ),
        ];
        if self.frequencies_left_out > 0 {
            notes.push(format!(
                "Left out: {} of 22 spatial frequencies, half a cycle per pixel or more.",
                self.frequencies_left_out,
            ));
        }
        let absent: Vec<String> = (self.found())
            .filter(|(_, found)| found.units < summary.responsive)
            .map(|(property, found)| {
                format!("{} for {}", property.text, summary.responsive - found.units)
            })
            .collect();
        if !absent.is_empty() {
            notes.push(format!(
                "Not defined, of {} responsive units: {}. A width needs a curve that falls to its \
                 level on both sides, fields and surrounds a suppression index above 0.1.",
                summary.responsive,
                absent.join("; "),
            ));
        }
        let outside: Vec<String> = (self.found())
            .filter_map(|(property, found)| {
                let outside = found.comparison?.units_outside_bins;
                (outside > 0).then(|| format!("{outside} by {}", property.text))
            })
            .collect();
        if !outside.is_empty() {
            notes.push(format!(
                "Outside of the published bins, counted in the nearest: {}.",
                outside.join("; "),
            ));
        }
        notes.push(
            "Nothing in the network divides or subtracts what lies around a unit's field, so a \
             surround cannot suppress it: a response can fall with size only as far as the window's \
             edge crosses the field itself."
                .to_owned(),
        );
        notes.push(
            "Macaque: medians of 304 neurons (Ringach, Shapley and Hawken 2002) for circular \
             variance, half width and F1/F0, of which no histogram was published; the others from \
             the histograms named in docs/evaluations.md, medians from their bins. Similarity: 1 - \
             max|P - Q| over its largest value, mean of 1,000 bootstrap draws of as many units as \
             neurons, which puts even equal distributions below 1: the ceiling is that of the \
             neurons with themselves."
                .to_owned(),
        );
        notes
    }

    fn page(&self) -> String {
        let key = legend(&[("v1", "model", false), ("other", "macaque", false)]);
        let figures: String = PROPERTIES
            .iter()
            .filter(|property| property.middle != Middle::Share)
            .map(|property| self.property_figure(property, &key))
            .collect();
        let about = "Shares of the units that have a property, in the published bins; where only \
                     a median was published, a dashed line shows it.";
        let figures = format!("<div class=\"figures\">\n{figures}</div>\n");
        section(
            "Orientation",
            "",
            &format!("<div class=\"figures\">\n{}</div>\n", self.curve_figure()),
        ) + &section("Distributions", about, &figures)
    }
}

impl Tuning {
    fn found(&self) -> impl Iterator<Item = (&'static Property, &PropertySummary)> {
        PROPERTIES
            .iter()
            .filter_map(|property| Some((property, self.summary.properties.get(property.name)?)))
    }

    fn property_figure(&self, property: &Property, key: &str) -> String {
        let values = property.values(&self.units);
        let name = escape(property.text);
        if values.is_empty() {
            return figure(&name, "<p class=\"none\">no unit has it</p>\n", "");
        }
        let found = self.summary.properties.get(property.name);
        let histogram = property.histogram(&self.published);
        let own = equal_bins(&values, property.name);
        let Some(bins) = histogram.or(own.as_ref()) else {
            return String::new();
        };
        let logarithmic = bins.edges()[0] > 0.0;
        let ends = [bins.edges()[0], bins.edges()[bins.counts().len()]];
        let axis = if logarithmic { Scale::logarithmic } else { Scale::linear };
        let mut counts = vec![0; bins.counts().len()];
        for &value in &values {
            counts[bins.bin(value)] += 1;
        }
        let shares = |counts: &[u32]| -> Vec<f64> {
            let total: f64 = counts.iter().copied().map(f64::from).sum();
            counts.iter().map(|&count| f64::from(count) / total).collect()
        };
        let model = shares(&counts);
        let neurons = histogram.map(|histogram| shares(histogram.counts()));
        let most = model.iter().chain(neurons.iter().flatten()).fold(0.0, |m: f64, v| m.max(*v));
        let mut plot = Plot::new(axis(ends[0], ends[1]), Scale::linear(0.0, 1.1 * most));
        for (bin, edges) in bins.edges().windows(2).enumerate() {
            let at = |part: f64| {
                if logarithmic {
                    edges[0] * (edges[1] / edges[0]).powf(part)
                } else {
                    edges[0] + (edges[1] - edges[0]) * part
                }
            };
            if let Some(neurons) = &neurons {
                plot.column("v1", (at(0.08), at(0.5)), model[bin]);
                plot.column("other", (at(0.5), at(0.92)), neurons[bin]);
            } else {
                plot.column("v1", (at(0.04), at(0.96)), model[bin]);
            }
        }
        if let (None, Some(median)) = (&neurons, found.and_then(|found| found.published)) {
            plot.moment(median, "macaque median");
        }
        let svg = plot.svg(&format!("Distribution of {}", property.text), property.text, "share");
        let caption = found.and_then(|found| found.comparison).map_or_else(String::new, |found| {
            format!(
                "Similarity {} ± {}, ceiling {}; {} units, {} neurons.",
                number(found.similarity),
                number(found.similarity_sd),
                number(found.ceiling),
                found.units,
                found.neurons,
            )
        });
        let key = if neurons.is_some() { key } else { "" };
        figure(&name, &(key.to_owned() + &svg), &caption)
    }

    fn curve_figure(&self) -> String {
        let mut plot = Plot::new(Scale::linear(-90.0, 90.0), Scale::linear(0.0, 1.05));
        let places = self.curves.first().map_or(1, Vec::len);
        let x = |at: usize| -90.0 + 180.0 * at as f64 / places as f64;
        let mut line = |class: &str, values: &[f64]| {
            // The last place is the first, half a turn on.
            let round = values.iter().chain(values.first());
            let points: Vec<Bucket> = (round.enumerate())
                .map(|(at, &y)| Bucket { x: x(at), mean: y, least: y, most: y })
                .collect();
            plot.line(class, &points);
        };
        for curve in self.curves.iter().take(CURVES) {
            line("other faint", curve);
        }
        let units = self.curves.len().max(1) as f64;
        let mean: Vec<f64> = (0..places)
            .map(|at| self.curves.iter().map(|curve| curve[at]).sum::<f64>() / units)
            .collect();
        if !self.curves.is_empty() {
            line("v1", &mean);
        }
        let key = legend(&[("v1", "mean of all units", false), ("other", "single units", true)]);
        let name = "degrees from the preferred orientation";
        let svg = plot.svg("Responses over orientation", name, "response");
        let caption = format!(
            "At the best size and frequency of each unit, its largest response 1; the first {} \
             units.",
            self.curves.len().min(CURVES),
        );
        figure("Orientation tuning", &(key + &svg), &caption)
    }
}

/// Returns equal bins for a property of which no histogram was published.
fn equal_bins(values: &[f64], name: &str) -> Option<Histogram> {
    let most = match name {
        "modulation_ratio" => 2.0,
        "full_width_deg" => 180.0,
        "half_width_deg" => 90.0,
        _ => 1.0,
    };
    let edges: Vec<f64> = (0..=10).map(|edge| most * f64::from(edge) / 10.0).collect();
    // Only the edges are used.
    let count = u32::try_from(values.len()).ok()?;
    Histogram::new(edges, [count; 10].to_vec()).ok()
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}
