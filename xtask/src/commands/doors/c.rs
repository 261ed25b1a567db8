//! The door of C, on this machine and on an emulated Cortex-M4.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Shown, source};
use crate::CHECKED;
use crate::boards::{self, Board};
use crate::commands::bench;
use crate::firmware::loader;
use crate::process::{Logged, cargo, find, note, output, run};
use crate::project;
use crate::setup::{bare_metal, system};

const FOLDER: &str = "lcl-infer/c/examples";
const PACKAGE: [&str; 6] =
    ["--package", "lcl-infer-c", "--lib", "--crate-type", "staticlib", "--features"];
const LIBRARY: &str = "liblcl_infer_c.a";
const WARNINGS: [&str; 5] = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"];
const COMPILER: &str = "arm-none-eabi-gcc";
const BOARD: &str = "mps2-an386";

/// Side of the image whose instructions are compared.
const SIDE: u64 = 96;

pub fn check(shown: &Shown) -> Result<()> {
    on_host(shown)?;
    on_board(shown)
}

/// Builds the example and its misuse with the host's compiler and runs both, misuse also under valgrind.
fn on_host(shown: &Shown) -> Result<()> {
    let mut build = cargo();
    build.current_dir(project::root()).args(["--config", CHECKED.1, "rustc", "--release"]);
    Logged::new("build-c", "building the library for C").run(build.args(PACKAGE).arg("std"))?;
    let library = project::root().join("target/release").join(LIBRARY);
    for (name, main) in [("host", "host.c"), ("misuse", "misuse.c")] {
        let mut compile = Command::new(system::ensure("gcc")?);
        compile.args(WARNINGS).args(["-O2", "-g"]).args(sources(&["eye.c", main])).arg(&library);
        compile.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(shown.path(name));
        run(&mut compile).context("cannot build the example of C")?;
    }
    let host = output(Command::new(shown.path("host")).arg(shown.model.path()));
    shown.check("C", &host.context("the example of C fails")?)?;
    run(Command::new(shown.path("misuse")).arg(shown.model.path()))?;
    if find("valgrind").is_none() {
        note("skipped: valgrind is not there, so no memory was checked");
        return Ok(());
    }
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=all"]);
    run(valgrind.arg(shown.path("misuse")).arg(shown.model.path()))
        .context("valgrind finds an error of memory in the door of C")
}

/// Builds the example for the board with GCC, and compares bytes and instructions with the Rust program.
fn on_board(shown: &Shown) -> Result<()> {
    let board = boards::board(BOARD)?;
    let (library, rustc) = library_for(&board.target)?;
    system::ensure(COMPILER)?;
    let elf = shown.path("board.elf");
    let core = board.gcc.as_ref().context("it is a board of Arm")?;
    let mut compile = Command::new(COMPILER);
    compile
        .args(WARNINGS)
        .args(["-O2", "-mthumb", "-ffreestanding", "-nostdlib", "-Wl,-z,noexecstack"])
        .args(core);
    compile.args(["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-T"]);
    compile.args(sources(&["mps2-an386/link.ld", "eye.c", "mps2-an386/main.c"]));
    // Its calls of the emulator and its vectors are no pedantic C.
    compile.args(sources(&["mps2-an386/start.c"])).arg("-Wno-pedantic").arg(&library);
    run(compile.arg("-o").arg(&elf)).context("cannot build the example of C for a board")?;
    let symbols = output(Command::new("arm-none-eabi-nm").arg(&elf)).unwrap_or_default();
    let panic = symbols.lines().find(|line| line.contains("panic"));
    ensure!(panic.is_none(), "a path through the library for C leads to a panic: {panic:?}");

    let said = output(&mut emulator(board, shown.model.path(), &elf)?);
    let said = said.context("the example of C fails on the emulated board")?;
    ensure!(said.ends_with("ended well"), "the example of C did not end by itself: {said}");
    shown.check("C on a Cortex-M4", &said)?;
    let count = said.lines().find_map(|line| line.strip_prefix("instructions ")?.parse().ok());
    let count: u64 = count.context("the example of C does not say its instructions")?;
    let (budget, of_compiler) = bench::instructions(BOARD, SIDE)?;
    // With another compiler, budgets.txt holds the Rust programs no closer either.
    let percent = if rustc == of_compiler { 1 } else { 7 };
    note(format_args!("C on a Cortex-M4: {count} instructions, and Rust {budget}"));
    ensure!(
        count.abs_diff(budget) * 100 <= percent * budget,
        "C takes {count} instructions for {SIDE}×{SIDE} and Rust {budget}: {percent} % apart at most"
    );
    Ok(())
}

/// Builds the library for a target without an operating system, and returns it and its compiler.
pub fn library_for(target: &str) -> Result<(PathBuf, String)> {
    let toolchain = bare_metal::ensure(target)?;
    let folder = project::root().join("target/c");
    let mut build = toolchain.cargo("rustc", project::root(), &folder);
    build.args(["--profile", "library"]).args(PACKAGE).arg("panic-handler");
    Logged::new("build-c", &format!("building the library for C and {target}")).run(&mut build)?;
    Ok((folder.join(target).join("library").join(LIBRARY), toolchain.compiler()))
}

fn emulator(board: &Board, model: &Path, elf: &Path) -> Result<Command> {
    let qemu = board.qemu.as_ref().context("it is emulated")?;
    let mut command = Command::new(system::ensure(&qemu.program)?);
    command.args(&qemu.arguments).args(&qemu.counting);
    command.args(["-display", "none", "-serial", "null", "-monitor", "none"]);
    command.args(["-semihosting-config", "enable=on,target=native", "-device"]);
    command.arg(loader(model, 0x20_0000)).arg("-kernel").arg(elf);
    Ok(command)
}

fn sources(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| source(FOLDER).join(name)).collect()
}
