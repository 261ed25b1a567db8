//! Running `lcl` and `cargo xtask` as a user does.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Once, OnceLock},
};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace")
}

/// Requests to end reach what the tests start, even where a shell or a service
/// started the tests with signals ignored, as `nohup` does: children inherit that.
fn hear_signals() {
    #[cfg(unix)]
    {
        static HEARD: Once = Once::new();
        HEARD.call_once(|| {
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
                // SAFETY: `SIG_DFL` runs no code of this process.
                #[expect(unsafe_code, reason = "std has no way to stop ignoring a signal")]
                unsafe {
                    libc::signal(signal, libc::SIG_DFL);
                }
            }
        });
    }
}

/// A command with the binary `lcl`, which is built once, in this profile.
pub fn lcl() -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    hear_signals();
    let binary = BINARY.get_or_init(|| {
        let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
        // `cargo xtask test` builds everything with one setting, and so does this.
        let config = env::var_os("LCL_CARGO_CONFIG").map(|config| ["--config".into(), config]);
        let built = Command::new(env!("CARGO"))
            .args(config.into_iter().flatten())
            .args(["build", "--quiet", "--package", "host-trainer", "--bin", "lcl"])
            .args(["--profile", profile])
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(built.success(), "lcl does not build");
        // This test is TARGET/PROFILE/deps/integration-HASH.
        let test = env::current_exe().expect("a test knows its own path");
        let folder = test.ancestors().nth(2).expect("deps/ is in the profile's folder");
        folder.join(format!("lcl{}", env::consts::EXE_SUFFIX))
    });
    Command::new(binary)
}

/// `cargo xtask` with a command.
pub fn xtask(name: &str) -> Command {
    hear_signals();
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root()).args(["xtask", name]);
    command
}

/// Runs a command that has to succeed and returns its standard output.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}\n{}", text(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a command that has to fail as every command fails: exit status 1, one
/// line on standard error that starts with `error:`; returns the line.
#[track_caller]
pub fn fail(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{command:?}\n{}", text(&output));
    let errors = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(lines.len() == 1 && errors.lines().last() == lines.last().copied(), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    lines[0].to_owned()
}

fn text(output: &Output) -> String {
    let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
    lossy(&output.stdout) + &lossy(&output.stderr)
}

/// A folder that is removed at the end of the test.
pub fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

/// An image with edges, gradients and noise.
pub fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let mixed = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b) ^ seed)
            .wrapping_mul(0xc2b2_ae35);
        let [noise, ..] = (mixed ^ (mixed >> 15)).to_le_bytes();
        let stripe = if (x + 2 * y + seed) / 9 % 2 == 0 { 150 } else { 20 };
        let ramp = u8::try_from(60 * y / height).expect("below 60");
        Rgb([stripe + ramp + noise / 8, 200 - stripe + noise / 8, 90 + ramp + noise / 16])
    })
}
