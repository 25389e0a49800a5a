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

/// Whatever of C1 must not be found any more.
const PERSONAL: [&str; 9] = [
    "Zelma",
    "Quist",
    "zq@example.test",
    "second@example.test",
    "gus@example.test",
    "regular-of-tuesdays",
    "Fido",
    "asked about her sister",
    PHRASE,
];

/// C1 with a past: a paid invoice with a guarantor, a visit and its thanks.
fn with_a_past() -> Installation {
    let installation = Installation::with_a_customer();
    installation.write(
        "customers.csv",
        "id,name,email,contact_name,locale,cc,tags,attributes\n\
         C1,Zelma Quist Ltd,zq@example.test,Zelma Quist,en,second@example.test,regular-of-tuesdays,\"{\"\"dog\"\":\"\"Fido\"\"}\"\n",
    );
    installation.write(
        "receivables.csv",
        "id,customer_id,kind,amount,currency,due_on,number,guarantor_name,guarantor_email\n\
         R1,C1,invoice,100,EUR,2026-01-02,INV-77,Gus Quist,gus@example.test\n",
    );
    installation.write("payments.csv", "id,receivable_id,amount,received_on\nP1,R1,100,2026-01-02\n");
    for kind in ["customers", "receivables", "payments"] {
        let taken = installation.run(&["import", kind, &format!("{kind}.csv")]);
        assert_eq!(taken.code, 0, "{taken:?}");
    }
    let note =
        ["record", "event", "C1", "visit", "--outcome", "positive", "--note", "asked about her sister"];
    assert_eq!(installation.run(&note).code, 0);
    let pass = installation.run(&["run", "--once"]);
    assert!(pass.out.contains("1 sent"), "{pass:?}");
    installation
}

#[test]
fn a_forgotten_customer_is_gone_from_the_store_while_a_daemon_runs_and_every_command_copes() {
    let installation = with_a_past();
    let mut daemon = Daemon::start(&installation);
    for word in PERSONAL {
        assert!(holds(&installation, word), "{word} is there before");
    }
    let shown = installation.run(&["forget", "C1", "--dry-run"]);
    assert!(
        shown.code == 0 && shown.out.contains("would go") && shown.out.contains("would stay"),
        "{shown:?}"
    );
    let unsure = installation.run(&["forget", "C1", "--because", "letter of 3 March"]);
    assert!(unsure.code == 1 && unsure.err.contains("--confirm C1"), "{unsure:?}");
    let slip = installation.run(&["forget", "C1", "--because", "letter of 3 March", "--confirm", "C2"]);
    assert!(slip.code == 1 && slip.err.contains("nothing was erased"), "{slip:?}");
    assert!(holds(&installation, "Zelma"));

    let done = installation.run(&["forget", "C1", "--because", "letter of 3 March", "--confirm", "C1"]);
    assert!(done.code == 0 && done.out.contains("C1 is forgotten."), "{done:?}");
    for word in ["1 claim and 1 payment", "backups made before", "letters that were written as files"] {
        assert!(done.out.contains(word), "{word}: {done:?}");
    }
    for word in PERSONAL {
        assert!(!holds(&installation, word), "{word} is gone");
    }
    for command in [
        vec!["history", "C1"],
        vec!["outbox"],
        vec!["outbox", "show", "1"],
        vec!["explain", "C1"],
        vec!["explain", "C1", "--json"],
        vec!["plan", "--customer", "C1"],
        vec!["status"],
        vec!["forget", "--list"],
        vec!["backup", "after.db"],
    ] {
        let ran = installation.run(&command);
        assert_eq!(ran.code, 0, "{command:?}: {ran:?}");
        assert!(!ran.out.contains("panicked") && !ran.err.contains("panicked"), "{ran:?}");
    }
    assert!(installation.run(&["history", "C1"]).out.contains("letter of 3 March (tester)"));
    assert!(installation.run(&["explain", "C1"]).out.contains("forgotten on"));
    assert!(installation.run(&["outbox", "show", "1"]).out.contains("when the customer was forgotten"));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_import_leaves_a_forgotten_customer_out_books_what_is_new_and_nothing_is_sent() {
    let installation = with_a_past();
    let forget = ["forget", "C1", "--because", "letter of 3 March", "--confirm", "C1"];
    assert_eq!(installation.run(&forget).code, 0);
    installation.write(
        "receivables.csv",
        "id,customer_id,kind,amount,currency,due_on,number,guarantor_name,guarantor_email\n\
         R1,C1,invoice,100,EUR,2026-01-02,INV-77,Gus Quist,gus@example.test\n\
         R2,C1,invoice,500,EUR,2026-01-02,INV-78,Gus Quist,gus@example.test\n",
    );
    installation.chase_the_backlog();
    for kind in ["customers", "receivables", "payments"] {
        let taken = installation.run(&["import", kind, &format!("{kind}.csv")]);
        assert_eq!(taken.code, 0, "{taken:?}");
        if kind != "payments" {
            assert!(taken.err.contains("asked to be forgotten") && taken.err.contains("C1"), "{taken:?}");
        }
    }
    let pass = installation.run(&["run", "--once"]);
    assert!(pass.code == 0 && pass.out.contains("customer forgotten"), "{pass:?}");
    assert_eq!(installation.letters().iter().filter(|letter| letter.contains("zq@example.test")).count(), 1);
    assert!(!holds(&installation, "Quist") && !holds(&installation, "zq@example.test"));
    let again = installation.run(&forget);
    assert!(again.code == 1 && again.err.contains("INV-78"), "a new claim is owed: {again:?}");
    let insisted = installation.run(&[&forget[..], &["--with-open-claims"]].concat());
    assert!(insisted.code == 0 && insisted.err.contains("INV-78"), "{insisted:?}");

    let back = installation.run(&["forget", "C1", "--take-back", "--because", "came again"]);
    assert!(back.code == 0 && back.out.contains("may be imported again"), "{back:?}");
    let taken = installation.run(&["import", "customers", "customers.csv"]);
    assert!(taken.code == 0 && taken.out.contains("1 changed"), "{taken:?}");
    let suppressed = installation.run(&["suppress"]);
    assert!(suppressed.out.contains("zq@example.test"), "unwanted as before: {suppressed:?}");
}

#[test]
fn a_restore_names_those_who_are_back_by_it() {
    let installation = with_a_past();
    assert_eq!(installation.run(&["backup", "before.db"]).code, 0);
    assert_eq!(
        installation.run(&["forget", "C1", "--because", "a letter", "--confirm", "C1", "--json"]).code,
        0
    );
    let restored = installation.run(&["restore", "before.db"]);
    assert!(restored.code == 0 && restored.err.contains("are back: C1"), "{restored:?}");
}

#[test]
fn the_log_tells_of_each_letter_that_is_cancelled_by_forgetting() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "unusual: { above: 200", "unusual: { above: 1");
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    for _ in 0..2 {
        installation.record_visit();
    }
    assert!(installation.run(&["run", "--once"]).out.contains("0 sent"));
    let done = installation.run(&["forget", "C1", "--because", "letter of 3 March", "--confirm", "C1"]);
    assert_eq!(done.code, 0, "{done:?}");
    let told = installation.run(&["run", "--once"]);
    for letter in [1, 2] {
        let line = format!("a person decided letter={letter} customer=\"C1\" what=\"cancelled\"");
        assert!(told.out.contains(&line), "{line} in {told:?}");
    }
    assert!(told.out.contains("a customer was forgotten about=\"customer:C1\""), "{told:?}");
}
