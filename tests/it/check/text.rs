//! Files that can't be read as YAML at all, or only ambiguously.

use proptest::prelude::*;

use super::{COURTESY, RULE, cases, folder, load, shown, snapshot};

#[test]
fn text_that_is_no_yaml_is_refused_at_its_place() {
    let bomb =
        "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n";
    snapshot!(cases(
        "rules/a.yaml",
        &[
            ("an unknown key", RULE.replace("stages:", "stgaes:")),
            ("a duplicate key", RULE.replace("class: dunning", "class: dunning\nclass: courtesy")),
            (
                "a duplicate key, and more",
                RULE.replace("class: dunning", "class: dunning\nclass: courtesy\nwhy: 1")
            ),
            ("a tab", RULE.replace("  - {", "\t- {")),
            ("a byte-order mark", format!("\u{feff}{RULE}")),
            ("a control character", RULE.replace("reminders", "remin\u{0}ders")),
            ("an empty file", String::new()),
            ("only comments", "# nothing yet\n".to_owned()),
            ("two documents", format!("{RULE}---\n{RULE}")),
            ("an alias bomb", bomb.to_owned()),
            ("an alias", RULE.replace("at: +3d", "at: *later")),
            ("a tag", RULE.replace("class: dunning", "class: !dunning x")),
            ("half-written: an open list", RULE[..RULE.len() - 24].to_owned()),
            ("half-written: an open quote", format!("{RULE}summary: \"Staged rem")),
            ("a colon too many", RULE.replace("rule: reminders", "rule: reminders: all")),
            ("a list instead of a map", "- rule: reminders\n".to_owned()),
            ("a word instead of a map", "reminders\n".to_owned()),
            ("nested without end", format!("stages: {}", "[".repeat(3_000))),
            ("a list as a key", "? [a, b]\n: c\n".to_owned()),
            (
                "a template's braces without quotes",
                RULE.replace("class: dunning", "class: dunning\nsummary: {{ x }}")
            ),
        ],
    ));
}

#[test]
fn a_file_that_is_not_utf8_is_refused_at_the_first_wrong_byte() {
    // 催款 in GB18030.
    let bytes = b"rule: reminders\nsummary: \xb4\xdf\xbf\xee\n";
    snapshot!(shown(&[("rules/a.yaml", bytes)]));
}

#[test]
fn a_value_cannot_command_the_terminal_or_forge_a_line_of_the_log() {
    let rule = RULE.replace("class: dunning", r#"class: "\e[31m\n2026 error""#);
    let shown = shown(&[("rules/a.yaml", rule.as_bytes())]);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let folder = folder(&[("rules/a.yaml", rule.as_bytes())]);
    let problems = load(folder.path()).expect_err("a problem");
    assert!(!problems[0].to_string().contains(char::is_control), "{}", problems[0]);
}

#[test]
fn the_largest_file_of_nonsense_is_refused_in_no_time() {
    let long = |piece: &str| piece.repeat(130_000 / piece.len());
    let keys = (0..12_000).map(|n| format!("k{n}: 1")).collect::<Vec<_>>().join("\n");
    for text in [
        long("["),
        long("{a: "),
        long("- "),
        long("a: "),
        long("a "),
        long("? "),
        long("[a,"),
        long("a: b\n"),
        long("\"a\" "),
        long("'"),
        long("# "),
        long("\n"),
        long("&a "),
        long("- - -\n "),
        long("|\n"),
        long("x"),
        "class: ".to_owned() + &long("x"),
        keys,
        "[".to_owned() + &long("a,"),
    ] {
        let shown = shown(&[("rules/a.yaml", text.as_bytes())]);
        assert!(shown.contains("error"), "{shown}");
        assert!(shown.len() < 100_000, "{} bytes", shown.len());
    }
    let large = shown(&[("rules/a.yaml", "a: b\n".repeat(30_000).as_bytes())]);
    assert!(large.contains("too large to be a file of settings"), "{large}");
}

#[test]
fn lines_may_end_as_they_do_on_windows() {
    let rule = RULE.replace("dunning", "duning").replace('\n', "\r\n");
    let folder = folder(&[("rules/a.yaml", rule.as_bytes())]);
    let problems = load(folder.path()).expect_err("a problem");
    assert_eq!(problems[0].line_and_column(), Some((2, 8)));
    let good = super::folder(&[("rules/a.yaml", RULE.replace('\n', "\r\n").as_bytes())]);
    assert!(load(good.path()).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::faults::more(300), ..ProptestConfig::default() })]

    /// Text out of the characters that mean something in YAML.
    #[test]
    fn any_text_gives_problems_and_never_a_panic(text in "[-a-c:,?&*!|>'\"%@`#{}\\[\\] \n\t\u{feff}\u{85}催0-9.+~]{0,60}") {
        let rules = folder(&[("rules/a.yaml", text.as_bytes())]);
        prop_assert!(load(rules.path()).is_err());
        let courtesy = folder(&[("courtesy.yaml", text.as_bytes())]);
        prop_assert!(load(courtesy.path()).is_err());
        let shown = super::shown(&[("rules/a.yaml", text.as_bytes())]);
        prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    }

    /// Good files with a piece cut out, doubled or replaced.
    #[test]
    fn a_damaged_file_is_loaded_or_refused_and_never_a_panic(
        at in 0..200_usize, cut in 0..40_usize, put in "[-a-z:{}\\[\\]\"'\n &*#催]{0,6}"
    ) {
        for (name, good) in [("courtesy.yaml", COURTESY), ("rules/a.yaml", RULE)] {
            let at = at.min(good.len());
            let text = format!("{}{put}{}", &good[..at], &good[(at + cut).min(good.len())..]);
            // Whatever comes of it can be shown.
            super::shown(&[(name, text.as_bytes())]);
        }
    }

    #[test]
    fn any_bytes_give_problems_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let rules = folder(&[("rules/a.yaml", &bytes[..])]);
        prop_assert!(load(rules.path()).is_err());
    }
}
