//! `cargo xtask planted`: the test of the test that lcl-infer cannot panic.
//!
//! The program `panic-free` links where no path from it leads to a panic. That
//! says something only of what is reached from it, so here copies of lcl-infer
//! are made to fail: one with a panic planted must not link, for that panic's
//! sake, and one whose every function calls a function that is nowhere must miss
//! all of them. A program with two versions of lcl-infer is to link.

mod copy;
mod source;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::boards::{self, Board};
use crate::firmware::target_dir;
use crate::process::{note, run as run_command, shown};
use crate::setup::bare_metal::{self, Toolchain};
use copy::Copy;

/// What the panic handler of `panic-free` calls.
const PANIC: &str = "a_path_through_lcl_infer_leads_to_a_panic";

/// A panic that is not optimised away.
const ASSERTION: &str = "assert!(core::hint::black_box(true));";

/// Where a panic is planted: what that part is, its file and a function.
const PLANTS: &[(&str, &str, &str)] = &[
    ("engine", "frontend.rs", "push_row"),
    ("watcher", "novelty/mod.rs", "finish_band"),
    ("kernels", "kernels/tiled.rs", "lay_out"),
];

/// Files of kernels, or folders of them, and the boards that run them.
const KERNELS: &[(&str, &[&str])] = &[
    ("mps2-an385", &["arm/mod.rs", "arm/v7m.rs"]),
    ("mps2-an386", &["arm/mod.rs", "arm/dsp.rs", "arm/sums.rs", "arm/toom/", "arm/toom/dsp/"]),
    ("mps2-an505", &["arm/mod.rs", "arm/dsp.rs", "arm/sums.rs", "arm/toom/", "arm/toom/dsp/"]),
    ("mps3-an547", &["helium/mod.rs", "helium/conv.rs", "helium/pool.rs"]),
    ("riscv32-virt", &[]),
    ("esp32c3", &[]),
];

/// Names of files, in any folder, that nothing but tests and hosts call: the naive
/// references, which say that they panic, and real numbers and files, which are
/// features of their own; and what there is in place of parts that are not built in,
/// all of which are here.
const LEFT_OUT: &[&str] = &["lib.rs", "switch.rs", "reference.rs", "float.rs", "host.rs"];

/// Functions that the program need not reach, and why.
const UNREACHED: &[(&str, &str, &str)] = &[];

pub fn run() -> Result<ExitCode> {
    for (at, board) in boards::cores().enumerate() {
        let toolchain = bare_metal::ensure(&board.target)?;
        let copy = Copy::new(&target_dir(board).join("planted"))?;
        if at == 0 {
            for &(what, file, function) in PLANTS {
                note(format_args!("a panic in the {what}: {function} of {file}"));
                refuses_panic(&copy, &toolchain, board, file, function)?;
            }
        }
        links_twice(&copy, &toolchain, board)?;
        let count = reaches_all(&copy, &toolchain, board)?;
        note(format_args!("{}: all of {count} functions are reached", board.name));
    }
    note("panic-free fails where it should");
    Ok(ExitCode::SUCCESS)
}

/// Sees that a panic in a function does not link.
fn refuses_panic(
    copy: &Copy,
    toolchain: &Toolchain,
    board: &Board,
    file: &str,
    function: &str,
) -> Result<()> {
    let mut planted = 0;
    copy.engine(|path, text| {
        source::planted(text, |name| {
            let here = path == Path::new(file) && name == function && planted == 0;
            planted += usize::from(here);
            here.then(|| ASSERTION.to_owned())
        })
    })?;
    ensure!(planted == 1, "lcl-infer/src/{file} has no function `{function}`: change PLANTS");
    let missing = missing(copy, toolchain, board)?;
    ensure!(
        missing.iter().any(|symbol| symbol == PANIC),
        "a panic planted in `{function}` of lcl-infer/src/{file} still links: panic-free does not \
         reach it"
    );
    Ok(())
}

/// Sees that every function is reached, and returns how many there are.
fn reaches_all(copy: &Copy, toolchain: &Toolchain, board: &Board) -> Result<usize> {
    let kernels = KERNELS.iter().find(|(name, _)| *name == board.name);
    let (_, kernels) = kernels.with_context(|| format!("KERNELS has no {}", board.name))?;
    let mut marks = BTreeMap::new();
    copy.engine(|path, text| {
        let name = path.to_string_lossy().replace('\\', "/");
        // `mod.rs` there chooses kernels; each other file is for some machines.
        let arch = name.strip_prefix("kernels/arch/").filter(|file| *file != "mod.rs");
        let other = arch.is_some_and(|arch| !kernels.iter().any(|kernels| is_of(arch, kernels)));
        source::planted(text, |function| {
            let known = |(file, of, _): &(&str, &str, &str)| *file == name && *of == function;
            let is_left_out =
                path.file_name().is_some_and(|file| LEFT_OUT.iter().any(|left| file == *left));
            if other || is_left_out || UNREACHED.iter().any(known) {
                return None;
            }
            let mark = format!("lcl_infer_reached_{}", marks.len());
            let call = format!("unsafe extern \"C\" {{ safe fn {mark}(); }} {mark}();");
            marks.insert(mark, format!("`{function}` of lcl-infer/src/{name}"));
            Some(call)
        })
    })?;
    let reached: HashSet<String> = missing(copy, toolchain, board)?.into_iter().collect();
    let unreached: Vec<_> =
        marks.iter().filter(|(mark, _)| !reached.contains(*mark)).map(|(_, what)| what).collect();
    if !unreached.is_empty() {
        let list: Vec<_> = unreached.iter().map(|what| format!("\n  {what}")).collect();
        bail!(
            "panic-free for {} does not reach these, and says nothing of them: call them in \
             firmware-examples/panic-free{}",
            board.name,
            list.concat()
        );
    }
    Ok(marks.len())
}

/// Returns whether a file is one of kernels: that file, or one right in that
/// folder.
fn is_of(file: &str, kernels: &str) -> bool {
    let within = file.strip_prefix(kernels).filter(|_| kernels.ends_with('/'));
    file == kernels || within.is_some_and(|name| !name.contains('/'))
}

/// Sees that a program may link two versions.
fn links_twice(copy: &Copy, toolchain: &Toolchain, board: &Board) -> Result<()> {
    copy.engine(|_, text| text.to_owned())?;
    let folder = copy.board(&board.name)?;
    let mut command = toolchain.cargo("build", &folder, &copy.target_dir());
    run_command(command.args(["--quiet", "--release", "--package", "twice"]))
        .with_context(|| format!("two versions of lcl-infer do not link for {}", board.name))
}

/// Builds the program, which is not to link, and returns the symbols that it
/// misses.
fn missing(copy: &Copy, toolchain: &Toolchain, board: &Board) -> Result<Vec<String>> {
    let folder = copy.board(&board.name)?;
    let mut command = toolchain.cargo("rustc", &folder, &copy.target_dir());
    command.args(["--release", "--package", "panic-free", "--", "-Clink-arg=--error-limit=0"]);
    let output = command.output().with_context(|| format!("cannot start `{}`", shown(&command)))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let missing = undefined(&text);
    // Where it links or fails for another reason, the caller is not to guess.
    if missing.is_empty() && !output.status.success() {
        bail!("`{}` failed, but not at linking:\n{text}", shown(&command));
    }
    Ok(missing)
}

/// Returns the symbols that a linker calls undefined.
fn undefined(text: &str) -> Vec<String> {
    let symbols = text.split("undefined symbol: ").skip(1);
    symbols.filter_map(|rest| rest.split_whitespace().next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_has_its_kernels() {
        for board in boards::cores() {
            assert!(KERNELS.iter().any(|(name, _)| *name == board.name), "{}", board.name);
        }
        let text = "rust-lld: error: undefined symbol: one\n>>> referenced by a\n\n\
                    rust-lld: error: undefined symbol: two\n";
        assert_eq!(undefined(text), ["one", "two"]);
        assert!(undefined("error: could not compile").is_empty());
    }
}
