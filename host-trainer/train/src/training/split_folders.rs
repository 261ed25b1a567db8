//! A word where the folders of a source look like the splits of a data set.

use std::collections::BTreeSet;

use lcl_images::Inventory;

/// Names of folders of images to train on, and of others.
const TRAINING: [&str; 3] = ["train", "training", "train2017"];
const OTHERS: [&str; 7] = ["val", "valid", "validation", "test", "testing", "heldout", "val2017"];

/// Returns a warning where one of the first `sources` has folders that look like
/// splits: all of them are trained on.
pub(super) fn warning(inventory: &Inventory, sources: usize) -> Option<String> {
    (0..sources.min(inventory.sources.len())).find_map(|number| {
        let parts = inventory.parts.iter().filter(|part| part.source == number);
        let mut folders = BTreeSet::new();
        for part in parts {
            let mut steps = part.name.split('/').rev().skip(1).collect::<Vec<_>>();
            steps.reverse();
            // Those of the source, and those of the one folder that it may hold.
            folders.extend(steps.iter().take(2).map(|step| step.to_lowercase()));
        }
        let find =
            |names: &[&'static str]| names.iter().find(|name| folders.contains(**name)).copied();
        let (training, other) = find(&TRAINING).zip(find(&OTHERS))?;
        let source = &inventory.sources[number].source;
        Some(format!(
            "{source} has folders {training} and {other}, and all of it is trained on; if these \
             are splits, give one with --data and the other with --validation"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lcl_images::{Content, Part, SourceRecord};

    #[test]
    fn folders_that_look_like_splits_are_named() {
        let inventory = |names: &[&str]| Inventory {
            sources: vec![SourceRecord {
                source: "photos".to_owned(),
                path: None,
                images: names.len(),
            }],
            parts: names
                .iter()
                .map(|name| Part {
                    source: 0,
                    name: (*name).to_owned(),
                    content: Content::Image { bytes: 1 },
                })
                .collect(),
        };
        let check = |names: &[&str], expected: Option<&str>| {
            let got = warning(&inventory(names), 1);
            assert_eq!(got.is_some(), expected.is_some(), "{names:?}");
            assert!(got.unwrap_or_default().contains(expected.unwrap_or_default()));
        };
        check(&["train/a.jpg", "val/b.jpg"], Some("photos has folders train and val"));
        check(&["set/Train/n01/a.jpg", "set/TEST/b.jpg"], Some("train and test"));
        check(&["train/a.jpg", "train.jpg", "val.png"], None);
        check(&["trains/a.jpg", "values/b.jpg"], None);
        assert_eq!(warning(&inventory(&["train/a.jpg", "val/b.jpg"]), 0), None);
    }
}
