//! What `flash` runs: the commands that write a board, and the link that carries
//! images to it and features from it.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use super::Arguments;
use crate::boards::{Board, Flasher, Output, Real};
use crate::commands::example::{DEFAULT_SIZE, Images};
use crate::commands::host::build_lcl;
use crate::commands::{exit_code, out};
use crate::firmware::Run;
use crate::process::{Running, note, shown, status};
use crate::{project, setup};

/// Where the images of an example come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    Host(Images<'a>),
    Camera(&'a str),
}

/// What is to be written, and where to.
pub struct Task<'a> {
    pub real: &'a Real,
    pub board: &'a Board,
    pub elf: &'a Path,
    pub model: &'a Path,
    /// Address of the model partition, as the flasher knows it.
    pub model_in_flash: u64,
    pub folder: &'a Path,
}

impl Task<'_> {
    pub fn run_all(&self, commands: Vec<Command>) -> Result<ExitCode> {
        for mut command in commands {
            note(format_args!("$ {}", shown(&command)));
            let status = status(&mut command)?;
            if !status.success() {
                let Self { real, board, .. } = self;
                note(format_args!("this failed; {} needs {}", board.name, real.connect));
                return Ok(exit_code(status.code()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the board, sends it images and collects its features.
    pub fn stream(
        &self,
        arguments: &Arguments,
        (source, output): (Source<'_>, Output),
        writing: Vec<Command>,
    ) -> Result<ExitCode> {
        setup::board_link()?;
        let prepare = match source {
            Source::Host(images) => {
                build_lcl()?;
                Some(images.frames(self.model, self.folder))
            }
            Source::Camera(camera) => {
                let path = self.folder.join("frames.bin");
                let side = arguments.example.size.unwrap_or(DEFAULT_SIZE);
                let options = [arguments.test_picture, arguments.camera_clock];
                let request = camera_request(side, arguments.frames, options);
                fs::write(&path, request)
                    .with_context(|| format!("cannot write {}", path.display()))?;
                note(format_args!("images are of the board's {camera}; --image has others"));
                None
            }
        };
        let code = self.run_all(prepare.into_iter().chain(writing).collect())?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
        let mut link = self.link(&arguments.port);
        note(format_args!("$ {}", shown(&link)));
        Run::build_decoder()?;
        let link = Running::start(link.stdout(Stdio::piped()));
        let mut link = link.context("cannot start the link to the board")?;
        let log = link.take_stdout().context("the link has no output")?;
        let decoded = status(Run::decoder(self.elf).stdin(log));
        let ended = link.wait()?;
        let decoded = decoded?;
        if !ended.success() {
            note(format_args!("it failed on {} ({ended})", self.board.name));
            return Ok(exit_code(ended.code()));
        }
        if !decoded.success() {
            bail!("the log could not be decoded to its end");
        }
        let Some(out) = &arguments.example.out else { return Ok(ExitCode::SUCCESS) };
        if output == Output::Events {
            let rows = self.folder.join("rows.bin");
            let rows =
                fs::read(&rows).with_context(|| format!("cannot read {}", rows.display()))?;
            out::write(&events(&rows), out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let Source::Host(images) = source else { return Ok(ExitCode::SUCCESS) };
        Ok(exit_code(status(&mut images.collect(self.model, self.folder, out))?.code()))
    }

    /// Returns the program that carries images and features, as a command.
    pub fn link(&self, port: &str) -> Command {
        let mut link = setup::built("board-link");
        link.arg("--frames").arg(self.folder.join("frames.bin"));
        link.arg("--rows").arg(self.folder.join("rows.bin"));
        match self.real.flasher {
            Flasher::ProbeRs => {
                link.args(["probe", "--chip", &self.real.chip, "--elf"]).arg(self.elf)
            }
            Flasher::Espflash => link.args(["serial", "--port", port]),
        };
        link
    }

    /// Returns the commands that write the blob alone.
    pub fn write_model(&self) -> Vec<Command> {
        vec![self.blob(), self.flasher("reset", &[])]
    }

    /// Returns the commands that write the blob and the program; the last shows the
    /// log unless images are to be sent.
    pub fn write(&self, streams: bool) -> Vec<Command> {
        let partitions = project::firmware().join(&self.board.name).join("partitions.csv");
        let partitions = partitions.to_string_lossy();
        let mut program = match (self.real.flasher, streams) {
            (Flasher::ProbeRs, true) => self.flasher("download", &[]),
            (Flasher::ProbeRs, false) => self.flasher("run", &[]),
            (Flasher::Espflash, _) => self.flasher("flash", &["--partition-table", &partitions]),
        };
        if self.real.flasher == Flasher::Espflash && !streams {
            program.args(["--monitor", "--log-format", "defmt"]);
        }
        program.arg(self.elf);
        vec![self.blob(), program]
    }

    /// Returns the command that writes the blob to its partition.
    fn blob(&self) -> Command {
        let address = format!("{:#x}", self.model_in_flash);
        let mut command = match self.real.flasher {
            Flasher::ProbeRs => {
                self.flasher("download", &["--binary-format", "bin", "--base-address", &address])
            }
            Flasher::Espflash => self.flasher("write-bin", &[&address]),
        };
        command.arg(self.model);
        command
    }

    fn flasher(&self, subcommand: &str, more: &[&str]) -> Command {
        let mut command = Command::new(self.real.flasher.program().0);
        command.args([subcommand, "--chip", &self.real.chip]).args(more);
        command
    }
}

/// Returns the bytes of the events among a board's records, which have area 3
/// and their length last in a header of twelve bytes.
fn events(mut records: &[u8]) -> Vec<u8> {
    const EVENT: [u8; 4] = 3_u32.to_le_bytes();
    let mut events = Vec::new();
    while let [a, b, c, d, _, _, _, _, l0, l1, l2, l3, rest @ ..] = records {
        let len = u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize;
        let (values, rest) = rest.split_at(len.min(rest.len()));
        if [*a, *b, *c, *d] == EVENT {
            events.extend_from_slice(values);
        }
        records = rest;
    }
    events
}

/// Returns the bytes that ask a board for `count` images of its camera, of `side`
/// by `side` pixels, or for no end of them, and whether its test picture is wanted and
/// its clock (`shared::Stream` of the firmware).
fn camera_request(side: u32, count: Option<u32>, [picture, clock]: [bool; 2]) -> Vec<u8> {
    let options = u32::from(picture) | u32::from(clock) << 1;
    [side, 0, count.unwrap_or(0), options].map(u32::to_le_bytes).concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    #[test]
    fn commands_are_those_of_the_boards_flasher() {
        let folder = project::firmware().join("esp32c3/partitions.csv");
        let check = |board: &str, commands: fn(&Task<'_>) -> Vec<Command>, expected: [&str; 2]| {
            let board = boards::board(board).expect("it is known");
            let task = Task {
                real: board.real.as_ref().expect("it is no emulated one"),
                board,
                elf: Path::new("bench"),
                model: Path::new("m.lcl"),
                model_in_flash: 0x8_0000,
                folder: Path::new("folder"),
            };
            let shown = commands(&task).iter().map(shown).collect::<Vec<_>>();
            assert_eq!(
                shown.join("\n").replace(&*folder.to_string_lossy(), "P"),
                expected.join("\n")
            );
        };
        let blob = "probe-rs download --chip nRF52840_xxAA --binary-format bin --base-address 0x80000 m.lcl";
        let run = [blob, "probe-rs run --chip nRF52840_xxAA bench"];
        check("nrf52840-dk", |task| task.write(false), run);
        let reset = [blob, "probe-rs reset --chip nRF52840_xxAA"];
        check("nrf52840-dk", |task| vec![task.blob(), task.write_model().remove(1)], reset);
        let both = [
            "espflash write-bin --chip esp32c3 0x80000 m.lcl",
            "espflash flash --chip esp32c3 --partition-table P --monitor --log-format defmt bench",
        ];
        check("esp32c3", |task| task.write(false), both);
        let through_the_link = [
            "probe-rs download --chip nRF52840_xxAA bench",
            "board-link --frames folder/frames.bin --rows folder/rows.bin probe --chip nRF52840_xxAA \
             --elf bench",
        ];
        let streamed = |task: &Task<'_>| vec![task.write(true).remove(1), task.link("unused")];
        check("nrf52840-dk", streamed, through_the_link);
        let through_usb = [
            "espflash flash --chip esp32c3 --partition-table P bench",
            "board-link --frames folder/frames.bin --rows folder/rows.bin serial --port /dev/ttyACM1",
        ];
        let streamed =
            |task: &Task<'_>| vec![task.write(true).remove(1), task.link("/dev/ttyACM1")];
        check("esp32c3", streamed, through_usb);
    }

    #[test]
    fn events_are_taken_from_the_records_and_a_camera_is_asked_for_side_and_count() {
        let record = |area: u32, values: &[u8]| {
            let len = u32::try_from(values.len()).expect("it is short");
            [&[area, 0, len].map(u32::to_le_bytes).concat()[..], values].concat()
        };
        let records = [record(3, &[1, 2]), record(1, &[9]), record(3, &[3])].concat();
        assert_eq!(events(&records), [1, 2, 3]);
        assert_eq!(events(&records[..records.len() - 1]), [1, 2]);
        let request = |side, count, options| camera_request(side, count, options);
        let numbers = |numbers: [u32; 4]| numbers.map(u32::to_le_bytes).concat();
        assert_eq!(request(96, Some(7), [false; 2]), numbers([96, 0, 7, 0]));
        assert_eq!(request(224, None, [true, false]), numbers([224, 0, 0, 1]));
        assert_eq!(request(48, None, [false, true]), numbers([48, 0, 0, 2]));
    }
}
