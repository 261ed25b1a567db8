//! `cargo xtask tidy`: compares the claims of pages with the code: paths, crates,
//! commands and their options, and lists behind a mark ([`marks`]).

mod marks;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::CommandFactory;

use super::Cli;
use crate::process::note;
use crate::project::{self, files, read};

/// The enum of the commands of `lcl`, which xtask passes on but for those named behind.
const LCL: (&str, &str) = ("host-trainer/src/cli/mod.rs", "Command");
const NOT_PASSED_ON: [&str; 1] = ["completions"];

/// Pages with a marked list.
const MARKED: [&str; 2] = ["docs/blob.md", "firmware-examples/README.md"];

/// A page, relative to the root.
struct Page {
    name: PathBuf,
    text: String,
}

pub fn run() -> Result<ExitCode> {
    let tree = tree()?;
    let is_page = |file: &&PathBuf| {
        let described = !file.ends_with("CHANGELOG.md") && !file.starts_with("models");
        file.extension().is_some_and(|extension| extension == "md") && described
    };
    let page = |name: &PathBuf| Ok(Page { name: name.clone(), text: read(&root(name))? });
    let pages = tree.iter().filter(is_page).map(page).collect::<Result<Vec<_>>>()?;
    let mut findings = Vec::new();
    let mut marked = 0;
    for page in &pages {
        findings.extend(paths(page, &tree).chain(commands(page)?));
        let lists = marks::check(&page.text)?;
        if lists.is_empty() && MARKED.iter().any(|name| page.name.ends_with(name)) {
            findings.push(said(page, 1, "it has no marked list"));
        }
        marked += lists.len();
        for (line, finding) in lists {
            findings.extend(finding.map(|text| said(page, line, &text)));
        }
    }
    findings.extend(left_out(&pages, &tree)?);
    if !findings.is_empty() {
        bail!("the pages do not say what the code is:\n  {}", findings.join("\n  "));
    }
    note(format_args!("{} pages and {marked} marked lists are as the code is", pages.len()));
    Ok(ExitCode::SUCCESS)
}

fn root(file: &Path) -> PathBuf {
    project::root().join(file)
}

/// Returns every file of the repository, without build output and hidden folders.
fn tree() -> Result<Vec<PathBuf>> {
    const LEFT_OUT: [&str; 4] = ["target", "runs", "corpus", "artifacts"];
    let mut tree = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root(&folder))? {
            let entry = entry?;
            let (name, path) = (entry.file_name(), folder.join(entry.file_name()));
            let name = name.to_string_lossy();
            if !entry.file_type()?.is_dir() {
                tree.push(path);
            } else if name == ".cargo" || !name.starts_with('.') && !LEFT_OUT.contains(&&*name) {
                folders.push(path);
            }
        }
    }
    tree.sort();
    Ok(tree)
}

fn said(page: &Page, line: usize, text: &str) -> String {
    format!("{}:{line}: {text}", page.name.display())
}

/// Returns the words between single backticks of each line outside of blocks of code.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    let lines = (1..).zip(text.lines()).filter(move |(_, line)| {
        in_block ^= line.trim_start().starts_with("```");
        !in_block
    });
    lines.flat_map(|(number, line)| {
        line.split('`').skip(1).step_by(2).map(move |word| (number, word))
    })
}

/// Finds quoted paths that no file or folder of the tree ends with.
fn paths(page: &Page, tree: &[PathBuf]) -> impl Iterator<Item = String> {
    // Pages for users have folders of theirs.
    let of_users = page.name.starts_with("docs") || page.name.ends_with("README.md");
    let is_path = move |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let is_folder = word.len() > 1 && word.ends_with('/') && !of_users;
        let left_out = ["/", "runs/", "target/", "."].iter().any(|start| word.starts_with(start));
        let is_source = Path::new(word).extension().is_some_and(|extension| extension == "rs");
        word.chars().all(plain) && (is_source || is_folder) && !left_out
    };
    let is_there = |word: &str| {
        let parts = |path: &Path| path.components().count();
        let wanted = Path::new(word);
        let ends = |file: &PathBuf| file.ancestors().any(|path| path.ends_with(wanted));
        parts(wanted) > 0 && tree.iter().any(ends)
    };
    let words = quoted(&page.text).filter(move |(_, word)| is_path(word) && !is_there(word));
    let findings = words.map(|(line, word)| said(page, line, &format!("there is no `{word}`")));
    findings.collect::<Vec<_>>().into_iter()
}

/// Finds commands and options that xtask and `lcl` do not have.
fn commands(page: &Page) -> Result<Vec<String>> {
    let cli = Cli::command();
    let lcl = marks::members(&read(&root(Path::new(LCL.0)))?, LCL.1, true)?;
    let sources = root(Path::new("host-trainer"));
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(page.text.lines()) {
        for (program, text) in ["cargo xtask ", "lcl "].iter().flat_map(|program| {
            let calls = line.match_indices(program).filter(|(at, _)| {
                line[..*at].chars().last().is_none_or(|before| " `|".contains(before))
            });
            calls.map(|(at, _)| (*program, &line[at + program.len()..])).collect::<Vec<_>>()
        }) {
            let end = text.find(['`', '#', '|', ';', '\n']).unwrap_or(text.len());
            let mut words = text[..end].split_whitespace();
            let name = words.next().unwrap_or_default();
            let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            let quoted = line.contains('`') || line.starts_with(program);
            if name.is_empty() || name.starts_with('-') || !is_name || !quoted {
                continue;
            }
            let own = cli.find_subcommand(name).filter(|_| program != "lcl ");
            let of_lcl = lcl.iter().any(|(command, _)| command == name);
            if own.is_none() && !of_lcl {
                findings.push(said(page, number, &format!("there is no `{program}{name}`")));
            }
            for option in words.filter_map(|word| word.strip_prefix("--")) {
                let option = option.split(['=', ',', '.', ')']).next().unwrap_or_default();
                let known = |argument: &clap::Arg| argument.get_long() == Some(option);
                let there = option.is_empty()
                    || option == "help"
                    || own.is_some_and(|own| own.get_arguments().any(known))
                    || of_lcl && names_option(&sources, option)?;
                if !there {
                    let text = format!("`{program}{name}` has no --{option}");
                    findings.push(said(page, number, &text));
                }
            }
        }
    }
    Ok(findings)
}

/// Returns whether a file of the trainer's command line has a field of that name.
fn names_option(sources: &Path, option: &str) -> Result<bool> {
    let field = format!(" {}:", option.replace('-', "_"));
    let long = format!("\"{option}\"");
    for file in files(&sources.join("src"))? {
        let text = read(&sources.join("src").join(file)).unwrap_or_default();
        if text.contains(&field) || text.contains(&long) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Finds commands that no page shows, commands of `lcl` that xtask does not pass on,
/// and packages that ARCHITECTURE.md does not name.
fn left_out(pages: &[Page], tree: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let own = super::names();
    for name in &own {
        let call = format!("cargo xtask {name}");
        if !pages.iter().any(|page| page.text.contains(&call)) && name != "help" {
            findings.push(format!("no page shows `{call}`"));
        }
    }
    for (name, _) in marks::members(&read(&root(Path::new(LCL.0)))?, LCL.1, false)? {
        if !own.contains(&name) && !NOT_PASSED_ON.contains(&&*name) {
            findings.push(format!("`lcl {name}` is no command of cargo xtask"));
        }
    }
    let architecture = read(&root(Path::new("ARCHITECTURE.md")))?;
    for manifest in tree.iter().filter(|file| file.ends_with("Cargo.toml")) {
        let Some(folder) = manifest.parent().and_then(Path::file_name) else { continue };
        let folder = folder.to_string_lossy();
        let named = [format!("{folder}/`"), format!("`{folder}`"), format!("`{folder}/")];
        let is_board = crate::boards::all().iter().any(|board| board.name == folder);
        if !is_board && !named.iter().any(|name| architecture.contains(name)) {
            findings.push(format!("ARCHITECTURE.md does not name {}", manifest.display()));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { name: "P.md".into(), text: text.to_owned() }
    }

    #[test]
    fn paths_that_are_not_there_are_found() {
        let tree = ["a/src/kernels/b.rs", "a/Cargo.toml"].map(PathBuf::from);
        let sound = page("`b.rs`, `kernels/`, `a/src/kernels/b.rs`, `word`\n```\n`c.rs`\n```\n");
        assert_eq!(paths(&sound, &tree).count(), 0);
        let broken = page("first\n`c.rs` and `kernel/`");
        let found: Vec<_> = paths(&broken, &tree).collect();
        assert_eq!(found, ["P.md:2: there is no `c.rs`", "P.md:2: there is no `kernel/`"]);
    }

    #[test]
    fn commands_and_options_that_are_not_there_are_found() {
        let found = |text: &str| commands(&page(text)).expect("the sources are there");
        let sound = "`cargo xtask bench --board B --size 96`, `cargo xtask NAME`, `lcl train --data d`\n\
                     cargo xtask train --data d   # --no-such\n";
        assert_eq!(found(sound), Vec::<String>::new());
        assert_eq!(found("a\n`cargo xtask bnech`"), ["P.md:2: there is no `cargo xtask bnech`"]);
        assert_eq!(found("`lcl trian`"), ["P.md:1: there is no `lcl trian`"]);
        let expected = ["P.md:1: `cargo xtask bench` has no --peer"];
        assert_eq!(found("`cargo xtask bench --peer`"), expected);
        let expected = ["P.md:1: `cargo xtask train` has no --no-such-option"];
        assert_eq!(found("cargo xtask train --no-such-option"), expected);
    }

    #[test]
    fn everything_is_shown_somewhere() {
        let tree = ["xtask/Cargo.toml", "lcl-infer/nowhere/Cargo.toml"].map(PathBuf::from);
        let names = super::super::names();
        let all = names.iter().map(|name| "cargo xtask ".to_owned() + name + "\n");
        let all = all.collect::<String>();
        let found = left_out(&[page(&all)], &tree).expect("the sources are there");
        assert_eq!(found, ["ARCHITECTURE.md does not name lcl-infer/nowhere/Cargo.toml"]);
        let found = left_out(&[page(&all.replace("xtask show", ""))], &[]).expect("they are there");
        assert_eq!(found, ["no page shows `cargo xtask show`"]);
    }
}
