//! Running a program under QEMU.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Program;
use crate::boards::{Board, Qemu};
use crate::process::{Logged, Running, cargo};
use crate::project;
use crate::setup::system;

/// What the log of a program ends with that did what it is there for
/// (`emulated::stop`). An emulator that somebody ends says success, too.
const ENDED_WELL: &str = "ended well";

/// How often a running emulator is looked at.
const POLL: Duration = Duration::from_millis(20);

/// One run of a program on an emulated board.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub board: &'a Board,
    pub program: &'a Program,
    pub model: &'a Path,
    pub folder: &'a Path,
    /// Whether counters are to follow instructions exactly, which is slower.
    pub counting: bool,
    pub timeout: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub log: Vec<String>,
    pub elapsed: Duration,
}

impl Run<'_> {
    pub fn ensure(board: &Board) -> Result<()> {
        qemu(board).and_then(|qemu| system::ensure(&qemu.program)).map(|_| ())
    }

    pub fn build_decoder() -> Result<()> {
        Logged::new("build-defmt-log", "building the decoder of the log")
            .run(cargo().current_dir(project::root()).args(["build", "--package", "defmt-log"]))
            .context("cannot build the decoder of the log")
    }

    /// Returns the decoder of a program's log, as a command.
    pub fn decoder(elf: &Path) -> Command {
        let mut decoder = cargo();
        decoder.current_dir(project::root());
        decoder.args(["run", "--quiet", "--package", "defmt-log", "--"]).arg(elf);
        decoder
    }

    /// Runs the program to its end and hands each line of its log to `print`
    /// as it comes.
    pub fn run(&self, print: impl FnMut(&str) -> Result<()> + Send) -> Result<Ended> {
        let started = Instant::now();
        let mut emulator = self.start()?;
        let log = emulator.take_stdout().context("the emulator has no output")?;
        let mut decoder = Self::decoder(self.program.elf());
        let decoder = Running::start(decoder.stdin(log).stdout(Stdio::piped()));
        let mut decoder = decoder.context("cannot start the decoder of the log")?;
        let lines = decoder.take_stdout().context("the decoder has no output")?;
        let (ended, log) = thread::scope(|scope| {
            let log = scope.spawn(|| collect(BufReader::new(lines), print));
            let ended = self.wait(&mut emulator, started);
            // One that has not ended is stopped, so that its log ends.
            drop(emulator);
            (ended, log.join())
        });
        let decoded = decoder.wait()?;
        let status = ended?;
        let Ok(log) = log else { bail!("the log could not be read") };
        let Log { lines, ended_well } = log?;
        if status.success() && !ended_well {
            bail!("the emulator was ended before its program: run the command again");
        }
        if !decoded.success() {
            bail!("the log could not be decoded to its end");
        }
        Ok(Ended { status, log: lines, elapsed: started.elapsed() })
    }

    fn start(&self) -> Result<Running> {
        let Qemu { program, arguments, counting } = qemu(self.board)?;
        let mut command = Command::new(program);
        command.current_dir(self.folder).args(arguments);
        command.args(["-display", "none", "-serial", "null", "-monitor", "none"]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        if self.counting {
            command.args(counting);
        }
        let address = self.program.model_partition().start;
        command.arg("-device").arg(loader(self.model, address));
        command.arg("-kernel").arg(self.program.elf());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Running::start(&mut command)
    }

    fn wait(&self, emulator: &mut Running, started: Instant) -> Result<ExitStatus> {
        loop {
            if let Some(status) = emulator.try_wait()? {
                return Ok(status);
            }
            if started.elapsed() > self.timeout {
                bail!(
                    "the program has not ended after {} s and was stopped; --timeout SECONDS allows \
                     more",
                    self.timeout.as_secs()
                );
            }
            thread::sleep(POLL);
        }
    }
}

fn qemu(board: &Board) -> Result<&Qemu> {
    board.qemu.as_ref().with_context(|| {
        let name = &board.name;
        format!(
            "{name} is no emulated board: run `cargo xtask flash --board {name}`, or emulate one of \
             `cargo xtask boards`"
        )
    })
}

/// What a program logged.
#[derive(Debug, Default, PartialEq, Eq)]
struct Log {
    lines: Vec<String>,
    /// Whether it said itself that it ended well, last.
    ended_well: bool,
}

/// Reads to the end, whether or not the lines can be printed.
fn collect(lines: impl BufRead, mut print: impl FnMut(&str) -> Result<()>) -> Result<Log> {
    let (mut log, mut printed) = (Log::default(), Ok(()));
    for line in lines.lines().map_while(Result::ok) {
        log.ended_well = line == ENDED_WELL;
        if !log.ended_well {
            printed = printed.and_then(|()| print(&line));
            log.lines.push(line);
        }
    }
    printed.map(|()| log)
}

/// Returns QEMU's argument that places a file at an address.
pub fn loader(file: &Path, address: u64) -> OsString {
    let mut argument = OsString::from("loader,file=");
    // QEMU takes a comma for the end of a value unless it is doubled.
    match file.to_str() {
        Some(path) => argument.push(path.replace(',', ",,")),
        None => argument.push(file),
    }
    argument.push(format!(",addr={address:#x},force-raw=on"));
    argument
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_says_so_last_has_ended_well() {
        let check = |text: &str, lines: &[&str], ended_well| {
            let log = collect(text.as_bytes(), |_| Ok(())).expect("it is printed");
            assert_eq!(
                (log.lines, log.ended_well),
                (lines.iter().map(|&l| l.into()).collect(), ended_well)
            );
        };
        check("a line\nended well\n", &["a line"], true);
        check("a line\n", &["a line"], false);
        check("ended well\na line\n", &["a line"], false);
        check("", &[], false);
    }

    #[test]
    fn lines_that_cannot_be_printed_are_read_to_their_end() {
        let mut tried = 0;
        let log = collect("a\nb\n".as_bytes(), |_| {
            tried += 1;
            bail!("no room")
        });
        assert!(log.is_err_and(|error| error.to_string() == "no room"));
        assert_eq!(tried, 1);
    }

    #[test]
    fn the_model_is_placed_at_its_address() {
        let argument = loader(Path::new("/a,b/m.lcl"), 0x20_0000);
        assert_eq!(argument, "loader,file=/a,,b/m.lcl,addr=0x200000,force-raw=on");
    }
}
