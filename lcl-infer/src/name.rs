//! Names of layers and taps.

use core::fmt;

/// The name of a layer, such as `conv1`, or of a tap, such as `V1`: one to eight
/// ASCII letters, digits and hyphens.
///
/// # Examples
///
/// ```
/// use lcl_infer::{Name, V1};
/// assert_eq!(Name::new("V1"), Some(V1));
/// assert_eq!(V1.as_str(), "V1");
/// assert_eq!(Name::new("V 1"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text, filled up with zeros.
    bytes: [u8; Name::MAX_LEN],
}

/// The tap of the first cortical area: rows behind the first pool.
pub const V1: Name = Name::constant("V1");

/// The tap of the second cortical area: rows behind the second pool.
pub const V2: Name = Name::constant("V2");

impl Name {
    /// Most bytes of a name.
    pub const MAX_LEN: usize = 8;

    /// Creates a name, or returns `None` for a text that is none.
    #[must_use]
    pub const fn new(text: &str) -> Option<Self> {
        Self::from_bytes(text.as_bytes())
    }

    /// Creates a name of its bytes.
    pub(crate) const fn from_bytes(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX_LEN];
        if text.is_empty() || text.len() > Self::MAX_LEN {
            return None;
        }
        let mut index = 0;
        while index < text.len() && index < Self::MAX_LEN {
            let byte = text[index];
            if !byte.is_ascii_alphanumeric() && byte != b'-' {
                return None;
            }
            bytes[index] = byte;
            index += 1;
        }
        Some(Self { bytes })
    }

    /// Creates a name while the program is compiled.
    pub(crate) const fn constant(text: &str) -> Self {
        match Self::new(text) {
            Some(name) => name,
            None => panic!("letters, digits and hyphens, eight at most"),
        }
    }

    /// Returns whether it is another name, also while the program is compiled.
    pub(crate) const fn is(self, other: Self) -> bool {
        u64::from_le_bytes(self.bytes) == u64::from_le_bytes(other.bytes)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.text()).unwrap_or_default()
    }

    fn text(&self) -> &[u8] {
        self.bytes.split(|&byte| byte == 0).next().unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().iter().try_for_each(|&byte| fmt::Write::write_char(f, byte.into()))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Name {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "{=[u8]:a}", self.text());
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn names_are_short_words() {
        for text in ["V1", "conv1", "lgn-on", "12345678"] {
            let name = Name::new(text).expect("a name");
            assert_eq!((name.as_str(), name.to_string()), (text, text.to_string()));
        }
        for text in ["", "123456789", "a b", "é", "a_b", "\0"] {
            assert_eq!(Name::new(text), None, "{text:?}");
        }
        assert_ne!(V1, V2);
    }
}
