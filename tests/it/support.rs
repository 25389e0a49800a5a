//! What several tests stand on.

use std::path::{Path, PathBuf};

use courtesy::config;
use courtesy::engine::Office;
use courtesy::letter::Composer;

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shipped configuration, rules and templates, with the English and
/// Chinese letters as they are.
pub fn shipped_office() -> Office {
    let config = config::load(&repository("config/courtesy.yaml"), &|_| None).expect("it is clean");
    let composer = Composer::load(&repository("templates")).expect("they are clean");
    Office {
        settings: config.settings,
        rules: config.rules,
        fingerprints: config.fingerprints,
        settings_fingerprint: String::new(),
        composer,
        mail: config.mail,
        connections: 2,
        mask_addresses: true,
    }
}
