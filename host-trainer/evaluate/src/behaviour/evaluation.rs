//! The evaluation.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Behaviour, BehaviourError, Consistency, DataSet, DataSetScores, Decisions, Scores, Trial,
    Unmatched, agreement,
    answers::{unknown_answers, without_category},
    decisions::looks_human,
    result::HUMANS,
    shape_bias::{CUE_CONFLICT, ShapeBias, shape_bias},
};
use lcl_numerics::statistics::mean;

/// Agreement of two decision makers in one data set, means over conditions.
#[derive(Clone, Copy, Debug)]
struct Pair {
    observed: f64,
    error: f64,
    accuracy_difference: f64,
}

/// Evaluates decisions as the toolbox of \[Geirhos\] does.
///
/// Consistencies are means over the conditions that count, then over people (for
/// people over all pairs of two), then over data sets; the accuracy is pooled
/// over conditions and people within a data set, then averaged over data sets;
/// the accuracy difference is the mean of `(p₁ - p₂)²` in the order of the
/// consistencies.
///
/// # Errors
///
/// When no decision is in a condition that counts.
pub fn behaviour_of(decisions: &Decisions) -> Result<Behaviour, BehaviourError> {
    let mut unmatched = Unmatched::default();
    let mut data_sets = BTreeMap::new();
    let mut pairs: BTreeMap<[String; 2], Vec<Pair>> = BTreeMap::new();
    for (name, data_set) in &decisions.data_sets {
        let makers = makers_of(data_set);
        let mut scores = BTreeMap::new();
        for (place, first) in makers.iter().enumerate() {
            for second in &makers[place..] {
                let pair = pair_of_makers(data_set, [first, second], &mut unmatched);
                if let Some(pair) = pair {
                    pairs
                        .entry([(*first).to_owned(), (*second).to_owned()])
                        .or_default()
                        .push(pair);
                }
                if *first == HUMANS {
                    scores.insert((*second).to_owned(), scores_in(name, data_set, second, pair));
                }
            }
        }
        let accuracy_by_condition =
            makers.iter().map(|maker| (maker.to_string(), by_condition(data_set, maker)));
        data_sets.insert(
            name.clone(),
            DataSetScores {
                humans: data_set.humans().count(),
                conditions: data_set.conditions(),
                excluded_conditions: data_set.excluded_conditions.iter().cloned().collect(),
                excluded_trials: excluded_trials(data_set),
                subjects: scores,
                human_ranges: human_ranges(data_set),
                accuracy_by_condition: accuracy_by_condition.collect(),
            },
        );
    }
    let subjects = overall(&data_sets);
    if subjects.values().all(|scores| scores.accuracy.is_none()) {
        return Err(BehaviourError::Empty);
    }
    let cue_conflict = decisions.data_sets.get(CUE_CONFLICT);
    let (shape_bias_by_category, conflicts) =
        cue_conflict.map(shape_bias_by_category).unwrap_or_default();
    Ok(Behaviour {
        consistency: consistency(&subjects, &pairs),
        subjects,
        data_sets,
        shape_bias_by_category,
        trials_without_conflict: conflicts.without_conflict,
        trials_without_texture: conflicts.unnamed,
        unknown_answers: unknown_answers(decisions),
        without_category: without_category(decisions),
        taken_for_models: taken_for_models(decisions),
        unmatched,
    })
}

/// Returns the models whose names are almost those of people.
fn taken_for_models(decisions: &Decisions) -> Vec<String> {
    let models = decisions.data_sets.values().flat_map(DataSet::models);
    let names: BTreeSet<&str> = models.filter(|name| looks_human(name)).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// The pool of people first, then the models.
fn makers_of(data_set: &DataSet) -> Vec<&str> {
    std::iter::once(HUMANS).chain(data_set.models()).collect()
}

/// The people of the pool, or the one decision maker.
fn members<'a>(data_set: &'a DataSet, maker: &'a str) -> Vec<&'a str> {
    if maker == HUMANS { data_set.humans().collect() } else { vec![maker] }
}

/// Returns the mean over people, or over pairs of them.
fn pair_of_makers(
    data_set: &DataSet,
    [first, second]: [&str; 2],
    unmatched: &mut Unmatched,
) -> Option<Pair> {
    let (ones, others) = (members(data_set, first), members(data_set, second));
    let mut pairs = Vec::new();
    for (place, one) in ones.iter().enumerate() {
        // Each two people once.
        let others = if first == second { &others[place + 1..] } else { &others[..] };
        for other in others {
            pairs.extend(pair_of(data_set, [one, other], unmatched));
        }
    }
    average(&pairs)
}

fn pair_of(data_set: &DataSet, [one, other]: [&str; 2], unmatched: &mut Unmatched) -> Option<Pair> {
    let theirs: BTreeMap<_, _> = data_set.counted(other).collect();
    let ours: BTreeMap<_, _> = data_set.counted(one).collect();
    let conditions: BTreeSet<_> = ours.keys().chain(theirs.keys()).copied().collect();
    let mut pairs = Vec::new();
    for condition in conditions {
        let trials = |of: &BTreeMap<_, _>| of.get(condition).copied();
        let (Some(ours), Some(theirs)) = (trials(&ours), trials(&theirs)) else {
            unmatched.conditions += 1;
            continue;
        };
        let shared = ours.iter().filter_map(|(image, our)| Some((our, theirs.get(image)?)));
        let found = agreement(shared.map(|(our, their)| (our.is_correct(), their.is_correct())));
        let matched = found.map_or(0, |found| found.trials);
        unmatched.trials += ours.len() + theirs.len() - 2 * matched;
        let Some(found) = found else {
            unmatched.conditions += 1;
            continue;
        };
        let [p1, p2] = found.accuracies;
        pairs.push(Pair {
            observed: found.observed,
            error: found.error_consistency,
            accuracy_difference: (p1 - p2).powi(2),
        });
    }
    average(&pairs)
}

fn average(pairs: &[Pair]) -> Option<Pair> {
    let of = |value: fn(&Pair) -> f64| mean(&pairs.iter().map(value).collect::<Vec<_>>());
    Some(Pair {
        observed: of(|pair| pair.observed)?,
        error: of(|pair| pair.error)?,
        accuracy_difference: of(|pair| pair.accuracy_difference)?,
    })
}

fn scores_in(name: &str, data_set: &DataSet, maker: &str, pair: Option<Pair>) -> Scores {
    let trials = || {
        let members = members(data_set, maker);
        members.into_iter().flat_map(|member| data_set.counted(member)).flat_map(|(_, of)| of)
    };
    let bias = (name == CUE_CONFLICT)
        .then(|| shape_bias(trials().map(|(image, trial)| (image.as_str(), trial))).bias());
    Scores {
        data_sets: 1,
        accuracy: accuracy(trials().map(|(_, trial)| trial)),
        observed_consistency: pair.map(|pair| pair.observed),
        error_consistency: pair.map(|pair| pair.error),
        accuracy_difference: pair.map(|pair| pair.accuracy_difference),
        shape_bias: bias.flatten(),
    }
}

fn accuracy<'a>(trials: impl Iterator<Item = &'a Trial>) -> Option<f64> {
    let (mut correct, mut all) = (0_usize, 0_usize);
    for trial in trials {
        correct += usize::from(trial.is_correct());
        all += 1;
    }
    (all > 0).then(|| correct as f64 / all as f64)
}

/// Accuracy in each condition, excluded ones too.
fn by_condition(data_set: &DataSet, maker: &str) -> BTreeMap<String, f64> {
    let members = members(data_set, maker);
    let in_condition = |condition: String| {
        let of = |member: &&str| data_set.subjects.get(*member)?.get(&condition);
        let trials = members.iter().filter_map(of).flat_map(BTreeMap::values);
        accuracy(trials).map(|accuracy| (condition.clone(), accuracy))
    };
    data_set.conditions().into_iter().filter_map(in_condition).collect()
}

/// The least and the most accurate person in each condition.
fn human_ranges(data_set: &DataSet) -> BTreeMap<String, [f64; 2]> {
    let mut ranges: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for human in data_set.humans() {
        for (condition, trials) in &data_set.subjects[human] {
            if let Some(p) = accuracy(trials.values()) {
                let range = ranges.entry(condition.clone()).or_insert([p, p]);
                *range = [range[0].min(p), range[1].max(p)];
            }
        }
    }
    ranges
}

fn excluded_trials(data_set: &DataSet) -> usize {
    let all = data_set.subjects.values().flatten();
    let excluded = all.filter(|(condition, _)| data_set.excluded_conditions.contains(*condition));
    excluded.map(|(_, trials)| trials.len()).sum()
}

/// Means over the data sets that a decision maker has.
fn overall(data_sets: &BTreeMap<String, DataSetScores>) -> BTreeMap<String, Scores> {
    let mut all: BTreeMap<String, Vec<&Scores>> = BTreeMap::new();
    for (name, scores) in data_sets.values().flat_map(|data_set| &data_set.subjects) {
        if scores.accuracy.is_some() {
            all.entry(name.clone()).or_default().push(scores);
        }
    }
    let overall = |scores: Vec<&Scores>| {
        let of = |value: fn(&Scores) -> Option<f64>| {
            mean(&scores.iter().filter_map(|scores| value(scores)).collect::<Vec<_>>())
        };
        Scores {
            data_sets: scores.len(),
            accuracy: of(|scores| scores.accuracy),
            observed_consistency: of(|scores| scores.observed_consistency),
            error_consistency: of(|scores| scores.error_consistency),
            accuracy_difference: of(|scores| scores.accuracy_difference),
            shape_bias: of(|scores| scores.shape_bias),
        }
    };
    all.into_iter().map(|(name, scores)| (name, overall(scores))).collect()
}

fn consistency(
    subjects: &BTreeMap<String, Scores>,
    pairs: &BTreeMap<[String; 2], Vec<Pair>>,
) -> Consistency {
    let is_pool = |name: &&String| *name == HUMANS;
    let humans = subjects.keys().filter(is_pool);
    let names: Vec<String> =
        humans.chain(subjects.keys().filter(|name| !is_pool(name))).cloned().collect();
    let cell = |first: &String, second: &String| {
        if first == second && first != HUMANS {
            return None;
        }
        let key = |a: &String, b: &String| [a.clone(), b.clone()];
        let found = pairs.get(&key(first, second)).or_else(|| pairs.get(&key(second, first)))?;
        average(found).map(|pair| pair.error)
    };
    let row = |first| names.iter().map(|second| cell(first, second)).collect();
    let error_consistency = names.iter().map(row).collect();
    Consistency { names, error_consistency }
}

/// Shape bias by decision maker and category of shape, and what was left out.
fn shape_bias_by_category(
    data_set: &DataSet,
) -> (BTreeMap<String, BTreeMap<String, f64>>, ShapeBias) {
    let mut all = BTreeMap::new();
    let mut left_out = ShapeBias::default();
    for maker in makers_of(data_set) {
        let mut categories: BTreeMap<&str, Vec<(&str, &Trial)>> = BTreeMap::new();
        for member in members(data_set, maker) {
            for (image, trial) in data_set.counted(member).flat_map(|(_, trials)| trials) {
                categories.entry(&trial.category).or_default().push((image, trial));
            }
        }
        let mut biases = BTreeMap::new();
        for (category, trials) in categories {
            let found = shape_bias(trials.into_iter());
            left_out.without_conflict += found.without_conflict;
            left_out.unnamed += found.unnamed;
            if let Some(bias) = found.bias() {
                biases.insert(category.to_owned(), bias);
            }
        }
        all.insert(maker.to_owned(), biases);
    }
    (all, left_out)
}
