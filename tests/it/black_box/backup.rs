//! The store as one file, and back.

use std::fs;
use std::path::{Path, PathBuf};

use super::courtesy::{Daemon, Installation};

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

/// A backup of before the letter about a visit.
fn backed_up_too_early() -> (Installation, PathBuf) {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    let backup = installation.path().join("yesterday.db");
    let made = installation.run(&["backup", "yesterday.db"]);
    assert!(made.code == 0 && made.out.contains("1 customer, 0 letters, read back whole"), "{made:?}");
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
    (installation, backup)
}

#[test]
fn a_backup_is_one_private_file_made_while_the_daemon_goes_on_and_the_oldest_make_room() {
    use std::os::unix::fs::PermissionsExt as _;
    let installation = Installation::with_a_customer();
    let folder = installation.path().join("backups");
    fs::create_dir(&folder).expect("a folder");
    let older =
        ["courtesy-20260101T000000Z.db", "courtesy-20260102T000000Z.db", "courtesy-notes.db", "a.txt"];
    for name in older {
        fs::write(folder.join(name), "older").expect("written");
    }
    let mut daemon = Daemon::start(&installation);
    let made = installation.run(&["backup", "backups", "--keep", "2", "--json"]);
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(daemon.stop(), Some(0));
    let read: serde_json::Value = serde_json::from_str(&made.out).expect("JSON");
    let file = installation.path().join(read["file"].as_str().expect("its name"));
    assert_eq!(read["deleted"], serde_json::json!(["backups/courtesy-20260101T000000Z.db"]));
    let own = file.file_name().expect("a name").to_str().expect("a name").to_owned();
    assert_eq!(names(&folder), ["a.txt", "courtesy-20260102T000000Z.db", &own, "courtesy-notes.db"]);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    // It is a whole database that needs no file beside it.
    let copy = rusqlite::Connection::open(&file).expect("a database");
    let customers: i64 =
        copy.query_row("SELECT COUNT(*) FROM customers", [], |row| row.get(0)).expect("a table");
    assert_eq!(customers, 1);
}

#[test]
fn a_backup_overwrites_nothing_and_says_what_is_wrong() {
    let installation = Installation::with_a_customer();
    installation.write("mine.txt", "mine");
    for (arguments, told) in [
        (vec!["backup", "mine.txt"], "it exists already"),
        (vec!["backup", "nowhere/backup.db"], "can't be created"),
        (vec!["backup", "new.db", "--keep", "3"], "is for a folder"),
    ] {
        let refused = installation.run(&arguments);
        assert!(refused.code == 1 && refused.err.contains(told), "{refused:?}");
    }
    assert_eq!(fs::read_to_string(installation.path().join("mine.txt")).expect("there"), "mine");
    assert!(!names(installation.path()).iter().any(|name| name.contains("partial") || name == "new.db"));
}

#[test]
fn after_a_restore_nothing_leaves_before_a_person_has_looked_and_nothing_goes_twice() {
    let (installation, backup) = backed_up_too_early();
    let before = names(&installation.path().join("data"));
    let restored = installation.run(&["restore", "yesterday.db"]);
    assert_eq!(restored.code, 0, "{restored:?}");
    assert!(restored.err.contains("1 letter may have been sent since"), "{restored:?}");
    assert!(restored.err.contains("payments above all"), "{restored:?}");
    assert!(backup.exists(), "the backup stays what it is");
    let after = names(&installation.path().join("data"));
    assert!(
        before.iter().all(|name| after.contains(name) || name.ends_with("-wal") || name.ends_with("-shm"))
    );
    assert!(after.iter().any(|name| name.starts_with("courtesy.db.before-")), "{after:?}");

    let held = installation.run(&["run", "--once"]);
    assert!(held.code == 1 && held.err.contains("HOLD"), "{held:?}");
    let listed = installation.run(&["resume", "--dry-run"]);
    assert!(listed.out.contains("visit-thanks/thanks"), "{listed:?}");
    assert_eq!(installation.run(&["resume"]).code, 0);
    assert!(installation.run(&["run", "--once"]).out.contains("0 sent"));
    assert_eq!(installation.letters().len(), 1, "one copy");
}

#[test]
fn a_restore_holds_even_where_nothing_was_sent_since_because_payments_are_forgotten() {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"));
    installation.chase_the_backlog();
    installation
        .write("r.csv", "id,customer_id,kind,amount,currency,due_on\nR1,C1,invoice,1000,EUR,2026-01-05\n");
    assert_eq!(installation.run(&["import", "receivables", "r.csv"]).code, 0);
    assert_eq!(installation.run(&["backup", "b.db"]).code, 0);
    let paid = ["record", "payment", "R1", "1000"];
    let recorded = installation.run(&paid);
    assert_eq!(recorded.code, 0, "{recorded:?}");

    assert_eq!(installation.run(&["restore", "b.db"]).code, 0);
    let held = installation.run(&["run", "--once"]);
    assert!(held.code == 1 && held.err.contains("the store is a backup"), "{held:?}");
    let state = installation.run(&["status"]);
    assert!(state.code == 1 && state.out.contains("HOLD"), "{state:?}");
    assert_eq!(installation.run(&paid).code, 0, "what happened since is written down again");
    let resumed = installation.run(&["resume"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    let next = installation.run(&["run", "--once"]);
    assert_eq!(next.code, 0, "{next:?}");
    assert!(
        installation.letters().iter().all(|letter| !letter.contains("R1") || letter.contains("Thank")),
        "whoever has paid is not reminded"
    );
}

#[test]
fn on_another_machine_a_backup_of_before_the_first_letter_asks_as_well() {
    let (_first, backup) = backed_up_too_early();
    let second = Installation::new();
    let from = backup.to_str().expect("a path");
    let restored = second.run(&["restore", from]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let asked = second.run(&["resume"]);
    assert!(asked.code == 1 && asked.err.contains("--assume-sent-until"), "{asked:?}");
    assert!(second.letters().is_empty());
}

#[test]
fn what_is_no_backup_of_ours_is_refused_and_the_store_stays() {
    let (installation, backup) = backed_up_too_early();
    let store = installation.path().join("data/courtesy.db");
    let whole = fs::read(&backup).expect("the backup");
    installation.write("text.db", "no database");
    installation.write("empty.db", "");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0x5a);
    fs::write(installation.path().join("damaged.db"), damaged).expect("written");
    let before = fs::read(&store).expect("the store");
    for (file, told) in [
        ("missing.db", "No such file"),
        ("text.db", "not a database"),
        ("empty.db", "empty"),
        ("damaged.db", "damaged"),
        ("data/courtesy.db", "the store itself"),
    ] {
        let refused = installation.run(&["restore", file]);
        assert!(refused.code == 1 && refused.err.contains(told), "{file}: {refused:?}");
        assert_eq!(fs::read(&store).expect("the store"), before, "{file}");
    }
    let mut daemon = Daemon::start(&installation);
    let refused = installation.run(&["restore", "yesterday.db"]);
    assert!(refused.code == 1 && refused.err.contains("another courtesy runs"), "{refused:?}");
    assert_eq!(daemon.stop(), Some(0));
}
