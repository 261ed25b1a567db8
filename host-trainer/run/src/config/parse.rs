//! Reading a configuration: which field of which line is wrong, and what it may
//! be.

use std::{ops::Range, path::Path};

use serde::de::Deserializer;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Config, ConfigError, error::Place};

/// Likeness from which a name is taken for another one, misspelled.
const ALIKE: f64 = 0.8;

/// Reads the configuration `text` of the file at `path` and checks it.
pub(super) fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let place = |span: Option<Range<usize>>| Place::new(path, text, span.map(|span| span.start));
    let deserializer = toml::Deserializer::parse(text).map_err(|cause| ConfigError::Format {
        place: place(cause.span()),
        cause: Box::new(cause),
    })?;
    let config = fields(deserializer, place)?;
    config.validate().map_err(|error| match error {
        ConfigError::Value { field, value, expected, .. } => {
            let place = place(value_span(text, field, &value));
            ConfigError::Value { place, field, value, expected }
        }
        other => other,
    })?;
    Ok(config)
}

/// Takes the fields of a configuration from a tree of TOML.
pub(super) fn fields<'de>(
    tree: impl Deserializer<'de, Error = toml::de::Error>,
    place: impl Fn(Option<Range<usize>>) -> Place,
) -> Result<Config, ConfigError> {
    serde_path_to_error::deserialize(tree).map_err(|error| {
        let (path, cause) = (error.path().to_string(), error.into_inner());
        let (place, message) = (place(cause.span()), cause.message());
        match message.strip_prefix("unknown field `") {
            Some(rest) => unknown_field(place, &path, rest),
            None => ConfigError::Kind { place, field: path, problem: problem(message) },
        }
    })
}

/// Explains a name that is not a field's, given what serde says of it after its
/// opening backtick.
fn unknown_field(place: Place, path: &str, message: &str) -> ConfigError {
    let mut quoted = message.split('`');
    let name = quoted.next().unwrap_or_default().to_owned();
    let known: Vec<String> = quoted.skip(1).step_by(2).map(str::to_owned).collect();
    let section = path.strip_suffix(&name).unwrap_or(path).trim_end_matches('.').to_owned();
    let nearest = nearest(&name, &known);
    ConfigError::UnknownField { place, section, name, nearest, known }
}

/// Returns the field that was meant, perhaps: one of the section, or with its
/// dotted name one of another.
fn nearest(name: &str, known: &[String]) -> Option<String> {
    let likeness = |other: &str| strsim::jaro_winkler(&name.to_lowercase(), other);
    let all = Config::default().fields().into_keys();
    let elsewhere = all.map(|dotted| {
        let last = dotted.rsplit('.').next().unwrap_or_default();
        (likeness(last), dotted.clone())
    });
    let here = known.iter().map(|other| (likeness(other), other.clone()));
    // Of equals the first stays, which is in the section.
    let better =
        |best: (f64, String), next: (f64, String)| if next.0 > best.0 { next } else { best };
    let (likeness, name) = here.chain(elsewhere).reduce(better)?;
    (likeness >= ALIKE).then_some(name)
}

/// Says in the words of this program what serde says of a value.
fn problem(message: &str) -> String {
    let message = message.replace('\n', " ");
    let wrong = ["invalid type: ", "invalid value: "];
    let found = wrong.iter().find_map(|start| message.strip_prefix(start));
    match found.and_then(|found| found.split_once(", expected ")) {
        Some((got, expected)) => format!("is the {got}; it must be {}", kind(expected)),
        None => format!("cannot be read: {message}"),
    }
}

/// Returns what a value of a type of Rust is in TOML.
fn kind(expected: &str) -> &str {
    match expected {
        "usize" | "u64" => "a whole number, 0 or more",
        "u32" => "a whole number from 0 to 4294967295",
        "u8" => "a whole number from 0 to 255",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets",
        "an array of length 2" => "a list of two numbers in brackets",
        "an array of length 3" => "a list of three numbers in brackets",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

/// Finds the value of a field, by its dotted name, in a TOML file. Of several
/// tables of a list it is the first that has this value.
fn value_span(text: &str, field: &str, value: &str) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let names: Vec<&str> = field.split('.').collect();
    let mut found = Vec::new();
    collect(root.get_ref(), &names, &mut found);
    let is_value = |span: &Range<usize>| {
        let written = text.get(span.clone()).unwrap_or_default();
        written == value || written.parse::<f64>().is_ok_and(|w| value.parse() == Ok(w))
    };
    found.iter().find(|span| is_value(span)).or(found.first()).cloned()
}

fn collect(table: &DeTable<'_>, names: &[&str], found: &mut Vec<Range<usize>>) {
    let Some((name, rest)) = names.split_first() else {
        return;
    };
    let Some(value) = table.get(*name) else {
        return;
    };
    let mut descend = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
        DeValue::Table(table) if !rest.is_empty() => collect(table, rest, found),
        _ if rest.is_empty() => found.push(value.span()),
        _ => {}
    };
    match value.get_ref() {
        DeValue::Array(tables) if !rest.is_empty() => tables.iter().for_each(descend),
        _ => descend(value),
    }
}
