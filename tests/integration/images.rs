//! The world's images: what claims to be huge, what lies among images in a
//! folder, and the same images packed in several ways.

use std::{
    fs,
    os::unix::{ffi::OsStrExt, fs::symlink, net::UnixListener},
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use lcl_infer::PoolOrder;

use crate::command::{fail, folder, lcl, picture, succeed};
use crate::integers::random_model;

/// How long a command may take that could wait for ever.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a command that has to end by itself.
#[track_caller]
fn ends(command: &mut Command) -> Output {
    let started = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    while child.try_wait().expect("a child").is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().expect("killed");
            panic!("{command:?} does not end");
        }
        sleep(Duration::from_millis(50));
    }
    child.wait_with_output().expect("its output")
}

/// Every command that reads images, on those at `images`, as a user types it.
fn commands(folder: &Path, images: &str) -> Vec<Command> {
    let pack = format!("{images}.pack");
    let lines: [&[&str]; 5] = [
        &["prepare", "--data", images, "--out", &pack],
        &["quantise", "--checkpoint", "c.safetensors", "--out", "q.lcl", "--calibration", images],
        &[
            "features",
            "--model",
            "m.lcl",
            "--size",
            "48",
            "--out",
            "f.safetensors",
            "--images",
            images,
        ],
        &["watch", "--model", "m.lcl", "--size", "48", "--images", images],
        &[
            "compare",
            "--checkpoint",
            "c.safetensors",
            "--model",
            "m.lcl",
            "--size",
            "48",
            "--images",
            images,
        ],
    ];
    let command = |line: &[&str]| {
        let mut command = lcl();
        command.current_dir(folder).args(line);
        command
    };
    lines.into_iter().map(command).collect()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Checks that every command ends well and that each says all of `expected` on
/// the standard error, and none says `wrong`.
#[track_caller]
fn check_all(folder: &Path, images: &str, expected: &[&str], wrong: &str) {
    for mut command in commands(folder, images) {
        let output = ends(&mut command);
        let errors = errors(&output);
        assert!(output.status.success(), "{command:?}\n{errors}");
        for part in expected {
            assert!(errors.contains(part), "{command:?}: {part:?} is missing in {errors}");
        }
        assert!(!errors.contains(wrong), "{command:?}: {wrong:?} is in {errors}");
    }
}

fn pictures(folder: &Path, names: &[&str]) {
    for (name, seed) in names.iter().zip(0..) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        picture(64, 64, seed).save(path).expect("saved");
    }
}

/// A chunk of a PNG.
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let checked = [&kind[..], content].concat();
    let mut crc = u32::MAX;
    for byte in &checked {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    let len = u32::try_from(content.len()).expect("short").to_be_bytes();
    [&len, &checked[..], &(!crc).to_be_bytes()].concat()
}

/// A PNG of a few bytes that says it has that size.
fn png(side: u32, bits: u8) -> Vec<u8> {
    let side = side.to_be_bytes();
    let header = [&side, &side, &[bits, 0, 0, 0, 0][..]].concat();
    let parts = [chunk(*b"IHDR", &header), chunk(*b"IDAT", &[0x78, 0x9c]), chunk(*b"IEND", &[])];
    [&b"\x89PNG\r\n\x1a\n"[..], &parts.concat()].concat()
}

/// A BMP that says the same.
fn bmp(side: u32) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let end = words(&[0, 0, 2835, 2835, 0, 0]);
    let (start, header) = (words(&[54, 0, 54, 40, side, side]), [1, 0, 24, 0]);
    [&b"BM"[..], &start, &header, &end, &[0; 20]].concat()
}

/// A TIFF that says the same, grey in one strip.
fn tiff(side: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x08\0".to_vec();
    let tags: [(u16, u32); 8] =
        [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (278, side), (279, 9)];
    for (tag, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 200]);
    bytes
}

#[test]
fn pictures_that_claim_to_be_huge_are_named_and_skipped() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let names: Vec<String> = (0..12).map(|index| format!("images/{index}.jpg")).collect();
    pictures(folder.path(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    let images = folder.path().join("images");
    let mut jpeg = fs::read(images.join("0.jpg")).expect("readable");
    let frame = jpeg.windows(2).position(|pair| matches!(pair, [0xff, 0xc0..=0xc2]));
    let size = frame.expect("a frame") + 5;
    jpeg[size..size + 4].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    let screen = [&b"GIF89a"[..], &[0xff; 4], &[0; 3], b",\0\0\0\0\xff\xff\xff\xff\0\x02\0;"];
    let huge: [(&str, Vec<u8>); 8] = [
        ("h.png", png(100_000, 8)),
        ("h1.png", png(20_000, 1)),
        ("h.ppm", b"P6\n100000 100000\n255\n0000".to_vec()),
        ("h.pgm", b"P5\n100000 100000\n65535\n0000".to_vec()),
        ("h.gif", screen.concat()),
        ("h.bmp", bmp(50_000)),
        ("h.tif", tiff(100_000)),
        ("h.jpg", jpeg),
    ];
    for (name, bytes) in &huge {
        fs::write(images.join(name), bytes).expect("written");
    }
    let names: Vec<String> = huge.iter().map(|(name, _)| format!("images/{name} says")).collect();
    let mut expected: Vec<&str> = names.iter().map(String::as_str).collect();
    expected.push("268435456 that are read; --max-pixels");
    check_all(folder.path(), "images", &expected, "damaged");
    // One alone is an error, and a limit of one's own holds.
    let mut features = lcl();
    features.current_dir(folder.path()).args(["features", "--model", "m.lcl", "--size", "48"]);
    features.args(["--out", "g.safetensors", "--images", "images/1.jpg"]);
    let error = fail(features.args(["--max-pixels", "4095"]));
    assert!(error.contains("64x64") && error.contains("the 4095 that are read"), "{error}");
    succeed(commands(folder.path(), "images/1.jpg")[2].args(["--max-pixels", "4096"]));
}

#[test]
fn a_strip_is_cut_before_it_is_resized() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let mut strip = b"P5\n16 2000000\n255\n".to_vec();
    strip.extend((0..16 * 2_000_000_u32).map(|at| (at / 7).to_le_bytes()[0]));
    fs::write(folder.path().join("strip.pgm"), strip).expect("written");
    let mut features = commands(folder.path(), "strip.pgm").swap_remove(2);
    features.stderr(Stdio::piped());
    let mut child = features.stdout(Stdio::null()).spawn().expect("it starts");
    let (mut most_kib, status) = (0, format!("/proc/{}/status", child.id()));
    while child.try_wait().expect("a child").is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        most_kib = most_kib.max(kib.unwrap_or_default());
        sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", errors(&output));
    assert!(most_kib < 1 << 20, "{most_kib} KiB");
}

#[test]
fn only_regular_files_are_images() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let images = folder.path().join("images");
    pictures(&images, &["1.png", "a/2.png", "3.png", ".hidden/4.png", "5.jpg"]);
    fs::write(images.join("notes.txt"), b"mine").expect("written");
    fs::write(images.join("raw.heic"), b"other").expect("written");
    symlink("nowhere.png", images.join("dangling.png")).expect("a link");
    symlink("round.png", images.join("round.png")).expect("a link");
    symlink("/dev/zero", images.join("zero.png")).expect("a link");
    symlink("..", images.join("a/up")).expect("a link");
    let _socket = UnixListener::bind(images.join("socket.png")).expect("a socket");
    succeed(Command::new("mkfifo").arg(images.join("pipe.png")));
    fs::write(images.join("shard.tar"), b"\x1f\x8b\x08 compressed").expect("written");
    let expected = [
        "images/dangling.png: it is a link to a file that is not there",
        "images/round.png: ",
        "images/zero.png: it is a device",
        "images/socket.png: it is a socket",
        "images/pipe.png: it is a named pipe",
        "images/shard.tar: it is not a whole .tar: it is compressed, gzip",
        "6 entries of images cannot be read as files",
        "2 files that are no images in images: 1 .heic, 1 .txt",
    ];
    check_all(folder.path(), "images", &expected, "hidden");
    let kept = succeed(commands(folder.path(), "images")[2].stderr(Stdio::null()));
    assert!(kept.starts_with("4 images"), "{kept}");
    for (odd, why) in [("pipe.png", "named pipe"), ("socket.png", "socket"), ("zero.png", "device")]
    {
        for mut command in commands(folder.path(), &format!("images/{odd}")) {
            let output = ends(&mut command);
            let errors = errors(&output);
            assert_eq!(output.status.code(), Some(1), "{errors}");
            assert!(errors.contains(odd) && errors.contains(why), "{errors}");
        }
    }
}

#[test]
fn folders_that_may_not_be_read_are_passed_over() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let images = folder.path().join("images");
    pictures(&images, &["1.png", "2.png", "closed/3.png"]);
    let closed = images.join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("closed");
    if fs::read_dir(&closed).is_ok() {
        println!("skipped: permissions do not bind this user");
    } else {
        check_all(folder.path(), "images", &["images/closed: "], "3.png");
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("open");
}

/// Returns the names of a features file, without their source, and its bytes of
/// V2.
fn features(folder: &Path, images: &str) -> (Vec<String>, Vec<u8>) {
    succeed(&mut commands(folder, images)[2]);
    let bytes = fs::read(folder.join("f.safetensors")).expect("there");
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).expect("whole");
    let names = header.metadata().as_ref().and_then(|metadata| metadata.get("images").cloned());
    let names: Vec<String> = serde_json::from_str(&names.expect("names")).expect("a list");
    let within = |name: &String| name.replacen(images, "", 1).replace("/./", "/");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("whole");
    let names = names.iter().map(within).collect();
    (names, tensors.tensor("v2_q").expect("there").data().to_vec())
}

#[test]
fn folder_and_archive_give_the_same_images_in_the_order_of_their_numbers() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let images = folder.path().join("images");
    let names = ["frame10.png", "frame9.png", "frame1.png", "b/2.png", "b/11.png", ".git/x.png"];
    pictures(&images, &names);
    symlink("frame9.png", images.join("newest.png")).expect("a link");
    symlink("b", images.join("again")).expect("a link");
    fs::hard_link(images.join("frame1.png"), images.join("first.png")).expect("a link");
    let mut tar = Command::new("tar");
    succeed(tar.current_dir(folder.path()).args(["-cf", "all.tar", "-C", "images", "."]));
    let (names, expected) = features(folder.path(), "images");
    let in_order = ["b/2", "b/11", "first", "frame1", "frame9", "frame10", "newest"];
    assert_eq!(names, in_order.map(|name| format!("/{name}.png")));
    let (packed, got) = features(folder.path(), "all.tar");
    assert_eq!(packed, names);
    assert!(got == expected);
    // The pack has the same images, and training from it sees the same centres.
    for source in ["images", "all.tar"] {
        let args = ["prepare", "--data", source, "--out", &format!("{source}.centres")];
        succeed(lcl().current_dir(folder.path()).args(args));
    }
    let shard = |source: &str| {
        let path = folder.path().join(format!("{source}.centres/shard-00000.safetensors"));
        let bytes = fs::read(path).expect("a shard");
        let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("whole");
        tensors.tensor("centres").expect("there").data().to_vec()
    };
    assert!(shard("images") == shard("all.tar"));
}

#[test]
fn compressed_archives_are_known_by_their_content() {
    let folder = folder();
    for (name, start, format) in [
        ("a.tar", &b"\x1f\x8b\x08\0"[..], "gzip"),
        ("b.tar", b"\xfd7zXZ\0", "xz"),
        ("c.tar", b"PK\x03\x04", "zip"),
    ] {
        fs::write(folder.path().join(name), [start, &[7; 2000]].concat()).expect("written");
        let mut prepare = lcl();
        prepare.current_dir(folder.path()).args(["prepare", "--out", "p", "--data", name]);
        let error = fail(&mut prepare);
        for part in [name, format, "compressed", "unpack"] {
            assert!(error.contains(part), "{part:?} is missing in {error}");
        }
        assert!(!folder.path().join("p").exists());
    }
}

#[test]
fn names_cannot_forge_messages() {
    let folder = folder();
    random_model(folder.path(), PoolOrder::MaxBlur, "synthetic:4");
    let images = folder.path().join("images");
    pictures(&images, &["1.png", "2.png", "3.png", "4.png"]);
    let forged =
        [&b"x\nerror: all is lost\n.png"[..], b"\x1b[2J\x1b]0;title\x07.png", b"\xff\x9b.png"];
    for name in forged {
        fs::write(images.join(std::ffi::OsStr::from_bytes(name)), b"rubbish").expect("written");
    }
    let expected = ["x\\nerror: all is lost\\n.png", "\\u{1b}[2J", "\\xff\\x9b.png"];
    check_all(folder.path(), "images", &expected, "\nerror:");
    for mut command in commands(folder.path(), "images") {
        let output = ends(&mut command);
        let said = [output.stdout, output.stderr].concat();
        assert!(!said.iter().any(|byte| byte.is_ascii_control() && *byte != b'\n'), "{command:?}");
    }
    for name in ["a\nerror: b", "a\x1b[31m"] {
        let mut prepare = lcl();
        prepare.current_dir(folder.path()).args(["prepare", "--out", "p", "--data", name]);
        let error = fail(&mut prepare);
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}

#[test]
fn kinds_of_pixels_that_are_not_read_are_no_damage() {
    let folder = folder();
    // Grey, of 32 bits a sample: floats (3), whole numbers (2); CIELab (8).
    for (name, samples, format, colours) in
        [("float.tif", 1_u32, 3, 1), ("int.tif", 1, 2, 1), ("lab.tif", 3, 1, 8)]
    {
        let bits: u32 = if samples == 1 { 32 } else { 8 };
        let mut bytes = b"II*\0\x08\0\0\0\x0b\0".to_vec();
        let len = 32 * 32 * samples * bits / 8;
        let tags: [(u16, u32); 11] = [
            (256, 32),
            (257, 32),
            (258, bits),
            (259, 1),
            (262, colours),
            (273, 200),
            (277, samples),
            (278, 32),
            (279, len),
            (284, 1),
            (339, format),
        ];
        for (tag, value) in tags {
            bytes.extend(tag.to_le_bytes());
            // The bits of three samples stand apart.
            let apart = tag == 258 && samples == 3;
            bytes.extend(if apart { [3, 0, 3, 0, 0, 0] } else { [4, 0, 1, 0, 0, 0] });
            bytes.extend(if apart { 180_u32 } else { value }.to_le_bytes());
        }
        bytes.resize(180, 0);
        bytes.extend([8, 0, 8, 0, 8, 0]);
        bytes.resize(200 + len as usize, 0);
        fs::write(folder.path().join(name), bytes).expect("written");
        let mut prepare = lcl();
        prepare.current_dir(folder.path()).args(["prepare", "--out", "p", "--data", name]);
        let error = fail(&mut prepare);
        assert!(error.contains(name) && error.contains("8 or 16 bits"), "{error}");
        assert!(!error.contains("damaged,") && !error.contains("is damaged"), "{error}");
    }
}
