//! What is reported of a linear probe.

use serde::Serialize;

use super::{
    Accuracy,
    classifier::{ALPHA, TOLERANCE},
    labelled::Labelled,
};
use crate::{Findings, Table};
use lcl_pages::{figure, markup::escape, plot::Plot, scale::Scale, section, series::Bucket};

/// What linear classifiers make of the features of several models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probe {
    /// Side of the images in pixels.
    pub size: u32,
    /// The classes, sorted.
    pub classes: Vec<String>,
    /// Training images that were used.
    pub train: usize,
    /// Test images that were used.
    pub test: usize,
    /// Training and test images that could not be used.
    pub skipped: [usize; 2],
    /// Classes without test images.
    pub untested: Vec<String>,
    /// Folders of classes that hold no image, `train/NAME` or `test/NAME`.
    pub without_images: Vec<String>,
    /// Share of the largest class among the test images.
    pub largest_class: f64,
    /// The models, in the order given.
    pub models: Vec<ModelProbe>,
}

/// The accuracies of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelProbe {
    /// The model.
    pub model: String,
    /// By its V1.
    pub v1: AreaProbe,
    /// By its V2.
    pub v2: AreaProbe,
}

/// The accuracies by one area.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AreaProbe {
    /// Of features averaged over the whole map.
    pub global: Accuracy,
    /// Of features averaged over its quarters.
    pub quarters: Accuracy,
}

impl Probe {
    /// Creates a report without models.
    pub(super) fn new(labelled: &Labelled, size: u32) -> Self {
        Self {
            size,
            classes: labelled.classes().to_vec(),
            train: 0,
            test: 0,
            skipped: [0; 2],
            untested: labelled.untested().to_vec(),
            without_images: labelled.without_images().to_vec(),
            largest_class: 0.0,
            models: Vec::new(),
        }
    }

    /// Notes which images were used, the same for all models.
    pub(super) fn used(&mut self, train: &[usize], test: &[usize], skipped: [usize; 2]) {
        (self.train, self.test, self.skipped) = (train.len(), test.len(), skipped);
        let count = |class| test.iter().filter(|&&other| other == class).count();
        let largest = (0..self.classes.len()).map(count).max().unwrap_or(0);
        self.largest_class = largest as f64 / test.len().max(1) as f64;
    }
}

impl Findings for Probe {
    fn title(&self) -> String {
        "Linear probe".to_owned()
    }

    fn tables(&self) -> Vec<Table> {
        let heads =
            ["model", "area", "pooled", "features", "accuracy", "95 %", "correct", "as the first"];
        let mut table = Table::new("Accuracy on the test images", &heads);
        let rows = self.models.iter().flat_map(|model| model.rows().map(|row| (model, row)));
        for (model, (area, pooling, accuracy)) in rows {
            let [low, high] = accuracy.interval;
            table.row([
                model.model.clone(),
                area.to_owned(),
                pooling.to_owned(),
                accuracy.features.to_string(),
                format!("{:.3}", accuracy.accuracy),
                format!("{low:.3}–{high:.3}"),
                format!("{} of {}", accuracy.correct, accuracy.images),
                format!("{:.3}", accuracy.same_as_first),
            ]);
        }
        vec![table]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            format!(
                "{} classes, {} training and {} test images of {3}x{3} pixels; always answering the \
                 largest class would be right in {4:.3} of the test images.",
                self.classes.len(),
                self.train,
                self.test,
                self.size,
                self.largest_class,
            ),
            format!(
                "Multinomial logistic regression on features standardised over the training images, \
                 penalty {ALPHA}/2 of the squared coefficients; nothing was tuned."
            ),
            "Intervals are Wilson's, over test images alone. Models share their test images, so that \
             two whose intervals overlap may still differ."
                .to_owned(),
        ];
        for (skipped, part) in self.skipped.into_iter().zip(["training", "test"]) {
            if skipped > 0 {
                notes.push(format!(
                    "{skipped} of the {part} images cannot be decoded and were left out."
                ));
            }
        }
        for model in &self.models {
            for (area, pooling, accuracy) in model.rows() {
                if accuracy.gradient.is_nan() || accuracy.gradient > TOLERANCE {
                    notes.push(format!(
                        "{}, {area}, {pooling}: the fit ended before its optimum, at a gradient of \
                         {:.1e} an image where {TOLERANCE:.0e} is asked for; its accuracy may change \
                         with more steps.",
                        model.model, accuracy.gradient,
                    ));
                }
            }
        }
        if !self.untested.is_empty() {
            let classes = self.untested.join(", ");
            notes.push(format!("Classes without test images: {classes}."));
        }
        if !self.without_images.is_empty() {
            let folders = self.without_images.join(", ");
            notes.push(format!("Folders without any image, which are no classes: {folders}."));
        }
        notes
    }

    fn page(&self) -> String {
        let figures: String = self.models.iter().map(|model| self.figure_of(model)).collect();
        let content = format!("<div class=\"figures\">\n{figures}</div>\n");
        section("Accuracy", "Lines are 95 % intervals.", &content)
    }
}

impl Probe {
    fn figure_of(&self, model: &ModelProbe) -> String {
        let rows = model.rows();
        let y = Scale::linear(0.0, rows.len() as f64);
        let mut plot = Plot::new(Scale::linear(0.0, 1.0), y).without_y_ticks();
        plot.moment(self.largest_class, "largest class");
        for (at, (area, pooling, accuracy)) in rows.iter().enumerate() {
            let y = (rows.len() - at) as f64 - 0.7;
            let class = if *area == "V1" { "v1" } else { "v2" };
            let end = |x: f64| Bucket { x, mean: y, least: y, most: y };
            let [low, high] = accuracy.interval;
            plot.level(y, &format!("{area}, {pooling}"));
            plot.line(class, &[end(low), end(high)]);
            plot.dot(class, (accuracy.accuracy, y), &format!("{:.3}", accuracy.accuracy));
        }
        let svg = plot.svg("accuracy of each area with its interval", "accuracy", "");
        figure(&escape(&model.model), &svg, "")
    }
}

impl ModelProbe {
    fn rows(&self) -> [(&'static str, &'static str, Accuracy); 4] {
        [
            ("V1", "global", self.v1.global),
            ("V1", "quarters", self.v1.quarters),
            ("V2", "global", self.v2.global),
            ("V2", "quarters", self.v2.quarters),
        ]
    }
}
