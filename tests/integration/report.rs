//! The report of a run, in a browser.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::command::{folder, lcl, succeed};

/// Names that a headless browser goes by.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Looks at the report in a frame of each width, and says in the page's own
/// attribute what it found.
const PROBE: &str = "
addEventListener('load', () => {
  const found = [...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument;
    const images = [...page.images];
    const drawings = [...page.querySelectorAll('svg')];
    const texts = [...page.querySelectorAll('svg text')].map(text => text.textContent);
    return {
      width: page.documentElement.clientWidth,
      content: page.documentElement.scrollWidth,
      images: images.length,
      loaded: images.filter(image => image.complete && image.naturalWidth > 10).length,
      described: images.filter(image => image.alt).length,
      drawings: drawings.length,
      drawn: drawings.filter(svg => svg.querySelector('.line, .column, .dot')?.getBBox().width > 0)
        .length,
      numbers: texts.filter(text => /NaN|inf|undefined/.test(text)).length,
      // What a reader sees of every cell without scrolling sideways.
      cells: page.querySelectorAll('.rows td').length,
      seen: [...page.querySelectorAll('.rows td')].filter(cell => {
        const box = cell.getBoundingClientRect();
        return box.width > 0 && box.left >= 0 && box.right <= page.documentElement.clientWidth + 1;
      }).length,
      ticks: [...page.querySelectorAll('svg')].map(svg =>
        [...svg.querySelectorAll('text[text-anchor=end]:not(.note)')].length),
      title: page.title,
      outcome: [...page.querySelectorAll('.outcome dt')].map(term => term.textContent),
      headings: [...page.querySelectorAll('h2')].map(heading => heading.textContent),
    };
  });
  document.body.dataset.found = JSON.stringify(found);
});";

#[test]
fn a_browser_shows_the_report_without_an_error() {
    let Some(browser) = browser() else {
        // `cargo xtask test report` has installed one.
        assert!(env::var_os("LCL_TESTS_WITH_BROWSER").is_none(), "there is no browser");
        println!("skipped: no Chromium in the PATH (apt-get install chromium)");
        return;
    };
    let folder = folder();
    let run = folder.path().join("runs/1");
    succeed(
        lcl()
            .args(["train", "--data", "synthetic:40", "--steps", "2", "--batch", "8"])
            .args(["--device", "cpu", "--out"])
            .arg(&run),
    );
    let report = run.join("report.html");
    let (_, messages) = open(&browser, &report, folder.path());
    assert_eq!(console(&messages), Vec::<&str>::new());

    let html = fs::read_to_string(&report).expect("a report");
    let frame = |width: u32| {
        let page = html.replace('&', "&amp;").replace('"', "&quot;");
        format!("<iframe width={width} height=900 srcdoc=\"{page}\"></iframe>")
    };
    let probe = folder.path().join("probe.html");
    let page = format!(
        "<!DOCTYPE html><meta charset=utf-8><body>{}{}<script>{PROBE}</script>",
        frame(1200),
        frame(390)
    );
    fs::write(&probe, page).expect("written");
    let (dom, messages) = open(&browser, &probe, folder.path());
    assert_eq!(console(&messages), Vec::<&str>::new());
    let found = dom.split("data-found=\"").nth(1).and_then(|rest| rest.split('"').next());
    let found = found.unwrap_or_else(|| panic!("the probe did not run\n{messages}"));
    let found: Value = serde_json::from_str(&found.replace("&quot;", "\"")).expect("JSON");
    for (frame, width) in [(&found[0], 1200), (&found[1], 390)] {
        assert!(frame["width"].as_i64().is_some_and(|w| w <= width && w > width - 30), "{frame}");
        assert!(frame["content"].as_i64() <= frame["width"].as_i64(), "too wide: {frame}");
        // Two sheets of filters, two matrices, six images in four views.
        assert_eq!(frame["images"], 28, "{frame}");
        assert_eq!(frame["loaded"], 28, "{frame}");
        assert_eq!(frame["described"], 28, "{frame}");
        assert_eq!((&frame["drawings"], &frame["drawn"]), (&9.into(), &9.into()), "{frame}");
        assert_eq!(frame["numbers"], 0, "{frame}");
        // Two areas, five figures of each.
        assert_eq!((&frame["cells"], &frame["seen"]), (&10.into(), &10.into()), "{frame}");
        let ticks = frame["ticks"].as_array().expect("an array");
        assert!(ticks.iter().all(|count| count.as_u64() >= Some(2)), "{frame}");
        assert_eq!(frame["title"], "Run runs/1 · LCL-V2");
        let outcome = frame["outcome"].as_array().expect("an array");
        for about in ["SQNR", "next"] {
            assert!(outcome.contains(&about.into()), "{frame}");
        }
        assert_eq!(frame["headings"].as_array().map(Vec::len), Some(7), "{frame}");
    }
}

/// Returns what the browser says on the console of pages.
fn console(messages: &str) -> Vec<&str> {
    messages.lines().filter(|line| line.contains("CONSOLE")).collect()
}

/// Opens a page and returns its elements after loading, and the browser's log.
fn open(browser: &Path, page: &Path, home: &Path) -> (String, String) {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"])
        .args(["--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", home.join("browser").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("a browser that starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names = |folder: PathBuf| BROWSERS.map(|name| folder.join(name));
    env::split_paths(&path).flat_map(names).find(|file| file.is_file())
}
