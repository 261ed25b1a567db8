//! The boards: data, so that a new one is a new entry.

use anyhow::{Result, bail};

/// A board that examples run on. Its folder in `firmware-examples`, its
/// package and its `--board` have one name.
#[derive(Debug, PartialEq, Eq)]
pub struct Board {
    /// Name.
    pub name: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// Rust's name of the target.
    pub target: &'static str,
    /// How programs get to run.
    pub runner: Runner,
}

/// How programs get to run on a board.
#[derive(Debug, PartialEq, Eq)]
pub enum Runner {
    /// QEMU emulates it.
    Qemu {
        /// Program.
        program: &'static str,
        /// The machine and what else never changes.
        arguments: &'static [&'static str],
        /// What makes the machine's counters follow instructions exactly.
        counting: &'static [&'static str],
    },
}

/// Every board.
pub const BOARDS: &[Board] = &[Board {
    name: "mps2-an386",
    description: "Arm MPS2 with AN386, Cortex-M4F, emulated by QEMU",
    target: "thumbv7em-none-eabihf",
    runner: Runner::Qemu {
        program: "qemu-system-arm",
        arguments: &["-machine", "mps2-an386"],
        counting: &["-icount", "shift=6,sleep=off"],
    },
}];

/// A program that every board has a binary for.
#[derive(Debug, PartialEq, Eq)]
pub struct Example {
    /// Name.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// Whether images go in and features come out.
    pub streams: bool,
    /// Whether it counts, so that the emulator is to follow each instruction.
    pub counts: bool,
}

/// Every example.
pub const EXAMPLES: &[Example] = &[
    Example {
        name: "features",
        description: "rows of images in, rows of V1 and V2 features out",
        streams: true,
        counts: false,
    },
    Example {
        name: "self-test",
        description: "the golden vector that the blob carries",
        streams: false,
        counts: false,
    },
    Example {
        name: "bench",
        description: "what each operation costs",
        streams: false,
        counts: true,
    },
];

/// Returns the board of that name; the error lists the known ones.
pub fn board(name: &str) -> Result<&'static Board> {
    let Some(board) = BOARDS.iter().find(|board| board.name == name) else {
        let known: Vec<_> = BOARDS.iter().map(|board| board.name).collect();
        bail!("unknown board `{name}`; the boards are {}", known.join(", "));
    };
    Ok(board)
}

/// Returns the example of that name; the error lists the known ones.
pub fn example(name: &str) -> Result<&'static Example> {
    let Some(example) = EXAMPLES.iter().find(|example| example.name == name) else {
        let known: Vec<_> = EXAMPLES.iter().map(|example| example.name).collect();
        bail!("unknown example `{name}`; the examples are {}", known.join(", "));
    };
    Ok(example)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project;

    #[test]
    fn every_board_has_its_folder_and_every_example_its_binary() {
        for board in BOARDS {
            let folder = project::firmware().join(board.name);
            let config = std::fs::read_to_string(folder.join(".cargo/config.toml"))
                .expect("the board has a cargo configuration");
            assert!(config.contains(board.target), "{} builds for {}", board.name, board.target);
            for example in EXAMPLES {
                let binary = folder.join("src/bin").join(example.name).with_extension("rs");
                assert!(binary.is_file(), "{} is missing", binary.display());
            }
        }
    }

    #[test]
    fn unknown_names_list_the_known_ones() {
        let error = board("mps9").expect_err("there is no such board").to_string();
        assert!(error.contains("mps9") && error.contains("mps2-an386"), "{error}");
        let error = example("blink").expect_err("there is no such example").to_string();
        assert!(error.contains("blink") && error.contains("self-test"), "{error}");
    }
}
