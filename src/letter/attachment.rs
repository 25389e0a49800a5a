//! The files that go along with a letter: which, from where, how many, and
//! their bytes, read once.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::{ComposeError, Occasion, clean, fingerprint};
use crate::domain::customer::Class;
use crate::domain::receivable::Receivable;
use crate::domain::rule::Recipient;

/// The most files of one letter: those of the oldest claims it is about.
const FILES_MAX: usize = 10;

/// The most bytes of them together; more, many a relay refuses.
const BYTES_MAX: u64 = 10 * 1024 * 1024;

/// The most characters of a file's name in a reason.
const NAMED_CHARS_MAX: usize = 200;

/// What stands at the end of every cause that somebody can mend.
const THEN: &str = "then release the letter";

/// A file that goes along with a letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name for the reader, without folder and without anything that a
    /// file's name can't have.
    pub name: String,
    /// Its media type, `application/pdf`.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Arc<[u8]>,
    /// The SHA-256 of these bytes, in hexadecimal.
    pub sha256: String,
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {} bytes, {})", self.name, self.media_type, self.bytes.len(), self.sha256)
    }
}

/// Reads what goes along: the files of the leading claims, in a letter that
/// goes to the customer. Each goes along once, however many claims name it.
///
/// # Errors
/// [`ComposeError::Attachment`] with what to do, for the first that can't.
pub(super) fn of(of: &Occasion<'_>, claims: &[(&Receivable, bool)]) -> Result<Vec<Attachment>, ComposeError> {
    let to_customer = of.draft.class != Class::Internal && of.draft.to.contains(&Recipient::Customer);
    if !to_customer {
        return Ok(vec![]);
    }
    let mut leading: Vec<&Receivable> =
        claims.iter().filter(|(_, leading)| *leading).map(|(item, _)| *item).collect();
    leading.sort_by_key(|item| (item.due_on, &item.id));
    let named = leading.iter().filter_map(|item| item.attachment.as_deref()).filter(|name| !name.is_empty());
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    let mut left = BYTES_MAX;
    for named in named {
        if files.len() == FILES_MAX {
            break;
        }
        let cannot = |cause: String| ComposeError::Attachment {
            file: clean::value_within(named, NAMED_CHARS_MAX),
            cause,
        };
        let path = relative(named).map_err(cannot)?;
        if !seen.insert(path.clone()) {
            continue;
        }
        let bytes = read(&of.mail.attachments, &path, left).map_err(cannot)?;
        left = left.saturating_sub(bytes.len() as u64);
        let name = shown(&path);
        files.push(Attachment {
            media_type: media_type(&name),
            name,
            sha256: fingerprint::hex(&Sha256::digest(&bytes)),
            bytes: bytes.into(),
        });
    }
    Ok(files)
}

/// The path below the folder, or why it can't be one.
fn relative(named: &str) -> Result<PathBuf, String> {
    let mut path = PathBuf::new();
    for part in Path::new(named).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                let why = "leads out of the folder of attachments; give a path within it, without `..`";
                return Err(format!("{why}, {THEN}"));
            }
        }
    }
    if path.as_os_str().is_empty() {
        return Err(format!("is not the name of a file; correct `attachment`, {THEN}"));
    }
    Ok(path)
}

/// The bytes of a file below the folder, at most `left`.
fn read(folder: &Path, path: &Path, left: u64) -> Result<Vec<u8>, String> {
    let shown = folder.display();
    let folder = folder.canonicalize().map_err(|error| {
        format!("the folder {shown} can't be read ({error}); make it, or correct `attachments`, {THEN}")
    })?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("is not in {shown}; put it there, or take it off the claim, {THEN}")
        }
        _ => format!("can't be read ({error}); correct that, {THEN}"),
    };
    // A link may point to another place of the folder, and nowhere else.
    let path = folder.join(path).canonicalize().map_err(failed)?;
    if !path.starts_with(&folder) {
        return Err(format!("is a link out of the folder {shown}; put the file itself there, {THEN}"));
    }
    // Asked before it is opened: opening a pipe would wait without end.
    if !fs::metadata(&path).map_err(failed)?.is_file() {
        return Err(format!("is not a file; correct `attachment`, {THEN}"));
    }
    let mut file = File::open(&path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    if before.len() > left {
        let limit = BYTES_MAX / 1024 / 1024;
        let why = format!("with it the files are larger than {limit} MiB");
        return Err(format!("{why}; make it smaller, or take it off the claim, {THEN}"));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(left.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    let after = file.metadata().map_err(failed)?;
    let same = bytes.len() as u64 == before.len()
        && before.len() == after.len()
        && before.modified().ok() == after.modified().ok();
    if !same {
        return Err(format!("changed while it was read; wait until it is complete, {THEN}"));
    }
    if bytes.is_empty() {
        return Err(format!("is empty; put the whole file there, {THEN}"));
    }
    Ok(bytes)
}

/// The name without folders, and without what some reader's system does not
/// take in a name.
fn shown(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let plain = |c: char| if "<>:\"/\\|?*".contains(c) { '_' } else { c };
    let name: String = clean::value(&name).chars().map(plain).collect();
    let name = name.trim_matches(['.', ' ']);
    if name.is_empty() { "attachment".to_owned() } else { name.to_owned() }
}

/// By the ending; what is not known is bytes (RFC 2046 4.5.1).
fn media_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("txt") => "text/plain",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some(_) | None => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let outer = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(outer.path().join("files/2026")).expect("a folder");
        fs::write(outer.path().join("secret.pdf"), "secret").expect("a file");
        for (name, bytes) in files {
            fs::write(outer.path().join("files").join(name), bytes).expect("a file");
        }
        outer
    }

    fn take(outer: &Path, named: &str) -> Result<Vec<u8>, String> {
        read(&outer.join("files"), &relative(named)?, BYTES_MAX)
    }

    #[test]
    fn a_file_is_found_below_the_folder_and_nowhere_else() {
        let outer = folder(&[("a.pdf", b"a"), ("2026/b.pdf", b"b"), ("发票 1.pdf", b"c")]);
        let outer = outer.path();
        for (named, bytes) in [
            ("a.pdf", b"a"),
            ("./a.pdf", b"a"),
            ("2026/b.pdf", b"b"),
            ("2026//./b.pdf", b"b"),
            ("发票 1.pdf", b"c"),
        ] {
            assert_eq!(take(outer, named).as_deref(), Ok(bytes.as_slice()), "{named}");
        }
        let absolute = outer.join("files/a.pdf").display().to_string();
        for named in ["../secret.pdf", "2026/../../secret.pdf", "2026/../a.pdf", "/etc/hostname", &absolute] {
            let refused = take(outer, named).expect_err(named);
            assert!(refused.starts_with("leads out of the folder of attachments"), "{named}: {refused}");
        }
        for (named, why) in [
            (".", "is not the name of a file"),
            ("2026", "is not a file"),
            ("b.pdf", "is not in "),
            ("a.pdf/b", "can't be read"),
            ("a\0.pdf", "can't be read"),
        ] {
            let refused = take(outer, named).expect_err(named);
            assert!(refused.starts_with(why) && refused.ends_with(THEN), "{named}: {refused}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_may_stay_in_the_folder_and_not_leave_it() {
        use std::os::unix::fs::symlink;
        let outer = folder(&[("2026/b.pdf", b"b")]);
        let outer = outer.path();
        let files = outer.join("files");
        symlink("2026/b.pdf", files.join("inside.pdf")).expect("a link");
        symlink("../secret.pdf", files.join("outside.pdf")).expect("a link");
        symlink("..", files.join("up")).expect("a link");
        symlink(&files, outer.join("files-too")).expect("a link");
        assert_eq!(take(outer, "inside.pdf").as_deref(), Ok(b"b".as_slice()));
        for named in ["outside.pdf", "up/secret.pdf"] {
            let refused = take(outer, named).expect_err(named);
            assert!(refused.starts_with("is a link out of the folder"), "{refused}");
        }
        let by_link = read(&outer.join("files-too"), Path::new("inside.pdf"), BYTES_MAX);
        assert_eq!(by_link.as_deref(), Ok(b"b".as_slice()), "the folder itself may be a link");
    }

    #[test]
    fn what_is_too_large_empty_or_without_a_folder_is_refused() {
        let outer = folder(&[("five", b"12345"), ("none", b"")]);
        let files = outer.path().join("files");
        assert!(read(&files, Path::new("five"), 5).is_ok());
        let large = read(&files, Path::new("five"), 4).expect_err("too large");
        assert!(large.starts_with("with it the files are larger than 10 MiB; "), "{large}");
        assert!(read(&files, Path::new("none"), 5).expect_err("empty").starts_with("is empty; "));
        let nowhere = read(&outer.path().join("other"), Path::new("five"), 5).expect_err("no folder");
        assert!(nowhere.contains("make it, or correct `attachments`"), "{nowhere}");
    }

    #[test]
    fn a_name_is_fit_for_every_reader_and_its_ending_tells_the_type() {
        for (path, name, media_type) in [
            ("2026/Invoice 0117.PDF", "Invoice 0117.PDF", "application/pdf"),
            ("发票-2026.jpeg", "发票-2026.jpeg", "image/jpeg"),
            ("a\"b\\c\r\nBcc: x.txt", "a_b_c Bcc_ x.txt", "text/plain"),
            ("\u{202e}fdp.exe", "fdp.exe", "application/octet-stream"),
            ("...", "attachment", "application/octet-stream"),
            ("pdf", "pdf", "application/octet-stream"),
        ] {
            let shown = shown(Path::new(path));
            assert_eq!((shown.as_str(), super::media_type(&shown)), (name, media_type));
        }
    }
}
