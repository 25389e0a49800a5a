//! Loading and checking what people write into the folder of templates.

use std::fs;
use std::path::Path;

use courtesy::domain::calendar::Days;
use courtesy::domain::customer::Class;
use courtesy::domain::filter::Filter;
use courtesy::domain::offset::Offset;
use courtesy::domain::rule::{Anchor, Backlog, BudgetKind, ReceivableDate, Recipient, Rule, Stage};
use courtesy::letter::{ComposeError, Composer, catalogue};
use courtesy::problem::{Problem, Severity};
use tempfile::TempDir;

use super::sample::{Sample, settings};
use super::{COMPOSER, TEMPLATES};

const LAYOUT: &str = "<html><body class=\"{{ class }}\"><div>{{ content }}</div></body></html>";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in [("layout.html", LAYOUT)].iter().chain(files) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Result<Composer, Vec<Problem>> {
    Composer::load(folder(files).path())
}

/// `file:line:column: message (hint)`.
fn told(problem: &Problem, dir: &Path) -> String {
    let file = problem.file.strip_prefix(dir).unwrap_or(&problem.file).display().to_string();
    let place =
        problem.line_and_column().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{file}{place}: {}{hint}", problem.message)
}

fn stage(name: &str, template: &str) -> Stage {
    Stage {
        name: name.into(),
        at: Offset::days(3),
        template: template.into(),
        to: vec![Recipient::Customer],
        cc: vec![],
        deadline: None,
        approve: false,
        repeat: None,
    }
}

fn rule(name: &str, anchor: Anchor, class: Class, stages: Vec<Stage>) -> Rule {
    Rule {
        name: name.into(),
        summary: String::new(),
        class,
        anchor,
        schedule: None,
        audience: Filter::default(),
        unless: Filter::default(),
        combine: true,
        include_open: false,
        stages,
        not_while: vec![],
        stale_after: None,
        backlog: Backlog::Skip,
        budget: BudgetKind::Customer,
        per_customer: None,
        days: Some(Days::Any),
        on_uncertain: None,
    }
}

fn shipped_rules() -> Vec<Rule> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/courtesy.yaml");
    courtesy::config::load(&file, &|_| None).expect("the shipped configuration is right").rules
}

#[test]
fn the_shipped_templates_pass_every_check() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let problems = COMPOSER.check(&shipped_rules(), &settings());
    let told: Vec<String> = problems.iter().map(|problem| told(problem, &dir)).collect();
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn both_languages_have_every_letter() {
    for template in TEMPLATES {
        for locale in super::LOCALES {
            let file =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("templates/{locale}/{template}.md"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}

#[test]
fn every_problem_of_a_folder_is_found_at_its_place() {
    for (text, expected) in [
        (
            "Dear",
            "en/a.md: the header with the subject is missing (begin the file with three lines: ---, subject: \"…\", ---)",
        ),
        (
            "---\nsubject: x\nDear",
            "en/a.md: the header does not end (begin the file with three lines: ---, subject: \"…\", ---)",
        ),
        (
            "---\nsubject: \"\"\n---\nDear",
            "en/a.md:2:1: the subject is empty (begin the file with three lines: ---, subject: \"…\", ---)",
        ),
        ("---\nsubject: x\n---\n\n", "en/a.md: the letter has no words"),
        (
            "---\nsubject: x\n---\nDear {{ custmer.name }}",
            "en/a.md:4:9: no variable is called `custmer.name` (did you mean `customer.name`?)",
        ),
        (
            "---\nsubject: \"{{ receivable.numbr }}\"\n---\nx",
            "en/a.md:2:14: no variable is called `receivable.numbr` (did you mean `receivable.number`?)",
        ),
        (
            "---\nsubject: x\n---\nDear { customer.greeting }},",
            "en/a.md:4:6: a brace that belongs to no `{{ … }}` would stand in the letter (put back the brace that was lost; a real one is written {{ \"{\" }})",
        ),
        ("---\nsubject: \"{{ item_count } claims\"\n---\nx", "en/a.md:2:25: Found `}` but expected }}."),
        (
            "---\nsubject: x\n---\nDear {{ customer.greeting },\nwhat {{ today }} is",
            "en/a.md:4:27: Found `}` but expected }}.",
        ),
        (
            "---\nsubject: x\n---\na\n{% if typo %}x{% endif %}",
            "en/a.md:5:7: no variable is called `typo` (templates/README.md lists them all)",
        ),
        (
            "---\nsubject: x\n---\n{% for a in items %}{% for b in items %}{% for c in items %}{% endfor %}{% endfor %}{% endfor %}",
            "en/a.md:4:41: loops are nested deeper than 2",
        ),
    ] {
        let dir = folder(&[("en/a.md", text)]);
        let problems = Composer::load(dir.path()).expect_err(text);
        let told: Vec<String> = problems.iter().map(|problem| told(problem, dir.path())).collect();
        assert_eq!(told, [expected], "{text}");
    }
}

#[test]
fn a_syntax_error_and_an_unknown_filter_have_their_place() {
    for (text, line) in [
        ("---\nsubject: x\n---\na\n\n{% if many %}x", 6),
        ("---\nsubject: x\n---\na\n{{ today | dat }}", 5),
        ("---\nsubject: x\n---\na {{ today", 4),
    ] {
        let problems = load(&[("en/a.md", text)]).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].line_and_column().map(|(line, _)| line), Some(line), "{problems:?}");
    }
}

#[test]
fn a_piece_that_is_missing_or_wrong_is_named() {
    let letter = "---\nsubject: x\n---\n{% include \"en/_p.md\" %}";
    let missing = load(&[("en/a.md", letter)]).err().unwrap_or_default();
    assert!(missing.iter().any(|problem| problem.message.contains("en/_p.md")), "{missing:?}");
    let typo = folder(&[("en/a.md", letter), ("en/_p.md", "{{ ownr.name }}")]);
    let problems = Composer::load(typo.path()).expect_err("a typo");
    assert_eq!(
        problems.iter().map(|problem| told(problem, typo.path())).collect::<Vec<_>>(),
        ["en/_p.md:1:4: no variable is called `ownr.name` (did you mean `owner.name`?)"]
    );
}

#[test]
fn unreadable_folders_and_files_are_named() {
    let nowhere = tempfile::tempdir().expect("a folder").path().join("none");
    assert!(Composer::load(&nowhere).is_err());
    let empty = folder(&[]);
    let problems = Composer::load(empty.path()).expect_err("no language");
    assert!(problems[0].message.contains("no language"));
    let latin = folder(&[]);
    fs::create_dir(latin.path().join("en")).expect("a folder");
    fs::write(latin.path().join("en/a.md"), b"---\nsubject: caf\xe9\n---\nx").expect("a file");
    assert!(Composer::load(latin.path()).expect_err("not UTF-8")[0].message.contains("UTF-8"));
    let bare = tempfile::tempdir().expect("a folder");
    fs::create_dir(bare.path().join("en")).expect("a folder");
    assert!(Composer::load(bare.path()).expect_err("no layout")[0].file.ends_with("layout.html"));
}

#[test]
fn what_a_stage_would_stumble_over_is_found_before_it_is_due() {
    let due = Anchor::Receivable(ReceivableDate::DueOn);
    for (body, place, edge, cause) in [
        ("{{ customer.contact_name }},", (4, 13), "without contact", "`contact_name` is not defined"),
        (
            "by {{ deadline | date }}",
            (4, 18),
            "with everything known",
            "nothing here, but it should be a date",
        ),
        ("for {{ event.product }}", (4, 8), "with everything known", "`event` is not defined"),
        ("{{ receivable.number | money }}", (4, 24), "with everything known", "is not money"),
        ("{{ receivable.number | safe }}", (4, 24), "with everything known", "a value is always escaped"),
        ("{{ receivable.description }}", (4, 15), "without contact", "`description` is not defined"),
        (
            "{% if receivable.contract is defined %}{{ deadline | date }}{% endif %}",
            (4, 54),
            "about an instalment that is partly paid",
            "nothing here, but it should be a date",
        ),
        (
            "{% if totals | length == 3 %}{{ deadline | date }}{% endif %}",
            (4, 44),
            "about three claims in three currencies",
            "nothing here, but it should be a date",
        ),
        (
            "{% if items | length > 40 %}{{ deadline | date }}{% endif %}",
            (4, 43),
            "about 200 claims",
            "nothing here, but it should be a date",
        ),
    ] {
        let dir = folder(&[("en/a.md", &format!("---\nsubject: x\n---\n{body}"))]);
        let composer = Composer::load(dir.path()).expect("it loads");
        let rules = [rule("r", due.clone(), Class::Dunning, vec![stage("s", "a")])];
        let problems = composer.check(&rules, &settings());
        let told: Vec<String> = problems.iter().map(|problem| told(problem, dir.path())).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(problems[0].line_and_column(), Some(place), "{told:?}");
        let message = &problems[0].message;
        assert!(message.starts_with(&format!("rule `r`, stage `s`, a letter {edge}")), "{message}");
        assert!(message.contains(cause), "{message}");
        assert_eq!(problems[0].severity, Severity::Error);
        // `if` helps against what is missing, and not against the wrong filter.
        let hint = problems[0].hint.as_deref().unwrap_or_default();
        let wrong = ["is not money", "a value is always escaped"].contains(&cause);
        assert_eq!(hint.contains("{% if"), !wrong, "{message}: {hint}");
    }
}

#[test]
fn templates_that_are_missing_or_that_nobody_uses_are_named() {
    let text = "---\nsubject: x\n---\nx";
    let dir = folder(&[
        ("zh-CN/letters/one.md", text),
        ("zh-CN/letters/spare.md", text),
        ("zh-CN/lonely.html", "x"),
    ]);
    let composer = Composer::load(dir.path()).expect("it loads");
    let anchor = Anchor::Event(vec!["visit".into()]);
    let stages = vec![stage("a", "letters/one"), stage("b", "letters/on"), stage("c", "elsewhere")];
    let problems = composer.check(&[rule("r", anchor, Class::Courtesy, stages)], &settings());
    let told: Vec<String> = problems.iter().map(|problem| told(problem, dir.path())).collect();
    assert_eq!(
        told,
        [
            "zh-CN/lonely.html: there is no letter of this name (an .html file replaces the HTML part of the .md file beside it)",
            "letters/one.md: rule `r`, stage `a`: there is no template `letters/one` in the business's own language, `en` (write it below the folder of that language)",
            "letters/on.md: rule `r`, stage `b`: there is no template `letters/on` in any language (did you mean `letters/one`?)",
            "elsewhere.md: rule `r`, stage `c`: there is no template `elsewhere` in any language (write it below the folder of that language)",
            "zh-CN/letters/spare.md: no rule uses this template",
        ]
    );
    let severities: Vec<Severity> = problems.iter().map(|problem| problem.severity).collect();
    let [error, warning] = [Severity::Error, Severity::Warning];
    assert_eq!(severities, [warning, error, error, error, warning]);
}

#[test]
fn a_language_that_lacks_a_letter_the_others_have_is_named() {
    let text = "---\nsubject: x\n---\nx";
    let dir = folder(&[
        ("en/a.md", text),
        ("en/b.md", text),
        ("zh-CN/a.md", text),
        ("zh-TW/a.md", text),
        ("pl/b.md", text),
    ]);
    let composer = Composer::load(dir.path()).expect("it loads");
    let mut over = stage("over", "b");
    over.to = vec![Recipient::Owner];
    let stages = vec![stage("one", "a"), over];
    let problems = composer
        .check(&[rule("r", Anchor::Event(vec!["visit".into()]), Class::Courtesy, stages)], &settings());
    let told: Vec<String> = problems.iter().map(|problem| told(problem, dir.path())).collect();
    let expected = "pl/a.md: rule `r`, stage `one`: readers of `pl` get this letter in another language (write it in theirs)";
    assert_eq!(told, [expected]);
    assert_eq!(problems[0].severity, Severity::Warning);
}

#[test]
fn news_that_nobody_can_unsubscribe_from_are_refused() {
    let letter = |body: &str| format!("---\nsubject: x\n---\n{body}");
    let dir = folder(&[("en/a.md", &letter("x")), ("en/b.md", &letter("[Unsubscribe]({{ unsubscribe }})"))]);
    let composer = Composer::load(dir.path()).expect("it loads");
    let stages = vec![stage("silent", "a"), stage("good", "b")];
    let problems = composer
        .check(&[rule("r", Anchor::Event(vec!["visit".into()]), Class::Marketing, stages)], &settings());
    let told: Vec<String> = problems.iter().map(|problem| told(problem, dir.path())).collect();
    let expected = "en/a.md: rule `r`, stage `silent`, a letter with everything known: news must say how to unsubscribe; put a link to `{{ unsubscribe }}` into it";
    assert_eq!(told, [expected]);
}

#[test]
fn a_letter_falls_back_to_the_nearest_language() {
    let text = |locale: &str| format!("---\nsubject: {locale}\n---\nx");
    let (en, cn, hant) = (text("en"), text("zh-CN"), text("zh-Hant"));
    let dir = folder(&[("en/a.md", &en), ("zh-CN/a.md", &cn), ("zh-Hant/b.md", &hant), ("en/b.md", &en)]);
    let composer = Composer::load(dir.path()).expect("it loads");
    for (wanted, template, expected) in [
        ("zh-CN", "a", "zh-CN"),
        ("ZH-cn", "a", "zh-CN"),
        ("zh_CN", "a", "zh-CN"),
        ("zh-TW", "a", "zh-CN"),
        ("zh", "a", "zh-CN"),
        ("zh-Hant-TW", "b", "zh-Hant"),
        ("zh-TW", "b", "zh-Hant"),
        ("en-GB", "a", "en"),
        ("fr", "a", "en"),
        ("", "a", "en"),
    ] {
        let mut sample = Sample::new(template, wanted);
        sample.settings.business.locale = "en".into();
        let content = composer.compose(&sample.occasion()).expect("it composes");
        assert_eq!(content.locale, expected, "{wanted} {template}");
    }
}

#[test]
fn a_page_of_its_own_replaces_the_html_part() {
    let text = "---\nsubject: x\n---\nplain {{ customer.name }}\n\n{{ items | table }}";
    let dir = folder(&[
        ("en/a.md", text),
        ("en/a.html", "<style>b{color:red}</style><b>{{ customer.name }}</b>{{ items | table }}"),
        ("en/_piece.md", "piece\n"),
        ("en/b.md", "---\nsubject: x\n---\na {% include \"en/_piece.md\" %}, b"),
    ]);
    let composer = Composer::load(dir.path()).expect("it loads");
    let content = composer.compose(&Sample::new("a", "en").occasion()).expect("it composes");
    assert!(content.text.starts_with("plain Weaver & Sons Ltd\n\nItem "), "{}", content.text);
    assert!(
        content.html.contains("<div><b style=\"color: red;\">Weaver &amp; Sons Ltd</b><table"),
        "{}",
        content.html
    );
    assert!(
        content.html.contains("<td><span style=\"white-space: nowrap\">2026-0117</span>, loom parts</td>"),
        "{}",
        content.html
    );
    assert!(content.html.contains("<body class=\"courtesy\">"), "{}", content.html);
    let content = composer.compose(&Sample::new("b", "en").occasion()).expect("it composes");
    assert_eq!(content.text, "a piece, b\n");
}

#[test]
fn a_template_that_writes_without_end_is_stopped() {
    let long = "x".repeat(200);
    let body = format!(
        "{{% for a in range(end=100) %}}{{% for b in range(end=100) %}}{long}{{% endfor %}}{{% endfor %}}"
    );
    let dir = folder(&[
        ("en/a.md", &format!("---\nsubject: x\n---\n{body}")),
        ("en/b.md", "---\nsubject: x\n---\n{% for a in range(end=1000000) %}{% endfor %}"),
    ]);
    let composer = Composer::load(dir.path()).expect("it loads");
    let refused = composer.compose(&Sample::new("a", "en").occasion());
    assert_eq!(refused, Err(ComposeError::TooLarge { limit: 1 << 20 }));
    let refused = composer.compose(&Sample::new("b", "en").occasion());
    assert!(matches!(refused, Err(ComposeError::Template { .. })), "{refused:?}");
}

#[test]
fn the_manual_lists_every_variable() {
    let manual = courtesy::cli::init::ABOUT_TEMPLATES;
    assert!(
        manual.contains(&catalogue::documentation()),
        "put this into docs/templates.md:\n{}",
        catalogue::documentation()
    );
}

/// The rows of the table of mistakes: what was written, and what is said.
fn mistakes(page: &str) -> Vec<(String, String)> {
    let (_, table) = page.split_once("## What `courtesy check` says").expect("the chapter");
    let rows =
        table.lines().take_while(|line| !line.starts_with("It names")).filter(|row| row.starts_with("| `"));
    let unescaped = |cell: &str| cell.replace("\\|", "|");
    rows.map(|row| {
        let row = row.trim_start_matches("| `").trim_end_matches(" |");
        let (written, said) = row.split_once("` | ").expect("two cells");
        (unescaped(written), unescaped(said))
    })
    .collect()
}

#[test]
fn the_page_shows_each_mistake_with_what_is_said_about_it() {
    let mistakes = mistakes(courtesy::cli::init::ABOUT_TEMPLATES);
    assert!(mistakes.len() >= 10, "{mistakes:?}");
    let rule = rule("r", Anchor::Receivable(ReceivableDate::DueOn), Class::Dunning, vec![stage("firm", "a")]);
    let mut otherwise = Vec::new();
    for (written, expected) in mistakes {
        let dir = folder(&[("en/a.md", &format!("---\nsubject: x\n---\n{written}"))]);
        let found = match Composer::load(dir.path()) {
            Ok(composer) => composer.check(std::slice::from_ref(&rule), &settings()),
            Err(found) => found,
        };
        let said: Vec<String> = found.iter().map(|problem| told(problem, dir.path())).collect();
        if said.first().is_none_or(|said| !said.contains(&expected)) {
            otherwise.push((written, said));
        }
    }
    assert!(otherwise.is_empty(), "{otherwise:#?}");
}
