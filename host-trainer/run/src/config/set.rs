//! Single fields, set by their dotted names.

use std::str::FromStr;

use toml::{Table, Value};

use super::{Config, ConfigError, error::Place, parse::fields};

/// A field and the value that it gets, `FIELD=VALUE`.
///
/// The field is named with dots, as `training.batch` or
/// `views.stages.0.centre`. The value is TOML; what is no TOML is text, so that
/// a word needs no quotes, and one value stands for a list of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    field: String,
    value: Value,
}

impl FromStr for Assignment {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let none = || ConfigError::Assignment { text: text.to_owned() };
        let (field, value) = text.split_once('=').ok_or_else(none)?;
        let (field, value) = (field.trim(), value.trim());
        if field.is_empty() || value.is_empty() {
            return Err(none());
        }
        let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok();
        let mut parsed = parsed.filter(|table| table.len() == 1);
        let parsed = parsed.as_mut().and_then(|table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| Value::String(value.to_owned()));
        Ok(Self { field: field.to_owned(), value })
    }
}

impl Config {
    /// Returns the configuration with some fields set, the last of the same name
    /// counting, and checks it.
    ///
    /// # Errors
    ///
    /// When there is no such field, or its value is of another kind or out of
    /// its range.
    pub fn with(&self, assignments: &[Assignment]) -> Result<Self, ConfigError> {
        if assignments.is_empty() {
            return Ok(self.clone());
        }
        let mut tree = self.tree();
        for Assignment { field, value } in assignments {
            if field.starts_with("components.") {
                // The one section that need not be there.
                tree.entry("components").or_insert_with(|| Value::Table(Table::new()));
            }
            if !set(&mut tree, field, value) {
                return Err(unknown(field, &tree));
            }
        }
        let config = fields(tree, |_| Place::default())?;
        config.validate()?;
        Ok(config)
    }

    /// Returns the configuration as a tree of TOML, numbers as they are written.
    pub(super) fn tree(&self) -> Table {
        toml::from_str(&self.to_toml()).unwrap_or_default()
    }
}

/// Sets a field of the tree; false where a part of its name leads nowhere.
fn set(tree: &mut Table, field: &str, value: &Value) -> bool {
    let (parents, last) = match field.rsplit_once('.') {
        Some((parents, last)) => (parents.split('.').collect(), last),
        None => (Vec::new(), field),
    };
    let mut table = tree;
    let mut parents = parents.into_iter();
    while let Some(name) = parents.next() {
        table = match table.get_mut(name) {
            Some(Value::Table(table)) => table,
            Some(Value::Array(list)) => {
                let index = parents.next().and_then(|index| index.parse::<usize>().ok());
                match index.and_then(|index| list.get_mut(index)) {
                    Some(Value::Table(table)) => table,
                    _ => return false,
                }
            }
            _ => return false,
        };
    }
    // A table whose only entry says which of several kinds it is.
    if field.starts_with("training.length.") {
        table.clear();
    }
    let value = match table.get(last) {
        Some(Value::Array(_)) if !value.is_array() => Value::Array(vec![value.clone()]),
        Some(Value::Float(_)) => value.as_integer().map_or_else(|| value.clone(), float),
        _ => value.clone(),
    };
    table.insert(last.to_owned(), value);
    true
}

#[expect(clippy::cast_precision_loss, reason = "what a user writes for a float")]
fn float(whole: i64) -> Value {
    Value::Float(whole as f64)
}

fn unknown(field: &str, tree: &Table) -> ConfigError {
    let known: Vec<String> = tree.keys().cloned().collect();
    let all = Config::default().fields().into_keys();
    let likeness = |other: &str| strsim::jaro_winkler(field, other);
    let nearest = all.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let (place, section, name) = (Place::default(), String::new(), field.to_owned());
    ConfigError::UnknownField { place, section, name, nearest, known }
}
