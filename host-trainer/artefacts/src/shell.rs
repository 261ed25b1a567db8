//! Paths in the commands that the program prints, so that they can be pasted
//! into a shell.

use std::path::Path;

/// Returns a path as a shell takes it: as it is where it holds letters and what
/// means no more than itself, and else in quotes. One that begins like an option
/// gets `./` before it.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let before = if bytes.starts_with(b"-") { "./" } else { "" };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
    match path.to_str() {
        Some(text) if !bytes.is_empty() && bytes.iter().all(plain) => format!("{before}{text}"),
        Some(text) if !text.chars().any(char::is_control) => {
            format!("'{before}{}'", text.replace('\'', r"'\''"))
        }
        _ => format!("$'{before}{}'", bytes.iter().map(|byte| escaped(*byte)).collect::<String>()),
    }
}

/// Returns a byte as it stands in `$'…'`.
fn escaped(byte: u8) -> String {
    match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_back_the_path() {
        let check = |path: &str, expected: &str| assert_eq!(quoted(Path::new(path)), expected);
        check("runs/1/model.lcl", "runs/1/model.lcl");
        check("my photos", "'my photos'");
        check("a'b$c", r"'a'\''b$c'");
        check("-rf", "./-rf");
        check("- rf", "'./- rf'");
        check("ß", "'ß'");
        check("a\nb'\u{1b}", r"$'a\x0ab\'\x1b'");
        check("", "''");
    }

    #[cfg(unix)]
    #[test]
    fn bash_reads_back_any_bytes() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

        let bytes: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
        for name in [&bytes[..], b"-n x", b"~", b"*", b"a b\xff", b"#c", b"!x"] {
            let printed = format!("printf '%s' {}", quoted(Path::new(OsStr::from_bytes(name))));
            let Ok(output) = Command::new("bash").arg("-c").arg(printed).output() else {
                return;
            };
            let read = output.stdout.strip_prefix(b"./").unwrap_or(&output.stdout);
            assert_eq!(read, name, "{name:?}");
        }
    }
}
