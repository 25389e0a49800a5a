//! What runs: passes that plan, couriers that deliver, and the daemon that
//! keeps both going.
//!
//! Invariant: the engine knows neither files of configuration nor printing;
//! `config` and `cli` hand it what it needs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::Clock;
use crate::domain::ids::RuleName;
use crate::domain::rule::Rule;
use crate::domain::settings::Settings;
use crate::letter::{Composer, MailSettings};
use crate::relay::Relay;
use crate::store::Store;

/// Everything that is loaded from files, and replaced whole by a reload.
#[derive(Debug)]
pub struct Office {
    /// The business.
    pub settings: Settings,
    /// The rules, checked.
    pub rules: Vec<Rule>,
    /// A hash of each rule.
    pub fingerprints: BTreeMap<RuleName, String>,
    /// The templates, parsed and checked.
    pub composer: Composer,
    /// Who signs.
    pub mail: MailSettings,
    /// How many couriers at once.
    pub connections: usize,
    /// Whether addresses are masked in the log.
    pub mask_addresses: bool,
}

/// The engine of one installation.
#[derive(Clone, Debug)]
pub struct Engine<S, R, C> {
    store: S,
    relay: Arc<R>,
    clock: C,
    // Replaced by a reload while couriers finish on the one they hold.
    office: Arc<RwLock<Arc<Office>>>,
}

/// What one pass found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PassReport {
    /// Relationships that were looked at.
    pub relationships: u64,
    /// Letters that were queued.
    pub queued: u64,
    /// Candidates that wait, by the name of the stop.
    pub waiting: BTreeMap<&'static str, u64>,
    /// Candidates that were skipped, by the name of the stop.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Whether the cap per pass left something for the next.
    pub capped: bool,
}

/// What became of letters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryReport {
    /// Letters by what became of them: `sent`, `retry`, `rejected`,
    /// `uncertain`, `held`, `cancelled`, `expired`, `postponed`.
    pub letters: BTreeMap<&'static str, u64>,
    /// Why there is no session with the relay, if there is none.
    pub relay_down: Option<String>,
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Puts the parts together.
    pub fn new(store: S, relay: R, clock: C, office: Office) -> Self {
        Self { store, relay: Arc::new(relay), clock, office: Arc::new(RwLock::new(Arc::new(office))) }
    }

    /// What is in force.
    #[must_use]
    pub fn office(&self) -> Arc<Office> {
        Arc::clone(&self.office.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a reloaded configuration in force.
    pub fn replace_office(&self, office: Office) {
        *self.office.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(office);
    }
}
