//! Planting statements in the functions of a source file.

/// Returns `text` with a statement at the start of each function that `plant`
/// returns one for, given its name.
///
/// Functions that may run at compile time, those of tests and those with a
/// `cfg` of their own are left out. The source is formatted by rustfmt: the line
/// that opens a body ends with its brace.
pub fn planted(text: &str, mut plant: impl FnMut(&str) -> Option<String>) -> String {
    let mut planted = String::new();
    let mut open = None;
    let (mut in_tests, mut has_cfg) = (false, false);
    for line in text.lines() {
        in_tests |= line == "#[cfg(test)]";
        has_cfg |= line.trim_start().starts_with("#[cfg(");
        has_cfg &= !line.is_empty();
        if !in_tests && !has_cfg {
            open = name(line).or(open);
        }
        planted.push_str(line);
        planted.push('\n');
        if line.ends_with(';') {
            open = None;
        } else if line.ends_with('{') {
            if let Some(statement) = open.take().and_then(&mut plant) {
                planted.push_str(&statement);
                planted.push('\n');
            }
        }
    }
    planted
}

/// Returns the name of the function that a line begins.
fn name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    loop {
        match words.next()? {
            "fn" => break,
            "pub" | "unsafe" | "pub(crate)" | "pub(super)" => {}
            visibility if visibility.starts_with("pub(in") => {}
            _ => return None,
        }
    }
    words.next()?.split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_stand_at_the_start_of_bodies() {
        let bodies = "\
fn one() {
}
    pub(crate) fn two(
        &self,
    ) -> Option<()>
    where
        Self: Sized,
    {
        let closure = || {
        };
    }
impl Three {
    fn three<T>() {
    }
}
";
        // No body, at compile time, behind a cfg, of tests.
        let others = "\
trait Four {
    fn four(&self);
}
pub const fn five() {
}

#[cfg(here)]
fn six() {
}

#[cfg(test)]
mod tests {
    fn seven() {
    }
}
";
        let mut names = Vec::new();
        let planted = planted(&[bodies, others].concat(), |name| {
            names.push(name.to_owned());
            Some(format!("!{name}"))
        });
        assert_eq!(names, ["one", "two", "three"]);
        assert!(planted.contains("    {\n!two\n        let"), "{planted}");
        assert!(planted.contains("fn three<T>() {\n!three\n"), "{planted}");
    }
}
