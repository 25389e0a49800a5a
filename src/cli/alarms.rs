//! What the operator was told of, in a file beside the lock: so that a new
//! start does not tell it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;

use super::in_force::replace;

/// Reads it; what can't be read was not told.
#[must_use]
pub fn read(data_dir: &Path) -> BTreeMap<String, Timestamp> {
    let text = fs::read_to_string(path_in(data_dir)).unwrap_or_default();
    let told: BTreeMap<String, String> = serde_json::from_str(&text).unwrap_or_default();
    told.into_iter().filter_map(|(trouble, at)| Some((trouble, at.parse().ok()?))).collect()
}

/// Writes it down, whole or not at all.
///
/// # Errors
/// When the folder can't be written.
pub fn write(data_dir: &Path, told: &BTreeMap<String, Timestamp>) -> io::Result<()> {
    let told: BTreeMap<&str, String> =
        told.iter().map(|(trouble, at)| (trouble.as_str(), at.to_string())).collect();
    replace(&path_in(data_dir), &serde_json::to_string(&told)?)
}

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("courtesy.alarms")
}
