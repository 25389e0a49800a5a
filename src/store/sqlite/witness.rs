//! The record beside the store: one line for every attempt that was begun,
//! so that an older copy of the store is not taken for the store.
//!
//! A line is written after the commit that marks its letter `sending`, and
//! before the courier is told to go on. So whatever a relay may have taken
//! has a line; and a line whose attempt the store does not know means that
//! the store has lost what it knew. A process killed between the two leaves
//! an attempt without a line, which no relay has seen.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::open::{beside, identity, sync_folder};
use super::rows::Fault;
use crate::domain::halt::Halt;
use crate::domain::ids::LetterId;
use crate::store::StoreError;

/// Beyond this size the older half is left out.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The record of a store's file.
pub(super) fn path_of(store: &Path) -> PathBuf {
    beside(store, ".witness")
}

/// One line.
#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The first one; whether older lines were left out.
    Witness { cut: bool },
    /// A person released a HOLD at this moment.
    Resumed(i64),
    /// An attempt was begun.
    Begun(Box<Begun>),
}

/// An attempt, with all that it takes to write its letter down again.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Begun {
    pub(super) at: i64,
    pub(super) letter: i64,
    pub(super) attempt: u32,
    pub(super) customer: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) rule: String,
    pub(super) stage: String,
    pub(super) class: String,
    pub(super) template: String,
    pub(super) recipients: String,
    pub(super) copies: String,
    pub(super) deadline: Option<String>,
    pub(super) approve: i64,
    pub(super) priority: i64,
    pub(super) budget: Option<String>,
    pub(super) not_before: i64,
    pub(super) passed_over: String,
    pub(super) day: String,
    pub(super) lines: Vec<BegunLine>,
}

/// One notice of it.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct BegunLine {
    pub(super) rule: String,
    pub(super) stage: String,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) round: String,
    pub(super) repetition: u32,
    pub(super) offset: String,
    pub(super) planned_on: String,
    pub(super) leading: i64,
}

/// The record as the thread that writes keeps it.
#[derive(Debug)]
pub(super) struct Witness {
    path: PathBuf,
    open: Option<Open>,
    /// Lines of the transaction under way.
    pending: Vec<u8>,
    /// The last of them.
    last_pending: Option<Line>,
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: (u64, u64),
    size: u64,
    last: Line,
}

impl Witness {
    pub(super) fn of(store: &Path) -> Self {
        Self { path: path_of(store), open: None, pending: Vec::new(), last_pending: None }
    }

    /// Refuses unless the record and the store agree.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a HOLD.
    pub(super) fn admit(&mut self, conn: &Connection) -> Result<(), Fault> {
        if let Some(open) = &self.open {
            let there = identity(&self.path).is_ok_and(|identity| identity == open.identity);
            if there && knows(conn, &open.last)? {
                return Ok(());
            }
            self.open = None;
        }
        if let Some(halt) = halt(conn, &self.path)? {
            let why = format!("HOLD: {}; {}", halt.name(), halt.advice());
            return Err(StoreError::Refused(why).into());
        }
        let any: bool =
            conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM attempts)")?.query_row([], |row| row.get(0))?;
        self.open = Some(open(&self.path, any).map_err(|error| failed(&error))?);
        conn.prepare_cached("UPDATE guard SET witnessed = 1 WHERE witnessed = 0")?.execute([])?;
        Ok(())
    }

    /// Takes down an attempt of the transaction under way.
    pub(super) fn note(&mut self, conn: &Connection, letter: LetterId) -> Result<(), Fault> {
        let line: String = conn.prepare_cached(DESCRIBED)?.query_row([letter.0], |row| row.get(0))?;
        // Read back before it counts, so that it can be read when it must.
        let read = serde_json::from_str(&line).map_err(|error| Fault::odd(error.to_string()))?;
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.push(b'\n');
        self.last_pending = Some(read);
        Ok(())
    }

    /// Forgets the transaction under way.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.last_pending = None;
    }

    /// Puts the lines of a committed transaction on disk.
    pub(super) fn testify(&mut self) -> io::Result<()> {
        let Some(last) = self.last_pending.take() else { return Ok(()) };
        let pending = std::mem::take(&mut self.pending);
        // Reopened at the next attempt unless all went well.
        let mut open = self.open.take().ok_or_else(|| io::Error::other("it is not open"))?;
        if let Err(error) = open.file.write_all(&pending).and_then(|()| open.file.sync_data()) {
            // Half a line is no line; what is not on disk was not begun.
            open.file.set_len(open.size)?;
            return Err(error);
        }
        open.size += u64::try_from(pending.len()).unwrap_or(u64::MAX);
        open.last = last;
        if open.size > BYTES_MAX {
            shorten(&self.path, open.size / 2)?;
        } else {
            self.open = Some(open);
        }
        Ok(())
    }
}

/// A letter that was just marked, as its line.
const DESCRIBED: &str = "
    SELECT json_object('begun', json_object(
        'at', a.began_at, 'letter', l.id, 'attempt', l.attempts, 'customer', c.id, 'message_id', m.message_id,
        'rule', l.rule, 'stage', l.stage, 'class', l.class, 'template', l.template, 'recipients', l.recipients,
        'copies', l.copies, 'deadline', l.deadline, 'approve', l.approve, 'priority', l.priority,
        'budget', l.budget, 'not_before', l.not_before, 'passed_over', l.passed_over, 'day', l.day,
        'lines', json((SELECT json_group_array(json_object(
            'rule', n.rule, 'stage', n.stage, 'kind', n.subject_kind, 'id', n.subject_id, 'round', n.round,
            'repetition', n.repetition, 'offset', n.offset, 'planned_on', n.planned_on, 'leading', n.leading))
            FROM notices AS n WHERE n.letter = l.id))))
    FROM letters AS l
    JOIN attempts AS a ON a.letter = l.id AND a.number = l.attempts
    LEFT JOIN customers AS c ON c.key = l.customer
    LEFT JOIN made AS m ON m.letter = l.id
    WHERE l.id = ?1";

/// Whether the store knows what a line tells of.
fn knows(conn: &Connection, line: &Line) -> Result<bool, Fault> {
    match line {
        Line::Witness { .. } => Ok(true),
        Line::Resumed(at) => Ok(conn
            .prepare_cached("SELECT COALESCE(resumed_at >= ?1, 0) FROM guard")?
            .query_row([at], |row| row.get(0))?),
        Line::Begun(begun) => knows_begun(conn, begun),
    }
}

fn knows_begun(conn: &Connection, begun: &Begun) -> Result<bool, Fault> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM attempts WHERE letter = ?1 AND number = ?2 AND began_at = ?3)",
        )?
        .query_row(params![begun.letter, begun.attempt, begun.at], |row| row.get(0))?)
}

/// Why the store is not the one that the record speaks of, if it is not.
pub(super) fn halt(conn: &Connection, path: &Path) -> Result<Option<Halt>, Fault> {
    let last = match existing(path).map_err(|error| failed(&error))? {
        Some(mut file) => last_line(&mut file).map_err(|error| failed(&error))?,
        None => None,
    };
    let Some(last) = last else {
        let witnessed: bool =
            conn.prepare_cached("SELECT witnessed FROM guard")?.query_row([], |row| row.get(0))?;
        return Ok(witnessed.then_some(Halt::Unwitnessed));
    };
    if knows(conn, &last.line)? {
        return Ok(None);
    }
    let unknown = unknown(conn, path)?;
    let moment = |begun: &Begun| Timestamp::from_microsecond(begun.at).ok();
    let moments = || unknown.begun.iter().filter_map(moment);
    Ok(Some(Halt::Restored {
        unknown: unknown.begun.len() as u64,
        between: moments().min().zip(moments().max()),
        whole: unknown.whole,
    }))
}

/// What the record tells of and the store does not know.
#[derive(Default)]
pub(super) struct Unknown {
    pub(super) begun: Vec<Begun>,
    /// Whether that is all there can be.
    pub(super) whole: bool,
}

/// Reads the whole record.
pub(super) fn unknown(conn: &Connection, path: &Path) -> Result<Unknown, Fault> {
    let mut found = Unknown::default();
    let mut damaged = false;
    let mut bytes = Vec::new();
    if let Some(mut file) = existing(path).map_err(|error| failed(&error))? {
        file.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    }
    // What follows the last line end was torn off, and not begun.
    let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
    for line in complete.split(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(Line::Witness { cut }) => found.whole = !cut,
            Ok(Line::Begun(begun)) if !knows_begun(conn, &begun)? => found.begun.push(*begun),
            // Where it tells of something that is known, it reaches back far
            // enough.
            Ok(Line::Begun(_)) => found.whole = true,
            // What came before was counted then.
            Ok(line @ Line::Resumed(_)) => {
                if knows(conn, &line)? {
                    found = Unknown { begun: Vec::new(), whole: true };
                }
            }
            Err(_) => damaged = true,
        }
    }
    found.whole &= !damaged;
    Ok(found)
}

/// Whether letters were begun, or may have been. One that can't be read may
/// tell of any.
pub(super) fn tells_of_letters(path: &Path) -> io::Result<bool> {
    let Some(mut file) = existing(path)? else { return Ok(false) };
    let last = last_line(&mut file)?;
    Ok(!matches!(last, Some(Last { line: Line::Witness { cut: false }, .. })))
}

/// Notes that a person has released a HOLD.
pub(super) fn resumed(path: &Path, at: Timestamp) -> io::Result<()> {
    let mut open = open(path, true)?;
    open.file.write_all(&text(&Line::Resumed(at.as_microsecond()))?)?;
    open.file.sync_data()
}

fn failed(error: &io::Error) -> Fault {
    Fault::Store(StoreError::Failed { doing: "the record of sent letters", cause: error.to_string() })
}

fn text(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

fn existing(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the record to write on, and makes it if there is none; `cut` says
/// whether letters were sent before it.
fn open(path: &Path, cut: bool) -> io::Result<Open> {
    let mut file = fs::OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
    let last = if let Some(last) = last_line(&mut file)? {
        last
    } else {
        file.set_len(0)?;
        let line = Line::Witness { cut };
        file.write_all(&text(&line)?)?;
        file.sync_all()?;
        sync_folder(path)?;
        Last { line, end: file.metadata()?.len() }
    };
    // What a process that was killed left half-written.
    if file.metadata()?.len() > last.end {
        file.set_len(last.end)?;
    }
    Ok(Open { identity: identity(path)?, file, size: last.end, last: last.line })
}

/// A line, and where it ends.
struct Last {
    line: Line,
    end: u64,
}

/// The last line that can be read, looked for from the end.
fn last_line(file: &mut File) -> io::Result<Option<Last>> {
    let size = file.metadata()?.len();
    let mut window: u64 = 64 * 1024;
    loop {
        let from = size.saturating_sub(window);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(window).read_to_end(&mut bytes)?;
        let mut end = bytes.len();
        while let Some(stop) = bytes[..end].iter().rposition(|byte| *byte == b'\n') {
            let begin = bytes[..stop].iter().rposition(|byte| *byte == b'\n').map(|before| before + 1);
            if begin.is_none() && from > 0 {
                break;
            }
            if let Ok(line) = serde_json::from_slice(&bytes[begin.unwrap_or(0)..stop]) {
                return Ok(Some(Last { line, end: from + stop as u64 + 1 }));
            }
            end = stop;
        }
        if from == 0 {
            return Ok(None);
        }
        window = window.saturating_mul(4);
    }
}

/// Leaves out what is older than the last `keep` bytes.
fn shorten(path: &Path, keep: u64) -> io::Result<()> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(keep);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let begin = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let draft = beside(path, ".new");
    let mut new = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    new.write_all(&text(&Line::Witness { cut: true })?)?;
    new.write_all(&bytes[begin..])?;
    new.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_half_is_left_out_and_the_record_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("courtesy.db.witness");
        let mut record = open(&path, false).expect("a record");
        for at in 0..1_000 {
            record.file.write_all(&text(&Line::Resumed(at)).expect("a line")).expect("written");
        }
        let before = record.file.metadata().expect("its size").len();
        shorten(&path, before / 2).expect("shortened");
        let kept = fs::read_to_string(&path).expect("lines");
        assert!(kept.starts_with("{\"witness\":{\"cut\":true}}\n{\"resumed\":"), "{kept}");
        assert!(
            kept.ends_with("{\"resumed\":999}\n") && kept.len() as u64 <= before / 2 + 50,
            "{}",
            kept.len()
        );
        let last = last_line(&mut File::open(&path).expect("the record")).expect("readable").expect("a line");
        assert!(matches!(last.line, Line::Resumed(999)));
    }

    #[test]
    fn the_last_line_is_found_however_long_and_whatever_was_torn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("courtesy.db.witness");
        let long = format!("{{\"resumed\":7{}}}\n", " ".repeat(300_000));
        for torn in ["", "{\"begun\":{\"at\":1", "\0\0\0\0"] {
            fs::write(&path, format!("{{\"witness\":{{\"cut\":false}}}}\n{long}{torn}")).expect("written");
            let record = open(&path, true).expect("a record");
            assert!(matches!(record.last, Line::Resumed(7)), "{torn:?}");
            assert_eq!(record.size, record.file.metadata().expect("its size").len(), "what was torn is gone");
        }
    }
}
