//! Killed while the store is made, migrated, or takes a file in.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::business::{Business, to_port};
use super::number;
use crate::simulation::dice::Dice;

/// How often each is tried.
const TRIES: u64 = 60;
const ROWS: i64 = 3_000;

/// Starts a command, kills it after a random time, and waits for its end.
fn killed(business: &Business, arguments: &[&str], dice: &mut Dice, within_ms: u64) {
    let log = File::create(business.installation.path().join("log")).expect("a file");
    let mut process = business.installation.start(arguments, log);
    // The moment is to be any.
    thread::sleep(Duration::from_millis(dice.below(within_ms)));
    process.kill().expect("it can be asked");
    process.wait().expect("it ends");
}

fn ask(store: &Path, question: &str) -> i64 {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let conn = Connection::open_with_flags(store, flags).expect("a database");
    conn.query_row(question, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{question}: {error}"))
}

fn is_whole(store: &Path) {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let conn = Connection::open_with_flags(store, flags).expect("a database");
    let found: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(found, "ok");
}

/// A store as the first release wrote it, with many customers.
fn first_schema(store: &Path, application: i64) {
    let conn = Connection::open(store).expect("a database");
    conn.execute_batch(include_str!("../../../src/store/migrations/0001.sql")).expect("the first schema");
    conn.execute_batch(&format!(
        "PRAGMA application_id = {application}; PRAGMA user_version = 1;
         BEGIN;
         WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {ROWS})
             INSERT INTO relationships (name, wake_at) SELECT 'c' || x || '@example.test', 0 FROM n;
         WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {ROWS})
             INSERT INTO customers (id, relationship, name, email)
             SELECT 'C' || x, x, 'Customer', 'c' || x || '@example.test' FROM n;
         COMMIT;"
    ))
    .expect("its rows");
}

#[test]
fn killed_while_migrating_the_store_is_old_or_new_and_it_starts() {
    let mut dice = Dice::new(number("COURTESY_SEED", 1));
    let business = Business::new(1);
    let store = business.installation.path().join("data/courtesy.db");
    let (newest, application) = (ask(&store, "PRAGMA user_version"), ask(&store, "PRAGMA application_id"));
    let old = business.installation.path().join("old.db");
    first_schema(&old, application);
    let (mut before, mut after) = (0, 0);
    for _ in 0..TRIES {
        for ending in ["", "-wal", "-shm"] {
            fs::remove_file(format!("{}{ending}", store.display())).ok();
        }
        fs::copy(&old, &store).expect("copied");
        // `run` would begin to send; this only opens the store.
        killed(&business, &["history", "C1"], &mut dice, 60);
        let version = ask(&store, "PRAGMA user_version");
        assert!((1..=newest).contains(&version), "version {version}");
        before += u32::from(version < newest);
        after += u32::from(version == newest);
        is_whole(&store);
        business.run(&["history", "C1"]);
        assert_eq!(ask(&store, "PRAGMA user_version"), newest);
        assert_eq!(ask(&store, "SELECT COUNT(*) FROM customers"), ROWS);
    }
    assert!(before > 0, "never killed before the end of a migration: {before} {after}");
}

#[test]
fn killed_while_the_first_store_is_made_there_is_none_or_a_whole_one() {
    let mut dice = Dice::new(number("COURTESY_SEED", 2));
    for _ in 0..TRIES {
        let business = Business::unseen(&to_port(1));
        killed(&business, &["run", "--once"], &mut dice, 40);
        let store = business.installation.path().join("data/courtesy.db");
        if store.exists() {
            is_whole(&store);
        }
        business.run(&["run", "--once"]);
        business.run(&["outbox"]);
    }
}

#[test]
fn killed_while_a_file_is_taken_in_it_is_taken_whole_or_not_at_all() {
    let mut dice = Dice::new(number("COURTESY_SEED", 3));
    let business = Business::new(1);
    let store = business.installation.path().join("data/courtesy.db");
    let mut known = 0;
    for round in 0..TRIES {
        let mut table = "id,name,email\n".to_owned();
        for n in 0..300 {
            writeln!(table, "C{round}-{n},Customer,c{n}.{round}@example.test").expect("a String takes it");
        }
        business.installation.write("customers.csv", &table);
        killed(&business, &["import", "customers", "customers.csv"], &mut dice, 120);
        let now = ask(&store, "SELECT COUNT(*) FROM customers");
        assert!([known, known + 300].contains(&now), "{known} customers, then {now}");
        is_whole(&store);
        business.run(&["import", "customers", "customers.csv"]);
        known += 300;
        assert_eq!(ask(&store, "SELECT COUNT(*) FROM customers"), known);
    }
}
