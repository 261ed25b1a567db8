//! What the command line takes: numbers in their ranges, fields by name, names
//! that are not UTF-8; and the files of features that it writes.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use host_trainer::config::{Config, SHIPPED};
use lcl_infer::PoolOrder;

use crate::{
    command::{fail, folder, lcl, picture, succeed},
    integers::random_model,
    runs::Runs,
};

fn run(folder: &Path, line: &str) -> Command {
    let mut command = lcl();
    command.current_dir(folder).args(line.split(' '));
    command
}

#[test]
fn numbers_out_of_range_are_refused_before_anything_is_read() {
    let folder = folder();
    // No file is there: whoever reads one first says so.
    for size in [
        "features --model m.lcl --images p --out o --size",
        "compare --checkpoint c --model m.lcl --images p --size",
        "quantise --checkpoint c --calibration p --out o --size",
        "watch --model m.lcl --images p --size",
        "frames --model m.lcl --images p --out o --size",
        "evaluate texture --model m.lcl --images p --size",
        "evaluate probe --model m.lcl --data p --size",
        "evaluate neural --model m.lcl --stimuli p --responses r --size",
    ] {
        for wrong in ["0", "-1", "4097", "100000", "4294967296", "many", "1.5"] {
            let error = fail(run(folder.path(), size).arg(wrong));
            assert!(error.contains("--size") || error.contains("'-1'"), "{error}");
            assert!(!error.contains("No such file"), "{error}");
        }
    }
    let neural = "evaluate neural --model m.lcl --stimuli p --responses r";
    for (line, option, wrong) in [
        ("train", "--batch", &["0", "1", "99999999999"][..]),
        ("train", "--threads", &["5000", "-1"]),
        ("train", "--steps", &["9223372036854775808", "x"]),
        ("train", "--epochs", &["9223372036854775808"]),
        ("train", "--seed", &["9223372036854775808", "-1"]),
        ("train", "--nproc", &["0", "1025"]),
        ("train", "--set", &["training.batch=1", "training.threads=5000", "nothing"]),
        ("step", "--batch", &["0", "1"]),
        ("step", "--threads", &["5000"]),
        ("step", "--repeats", &["0"]),
        ("show f --out o", "--first", &["0", "100000"]),
        ("watch --model m --images p --size 48", "--threshold", &["0", "-3", "nan", "inf", "256"]),
        ("watch --model m --images p --size 48", "--adaptation", &["8"]),
        ("watch --model m --images p --size 48", "--warm-up", &["0", "1"]),
        (neural, "--splits", &["0", "100000"]),
        (neural, "--components", &["0", "100000"]),
        ("evaluate receptive-fields --model m", "--least-r2", &["nan", "1.1", "-0.1"]),
        ("evaluate receptive-fields --model m", "--least-grey", &["nan", "2"]),
        ("evaluate tuning --model m", "--contrast", &["0", "nan", "1.01"]),
        ("evaluate tuning --model m", "--pixels-per-degree", &["0", "inf", "nan"]),
        ("watch --model m --size 48", "--images", &["synthetic:0", "synthetic:10000001"]),
    ] {
        for wrong in wrong {
            let error = fail(run(folder.path(), line).arg(format!("{option}={wrong}")));
            assert!(!error.contains("No such file"), "{line} {option} {wrong}: {error}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn a_configuration_is_printed_with_its_explanations_and_read_back() {
    let folder = folder();
    for shipped in SHIPPED {
        let text = succeed(&mut run(folder.path(), &format!("config {}", shipped.name)));
        let path = folder.path().join("printed.toml");
        fs::write(&path, text).expect("written");
        let found = Config::find(shipped.name.as_ref()).expect("a configuration");
        assert_eq!(Config::read(&path).expect("a configuration"), found, "{}", shipped.name);
    }
    let text = succeed(&mut run(folder.path(), "config --set training.batch=16"));
    assert!(text.contains("# Images in a batch.") && text.contains("# Default: 128\nbatch = 16"));
    fs::write(folder.path().join("wrong.toml"), "[training]\nbatches = 3\n").expect("written");
    for line in ["config wrong.toml", "train --config wrong.toml"] {
        let error = fail(&mut run(folder.path(), line));
        assert!(error.contains("wrong.toml, line 2: ") && error.contains("`batch`"), "{error}");
    }
}

#[test]
fn fields_that_are_set_are_those_of_the_run() {
    let runs = Runs::new();
    let out = runs.out("set");
    let mut start = runs.start_for("set", 1);
    start.args(["--threads", "1", "--set", "optimiser.learning_rate=0.002"]);
    succeed(start.args(["--set", "views.stages.0.size=32", "--set", "training.batch=3"]));
    let config = Config::read(&out.join("config.toml")).expect("a configuration");
    assert_eq!((config.training.batch, config.training.threads), (3, 1));
    assert_eq!((config.views.stages[0].size, config.optimiser.learning_rate), (32, 0.002));
    let error = fail(runs.resume("set").args(["--set", "training.batch=4"]));
    assert!(error.contains("training.batch is 4, the run began with 3"), "{error}");
}

#[test]
fn shells_are_given_what_they_complete_with() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = succeed(&mut run(folder.path(), &format!("completions {shell}")));
        assert!(script.contains("quantise") && script.contains("calibration"), "{shell}");
        fs::write(folder.path().join(shell), script).expect("written");
    }
    let parsed = Command::new("bash").arg("-n").arg(folder.path().join("bash")).status();
    assert!(parsed.is_err() || parsed.is_ok_and(|status| status.success()));
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let name = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
    let images = folder.path().join(name(b"p\xff"));
    fs::create_dir(&images).expect("created");
    fs::write(images.join(name(b"a\xfe.png")), png()).expect("written");
    fs::copy(folder.path().join("m.lcl"), folder.path().join(name(b"m\xfd.lcl"))).expect("copied");
    let out = name(b"f\xfc.npz");
    let line = "features --size 48 --model";
    succeed(
        run(folder.path(), line)
            .arg(name(b"m\xfd.lcl"))
            .arg("--images")
            .arg(&images)
            .arg("--out")
            .arg(out),
    );
    assert!(folder.path().join(out).is_file());
    succeed(run(folder.path(), "inspect").arg(name(b"m\xfd.lcl")));
    succeed(run(folder.path(), "watch --model m.lcl --size 48 --images").arg(&images));
    let quantise = "quantise --checkpoint c.safetensors --size 48 --calibration";
    let told =
        succeed(run(folder.path(), quantise).arg(&images).arg("--out").arg(name(b"q\xfb.lcl")));
    assert!(told.contains(r"lcl inspect $'q\xfb.lcl'"), "{told}");
    // A configuration is text, and a seed a number.
    let error = fail(run(folder.path(), "train --out r --data").arg(&images));
    assert!(error.contains("not UTF-8") && !folder.path().join("r").exists(), "{error}");
    for arguments in
        [&[b"train" as &[u8], b"--steps", b"\xff"][..], &[b"\xff"], &[b"train", b"--\xff"]]
    {
        let arguments = arguments.iter().map(|bytes| OsStr::from_bytes(bytes));
        fail(lcl().args(arguments));
    }
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture(48, 48, 1).write_to(&mut bytes, image::ImageFormat::Png).expect("encoded");
    bytes.into_inner()
}

#[test]
fn features_are_written_as_they_are_named() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let path = |name: &str| folder.path().join(name);
    let line = "features --model m.lcl --images synthetic:20 --size 48";
    succeed(&mut run(folder.path(), &format!("{line} --out all.safetensors")));
    succeed(&mut run(folder.path(), &format!("{line} --taps v2 --out v2.npy")));
    succeed(&mut run(folder.path(), &format!("{line} --pooled --out pooled.safetensors")));
    succeed(&mut run(folder.path(), &format!("{line} --out all.npz")));
    let all = fs::read(path("all.safetensors")).expect("there");
    let all = safetensors::SafeTensors::deserialize(&all).expect("whole");
    let v2 = all.tensor("v2").expect("there");
    assert_eq!(v2.shape(), [20, 3, 3, 192]);
    let npy = fs::read(path("v2.npy")).expect("there");
    assert!(npy.starts_with(b"\x93NUMPY\x01\x00") && &npy[128..] == v2.data());
    let header = String::from_utf8_lossy(&npy[10..128]).into_owned();
    assert!(header.contains("'shape': (20, 3, 3, 192, )") && header.contains("'<f4'"), "{header}");
    let npz = fs::read(path("all.npz")).expect("there");
    let holds = |part: &[u8]| npz.windows(part.len()).any(|window| window == part);
    assert!(
        npz.starts_with(b"PK")
            && holds(v2.data())
            && holds(all.tensor("v1_q").expect("there").data())
    );

    let pooled = fs::read(path("pooled.safetensors")).expect("there");
    let pooled = safetensors::SafeTensors::deserialize(&pooled).expect("whole");
    let floats = |data: &[u8]| -> Vec<f32> {
        data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    };
    let (mean, maps) = (pooled.tensor("v2").expect("there"), floats(v2.data()));
    assert_eq!((mean.shape(), pooled.names().len()), (&[20, 192][..], 2));
    for (index, mean) in floats(mean.data()).into_iter().enumerate() {
        let (image, channel) = (index / 192, index % 192);
        let at = |place: usize| f64::from(maps[(image * 9 + place) * 192 + channel]);
        let expected = (0..9).map(at).sum::<f64>() / 9.0;
        assert!((f64::from(mean) - expected).abs() <= 1e-6 * expected.abs(), "{index}");
    }

    let before = fs::read_dir(folder.path()).expect("readable").count();
    for (line, part) in [
        (format!("{line} --out x.npy"), "--taps V1"),
        (format!("{line} --out x.h5"), ".npz"),
        (format!("{line} --taps V1,V4 --out x.npz"), "V1, V2"),
        (format!("{line} --taps , --out x.npz"), "V1, V2"),
    ] {
        let error = fail(&mut run(folder.path(), &line));
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), before);
    let told = succeed(&mut run(folder.path(), "show all.safetensors --out p.png --first 2"));
    assert!(told.contains("2 of 20 images"), "{told}");
    let error = fail(&mut run(folder.path(), "show pooled.safetensors --out x.png"));
    assert!(error.contains("--pooled"), "{error}");
}

/// Returns the most memory that a command took, in mebibytes.
#[cfg(target_os = "linux")]
fn peak(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("it runs").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        let now = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        most = most.max(now.unwrap_or_default() / 1024);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().expect("ended").success());
    most
}

#[cfg(target_os = "linux")]
#[test]
fn features_take_no_more_memory_where_there_are_more_images() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let of = |images: usize| {
        let line = format!(
            "features --model m.lcl --images synthetic:{images} --size 224 --out /dev/null"
        );
        peak(&mut run(folder.path(), &line))
    };
    // 320 images are 320 · (28² · 64 + 14² · 192) · 5 bytes, 140 MB.
    let (few, many) = (of(32), of(352));
    assert!(many < few + 60, "{few} MiB for 32 images, {many} MiB for 352");
}

#[cfg(target_os = "linux")]
#[test]
fn features_that_are_killed_leave_no_file() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let count = || fs::read_dir(folder.path()).expect("readable").count();
    let before = count();
    let line = "features --model m.lcl --images synthetic:20000 --size 96 --out f.safetensors";
    let mut child = run(folder.path(), line)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert!(child.try_wait().expect("it runs").is_none(), "it was too fast");
    child.kill().expect("killed");
    child.wait().expect("ended");
    let unnamed = tempfile::tempfile_in(folder.path()).is_ok();
    assert!(!unnamed || count() == before, "a part is left");
}
