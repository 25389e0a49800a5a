//! A copy of the whole store that was read back, and the way from a copy to
//! a store.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::rows::{At, Fault, at_opt};
use super::{SqliteStore, open};
use crate::store::StoreError;

/// A backup that was read back whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backup {
    /// Its size.
    pub bytes: u64,
    /// How many customers it knows.
    pub customers: u64,
    /// How many letters, of whatever state.
    pub letters: u64,
    /// The latest moment that it knows of; `None` if no engine worked on it.
    pub seen: Option<Timestamp>,
}

/// What became of a restored installation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Restored {
    /// What stands there now.
    pub backup: Backup,
    /// Where the store of before lies, if there was one.
    pub set_aside: Option<PathBuf>,
    /// Customers who were forgotten in it and are back; `None` where that
    /// can't be told.
    pub back: Option<Vec<String>>,
}

impl SqliteStore {
    /// A consistent copy in a new file, while everything goes on: written
    /// beside it first, read back whole, and durable before it has its name.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there is such a file already or none can be
    /// made; as the store fails. Then there is no file of that name.
    pub async fn backup(&self, to: &Path) -> Result<Backup, StoreError> {
        let to = to.to_owned();
        self.reader()
            .alone("backing up the store", move |desk| {
                let draft = open::beside(&to, ".partial");
                let made = draw(&desk.conn, &to, &draft);
                if made.is_err() {
                    open::remove_if_there(&draft).map_err(|error| cannot(&draft, &error))?;
                }
                made
            })
            .await
    }

    /// Notes that a backup was made.
    ///
    /// # Errors
    /// As the store fails.
    pub async fn note_backup(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write("noting the backup", move |desk| {
            desk.conn.execute("UPDATE guard SET backed_up_at = ?1", [At(now)])?;
            Ok(())
        })
        .await
    }

    /// Puts a backup in the place of a store that nobody has open. What was
    /// there is set aside, never deleted; the record of sent letters beside it
    /// stays. Nothing leaves afterwards until a person has looked.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the backup is none, or damaged;
    /// [`StoreError::Refused`] for what the disk refuses.
    pub fn restore(backup: &Path, store: &Path, now: Timestamp) -> Result<Restored, StoreError> {
        if open::identity(backup).ok() == open::identity(store).ok() {
            return Err(StoreError::Refused(format!("{} is the store itself", backup.display())));
        }
        look_at(backup)?;
        let draft = open::beside(store, ".restoring");
        let restored = prepare(backup, &draft, now).and_then(|backup| {
            let gone = forgotten(store);
            let set_aside = place(&draft, store, now)?;
            let still = forgotten(store).unwrap_or_default();
            let back = gone.map(|gone| gone.into_iter().filter(|id| !still.contains(id)).collect());
            Ok(Restored { backup, set_aside, back })
        });
        if restored.is_err() {
            open::remove_if_there(&draft).map_err(|error| refused(&draft, &error))?;
        }
        restored
    }
}

fn draw(conn: &Connection, to: &Path, draft: &Path) -> Result<Backup, Fault> {
    if fs::exists(to).map_err(|error| cannot(to, &error))? {
        return Err(cannot(to, &"it exists already").into());
    }
    open::remove_if_there(draft).map_err(|error| cannot(draft, &error))?;
    open::new_private_file(draft).map_err(|error| cannot(to, &error))?;
    let mut copy = Connection::open(draft)?;
    open::copy_into(conn, &mut copy)?;
    // One file alone, wherever it is carried; a store is made of it again by
    // opening it.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    copy.close().map_err(|(_, error)| error)?;
    let backup = read_back(draft)?;
    settle(draft, to).map_err(|error| cannot(to, &error))?;
    Ok(backup)
}

/// Reads a copy whole: every page, and what it counts.
fn read_back(file: &Path) -> Result<Backup, Fault> {
    let conn = open::to_look_at(file)?;
    let found: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(StoreError::Unusable(format!("{} is damaged ({found})", file.display())).into());
    }
    let count = |table: &str| -> rusqlite::Result<u64> {
        conn.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| {
            row.get::<_, u32>(0).map(u64::from)
        })
    };
    let seen = conn.query_row("SELECT seen_at FROM guard", [], |row| at_opt(row, 0))?;
    let bytes = fs::metadata(file).map_err(|error| refused(file, &error))?.len();
    Ok(Backup { bytes, customers: count("customers")?, letters: count("letters")?, seen })
}

/// Refuses what is no backup of ours.
fn look_at(backup: &Path) -> Result<(), StoreError> {
    File::open(backup).map_err(|error| refused(backup, &error))?;
    open::to_look_at(backup).map(drop).map_err(|error| match error {
        StoreError::Unusable(what) => StoreError::Unusable(format!("no backup to restore: {what}")),
        other => other,
    })
}

/// A copy of the backup that has the latest schema and knows what it is.
fn prepare(backup: &Path, draft: &Path, now: Timestamp) -> Result<Backup, StoreError> {
    let failed = |error: io::Error| refused(draft, &error);
    open::remove_if_there(draft).map_err(failed)?;
    open::new_private_file(draft).map_err(failed)?;
    let prepared = || -> Result<Backup, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let from = Connection::open_with_flags(backup, flags)?;
        let mut to = Connection::open(draft)?;
        open::copy_into(&from, &mut to)?;
        to.close().map_err(|(_, error)| error)?;
        let to = open::writable(draft)?;
        // Witnessed: a backup of before the first letter is a backup as well.
        to.execute("UPDATE guard SET restored_at = ?1, witnessed = 1", [At(now)])?;
        to.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
        to.close().map_err(|(_, error)| error)?;
        read_back(draft)
    };
    let backup = prepared().map_err(|fault| fault.into_error("preparing the backup"))?;
    File::open(draft).and_then(|file| file.sync_all()).map_err(failed)?;
    Ok(backup)
}

/// Who is forgotten in a store; `None` where it can't be read.
fn forgotten(store: &Path) -> Option<Vec<String>> {
    let conn = open::to_look_at(store).ok()?;
    let mut statement =
        conn.prepare("SELECT id FROM customers WHERE forgotten_at IS NOT NULL ORDER BY id").ok()?;
    statement.query_map([], |row| row.get(0)).ok()?.collect::<rusqlite::Result<_>>().ok()
}

/// Sets the store of before aside and gives the new one its name. A
/// write-ahead log is of its own file alone: it goes first.
fn place(draft: &Path, store: &Path, now: Timestamp) -> Result<Option<PathBuf>, StoreError> {
    let failed = |error: io::Error| refused(store, &error);
    let aside = open::beside(store, &format!(".before-{}", now.strftime("%Y%m%dT%H%M%SZ")));
    let was_there = fs::exists(store).map_err(failed)?;
    if was_there {
        fs::copy(store, &aside).map_err(|error| refused(&aside, &error))?;
    }
    for ending in ["-wal", "-shm"] {
        let beside = open::beside(store, ending);
        if fs::exists(&beside).map_err(failed)? {
            fs::rename(&beside, open::beside(&aside, ending)).map_err(failed)?;
        }
    }
    fs::rename(draft, store).map_err(failed)?;
    open::sync_folder(store).map_err(failed)?;
    Ok(was_there.then_some(aside))
}

/// Gives a file its name once all of it is on disk.
fn settle(draft: &Path, to: &Path) -> io::Result<()> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, to)?;
    open::sync_folder(to)
}

fn cannot(file: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Refused(format!("{} can't be created: {why}", file.display()))
}

fn refused(file: &Path, why: &io::Error) -> StoreError {
    StoreError::Refused(format!("{}: {why}", file.display()))
}
