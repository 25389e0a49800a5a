//! A relay that writes one `.eml` per letter into a folder.
//!
//! A name is `<date>-<hash>.eml`: the letter's own `Date` in UTC, so that a
//! folder lists letters in the order in which they were made, and the start of
//! the SHA-256 of its Message-ID. Both come from the parcel alone, so handing
//! over the same letter again writes the same file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::domain::delivery::{Obstacle, Outcome, Parcel, Reply, SmtpStage, Unreachable};

use super::Relay;
use super::memory::{Mailbox, MemoryRelay};

/// Writes letters into a folder.
#[derive(Clone, Debug)]
pub struct FilesRelay {
    folder: Arc<Path>,
}

/// A session of [`FilesRelay`]: the folder exists.
#[derive(Debug)]
pub struct FilesSession(());

/// How writing a file ended badly.
enum Failure {
    /// There is certainly no file.
    NotWritten(String),
    /// The file is there, and may or may not survive a power cut.
    Unknown(String),
}

impl FilesRelay {
    /// Into this folder, which [`Relay::open`] creates where it is missing.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder: folder.into() }
    }

    /// Into which folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same without a folder: see [`MemoryRelay::new`].
    #[must_use]
    pub fn in_memory() -> (MemoryRelay, Mailbox) {
        MemoryRelay::new()
    }
}

impl Relay for FilesRelay {
    type Session = FilesSession;

    async fn open(&self) -> Result<FilesSession, Unreachable> {
        let folder = Arc::clone(&self.folder);
        match on_disk(move || fs::create_dir_all(&folder)).await {
            Ok(Ok(())) => Ok(FilesSession(())),
            Ok(Err(error)) => Err(Unreachable {
                stage: SmtpStage::Connect,
                cause: format!("creating the folder {}: {error}", self.folder.display()),
                obstacle: Obstacle::Other,
                needs_person: needs_person(&error),
            }),
            Err(cause) => Err(Unreachable {
                stage: SmtpStage::Connect,
                cause,
                obstacle: Obstacle::Other,
                needs_person: false,
            }),
        }
    }

    async fn deliver(&self, _session: &mut FilesSession, parcel: &Parcel) -> Outcome {
        let (folder, name, bytes) = (Arc::clone(&self.folder), file_name(parcel), Arc::clone(&parcel.bytes));
        let written = {
            let name = name.clone();
            on_disk(move || write(&folder, &name, &bytes)).await
        };
        let not_sent = |cause| Outcome::NotSent { stage: SmtpStage::Body, cause, reply: None };
        match written {
            Ok(Ok(())) => Outcome::Accepted {
                reply: Reply {
                    code: 250,
                    enhanced: Some((2, 0, 0)),
                    text: format!("2.0.0 written to {name}"),
                },
                left_out: Vec::new(),
            },
            Ok(Err(Failure::NotWritten(cause))) => not_sent(cause),
            Ok(Err(Failure::Unknown(cause))) | Err(cause) => Outcome::Uncertain { cause },
        }
    }

    fn is_usable(&self, _session: &FilesSession) -> bool {
        true
    }

    async fn close(&self, _session: FilesSession) {}
}

/// Runs what may block on a thread of its own.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|error| format!("writing was broken off: {error}"))
}

fn needs_person(error: &io::Error) -> bool {
    use io::ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), AlreadyExists | NotADirectory | PermissionDenied | ReadOnlyFilesystem)
}

/// Writes the whole file or none: into another name of the same folder,
/// synced, renamed, and the folder synced, so that the name survives a power
/// cut as well.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let (unfinished, finished) = (folder.join(format!(".{name}.part")), folder.join(name));
    let replaces = finished.exists();
    let not_written = |doing: &str, error: &io::Error| {
        let left = match fs::remove_file(&unfinished) {
            Ok(()) => String::new(),
            Err(left) if left.kind() == io::ErrorKind::NotFound => String::new(),
            Err(left) => format!(" (and {} could not be removed: {left})", unfinished.display()),
        };
        Failure::NotWritten(format!("{doing} {}: {error}{left}", finished.display()))
    };
    write_synced(&unfinished, bytes).map_err(|error| not_written("writing", &error))?;
    fs::rename(&unfinished, &finished).map_err(|error| not_written("renaming", &error))?;
    let Err(error) = File::open(folder).and_then(|opened| opened.sync_all()) else { return Ok(()) };
    let cause = format!("syncing {}: {error}", folder.display());
    // A letter that was there before was accepted before: it stays.
    if !replaces && fs::remove_file(&finished).is_ok() {
        Err(Failure::NotWritten(cause))
    } else {
        Err(Failure::Unknown(cause))
    }
}

/// Only its owner can read it: a letter says who owes what.
fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn file_name(parcel: &Parcel) -> String {
    let digest = Sha256::digest(parcel.message_id.as_bytes());
    let hash = digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
    format!("{}-{hash:016x}.eml", date_of(&parcel.bytes).unwrap_or_else(|| "00000000T000000Z".to_owned()))
}

/// The `Date` field of the message in UTC, as `20260301T090000Z`.
fn date_of(message: &[u8]) -> Option<String> {
    let header_end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(message.len());
    let header = std::str::from_utf8(&message[..header_end]).ok()?;
    let value = header.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim())
    })?;
    let sent = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(sent.strftime("%Y%m%dT%H%M%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;

    fn parcel(message_id: &str, bytes: &str) -> Parcel {
        Parcel {
            from: Address::parse("accounts@example.test").unwrap(),
            to: Address::parse("c1@example.test").unwrap(),
            cc: vec![],
            message_id: message_id.to_owned(),
            bytes: bytes.as_bytes().into(),
        }
    }

    fn listed(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn the_same_letter_twice_is_one_whole_file_and_no_remains() {
        let home = tempfile::tempdir().unwrap();
        let relay = FilesRelay::new(home.path().join("a/b"));
        let mut session = relay.open().await.unwrap();
        let first = parcel("1@x", "Date: Sun, 1 Mar 2026 17:00:00 +0800\r\nSubject: a\r\n\r\nHello\r\n");
        let second = parcel("2@x", "Subject: b\r\n\r\nDate: Sun, 1 Mar 2026 17:00:00 +0800\r\n");
        for letter in [&first, &second, &first] {
            let outcome = relay.deliver(&mut session, letter).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        let names = listed(&home.path().join("a/b"));
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names[0].starts_with("00000000T000000Z-"), "no Date in the header: {names:?}");
        assert!(names[1].starts_with("20260301T090000Z-"), "{names:?}");
        assert_eq!(fs::read(home.path().join("a/b").join(&names[1])).unwrap(), &*first.bytes);
    }

    #[tokio::test]
    async fn a_letter_that_cannot_be_written_is_not_sent_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("out");
        let relay = FilesRelay::new(folder.clone());
        let mut session = relay.open().await.unwrap();
        let letter = parcel("1@x", "Subject: a\r\n\r\nHello\r\n");
        // A folder stands where the file would go.
        fs::create_dir_all(folder.join(file_name(&letter)).join("occupied")).unwrap();
        let outcome = relay.deliver(&mut session, &letter).await;
        assert!(
            matches!(outcome, Outcome::NotSent { stage: SmtpStage::Body, reply: None, .. }),
            "{outcome:?}"
        );
        assert_eq!(listed(&folder), [file_name(&letter)], "no part is left");
        fs::remove_dir_all(&folder).unwrap();
        let outcome = relay.deliver(&mut session, &letter).await;
        assert!(matches!(outcome, Outcome::NotSent { .. }), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_needs_a_person() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let unreachable = FilesRelay::new(home.path().join("file/out")).open().await.unwrap_err();
        assert!(unreachable.needs_person, "{unreachable}");
    }
}
