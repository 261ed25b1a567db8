//! What is reported of the explained variance.

use serde::Serialize;

use super::{
    responses::Exclusions,
    score::{AreaScore, Ceiling, Estimate},
};
use crate::{Findings, Table};
use lcl_pages::{
    figure, legend, markup::number, plot::Plot, scale::Scale, section, series::Bucket,
};

/// How well a model predicts recorded responses.
///
/// As JSON `v1` and `v2` are the areas of the model, not those that were
/// recorded; an area that was not asked for is left out. Lists by neuron are in
/// the order of `neurons`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neural {
    /// The model.
    pub model: String,
    /// Stimuli.
    pub stimuli: usize,
    /// Images that belong to no stimulus.
    pub unused_images: usize,
    /// Whether stimuli and images were matched by their order alone.
    pub in_order: bool,
    /// Whether the parts of a split hold equal shares of textures and noise.
    pub stratified: bool,
    /// Most trials of a stimulus.
    pub repetitions: usize,
    /// Neurons in the recording.
    pub recorded: usize,
    /// Those that are used, by their index.
    pub neurons: Vec<usize>,
    /// Those that are not, by their index.
    pub excluded: Exclusions,
    /// Components of the regression.
    pub components: usize,
    /// Random splits of the stimuli.
    pub splits: usize,
    /// Their seed.
    pub seed: u32,
    /// How well neurons predict themselves.
    pub ceiling: Ceiling,
    /// V1 of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v1: Option<AreaScore>,
    /// V2 of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v2: Option<AreaScore>,
}

impl Neural {
    fn areas(&self) -> impl Iterator<Item = (&'static str, &'static str, &AreaScore)> {
        let areas = [("V1", "v1", self.v1.as_ref()), ("V2", "v2", self.v2.as_ref())];
        areas.into_iter().filter_map(|(name, class, score)| Some((name, class, score?)))
    }
}

impl Findings for Neural {
    fn title(&self) -> String {
        format!("Neural explained variance of {}", self.model)
    }

    fn tables(&self) -> Vec<Table> {
        let mut medians = Table::new(
            "Medians over neurons, on held-out stimuli",
            &[
                "area of the model",
                "r",
                "ceiling c",
                "(r/c)²",
                "r²/c",
                "median r²/c²",
                "median r²/c",
            ],
        );
        for (name, _, score) in self.areas() {
            medians.row([
                name.to_owned(),
                with_error(score.r),
                with_error(self.ceiling.median),
                with_error(score.r_over_c_squared),
                with_error(score.r_squared_over_c),
                three(score.median_r_squared_over_c_squared),
                three(score.median_r_squared_over_c),
            ]);
        }
        let mut tables = vec![medians];
        let mut quartiles = Table::new(
            "Median r²/c² of a quarter of the neurons",
            &["area of the model", "neurons each", "V1-like", "V2-like"],
        );
        for (name, _, score) in self.areas() {
            let Some(found) = score.quartiles else { continue };
            let (best, worst) = (three(found.v1_like), three(found.v2_like));
            quartiles.row([name.to_owned(), found.neurons.to_string(), best, worst]);
        }
        if !quartiles.rows.is_empty() {
            tables.push(quartiles);
        }
        tables
    }

    fn notes(&self) -> Vec<String> {
        let Exclusions { too_few_trials, silent, constant, unequal_trials } = &self.excluded;
        let mut notes = vec![format!(
            "{} of {} neurons and {} stimuli, up to {} trials each; left out: {} neurons with fewer \
             than two trials of some stimulus, {} that never fire, {} that respond to all stimuli \
             alike.",
            self.neurons.len(),
            self.recorded,
            self.stimuli,
            self.repetitions,
            too_few_trials.len(),
            silent.len(),
            constant.len(),
        )];
        let kinds = if self.stratified {
            "with equal shares of textures and noise"
        } else {
            "whatever the kind of the stimuli"
        };
        notes.push(format!(
            "{} components; {} random splits, 90 % for fitting, {kinds}: those that scikit-learn \
             draws with seed {}. Errors are standard deviations over splits over the root of their \
             number; splits share stimuli, so that a new recording would differ by more.",
            self.components, self.splits, self.seed,
        ));
        notes.push(
            "c is the reliability of the mean over all trials, from random halves (Spearman-Brown). \
             A perfect model would reach r = √c, so that (r/c)² can exceed 1 and is biased upwards; \
             r²/c is not. A negative r counts as 0 in both."
                .to_owned(),
        );
        if self.ceiling.median.value.is_nan() || self.ceiling.median.value <= 0.0 {
            notes.push(format!(
                "The ceiling c is {}, not above 0: the halves of the trials do not agree, as in \
                 noise, so that (r/c)² and r²/c are undefined. Give more trials.",
                three(self.ceiling.median.value),
            ));
        }
        let mut note = |count: usize, text: &str| {
            if count > 0 {
                notes.push(format!("{count} {text}"));
            }
        };
        note(
            unequal_trials.len(),
            "neurons have more trials of some stimuli than of others: their means are over what is \
             there, halves are equal for each stimulus.",
        );
        note(
            self.ceiling.not_positive,
            "neurons have no positive ceiling; they are left out of the medians of r²/c² and r²/c \
             over neurons, and count in the others.",
        );
        note(self.unused_images, "images belong to no stimulus and were not used.");
        if self.in_order {
            notes.push(
                "No names say which image belongs to which response: images were taken in sorted \
                 order of their paths."
                    .to_owned(),
            );
        }
        if self.areas().any(|(_, _, score)| score.quartiles.is_some()) {
            notes.push(
                "V1-like and V2-like are the quarters of the neurons that V1 of v1-steerpyr predicts \
                 best and worst on the same splits; the choice shares the noise of these responses, \
                 so that for v1-steerpyr itself the difference is exaggerated."
                    .to_owned(),
            );
        }
        for (name, _, score) in self.areas() {
            let mut note = |count: usize, text: &str| {
                if count > 0 {
                    notes.push(format!("{name}: {count} {text}"));
                }
            };
            note(
                score.undefined_correlations,
                "correlations of a neuron in a split are undefined, as its responses to all test \
                 stimuli are equal; they are left out.",
            );
            note(
                score.unconverged_components,
                "components took all iterations of the power method.",
            );
            note(
                self.components - score.fewest_components,
                "components fewer than asked for were found in some split, as nothing was left to \
                 explain.",
            );
        }
        notes
    }

    fn page(&self) -> String {
        let mut figures = String::new();
        for (name, class, score) in self.areas() {
            let least = score.r_by_neuron.iter().fold(0.0, |least: f64, r| least.min(*r));
            let mut plot = Plot::new(Scale::linear(0.0, 1.0), Scale::linear(least, 1.0));
            let end = |at: f64, y: f64| Bucket { x: at, mean: y, least: y, most: y };
            let perfect: Vec<Bucket> =
                (0..=50_u8).map(|at| f64::from(at) / 50.0).map(|c| end(c, c.sqrt())).collect();
            plot.line("other dashed", &perfect);
            plot.line("other", &[end(0.0, 0.0), end(1.0, 1.0)]);
            let pairs = self.ceiling.by_neuron.iter().zip(&score.r_by_neuron).zip(&self.neurons);
            for ((&c, &r), neuron) in pairs.filter(|((c, r), _)| !c.is_nan() && !r.is_nan()) {
                let title = format!("neuron {neuron}: c {}, r {}", number(c), number(r));
                plot.dot(class, (c, r), &title);
            }
            let svg = plot.svg(
                &format!("r of {name} against the ceiling of each neuron"),
                "ceiling c",
                "r on held-out stimuli",
            );
            figures += &figure(&format!("{name} of the model"), &svg, "");
        }
        let legend = legend(&[("other", "r = c; dashed r = √c, a perfect model", false)]);
        let content = format!("{legend}<div class=\"figures\">\n{figures}</div>\n");
        section("Neuron by neuron", "Each dot is a neuron.", &content)
    }
}

fn three(value: f64) -> String {
    if value.is_nan() { "–".to_owned() } else { format!("{value:.3}") }
}

fn with_error(Estimate { value, error }: Estimate) -> String {
    format!("{} ± {}", three(value), three(error))
}
