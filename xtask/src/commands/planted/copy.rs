//! A copy of lcl-infer and of the program that holds it, to be changed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::project;

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
        let root = manifest(&project::root().join("Cargo.toml"), &["lcl-infer", OTHER])?;
        copy.write(Path::new("Cargo.toml"), &root)?;
        let engine = read(&project::root().join("lcl-infer/Cargo.toml"))?;
        let engine = library_alone(&engine);
        copy.write(Path::new("lcl-infer/Cargo.toml"), &engine)?;
        let other = engine.replacen("version.workspace = true", "version = \"0.0.1\"", 1);
        copy.write(&Path::new(OTHER).join("Cargo.toml"), &other)?;
        let script = read(&project::root().join("lcl-infer/build.rs"))?;
        for package in ["lcl-infer", OTHER] {
            copy.write(&Path::new(package).join("build.rs"), &script)?;
        }
        copy.engine_of(OTHER, |_, text| text.to_owned())?;
        for file in ["Cargo.lock", "panic-free/Cargo.toml"] {
            copy.copy(&Path::new("firmware-examples").join(file))?;
        }
        let firmware = manifest(&project::firmware().join("Cargo.toml"), &["panic-free", "twice"])?;
        copy.write(Path::new("firmware-examples/Cargo.toml"), &firmware)?;
        copy.write(Path::new("firmware-examples/twice/Cargo.toml"), TWICE_MANIFEST)?;
        copy.write(Path::new("firmware-examples/twice/src/main.rs"), TWICE)?;
        for file in files(&project::firmware().join("panic-free/src"))? {
            copy.copy(&Path::new("firmware-examples/panic-free/src").join(file))?;
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
        self.copy(&folder.join(".cargo/config.toml"))?;
        Ok(self.folder.join(folder))
    }

    /// Returns where the copy is built.
    pub fn target_dir(&self) -> PathBuf {
        self.folder.join("target")
    }

    fn copy(&self, file: &Path) -> Result<()> {
        self.write(file, &read(&project::root().join(file))?)
    }

    fn write(&self, file: &Path, text: &str) -> Result<()> {
        let path = self.folder.join(file);
        // What is as it was is not built again.
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(&self.folder);
        let context = || format!("cannot write {}", path.display());
        fs::create_dir_all(parent).with_context(context)?;
        fs::write(&path, text).with_context(context)
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns a workspace's manifest with other members, whose code may be changed
/// to call what is nowhere.
fn manifest(path: &Path, members: &[&str]) -> Result<String> {
    let mut text = read(path)?;
    for (key, values) in [("members", Some(members)), ("default-members", None), ("exclude", None)]
    {
        text = with_list(&text, key, values);
    }
    Ok(text.replace("unsafe_code = \"deny\"", "unsafe_code = \"allow\""))
}

/// Returns a manifest's text with other values in the list `key`, or without it.
fn with_list(text: &str, key: &str, values: Option<&[&str]>) -> String {
    let list = format!("\n{key} = [");
    let Some((before, rest)) = text.split_once(&list) else {
        return text.to_owned();
    };
    let (_, after) = rest.split_once(']').unwrap_or_default();
    let list = values.map(|values| format!("\n{key} = {values:?}")).unwrap_or_default();
    format!("{before}{list}{after}")
}

/// Returns a package's manifest without what its tests need and without its
/// benchmarks.
fn library_alone(text: &str) -> String {
    let mut kept = String::new();
    let mut is_kept = true;
    for line in text.lines() {
        if line.starts_with('[') {
            is_kept = !["[dev-dependencies]", "[[bench]]"].contains(&line);
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Returns the files below a folder, relative to it.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        let path = folder.join(&below);
        let entries = fs::read_dir(&path);
        for entry in entries.with_context(|| format!("cannot read {}", path.display()))? {
            let entry = entry?;
            let file = below.join(entry.file_name());
            if entry.file_type()?.is_dir() { folders.push(file) } else { found.push(file) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_a_manifest_are_replaced() {
        let text =
            "[workspace]\nmembers = [\n    \"a\",\n    \"b\",\n]\nexclude = [\"c\"]\nkey = 1\n";
        let one = with_list(text, "members", Some(&["a"]));
        assert_eq!(one, "[workspace]\nmembers = [\"a\"]\nexclude = [\"c\"]\nkey = 1\n");
        assert_eq!(with_list(&one, "exclude", None), "[workspace]\nmembers = [\"a\"]\nkey = 1\n");
        assert_eq!(with_list(text, "default-members", None), text);
    }

    #[test]
    fn manifest_keeps_what_a_library_is_made_of() {
        let text = "[a]\n1\n[dev-dependencies]\n2\n[[bench]]\n3\n[b]\n4\n";
        assert_eq!(library_alone(text), "[a]\n1\n[b]\n4\n");
    }
}
