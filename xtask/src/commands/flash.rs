//! `cargo xtask flash`: writes an example and a blob to a board that is on a
//! desk, and shows its log.

mod task;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use super::bench::deepest_stack;
use super::example;
use crate::boards::{Board, Example, Flasher, Real};
use crate::firmware::{Program, Usage};
use crate::process::{find, note, output, print, shown};
use crate::project;
use task::{Source, Task};

/// Arguments of `flash`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "options of a command line")]
pub struct Arguments {
    #[command(flatten)]
    example: example::Arguments,
    /// Frames to take of the board's own camera [default: until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
    /// Look at the camera's own test picture first, and say what is wrong with it
    #[arg(long)]
    test_picture: bool,
    /// Give the camera its clock, where modules may have an oscillator: two outputs on
    /// one pin would fight
    #[arg(long)]
    camera_clock: bool,
    /// Serial port of an ESP, for images
    #[arg(long, value_name = "PORT", default_value = "/dev/ttyACM0")]
    port: String,
    /// Write the blob alone: the program on the board stays
    #[arg(long, conflicts_with_all = ["image", "out", "frames"])]
    model_only: bool,
    /// Build, say what it takes and print the commands, without a board
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask flash --board nrf52840-dk --example self-test
  cargo xtask flash --board nrf52840-dk --example features --image I.png --size 96 --out F.safetensors
  cargo xtask flash --board nucleo-h743zi --example watch --frames 1000 --out events.bin
  cargo xtask flash --board nucleo-h743zi --example camera --test-picture --frames 1
  cargo xtask flash --board pico2 --example camera --camera-clock
  cargo xtask flash --board pico2 --example camera --image photos --size 96
  cargo xtask flash --board pico2 --example bench --model M.lcl --model-only
  cargo xtask flash --board esp32c3 --example self-test --dry-run";

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (board, example) = arguments.example.chosen()?;
    let Some(real) = &board.real else {
        bail!(
            "{name} is an emulated board: run `cargo xtask emulate --board {name} --example {}`",
            example.name,
            name = board.name
        );
    };
    let camera = real.camera.as_deref();
    let camera = camera.filter(|_| example.sees && arguments.example.image.is_none());
    check_camera(arguments, camera)?;
    arguments.example.check_out()?;
    if !arguments.dry_run {
        ensure_connected(real)?;
    }
    let model = arguments.example.model()?;
    let parts = model.open()?;
    if arguments.model_only && !parts.is_empty() {
        note(format_args!(
            "this model is for a program with the parts {}: where the board's was built for a model \
             without, leave out --model-only",
            parts.join(", ")
        ));
    }
    let program = Program::build(board, example, &model)?;
    print(report(board, real, (example, program.usage()), model.len())?)?;

    let folder = project::temporary_folder()?;
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
        print("\nNothing was written. Without --dry-run, this runs:\n\n")?;
        let of_host = images.filter(|_| camera.is_none());
        let prepare = of_host.map(|images| images.frames(task.model, task.folder));
        let link = images.map(|_| task.link(&arguments.port));
        for command in prepare.iter().chain(&writing).chain(&link) {
            print(format_args!("  {}\n", shown(command)))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let source = images.map(|images| camera.map_or(Source::Host(images), Source::Camera));
    match source {
        Some(source) => task.stream(arguments, (source, example.output), writing),
        None => task.run_all(writing),
    }
}

/// Refuses options that do not go with where the images come from.
fn check_camera(arguments: &Arguments, camera: Option<&str>) -> Result<()> {
    let of_cameras = [
        ("--frames", arguments.frames.is_some()),
        ("--test-picture", arguments.test_picture),
        ("--camera-clock", arguments.camera_clock),
    ];
    if let (None, Some((option, _))) = (camera, of_cameras.iter().find(|(_, given)| *given)) {
        bail!(
            "{option} is for a board's own camera, in the examples camera and watch without --image: \
             leave it out"
        );
    }
    match (camera, arguments.frames, &arguments.example.out) {
        (Some(camera), None, Some(_)) => bail!(
            "the {camera} goes on until Ctrl-C, which leaves no file: pass --frames N with --out, or \
             --image for other images"
        ),
        _ => Ok(()),
    }
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
    let stack_bytes = deepest_stack(&real.twin)?;
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
    if real.flasher == Flasher::Espflash {
        // It looks for the port itself and says if there is none.
        return Ok(());
    }
    let probes = output(Command::new(program).arg("list")).unwrap_or_default();
    if probes.is_empty() || probes.contains("No debug probes") {
        bail!("there is no debug probe: connect {}, or use --dry-run", real.connect);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_without_end_leaves_no_file() {
        #[derive(clap::Parser)]
        struct Cli {
            #[command(flatten)]
            arguments: Arguments,
        }
        let check = |camera, more: &str| {
            let line = format!("flash --board pico2 --example watch {more}");
            let cli: Cli =
                clap::Parser::try_parse_from(line.split_whitespace()).expect("a command");
            let error = check_camera(&cli.arguments, camera).err();
            error.map_or_else(String::new, |error| error.to_string())
        };
        let camera = Some("HM01B0");
        assert_eq!(
            [check(camera, ""), check(camera, "--frames 9 --out E"), check(None, "--out E")],
            [""; 3]
        );
        let error = check(camera, "--out E");
        assert!(error.contains("HM01B0") && error.contains("--frames N"), "{error}");
        assert!(check(None, "--frames 9").contains("leave it out"));
    }
}
