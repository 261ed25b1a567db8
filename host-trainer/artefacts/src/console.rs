//! What the program says on its standard output and on standard error.
//!
//! Every word goes through [`say!`](crate::say) or [`tell!`](crate::tell);
//! `println!` and `eprintln!` panic where nobody reads, and are denied by
//! clippy in this package. What would move a terminal's cursor or forge a line,
//! such as a control character in the name of a file, is escaped here.

use std::{
    fmt,
    io::{self, Write},
    process,
    sync::atomic::{AtomicU8, Ordering},
};

use crate::printed::is_unseen;

/// Exit status of a program whose output nobody reads, as shells report it.
pub const BROKEN_PIPE: i32 = 128 + 13;

/// Where [`say!`](crate::say) goes, and what happens where it cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Speech {
    /// To the standard output. Where that is closed the program ends without a
    /// word, and where it is full with an error.
    Asked,
    /// To the standard output while that takes it: the program makes files, and
    /// goes on to make them.
    Aside,
    /// To standard error, as the standard output is a file that is made.
    Elsewhere,
    /// To nobody: the standard output has failed.
    Silent,
}

static SPEECH: AtomicU8 = AtomicU8::new(Speech::Asked as u8);

/// Sets where [`say!`](crate::say) goes from here on.
pub fn set_speech(speech: Speech) {
    SPEECH.store(speech as u8, Ordering::Relaxed);
}

/// Prints a line, or several, that the program was asked for on the standard
/// output.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => { $crate::console::say(&::std::format_args!($($argument)*)) };
}

/// Prints one line about what the program does on standard error.
#[macro_export]
macro_rules! tell {
    ($($argument:tt)*) => { $crate::console::tell(&::std::format_args!($($argument)*)) };
}

/// Does what [`say!`](crate::say) says.
pub fn say(text: &fmt::Arguments<'_>) {
    let is = |speech: Speech| SPEECH.load(Ordering::Relaxed) == speech as u8;
    if is(Speech::Silent) {
        return;
    }
    let line = visible(&text.to_string(), true) + "\n";
    if is(Speech::Elsewhere) {
        write_error(&line);
        return;
    }
    let mut stdout = io::stdout().lock();
    let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) else {
        return;
    };
    if is(Speech::Aside) {
        set_speech(Speech::Silent);
        if error.kind() != io::ErrorKind::BrokenPipe {
            tell!("warning: cannot write to the standard output: {error}; going on without it");
        }
        return;
    }
    end(&error)
}

/// Does what [`tell!`](crate::tell) says. Where it cannot, there is nobody left
/// to tell.
pub fn tell(text: &fmt::Arguments<'_>) {
    let text = text.to_string();
    // An empty line before it moves it off a progress bar.
    let line = text.trim_start_matches('\n');
    let before = &text[..text.len() - line.len()];
    write_error(&format!("{before}{}\n", visible(line, false)));
}

/// Ends the program as its standard output has failed: without a word where
/// that was closed.
pub fn end(error: &io::Error) -> ! {
    if error.kind() == io::ErrorKind::BrokenPipe {
        process::exit(BROKEN_PIPE);
    }
    tell!("error: cannot write to the standard output: {error}");
    process::exit(1)
}

/// Returns the text with control characters, and those that turn the direction
/// of writing, as escapes.
#[must_use]
pub fn visible(text: &str, keeps_lines: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let kept = character == '\t' || (keeps_lines && character == '\n');
        if is_unseen(character) && !kept {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn write_error(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_forge_lines_or_move_the_cursor() {
        assert_eq!(visible("a\u{1b}[2Kb\nerror: c", false), "a\\u{1b}[2Kb\\nerror: c");
        assert_eq!(visible("a\u{2028}b\u{200f}", true), "a\\u{2028}b\\u{200f}");
        assert_eq!(visible("x\n\u{202e}y\tß 日本", true), "x\n\\u{202e}y\tß 日本");
    }
}
