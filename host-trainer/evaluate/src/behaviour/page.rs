//! The page of the evaluation.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    Behaviour, DataSetScores,
    result::{HUMANS, digits},
};
use lcl_pages::{
    figure, legend, markup::escape, picture::diverging, plot::Plot, scale::Scale, section,
    series::Bucket,
};

/// Colours of models; more than these are dashed.
const COLOURS: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];

/// Chance among 16 classes.
const CHANCE: f64 = 1.0 / 16.0;

/// Returns the sections after the tables.
pub(super) fn sections(found: &Behaviour) -> String {
    let mut html = section(
        "Error consistency",
        "κ of each two decision makers, mean over data sets: 0 for independent errors, 1 for the \
         same ones. People with people is the mean over pairs of two.",
        &matrix(found),
    );
    let key = key(found);
    let accuracies: String = found
        .data_sets
        .iter()
        .filter(|(_, set)| set.conditions.len() > 1)
        .map(|(name, set)| accuracy(found, name, set))
        .collect();
    if !accuracies.is_empty() {
        let about = "Share of correct answers; the band is from the least to the most accurate \
                     person, the dashed line is chance. Conditions in brackets take no part in the \
                     scores.";
        html += &section("Accuracy by condition", about, &(key.clone() + &figures(&accuracies)));
    }
    if found.shape_bias_by_category.values().any(|biases| !biases.is_empty()) {
        let about = "Share of answers for the shape among those for shape or texture, by category \
                     of the shape.";
        html += &section("Shape bias", about, &(key + &figures(&shape_bias(found))));
    }
    html
}

fn figures(content: &str) -> String {
    format!("<div class=\"figures\">\n{content}</div>\n")
}

/// Returns the colour of a decision maker, and whether its line is dashed.
fn colour(found: &Behaviour, maker: &str) -> (&'static str, bool) {
    if maker == HUMANS {
        return ("human", false);
    }
    let models = found.consistency.names.iter().filter(|name| *name != HUMANS);
    let place = models.take_while(|name| *name != maker).count();
    (COLOURS[place % COLOURS.len()], place >= COLOURS.len())
}

fn key(found: &Behaviour) -> String {
    let names: Vec<String> = found.consistency.names.iter().map(|name| escape(name)).collect();
    let entries: Vec<(&str, &str, bool)> = found
        .consistency
        .names
        .iter()
        .zip(&names)
        .map(|(maker, name)| {
            let (class, dashed) = colour(found, maker);
            (class, name.as_str(), dashed)
        })
        .collect();
    legend(&entries)
}

fn accuracy(found: &Behaviour, name: &str, set: &DataSetScores) -> String {
    let label = |condition: &String| {
        if set.excluded_conditions.contains(condition) {
            format!("({condition})")
        } else {
            condition.clone()
        }
    };
    let names = set.conditions.iter().map(label).collect();
    let mut plot = Plot::over_names(names, Scale::linear(0.0, 1.0));
    plot.level(CHANCE, "");
    let places = || set.conditions.iter().enumerate();
    let band: Vec<Bucket> = places()
        .filter_map(|(place, condition)| {
            let [least, most] = *set.human_ranges.get(condition)?;
            Some(Bucket { x: place as f64, mean: least.midpoint(most), least, most })
        })
        .collect();
    plot.band("series human", &band);
    for (maker, accuracies) in &set.accuracy_by_condition {
        let (class, dashed) = colour(found, maker);
        let class = format!("series {class}{}", if dashed { " dashed" } else { "" });
        let points: Vec<Bucket> = places()
            .filter_map(|(place, condition)| {
                let mean = *accuracies.get(condition)?;
                Some(Bucket { x: place as f64, mean, least: mean, most: mean })
            })
            .collect();
        plot.line(&class, &points);
        for (place, condition) in places() {
            if let Some(accuracy) = accuracies.get(condition) {
                let title = format!("{maker}, {condition}: {accuracy:.3}");
                plot.dot(&class, (place as f64, *accuracy), &title);
            }
        }
    }
    let svg = plot.svg(&format!("Accuracy by condition of {name}"), "condition", "accuracy");
    figure(&escape(name), &svg, "")
}

fn shape_bias(found: &Behaviour) -> String {
    let categories: BTreeSet<&String> =
        found.shape_bias_by_category.values().flat_map(|biases| biases.keys()).collect();
    let names = categories.iter().map(|category| (*category).clone()).collect();
    let mut plot = Plot::over_names(names, Scale::linear(0.0, 1.0));
    plot.level(0.5, "");
    for (maker, biases) in &found.shape_bias_by_category {
        let (class, _) = colour(found, maker);
        for (place, category) in categories.iter().enumerate() {
            if let Some(bias) = biases.get(*category) {
                let title = format!("{maker}, {category}: {bias:.3}");
                plot.dot(&format!("series {class}"), (place as f64, *bias), &title);
            }
        }
    }
    let svg = plot.svg("Shape bias by category", "category of the shape", "shape bias");
    figure("cue-conflict", &svg, "")
}

fn matrix(found: &Behaviour) -> String {
    let consistency = &found.consistency;
    let mut html = String::from("<div class=\"wide\"><table class=\"heat\">\n<tr><th></th>");
    // Writing to a string cannot fail.
    for name in &consistency.names {
        let _ = write!(html, "<th>{}</th>", escape(name));
    }
    html += "</tr>\n";
    for (name, row) in consistency.names.iter().zip(&consistency.error_consistency) {
        let _ = write!(html, "<tr><td>{}</td>", escape(name));
        for value in row {
            #[expect(clippy::cast_possible_truncation, reason = "a colour")]
            let [r, g, b] = diverging(value.unwrap_or(0.0) as f32);
            let _ =
                write!(html, "<td style=\"background:rgb({r} {g} {b})\">{}</td>", digits(*value));
        }
        html += "</tr>\n";
    }
    html + "</table></div>\n"
}
