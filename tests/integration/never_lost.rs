//! A run that is killed, interrupted or out of space goes on as if nothing had
//! happened.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use crate::{
    command::{fail, lcl, succeed},
    runs::{Runs, ended, lines, quietly, wait_for},
};

/// Kills that a run survives in the test.
const KILLS: u32 = 6;

/// Runs that are started to kill one at the right moment.
const ATTEMPTS: u32 = 40;

#[test]
fn a_run_killed_at_any_moment_ends_as_the_one_that_was_not() {
    let runs = Runs::new();
    let out = runs.out("killed");
    let mut child = quietly(&mut runs.start("killed"));
    wait_for("the configuration", || out.join("config.toml").exists());
    // Multiples of the golden ratio: moments all over a step and its checkpoint.
    for kill in 0..KILLS {
        sleep(Duration::from_millis(u64::from(kill * 618 % 1000) / 4));
        child.kill().expect("killed");
        child.wait().expect("ended");
        let so_far = lines(&out);
        child = quietly(&mut runs.resume("killed"));
        // The next kill comes when it has gone on for a step.
        wait_for("a step", || lines(&out) > so_far || child.try_wait().is_ok_and(|e| e.is_some()));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    succeed(&mut runs.resume("killed"));
    runs.assert_whole("killed");
}

/// Starts runs and kills each when `is_moment` says so, until one was hit at
/// that moment, as `was_hit` finds out afterwards; returns its name.
#[track_caller]
fn kill_at(
    runs: &Runs,
    what: &str,
    is_moment: impl Fn(&Path) -> bool,
    was_hit: impl Fn(&Path) -> bool,
) -> String {
    for attempt in 0..ATTEMPTS {
        let name = format!("{what} {attempt}");
        let out = runs.out(&name);
        let mut child = quietly(&mut runs.start(&name));
        while !is_moment(&out) && child.try_wait().is_ok_and(|ended| ended.is_none()) {}
        child.kill().expect("killed");
        child.wait().expect("ended");
        if was_hit(&out) {
            return name;
        }
    }
    panic!("no run was hit: {what}");
}

#[test]
fn a_run_killed_between_its_first_checkpoint_and_its_first_step_goes_on() {
    let runs = Runs::new();
    let has_checkpoint = |out: &Path| out.join("checkpoint.safetensors").exists();
    let has_no_step = |out: &Path| has_checkpoint(out) && lines(out) == 0;
    let killed = kill_at(&runs, "before the first step", has_checkpoint, has_no_step);
    succeed(&mut runs.resume(&killed));
    runs.assert_whole(&killed);
}

#[test]
fn a_run_killed_within_the_writing_of_a_checkpoint_goes_on() {
    let runs = Runs::new();
    for file in [".optimiser-", ".checkpoint."] {
        let is_being_written = |out: &Path| {
            let names = fs::read_dir(out).into_iter().flatten().flatten().map(|e| e.file_name());
            let names = names.map(|name| name.to_string_lossy().into_owned());
            lines(out) > 0 && names.into_iter().any(|n| n.starts_with(file) && n.contains(".part"))
        };
        let killed = kill_at(&runs, file, is_being_written, is_being_written);
        succeed(&mut runs.resume(&killed));
        runs.assert_whole(&killed);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_go_on_and_does() {
    let runs = Runs::new();
    let out = runs.out("interrupted");
    let mut command = runs.start("interrupted");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    wait_for("two steps", || lines(&out) >= 2);
    succeed(Command::new("kill").args(["-INT", &child.id().to_string()]));
    let output = ended(child);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("--resume"), "{message}");
    assert!(message.contains("stopped at step"), "{message}");
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(!message.contains("error:"), "{message}");
    succeed(&mut runs.resume("interrupted"));
    runs.assert_whole("interrupted");
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_written_the_last_checkpoint_stays() {
    let runs = Runs::new();
    let out = runs.out("full");
    let mut child = quietly(&mut runs.start("full"));
    wait_for("two steps", || lines(&out) >= 2);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let before = fs::read(out.join("checkpoint.safetensors")).expect("a checkpoint");
    let resume = runs.resume("full");
    // A limit on files stands in for a full disk: writing fails half-way.
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 1000; trap '' XFSZ; exec \"$0\" \"$@\""]);
    limited.arg(resume.get_program()).args(resume.get_args());
    let message = fail(&mut limited);
    assert!(message.contains("cannot write"), "{message}");
    let after = fs::read(out.join("checkpoint.safetensors")).expect("a checkpoint");
    assert!(before == after);
    succeed(&mut runs.resume("full"));
    runs.assert_whole("full");
}

/// Resumes the run in `$1` on a disk of its own, `$2`, that is full but for less
/// than a checkpoint, then with the disk free again, and leaves what there is
/// then in `$3`. It exits with 77 where no disk can be had.
#[cfg(target_os = "linux")]
const ON_A_FULL_DISK: &str = "\
run=$1 disk=$2 after=$3; shift 3
mount -t tmpfs -o size=64m tmpfs \"$disk\" || exit 77
cp -r \"$run/.\" \"$disk\" || exit 10
cat /dev/zero > \"$disk/filler\" 2> /dev/null
truncate -s -600K \"$disk/filler\" || exit 11
\"$@\" && exit 12
cmp \"$run/checkpoint.safetensors\" \"$disk/checkpoint.safetensors\" || exit 13
rm \"$disk/filler\"
\"$@\" || exit 14
cp -r \"$disk/.\" \"$after\"
";

/// Without leave to mount, as in many containers, it is skipped and says so; a
/// limit on the size of files stands in for the disk in the test above.
#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_the_last_checkpoint_stays() {
    let runs = Runs::new();
    let out = runs.out("full");
    let mut child = quietly(&mut runs.start("full"));
    wait_for("two steps", || lines(&out) >= 2);
    child.kill().expect("killed");
    child.wait().expect("ended");
    let disk = runs.out("disk");
    fs::create_dir(&disk).expect("a folder");
    // Its mounts are the command's alone, and gone when it ends.
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", ON_A_FULL_DISK, "sh"]);
    command.args([&out, &disk, &runs.out("after")]);
    command.arg(lcl().get_program()).args(["train", "--resume", "--out"]).arg(&disk);
    let Ok(output) = command.output() else {
        return eprintln!("skipped: there is no program unshare");
    };
    let message = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || message.starts_with("unshare:") {
        return eprintln!("skipped: a disk cannot be mounted here: {message}");
    }
    assert!(output.status.success(), "{}\n{message}", output.status);
    let error = message.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    for part in ["cannot write", "No space left", "free some space"] {
        assert!(error.contains(part), "{part:?} is missing in {message}");
    }
    runs.assert_whole("after");
}
