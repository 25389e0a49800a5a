//! What only a file can get wrong.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use courtesy::domain::facts::Facts;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, OutboxFilter, Store, StoreError};
use rusqlite::Connection;

use super::world::*;

fn refusal(file: &Path) -> String {
    match SqliteStore::open(file, options()) {
        Err(StoreError::Unusable(why)) => why,
        other => panic!("{other:?} instead of a refusal"),
    }
}

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    let store = SqliteStore::open(&file, options()).expect("a store");
    assert_eq!(store.path(), Some(file.as_path()));
    fill(&store, folder.path()).await;
    let letter = queue(&store, draft("friendly", &["R1"])).await;
    let read = claim(&store, letter).await;
    begin(&store, read).await;
    let before = (due(&store, NOON).await, row(&store, letter).await);
    drop(store);
    let store = SqliteStore::open(&file, options()).expect("a store");
    assert_eq!((due(&store, NOON).await, row(&store, letter).await), before);
}

/// In a copy our own people are looked at too.
fn of_customers(mut facts: Vec<Arc<Facts>>) -> Vec<Arc<Facts>> {
    facts.retain(|facts| !facts.customers.is_empty());
    facts
}

#[tokio::test]
async fn a_copy_and_a_backup_are_whole_and_go_their_own_way() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let before = due(&store, NOON).await;
        let live = store.path().map(Path::to_owned);
        let copy = live.map(|live| SqliteStore::copied(&live, options()).expect("a copy"));
        let file = folder.path().join("backup.db");
        store.backup(&file).await.expect("a backup");
        let payments = "id,receivable_id,amount,received_on\nP1,R1,40,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        if let Some(copy) = copy {
            assert_eq!(of_customers(due(&copy, NOON).await), before);
            assert_eq!(copy.path(), None);
        }
        let kept = SqliteStore::open(&file, options()).expect("the backup opens");
        assert_eq!(due(&kept, NOON).await, before);
        assert!(matches!(store.backup(&file).await, Err(StoreError::Refused(_))), "nothing is overwritten");
    }
}

#[test]
fn the_files_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    let store = SqliteStore::open(&file, options()).expect("a store");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let entry = entry.expect("a file");
        let mode = entry.metadata().expect("its mode").permissions().mode() & 0o777;
        names.push((entry.file_name().to_string_lossy().into_owned(), mode));
    }
    names.sort();
    let expected = ["courtesy.db", "courtesy.db-shm", "courtesy.db-wal"].map(|name| (name.to_owned(), 0o600));
    assert_eq!(names, expected);
    drop(store);
}

#[test]
fn what_is_no_store_of_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let good = place("good.db");
    drop(SqliteStore::open(&good, options()).expect("a store"));
    let bytes = std::fs::read(&good).expect("bytes");

    let mut flipped = bytes.clone();
    flipped[4096..8192].fill(0xAB);
    let newer = place("newer.db");
    std::fs::copy(&good, &newer).expect("a copy");
    let conn = Connection::open(&newer).expect("a database");
    let known: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    conn.pragma_update(None, "user_version", 99).expect("a version");
    drop(conn);
    let newer_told =
        format!("its schema is version 99, and this program knows {known}; install the newer Courtesy");
    let lost = place("lost.db");
    write(folder.path(), "lost.db-wal", &bytes);
    let foreign = place("foreign.db");
    Connection::open(&foreign).expect("a database").execute_batch("CREATE TABLE t (x)").expect("a table");

    for (file, part) in [
        (write(folder.path(), "empty.db", b""), "it is empty, zero bytes; restore the last backup"),
        (write(folder.path(), "text.db", "id,name\n".repeat(1_000)), "it is not a database"),
        (write(folder.path(), "flipped.db", flipped), "damaged"),
        (write(folder.path(), "cut.db", &bytes[..bytes.len() / 2]), "damaged"),
        (newer, &newer_told),
        (foreign, "it is a database of another program"),
        (folder.path().to_owned(), "it is not a file"),
        (lost, "it is gone, but its write-ahead log is still there"),
        (place("nowhere/courtesy.db"), "check that its folder exists"),
    ] {
        let before = std::fs::read(&file).ok();
        let why = refusal(&file);
        assert!(why.contains(part), "{}: {why}", file.display());
        assert_eq!(std::fs::read(&file).ok(), before, "{} is left alone", file.display());
    }
    let read_only = place("read-only.db");
    std::fs::copy(&good, &read_only).expect("a copy");
    std::fs::set_permissions(&read_only, std::fs::Permissions::from_mode(0o400)).expect("a mode");
    assert!(refusal(&read_only).contains("read-only"));
}

#[test]
fn every_table_about_a_customer_wakes_its_relationship() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    drop(SqliteStore::open(&file, options()).expect("a store"));
    let conn = Connection::open(&file).expect("a database");
    let list = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).expect("a statement");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    };
    let tables = list(
        "SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
         WHERE m.type = 'table' AND c.name = 'customer' ORDER BY m.name",
    );
    assert_eq!(
        tables,
        [
            "acknowledgements",
            "changes",
            "events",
            "findings",
            "forgotten",
            "letters",
            "notices",
            "pauses",
            "payments",
            "receivables",
            "returns"
        ]
    );
    let triggers = list("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%wake_at = 0%'");
    // A line of `changes` only tells of a change of its receivable, one of
    // `returns` of a change of its letter, one of `forgotten` of a change of its
    // customer, and `findings` are what plans found themselves.
    let telling = ["changes", "findings", "forgotten", "returns"];
    let waking = tables.iter().map(String::as_str).filter(|table| !telling.contains(table));
    for table in waking.chain(["customers", "suppressions"]) {
        for event in ["insert", "update", "delete"] {
            assert!(triggers.contains(&format!("{table}_{event}")), "{event} on {table}");
        }
    }
}

#[tokio::test]
async fn a_file_replaced_under_a_running_store_is_not_written_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    let store = SqliteStore::open(&file, options()).expect("a store");
    fill(&store, folder.path()).await;
    std::fs::rename(&file, folder.path().join("moved.db")).expect("moved");
    let told = store.recover(at(NOON)).await.expect_err("an error");
    assert!(matches!(&told, StoreError::Unusable(why) if why.contains("replaced or deleted")), "{told}");
}

#[tokio::test]
async fn another_process_may_write_beside_a_running_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    let daemon = SqliteStore::open(&file, options()).expect("a store");
    let command = SqliteStore::open(&file, options()).expect("a store");
    fill(&command, folder.path()).await;
    assert_eq!(names_due(&daemon, NOON).await.len(), 2);
    let read = names_due(&daemon, NOON).await;
    let payments = "id,receivable_id,amount,received_on\nP1,R1,40,2026-06-28\n";
    import(&command, folder.path(), ImportKind::Payments, payments).await;
    daemon.enqueue(read.iter().map(|name| quiet(name, None)).collect(), at(NOON)).await.expect("plans");
    assert_eq!(
        names_due(&daemon, NOON).await,
        ["ann@example.test"],
        "the other one's payment is not overlooked"
    );
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    let store = SqliteStore::open(&file, options()).expect("a store");
    fill(&store, folder.path()).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = store.clone();
        tasks.spawn(async move {
            let draft = draft(&format!("stage-{n}"), &["R1"]);
            let plan = planned("ann@example.test", vec![draft], None);
            store.enqueue(vec![plan], at(NOON)).await.expect("queued").letters.len()
        });
    }
    assert_eq!(tasks.join_all().await.into_iter().sum::<usize>(), 200);
    drop(store);
    let store = SqliteStore::open(&file, options()).expect("a store");
    assert_eq!(store.claimable(at("2027-01-01T00:00:00Z"), 1_000).await.expect("ids").len(), 200);
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_brought_up_to_date_with_all_it_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let today = folder.path().join("today.db");
    drop(SqliteStore::open(&today, options()).expect("a store"));
    let application: i32 = Connection::open(&today)
        .expect("a database")
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .expect("a number");
    let file = folder.path().join("courtesy.db");
    let old = Connection::open(&file).expect("a database");
    old.execute_batch(include_str!("../../../src/store/migrations/0001.sql")).expect("the first schema");
    old.execute_batch(&format!(
        "PRAGMA application_id = {application}; PRAGMA user_version = 1;
         INSERT INTO relationships (name, wake_at) VALUES ('ann@example.test', 0);
         INSERT INTO customers (id, relationship, name, email) VALUES ('C1', 1, 'Ann', 'ann@example.test');
         INSERT INTO receivables (id, customer, kind, amount, currency, due_on, round_on, status,
             imported_status, first_seen, reach_on)
         VALUES ('R1', 1, 'invoice', '100.00', 'EUR', '2026-06-20', '2026-06-20', 'open', 'open', 0, '9999-12-31');
         INSERT INTO pauses (cause, customer, receivable, from_on, until_on, who, reason, amount, promised_on,
             source, made_at)
         VALUES ('promise', 1, 1, '2026-06-20', '2026-07-02', 'Lin', '', '100.00', '2026-06-30', 'person', 0);
         INSERT INTO letters (customer, rule, stage, class, template, recipients, copies, approve, priority,
             not_before, passed_over, state, reason, queued_at, next_attempt_at, day)
         VALUES (1, 'payment-reminders', 'friendly', 'dunning', 'reminder/friendly', 'customer', '', 0, 410,
             0, '[]', 'sent', '', 0, 0, '2026-06-23');
         INSERT INTO notices (letter, position, customer, rule, stage, subject_kind, subject_id, round,
             repetition, offset, planned_on, leading)
         VALUES (1, 0, 1, 'payment-reminders', 'friendly', 'receivable', 'R1', '2026-06-20', 0, '+3d',
             '2026-06-23', 1);"
    ))
    .expect("its rows");
    drop(old);

    let before = std::fs::read(&file).expect("bytes");
    let copy = SqliteStore::copied(&file, options()).expect("a copy, brought up to date");
    let facts = of_customers(due(&copy, NOON).await);
    assert_eq!(std::fs::read(&file).expect("bytes"), before, "the file itself is only read");
    let store = SqliteStore::open(&file, options()).expect("a store");
    assert_eq!(due(&store, NOON).await, facts);
    let ann = facts.iter().find(|facts| facts.relationship.as_str() == "ann@example.test").expect("she");
    assert_eq!(ann.customers[0].notices.len(), 1, "what was sent is not sent again");
    let promise = &ann.customers[0].receivables[0].promises[0];
    assert_eq!((promise.until, promise.binding), (day("2026-07-02"), true));
    assert_eq!(
        store.outbox(OutboxFilter { limit: 9, ..OutboxFilter::default() }).await.expect("rows").len(),
        1
    );
}
