//! Opening the file: created whole, migrated, or refused with what to do.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::rows::from_sql;
use super::{disk, witness};
use crate::store::StoreError;
use crate::store::migrations::MIGRATIONS;

/// `CTSY`: marks a database as one of ours.
const APPLICATION_ID: i32 = 0x4354_5359;
/// How long another process may hold the lock before a request fails.
pub(super) const BUSY: Duration = Duration::from_secs(20);
/// Up to this size, the file is checked whole when it is opened.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

const OPENING: &str = "opening the store";
/// What to do about damage. A write-ahead log of another file would be
/// replayed into the backup.
const RESTORE: &str = "stop everything that uses it, move it and its -wal and -shm files away for inspection, and \
                       restore the last backup; leave its .witness file where it is";

/// Opens the file for writing, and makes it if there is none.
pub(super) fn writable(file: &Path) -> Result<Connection, StoreError> {
    if let Some(kind) = disk::network_file_system(folder(file)) {
        return Err(unusable(
            file,
            &format!("it lies on a network file system ({kind}), where locks and a crash are not safe"),
            "set `data_dir` to a folder on a disk of this machine",
        ));
    }
    if !is_there(file)? {
        create(file)?;
    }
    open_existing(file)
}

/// Opens the file to look only: nothing is made, migrated or changed.
pub(super) fn to_look_at(file: &Path) -> Result<Connection, StoreError> {
    is_there(file)?;
    let conn = read_only(file)?;
    check_ours(file, &conn)?;
    check_whole(file, &conn)?;
    Ok(conn)
}

/// A copy in memory, brought up to date.
pub(super) fn copied(file: &Path) -> Result<Connection, StoreError> {
    let odd = |error: rusqlite::Error| damaged(file, &error);
    let from = to_look_at(file)?;
    let mut copy = Connection::open_in_memory().map_err(odd)?;
    copy_into(&from, &mut copy).map_err(odd)?;
    settle(&copy).map_err(odd)?;
    migrate(&mut copy).map_err(odd)?;
    copy.execute_batch(REHEARSED).map_err(odd)?;
    Ok(copy)
}

/// Copies a store as it stands into another connection.
pub(super) fn copy_into(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let backup = rusqlite::backup::Backup::new(from, to)?;
    loop {
        match backup.step(-1)? {
            rusqlite::backup::StepResult::Done => return Ok(()),
            // The source is locked for a moment, which `busy_timeout` waited for.
            _ => std::thread::yield_now(),
        }
    }
}

/// Any clock is believed, everybody is looked at, and what may have arrived at
/// an earlier attempt is taken to say the same now.
const REHEARSED: &str = "
    UPDATE guard SET seen_at = NULL;
    UPDATE relationships SET wake_at = 0, version = version + 1;
    UPDATE letters SET maybe_sent = 0 WHERE state IN ('queued', 'retry');";

/// Whether there is a file; an error where it is none that can be used.
fn is_there(file: &Path) -> Result<bool, StoreError> {
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(unusable(file, &error.to_string(), "check the path and its permissions")),
        Ok(meta) if !meta.is_file() => {
            return Err(unusable(file, "it is not a file", "name a file in the config"));
        }
        Ok(meta) if meta.len() == 0 => {
            return Err(unusable(
                file,
                "it is empty, zero bytes",
                "restore the last backup; only if nothing was ever kept in it, delete it",
            ));
        }
        Ok(meta) if meta.permissions().readonly() => {
            return Err(unusable(file, "it is read-only", "give its owner the right to write"));
        }
        Ok(_) => {}
    }
    Ok(true)
}

/// A second connection that can't write.
pub(super) fn read_only(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(file, flags).map_err(|error| from_sql(OPENING, &error))?;
    settle(&conn).map_err(|error| from_sql(OPENING, &error))?;
    Ok(conn)
}

/// A database in memory, migrated.
pub(super) fn in_memory() -> Result<Connection, StoreError> {
    let mut conn = Connection::open_in_memory().map_err(|error| from_sql(OPENING, &error))?;
    settle(&conn).map_err(|error| from_sql(OPENING, &error))?;
    migrate(&mut conn).map_err(|error| from_sql("making the store's tables", &error))?;
    Ok(conn)
}

/// A new file with our tables beside the old name, moved there when it is
/// whole: a process killed meanwhile leaves no half-made store.
fn create(file: &Path) -> Result<(), StoreError> {
    let failed = |error: &dyn std::fmt::Display| {
        unusable(
            file,
            &format!("it can't be created ({error})"),
            "check that its folder exists and is writable",
        )
    };
    if fs::exists(beside(file, "-wal")).map_err(|error| failed(&error))? {
        return Err(unusable(file, "it is gone, but its write-ahead log is still there", RESTORE));
    }
    let witness = witness::path_of(file);
    if witness::tells_of_letters(&witness).map_err(|error| failed(&error))? {
        let begin_anew = format!(
            "restore the last backup; only to begin anew, as if nothing had ever been sent, move {} away",
            witness.display()
        );
        return Err(unusable(file, "it is gone, but letters have been sent from it", &begin_anew));
    }
    let draft = beside(file, &format!(".creating-{}", std::process::id()));
    remove_if_there(&draft).map_err(|error| failed(&error))?;
    new_private_file(&draft).map_err(|error| failed(&error))?;
    let made = make_tables(&draft).map_err(|error| failed(&error));
    let moved = made.and_then(|()| match fs::hard_link(&draft, file) {
        // Another process was faster; its file is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(|error| failed(&error)),
    });
    remove_if_there(&draft).map_err(|error| failed(&error))?;
    moved?;
    sync_folder(file).map_err(|error| failed(&error))
}

/// Makes it durable that a file is there under its name.
pub(super) fn sync_folder(of: &Path) -> io::Result<()> {
    fs::File::open(folder(of))?.sync_all()
}

/// The folder that a file lies in.
pub(super) fn folder(of: &Path) -> &Path {
    of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Which file is there, whatever its name.
pub(super) fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|meta| (meta.dev(), meta.ino()))
}

fn make_tables(draft: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open(draft)?;
    settle(&conn)?;
    durable(&conn)?;
    migrate(&mut conn)?;
    conn.close().map_err(|(_, error)| error)
}

fn open_existing(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let odd = |error: rusqlite::Error| damaged(file, &error);
    let mut conn = Connection::open_with_flags(file, flags).map_err(odd)?;
    settle(&conn).map_err(odd)?;
    check_ours(file, &conn)?;
    if conn.is_readonly(rusqlite::MAIN_DB).map_err(odd)? {
        return Err(unusable(file, "it is read-only", "give its owner the right to write"));
    }
    check_whole(file, &conn)?;
    durable(&conn).map_err(odd)?;
    migrate(&mut conn).map_err(odd)?;
    Ok(conn)
}

/// Refuses a database of another program or of a newer version.
fn check_ours(file: &Path, conn: &Connection) -> Result<(), StoreError> {
    let odd = |error: rusqlite::Error| damaged(file, &error);
    let application: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(odd)?;
    if application != APPLICATION_ID {
        return Err(unusable(file, "it is a database of another program", "name another file in the config"));
    }
    let version = version(conn).map_err(odd)?;
    if version > MIGRATIONS.len() {
        return Err(unusable(
            file,
            &format!("its schema is version {version}, and this program knows {}", MIGRATIONS.len()),
            "install the newer Courtesy again, or restore the backup of before the upgrade",
        ));
    }
    Ok(())
}

/// Reads the file once where that is cheap: a flipped page is found now and
/// not in the middle of sending.
fn check_whole(file: &Path, conn: &Connection) -> Result<(), StoreError> {
    let small = fs::metadata(file).is_ok_and(|meta| meta.len() <= CHECKED_BYTES);
    if !small {
        return Ok(());
    }
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(file, &error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(unusable(file, &format!("it is damaged ({found})"), RESTORE))
}

pub(super) fn settle(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY)?;
    conn.set_prepared_statement_cache_capacity(256);
    // A plan does not depend on the values it is asked with, so that a
    // statement is planned once and not at every question.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -64000;")
}

/// A commit that was answered survives the loss of power: a forgotten one
/// would be a letter sent twice. What is removed is overwritten: a page of
/// the file that is free again keeps nothing of a letter or a person.
fn durable(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    conn.execute_batch("PRAGMA synchronous = FULL")
}

/// Whether the file has the latest schema.
pub(super) fn is_current(conn: &Connection) -> rusqlite::Result<bool> {
    Ok(version(conn)? == MIGRATIONS.len())
}

fn version(conn: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Each step in a transaction of its own, so that a process killed
/// meanwhile leaves the old schema or the new one.
fn migrate(conn: &mut Connection) -> rusqlite::Result<()> {
    while version(conn)? < MIGRATIONS.len() {
        let step = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another process may have done it while we waited for the lock.
        let at = version(&step)?;
        if let Some(sql) = MIGRATIONS.get(at) {
            step.execute_batch(sql)?;
            step.pragma_update(None, "user_version", i64::try_from(at + 1).unwrap_or(i64::MAX))?;
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        step.commit()?;
    }
    Ok(())
}

/// A file that only its owner can read; the files that `SQLite` puts beside it
/// take its mode.
pub(super) fn new_private_file(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(|_| ())
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    file.with_file_name(name)
}

fn damaged(file: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            unusable(file, "it is not a database, or its beginning is damaged", RESTORE)
        }
        Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
            unusable(file, &format!("it is damaged ({error})"), RESTORE)
        }
        Some(rusqlite::ErrorCode::ReadOnly) => {
            unusable(file, "it or its folder is read-only", "give its owner the right to write")
        }
        _ => from_sql(OPENING, error),
    }
}

fn unusable(file: &Path, what: &str, todo: &str) -> StoreError {
    StoreError::Unusable(format!("the store {}: {what}; {todo}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_survive_the_loss_of_power() {
        let folder = tempfile::tempdir().expect("a folder");
        // As it is made, and as it is opened again.
        for _ in 0..2 {
            let conn = writable(&folder.path().join("courtesy.db")).expect("a store");
            let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).expect("a mode");
            let full: i64 = conn.query_row("PRAGMA synchronous", [], |row| row.get(0)).expect("a number");
            assert_eq!((mode.as_str(), full), ("wal", 2));
        }
    }
}
