//! `lcl_infer.h` is what the code says.

use std::env;
use std::fs;
use std::path::Path;

use lcl_infer_c::sizes::{MEMORY_BASE, MEMORY_PER_PIXEL, WATCHER_MEMORY};

/// Set, it writes the header in place of comparing it.
const WRITE: &str = "LCL_WRITE_HEADER";

/// Most lines of the header.
const MOST_LINES: usize = 250;

#[test]
fn header_is_that_of_the_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).expect("it is read");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in ["status", "why", "model", "engine", "watcher"] {
        builder = builder.with_src(folder.join("src").join(file).with_extension("rs"));
    }
    let mut bytes = Vec::new();
    builder.generate().expect("a header").write(&mut bytes);
    let text = for_c(&String::from_utf8(bytes).expect("a text"));
    let path = folder.join("lcl_infer.h");
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &text).expect("it is written");
    }
    let header = fs::read_to_string(&path).expect("it is there");
    let line = header.lines().zip(text.lines()).position(|(header, text)| header != text);
    assert!(
        header == text,
        "lcl_infer.h is not what the code says, from line {:?} on: run `{WRITE}=1 cargo test -p \
         lcl-infer-c --test header`",
        line.map(|line| line + 1)
    );
    let macros = [
        format!(
            "LCL_V2_MEMORY_LEN(width) ({MEMORY_BASE} + {MEMORY_PER_PIXEL} * (((size_t)(width) + 7) / 8 * \
             8))\n"
        ),
        format!("LCL_V2_WATCHER_MEMORY_LEN {WATCHER_MEMORY}\n"),
    ];
    for line in macros {
        assert!(header.contains(&line), "cbindgen.toml is to define {line}");
    }
    assert!(header.lines().count() <= MOST_LINES, "{} lines", header.lines().count());
}

/// What cbindgen writes around a code of 32 bits, and what every C and C++ takes as well.
const CODES: [(&str, &str); 2] = [
    (
        "enum lcl_status\n#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L\n  : int32_t\n#endif \
         // defined(__cplusplus) || __STDC_VERSION__ >= 202311L\n {",
        "enum {",
    ),
    (
        "#ifndef __cplusplus\n#if __STDC_VERSION__ >= 202311L\ntypedef enum lcl_status lcl_status;\n\
         #else\ntypedef int32_t lcl_status;\n#endif // __STDC_VERSION__ >= 202311L\n#endif // \
         __cplusplus\n",
        "typedef int32_t lcl_status;\n",
    ),
];

/// Takes away what is for readers of Rust, such as the sections on safety, whose rules stand once at
/// the top, and blank lines between constants.
fn for_c(text: &str) -> String {
    let mut text = text.replace('`', "").replace("/// ", "// ");
    for (wordy, plain) in CODES {
        assert!(text.contains(wordy), "cbindgen writes codes differently: {text}");
        text = text.replace(wordy, plain);
    }
    let mut out = String::new();
    let mut is_safety = false;
    for line in text.lines() {
        let is_comment = line.trim_start().starts_with("//");
        is_safety = is_comment && (is_safety || line.trim_start() == "// # Safety");
        if is_safety {
            // The blank line of the comment before it goes, too.
            if out.ends_with("//\n") {
                out.truncate(out.len() - 3);
            }
            continue;
        }
        let last = out.lines().last().unwrap_or_default();
        let is_between = last.is_empty() || last.starts_with("#define") && !last.ends_with("_H");
        if !(line.is_empty() && is_between) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
