//! What xtask prints, where standard output may be closed or full.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::{Context, Result};

/// Prints what xtask is about to do.
pub fn note(text: impl AsRef<str>) {
    // Who closed standard error does not want to know.
    writeln!(io::stderr(), "xtask: {}", text.as_ref()).ok();
}

/// Prints to standard output. A reader that went away, as `head` does, wants no
/// more: that is no error, and what is being done is done to its end.
pub fn print(text: impl Display) -> Result<()> {
    written(&mut io::stdout().lock(), text)
}

fn written(output: &mut impl Write, text: impl Display) -> Result<()> {
    match write!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_device_is() {
        assert!(written(&mut Broken(ErrorKind::BrokenPipe), "x").is_ok());
        let error = written(&mut Broken(ErrorKind::StorageFull), "x").expect_err("it is full");
        assert_eq!(error.to_string(), "cannot write to standard output");
    }
}
