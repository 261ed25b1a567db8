//! What commands write never destroys what is there, and a standard output that
//! is closed or full kills nothing.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use lcl_infer::PoolOrder;

use crate::{
    command::{fail, folder, lcl, picture, succeed},
    integers::random_model,
    runs::Runs,
};

/// A folder with a checkpoint, a blob, images and features of them.
fn prepared() -> tempfile::TempDir {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    fs::create_dir(folder.path().join("photos")).expect("created");
    for index in 0..2 {
        let path = folder.path().join(format!("photos/{index}.png"));
        picture(48, 48, index).save(path).expect("saved");
    }
    let line = "features --model m.lcl --images photos --size 48 --out f.safetensors";
    succeed(&mut run(folder.path(), line));
    folder
}

fn run(folder: &Path, line: &str) -> Command {
    let mut command = lcl();
    command.current_dir(folder).args(line.split(' '));
    command
}

/// Every command that writes a file, up to the name of the file.
const WRITERS: [&str; 5] = [
    "features --model m.lcl --images photos --size 48 --out",
    "quantise --checkpoint c.safetensors --calibration photos --size 48 --out",
    "show f.safetensors --model m.lcl --out",
    "watch --model m.lcl --images photos --size 48 --out",
    "inspect m.lcl --dump",
];

#[cfg(unix)]
#[test]
fn an_output_that_is_an_input_is_refused_by_every_name() {
    use std::os::unix::fs::symlink;

    let folder = prepared();
    let path = |name: &str| folder.path().join(name);
    let inputs = ["m.lcl", "c.safetensors", "f.safetensors", "photos/0.png"];
    let content = |()| inputs.map(|name| fs::read(path(name)).expect("there"));
    let before = content(());
    for input in inputs {
        fs::hard_link(path(input), path(&format!("hard-{}", input.replace('/', "-"))))
            .expect("linked");
        symlink(input, path(&format!("soft-{}", input.replace('/', "-")))).expect("linked");
    }
    for (writer, input) in [
        (WRITERS[0], "m.lcl"),
        (WRITERS[0], "photos/0.png"),
        (WRITERS[1], "c.safetensors"),
        (WRITERS[1], "photos/0.png"),
        (WRITERS[2], "f.safetensors"),
        (WRITERS[2], "m.lcl"),
        (WRITERS[3], "m.lcl"),
        (WRITERS[3], "photos/0.png"),
        (WRITERS[4], "m.lcl"),
    ] {
        let other = input.replace('/', "-");
        for name in [
            input.to_owned(),
            format!("./photos/../{input}"),
            format!("hard-{other}"),
            format!("soft-{other}"),
        ] {
            if writer == WRITERS[0] && !name.ends_with(".safetensors") {
                // Refused by its ending before; a link without one is not.
                symlink(&name, path("link")).expect("linked");
                let error = fail(&mut run(folder.path(), &format!("{writer} link")));
                assert!(error.contains("would be overwritten"), "{writer} {name}: {error}");
                fs::remove_file(path("link")).expect("removed");
            } else {
                let error = fail(&mut run(folder.path(), &format!("{writer} {name}")));
                assert!(error.contains("would be overwritten"), "{writer} {name}: {error}");
            }
        }
    }
    assert!(content(()) == before);

    // An evaluation is not written over the one that it is compared with.
    fs::write(path("texture.json"), b"{}").expect("written");
    let error = fail(&mut run(
        folder.path(),
        "evaluate texture --model m.lcl --images photos --size 48 --against texture.json --out .",
    ));
    assert!(error.contains("texture.json") && error.contains("overwritten"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn links_are_followed_and_devices_and_pipes_stay() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let folder = prepared();
    let path = |name: &str| folder.path().join(name);
    let null = || fs::metadata("/dev/null").expect("there").file_type();
    assert!(null().is_char_device());
    for writer in WRITERS {
        let expected = path("expected");
        let _ = fs::remove_file(&expected);
        succeed(&mut run(folder.path(), &format!("{writer} expected")));
        let expected = fs::read(&expected).expect("written");

        succeed(&mut run(folder.path(), &format!("{writer} /dev/null")));
        assert!(null().is_char_device(), "{writer}");
        let mut full = run(folder.path(), &format!("{writer} /dev/full"));
        if expected.is_empty() {
            succeed(&mut full);
        } else {
            let error = fail(&mut full);
            assert!(error.contains("space"), "{writer}: {error}");
        }

        fs::write(path("target"), b"old").expect("written");
        symlink("target", path("link")).expect("linked");
        succeed(&mut run(folder.path(), &format!("{writer} link")));
        assert!(fs::symlink_metadata(path("link")).expect("there").is_symlink(), "{writer}");
        assert!(fs::read(path("target")).expect("there") == expected, "{writer}");
        fs::remove_file(path("link")).expect("removed");

        succeed(Command::new("mkfifo").arg(path("pipe")));
        let mut child = run(folder.path(), &format!("{writer} pipe"))
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut read = Vec::new();
        File::open(path("pipe")).expect("opened").read_to_end(&mut read).expect("read");
        assert!(child.wait().expect("ended").success() && read == expected, "{writer}");
        assert!(fs::symlink_metadata(path("pipe")).expect("there").file_type().is_fifo());
        fs::remove_file(path("pipe")).expect("removed");

        // The standard output carries the file and no word.
        let output = run(folder.path(), &format!("{writer} -")).output().expect("it starts");
        assert!(output.status.success() && output.stdout == expected, "{writer}");
        assert!(!fs::exists(path("-")).expect("readable"));

        let long = "n".repeat(240);
        succeed(&mut run(folder.path(), &format!("{writer} {long}")));
        assert!(fs::read(path(&long)).expect("there") == expected, "{writer}");
        for (name, part) in [("photos", "folder"), ("new/", "folder"), ("no/file", "folder first")]
        {
            let error = fail(&mut run(folder.path(), &format!("{writer} {name}")));
            assert!(error.contains(part), "{writer} {name}: {error}");
        }
    }
    let left = fs::read_dir(folder.path()).expect("readable").flatten();
    let parts: Vec<_> = left
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().ends_with(".part"))
        .collect();
    assert!(parts.is_empty(), "{parts:?}");
    for line in
        ["train --out", "prepare --data photos --out", "evaluate tuning --model m.lcl --out"]
    {
        let error = fail(&mut run(folder.path(), &format!("{line} -")));
        assert!(error.contains("standard output"), "{error}");
        fail(lcl().args(line.split(' ')).arg(""));
    }
}

/// Commands that print and end.
const TALKERS: [&str; 9] = [
    "--help",
    "train --help",
    "--version",
    "config",
    "completions bash",
    "inspect m.lcl",
    "inspect m.lcl --json",
    "compare --checkpoint c.safetensors --model m.lcl --images photos --size 48",
    "watch --model m.lcl --images scene:6 --size 48 --json",
];

#[cfg(target_os = "linux")]
#[test]
fn nobody_who_reads_ends_a_short_command_quietly_and_a_full_device_with_a_line() {
    let folder = prepared();
    for line in TALKERS {
        let mut closed = run(folder.path(), line);
        let (reader, writer) = pipe(folder.path());
        drop(reader);
        let output = closed.stdout(writer).output().expect("it starts");
        assert_eq!(output.status.code(), Some(141), "{line}");
        assert!(output.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stderr));

        let full = File::options().write(true).open("/dev/full").expect("opened");
        let mut full = run(folder.path(), line).stdout(full).spawn_with_errors();
        let status = full.0.wait().expect("ended");
        assert_eq!(status.code(), Some(1), "{line}");
        let lines: Vec<&str> = full.1.lines().collect();
        assert!(lines.len() == 1 && lines[0].starts_with("error: "), "{line}: {}", full.1);
        assert!(lines[0].contains("No space left"), "{line}: {}", full.1);
    }
    // Standard error that nobody reads kills nobody either.
    let (reader, writer) = pipe(folder.path());
    drop(reader);
    let status = run(folder.path(), "inspect nowhere.lcl").stderr(writer).status();
    assert_eq!(status.expect("it starts").code(), Some(1));
    // What is to be the standard output is not written by halves without a word.
    let (reader, writer) = pipe(folder.path());
    drop(reader);
    let line = "features --model m.lcl --images photos --size 48 --out -";
    let status = run(folder.path(), line).stdout(writer).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it starts").code(), Some(141));
}

trait SpawnWithErrors {
    fn spawn_with_errors(&mut self) -> (std::process::Child, String);
}

impl SpawnWithErrors for Command {
    fn spawn_with_errors(&mut self) -> (std::process::Child, String) {
        let mut child = self.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut errors = String::new();
        let mut stderr = child.stderr.take().expect("piped");
        stderr.read_to_string(&mut errors).expect("UTF-8");
        (child, errors)
    }
}

/// Returns both ends of a pipe.
#[cfg(target_os = "linux")]
fn pipe(folder: &Path) -> (File, File) {
    let path = folder.join("nobody");
    let _ = fs::remove_file(&path);
    succeed(Command::new("mkfifo").arg(&path));
    // Linux lets a pipe be opened for both, so that neither waits.
    let reader = File::options().read(true).write(true).open(&path).expect("opened");
    let writer = File::options().write(true).open(&path).expect("opened");
    (reader, writer)
}

#[cfg(target_os = "linux")]
#[test]
fn training_goes_on_where_nobody_reads() {
    let runs = Runs::new();
    let (reader, closed) = pipe(runs.out("x").parent().expect("a folder"));
    drop(reader);
    let status = runs.start("closed").stdout(closed).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it starts").code(), Some(0));
    runs.assert_whole("closed");
    let full = File::options().write(true).open("/dev/full").expect("opened");
    let (mut child, errors) = runs.start("full").stdout(full).spawn_with_errors();
    assert_eq!(child.wait().expect("ended").code(), Some(0), "{errors}");
    let about: Vec<&str> = errors.lines().filter(|line| line.contains("standard output")).collect();
    assert!(about.len() == 1 && about[0].contains("No space left"), "{errors}");
    runs.assert_whole("full");
}

#[test]
fn printed_commands_can_be_pasted() {
    let folder = prepared();
    let told = succeed(run(folder.path(), "prepare --data photos --out").arg("my pack's"));
    assert!(told.contains(r"lcl train --data 'my pack'\''s'"), "{told}");
    let line = "quantise --checkpoint c.safetensors --calibration photos --size 48 --out";
    let told = succeed(run(folder.path(), line).arg("a b.lcl"));
    assert!(told.contains("next: lcl inspect 'a b.lcl'"), "{told}");
}
