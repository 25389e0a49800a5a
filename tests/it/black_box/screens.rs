//! Pages that people look at, in a real browser: wide and narrow, light and
//! dark.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::courtesy::{Installation, run_in};

const MEASURE: &str = include_str!("measure.js");

/// The least contrast of text that can be read with ease (WCAG 2, AA).
const CONTRAST_MIN: f64 = 4.5;

/// A page around another, so many pixels wide: no window is as narrow as a
/// telephone.
const AROUND: &str = r#"<!doctype html><meta name="color-scheme" content="light dark">
<iframe src="page.html" style="width: WIDTHpx; height: 1200px; border: 0"></iframe><pre id="measured"></pre>
<script>addEventListener("message", told => document.getElementById("measured").textContent = told.data)</script>"#;

/// A page opened so many pixels wide.
fn measured(page: &str, width: u32, dark: bool) -> serde_json::Value {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("page.html");
    let measuring = format!("<script>{MEASURE}</script></body>");
    assert_eq!(page.matches("</body>\n</html>").count(), 1);
    fs::write(&file, page.replace("</body>\n</html>", &format!("{measuring}\n</html>"))).expect("written");
    let around = dir.path().join("around.html");
    fs::write(&around, AROUND.replace("WIDTH", &width.to_string())).expect("written");
    let scheme = if dark { "0" } else { "1" };
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--no-first-run", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg("--window-size=1600,1300")
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg("--virtual-time-budget=20000")
        .arg(format!("file://{}", around.display()))
        .stdin(Stdio::null())
        .output()
        .expect("chromium is there");
    let dom = String::from_utf8_lossy(&output.stdout);
    let result = dom.split_once("<pre id=\"measured\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (result, _) = result.unwrap_or_else(|| panic!("{}\n{dom}", String::from_utf8_lossy(&output.stderr)));
    let result: serde_json::Value = serde_json::from_str(result).expect("JSON");
    assert_eq!(result["dark"], dark, "{result}");
    assert_eq!(result["width"], width, "{result}");
    result
}

/// What holds for every page; returns what was measured.
fn check(page: &str, width: u32, dark: bool) -> serde_json::Value {
    let found = measured(page, width, dark);
    assert_eq!(found["overflow"], 0, "nothing sticks out at {width}: {found}");
    assert_eq!(found["cramped"].as_array().map(Vec::len), Some(0), "every letter is shown whole: {found}");
    let worst = found["worst"]["ratio"].as_f64().expect("a ratio");
    assert!(worst >= CONTRAST_MIN, "everything can be read, dark {dark}: {found}");
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).expect("the page")
}

#[test]
#[ignore = "needs chromium"]
fn every_letter_can_be_read_on_any_screen() {
    let shop = Installation::new();
    let all = shop.run(&["preview", "--all"]);
    assert_eq!(all.code, 0, "{all:?}");
    let letters: u64 = all
        .out
        .split([' ', '\n'])
        .find_map(|word| word.parse().ok())
        .expect("how many there are, for each language");
    let page = read(&shop.path().join("courtesy-preview.html"));
    for (width, dark) in [(1400, false), (1400, true), (400, false), (400, true)] {
        let found = check(&page, width, dark);
        assert_eq!(found["title"], "Letters of Morningstar Machinery");
        assert_eq!(found["frames"].as_u64(), Some(2 * letters), "{found}");
        assert!(found["texts"].as_u64().is_some_and(|texts| texts > 20 * letters), "{found}");
    }
}

#[test]
#[ignore = "needs chromium"]
fn the_page_of_the_demo_can_be_read_on_any_screen() {
    let dir = tempfile::tempdir().expect("a folder");
    let played = run_in(dir.path(), &["demo"]);
    assert_eq!(played.code, 0, "{played:?}");
    let page = read(&dir.path().join("courtesy-demo/index.html"));
    for (width, dark) in [(1400, false), (1400, true), (400, false), (400, true)] {
        let found = check(&page, width, dark);
        assert_eq!(found["title"], "Courtesy: four months of letters");
        assert!(found["letters"].as_u64().is_some_and(|letters| letters > 100), "{found}");
    }
}
