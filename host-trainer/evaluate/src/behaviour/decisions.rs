//! Decisions, by data set, decision maker, condition and image.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    BehaviourError, conditions,
    table::{self, Row},
};

/// The decisions of one decision maker in one condition, by image.
pub type Trials = BTreeMap<String, Trial>;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What is on the image.
    pub category: String,
    /// The answer; `na` where there was none.
    pub response: String,
}

impl Trial {
    /// Returns whether the answer is right, which `na` never is.
    #[must_use]
    pub fn is_correct(&self) -> bool {
        self.response == self.category
    }
}

/// Decisions on the images of several data sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The data sets by name.
    pub data_sets: BTreeMap<String, DataSet>,
}

/// Decisions on the images of one data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSet {
    /// Trials by decision maker and condition; where the data set has no
    /// conditions, under the empty one.
    pub subjects: BTreeMap<String, BTreeMap<String, Trials>>,
    /// Conditions that take no part in means, sorted.
    pub excluded_conditions: BTreeSet<String>,
}

/// Returns whether a decision maker is a person, `subject-…`.
pub(super) fn is_human(subject: &str) -> bool {
    subject.starts_with("subject-")
}

/// Returns whether the name of a decision maker that counts as a model may be
/// meant for a person: `Subject-03`, `subject 3`, `subj_03`, `participant1`.
pub(super) fn looks_human(name: &str) -> bool {
    let name = name.to_lowercase();
    let words = ["subject", "subj", "sub", "participant", "observer", "human", "person"];
    words.iter().filter_map(|word| name.strip_prefix(word)).any(|rest| {
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let number = rest.trim_start_matches(['-', '_', ' ', '.', '#']);
        number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl Decisions {
    /// Reads tables, `.csv` or `.csv.gz`, or folders of such.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is no table of decisions, or a decision is
    /// there twice.
    pub fn read(paths: &[PathBuf]) -> Result<Self, BehaviourError> {
        let mut rows = Vec::new();
        for path in paths {
            for table in table::tables_at(path)? {
                rows.extend(table::read(&table)?);
            }
        }
        Self::of_rows(rows)
    }

    fn of_rows(rows: Vec<Row>) -> Result<Self, BehaviourError> {
        let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in &rows {
            let conditions = named.entry(row.data_set.clone()).or_default();
            conditions.extend(row.condition.clone());
        }
        let undivided: BTreeSet<String> = named
            .into_iter()
            .filter(|(name, conditions)| conditions::is_undivided(name) || conditions.len() < 2)
            .map(|(name, _)| name)
            .collect();
        let mut categories: BTreeMap<(String, String, String), String> = BTreeMap::new();
        let mut decisions = Self::default();
        for row in rows {
            let condition = match row.condition {
                _ if undivided.contains(&row.data_set) => String::new(),
                Some(condition) => condition,
                None => {
                    let (data_set, subject) = (row.data_set, row.subject);
                    return Err(BehaviourError::NoCondition { data_set, subject });
                }
            };
            let key = (row.data_set.clone(), condition.clone(), row.image.clone());
            let category = categories.entry(key).or_insert_with(|| row.category.clone());
            if *category != row.category {
                return Err(BehaviourError::Category {
                    data_set: row.data_set,
                    image: row.image,
                    first: category.clone(),
                    second: row.category,
                });
            }
            let data_set = decisions.data_sets.entry(row.data_set.clone()).or_default();
            if conditions::is_excluded(&row.data_set, &condition) {
                data_set.excluded_conditions.insert(condition.clone());
            }
            let subject = data_set.subjects.entry(row.subject.clone()).or_default();
            let trials = subject.entry(condition.clone()).or_default();
            let trial = Trial { category: row.category, response: row.response };
            if trials.insert(row.image.clone(), trial).is_some() {
                return Err(BehaviourError::Twice {
                    data_set: row.data_set,
                    subject: row.subject,
                    condition,
                    image: row.image,
                });
            }
        }
        Ok(decisions)
    }
}

impl DataSet {
    /// Returns the people.
    pub fn humans(&self) -> impl Iterator<Item = &str> {
        self.subjects.keys().map(String::as_str).filter(|name| is_human(name))
    }

    /// Returns the decision makers that are no people.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.subjects.keys().map(String::as_str).filter(|name| !is_human(name))
    }

    /// Returns the conditions in the order of their numbers, those that are
    /// excluded among them.
    #[must_use]
    pub fn conditions(&self) -> Vec<String> {
        let all: BTreeSet<String> =
            self.subjects.values().flat_map(BTreeMap::keys).cloned().collect();
        let mut all: Vec<String> = all.into_iter().collect();
        conditions::sort(&mut all);
        all
    }

    /// Returns the trials of a decision maker in the conditions that count.
    pub(super) fn counted<'a>(
        &'a self,
        subject: &str,
    ) -> impl Iterator<Item = (&'a String, &'a Trials)> {
        let all = self.subjects.get(subject).into_iter().flatten();
        all.filter(|(condition, _)| !self.excluded_conditions.contains(*condition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_may_be_meant_for_people() {
        for name in
            ["Subject-03", "subject_3", "SUBJECT-1", "subj-07", "sub-01", "Participant 12", "human"]
        {
            assert!(looks_human(name) && !is_human(name), "{name}");
        }
        for name in ["alexnet", "subspace-net", "humanoid-2b", "observer-net"] {
            assert!(!looks_human(name), "{name}");
        }
    }
}
