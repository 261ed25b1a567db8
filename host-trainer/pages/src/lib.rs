//! Pages that people read: HTML in one file, without outside references and
//! without scripts, for a screen of any width, light or dark, and paper.
//!
//! [`document`] is the frame, `style.css` how it looks; sections, figures and
//! tables go into it. Text that comes from outside goes through
//! [`markup::escape`] first.

pub mod markup;
pub mod picture;
pub mod plot;
pub mod scale;
pub mod series;
pub mod show;

use std::fmt::Write;

use markup::escape;

/// The style sheet, within the page.
const STYLE: &str = include_str!("style.css");

/// What a browser may load: nothing but what is in the page.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// Returns a whole page with that title, which `command` wrote; `body` is HTML.
#[must_use]
pub fn document(title: &str, command: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · LCL-V2</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}\
         <footer>Written by <code>{command}</code> {}. V1 is stage 1, V2 is stage 2.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
    )
}

/// Returns a section with its heading, some text and its content, HTML all.
#[must_use]
pub fn section(title: &str, about: &str, content: &str) -> String {
    let about = if about.is_empty() { String::new() } else { format!("<p>{about}</p>\n") };
    format!("<section>\n<h2>{title}</h2>\n{about}{content}</section>\n")
}

/// Returns a figure with its name and, where it is not empty, a caption.
#[must_use]
pub fn figure(name: &str, content: &str, caption: &str) -> String {
    let caption = if caption.is_empty() {
        String::new()
    } else {
        format!("<figcaption>{caption}</figcaption>\n")
    };
    format!("<figure>\n<h3>{name}</h3>\n{content}{caption}</figure>\n")
}

/// Returns what the colours of a drawing mean: class, name, and whether it is
/// drawn faintly.
#[must_use]
pub fn legend(entries: &[(&str, &str, bool)]) -> String {
    let entry = |(class, name, faint): &(&str, &str, bool)| {
        let fade = if *faint { ";--fade:.5" } else { "" };
        format!("<span style=\"--key:var(--{class}){fade}\">{name}</span>")
    };
    format!("<div class=\"legend\">{}</div>\n", entries.iter().map(entry).collect::<String>())
}

/// Returns one figure that is read at a glance; `value` is HTML.
#[must_use]
pub fn tile(class: &str, name: &str, value: &str, note: &str) -> String {
    format!(
        "<div class=\"tile {class}\"><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>\n"
    )
}

/// Returns the row of some [`tile`]s.
#[must_use]
pub fn tiles_of(tiles: &str) -> String {
    format!("<dl class=\"tiles\">\n{tiles}</dl>\n")
}

/// Returns a table; heads and cells are text. On a narrow screen each row is a list
/// of its cells, each with its head, so that none is out of sight.
pub fn table(heads: &[String], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"wide\"><table class=\"rows\">\n<tr>");
    // Writing to a string cannot fail.
    for head in heads {
        let _ = write!(html, "<th>{}</th>", escape(head));
    }
    html += "</tr>\n";
    for row in rows {
        html += "<tr>";
        for (at, cell) in row.iter().enumerate() {
            let head = escape(heads.get(at).map_or("", String::as_str));
            let _ = write!(html, "<td data-head=\"{head}\">{}</td>", escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</table></div>\n"
}

/// Returns what stands where there is nothing to show yet.
#[must_use]
pub fn none(reason: &str) -> String {
    format!("<p class=\"none\">{reason}</p>\n")
}
