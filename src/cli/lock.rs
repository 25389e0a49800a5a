//! One daemon per installation.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::screen::shown;

/// Held while the daemon runs; let go when it is dropped or the process dies.
#[derive(Debug)]
pub struct Lock {
    // Only kept: the operating system holds the lock as long as it is open.
    _file: File,
}

/// Takes `courtesy.lock` in the folder of data and writes our process id
/// into it.
///
/// # Errors
/// When another process holds it, naming that process; when the file can't
/// be written.
pub fn take(data_dir: &Path) -> anyhow::Result<Lock> {
    fs::create_dir_all(data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    let path = path_in(data_dir);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match patiently(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = process_in(&mut file).with_context(|| format!("cannot read {}", path.display()))?;
            bail!(
                "another courtesy runs on {} already: process {pid}. Stop that one first, or let it do the work.",
                shown(data_dir)
            );
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        file.sync_all()
    };
    write(&mut file).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Lock { _file: file })
}

/// The process that holds it, if any does.
///
/// # Errors
/// When the file can't be read.
pub fn holder(data_dir: &Path) -> io::Result<Option<String>> {
    let mut file = match File::open(path_in(data_dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => process_in(&mut file).map(Some),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("courtesy.lock")
}

fn process_in(file: &mut File) -> io::Result<String> {
    let mut pid = String::new();
    file.read_to_string(&mut pid)?;
    Ok(pid.trim().to_owned())
}

/// Locks the file, although somebody may be looking at it with [`holder`]
/// this very moment.
fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(A_LOOK),
            done => return done,
        }
    }
    file.try_lock()
}

/// How long a look at the file takes at the most, and how often one may be in
/// the way.
const A_LOOK: Duration = Duration::from_millis(20);
const LOOKS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(holder(dir.path()).expect("readable"), None);
        let first = take(dir.path()).expect("the first one gets it");
        let own = std::process::id().to_string();
        assert_eq!(holder(dir.path()).expect("readable"), Some(own));
        let error = take(dir.path()).expect_err("the second one does not").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        assert_eq!(holder(dir.path()).expect("readable"), None);
        take(dir.path()).expect("free again");
    }
}
