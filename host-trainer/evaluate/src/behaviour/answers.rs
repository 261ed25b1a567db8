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
    count(decisions, false).into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Returns the decision makers that give answers of which none is a category.
pub(super) fn without_category(decisions: &Decisions) -> Vec<String> {
    let (unknown, all) = (count(decisions, false), count(decisions, true));
    let is_strange = |(maker, count): &(String, usize)| *count > 0 && unknown[maker] == *count;
    all.into_iter().filter(is_strange).map(|(maker, _)| maker).collect()
}

/// Counts, by decision maker, answers that are no category, or else all answers
/// but `na`.
fn count(decisions: &Decisions, all_answers: bool) -> BTreeMap<String, usize> {
    let all = || decisions.data_sets.values().flat_map(|data_set| &data_set.subjects);
    let trials = all().flat_map(|(_, conditions)| conditions.values().flatten());
    let mut known: BTreeSet<&str> = trials.map(|(_, trial)| trial.category.as_str()).collect();
    known.extend(ANSWERS);
    let is_counted = |trial: &&Trial| match trial.response.as_str() {
        "na" => false,
        _ if all_answers => true,
        response => !known.contains(response),
    };
    let mut unknown = BTreeMap::new();
    for (subject, conditions) in all() {
        let trials = conditions.values().flat_map(BTreeMap::values);
        *unknown.entry(subject.clone()).or_default() += trials.filter(is_counted).count();
    }
    unknown
}
