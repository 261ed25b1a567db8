//! The blob that goes into a board's model partition.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail};

use crate::process::{Logged, Running, cargo, note};
use crate::project;

/// The newest run's blob, in the folder that training was started in.
const NEWEST: &str = "runs/latest/model.lcl";

/// The blob that comes with the project, in its root.
const SHIPPED: &str = "models/lcl-v2/lcl-v2.lcl";

/// How the weights of a blob of random ones stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// As they are.
    #[default]
    Small,
    /// Transformed, for fewer products.
    Fast,
}

impl Layout {
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Fast => "fast",
        }
    }
}

/// A file with a blob, or with what another engine reads in place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    path: PathBuf,
    len: u64,
    /// Parts of lcl-infer that it needs, once it was opened.
    parts: OnceCell<Vec<String>>,
}

impl Model {
    /// Bytes of a blob of the published geometry. Every board's model partition
    /// has room for one.
    pub const FULL_LEN: u64 = 336_016;

    /// Finds the file that the user names.
    pub fn given(path: &Path) -> Result<Self> {
        let context = || format!("cannot read the model {}", path.display());
        let path = fs::canonicalize(path).with_context(context)?;
        let metadata = fs::metadata(&path).with_context(context)?;
        if !metadata.is_file() {
            bail!("the model {} is no file: pass --model M.lcl", path.display());
        }
        Ok(Self { path, len: metadata.len(), parts: OnceCell::new() })
    }

    /// Finds the newest run's blob, here or else in the root, where there is
    /// one.
    pub fn newest() -> Option<Self> {
        let places = [PathBuf::from(NEWEST), project::root().join(NEWEST)];
        places.iter().find_map(|path| Self::given(path).ok())
    }

    /// Finds the blob that comes with the project.
    pub fn shipped() -> Result<Self> {
        Self::given(&project::root().join(SHIPPED))
    }

    /// Finds the given blob, the newest run's, or the one that comes with the project.
    /// Says which, where none is given.
    pub fn chosen(given: Option<&Path>) -> Result<Self> {
        if let Some(path) = given {
            return Self::given(path);
        }
        if let Some(newest) = Self::newest() {
            let path = newest.path().display();
            note(format_args!("no --model is given: using the newest run's, {path}"));
            return Ok(newest);
        }
        let shipped = Self::shipped()?;
        note(format_args!(
            "no --model is given and there is no run: using LCL-V2 as it comes with the project, {}",
            shipped.path().display()
        ));
        Ok(shipped)
    }

    /// Writes a blob of the published geometry with random weights into
    /// `folder`, always the same one, in that layout.
    pub fn random(folder: &Path, layout: Layout) -> Result<Self> {
        let path = folder.join("random.lcl");
        let mut command = Self::example("random_model", &[&path]);
        command.arg(layout.name());
        logged("making a model of random weights", &mut command)?;
        Self::given(&path)
    }

    /// Writes the blob and its weights in plain order into `folder`, for
    /// engines that read them so.
    pub fn with_plain_weights(&self, folder: &Path) -> Result<Self> {
        let path = folder.join("plain.bin");
        logged(
            "reading the model's weights",
            &mut Self::example("plain_weights", &[&self.path, &path]),
        )
        .with_context(|| format!("cannot read the weights of {}", self.path.display()))?;
        Self::given(&path)
    }

    /// Returns where it is, an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// Opens the blob with the engine that programs are built with, as they do
    /// when they start, and returns the parts of it that the layers need: cargo
    /// features of lcl-infer.
    pub fn open(&self) -> Result<&[String]> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts);
        }
        let mut build = cargo_in_root("build");
        logged("building what opens models", build.args(["--example", "open_model"]))?;
        let mut command = Self::example("open_model", &[&self.path]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::start(&mut command)?;
        let parts = running.take_stdout();
        let (status, errors) = running.errors()?;
        if !status.success() {
            bail!("the model {} cannot be run: {errors}", self.path.display());
        }
        let parts = io::read_to_string(parts.context("it is piped")?)?;
        Ok(self.parts.get_or_init(|| parts.lines().map(str::to_owned).collect()))
    }

    /// Checks that the blob fits the partition.
    pub fn check_fits(&self, partition: &Range<u64>) -> Result<()> {
        let Self { path, len, .. } = self;
        let room = partition.end - partition.start;
        if *len > room {
            bail!(
                "the model {} takes {len} bytes and the board's model partition has {room}: quantise \
                 with --flash {room}, or take a smaller model",
                path.display()
            );
        }
        Ok(())
    }

    /// Returns the command that runs an example of lcl-infer.
    pub fn example(name: &str, paths: &[&Path]) -> Command {
        let mut command = cargo_in_root("run");
        command.args(["--quiet", "--example", name, "--"]).args(paths);
        command
    }
}

/// Returns a command for lcl-infer on this machine.
fn cargo_in_root(subcommand: &str) -> Command {
    let mut command = cargo();
    command.current_dir(project::root());
    command.args([subcommand, "--release", "--package", "lcl-infer"]);
    command
}

fn logged(doing: &str, command: &mut Command) -> Result<()> {
    Logged::new("model", doing).run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_blob_is_of_the_published_geometry() {
        assert_eq!(Model::shipped().expect("it is in the repository").len(), Model::FULL_LEN);
    }

    #[test]
    fn a_program_has_the_parts_that_its_blob_needs() {
        let folder = project::temporary_folder().expect("a folder");
        let parts = |layout| {
            Model::random(folder.path(), layout).and_then(|model| Ok(model.open()?.to_vec()))
        };
        assert_eq!(parts(Layout::Small).expect("it opens"), [""; 0]);
        assert_eq!(parts(Layout::Fast).expect("it opens"), ["transforms"]);
    }

    #[test]
    fn a_blob_is_a_file_that_fits_or_the_error_says_how_much_room_there_is() {
        let folder = project::temporary_folder().expect("a folder");
        let path = folder.path().join("m.lcl");
        fs::write(&path, [0; 32]).expect("written");
        let model = Model::given(&path).expect("it is there");
        assert_eq!(model.len(), 32);
        assert!(model.check_fits(&(0x100..0x120)).is_ok());
        let error = model.check_fits(&(0x100..0x110)).expect_err("too large").to_string();
        assert!(error.contains("32 bytes") && error.contains("16"), "{error}");
        let error = Model::given(Path::new("no-such.lcl")).expect_err("no file").to_string();
        assert!(error.contains("no-such.lcl"), "{error}");
        let error = Model::given(folder.path()).expect_err("a folder").to_string();
        assert!(error.contains("is no file"), "{error}");
    }
}
