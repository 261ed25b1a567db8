//! Conditions of the 17 data sets of \[Geirhos\].

/// Conditions that the toolbox leaves out of its means: those without any
/// manipulation, and those in which people answer less than a fifth of the
/// trials correctly.
const EXCLUDED: [(&str, &[&str]); 12] = [
    ("colour", &["cr"]),
    ("contrast", &["c100", "c03", "c01"]),
    ("high-pass", &["inf", "0.55", "0.45", "0.4"]),
    ("low-pass", &["0", "15", "40"]),
    ("phase-scrambling", &["0", "150", "180"]),
    ("power-equalisation", &["0"]),
    ("false-colour", &["True"]),
    ("rotation", &["0"]),
    ("eidolonI", &["1-10-10", "64-10-10", "128-10-10"]),
    ("eidolonII", &["1-3-10", "32-3-10", "64-3-10", "128-3-10"]),
    ("eidolonIII", &["1-0-10", "16-0-10", "32-0-10", "64-0-10", "128-0-10"]),
    ("uniform-noise", &["0", "0.6", "0.9"]),
];

/// Data sets whose decisions are one condition, whatever their tables say.
const UNDIVIDED: [&str; 5] = ["cue-conflict", "edge", "silhouette", "sketch", "stylized"];

/// Returns a condition as it is compared: numbers in their shortest form, so
/// that `0.90` is `0.9`; nothing for an empty one and for `NaN`.
pub(super) fn normalised(text: &str) -> Option<String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => None,
        Ok(number) => Some(number.to_string()),
        Err(_) if text.is_empty() => None,
        Err(_) => Some(text.to_owned()),
    }
}

/// Returns whether the toolbox leaves a condition out.
pub(super) fn is_excluded(data_set: &str, condition: &str) -> bool {
    let found = EXCLUDED.iter().find(|(name, _)| *name == data_set);
    found.is_some_and(|(_, excluded)| excluded.contains(&condition))
}

/// Returns whether the decisions of a data set are one condition.
pub(super) fn is_undivided(data_set: &str) -> bool {
    UNDIVIDED.contains(&data_set)
}

/// Sorts conditions by the number in them, where there is one, then by text.
pub(super) fn sort(conditions: &mut [String]) {
    let number = |text: &str| {
        let digits = text.trim_start_matches(|c: char| c.is_alphabetic());
        let whole = text.parse().ok();
        let first = digits.split('-').next().and_then(|first| first.parse().ok());
        whole.or(first).unwrap_or(f64::INFINITY)
    };
    conditions.sort_by(|a, b| number(a).total_cmp(&number(b)).then_with(|| a.cmp(b)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_compared_as_numbers_where_they_are() {
        for (text, expected) in [
            ("0.90", Some("0.9")),
            ("0.00", Some("0")),
            ("inf", Some("inf")),
            ("c05", Some("c05")),
            ("1-10-10", Some("1-10-10")),
            ("NaN", None),
            ("", None),
        ] {
            assert_eq!(normalised(text).as_deref(), expected, "{text}");
        }
        assert!(is_excluded("uniform-noise", &normalised("0.00").expect("a number")));
        assert!(is_excluded("high-pass", "inf") && !is_excluded("high-pass", "3"));
        assert!(!is_excluded("edge", "0"));
        // What is excluded is written as it is compared.
        for condition in EXCLUDED.iter().flat_map(|(_, excluded)| *excluded) {
            assert_eq!(normalised(condition).as_deref(), Some(*condition));
        }
    }

    #[test]
    fn conditions_are_in_the_order_of_their_numbers() {
        let mut conditions = ["inf", "10", "0.4", "3"].map(str::to_owned);
        sort(&mut conditions);
        assert_eq!(conditions, ["0.4", "3", "10", "inf"]);
        let mut conditions = ["c100", "c05", "bw", "16-10-10"].map(str::to_owned);
        sort(&mut conditions);
        assert_eq!(conditions, ["c05", "16-10-10", "c100", "bw"]);
    }
}
