//! What `emulate` and `flash` have in common: an example, the model that it
//! runs and the images that go in.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::host::lcl;
use super::out;
use crate::boards::{self, Board, Example, Output};
use crate::firmware::Model;

/// The size of images that the user did not name, in pixels.
pub const DEFAULT_SIZE: u32 = 96;

/// Arguments of `emulate` and `flash`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Board; `cargo xtask boards` lists them
    #[arg(long)]
    board: String,
    /// Example: features, camera, watch, population, self-test, kernels or
    /// bench
    #[arg(long)]
    example: String,
    /// Blob for the board's model partition [default: the newest run's, or
    /// LCL-V2 as it comes with the project]
    #[arg(long, value_name = "M.lcl")]
    model: Option<PathBuf>,
    /// Images that go in: a file, a folder, synthetic[:N[:SEED]] or
    /// scene[:N[:SEED]] [default: the board's own camera for camera and watch,
    /// where it has one; else built-in ones of 96 pixels]
    #[arg(long, value_name = "SRC")]
    pub image: Option<String>,
    /// Fit images to N×N pixels [default: as they are; 96 of a camera]
    #[arg(long, value_name = "N")]
    pub size: Option<u32>,
    /// Write the features, safetensors, or the bytes of the events here
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl Arguments {
    /// Returns the board and the example, after checking that there are such,
    /// and that the example has a use for all that is given.
    pub fn chosen(&self) -> Result<(&'static Board, &'static Example)> {
        let board = boards::board(&self.board)?;
        let example = boards::example(&self.example)?;
        let (name, log_alone) = (&example.name, example.output == Output::Log);
        if !board.has(example) {
            bail!("{} has no example {name}: `cargo xtask boards` lists its", board.name);
        }
        let useless = [
            ("--image", self.image.is_some() && example.images.is_none(), "takes no images"),
            ("--size", self.size.is_some() && example.images.is_none(), "takes no images"),
            ("--out", self.out.is_some() && log_alone, "gives nothing but a log"),
        ];
        if let Some((option, _, why)) = useless.iter().find(|(_, useless, _)| *useless) {
            bail!("the example {name} {why}: leave out {option}");
        }
        Ok((board, example))
    }

    /// Finds the blob: the given one, or else that of [`Model::chosen`].
    pub fn model(&self) -> Result<Model> {
        Model::chosen(self.model.as_deref())
    }

    /// Looks whether results can be written, before a board runs for nothing.
    pub fn check_out(&self) -> Result<()> {
        let Some(path) = &self.out else { return Ok(()) };
        let inputs = self.model.iter().map(PathBuf::as_path);
        let inputs: Vec<&Path> = inputs.chain(self.image.as_deref().map(Path::new)).collect();
        out::check(path, &inputs)
    }

    /// Returns the images that go into the example, if any go in.
    pub fn images<'a>(&'a self, example: &'a Example) -> Option<Images<'a>> {
        let source = self.image.as_deref().or(example.images.as_deref())?;
        Some(Images { source, size: self.size.or(self.image.is_none().then_some(DEFAULT_SIZE)) })
    }
}

/// Images that go into an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Images<'a> {
    source: &'a str,
    size: Option<u32>,
}

impl Images<'_> {
    /// Returns the command that writes the images into `folder`, as the program
    /// reads them.
    pub fn frames(self, model: &Path, folder: &Path) -> Command {
        let mut command = self.lcl("frames", model, &folder.join("frames.bin"));
        if let Some(size) = self.size {
            command.args(["--size", &size.to_string()]);
        }
        command
    }

    /// Returns the command that makes a features file of the program's rows in
    /// `folder`.
    pub fn collect(self, model: &Path, folder: &Path, out: &Path) -> Command {
        let mut command = self.lcl("collect", model, out);
        command.arg("--frames").arg(folder.join("frames.bin"));
        command.arg("--rows").arg(folder.join("rows.bin"));
        command
    }

    fn lcl(self, name: &str, model: &Path, out: &Path) -> Command {
        let mut command = lcl(name);
        command.arg("--model").arg(model).args(["--images", self.source]).arg("--out").arg(out);
        command
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Arguments {
        Line::parse_from(["xtask"].into_iter().chain(line.split(' '))).arguments
    }

    #[test]
    fn options_that_an_example_has_no_use_for_are_refused() {
        assert!(parse("--board pico2 --example features --size 48 --out f").chosen().is_ok());
        for (line, expected) in [
            ("bench --image i.png", "the example bench takes no images: leave out --image"),
            ("self-test --size 48", "the example self-test takes no images: leave out --size"),
            ("camera --out f", "the example camera gives nothing but a log: leave out --out"),
        ] {
            let arguments = parse(&format!("--board pico2 --example {line}"));
            let error = arguments.chosen().expect_err("it has no such use").to_string();
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn images_of_the_user_keep_their_size_and_built_in_ones_have_one() {
        let features = boards::example("features").expect("it is known");
        let size = |more: &str| {
            let arguments = parse(&format!("--board b --example e{more}"));
            arguments.images(features).map(|images| images.size)
        };
        assert_eq!(size(""), Some(Some(DEFAULT_SIZE)));
        assert_eq!(size(" --image i.png"), Some(None));
        assert_eq!(size(" --image i.png --size 48"), Some(Some(48)));
        let bench = boards::example("bench").expect("it is known");
        assert_eq!(parse("--board b --example e").images(bench), None);
    }
}
