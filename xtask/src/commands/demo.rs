//! `cargo xtask demo`: one page with the engine, a model and a film, which opens from
//! disk and needs no network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::doors::wasm;
use super::{bench, host, out};
use crate::firmware::Model;
use crate::process::{note, print, status};
use crate::project;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A blob (.lcl), or a checkpoint (.safetensors), which is quantised first; else the
    /// newest run's blob, or the one that comes with the project
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Where the page goes
    #[arg(long, value_name = "FILE", default_value = "lcl-v2.html")]
    out: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo
  cargo xtask demo --model runs/latest/model.lcl --out eye.html
  cargo xtask demo --model models/lcl-v2/checkpoint.safetensors";

/// The board whose instructions the page has, and the sides of images.
const BOARD: &str = "mps2-an386";
const SIDES: [u64; 3] = [48, 96, 224];

/// Parts of the page, below `lcl-infer/wasm`.
const PAGE: &str = "demo/page.html";
const STYLE: &str = "demo/page.css";
const SCRIPTS: [&str; 4] = ["lcl.js", "demo/film.js", "demo/paint.js", "demo/page.js"];

pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let inputs: Vec<&Path> = arguments.model.iter().map(PathBuf::as_path).collect();
    out::check(&arguments.out, &inputs)?;
    let folder = project::temporary_folder()?;
    let checkpoint = arguments.model.as_deref().filter(|path| is_checkpoint(path));
    let model = match checkpoint {
        Some(checkpoint) => quantised(checkpoint, folder.path())?,
        None => Model::chosen(arguments.model.as_deref())?,
    };
    model.open()?;
    let page = page(&model, arguments.model.as_deref())?;
    out::write(page.as_bytes(), &arguments.out)?;
    print(format_args!(
        "{}: {} kB, opens from disk in any browser\n",
        arguments.out.display(),
        page.len() / 1000
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn is_checkpoint(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "safetensors")
}

/// Makes a blob of a checkpoint, calibrated on the photographs of the program.
fn quantised(checkpoint: &Path, folder: &Path) -> Result<Model> {
    host::build_lcl()?;
    let blob = folder.join("model.lcl");
    let mut quantise = host::lcl("quantise");
    quantise.arg("--checkpoint").arg(checkpoint).args(["--calibration", "photographs", "--out"]);
    if !status(quantise.arg(&blob))?.success() {
        bail!("the checkpoint {} cannot be quantised", checkpoint.display());
    }
    Model::given(&blob)
}

/// Returns the whole page; `named` is what the user called the model.
pub fn page(model: &Model, named: Option<&Path>) -> Result<String> {
    let module = fs::read(wasm::build(&["--lib"])?).context("cannot read the module")?;
    let blob = fs::read(model.path()).context("cannot read the model")?;
    let named = named.unwrap_or(model.path());
    let name = named.file_name().unwrap_or_default().to_string_lossy();
    let mut command = "cargo xtask demo".to_owned();
    if let Some(given) = named.to_str().filter(|_| named != model.path()) {
        command = format!("{command} --model {given}");
    }
    let data = json!({
        "name": name,
        "command": command,
        "compiler": wasm::compiler()?,
        "instructions": instructions(model)?,
        "model": base64(&blob),
        "wasm": base64(&module),
    });
    let mut script = String::new();
    for name in SCRIPTS {
        script += &part(name)?;
    }
    let page = part(PAGE)?;
    // In the order in which they stand, so that nothing is looked for in what was put in.
    let (head, rest) = split(&page, "{{style}}")?;
    let (body, rest) = split(rest, "{{data}}")?;
    let (between, end) = split(rest, "{{script}}")?;
    // A name may not end the element.
    let data = data.to_string().replace('<', "\\u003c");
    let style = part(STYLE)?;
    ensure!(!script.contains("</script"), "a script of the page would end its element");
    Ok([head, &style, body, &data, between, &script, end].concat())
}

fn part(name: &str) -> Result<String> {
    project::read(&project::root().join("lcl-infer/wasm").join(name))
}

fn split<'a>(text: &'a str, mark: &str) -> Result<(&'a str, &'a str)> {
    text.split_once(mark).with_context(|| format!("{PAGE} has no {mark}"))
}

/// Returns what the board takes for an image of each side, for a blob of the published
/// geometry whose weights are as they are: those that are measured.
fn instructions(model: &Model) -> Result<Value> {
    let mut found = serde_json::Map::new();
    if model.len() == Model::FULL_LEN {
        for side in SIDES {
            found.insert(side.to_string(), bench::instructions(BOARD, side)?.0.into());
        }
    } else {
        note("the model is not of LCL-V2's geometry: the page has no instructions of a board");
    }
    Ok(found.into())
}

/// Returns bytes as base64.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), expected);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    #[test]
    fn the_page_has_a_place_for_each_part_and_instructions_of_the_published_geometry() {
        let page = part(PAGE).expect("it is there");
        for mark in ["{{style}}", "{{data}}", "{{script}}"] {
            assert_eq!(page.matches(mark).count(), 1, "{mark}");
        }
        let shipped = Model::shipped().expect("it is in the repository");
        let counts = instructions(&shipped).expect("the budgets have them");
        assert!(counts["96"].as_u64().is_some_and(|count| count > 1_000_000), "{counts}");
    }
}
