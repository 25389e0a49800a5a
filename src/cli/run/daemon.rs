//! The daemon of an installation: its lock, its store, its files, and what
//! drives it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::cli::failure::Found;
use crate::cli::logging::LOSSES;
use crate::cli::{alarms, in_force, load, lock, monitoring};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::engine::daemon::{self, Outside, Signal};
use crate::engine::reload::{Changes, Configured};
use crate::relay::AnyRelay;
use crate::store::sqlite::SqliteStore;
use crate::systemd::Manager;

/// One that holds its lock, and may begin.
pub struct Daemon<C> {
    /// What it runs.
    pub engine: Engine<SqliteStore, AnyRelay, C>,
    file: PathBuf,
    data_dir: PathBuf,
    foundation: load::Foundation,
    watch: monitoring::Watch,
    _lock: lock::Lock,
}

/// What drives it from outside.
pub struct Driver {
    /// When it is to look.
    pub beats: mpsc::Receiver<()>,
    /// What it is to do.
    pub signals: mpsc::Receiver<Signal>,
    /// Whoever watches over it.
    pub manager: Manager,
}

impl<C: Clock> Daemon<C> {
    /// Takes the lock and opens everything.
    ///
    /// # Errors
    /// When the store can't be used, a template has a mistake, or another
    /// process runs already.
    pub fn prepare(config: Config, clock: C) -> anyhow::Result<Self> {
        let lock = lock::take(&config.data_dir)?;
        let (file, data_dir) = (config.file.clone(), config.data_dir.clone());
        let foundation = load::Foundation::of(&config);
        let watch = monitoring::Watch::of(&config);
        let store = load::store(&config)?;
        let relay = load::relay(&config)?;
        let office = load::office(config).map_err(Found)?;
        let engine = Engine::new(store, relay, clock, office);
        Ok(Self { engine, file, data_dir, foundation, watch, _lock: lock })
    }

    /// Runs until it is told to stop.
    ///
    /// # Errors
    /// When it can't begin, or can't go on.
    pub async fn run(self, driver: Driver) -> anyhow::Result<()> {
        let Self { engine, file, data_dir, foundation, watch, _lock } = self;
        let before = in_force::read(&data_dir).map(|announced| announced.in_force);
        let changes = before.map_or_else(
            || "first start".to_owned(),
            |before| Changes::between(&before, &engine.configured().in_force).to_string(),
        );
        info!(version = env!("CARGO_PKG_VERSION"), config = %file.display(), changes, "starting");
        monitoring::begin(&engine, watch).await?;
        let told = |configured: &Configured| {
            // Others want to know; the letters do not need it.
            if let Err(cause) = in_force::write(&data_dir, configured) {
                warn!(%cause, "what is in force can't be written down for `courtesy reload` and `status`");
            }
        };
        let remember = |told: &BTreeMap<String, Timestamp>| {
            if let Err(cause) = alarms::write(&data_dir, told) {
                warn!(%cause, "what the operator was told can't be kept; a new start may tell it again");
            }
        };
        let outside = Outside {
            beats: driver.beats,
            reload: |relay: &AnyRelay| load::reload(&file, &foundation, relay),
            told,
            told_before: alarms::read(&data_dir),
            remember,
            looked: || LOSSES.tell(),
            signals: driver.signals,
            manager: driver.manager,
        };
        Ok(daemon::run(engine, outside).await?)
    }
}
