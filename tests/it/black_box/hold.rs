//! When the program stops and asks, and how it is answered.

use std::fs;
use std::path::PathBuf;

use super::courtesy::{Daemon, Installation};

fn store(installation: &Installation) -> PathBuf {
    installation.path().join("data/courtesy.db")
}

/// What lies in the folder when nothing runs is the store, and all of it.
fn copy(installation: &Installation) -> PathBuf {
    let wal = installation.path().join("data/courtesy.db-wal");
    assert!(!wal.exists(), "a program that ends well leaves one file");
    let copy = installation.path().join("yesterday.db");
    fs::copy(store(installation), &copy).expect("a copy");
    copy
}

fn set(installation: &Installation, sql: &str) {
    rusqlite::Connection::open(store(installation)).expect("the store").execute_batch(sql).expect("changed");
}

/// Letters are thanks for a visit; the copy knows of the visit and not of
/// the letter.
pub fn copied_too_early() -> Installation {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    let copy = copy(&installation);
    let sent = installation.run(&["run", "--once"]);
    assert!(sent.out.contains("1 sent"), "{sent:?}");
    fs::copy(copy, store(&installation)).expect("restored");
    installation
}

#[test]
fn a_restored_backup_holds_everything_and_is_released_in_one_command() {
    let installation = copied_too_early();
    let held = installation.run(&["run", "--once"]);
    assert_eq!(held.code, 1, "{held:?}");
    assert!(held.err.contains("HOLD") && held.err.contains("older copy"), "{held:?}");
    assert!(held.err.contains("courtesy resume"), "it says what to do: {held:?}");
    let outbox = installation.run(&["outbox"]);
    assert!(outbox.err.contains("HOLD"), "{outbox:?}");
    let explained = installation.run(&["explain", "C1"]);
    assert!(explained.code == 0 && explained.err.contains("HOLD"), "{explained:?}");

    let shown = installation.run(&["resume", "--dry-run"]);
    assert!(shown.code == 0 && shown.out.contains("visit-thanks/thanks"), "{shown:?}");
    assert_eq!(installation.run(&["run", "--once"]).code, 1, "showing releases nothing");
    let json = installation.run(&["resume", "--dry-run", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&json.out).expect("JSON alone on stdout");
    assert_eq!(
        (&read["hold"], &read["perhaps_sent"][0]["customer"]),
        (&"restored store".into(), &"C1".into())
    );

    let resumed = installation.run(&["resume"]);
    assert!(resumed.code == 0 && resumed.out.contains("1 letters count as uncertain"), "{resumed:?}");
    let next = installation.run(&["run", "--once"]);
    assert!(next.code == 0 && next.out.contains("0 sent"), "{next:?}");
    for told in
        ["a person decided letter=1 customer=\"C1\" what=\"uncertain\"", "what=\"letters leave again\""]
    {
        assert!(next.out.contains(told), "{told} in {next:?}");
    }
    assert_eq!(installation.letters().len(), 1, "one copy, whatever happened");
    let uncertain = installation.run(&["outbox", "list", "--state", "uncertain"]);
    assert!(uncertain.out.contains("perhaps sent"), "{uncertain:?}");
    let again = installation.run(&["resume"]);
    assert!(again.code == 0 && again.err.contains("Nothing is held"), "{again:?}");
}

#[test]
fn a_copy_without_its_record_asks_until_when_letters_may_have_been_sent() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    installation.record_visit();
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
    // On another machine: the store alone, from the backup, and a new visit.
    fs::remove_file(installation.path().join("data/courtesy.db.witness")).expect("the record");
    installation.record_visit();
    let held = installation.run(&["run", "--once"]);
    assert!(held.code == 1 && held.err.contains("record of sent letters"), "{held:?}");
    let asked = installation.run(&["resume"]);
    assert!(asked.code == 1 && asked.err.contains("--assume-sent-until"), "{asked:?}");
    let ahead = installation.run(&["resume", "--assume-sent-until", "2999-01-01 09:00"]);
    assert!(ahead.code == 1 && ahead.err.contains("yet to come"), "{ahead:?}");
    let resumed = installation.run(&["resume", "--assume-sent-until", "now"]);
    assert!(resumed.code == 0 && resumed.out.contains("1 letters count as uncertain"), "{resumed:?}");
    assert!(installation.run(&["run", "--once"]).out.contains("0 sent"));
    assert_eq!(installation.letters().len(), 1);
}

#[test]
fn a_store_that_vanished_is_never_replaced_by_an_empty_one() {
    let installation = copied_too_early();
    fs::remove_file(store(&installation)).expect("gone");
    installation.write("customers.csv", "id,name,email\nC1,Ann,ann@example.test\n");
    for command in [vec!["run", "--once"], vec!["import", "customers", "customers.csv"]] {
        let refused = installation.run(&command);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains("restore the last backup"), "{refused:?}");
        assert!(!store(&installation).exists());
    }
}

#[test]
fn a_daemon_whose_store_is_taken_away_sends_nothing_says_so_and_goes_on_when_it_is_back() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    let away = installation.path().join("data/elsewhere.db");
    fs::rename(store(&installation), &away).expect("taken away");
    // A reload is followed by a pass.
    daemon.hang_up();
    let line = daemon.wait_for("replaced or deleted");
    assert!(line.contains("ERROR"), "{line}");
    fs::rename(&away, store(&installation)).expect("put back");
    installation.record_visit();
    daemon.hang_up();
    daemon.wait_for("visit-thanks");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(installation.letters().len(), 1);
}

#[test]
fn a_clock_that_went_back_or_leapt_ahead_holds_until_it_is_right_or_believed() {
    const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";
    for (days, said) in [("+ 365", "has shown"), ("- 90", "90 days after the last sign of life")] {
        let installation = Installation::with_a_customer();
        installation.record_visit();
        set(&installation, &format!("UPDATE guard SET seen_at = {NOW} {days} * 86400000000"));
        let held = installation.run(&["run", "--once"]);
        assert!(held.code == 1 && held.err.contains(said), "{held:?}");
        assert_eq!(installation.letters().len(), 0);
        let resumed = installation.run(&["resume"]);
        assert_eq!(resumed.code, 0, "{resumed:?}");
        assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
    }
}

#[test]
fn too_little_free_space_holds_and_says_how_much_there_must_be() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    installation.edit("config/courtesy.yaml", "free_space: 256MiB", "free_space: 1000000GiB");
    let held = installation.run(&["run", "--once"]);
    assert!(held.code == 1 && held.err.contains("MiB are free"), "{held:?}");
    assert_eq!(installation.run(&["resume"]).code, 1, "nobody can resume from that");
    installation.edit("config/courtesy.yaml", "free_space: 1000000GiB", "free_space: 0MiB");
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
}

#[test]
fn a_daemon_in_a_hold_says_so_at_once_and_goes_on_when_a_person_resumes() {
    let installation = copied_too_early();
    let mut daemon = Daemon::start(&installation);
    let line = daemon.wait_for("HOLD");
    assert!(line.contains("ERROR") && line.contains("courtesy resume"), "{line}");
    assert_eq!(installation.run(&["resume"]).code, 0);
    daemon.hang_up();
    daemon.wait_for("the HOLD is over");
    installation.record_visit();
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn far_more_letters_than_usual_are_held_until_a_person_lets_them_go() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "unusual: { above: 200", "unusual: { above: 1");
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    for _ in 0..2 {
        installation.record_visit();
    }
    let held = installation.run(&["run", "--once"]);
    assert!(held.out.contains("0 sent") && held.err.contains("far more than usual"), "{held:?}");
    for letter in [1, 2] {
        let told = format!("not sent letter={letter} rule=\"visit-thanks\" stage=\"thanks\" customer=\"C1\"");
        let line = held.out.lines().find(|line| line.contains(&told));
        assert!(line.is_some_and(|line| line.contains("state=\"held\"")), "{told} in {held:?}");
    }
    let listed = installation.run(&["outbox", "list", "--state", "held"]);
    assert!(listed.out.contains("unusual volume (2 letters in a day, 1 is the limit)"), "{listed:?}");
    let resumed = installation.run(&["resume"]);
    assert!(resumed.code == 0 && resumed.out.contains("2 letters"), "{resumed:?}");
    let sent = installation.run(&["run", "--once"]);
    assert!(sent.out.contains("2 sent"), "{sent:?}");
    for letter in [1, 2] {
        let told = format!("a person decided letter={letter} customer=\"C1\" what=\"released\"");
        assert!(sent.out.contains(&told), "{told} in {sent:?}");
    }
}

#[test]
fn what_waits_for_approval_says_so_on_an_unusual_day_as_well() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "unusual: { above: 200", "unusual: { above: 1");
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    installation.edit("config/rules/visit-thanks.yaml", "thanks/visit }", "thanks/visit, approve: true }");
    for _ in 0..2 {
        installation.record_visit();
    }
    let held = installation.run(&["run", "--once"]);
    assert_eq!(held.out.matches("waits for `courtesy outbox release`").count(), 2, "{held:?}");
    // Only who agrees to each lets them go.
    assert_eq!(installation.run(&["resume"]).code, 0);
    assert!(installation.run(&["run", "--once"]).out.contains("0 sent"));
    let released = installation.run(&["outbox", "release", "1"]);
    assert_eq!(released.code, 0, "{released:?}");
    let sent = installation.run(&["run", "--once"]);
    assert!(
        sent.out.contains("1 sent") && sent.out.contains("letter=1 customer=\"C1\" what=\"released\""),
        "{sent:?}"
    );
}

#[test]
fn however_much_others_did_it_is_told_before_anything_is_sent() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    set(
        &installation,
        "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2500)
         INSERT INTO news (deed, letter, about, detail, at) SELECT 'decided', x, 'customer:C1', 'released', 0 FROM n",
    );
    let sent = installation.run(&["run", "--once"]);
    let at = |word: &str| sent.out.rfind(word);
    assert_eq!(sent.out.matches("a person decided").count(), 2_500);
    assert!(at("a person decided") < at(" sent letter="), "{:?}", at(" sent letter="));
}

#[test]
#[ignore = "needs root and a file system that knows immutable files"]
fn a_store_that_turns_read_only_under_the_daemon_is_told_of_and_goes_on_afterwards() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    let files = ["courtesy.db", "courtesy.db-wal"].map(|name| installation.path().join("data").join(name));
    let immutable = |how: &str| {
        let done =
            std::process::Command::new("chattr").arg(how).args(&files).status().expect("chattr is there");
        assert!(done.success(), "chattr {how}: this test needs root");
    };
    immutable("+i");
    daemon.hang_up();
    let line = daemon.wait_for("failed");
    immutable("-i");
    assert!(line.contains("ERROR"), "{line}");
    installation.record_visit();
    daemon.hang_up();
    daemon.wait_for("visit-thanks");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_storm_of_sighups_is_weathered() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    for _ in 0..50 {
        daemon.hang_up();
    }
    daemon.wait_for("reloaded");
    installation.record_visit();
    daemon.hang_up();
    daemon.wait_for("visit-thanks");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(installation.letters().len(), 1);
}
