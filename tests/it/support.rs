//! What several tests stand on.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use courtesy::cli::screen::{Look, Screen};
use courtesy::cli::{self, Surroundings, Verdict, failure};
use courtesy::clock::VirtualClock;
use courtesy::config;
use courtesy::engine::Office;
use courtesy::engine::reload::InForce;
use courtesy::letter::Composer;
use tempfile::TempDir;

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
        in_force: InForce { rules: config.fingerprints, ..InForce::default() },
        composer,
        mail: config.mail,
        connections: 2,
        mask_addresses: true,
        calendar_ends: Vec::new(),
    }
}

/// A folder in memory where the machine has one: tests ask the store for
/// durability, and not the disk.
pub fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder")
}

/// What a command said, to a person at a terminal or into a pipe.
pub struct Said {
    pub verdict: Verdict,
    pub out: String,
    pub err: String,
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<u8>>>);

impl Ear {
    fn heard(&self) -> String {
        String::from_utf8(self.0.lock().expect("nobody panicked").clone()).expect("text")
    }
}

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does what a command line asks at a moment, in this process.
pub async fn command(words: &[&str], look: Look, now: &str) -> Said {
    let (out, err) = (Ear::default(), Ear::default());
    let mut screen = Screen::onto(Box::new(out.clone()), Box::new(err.clone()), look);
    let words = std::iter::once("courtesy").chain(words.iter().copied());
    let cli = cli::parse(words.map(OsString::from)).expect("a command line");
    let around = Surroundings { user: "tester".to_owned() };
    let clock = VirtualClock::new(now.parse().expect("a moment"));
    let verdict = match cli::run(cli, &around, clock, &mut screen).await {
        Ok(verdict) => verdict,
        Err(error) => {
            failure::explain(&error, &mut screen).expect("it is heard");
            Verdict::Failed
        }
    };
    Said { verdict, out: out.heard(), err: err.heard() }
}
