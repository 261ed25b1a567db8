//! The page of the evaluation: scores against the oracle, positions, the fit.

use super::{PopulationFindings, SessionFindings};
use lcl_pages::{figure, markup::escape, none, plot::Plot, scale::Scale, section};

/// Returns the sections after the tables.
pub(super) fn sections(found: &PopulationFindings) -> String {
    let each = |draw: fn(&SessionFindings) -> String| {
        figures(&found.sessions.iter().map(draw).collect::<String>())
    };
    let about = "Each dot is a neuron; on the dashed line a prediction is as good as the mean of \
                 the other trials.";
    let mut html = section("Scores against the oracle", about, &each(oracle));
    let about = "Learned against true position along both axes, in pixels of the image.";
    html += &section("Positions", about, &each(positions));
    html += &section("The fit", "", &figures(&curve(found)));
    html
}

fn figures(content: &str) -> String {
    format!("<div class=\"figures\">\n{content}</div>\n")
}

fn oracle(one: &SessionFindings) -> String {
    let pairs: Vec<(f64, f64)> = one
        .by_neuron
        .iter()
        .filter_map(|neuron| neuron.oracle_jackknife.zip(neuron.correlation))
        .collect();
    if pairs.is_empty() {
        return figure(&escape(&one.session), &none("no test image was shown twice"), "");
    }
    let scale = Scale::linear_around(pairs.iter().flat_map(|(x, y)| [*x, *y]).chain([0.0]));
    let mut plot = Plot::new(scale, scale);
    plot.diagonal();
    for (oracle, correlation) in &pairs {
        let title = format!("oracle {oracle:.3}, correlation {correlation:.3}");
        plot.dot("v1 bare", (*oracle, *correlation), &title);
    }
    let svg = plot.svg("Correlation of each neuron against its oracle", "oracle", "correlation");
    figure(&escape(&one.session), &svg, "")
}

fn positions(one: &SessionFindings) -> String {
    let draw = |axis: usize, name: &str| {
        let pairs: Vec<(f64, f64)> = one
            .by_neuron
            .iter()
            .filter_map(|neuron| Some((neuron.truth?[axis], neuron.learned?[axis])))
            .collect();
        if pairs.is_empty() {
            return String::new();
        }
        let scale = Scale::linear_around(pairs.iter().flat_map(|(x, y)| [*x, *y]));
        let mut plot = Plot::new(scale, scale);
        plot.diagonal();
        for (truth, learned) in &pairs {
            plot.dot("v2 bare", (*truth, *learned), &format!("{learned:.1} for {truth:.1}"));
        }
        let svg = plot.svg(&format!("Learned against true {name}"), "true", "learned");
        figure(&format!("{}, {name}", escape(&one.session)), &svg, "")
    };
    match draw(0, "x") + &draw(1, "y") {
        drawn if drawn.is_empty() => {
            figure(&escape(&one.session), &none("the true positions are not known"), "")
        }
        drawn => drawn,
    }
}

fn curve(found: &PopulationFindings) -> String {
    if found.epochs.is_empty() {
        return none("no epoch was recorded");
    }
    let last = found.epochs.iter().map(|epoch| epoch.epoch).max().unwrap_or(1);
    let y = Scale::linear_around(found.epochs.iter().map(|epoch| epoch.correlation));
    let mut plot = Plot::new(Scale::linear(0.0, f64::from(last) + 1.0), y);
    for epoch in &found.epochs {
        let title = format!(
            "epoch {}: {:.4}, loss {:.4}, rate {:.1e}",
            epoch.epoch, epoch.correlation, epoch.loss, epoch.rate
        );
        plot.dot("v1", (f64::from(epoch.epoch), epoch.correlation), &title);
    }
    let svg = plot.svg("Validation correlation after each epoch", "epoch", "correlation");
    figure("Validation correlation", &svg, "")
}
