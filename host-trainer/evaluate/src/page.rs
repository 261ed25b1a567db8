//! The page of an evaluation.

use std::path::{Path, PathBuf};

use super::Findings;
use lcl_artefacts::atomic_file::{self, WriteError};
use lcl_pages::{document, markup::escape, section, table};

/// Writes what was found to `NAME.html` and `NAME.json` in a folder, each whole
/// or not at all, and returns their paths.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write_page(
    findings: &impl Findings,
    name: &str,
    folder: &Path,
) -> Result<[PathBuf; 2], WriteError> {
    let [page, json] = ["html", "json"].map(|kind| folder.join(format!("{name}.{kind}")));
    atomic_file::write(&page, &[render(findings, name).as_bytes()])?;
    // Plain values: nothing in them can fail to serialise.
    let mut text = serde_json::to_vec_pretty(findings).unwrap_or_default();
    text.push(b'\n');
    atomic_file::write(&json, &[&text])?;
    Ok([page, json])
}

fn render(findings: &impl Findings, name: &str) -> String {
    let title = findings.title();
    let tables: String = findings
        .tables()
        .iter()
        .map(|found| section(&escape(&found.title), "", &table(&found.heads, &found.rows)))
        .collect();
    let item = |note: &String| format!("<li>{}</li>\n", escape(note));
    let notes = findings.notes().iter().map(item).collect::<Vec<_>>().concat();
    let notes = match &*notes {
        "" => String::new(),
        items => section("To judge it", "", &format!("<ul>\n{items}</ul>\n")),
    };
    let header = format!("<header>\n<h1>{}</h1>\n</header>\n", escape(&title));
    document(
        &title,
        &format!("lcl evaluate {name}"),
        &(header + &tables + &findings.page() + &notes),
    )
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::Table;

    #[derive(Serialize)]
    struct Found {
        v1: f64,
    }

    impl Findings for Found {
        fn title(&self) -> String {
            "<Texture>".to_owned()
        }

        fn tables(&self) -> Vec<Table> {
            let mut table = Table::new("Areas", &["area", "r & s"]);
            table.row(["V1".to_owned(), self.v1.to_string()]);
            vec![table]
        }

        fn notes(&self) -> Vec<String> {
            vec!["1 < 2".to_owned()]
        }

        fn page(&self) -> String {
            "<p>more</p>".to_owned()
        }
    }

    #[test]
    fn a_page_holds_tables_notes_and_sections() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let [page, json] = write_page(&Found { v1: 0.5 }, "texture", folder.path())?;
        let page = std::fs::read_to_string(page)?;
        let cell = "<td data-head=\"r &amp; s\">0.5</td>";
        for part in ["<h1>&lt;Texture&gt;</h1>", "<th>r &amp; s</th>", cell, "1 &lt; 2"] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(page.contains("<p>more</p>") && page.contains("lcl evaluate texture"));
        assert_eq!(std::fs::read_to_string(json)?, "{\n  \"v1\": 0.5\n}\n");
        Ok(())
    }
}
