//! A copy of lcl-infer and of the program that holds it, to be changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::project::{self, files, read};

/// Another version of lcl-infer.
const OTHER: &str = "other";

/// A program that links both.
const TWICE_MANIFEST: &str = r#"[package]
name = "twice"
version = "0.0.1"
edition = "2024"

[dependencies]
one = { package = "lcl-infer", path = "../../lcl-infer" }
other = { package = "lcl-infer", path = "../../other" }
"#;

const TWICE: &str = r#"#![no_std]
#![no_main]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    loop {
        core::hint::black_box((one::kernels::active(), other::kernels::active()));
    }
}
"#;

/// A copy in a folder of build output; nothing of it gets into the crate.
#[derive(Debug)]
pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Copies manifests and the program to `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        let copy = Self { folder: folder.to_owned() };
        copy.workspace("", &["lcl-infer", OTHER])?;
        copy.workspace("firmware-examples", &["panic-free", "twice"])?;
        // Without what its tests need and without its benchmarks.
        let mut engine = manifest("lcl-infer")?;
        engine.remove("dev-dependencies");
        engine.remove("bench");
        copy.write(Path::new("lcl-infer/Cargo.toml"), &engine.to_string())?;
        if let Some(Value::Table(package)) = engine.get_mut("package") {
            package.insert("version".to_owned(), "0.0.1".into());
        }
        copy.write(&Path::new(OTHER).join("Cargo.toml"), &engine.to_string())?;
        let script = read(&project::root().join("lcl-infer/build.rs"))?;
        for package in ["lcl-infer", OTHER] {
            copy.write(&Path::new(package).join("build.rs"), &script)?;
        }
        copy.engine_of(OTHER, |_, text| text.to_owned())?;
        copy.write(Path::new("firmware-examples/twice/Cargo.toml"), TWICE_MANIFEST)?;
        copy.write(Path::new("firmware-examples/twice/src/main.rs"), TWICE)?;
        copy.copy("firmware-examples/Cargo.lock")?;
        for file in files(&project::firmware().join("panic-free"))? {
            copy.copy(Path::new("firmware-examples/panic-free").join(file))?;
        }
        Ok(copy)
    }

    /// Copies the sources of lcl-infer as `change` returns them, given the path
    /// below `src` and the text of each.
    pub fn engine(&self, change: impl FnMut(&Path, &str) -> String) -> Result<()> {
        self.engine_of("lcl-infer", change)
    }

    fn engine_of(
        &self,
        package: &str,
        mut change: impl FnMut(&Path, &str) -> String,
    ) -> Result<()> {
        let sources = project::root().join("lcl-infer/src");
        for file in files(&sources)? {
            let text = read(&sources.join(&file))?;
            let is_rust = file.extension().is_some_and(|extension| extension == "rs");
            let text = if is_rust { change(&file, &text) } else { text };
            let text = text.replace("#![deny(missing_docs, unsafe_code)]", "");
            self.write(&Path::new(package).join("src").join(file), &text)?;
        }
        Ok(())
    }

    /// Returns the folder of a board, whose configuration has its flags.
    pub fn board(&self, name: &str) -> Result<PathBuf> {
        let folder = Path::new("firmware-examples").join(name);
        self.copy(folder.join(".cargo/config.toml"))?;
        Ok(self.folder.join(folder))
    }

    pub fn target_dir(&self) -> PathBuf {
        self.folder.join("target")
    }

    /// Writes a workspace's manifest with other members, whose code may be changed to
    /// call a function that is nowhere.
    fn workspace(&self, folder: &str, members: &[&str]) -> Result<()> {
        let mut text = manifest(folder)?;
        if let Some(Value::Table(workspace)) = text.get_mut("workspace") {
            workspace.insert("members".to_owned(), members.to_vec().into());
            workspace.remove("default-members");
            workspace.remove("exclude");
            workspace.insert("lints".to_owned(), Table::new().into());
        }
        self.write(&Path::new(folder).join("Cargo.toml"), &text.to_string())
    }

    fn copy(&self, file: impl AsRef<Path>) -> Result<()> {
        self.write(file.as_ref(), &read(&project::root().join(file.as_ref()))?)
    }

    fn write(&self, file: &Path, text: &str) -> Result<()> {
        let path = self.folder.join(file);
        // A file that is as it was is not built again.
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(&self.folder);
        let context = || format!("cannot write {}", path.display());
        fs::create_dir_all(parent).with_context(context)?;
        fs::write(&path, text).with_context(context)
    }
}

/// Reads the manifest of a folder of the repository.
fn manifest(folder: &str) -> Result<Table> {
    let path = project::root().join(folder).join("Cargo.toml");
    read(&path)?.parse().with_context(|| format!("cannot read {}", path.display()))
}
