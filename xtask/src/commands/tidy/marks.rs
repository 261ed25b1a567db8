//! Lists in pages that are to be as the code is. A line such as
//!
//! ```text
//! <!-- tidy: members of StageHeader in lcl-infer/src/blob/header.rs -->
//! <!-- tidy: constants KIND_ in lcl-infer/src/blob/layer.rs -->
//! <!-- tidy: crates in host-trainer, files in firmware-examples/programs -->
//! ```
//!
//! stands before a table or a list. The words of its first column, or in backticks
//! before the first colon of each item, are the fields or variants of the types (a
//! field whose type is named too is replaced by that type's fields), the values and
//! names of the constants, the folders with a manifest, and the files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::project;

const MARK: &str = "<!-- tidy: ";

/// Compares every marked list of a page, and returns the line of each mark with what
/// is wrong, if anything is.
pub fn check(page: &str) -> Result<Vec<(usize, Option<String>)>> {
    let lines: Vec<&str> = page.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(mark) = line.strip_prefix(MARK) else { continue };
        let mark = mark.trim_end_matches("-->").trim();
        let of_page = listed(&lines[at + 1..]);
        let of_code = code(mark).with_context(|| format!("cannot compare `{mark}`"))?;
        let text = |from: &[String], other: &[String], what| {
            let extra = from.iter().filter(|name| !other.contains(name));
            let extra: Vec<_> = extra.map(|name| format!("`{name}`")).collect();
            (!extra.is_empty()).then(|| format!("{what} {}", extra.join(", ")))
        };
        let left_out = text(&of_code, &of_page, "the list leaves out");
        let too_much = text(&of_page, &of_code, "the code does not have");
        let wrong: Vec<_> = left_out.into_iter().chain(too_much).collect();
        let wrong = (!wrong.is_empty()).then(|| format!("{} ({mark})", wrong.join("; ")));
        found.push((at + 1, wrong));
    }
    Ok(found)
}

/// Returns the words of the list that follows.
fn listed(lines: &[&str]) -> Vec<String> {
    let lines = lines.iter().skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    let mut rows: Vec<&str> = Vec::new();
    for line in lines {
        if let Some(row) = line.strip_prefix('|') {
            rows.push(row.split('|').next().unwrap_or_default());
        } else if let Some(item) = line.trim_start().strip_prefix("- ") {
            rows.push(item.split_once(": ").map_or(item, |(names, _)| names));
        }
    }
    // Head and rule.
    let is_table = rows.get(1).is_some_and(|row| row.trim_start().starts_with("--"));
    let rows = rows.into_iter().skip(if is_table { 2 } else { 0 });
    let words = rows.flat_map(|row| {
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        if quoted.is_empty() { row.split([',', ' ']).collect() } else { quoted }
    });
    let words = words.map(|word| word.trim().trim_end_matches('/'));
    words.filter(|word| !word.is_empty()).map(kebab).collect()
}

/// Returns the names that a mark says.
fn code(mark: &str) -> Result<Vec<String>> {
    let (mut names, mut types) = (Vec::new(), Vec::new());
    for part in mark.split(", ") {
        let Some((what, place)) = part.split_once(" in ") else {
            bail!("`{part}` does not end with `in PATH`");
        };
        let path = project::root().join(place);
        match what.split_once(' ') {
            Some(("members", name)) => {
                let name = name.trim_start_matches("of ");
                names.extend(members(&project::read(&path)?, name, false)?);
                types.push(kebab(name));
            }
            Some(("constants", prefix)) => {
                names.extend(constants(&project::read(&path)?, prefix).map(|name| (name, None)));
            }
            None if ["crates", "files"].contains(&what) => {
                names.extend(entries(&path, what)?.into_iter().map(|name| (name, None)));
            }
            _ => bail!("`{part}` is of no kind"),
        }
    }
    names.retain(|(_, of)| of.as_ref().is_none_or(|of| !types.contains(of)));
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// Returns the fields of a type in a source, each with its own type, or the variants,
/// in the spelling of options. Those that are hidden are left out unless `hidden`.
pub fn members(text: &str, name: &str, hidden: bool) -> Result<Vec<(String, Option<String>)>> {
    let begins = |line: &&str| {
        let heads = [format!("struct {name}"), format!("enum {name}")];
        let rest = heads.iter().find_map(|head| line.split_once(head.as_str()));
        rest.is_some_and(|(_, rest)| rest.starts_with([' ', '<']) && line.ends_with('{'))
    };
    let mut lines = text.lines().skip_while(|line| !begins(line));
    lines.next().with_context(|| format!("there is no type {name}"))?;
    let mut found = Vec::new();
    let mut is_hidden = false;
    for line in lines.take_while(|line| *line != "}") {
        // Others are of a variant's fields.
        let Some(line) = line.strip_prefix("    ").filter(|line| !line.starts_with(' ')) else {
            continue;
        };
        is_hidden |= line.contains("hide = true");
        let visible =
            line.strip_prefix("pub").map(|rest| rest.split_once(' ').unwrap_or_default().1);
        let field = visible.unwrap_or(line);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, rest) = field.split_at(field.find(|c| !is_name(c)).unwrap_or(field.len()));
        if !name.is_empty() {
            let of =
                rest.strip_prefix(": ").map(|of| kebab(of.split(['<', ',']).next().unwrap_or(of)));
            if hidden || !is_hidden {
                found.push((kebab(name), of));
            }
            is_hidden = false;
        }
    }
    Ok(found)
}

/// Returns values and names of constants whose name begins so.
fn constants(text: &str, prefix: &str) -> impl Iterator<Item = String> {
    let begin = format!("const {prefix}");
    let pairs = text.lines().filter_map(move |line| {
        let (name, rest) = line.split_once(&begin)?.1.split_once(": ")?;
        Some([rest.split_once("= ")?.1.trim_end_matches(';').to_owned(), kebab(name)])
    });
    pairs.flatten()
}

/// Returns the names of the folders with a manifest, or of the files without endings.
fn entries(folder: &Path, what: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if if what == "crates" { path.join("Cargo.toml").is_file() } else { path.is_file() } {
            names.push(kebab(&path.file_stem().unwrap_or_default().to_string_lossy()));
        }
    }
    Ok(names)
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            text.push('-');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        text.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
pub const KIND_CONV: u32 = 0;
const KIND_MAX_POOL: u32 = 1;
pub(crate) struct Header<'a> {
    /// Doc.
    pub(crate) geometry: Geometry,
    #[serde(borrow)]
    pub output_scale: &'a [u8],
}
pub struct Geometry {
    in_c: u16,
    out_c: u16,
}
enum Command {
    Train(train::Args),
    #[command(hide = true)]
    MaxBlur {
        field: u8,
    },
    Show,
}
";

    #[test]
    fn members_and_constants_of_a_source_are_read() {
        let of = |name, hidden| {
            let members = members(SOURCE, name, hidden).expect("it is there").into_iter();
            members
                .map(|(name, of)| format!("{name} {}", of.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("Header", false), ["geometry geometry", "output-scale &'a [u8]"]);
        assert_eq!(of("Command", false), ["train ", "show "]);
        assert_eq!(of("Command", true), ["train ", "max-blur ", "show "]);
        assert!(members(SOURCE, "Head", false).is_err());
        let found: Vec<_> = constants(SOURCE, "KIND_").collect();
        assert_eq!(found, ["0", "conv", "1", "max-pool"]);
    }

    #[test]
    fn lists_of_pages_are_read() {
        let table =
            ["", "| field | type |", "|---|---|", "| in_c, out_c | u16 |", "| `pool` | u8 |", ""];
        assert_eq!(listed(&table), ["in-c", "out-c", "pool"]);
        let list = ["- `kernels/`: the seam, `b`", "  more", "- `a`, `MaxBlur`: c", "", "- `d`"];
        assert_eq!(listed(&list), ["kernels", "a", "max-blur"]);
    }

    #[test]
    fn a_list_that_is_not_as_the_code_is_is_told() {
        let mark = "<!-- tidy: members of Arguments in xtask/src/commands/setup.rs -->";
        let wrong =
            |list: &str| check(&format!("text\n{mark}\n{list}")).expect("it is a mark").pop();
        assert_eq!(wrong("- `what`: w"), Some((2, None)));
        let (_, finding) = wrong("- `which`: w").expect("there is a mark");
        let finding = finding.expect("it differs");
        assert!(
            finding.starts_with("the list leaves out `what`; the code does not have `which` (")
        );
        assert!(check("<!-- tidy: crates in nowhere -->\n").is_err());
        assert!(check("<!-- tidy: whatever -->\n").is_err());
    }
}
