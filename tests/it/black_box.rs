//! The real binary in a folder of its own, as an administrator uses it.
//!
//! Nothing here sleeps: a daemon is waited for by the lines of its log. What
//! depends on the day is given in days from today, which the program itself
//! is asked for.

mod alarms;
mod backlog;
mod backup;
pub mod courtesy;
mod erasure;
mod explain;
mod hold;
mod monitoring;
mod plan;
mod played;
mod preview;
mod reload;
mod returns;
mod screens;
mod send_test;
mod terminal;
mod trial;

use std::fs;

use courtesy::{Daemon, Installation, run_in};
use terminal::shown_on;
use unicode_width::UnicodeWidthStr as _;

#[test]
fn alone_it_says_what_state_it_is_in_and_what_to_do_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let nowhere = run_in(dir.path(), &[]);
    assert_eq!(nowhere.code, 1, "there is no configuration");
    assert!(nowhere.out.contains("courtesy demo") && nowhere.out.contains("courtesy init"), "{nowhere:?}");
    let installation = Installation::with_a_customer();
    let idle = installation.run(&[]);
    assert_eq!(idle.code, 0, "{idle:?}");
    assert!(idle.out.contains("1 customer") && idle.out.contains("does not run"), "{idle:?}");
    let mut daemon = Daemon::start(&installation);
    let at_work = installation.run(&[]);
    assert!(at_work.out.contains(&format!("runs, process {}", daemon.id())), "{at_work:?}");
    assert_eq!(daemon.stop(), Some(0), "nobody disturbed it by looking");
    installation.edit("config/courtesy.yaml", "business:", "bussiness:");
    let broken = installation.run(&[]);
    assert_eq!(broken.code, 1);
    assert!(broken.out.contains("1 error") && broken.out.contains("courtesy check"), "{broken:?}");
}

#[test]
fn a_misspelt_command_is_answered_with_the_right_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let shown = run_in(dir.path(), &["chekc"]);
    assert_eq!(shown.code, 2);
    assert!(shown.err.contains("'check'"), "{}", shown.err);
    for (wrong, right) in [
        (vec!["outbox", "realease", "4"], "'release'"),
        (vec!["outbox", "list", "--stat", "held"], "'--state'"),
        (vec!["outbox", "list", "--state", "hold"], "'held'"),
        (vec!["record", "paymnt", "INV-1", "5"], "'payment'"),
        (vec!["check", "--relai"], "'--relay'"),
        (vec!["send"], "'run'"),
        (vec!["queue"], "'outbox'"),
        (vec!["validate"], "'check'"),
    ] {
        let shown = run_in(dir.path(), &wrong);
        assert_eq!(shown.code, 2, "{wrong:?}");
        assert!(shown.err.contains(right), "{wrong:?}: {}", shown.err);
    }
}

#[test]
fn a_lost_brace_and_a_letter_that_one_language_lacks_are_found() {
    let installation = Installation::new();
    installation.edit("templates/en/reminder/firm.md", "{{ customer.greeting }}", "{ customer.greeting }}");
    std::fs::remove_file(installation.path().join("templates/zh-CN/reminder/friendly.md"))
        .expect("it was there");
    std::fs::remove_file(installation.path().join("templates/en/thanks/visit.md")).expect("it was there");
    let checked = installation.run(&["check", "--json"]);
    assert_eq!(checked.code, 1);
    let lost = installation.line_of("templates/en/reminder/firm.md", "{ customer.greeting }}");
    assert!(checked.out.contains("a brace that belongs to no"), "{}", checked.out);
    assert!(checked.out.contains(&format!("\"line\": {lost}")), "{}", checked.out);
    installation.edit("templates/en/reminder/firm.md", "{ customer.greeting }}", "{{ customer.greeting }}");
    let checked = installation.run(&["check", "--json"]);
    assert_eq!(checked.code, 1, "the business's own language lacks a letter");
    assert!(
        checked.out.contains("readers of `zh-CN` get this letter in another language"),
        "{}",
        checked.out
    );
    let found: serde_json::Value = serde_json::from_str(&checked.out).expect("JSON alone on stdout");
    let missing =
        found.as_array().expect("a list").iter().find(|one| one["severity"] == "error").expect("it");
    assert!(missing["message"].as_str().is_some_and(|text| text.contains("`thanks/visit`")), "{missing}");
    let rule = installation.line_of("config/rules/visit-thanks.yaml", "template:");
    let place = (missing["file"].as_str(), missing["line"].as_u64());
    assert_eq!(place, (Some("config/rules/visit-thanks.yaml"), Some(rule as u64)), "{missing}");
}

#[test]
#[ignore = "needs script of util-linux, which makes a terminal"]
fn at_a_terminal_there_are_colours_unless_they_are_unwanted() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    installation.run(&["run", "--once"]);
    let coloured = shown_on(installation.path(), 80, "outbox");
    assert!(coloured.contains("\u{1b}[32msent"), "{coloured:?}");
    let broken = shown_on(installation.path(), 80, "history C1");
    let bare = anstream::adapter::strip_str(&broken).to_string();
    assert!(bare.lines().count() > 4 && bare.lines().all(|line| line.width() <= 80), "{broken:?}");
    let plain = shown_on(installation.path(), 80, "history C1 | cat");
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    std::fs::write(installation.path().join("plain"), "NO_COLOR=1 exec \"$@\"\n").expect("written");
    let program = env!("CARGO_BIN_EXE_courtesy");
    let unwanted = shown_on(installation.path(), 80, &format!("--version; sh plain {program} history C1"));
    assert!(!unwanted.contains('\u{1b}') && unwanted.lines().count() > 4, "{unwanted:?}");
}

#[test]
fn without_a_configuration_it_says_where_it_looked_and_what_to_do() {
    let dir = tempfile::tempdir().expect("a folder");
    let shown = run_in(dir.path(), &["check"]);
    assert_eq!(shown.code, 1);
    let said = shown.out + &shown.err;
    assert!(said.contains("config/courtesy.yaml") && said.contains("courtesy init"), "{said}");
}

#[test]
fn init_writes_a_business_that_checks_clean_and_overwrites_nothing() {
    let installation = Installation::new();
    let checked = installation.run(&["check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.out.contains("ok "), "{}", checked.out);
    let again = run_in(installation.path(), &["init", "."]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("not empty"), "{}", again.err);
}

#[test]
fn a_typo_is_shown_with_its_place_and_the_right_word() {
    let installation = Installation::new();
    installation.edit("config/rules/visit-thanks.yaml", "class:", "clas:");
    let checked = installation.run(&["check"]);
    assert_eq!(checked.code, 1);
    let line = installation.line_of("config/rules/visit-thanks.yaml", "clas:");
    let place = format!("visit-thanks.yaml:{line}:1");
    assert!(checked.out.contains(&place) && checked.out.contains("class"), "{place} in {}", checked.out);
    let json = installation.run(&["check", "--json"]);
    assert_eq!(json.code, 1);
    let found: serde_json::Value = serde_json::from_str(&json.out).expect("JSON alone on stdout");
    let at = |key: &str| {
        found
            .as_array()
            .and_then(|all| all.iter().find(|one| one["line"] == line))
            .map(|one| one[key].clone())
    };
    assert_eq!(at("column"), Some(1.into()), "{found}");
    assert_eq!(at("severity"), Some("error".into()));
}

#[test]
fn the_daemon_does_not_start_on_a_broken_file() {
    let installation = Installation::new();
    installation.edit("config/courtesy.yaml", "business:", "bussiness:");
    let ran = installation.run(&["run", "--once"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("bussiness") && ran.out.is_empty(), "{ran:?}");
}

#[test]
fn an_import_names_bad_rows_and_keeps_nothing() {
    let installation = Installation::new();
    installation.write("customers.csv", "id,name,email\nC1,Ann,ann@example.test\nC2,,bob@example.test\n");
    let refused = installation.run(&["import", "customers", "customers.csv"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("customers.csv:3:"), "{}", refused.err);
    let kept = installation.run(&["import", "customers", "customers.csv", "--keep-going", "--json"]);
    assert_eq!(kept.code, 0, "{kept:?}");
    let report: serde_json::Value = serde_json::from_str(&kept.out).expect("JSON alone on stdout");
    assert_eq!((&report["added"], &report["bad_count"]), (&1.into(), &1.into()), "{report}");
}

#[test]
fn a_visit_is_thanked_for_once_and_the_letter_can_be_read() {
    let installation = Installation::with_a_customer();
    let written = installation.record_visit();
    assert_eq!(written.code, 0, "{written:?}");
    let first = installation.run(&["run", "--once"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("1 sent"), "{first:?}");
    let letters = installation.letters();
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert!(letters[0].contains("ann@example.test"), "{}", letters[0]);
    let second = installation.run(&["run", "--once"]);
    assert!(second.out.contains("0 sent"), "{second:?}");
    assert_eq!(installation.letters(), letters, "nothing goes twice");

    let listed = installation.run(&["outbox", "--json"]);
    let outbox: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON alone on stdout");
    assert_eq!(outbox[0]["state"], "sent");
    assert_eq!(outbox[0]["rule"], "visit-thanks");
    let id = outbox[0]["id"].to_string();
    let shown = installation.run(&["outbox", "show", &id]);
    assert!(shown.out.contains("To:      ann@example.test") && shown.out.contains("Ann"), "{}", shown.out);
    let history = installation.run(&["history", "C1"]);
    assert!(history.out.contains("visit") && history.out.contains("letter"), "{}", history.out);
}

#[test]
fn what_does_not_exist_is_said_so() {
    let installation = Installation::with_a_customer();
    for (command, named) in [
        (vec!["outbox", "show", "999"], "999"),
        (vec!["history", "C9"], "C9"),
        (vec!["record", "payment", "INV-9", "100"], "INV-9"),
        (vec!["record", "event", "C9", "visit"], "C9"),
    ] {
        let said = installation.run(&command);
        assert_eq!(said.code, 1, "{command:?}: {said:?}");
        assert!(said.err.contains(named), "{command:?}: {}", said.err);
    }
}

#[test]
fn an_event_with_many_and_a_slip_in_its_kind() {
    let installation = Installation::with_a_customer();
    let slip = installation.run(&["record", "event", "C1", "vist"]);
    assert_eq!(slip.code, 1);
    assert!(slip.err.contains("did you mean `visit`? Nothing was recorded"), "{}", slip.err);
    let meant = installation.run(&["record", "event", "C1", "vist", "--any-kind"]);
    assert_eq!(meant.code, 0, "{meant:?}");
    let own = installation.run(&["record", "event", "--everyone", "seminar", "--outcome", "positive"]);
    assert_eq!(own.code, 0, "{own:?}");
    assert!(own.err.contains("no rule counts from event.seminar"), "{}", own.err);
    assert_eq!(own.out, "seminar with 1 customer in all\n");
    for wrong in [
        vec!["record", "event", "visit"],
        vec!["record", "event", "C1", "visit", "--everyone"],
        vec!["record", "event", "--everyone", "--tag", "key", "visit"],
    ] {
        assert_eq!(installation.run(&wrong).code, 2, "{wrong:?}");
    }
}

#[test]
fn a_second_daemon_is_refused_and_told_the_first_ones_process() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    for second in [vec!["run"], vec!["run", "--once"]] {
        let refused = installation.run(&second);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(&format!("process {}", daemon.id())), "{}", refused.err);
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn on_sighup_it_takes_changes_over_and_on_sigterm_it_ends_well() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/rules/visit-thanks.yaml", "+0min", "+20min");
    daemon.hang_up();
    let line = daemon.wait_for("reloaded");
    assert!(line.contains("visit-thanks changed"), "{line}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_broken_file_at_sighup_leaves_the_last_good_rules_in_force() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/rules/visit-thanks.yaml", "class:", "clas:");
    daemon.hang_up();
    let line = daemon.wait_for("not reloaded");
    assert!(line.contains("visit-thanks.yaml:"), "{line}");
    daemon.wait_for("stays in force");
    installation.edit("config/rules/visit-thanks.yaml", "clas:", "class:");
    daemon.hang_up();
    daemon.wait_for("reloaded");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn the_daemon_sends_what_is_due_and_says_so_on_stdout() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    let mut daemon = Daemon::start(&installation);
    let line = daemon.wait_for("visit-thanks");
    assert!(line.contains("sent") && line.contains("C1"), "{line}");
    assert!(!line.contains("ann@example.test"), "addresses are masked in the log: {line}");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(installation.letters().len(), 1);
}

#[test]
fn json_is_what_the_log_is_asked_to_be() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start_with(&installation, &["--log", "json"]);
    daemon.hang_up();
    let line = daemon.wait_for("reloaded");
    let read: serde_json::Value = serde_json::from_str(&line).expect("one object a line");
    assert_eq!(read["level"], "INFO");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_pipe_gets_plain_text_and_no_complaint_when_it_closes() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    installation.run(&["run", "--once"]);
    let listed = installation.run(&["outbox"]);
    assert!(!listed.out.contains('\u{1b}') && !listed.err.contains('\u{1b}'), "{listed:?}");
    let closed = installation.run_into_closed_pipe(&["outbox"]);
    assert_eq!((closed.code, closed.err.as_str()), (0, ""), "{closed:?}");
}

#[test]
fn the_demo_leaves_letters_and_an_installation_that_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let played = run_in(dir.path(), &["demo"]);
    assert_eq!(played.code, 0, "{played:?}");
    for rule in
        ["payment-reminders/firm", "payment-thanks", "visit-thanks", "signing-thanks", "onboarding-check-in"]
    {
        assert!(played.out.contains(rule), "{rule} in {}", played.out);
    }
    let needs =
        (1..=11).map(|number| format!("[C{number}]")).chain((1..=10).map(|number| format!("[T{number}]")));
    for need in needs {
        assert!(played.out.contains(&need), "{need} in {}", played.out);
    }
    assert_eq!(played.err, "");
    let demo = dir.path().join("courtesy-demo");
    let page = fs::read_to_string(demo.join("index.html")).expect("the page");
    assert!(page.contains("visit-thanks"));
    let letters = fs::read_dir(demo.join("data/outbox")).map_or(0, Iterator::count);
    assert!(letters > 30, "{letters} letters");
    assert_eq!(run_in(&demo, &["check"]).code, 0);
    let next = run_in(&demo, &["run", "--once"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert!(next.out.contains("0 sent"), "nothing is sent again: {next:?}");

    let again = run_in(dir.path(), &["demo"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("--force"), "{}", again.err);
}
