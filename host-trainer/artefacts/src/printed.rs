//! Names of files as a terminal may see them.

use std::{borrow::Cow, ffi::OsStr, fmt};

/// Returns what prints a name on one line: control characters, marks that turn
/// the direction of text, and bytes that are no text are escaped.
///
/// Every name that reaches a terminal passes here, so that no file can be named
/// to look like a message of the program.
pub fn printed<N: AsRef<OsStr> + ?Sized>(name: &N) -> Printed<'_> {
    Printed(text(name.as_ref()))
}

/// A name that displays on one line; see [`printed`].
#[derive(Clone, Debug)]
pub struct Printed<'a>(Cow<'a, str>);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &*self.0;
        while let Some(at) = rest.find(is_unseen) {
            f.write_str(&rest[..at])?;
            let unseen = rest[at..].chars().next().unwrap_or_default();
            write!(f, "{}", unseen.escape_default())?;
            rest = &rest[at + unseen.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// Returns a name as text that tells it from every other name: bytes that are
/// no UTF-8 become `\xNN`.
#[must_use]
pub fn text(name: &OsStr) -> Cow<'_, str> {
    if let Some(text) = name.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    Cow::Owned(text)
}

/// Returns whether a character moves the cursor or changes the order of others
/// instead of being seen.
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(printed(name).to_string(), expected);
    }

    #[test]
    fn names_stay_on_their_line() {
        check("photos/café 1 \\n.png", "photos/café 1 \\n.png");
        check("a\nerror: all is lost", "a\\nerror: all is lost");
        check("\x1b[2Ka\u{9b}31m\r", "\\u{1b}[2Ka\\u{9b}31m\\r");
        check("a\u{202e}gnp.exe", "a\\u{202e}gnp.exe");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_keep_names_apart() {
        use std::os::unix::ffi::OsStrExt;

        let name = |bytes: &'static [u8]| text(OsStr::from_bytes(bytes));
        assert_eq!(name(b"a\xff/b"), "a\\xff/b");
        assert_ne!(name(b"\xe9"), name(b"\xe8"));
        assert_eq!(printed(OsStr::from_bytes(b"\x07\xff")).to_string(), "\\u{7}\\xff");
    }
}
