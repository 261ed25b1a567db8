//! `cargo xtask flash`: writes an example and a blob to a board that is on a
//! desk, and shows its log.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use super::bench::deepest_stack;
use super::example::{self, Images, write_events};
use super::host::exit_code;
use crate::boards::{Board, Example, Flasher, Output, Real};
use crate::firmware::{Program, TemporaryFolder, Usage};
use crate::process::{cargo, find, note, output, shown, status};
use crate::project;
use crate::setup::{board_link, jpeg};

/// Arguments of `flash`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(flatten)]
    example: example::Arguments,
    /// Serial port of an ESP, for images
    #[arg(long, value_name = "PORT", default_value = "/dev/ttyACM0")]
    port: String,
    /// Write the blob alone: the program on the board stays
    #[arg(long)]
    model_only: bool,
    /// Build, say what it takes and print the commands, without a board
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask flash --board nrf52840-dk --example self-test
  cargo xtask flash --board nrf52840-dk --example features --image I.png --size 96 --out F.safetensors
  cargo xtask flash --board pico2 --example bench --model M.lcl --model-only
  cargo xtask flash --board esp32c3 --example self-test --dry-run";

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (board, example) = arguments.example.chosen()?;
    let Some(real) = board.real() else {
        bail!(
            "{name} is an emulated board: run `cargo xtask emulate --board {name} --example {}`",
            example.name,
            name = board.name
        );
    };
    if !arguments.dry_run {
        ensure_connected(real)?;
    }
    let model = arguments.example.model()?;
    model.open()?;
    let program = Program::build(board, example, &model)?;
    print!("{}", report(board, real, (example, program.usage()), model.len())?);

    let folder = TemporaryFolder::new()?;
    let task = Task {
        real,
        board,
        elf: program.elf(),
        model: model.path(),
        model_in_flash: program.usage().model_in_flash,
        folder: folder.path(),
    };
    let images = arguments.example.images(example).filter(|_| !arguments.model_only);
    let writing =
        if arguments.model_only { task.write_model() } else { task.write(images.is_some()) };
    if arguments.dry_run {
        println!("\nNothing was written. Without --dry-run, this runs:\n");
        let prepare = images.map(|images| images.frames(task.model, task.folder));
        let link = images.map(|_| task.link(&arguments.port));
        for command in prepare.iter().chain(&writing).chain(&link) {
            println!("  {}", shown(command));
        }
        return Ok(ExitCode::SUCCESS);
    }
    match images {
        Some(images) => task.stream(arguments, (images, example.output), writing),
        None => task.run_all(writing),
    }
}

/// What is to be written, and where to.
struct Task<'a> {
    real: &'a Real,
    board: &'a Board,
    elf: &'a Path,
    model: &'a Path,
    /// Address of the model partition, as the flasher knows it.
    model_in_flash: u64,
    /// For images and features.
    folder: &'a Path,
}

impl Task<'_> {
    /// Runs commands until one fails.
    fn run_all(&self, commands: Vec<Command>) -> Result<ExitCode> {
        for mut command in commands {
            note(format!("$ {}", shown(&command)));
            let status = status(&mut command)?;
            if !status.success() {
                let Self { real, board, .. } = self;
                note(format!("this failed; {} needs {}", board.name, real.connect));
                return Ok(exit_code(status.code()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the board, sends it images and collects its features.
    fn stream(
        &self,
        arguments: &Arguments,
        (images, output): (Images<'_>, Output),
        writing: Vec<Command>,
    ) -> Result<ExitCode> {
        jpeg::ensure()?;
        board_link::ensure()?;
        let prepare = images.frames(self.model, self.folder);
        let code = self.run_all([prepare].into_iter().chain(writing).collect())?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
        let mut link = self.link(&arguments.port);
        note(format!("$ {}", shown(&link)));
        let link = link.stdout(Stdio::piped()).spawn();
        let mut link = link.context("cannot start the link to the board")?;
        let log = link.stdout.take().context("the link has no output")?;
        let mut decoder = cargo();
        decoder.current_dir(project::root());
        decoder.args(["run", "--quiet", "--package", "defmt-log", "--"]).arg(self.elf);
        let decoded = status(decoder.stdin(log));
        let ended = link.wait().context("cannot wait for the link to the board")?;
        decoded?;
        if !ended.success() {
            note(format!("it failed on {} ({ended})", self.board.name));
            return Ok(exit_code(ended.code()));
        }
        let Some(out) = &arguments.example.out else { return Ok(ExitCode::SUCCESS) };
        if output == Output::Events {
            let rows = self.folder.join("rows.bin");
            let rows =
                fs::read(&rows).with_context(|| format!("cannot read {}", rows.display()))?;
            write_events(&events(&rows), out)?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(exit_code(status(&mut images.collect(self.model, self.folder, out))?.code()))
    }

    /// Returns what carries images and features.
    fn link(&self, port: &str) -> Command {
        let mut link = board_link::command();
        link.arg("--frames").arg(self.folder.join("frames.bin"));
        link.arg("--rows").arg(self.folder.join("rows.bin"));
        match self.real.flasher {
            Flasher::ProbeRs { chip } => {
                link.args(["probe", "--chip", chip, "--elf"]).arg(self.elf);
            }
            Flasher::Espflash { .. } => {
                link.args(["serial", "--port", port]);
            }
        }
        link
    }

    /// Returns what writes the blob alone.
    fn write_model(&self) -> Vec<Command> {
        vec![self.blob(), self.flasher("reset")]
    }

    /// Returns what writes the blob and the program; the last shows the log
    /// unless images are to be sent.
    fn write(&self, streams: bool) -> Vec<Command> {
        let subcommand = match self.real.flasher {
            Flasher::ProbeRs { .. } if streams => "download",
            Flasher::ProbeRs { .. } => "run",
            Flasher::Espflash { .. } => "flash",
        };
        let mut program = self.flasher(subcommand);
        if let Flasher::Espflash { .. } = self.real.flasher {
            let partitions = project::firmware().join(self.board.name).join("partitions.csv");
            program.arg("--partition-table").arg(partitions);
            if !streams {
                program.args(["--monitor", "--log-format", "defmt"]);
            }
        }
        program.arg(self.elf);
        vec![self.blob(), program]
    }

    /// Returns what writes the blob to its partition.
    fn blob(&self) -> Command {
        let address = format!("{:#x}", self.model_in_flash);
        let mut command = match self.real.flasher {
            Flasher::ProbeRs { .. } => {
                let mut command = self.flasher("download");
                command.args(["--binary-format", "bin", "--base-address", &address]);
                command
            }
            Flasher::Espflash { .. } => {
                let mut command = self.flasher("write-bin");
                command.arg(&address);
                command
            }
        };
        command.arg(self.model);
        command
    }

    fn flasher(&self, subcommand: &str) -> Command {
        let (Flasher::ProbeRs { chip } | Flasher::Espflash { chip }) = self.real.flasher;
        let mut command = Command::new(self.real.flasher.program().0);
        command.args([subcommand, "--chip", chip]);
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

/// Returns what the program takes of what the board has.
fn report(
    board: &Board,
    real: &Real,
    (example, usage): (&Example, &Usage),
    model_len: u64,
) -> Result<String> {
    let Usage { flash_bytes, flash_len, ram_bytes, ram_len, stack_room, model, .. } = usage;
    let model_room = model.end - model.start;
    let stack_bytes = deepest_stack(real.twin)?;
    let percent = |part: u64, whole: u64| part * 100 / whole.max(1);
    let text = format!(
        "{} on {} ({})\n\n  \
         program  {flash_bytes} of {flash_len} bytes of flash ({} %)\n  \
         model    {model_len} of {model_room} bytes of its partition ({} %), at {:#x}\n  \
         RAM      {ram_bytes} of {ram_len} bytes are statics ({} %)\n  \
         stack    {stack_room} bytes are left; `bench` took {stack_bytes} on {}, the emulated board \
         of this core\n",
        example.name,
        board.name,
        board.description,
        percent(*flash_bytes, *flash_len),
        percent(model_len, model_room),
        usage.model_in_flash,
        percent(*ram_bytes, *ram_len),
        real.twin,
    );
    if stack_bytes > *stack_room {
        bail!("{text}the stack does not fit: {} has too little RAM for it", board.name);
    }
    Ok(text)
}

/// Returns an error that says what to install or connect.
fn ensure_connected(real: &Real) -> Result<()> {
    let (program, install) = real.flasher.program();
    if find(program).is_none() {
        bail!("{program} is missing: run `{install}`, or use --dry-run");
    }
    let Flasher::ProbeRs { .. } = real.flasher else {
        // espflash looks for the port itself and says where there is none.
        return Ok(());
    };
    let probes = output(Command::new(program).arg("list")).unwrap_or_default();
    if probes.is_empty() || probes.contains("No debug probes") {
        bail!("there is no debug probe: connect {}, or use --dry-run", real.connect);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards;

    fn task(board: &str) -> Task<'static> {
        let board = boards::board(board).expect("it is known");
        Task {
            real: board.real().expect("it is no emulated one"),
            board,
            elf: Path::new("bench"),
            model: Path::new("m.lcl"),
            model_in_flash: 0x8_0000,
            folder: Path::new("folder"),
        }
    }

    #[track_caller]
    fn check(commands: &[Command], expected: &[&str]) {
        let partitions = project::firmware().join("esp32c3/partitions.csv");
        let partitions = partitions.to_string_lossy();
        let shown = commands.iter().map(|command| shown(command).replace(&*partitions, "P"));
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_blob_goes_to_its_partition_and_the_program_shows_its_log() {
        check(
            &task("nrf52840-dk").write(false),
            &[
                "probe-rs download --chip nRF52840_xxAA --binary-format bin --base-address 0x80000 m.lcl",
                "probe-rs run --chip nRF52840_xxAA bench",
            ],
        );
        check(
            &task("esp32c3").write(false),
            &[
                "espflash write-bin --chip esp32c3 0x80000 m.lcl",
                "espflash flash --chip esp32c3 --partition-table P --monitor --log-format defmt bench",
            ],
        );
    }

    #[test]
    fn events_are_taken_from_the_records() {
        let record = |area: u32, values: &[u8]| {
            let len = u32::try_from(values.len()).expect("it is short");
            [&[area, 0, len].map(u32::to_le_bytes).concat()[..], values].concat()
        };
        let records = [record(3, &[1, 2]), record(1, &[9]), record(3, &[3])].concat();
        assert_eq!(events(&records), [1, 2, 3]);
        assert_eq!(events(&records[..records.len() - 1]), [1, 2]);
    }

    #[test]
    fn a_blob_alone_leaves_the_program() {
        check(
            &task("pico2").write_model(),
            &[
                "probe-rs download --chip RP235x --binary-format bin --base-address 0x80000 m.lcl",
                "probe-rs reset --chip RP235x",
            ],
        );
    }

    #[test]
    fn images_go_through_the_link() {
        check(
            &[task("nucleo-h743zi").write(true).remove(1), task("nucleo-h743zi").link("unused")],
            &[
                "probe-rs download --chip STM32H743ZITx bench",
                "board-link --frames folder/frames.bin --rows folder/rows.bin probe --chip \
                 STM32H743ZITx --elf bench",
            ],
        );
        check(
            &[task("esp32c3").link("/dev/ttyACM1")],
            &[
                "board-link --frames folder/frames.bin --rows folder/rows.bin serial --port /dev/ttyACM1",
            ],
        );
    }
}
