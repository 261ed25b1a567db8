//! What the evaluation finds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::page;
use crate::{Findings, Table};

/// What the pool of people is called.
pub(super) const HUMANS: &str = "humans";

/// Behaviour of people and models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Behaviour {
    /// Means over data sets by decision maker; `humans` is the pool of people.
    pub subjects: BTreeMap<String, Scores>,
    /// The data sets one by one.
    pub data_sets: BTreeMap<String, DataSetScores>,
    /// Error consistency of each two decision makers.
    pub consistency: Consistency,
    /// Shape bias by decision maker and category of the shape.
    pub shape_bias_by_category: BTreeMap<String, BTreeMap<String, f64>>,
    /// Trials on images whose shape and texture agree, left out of the shape bias.
    pub trials_without_conflict: usize,
    /// Trials on images whose name says no texture, left out of the shape bias.
    pub trials_without_texture: usize,
    /// Answers by decision maker that are no category, and count as wrong.
    pub unknown_answers: BTreeMap<String, usize>,
    /// Decision makers that give answers of which none is a category.
    pub without_category: Vec<String>,
    /// Decision makers that count as models, though their names look like those
    /// of people.
    pub taken_for_models: Vec<String>,
    /// What had no partner.
    pub unmatched: Unmatched,
}

/// The scores of a decision maker; nothing where the data do not say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Data sets with decisions that count.
    pub data_sets: usize,
    /// Share of correct answers.
    pub accuracy: Option<f64>,
    /// Share of trials on which both a person and the decision maker are right
    /// or both are wrong.
    pub observed_consistency: Option<f64>,
    /// Error consistency with people, κ.
    pub error_consistency: Option<f64>,
    /// Mean squared difference of accuracies from people's.
    pub accuracy_difference: Option<f64>,
    /// Share of answers for shape among those for shape or texture.
    pub shape_bias: Option<f64>,
}

/// Scores in one data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataSetScores {
    /// Number of people.
    pub humans: usize,
    /// Conditions, in order; one empty one where there are none.
    pub conditions: Vec<String>,
    /// Conditions that take no part in the scores.
    pub excluded_conditions: Vec<String>,
    /// Trials in those conditions.
    pub excluded_trials: usize,
    /// Scores by decision maker.
    pub subjects: BTreeMap<String, Scores>,
    /// Accuracy by decision maker and condition, excluded ones too.
    pub accuracy_by_condition: BTreeMap<String, BTreeMap<String, f64>>,
    /// Accuracies of the least and the most accurate person by condition.
    pub human_ranges: BTreeMap<String, [f64; 2]>,
}

/// Error consistency of each two decision makers, mean over data sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Consistency {
    /// The decision makers; people first, as a pool.
    pub names: Vec<String>,
    /// κ by row and column; of people with people over pairs of two; nothing for
    /// a model with itself.
    pub error_consistency: Vec<Vec<Option<f64>>>,
}

/// What has no partner in comparisons of two decision makers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// Trials on images that the other did not see in that condition, summed
    /// over comparisons.
    pub trials: usize,
    /// Conditions without a common image, summed over comparisons.
    pub conditions: usize,
}

impl Findings for Behaviour {
    fn title(&self) -> String {
        "Decisions out of distribution".to_owned()
    }

    fn tables(&self) -> Vec<Table> {
        vec![
            self.overall(),
            self.by_data_set("Accuracy by data set", |scores| scores.accuracy),
            self.by_data_set("Error consistency with people by data set", |scores| {
                scores.error_consistency
            }),
        ]
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let excluded: usize = self.data_sets.values().map(|set| set.excluded_trials).sum();
        if excluded > 0 {
            let sets = self.data_sets.iter().filter(|(_, set)| set.excluded_trials > 0);
            let names: Vec<String> = sets
                .map(|(name, set)| format!("{name} {}", set.excluded_conditions.join(" ")))
                .collect();
            notes.push(format!(
                "Left out as the toolbox does: {excluded} decisions in conditions that are not out \
                 of distribution or too hard for people ({}).",
                names.join(", ")
            ));
        }
        if self.unmatched != Unmatched::default() {
            notes.push(format!(
                "Trial sets are unequal: {} trials and {} conditions in comparisons of two decision \
                 makers had no partner and were left out of consistencies.",
                self.unmatched.trials, self.unmatched.conditions
            ));
        }
        if !self.unknown_answers.is_empty() {
            let counts = self.unknown_answers.iter().map(|(name, count)| format!("{name} {count}"));
            notes.push(format!(
                "Answers that are no category, and count as wrong: {}.",
                counts.collect::<Vec<_>>().join(", ")
            ));
        }
        if !self.without_category.is_empty() {
            notes.push(format!(
                "Warning: no answer of {} is a category, so its accuracy says nothing: write \
                 answers as the column category does, in small letters.",
                self.without_category.join(", ")
            ));
        }
        if !self.taken_for_models.is_empty() {
            notes.push(format!(
                "Warning: {} counts as a model, since only names that begin with subject- are \
                 people; rename it where a person is meant.",
                self.taken_for_models.join(", ")
            ));
        }
        for (name, scores) in &self.subjects {
            if scores.data_sets < self.data_sets.len() {
                notes.push(format!(
                    "{name}: means are over {} of {} data sets.",
                    scores.data_sets,
                    self.data_sets.len()
                ));
            }
        }
        let alone: Vec<&str> =
            self.data_sets.iter().filter(|(_, set)| set.humans < 2).map(|(n, _)| &**n).collect();
        if !alone.is_empty() {
            notes.push(format!(
                "Fewer than two people, so no consistency among them: {}.",
                alone.join(", ")
            ));
        }
        if self.trials_without_conflict > 0 {
            notes.push(format!(
                "Left out of the shape bias: {} decisions on images whose shape and texture agree.",
                self.trials_without_conflict
            ));
        }
        if self.trials_without_texture > 0 {
            notes.push(format!(
                "Left out of the shape bias: {} decisions on images not named SHAPEn-TEXTUREn.",
                self.trials_without_texture
            ));
        }
        notes.push(
            "Models are compared with each person, people with each other person; the pool of \
             people has no consistency of its own."
                .to_owned(),
        );
        notes
    }

    fn page(&self) -> String {
        page::sections(self)
    }
}

impl Behaviour {
    fn overall(&self) -> Table {
        let heads = [
            "decision maker",
            "accuracy",
            "observed consistency",
            "error consistency",
            "accuracy difference",
            "shape bias",
        ];
        let title = match self.data_sets.len() {
            1 => "1 data set".to_owned(),
            count => format!("Means over {count} data sets"),
        };
        let mut table = Table::new(&title, &heads);
        for name in &self.consistency.names {
            if let Some(scores) = self.subjects.get(name) {
                table.row([
                    name.clone(),
                    digits(scores.accuracy),
                    digits(scores.observed_consistency),
                    digits(scores.error_consistency),
                    digits(scores.accuracy_difference),
                    digits(scores.shape_bias),
                ]);
            }
        }
        table
    }

    fn by_data_set(&self, title: &str, score: fn(&Scores) -> Option<f64>) -> Table {
        let heads = ["data set", "people"].map(str::to_owned).into_iter();
        let heads = heads.chain(self.consistency.names.iter().cloned()).collect();
        let mut table = Table { title: title.to_owned(), heads, rows: Vec::new() };
        for (name, set) in &self.data_sets {
            let of = |maker: &String| digits(set.subjects.get(maker).and_then(score));
            let cells = [name.clone(), set.humans.to_string()];
            table.row(cells.into_iter().chain(self.consistency.names.iter().map(of)));
        }
        table
    }
}

/// Returns a score with three digits, or a dash.
pub(super) fn digits(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}").replace('-', "−"))
}
