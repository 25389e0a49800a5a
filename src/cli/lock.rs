//! One daemon per installation.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

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
    let path = data_dir.join("courtesy.lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).with_context(|| format!("cannot read {}", path.display()))?;
            bail!(
                "another courtesy runs on {} already: process {}. Stop that one first, or let it do the work.",
                shown(data_dir),
                pid.trim()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = take(dir.path()).expect("the first one gets it");
        let error = take(dir.path()).expect_err("the second one does not").to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        take(dir.path()).expect("free again");
    }
}
