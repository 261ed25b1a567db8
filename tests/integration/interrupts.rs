//! Requests to end a run: once, twice, ignored, and while it quantises.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use crate::{
    command::{lcl, succeed},
    runs::{Runs, ended, lines, signal, wait_for},
};

#[test]
fn a_second_request_ends_a_run_at_once_and_cleanly() {
    let runs = Runs::new();
    for (attempt, first) in ["INT", "TERM", "HUP"].into_iter().cycle().take(6).enumerate() {
        let name = format!("twice {attempt}");
        let mut command = runs.start_for(&name, 1_000_000);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let child = child.expect("it starts");
        wait_for("a step", || lines(&runs.out(&name)) >= 1);
        signal(first, child.id());
        signal("INT", child.id());
        let output = ended(child);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{message}");
        assert!(!message.contains("error:"), "{message}");
        let steps = lines(&runs.out(&name)) as u64 + 1;
        succeed(runs.resume(&name).args(["--steps", &steps.to_string()]));
    }
}

#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let runs = Runs::new();
    let train = runs.start("ignored");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(train.get_program());
    let command = command.args(train.get_args()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    wait_for("two steps", || lines(&runs.out("ignored")) >= 2);
    signal("HUP", child.id());
    signal("HUP", child.id());
    let output = ended(child);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && message.is_empty(), "{}: {message}", output.status);
    runs.assert_whole("ignored");
}

#[test]
fn a_request_while_quantising_ends_at_once_and_says_how_to_go_on() {
    let runs = Runs::new();
    let out = runs.out("run");
    let mut command = lcl();
    command.args(["train", "--steps", "1", "--data", "synthetic:400", "--config"]);
    command.arg(runs.config()).arg("--out").arg(&out);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut printed = stdout.lines().map_while(Result::ok);
    assert!(printed.any(|line| line.starts_with("quantising")), "it never quantises");
    signal("INT", child.id());
    let rest: Vec<String> = printed.collect();
    assert_eq!(rest, [""; 0], "it went on");
    let mut message = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut message).expect("text");
    assert_eq!(child.wait().expect("ended").code(), Some(130), "{message}");
    for part in ["before the model was quantised", "best.safetensors", "--resume"] {
        assert!(message.contains(part), "{part:?} is missing in {message}");
    }
    assert!(!message.contains("error:"), "{message}");
    succeed(&mut runs.resume("run"));
    assert!(out.join("model.lcl").exists());
}

#[test]
fn a_run_goes_on_when_nobody_listens_any_more() {
    let runs = Runs::new();
    let mut command = runs.start("unheard");
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().expect("ended").success());
    runs.assert_whole("unheard");
}
