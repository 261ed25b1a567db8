//! The boards and the programs that run on them: `boards.toml`.

use std::sync::LazyLock;

use anyhow::{Result, bail};
use serde::Deserialize;

use crate::project;

/// A board that examples run on. Its folder in `firmware-examples`, its
/// package and its `--board` have one name.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    pub name: String,
    pub description: String,
    pub target: String,
    /// Core that its configuration names, if the target's least one lacks
    /// instructions.
    pub cpu: Option<String>,
    /// GCC's flags for the core, if CMSIS-NN runs on it.
    pub gcc: Option<Vec<String>>,
    pub memory: String,
    /// The emulator, unless the board is on a desk.
    pub qemu: Option<Qemu>,
    pub real: Option<Real>,
}

/// How QEMU emulates a board.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Qemu {
    pub program: String,
    pub arguments: Vec<String>,
    /// Flags by which the machine's counters follow instructions exactly.
    #[serde(default = "counting")]
    pub counting: Vec<String>,
}

/// One instruction lasts 64 ns, several ticks of the boards' counters.
fn counting() -> Vec<String> {
    ["-icount", "shift=6,sleep=off"].map(str::to_owned).to_vec()
}

/// A board that is on a desk.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Real {
    /// Program that writes its flash and shows its log.
    pub flasher: Flasher,
    pub chip: String,
    /// The emulated board with the same core, or the nearest: the stack that
    /// programs take is measured there.
    pub twin: String,
    /// What to connect if it is not found.
    pub connect: String,
    pub camera: Option<String>,
}

/// A program that writes a board's flash and shows its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flasher {
    ProbeRs,
    Espflash,
}

impl Flasher {
    /// Returns the program, and the command that installs it.
    pub fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::ProbeRs => ("probe-rs", "cargo install probe-rs-tools --locked"),
            Self::Espflash => ("espflash", "cargo install espflash --locked"),
        }
    }
}

/// A program that boards have.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    pub name: String,
    /// Images that go in if the user names none, unless none go in.
    pub images: Option<String>,
    /// Whether a board's own camera has the images if the user names none.
    #[serde(default)]
    pub sees: bool,
    /// What comes out.
    #[serde(default)]
    pub output: Output,
    /// Whether it counts, so that the emulator is to follow each instruction.
    #[serde(default)]
    pub counts: bool,
    /// Parts of lcl-infer that it is built with, whatever the blob needs.
    #[serde(default)]
    pub parts: Vec<String>,
    /// Feature that it is built with, unless it is for everybody.
    pub feature: Option<String>,
}

/// What comes out of an example, for `--out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// Its log alone.
    #[default]
    Log,
    Features,
    Events,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    board: Vec<Board>,
    example: Vec<Example>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    toml::from_str(include_str!("boards.toml")).expect("a test reads the same table")
});

impl Board {
    /// Returns whether the board builds the example.
    pub fn has(&self, example: &Example) -> bool {
        let manifest = project::firmware().join(&self.name).join("Cargo.toml");
        let path = format!("path = \"../programs/{}.rs\"", example.name);
        project::read(&manifest).is_ok_and(|text| text.contains(&path))
    }

    /// Returns whether both build for the same core.
    pub fn has_core_of(&self, other: &Self) -> bool {
        (&self.target, &self.cpu) == (&other.target, &other.cpu)
    }
}

pub fn all() -> &'static [Board] {
    &TABLES.board
}

/// Returns the first board of each core.
pub fn cores() -> impl Iterator<Item = &'static Board> {
    let before = |at: usize| all()[..at].iter();
    let boards = all().iter().enumerate();
    boards
        .filter(move |(at, board)| !before(*at).any(|other| other.has_core_of(board)))
        .map(|(_, board)| board)
}

/// Returns the boards that an emulator runs.
pub fn emulated() -> impl Iterator<Item = &'static Board> {
    all().iter().filter(|board| board.qemu.is_some())
}

/// Returns the boards that are on a desk.
pub fn real() -> impl Iterator<Item = (&'static Board, &'static Real)> {
    all().iter().filter_map(|board| Some((board, board.real.as_ref()?)))
}

pub fn examples() -> impl Iterator<Item = &'static Example> + Clone {
    TABLES.example.iter().filter(|example| example.feature.is_none())
}

/// Returns CMSIS-NN on the same network, which boards with [`Board::gcc`] have.
pub fn baseline() -> Result<&'static Example> {
    named("baseline", TABLES.example.iter(), "baseline", |example| &example.name)
}

/// Returns the board of that name; the error lists the known ones.
pub fn board(name: &str) -> Result<&'static Board> {
    named("board", all().iter(), name, |board| &board.name)
}

/// Returns the example of that name; the error lists the known ones.
pub fn example(name: &str) -> Result<&'static Example> {
    named("example", examples(), name, |example| &example.name)
}

/// Returns the item of that name; the error lists the known ones.
pub fn named<T>(
    kind: &str,
    items: impl Iterator<Item = &'static T> + Clone,
    name: &str,
    name_of: fn(&'static T) -> &'static str,
) -> Result<&'static T> {
    let Some(item) = items.clone().find(|item| name_of(item) == name) else {
        let known: Vec<_> = items.map(name_of).collect();
        bail!("unknown {kind} `{name}`; the {kind}s are {}", known.join(", "));
    };
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_has_its_folder_and_every_example_its_binary() {
        for board in all() {
            let config = project::firmware().join(&board.name).join(".cargo/config.toml");
            let config = project::read(&config).expect("the board has a cargo configuration");
            assert!(config.contains(&board.target), "{} builds for {}", board.name, board.target);
            if let Some(cpu) = &board.cpu {
                let folder = format!("target-dir = \"../target/{cpu}\"");
                assert!(config.contains(&format!("-Ctarget-cpu={cpu}")), "{} is {cpu}", board.name);
                assert!(config.contains(&folder), "{} builds apart", board.name);
            }
            assert_ne!(board.qemu.is_some(), board.real.is_some(), "{}", board.name);
            let baseline = board.gcc.as_ref().map(|_| baseline().expect("it is known"));
            for example in examples().chain(baseline) {
                assert!(board.has(example), "{} has no {}", board.name, example.name);
            }
        }
        for (board, real) in real() {
            let twin = super::board(&real.twin).expect("the twin is known");
            assert!(twin.qemu.is_some() && twin.cpu == board.cpu, "{}", board.name);
        }
        assert_eq!(cores().count(), 6);
    }

    #[test]
    fn every_part_of_the_engine_can_be_switched_on_and_kernels_has_them_all() {
        let manifest = |path: &str| -> toml::Table {
            let text = project::read(&project::root().join(path)).expect("the manifest is there");
            text.parse().expect("it is one")
        };
        let engine = manifest("lcl-infer/Cargo.toml");
        let parts = engine["features"]["default"].as_array().expect("a list");
        let parts: Vec<_> = parts.iter().filter_map(toml::Value::as_str).collect();
        assert_eq!(example("kernels").expect("it is known").parts, parts);
        let shared = manifest("firmware-examples/shared/Cargo.toml");
        for part in parts {
            let passed = shared["features"][part][0].as_str();
            assert_eq!(passed, Some(&*format!("lcl-infer/{part}")));
        }
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let error = board("mps9").expect_err("there is no such board").to_string();
        assert!(error.starts_with("unknown board `mps9`; the boards are mps2-an385"), "{error}");
        let error = example("blink").expect_err("there is no such example").to_string();
        assert!(error.contains("blink") && error.ends_with("kernels, bench"), "{error}");
    }
}
