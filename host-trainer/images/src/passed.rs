//! What a source holds besides images: named or counted, and passed over.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Mutex, PoisonError},
};

use lcl_artefacts::printed::printed;

/// Entries that are named one by one; the others are only counted.
const NAMED: usize = 20;

/// Endings that are counted one by one.
const ENDINGS: usize = 6;

/// What was passed over in a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Messages about the first entries that cannot be read.
    named: Vec<String>,
    unreadable: usize,
    /// Files of other formats, by ending.
    others: BTreeMap<String, usize>,
    packs: usize,
    twice: usize,
}

impl PassedOver {
    /// Notes an entry that cannot be read, and why.
    pub fn unreadable(&mut self, path: &Path, why: &str) {
        self.unreadable += 1;
        if self.named.len() < NAMED {
            self.named.push(format!("{}: {why}", printed(path)));
        }
    }

    /// Notes a file of another format.
    pub fn other(&mut self, path: &Path) {
        let ending = path.extension().map(|ending| format!(".{}", printed(ending)));
        let ending = ending.unwrap_or_else(|| "without an ending".to_owned());
        *self.others.entry(ending.to_ascii_lowercase()).or_default() += 1;
    }

    /// Notes a pack, which is a source of its own.
    pub fn pack(&mut self) {
        self.packs += 1;
    }

    /// Notes that a name stands twice in an archive.
    pub fn twice(&mut self) {
        self.twice += 1;
    }

    /// Adds what was passed over in a part of the source.
    pub fn add(&mut self, other: &Self) {
        self.unreadable += other.unreadable;
        let room = NAMED.saturating_sub(self.named.len());
        self.named.extend(other.named.iter().take(room).cloned());
        for (ending, count) in &other.others {
            *self.others.entry(ending.clone()).or_default() += count;
        }
        self.packs += other.packs;
        self.twice += other.twice;
    }

    /// Says it on the standard error, once in the life of the process.
    pub fn say(&self, source: &Path) {
        self.lines(source).into_iter().for_each(say_once);
    }

    fn lines(&self, source: &Path) -> Vec<String> {
        let source = printed(source);
        let mut lines: Vec<String> =
            self.named.iter().map(|named| format!("warning: passed over {named}")).collect();
        if self.unreadable > 1 {
            let count = self.unreadable;
            lines.push(format!("warning: {count} entries of {source} cannot be read as files"));
        }
        if self.twice > 0 {
            let count = self.twice;
            lines.push(format!(
                "warning: {source} holds {count} images under a name that it holds already; all \
                 are used, unpacking keeps the last"
            ));
        }
        let others: usize = self.others.values().sum();
        if others > 0 {
            let mut endings: Vec<(&String, &usize)> = self.others.iter().collect();
            endings.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let named = endings.iter().take(ENDINGS);
            let mut named: Vec<String> =
                named.map(|(ending, count)| format!("{count} {ending}")).collect();
            if endings.len() > ENDINGS {
                named.push("others".to_owned());
            }
            let files = if others == 1 { "file that is" } else { "files that are" };
            lines.push(format!(
                "note: passed over {others} {files} no images in {source}: {}",
                named.join(", ")
            ));
        }
        if self.packs > 0 {
            let packs = self.packs;
            lines.push(format!("note: passed over {packs} packs in {source}; give them by name"));
        }
        lines
    }
}

/// Prints a line on the standard error, once in the life of the process: images
/// are read in several passes.
pub fn say_once(line: String) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if !said.contains(&line) {
        lcl_artefacts::tell!("{line}");
        said.insert(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_named_and_all_are_counted() {
        let mut passed = PassedOver::default();
        for index in 0..30 {
            let name = format!("photos/{index}\nx.png");
            passed.unreadable(name.as_ref(), "it is a named pipe");
        }
        for name in ["a.txt", "b.TXT", "c.heic", "LICENSE"] {
            passed.other(name.as_ref());
        }
        let lines = passed.lines("photos".as_ref());
        assert_eq!(lines.len(), NAMED + 2, "{lines:?}");
        assert_eq!(lines[0], "warning: passed over photos/0\\nx.png: it is a named pipe");
        assert_eq!(lines[NAMED], "warning: 30 entries of photos cannot be read as files");
        let other = "note: passed over 4 files that are no images in photos: 2 .txt, 1 .heic, 1 \
                     without an ending";
        assert_eq!(lines[NAMED + 1], other);
        assert!(PassedOver::default().lines("photos".as_ref()).is_empty());
    }
}
