//! Which stimuli are for fitting and which for testing.

use super::random_state::RandomState;

/// The stimuli of one split, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Those that the regression is fitted to.
    pub train: Vec<usize>,
    /// Those that it is tested on.
    pub test: Vec<usize>,
}

/// Stimuli cannot be split.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// A kind has too few stimuli.
    #[error(
        "there is only one stimulus of the kind {kind:?}; splits need two of each kind, or leave \
         the kinds out with --unstratified"
    )]
    OneOfKind {
        /// The kind.
        kind: String,
    },
    /// Either part of a split is too small to hold each kind.
    #[error(
        "{stimuli} stimuli of {kinds} kinds are too few for splits of {train} and {test} that hold \
         each kind; give more stimuli, or leave the kinds out with --unstratified"
    )]
    TooFew {
        /// Stimuli.
        stimuli: usize,
        /// Kinds.
        kinds: usize,
        /// Stimuli for fitting.
        train: usize,
        /// Stimuli for testing.
        test: usize,
    },
}

/// Returns `count` random splits of stimuli, 90 % for fitting (rounded down),
/// with the share of each kind in both parts; `kinds` names the kind of each
/// stimulus.
///
/// The splits, and the orders within, are those of scikit-learn's
/// `StratifiedShuffleSplit(count, train_size=0.9, random_state=seed)`.
///
/// # Errors
///
/// When there are too few stimuli of a kind.
pub fn stratified_splits(
    kinds: &[&str],
    count: usize,
    seed: u32,
) -> Result<Vec<Split>, SplitError> {
    let mut names = kinds.to_vec();
    names.sort_unstable();
    names.dedup();
    let members: Vec<Vec<usize>> = names
        .iter()
        .map(|name| (0..kinds.len()).filter(|&stimulus| kinds[stimulus] == *name).collect())
        .collect();
    let train = kinds.len() * 9 / 10;
    let test = kinds.len() - train;
    if let Some(at) = members.iter().position(|members| members.len() < 2) {
        return Err(SplitError::OneOfKind { kind: names[at].to_owned() });
    }
    if train.min(test) < names.len().max(1) {
        let (stimuli, kinds) = (kinds.len(), names.len());
        return Err(SplitError::TooFew { stimuli, kinds, train, test });
    }
    let mut random = RandomState::new(seed);
    Ok((0..count).map(|_| split(&members, [train, test], &mut random)).collect())
}

fn split(members: &[Vec<usize>], [train, test]: [usize; 2], random: &mut RandomState) -> Split {
    let counts: Vec<usize> = members.iter().map(Vec::len).collect();
    let for_train = shares(&counts, train, random);
    let left: Vec<usize> =
        counts.iter().zip(&for_train).map(|(count, taken)| count - taken).collect();
    let for_test = shares(&left, test, random);
    let mut split = Split { train: Vec::new(), test: Vec::new() };
    for (kind, members) in members.iter().enumerate() {
        let order = random.permutation(members.len());
        let mut drawn = order.into_iter().map(|at| members[at]);
        split.train.extend(drawn.by_ref().take(for_train[kind]));
        split.test.extend(drawn.take(for_test[kind]));
    }
    random.shuffle(&mut split.train);
    random.shuffle(&mut split.test);
    split
}

/// Returns how many of each kind are among `draws`: the most probable numbers,
/// with ties broken at random.
fn shares(counts: &[usize], draws: usize, random: &mut RandomState) -> Vec<usize> {
    let all: usize = counts.iter().sum();
    let exact: Vec<f64> =
        counts.iter().map(|&count| count as f64 / all as f64 * draws as f64).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let rests: Vec<f64> = exact.iter().map(|share| share - share.floor()).collect();
    let mut missing = draws.saturating_sub(shares.iter().sum());
    let mut levels = rests.clone();
    levels.sort_unstable_by(|a, b| b.total_cmp(a));
    levels.dedup();
    for level in levels {
        let tied: Vec<usize> =
            (0..rests.len()).filter(|&kind| rests[kind].total_cmp(&level).is_eq()).collect();
        let added = tied.len().min(missing);
        if missing == 0 {
            break;
        }
        for at in random.permutation(tied.len()).into_iter().take(added) {
            shares[tied[at]] += 1;
        }
        missing -= added;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: scikit-learn 1.9.1, numpy 2.4.6,
    /// `StratifiedShuffleSplit(n, train_size=.9, random_state=1)`.
    #[track_caller]
    fn check(kinds: &[&str], expected_tests: &[&[usize]], expected_trains: &[&[usize]]) {
        let splits = stratified_splits(kinds, expected_tests.len(), 1).expect("splits");
        for ((split, test), train) in splits.iter().zip(expected_tests).zip(expected_trains) {
            assert_eq!(&split.test, test);
            assert_eq!(&split.train[..train.len()], *train);
            assert_eq!(split.train.len() + split.test.len(), kinds.len());
        }
    }

    #[test]
    fn splits_are_those_of_scikit_learn() {
        let mut three = ["tex", "noise", "tex", "odd"].repeat(6);
        three.extend(["tex"; 3]);
        check(
            &three,
            &[&[7, 2, 21], &[0, 13, 7], &[23, 17, 8]],
            &[&[0, 23, 17, 12, 1], &[12, 4, 18, 14, 16], &[9, 1, 6, 11, 15]],
        );
        let mut two = ["tex", "noise"].repeat(11);
        two.push("tex");
        check(
            &two,
            &[&[11, 12, 18], &[20, 2, 21], &[8, 1, 12]],
            &[&[19, 9, 13, 21, 22], &[4, 6, 5, 14, 0], &[3, 15, 18, 21, 11]],
        );
        check(&["a"; 20], &[&[11, 5], &[0, 1]], &[&[9, 14, 10, 15, 7], &[8, 6, 14, 5, 19]]);
    }

    #[test]
    fn the_layout_of_freeman_and_ziemba_is_split_as_by_scikit_learn() {
        let kinds = [["tex"; 15], ["noise"; 15]].concat().repeat(15);
        let splits = stratified_splits(&kinds, 10, 1).expect("splits");
        let last = splits.last().expect("ten splits");
        assert_eq!((last.train.len(), last.test.len()), (405, 45));
        assert_eq!(last.test[..8], [327, 373, 276, 148, 445, 392, 434, 129]);
        assert_eq!(last.train[..5], [163, 154, 51, 213, 416]);
    }

    #[test]
    fn too_few_stimuli_are_errors() {
        let error = |kinds: &[&str]| stratified_splits(kinds, 1, 1).expect_err("too few");
        let one = error(&["tex", "tex", "noise"]);
        assert_eq!(one, SplitError::OneOfKind { kind: "noise".to_owned() });
        assert!(matches!(error(&["a", "a", "b", "b"]), SplitError::TooFew { test: 1, .. }));
        assert!(matches!(error(&[]), SplitError::TooFew { .. }));
    }
}
