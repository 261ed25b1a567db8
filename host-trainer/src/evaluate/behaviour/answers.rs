//! Answers that are no category.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decisions, Trial};

/// Answers that \[Geirhos\] let people choose among, and `na` for none.
const ANSWERS: [&str; 17] = [
    "airplane", "bear", "bicycle", "bird", "boat", "bottle", "car", "cat", "chair", "clock", "dog",
    "elephant", "keyboard", "knife", "na", "oven", "truck",
];

/// Counts, by decision maker, the answers that are neither `na` nor one of the 16
/// categories of \[Geirhos\] nor a category of any image. They count as wrong;
/// many of them mean that a model answers among other classes, or spells them
/// otherwise.
pub(super) fn unknown_answers(decisions: &Decisions) -> BTreeMap<String, usize> {
    let all = || decisions.data_sets.values().flat_map(|data_set| &data_set.subjects);
    let trials = all().flat_map(|(_, conditions)| conditions.values().flatten());
    let mut known: BTreeSet<&str> = trials.map(|(_, trial)| trial.category.as_str()).collect();
    known.extend(ANSWERS);
    let is_unknown = |trial: &&Trial| !known.contains(trial.response.as_str());
    let mut unknown = BTreeMap::new();
    for (subject, conditions) in all() {
        let trials = conditions.values().flat_map(BTreeMap::values);
        let count = trials.filter(is_unknown).count();
        if count > 0 {
            *unknown.entry(subject.clone()).or_default() += count;
        }
    }
    unknown
}
