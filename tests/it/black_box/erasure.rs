//! What is kept of people, for how long, and how it goes.

use std::fs;

use super::courtesy::{Daemon, Installation};

/// A sentence of the thank-you for a visit.
const PHRASE: &str = "a good deal about what";

fn set(installation: &Installation, sql: &str) {
    let file = installation.path().join("data/courtesy.db");
    rusqlite::Connection::open(file).expect("the store").execute_batch(sql).expect("changed");
}

/// Whether the store, or what lies beside it, holds a text.
fn holds(installation: &Installation, text: &str) -> bool {
    let folder = fs::read_dir(installation.path().join("data")).expect("a folder");
    let files = folder.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    files
        .map(|path| fs::read(path).expect("a file"))
        .any(|bytes| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes())))
}

/// One letter of forty days ago.
fn with_an_old_letter() -> Installation {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
    set(
        &installation,
        "UPDATE letters SET finished_at = finished_at - 40 * 86400000000, queued_at = queued_at - 40 * 86400000000",
    );
    installation
}

#[test]
fn a_text_goes_after_the_time_that_retention_says_and_outbox_and_history_say_so() {
    let installation = with_an_old_letter();
    assert!(installation.run(&["outbox", "show", "1"]).out.contains(PHRASE));
    assert_eq!(installation.run(&["run", "--once"]).code, 0);
    assert!(holds(&installation, PHRASE), "seven years are not over");
    installation.edit("config/courtesy.yaml", "bodies: 7y", "bodies: 30d");
    let mut daemon = Daemon::start(&installation);
    let line = daemon.wait_for("the text of old letters was removed");
    assert!(line.contains("letters=1"), "{line}");
    assert!(!holds(&installation, PHRASE), "gone while it runs");
    assert_eq!(daemon.stop(), Some(0));

    let because = "after 30 days, as `retention: { bodies }` says";
    let shown = installation.run(&["outbox", "show", "1"]);
    assert!(shown.code == 0 && shown.out.contains(because) && !shown.out.contains(PHRASE), "{shown:?}");
    assert!(shown.out.contains("To:      ann@example.test") && shown.out.contains("sent"), "{shown:?}");
    let json = installation.run(&["outbox", "show", "1", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (&read["text"], &read["text_removed"]["because"]),
        (&serde_json::Value::Null, &because.into())
    );
    let history = installation.run(&["history", "C1"]);
    assert!(history.code == 0 && history.out.contains("its text was removed on"), "{history:?}");
    let again = installation.run(&["run", "--once"]);
    assert!(again.code == 0 && again.out.contains("0 sent"), "nothing is said twice: {again:?}");
}

#[test]
fn one_pass_removes_old_texts_as_well() {
    let installation = with_an_old_letter();
    installation.edit("config/courtesy.yaml", "bodies: 7y", "bodies: 1mo");
    let pass = installation.run(&["run", "--once"]);
    assert_eq!(pass.code, 0, "{pass:?}");
    assert!(!holds(&installation, PHRASE));
    assert!(installation.run(&["outbox", "show", "1"]).out.contains("after 1 month"));
}
