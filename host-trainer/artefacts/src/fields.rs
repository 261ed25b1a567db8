//! Comparing descriptions field by field.

use std::collections::BTreeMap;

/// A field in which two descriptions differ: its name and both values, where
/// there are.
pub type Difference<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// Returns the fields in which `this` and `other` differ: those of `this` in the
/// order of their names, then those that only `other` has.
pub fn differences<'a>(
    this: &'a BTreeMap<String, String>,
    other: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = Difference<'a>> {
    let names = this.keys().chain(other.keys().filter(|name| !this.contains_key(*name)));
    let value = |of: &'a BTreeMap<String, String>, name: &str| of.get(name).map(String::as_str);
    names
        .map(move |name| (name.as_str(), value(this, name), value(other, name)))
        .filter(|(_, this, other)| this != other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_come_with_both_and_missing_ones_last() {
        let fields = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let this = fields(&[("b", "1"), ("c", "2"), ("d", "3")]);
        let other = fields(&[("a", "0"), ("b", "1"), ("c", "9")]);
        let expected =
            [("c", Some("2"), Some("9")), ("d", Some("3"), None), ("a", None, Some("0"))];
        assert_eq!(differences(&this, &other).collect::<Vec<_>>(), expected);
    }
}
