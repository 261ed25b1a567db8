//! A configuration as a file that explains itself.

use documented::DocumentedFields;
use toml::{Table, Value};

use super::{
    ComponentsConfig, Config, DataConfig, InputConfig, LossConfig, ModelConfig, OptimiserConfig,
    RecognitionConfig, StageViewConfig, TrainingConfig, ViewsConfig, WorkersConfig,
};

/// The fields of one section, in their order, and what they mean.
#[derive(Clone, Copy)]
struct Section {
    names: &'static [&'static str],
    docs: &'static [&'static str],
}

impl Section {
    const fn of<T: DocumentedFields>() -> Self {
        Self { names: T::FIELD_NAMES, docs: T::FIELD_DOCS }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "data" => Self::of::<DataConfig>(),
            "training" => Self::of::<TrainingConfig>(),
            "optimiser" => Self::of::<OptimiserConfig>(),
            "loss" => Self::of::<LossConfig>(),
            "model" => Self::of::<ModelConfig>(),
            "components" => Self::of::<ComponentsConfig>(),
            "input" => Self::of::<InputConfig>(),
            "views" => Self::of::<ViewsConfig>(),
            "views.stages" => Self::of::<StageViewConfig>(),
            "workers" => Self::of::<WorkersConfig>(),
            "recognition" => Self::of::<RecognitionConfig>(),
            _ => return None,
        })
    }

    fn fields(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.names.iter().copied().zip(self.docs.iter().copied())
    }
}

impl Config {
    /// Returns the configuration as TOML with every field, what it means and,
    /// where the value is another, its default.
    #[must_use]
    pub fn documented(&self) -> String {
        let (tree, defaults) = (self.tree(), Self::default().tree());
        let mut text = String::new();
        for (name, docs) in Section::of::<Self>().fields() {
            if let Some(Value::Table(section)) = tree.get(name) {
                text += "\n";
                comment(&mut text, docs);
                let defaults = defaults.get(name).and_then(Value::as_table);
                table(&mut text, name, section, defaults, false);
            }
        }
        text
    }
}

/// Writes a section: its fields, then the tables that it has a list of.
fn table(text: &mut String, name: &str, values: &Table, defaults: Option<&Table>, in_list: bool) {
    *text +=
        &[if in_list { "[[" } else { "[" }, name, if in_list { "]]\n" } else { "]\n" }].concat();
    let mut lists = Vec::new();
    for (field, docs) in Section::named(name).into_iter().flat_map(Section::fields) {
        let Some(value) = values.get(field) else {
            continue;
        };
        let default = defaults.and_then(|defaults| defaults.get(field));
        let tables = value.as_array().filter(|list| list.first().is_some_and(Value::is_table));
        if let Some(tables) = tables {
            lists.push((field, docs, tables, default.and_then(Value::as_array)));
            continue;
        }
        comment(text, docs);
        if let Some(default) = default.filter(|default| *default != value) {
            *text += &["# Default: ", &default.to_string(), "\n"].concat();
        }
        *text += &[field, " = ", &value.to_string(), "\n"].concat();
    }
    for (field, docs, tables, defaults) in lists {
        *text += "\n";
        comment(text, docs);
        for (index, values) in tables.iter().enumerate() {
            let defaults = defaults.and_then(|list| list.get(index)).and_then(Value::as_table);
            if let Value::Table(values) = values {
                table(text, &format!("{name}.{field}"), values, defaults, true);
            }
        }
    }
}

/// Writes a doc comment as one of TOML.
fn comment(text: &mut String, docs: &str) {
    for line in docs.trim().lines() {
        let line = line.replace("\\[", "[").replace("\\]", "]");
        *text += format!("# {line}").trim_end();
        *text += "\n";
    }
}
