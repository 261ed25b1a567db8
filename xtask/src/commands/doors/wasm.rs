//! The door of WebAssembly, under node and in a browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Shown, source};
use crate::commands::demo;
use crate::firmware::Model;
use crate::process::{Logged, cargo, note, output};
use crate::project;
use crate::setup::{bare_metal, system};

const TARGET: &str = "wasm32-unknown-unknown";
const PACKAGE: &str = "lcl-infer-wasm";

/// Most bytes of the module.
const MOST_BYTES: u64 = 200 * 1024;

/// How many times as long as with AVX2 a frame may take. The least of many frames is held
/// against the least, since the machine may have other work.
const MOST_RATIO: f64 = 2.5;

/// Builds the module, or an example beside it, and returns it.
pub fn build(what: &[&str]) -> Result<PathBuf> {
    let folder = project::root().join("target/wasm");
    let mut build = bare_metal::ensure(TARGET)?.cargo("build", project::root(), &folder);
    build.args(["--profile", "library", "--package", PACKAGE]).args(what);
    Logged::new("build-wasm", "building the engine for WebAssembly").run(&mut build)?;
    let folder = folder.join(TARGET).join("library");
    Ok(match what {
        ["--example", name] => folder.join("examples").join(name).with_extension("wasm"),
        _ => folder.join("lcl_infer_wasm.wasm"),
    })
}

/// Returns the compiler that builds it.
pub fn compiler() -> Result<String> {
    Ok(bare_metal::ensure(TARGET)?.compiler())
}

/// Runs the module, the suite of its kernels and calls that are wrong under node, and holds
/// the time of a frame beside that of this machine's kernels.
pub(super) fn check(shown: &Shown) -> Result<()> {
    let module = build(&["--lib"])?;
    let len = fs::metadata(&module)?.len();
    note(format_args!("WebAssembly: {len} bytes without a model"));
    ensure!(len <= MOST_BYTES, "the module has {len} bytes, {MOST_BYTES} at most");
    let Some(node) = system::find_any("node") else {
        note("skipped: node is not there, so WebAssembly was built alone");
        return Ok(());
    };
    let picture = shown.path("picture.ppm");
    let mut native = cargo();
    native.current_dir(project::root()).args(["run", "--quiet", "--release", "--package"]);
    native.args([PACKAGE, "--example", "native", "--"]).arg(shown.model.path()).arg(&picture);
    let before = output(&mut native).context("cannot time this machine's kernels")?;
    let mut node = Command::new(node);
    node.arg(source("lcl-infer/wasm/tests/door.mjs")).arg(&module);
    node.arg(shown.model.path()).arg(&picture).arg(build(&["--example", "suite"])?);
    let said = output(&mut node).context("the test of the door of WebAssembly fails")?;
    shown.check("WebAssembly under node", &said)?;
    let after = output(&mut native).context("cannot time this machine's kernels")?;
    for line in said.lines().filter(|line| line.starts_with("suite ")) {
        note(line);
    }
    compare(&said, &[&before, &after])
}

/// Holds the least time of a frame under node against that with AVX2 in runs before and behind.
fn compare(said: &str, native: &[&str]) -> Result<()> {
    let line =
        said.lines().find(|line| line.starts_with("frame ")).context("node times no frame")?;
    let of_avx2 = native.iter().flat_map(|text| text.lines()).filter(|l| l.starts_with("avx2 "));
    let of_avx2: Vec<&str> = of_avx2.collect();
    let processor = processor();
    note(format_args!("WebAssembly, {processor}: {line}"));
    let best = of_avx2.iter().filter_map(|line| least(line)).min_by(f64::total_cmp);
    let (Some(best), Some(node)) = (best, least(line)) else {
        note("skipped: this machine has no AVX2, beside which WebAssembly is timed");
        return Ok(());
    };
    let ratio = node / best;
    note(format_args!("{}; least: {ratio:.2} times AVX2's", of_avx2.join("; ")));
    ensure!(
        ratio <= MOST_RATIO,
        "a frame takes {ratio:.2} times what it takes with AVX2, {MOST_RATIO} at most"
    );
    Ok(())
}

fn least(line: &str) -> Option<f64> {
    line.split_once("least ")?.1.split(' ').next()?.parse().ok()
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}

/// What the page is asked: it says in its own attribute what it found. `PICTURE` is the
/// picture's bytes.
const PROBE: &str = "
<script>
const failures = [];
addEventListener('error', event => failures.push(String(event.message)));
addEventListener('unhandledrejection', event => failures.push(String(event.reason)));
async function probe() {
  const lcl = await Lcl.of(decoded(data.wasm));
  if (!globalThis.demo) return setTimeout(probe, 20);
  for (let frame = 0; frame < 130; frame++) demo.step();
  lcl.open(demo.model, 96, 96);
  lcl.look(decoded('PICTURE'));
  let crc = ~0;
  for (const byte of lcl.maps.V2.bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  const colours = [...document.querySelectorAll('canvas')].map(canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  const events = demo.events;
  const shown = document.querySelectorAll('#log b').length;
  demo.model = demo.model.slice(0, 1000);
  demo.open();
  const refused = document.getElementById('note').textContent;
  const { clientWidth, scrollWidth } = document.documentElement;
  document.body.dataset.found = JSON.stringify({
    crc: (~crc >>> 0).toString(16).padStart(8, '0'), colours, events, shown, refused, failures,
    insns: document.getElementById('insns').textContent, clientWidth, scrollWidth,
  });
}
addEventListener('load', probe);
</script>";

/// Opens the page in a browser without a window and sees that it computes the bytes, draws, and
/// says nothing on the console.
pub(super) fn check_page(shown: &Shown) -> Result<()> {
    let Some(browser) = system::find_any("chromium") else {
        note("skipped: Chromium is not there, so the page of `cargo xtask demo` was not opened");
        return Ok(());
    };
    let page = demo::page(&Model::given(shown.model.path())?, None)?;
    let picture = fs::read(shown.path("picture.ppm"))?;
    let pixels = picture.last_chunk::<{ 3 * 96 * 96 }>().context("the picture is too short")?;
    let probe = PROBE.replace("PICTURE", &demo::base64(pixels));
    let file = shown.path("demo.html");
    fs::write(&file, page.replace("</body>", &(probe + "</body>")))?;
    for width in [1200, 500] {
        let found = open(&browser, &file, width, &shown.path("browser"))?;
        let is = |name: &str| found[name].as_str().unwrap_or_default();
        let expected = shown.expected.split(' ').next_back().unwrap_or_default();
        ensure!(is("crc") == expected, "the page gives V2 {} and Rust {expected}", is("crc"));
        let colours: Vec<u64> =
            found["colours"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        ensure!(colours.len() == 5 && colours.iter().all(|&count| count > 3), "empty: {found}");
        let failures = found["failures"].as_array().context("it says its failures")?;
        ensure!(failures.is_empty(), "the page fails: {failures:?}");
        ensure!(
            found["events"].as_u64() > Some(0) && found["shown"].as_u64() > Some(0),
            "no events: {found}"
        );
        ensure!(is("refused").contains("truncated: it has 1000 of"), "{}", is("refused"));
        ensure!(
            found["scrollWidth"].as_u64() <= found["clientWidth"].as_u64(),
            "too wide: {found}"
        );
    }
    note(format_args!("The page of `cargo xtask demo` in a browser: {}", shown.expected));
    Ok(())
}

/// Opens a page and returns what it found.
fn open(browser: &Path, page: &Path, width: u32, home: &Path) -> Result<Value> {
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]);
    command.args(["--virtual-time-budget=30000", "--dump-dom"]);
    command.arg(format!("--window-size={width},900"));
    command.arg(format!("--user-data-dir={}", home.display()));
    let opened = command.arg(format!("file://{}", page.display())).output();
    let opened = opened.context("cannot start the browser")?;
    let (dom, messages) =
        (String::from_utf8_lossy(&opened.stdout), String::from_utf8_lossy(&opened.stderr));
    let said: Vec<&str> = messages.lines().filter(|line| line.contains("CONSOLE")).collect();
    ensure!(said.is_empty(), "the page says on the console: {said:?}");
    let found = dom.split("data-found=\"").nth(1).and_then(|rest| rest.split('"').next());
    let Some(found) = found else { bail!("the page did not say what it found:\n{messages}") };
    let found = found.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">");
    serde_json::from_str(&found.replace("&amp;", "&")).context("the page's findings are no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_held_against_avx2_and_without_it_against_nothing() {
        let native = ["avx2 frame 1.000 ms, least 0.800 ms", "avx2 frame 1.0 ms, least 0.900 ms"];
        assert!(compare("V1\nframe 2.5 ms, least 2.000 ms, V8 1", &native).is_ok());
        let error = compare("frame 2.5 ms, least 2.010 ms, V8 1", &native).expect_err("too slow");
        assert!(error.to_string().contains("2.51 times"), "{error}");
        assert!(compare("frame 9 ms, least 9 ms", &["neon frame 1 ms, least 1 ms"]).is_ok());
        assert!(compare("V1 0", &native).is_err());
    }
}
