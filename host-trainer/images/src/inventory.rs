//! What training reads, listed without reading it: to say later whether the
//! images are still the same.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};

use lcl_artefacts::printed::printed;

/// Everything that an image set is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The sources, in their order.
    pub sources: Vec<SourceRecord>,
    /// What is in them, in the order in which it is read.
    pub parts: Vec<Part>,
}

/// A source of images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// The source as it was given.
    pub source: String,
    /// Where that was; none for built-in images, which follow from the name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<String>,
    /// Images in it, those included that cannot be used.
    pub images: usize,
}

/// A piece of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which source it is in, from 0.
    pub source: usize,
    /// Its path in the source, with `/` between its parts.
    pub name: String,
    /// What is known of it.
    #[serde(flatten)]
    pub content: Content,
}

/// What is known of a piece of a source, short of reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// An image file, or a member of an archive.
    Image {
        /// Its length.
        bytes: u64,
    },
    /// A shard of a pack.
    Shard {
        /// Centres in it.
        centres: usize,
        /// CRC-32 of their bytes, in hexadecimal, as the pack says.
        crc32: String,
    },
    /// An image that a pack has no centre of.
    Skipped {
        /// Its place among the images of the pack, from 0.
        index: usize,
    },
}

impl Inventory {
    /// Returns the CRC-32 of the parts and of the number of images, in
    /// hexadecimal: two sets with the same are the same set, wherever they are.
    ///
    /// Files whose bytes were changed and whose length was not are taken for
    /// the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hasher = crc32fast::Hasher::new();
        for source in &self.sources {
            hasher.update(&(source.images as u64).to_le_bytes());
            if source.path.is_none() {
                hasher.update(source.source.as_bytes());
            }
        }
        for part in &self.parts {
            hasher.update(part.to_json().as_bytes());
            hasher.update(b"\n");
        }
        format!("{:08x}", hasher.finalize())
    }

    /// Returns one line of JSON for each part.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        self.parts.iter().flat_map(|part| [part.to_json(), "\n".to_owned()]).collect()
    }
}

impl Part {
    /// Reads the parts that [`Inventory::to_json_lines`] gave, or nothing where
    /// a line is none.
    #[must_use]
    pub fn from_json_lines(text: &str) -> Option<Vec<Self>> {
        text.lines().map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn to_json(&self) -> String {
        // Strings and numbers always are JSON.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// How the parts of an image set differ from what they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    new: Parts,
    gone: Parts,
    changed: Parts,
    moved: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Parts {
    count: usize,
    first: Option<String>,
}

impl Parts {
    fn add(&mut self, part: &Part) {
        self.count += 1;
        self.first.get_or_insert_with(|| part.name.clone());
    }
}

impl Difference {
    /// Compares the parts `now` with those `before`.
    #[must_use]
    pub fn between(before: &[Part], now: &[Part]) -> Self {
        let key = |part: &Part| (part.source, part.name.clone());
        let mut left: HashMap<_, &Part> = before.iter().map(|part| (key(part), part)).collect();
        let mut difference = Self::default();
        for part in now {
            match left.remove(&key(part)) {
                None => difference.new.add(part),
                Some(old) if old.content != part.content => difference.changed.add(part),
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|part| left.contains_key(&key(part)));
        gone.for_each(|part| difference.gone.add(part));
        difference.moved = difference == Self::default() && before != now;
        difference
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [("new", &self.new), ("gone", &self.gone), ("changed", &self.changed)];
        let mut separator = "";
        for (kind, parts) in kinds {
            if let Some(first) = &parts.first {
                write!(f, "{separator}{} {kind}, the first {}", parts.count, printed(first))?;
                separator = "; ";
            }
        }
        if self.moved { f.write_str("they come in another order") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, bytes: u64) -> Part {
        Part { source: 0, name: name.to_owned(), content: Content::Image { bytes } }
    }

    #[track_caller]
    fn check(before: &[Part], now: &[Part], expected: &str) {
        assert_eq!(Difference::between(before, now).to_string(), expected);
    }

    #[test]
    fn differences_are_counted_and_named() {
        let before = [image("a", 1), image("b", 2), image("c", 3)];
        check(&before, &before, "");
        check(
            &before,
            &[image("a", 1), image("c", 3), image("b", 2)],
            "they come in another order",
        );
        check(&before, &before[..1], "2 gone, the first b");
        let now = [image("a", 1), image("b", 7), image("c1", 3), image("d", 4)];
        check(&before, &now, "2 new, the first c1; 1 gone, the first c; 1 changed, the first b");
    }

    #[test]
    fn the_same_name_in_another_source_is_another_part() {
        let other = Part { source: 1, ..image("a", 1) };
        check(&[image("a", 1)], &[other], "1 new, the first a; 1 gone, the first a");
    }

    #[test]
    fn lists_round_trip() {
        let shard = Content::Shard { centres: 9, crc32: "0badcafe".to_owned() };
        let parts = [
            image("with \"quotes\"\nand lines", 5),
            Part { source: 1, name: "shard-00000.safetensors".to_owned(), content: shard },
            Part { source: 1, name: "bad.jpg".to_owned(), content: Content::Skipped { index: 4 } },
        ];
        let inventory = Inventory { sources: Vec::new(), parts: parts.to_vec() };
        let text = inventory.to_json_lines();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(Part::from_json_lines(&text), Some(parts.to_vec()));
        assert_eq!(Part::from_json_lines(&text[..text.len() - 4]), None);
    }

    #[test]
    fn the_fingerprint_is_that_of_the_set_and_not_of_its_place() {
        let at = |path: &str, bytes| {
            let source = SourceRecord {
                source: path.to_owned(),
                path: Some(format!("/home/{path}")),
                images: 1,
            };
            Inventory { sources: vec![source], parts: vec![image("a", bytes)] }.fingerprint()
        };
        assert_eq!(at("photos", 1), at("pictures", 1));
        assert_ne!(at("photos", 1), at("photos", 2));
    }
}
