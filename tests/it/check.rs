//! What is wrong in the configuration is found, all at once, with its place
//! and the right word; the shipped configuration is right.

mod calendars;
mod includes;
mod rules;
mod settings;
mod shipped;
mod testimonials;
mod text;

use std::fmt::Write as _;
use std::path::Path;

use courtesy::cli::problems::render;
use courtesy::config::{self, Config};
use courtesy::problem::Problem;
use tempfile::TempDir;

/// A snapshot without the expression that made it, which is long.
macro_rules! snapshot {
    ($shown:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($shown) })
    };
}

use snapshot;

/// The least that is a `courtesy.yaml` without a warning.
const COURTESY: &str = "\
business: { name: Morningstar Machinery, timezone: Asia/Shanghai }
people: { operator: it@morningstar.example }
mail: { from: accounts@morningstar.example }
";

/// The least that is a rule.
const RULE: &str = "\
rule: reminders
class: dunning
anchor: receivable.due_on
stages:
  - { stage: friendly, at: +3d, template: reminder/friendly }
";

/// A folder with these files, and the least that is needed besides them.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, bytes).expect("a file");
    };
    if !files.iter().any(|(name, _)| *name == "courtesy.yaml") {
        write("courtesy.yaml", COURTESY.as_bytes());
    }
    if !files.iter().any(|(name, _)| name.starts_with("rules/")) {
        write("rules/reminders.yaml", RULE.as_bytes());
    }
    for (name, bytes) in files {
        write(name, bytes);
    }
    folder
}

fn load(folder: &Path) -> Result<Config, Vec<Problem>> {
    config::load(&folder.join("courtesy.yaml"), &|_| None)
}

/// What `check` would show for a folder with these files, without the name
/// of the temporary folder.
fn shown(files: &[(&str, &[u8])]) -> String {
    let folder = folder(files);
    let problems = match load(folder.path()) {
        Ok(config) => config.warnings,
        Err(problems) => problems,
    };
    let here = format!("{}/", folder.path().display());
    let short = |text: String| text.replace(&here, "");
    let problems: Vec<Problem> = problems
        .into_iter()
        .map(|problem| Problem {
            file: short(problem.file.display().to_string()).into(),
            message: short(problem.message),
            hint: problem.hint.map(short),
            ..problem
        })
        .collect();
    if problems.is_empty() { "nothing is wrong\n".to_owned() } else { render(&problems, false) }
}

/// Cases of one file each, one below the other.
fn cases(file: &str, cases: &[(&str, String)]) -> String {
    cases.iter().fold(String::new(), |mut out, (title, text)| {
        writeln!(out, "=== {title}\n{}", shown(&[(file, text.as_bytes())])).expect("a string takes it");
        out
    })
}

#[test]
fn every_problem_of_every_file_is_shown_at_once_in_order() {
    let rule = RULE.replace("dunning", "duning").replace("+3d", "3 days");
    let courtesy = COURTESY.replace("Asia/Shanghai", "Asia/Shangai, calendar: calendars/cn.yaml");
    snapshot!(shown(&[
        ("courtesy.yaml", courtesy.as_bytes()),
        ("calendars/cn.yaml", b"holidays: [2026-02-30]\nweekends: [sat]\n"),
        ("rules/a.yaml", rule.as_bytes()),
        ("rules/b.yaml", b"rule: b\n"),
    ]));
}

#[test]
fn the_wrong_word_is_underlined_behind_chinese_text_too() {
    let rule =
        RULE.replace("rule: reminders", "rule: 付款提醒 # 按时付款的客户是榜样\nsummary: 催款").replace(
            "{ stage: friendly, at: +3d, template: reminder/friendly }",
            "{ stage: 友好, tempalte: 提醒/友好, at: +3天 } # 三天后",
        );
    snapshot!(shown(&[("rules/付款提醒.yaml", rule.as_bytes())]));
}

#[test]
fn a_problem_is_one_line_in_the_log() {
    let folder = folder(&[("rules/a.yaml", RULE.replace("dunning", "duning").as_bytes())]);
    let problems = load(folder.path()).expect_err("a problem");
    let line = problems[0].to_string().replace(&folder.path().display().to_string(), "config");
    assert_eq!(line, "config/rules/a.yaml:2:8: error: `duning` is not a class (did you mean `dunning`?)");
}

#[test]
fn colour_marks_the_same_words() {
    let problems =
        vec![Problem::error("a.yaml", "is wrong").hint("mend it"), Problem::warning("b.yaml", "is odd")];
    let coloured = render(&problems, true);
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = render(&problems, false);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert!(plain.ends_with("1 error, 1 warning\n"), "{plain}");
    assert_eq!(render(&[], true), "");
}
