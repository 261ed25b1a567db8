//! The part of a recording that counts.

/// Milliseconds after the onset of the stimulus, the first and the one after the
/// last: `50-150`, \[LCL\], or `50-200`, \[Schrimpf2018\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub from: usize,
    /// The one after the last.
    pub to: usize,
}

/// The text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no window; write 50-150 or 50-200, the first and the last millisecond")]
pub struct UnknownWindow(String);

impl std::str::FromStr for Window {
    type Err = UnknownWindow;

    fn from_str(text: &str) -> Result<Self, UnknownWindow> {
        let ends = text.split_once('-').and_then(|(from, to)| {
            Some(Self { from: from.trim().parse().ok()?, to: to.trim().parse().ok()? })
        });
        ends.filter(|window| window.from < window.to).ok_or_else(|| UnknownWindow(text.to_owned()))
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_after_its_start() {
        assert_eq!("50-150".parse(), Ok(Window { from: 50, to: 150 }));
        for wrong in ["150-50", "50-50", "50", "a-b"] {
            assert!(wrong.parse::<Window>().is_err(), "{wrong}");
        }
    }
}
