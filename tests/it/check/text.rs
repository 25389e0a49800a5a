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

/// A line of a calendar that somebody publishes, nearly right.
const ICS_LINES: &str = "((BEGIN|END):(VCALENDAR|VEVENT|VALARM)|(DTSTART|DTEND|EXDATE|RDATE|RECURRENCE-ID)(;VALUE=DATE|;TZID=Asia/Shanghai|)\
    :(2026|2027|9999|0000|-1)(0[0-3]|1[0-3])([0-3][0-9])(T[0-9]{6}Z?|)|DURATION:-?P[0-9]{0,12}(D|W|Y|T1H)|\
    RRULE:(FREQ=(YEARLY|DAILY|WEEKLY)|INTERVAL=-?[0-9]{1,6}|COUNT=-?[0-9]{1,6}|UNTIL=[0-9]{6,9}|;){1,6}|\
    SUMMARY:[a-z\u{202e}班休(), ]{0,9}|STATUS:CANCELLED|[ A-Z:;=\"\t-]{0,12})";

/// A list of days, nearly right.
const JSON_LINES: &str = "\\{\"(year|days|papers)\": ?(2027|\\[|\"|-?[0-9]{1,20}),? ?(\"days\": ?)?\\[?(\\{\"(date|name|isOffDay)\":\
    ?(\"2027-[01][0-9]-[0-3][0-9]\"|true|false|null|[0-9.e-]{1,9}|\\[{0,300}),? ?(\"isOffDay\": ?(true|false|1))?\\},?){0,5}\\]?\\}?";

/// A calendar of our own, nearly right.
const DAYS: &str = "(weekend: ?\\[(sat|sun|mon|fri|x|, ?){0,5}\\]|(holidays|working): ?\\[((2026|2027|9999)-[01][0-9]-[0-3][0-9]|\
    \\{ from: [0-9]{4}-02-28, until: [0-9]{4}-03-01 \\}|, ?){0,4}\\]|ends_on: [0-9\"-]{0,12}|include: [a-z./\\[\\], ]{0,12}|\
    [-a-z:,{}\\[\\]催 ]{0,12})";

/// What stands in the place of a value: other values, and anything.
const VALUES: &str = "([-+0-9]{0,22}(d|bd|h|min|mo|y|%|GiB|/min)?|[0-9]{1,9} per [0-9]{1,9}(d|w|h)|[0-9]{2}:[0-9]{2}|([-*/,0-9L#?A-z]{1,6} ){4}[-*/,0-9L#]{1,6}|\
    [A-Z][a-z]{1,6}/[A-Za-z_]{1,9}|[a-z]{1,9}@[a-z.]{1,9}|9{1,400}|[ -~]{0,20}|[\\PC\u{202e}\t]{0,20})";

/// Files with one value replaced by another, in quotes or bare.
fn with_a_value_replaced(text: &str, nth: usize, value: &str, quoted: bool) -> String {
    let put = if quoted { serde_json::to_string(value).expect("a text") } else { value.to_owned() };
    let ends = |c: char| ",}]#\n".contains(c);
    let places: Vec<usize> = text.match_indices(": ").map(|(at, _)| at + 2).collect();
    let at = places[nth % places.len()];
    let end = text[at..].find(ends).map_or(text.len(), |length| at + length);
    format!("{}{put} {}", &text[..at], &text[end..])
}

fn shipped(name: &str) -> String {
    std::fs::read_to_string(crate::support::repository(name)).expect("a shipped file")
}

fn rules() -> Vec<String> {
    let folder = std::fs::read_dir(crate::support::repository("config/rules")).expect("the shipped rules");
    let mut texts: Vec<String> = folder
        .map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a rule"))
        .collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::faults::more(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_calendar_is_read_or_refused_and_never_a_panic(
        ics in proptest::collection::vec(ICS_LINES, 0..12),
        json in JSON_LINES,
        days in proptest::collection::vec(DAYS, 0..5),
    ) {
        let courtesy = COURTESY.replace("Asia/Shanghai }", "Asia/Shanghai, calendar: calendars/cn.yaml }");
        let known = "weekend: [sat, sun]\nends_on: \"2027-12-31\"\n";
        let published = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{}\r\n", ics.join("\r\n"));
        let including = format!("{known}include: [a.ics]\n");
        let listing = format!("{known}include: [a.json]\n");
        for (calendar, other) in [
            (including.as_str(), ("calendars/a.ics", published.as_str())),
            (listing.as_str(), ("calendars/a.json", json.as_str())),
            (days.join("\n").as_str(), ("testimonials.yaml", "")),
        ] {
            shown(&[
                ("courtesy.yaml", courtesy.as_bytes()),
                ("calendars/cn.yaml", calendar.as_bytes()),
                (other.0, other.1.as_bytes()),
            ]);
        }
    }

    /// The shipped files, a value of which nobody meant.
    #[test]
    fn any_value_is_taken_or_refused_and_never_a_panic(nth in 0..500_usize, value in VALUES, quoted in any::<bool>()) {
        let courtesy = with_a_value_replaced(&shipped("config/courtesy.yaml"), nth, &value, quoted);
        shown(&[
            ("courtesy.yaml", courtesy.as_bytes()),
            ("calendars/cn.yaml", shipped("config/calendars/cn.yaml").as_bytes()),
            ("testimonials.yaml", shipped("config/testimonials.yaml").as_bytes()),
        ]);
        let rules = rules();
        let rule = with_a_value_replaced(&rules[nth % rules.len()], nth / rules.len(), &value, quoted);
        shown(&[("rules/a.yaml", rule.as_bytes())]);
        let said = with_a_value_replaced(&shipped("config/testimonials.yaml"), nth, &value, quoted);
        let courtesy = format!("{COURTESY}testimonials: testimonials.yaml\n");
        shown(&[("courtesy.yaml", courtesy.as_bytes()), ("testimonials.yaml", said.as_bytes())]);
    }
}
