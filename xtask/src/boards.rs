//! The boards: data, so that a new one is a new entry.

use anyhow::{Result, bail};

use crate::project;

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
    /// Core that its configuration names, where the target's least one lacks
    /// instructions. It has a build of `core` and so a build folder of its own.
    pub cpu: Option<&'static str>,
    /// What tells GCC the core, where CMSIS-NN runs on it.
    pub gcc: Option<&'static [&'static str]>,
    /// What programs have of its memory, for people.
    pub memory: &'static str,
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
    /// It is on a desk.
    Real(Real),
}

/// A board that is on a desk.
#[derive(Debug, PartialEq, Eq)]
pub struct Real {
    /// What writes its flash and shows its log.
    pub flasher: Flasher,
    /// The emulated board with the same core, or the nearest: the stack that
    /// programs take is measured there.
    pub twin: &'static str,
    /// What to connect where it is not found.
    pub connect: &'static str,
    /// Camera that its programs know.
    pub camera: Option<&'static str>,
}

/// What writes a board's flash and shows its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flasher {
    /// probe-rs, through a debug probe.
    ProbeRs {
        /// Its name of the chip.
        chip: &'static str,
    },
    /// espflash, through USB.
    Espflash {
        /// Its name of the chip.
        chip: &'static str,
    },
}

impl Flasher {
    /// Returns the program, and what installs it.
    pub fn program(self) -> (&'static str, &'static str) {
        match self {
            Self::ProbeRs { .. } => ("probe-rs", "cargo install probe-rs-tools --locked"),
            Self::Espflash { .. } => ("espflash", "cargo install espflash --locked"),
        }
    }
}

impl Board {
    /// Returns what the board is like where it is no emulated one.
    pub fn real(&self) -> Option<&Real> {
        match &self.runner {
            Runner::Qemu { .. } => None,
            Runner::Real(real) => Some(real),
        }
    }

    /// Returns whether the board has a binary for the example.
    pub fn has(&self, example: &Example) -> bool {
        let manifest = project::firmware().join(self.name).join("Cargo.toml");
        let path = format!("path = \"../programs/{}.rs\"", example.name);
        std::fs::read_to_string(manifest).is_ok_and(|text| text.contains(&path))
    }
}

/// Every board.
pub const BOARDS: &[Board] = &[
    Board {
        name: "mps2-an385",
        description: "Arm MPS2 with AN385, Cortex-M3, emulated by QEMU",
        target: "thumbv7m-none-eabi",
        cpu: None,
        gcc: Some(&["-mcpu=cortex-m3", "-mfloat-abi=soft"]),
        memory: "4 MiB of flash, 4 MiB of RAM",
        runner: qemu_arm(&["-machine", "mps2-an385"]),
    },
    Board {
        name: "mps2-an386",
        description: "Arm MPS2 with AN386, Cortex-M4F, emulated by QEMU",
        target: "thumbv7em-none-eabihf",
        cpu: None,
        gcc: Some(&["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
        memory: "4 MiB of flash, 4 MiB of RAM",
        runner: qemu_arm(&["-machine", "mps2-an386"]),
    },
    Board {
        name: "mps2-an500",
        description: "Arm MPS2 with AN500, Cortex-M7, emulated by QEMU",
        target: "thumbv7em-none-eabihf",
        cpu: None,
        gcc: Some(&["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]),
        memory: "4 MiB of flash, 4 MiB of RAM",
        runner: qemu_arm(&["-machine", "mps2-an500"]),
    },
    Board {
        name: "mps2-an505",
        description: "Arm MPS2 with AN505, Cortex-M33, emulated by QEMU",
        target: "thumbv8m.main-none-eabihf",
        cpu: Some("cortex-m33"),
        gcc: Some(&["-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"]),
        memory: "4 MiB of flash, 2 MiB of RAM",
        runner: qemu_arm(&["-machine", "mps2-an505"]),
    },
    Board {
        name: "mps3-an547",
        description: "Arm MPS3 with AN547, Cortex-M55 with Helium, emulated by QEMU",
        target: "thumbv8m.main-none-eabihf",
        cpu: Some("cortex-m55"),
        gcc: Some(&["-mcpu=cortex-m55", "-mfloat-abi=hard"]),
        memory: "2.5 MiB of flash, 512 KiB of RAM",
        runner: qemu_arm(&["-machine", "mps3-an547"]),
    },
    Board {
        name: "riscv32-virt",
        description: "RISC-V RV32IMAC, QEMU's own machine",
        target: "riscv32imac-unknown-none-elf",
        cpu: None,
        gcc: None,
        memory: "8 MiB of RAM",
        runner: Runner::Qemu {
            program: "qemu-system-riscv32",
            arguments: &["-machine", "virt", "-bios", "none", "-m", "16M"],
            // The counter of instructions is exact only at one for each tick.
            counting: &["-icount", "shift=0"],
        },
    },
    Board {
        name: "nrf52840-dk",
        description: "Nordic nRF52840 DK, Cortex-M4F at 64 MHz",
        target: "thumbv7em-none-eabihf",
        cpu: None,
        gcc: None,
        memory: "1 MiB of flash, 256 KiB of RAM",
        runner: Runner::Real(Real {
            flasher: Flasher::ProbeRs { chip: "nRF52840_xxAA" },
            twin: "mps2-an386",
            connect: "the USB socket of the board's own debugger (J2) with this machine",
            camera: None,
        }),
    },
    Board {
        name: "nucleo-h743zi",
        description: "ST NUCLEO-H743ZI, Cortex-M7 at 480 MHz",
        target: "thumbv7em-none-eabihf",
        cpu: None,
        gcc: None,
        memory: "2 MiB of flash, 128 KiB of tightly coupled RAM (of 1 MiB)",
        runner: Runner::Real(Real {
            flasher: Flasher::ProbeRs { chip: "STM32H743ZITx" },
            twin: "mps2-an500",
            connect: "the USB socket of the board's ST-LINK (CN1) with this machine",
            camera: Some("OV7670"),
        }),
    },
    Board {
        name: "pico2",
        description: "Raspberry Pi Pico 2, RP2350, Cortex-M33 at 150 MHz",
        target: "thumbv8m.main-none-eabihf",
        cpu: Some("cortex-m33"),
        gcc: None,
        memory: "4 MiB of flash, 512 KiB of RAM (of 520)",
        runner: Runner::Real(Real {
            flasher: Flasher::ProbeRs { chip: "RP235x" },
            twin: "mps2-an505",
            connect: "a Raspberry Pi Debug Probe with the board's three debug pins, and both with \
                      this machine",
            camera: Some("HM01B0"),
        }),
    },
    Board {
        name: "esp32c3",
        description: "Espressif ESP32-C3, RISC-V RV32IMC at 160 MHz",
        target: "riscv32imc-unknown-none-elf",
        cpu: None,
        gcc: None,
        memory: "4 MiB of flash, 313 KiB of RAM (of 400)",
        runner: Runner::Real(Real {
            flasher: Flasher::Espflash { chip: "esp32c3" },
            twin: "riscv32-virt",
            connect: "the board's USB socket, the one of the chip itself, with this machine",
            camera: None,
        }),
    },
];

const fn qemu_arm(arguments: &'static [&'static str]) -> Runner {
    // One instruction lasts 64 ns, several ticks of the boards' counters.
    Runner::Qemu {
        program: "qemu-system-arm",
        arguments,
        counting: &["-icount", "shift=6,sleep=off"],
    }
}

/// A program that every board has a binary for.
#[derive(Debug, PartialEq, Eq)]
pub struct Example {
    /// Name.
    pub name: &'static str,
    /// What it does, for people.
    pub description: &'static str,
    /// Images that go in where the user names none, if any go in.
    pub images: Option<&'static str>,
    /// Whether a board's own camera has the images where the user names none.
    pub sees: bool,
    /// What comes out.
    pub output: Output,
    /// Whether it counts, so that the emulator is to follow each instruction.
    pub counts: bool,
}

/// What comes out of an example, for `--out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Its log alone.
    Log,
    /// Rows of features.
    Features,
    /// The bytes of events.
    Events,
}

/// Every example.
pub const EXAMPLES: &[Example] = &[
    Example {
        name: "features",
        description: "rows of images in, rows of V1 and V2 features out",
        images: Some("synthetic:1"),
        sees: false,
        output: Output::Features,
        counts: false,
    },
    Example {
        name: "camera",
        description: "frames of a camera, how fast, and a picture of V1",
        images: Some("synthetic:2"),
        sees: true,
        output: Output::Log,
        counts: true,
    },
    Example {
        name: "watch",
        description: "events of some 15 bytes where the scene departs from what it was",
        images: Some("scene"),
        sees: true,
        output: Output::Events,
        counts: false,
    },
    Example {
        name: "self-test",
        description: "the golden vector that the blob carries",
        images: None,
        sees: false,
        output: Output::Log,
        counts: false,
    },
    Example {
        name: "kernels",
        description: "the suite that every kernel passes",
        images: None,
        sees: false,
        output: Output::Log,
        counts: false,
    },
    Example {
        name: "bench",
        description: "what each operation costs",
        images: None,
        sees: false,
        output: Output::Log,
        counts: true,
    },
];

/// Another engine on the same network, which boards with [`Board::gcc`] have a
/// binary for.
pub const BASELINE: Example = Example {
    name: "baseline",
    description: "what each operation costs with CMSIS-NN",
    images: None,
    sees: false,
    output: Output::Log,
    counts: true,
};

/// Returns the boards that an emulator runs.
pub fn emulated() -> impl Iterator<Item = &'static Board> {
    BOARDS.iter().filter(|board| board.real().is_none())
}

/// Returns the boards that are on a desk.
pub fn real() -> impl Iterator<Item = (&'static Board, &'static Real)> {
    BOARDS.iter().filter_map(|board| Some((board, board.real()?)))
}

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
            if let Some(cpu) = board.cpu {
                assert!(config.contains(&format!("-Ctarget-cpu={cpu}")), "{} is {cpu}", board.name);
                let folder = format!("target-dir = \"../target/{cpu}\"");
                assert!(config.contains(&folder), "{} builds apart", board.name);
            }
            if board.real().is_none() {
                let baseline = board.gcc.map(|_| &BASELINE);
                for example in EXAMPLES.iter().chain(baseline) {
                    assert!(board.has(example), "{} has no {}", board.name, example.name);
                }
            }
        }
    }

    #[test]
    fn every_real_board_has_an_emulated_twin_of_its_core_and_the_first_examples() {
        for (real, Real { twin, .. }) in real() {
            let twin = board(twin).expect("the twin is known");
            assert!(twin.real().is_none(), "{} is emulated", twin.name);
            assert_eq!(real.cpu, twin.cpu, "{}", real.name);
            for name in ["features", "self-test", "bench"] {
                let example = example(name).expect("it is known");
                assert!(real.has(example), "{} has no {name}", real.name);
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
