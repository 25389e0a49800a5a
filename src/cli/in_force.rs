//! What a running daemon has in force, in a file beside its lock: so that
//! other commands can say what differs, and whether a reload was taken.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::reload::{Configured, InForce};

/// What a daemon says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announced {
    /// Its process.
    pub process: String,
    /// What it goes by.
    pub in_force: InForce,
    /// How often it has read the files again.
    pub readings: u64,
    /// Why it has not taken over what it read last; `None` if it has.
    pub refused: Option<Vec<String>>,
    /// When it refused, or took over what it goes by.
    pub at: String,
}

/// The same as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Written {
    process: String,
    rules: std::collections::BTreeMap<String, String>,
    settings: String,
    // A daemon of before does not write them.
    #[serde(default)]
    sender: String,
    #[serde(default)]
    templates: std::collections::BTreeMap<String, String>,
    readings: u64,
    refused: Option<Vec<String>>,
    at: String,
}

/// Writes it down, whole or not at all.
///
/// # Errors
/// When the folder can't be written.
pub fn write(data_dir: &Path, configured: &Configured) -> io::Result<()> {
    let at = configured.refused.as_ref().map_or(configured.since, |(at, _)| *at);
    let written = Written {
        process: std::process::id().to_string(),
        rules: configured
            .in_force
            .rules
            .iter()
            .map(|(name, print)| (name.to_string(), print.clone()))
            .collect(),
        settings: configured.in_force.settings.clone(),
        sender: configured.in_force.sender.clone(),
        templates: configured.in_force.templates.clone(),
        readings: configured.readings,
        refused: configured.refused.as_ref().map(|(_, why)| why.clone()),
        at: at.to_string(),
    };
    replace(&path_in(data_dir), &serde_json::to_string(&written)?)
}

/// Puts a text in the place of a file of our own, whole or not at all.
///
/// # Errors
/// When the folder can't be written.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.to_path_buf().into_os_string();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    fs::rename(beside, path)
}

/// Reads it, if it is there and whole.
#[must_use]
pub fn read(data_dir: &Path) -> Option<Announced> {
    let written: Written = serde_json::from_slice(&fs::read(path_in(data_dir)).ok()?).ok()?;
    Some(Announced {
        process: written.process,
        in_force: InForce {
            rules: written.rules.into_iter().map(|(name, print)| (name.as_str().into(), print)).collect(),
            settings: written.settings,
            sender: written.sender,
            templates: written.templates,
        },
        readings: written.readings,
        refused: written.refused,
        at: written.at,
    })
}

fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join("courtesy.state")
}
