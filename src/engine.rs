//! What runs: passes that plan, couriers that deliver, and the daemon that
//! keeps both going.
//!
//! In reading order: `halted` asks whether anything may leave at all; `cycle`
//! observes, plans and queues, within the caps of `caps`; `ready` asks again
//! and composes; `courier` claims and hands over, `outcome` records; `poison` keeps one
//! letter's fault from the others; `journal` writes the log line of each
//! letter; `pulse` knows that all of them go on; `reload` takes over a changed
//! configuration; `condition` says how it goes, and `alarm` tells the operator
//! of trouble; `news` tells the log what others did; `daemon` turns the
//! `heartbeat` into passes; `rehearsal` does the same with a virtual clock, on a copy, before an `observer` who hears why.
//!
//! Invariant: the engine knows neither files of configuration nor printing;
//! `config` and `cli` hand it what it needs.

mod alarm;
mod caps;
pub mod condition;
mod courier;
mod cycle;
pub mod daemon;
mod halted;
pub mod heartbeat;
mod journal;
mod news;
mod observer;
mod outcome;
mod poison;
mod pulse;
mod ready;
pub mod rehearsal;
pub mod reload;
mod tidying;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::clock::Clock;
use crate::domain::delivery::Unreachable;
use crate::domain::facts::{Facts, Reach};
use crate::domain::figures::Peers;
use crate::domain::halt::Halt;
use crate::domain::ids::RuleName;
use crate::domain::plan;
use crate::domain::retry;
use crate::domain::rule::{Rule, RuleSeen, Rules};
use crate::domain::settings::Settings;
use crate::letter::{Composer, MailSettings};
use crate::relay::Relay;
use crate::store::{Made, OutboxLetter, Store, StoreError};
use observer::Observer;

/// Everything that is loaded from files, and replaced whole by a reload.
#[derive(Debug)]
pub struct Office {
    /// The business.
    pub settings: Settings,
    /// The rules, checked.
    pub rules: Vec<Rule>,
    /// Hashes of the rules, settings and templates that were read.
    pub in_force: reload::InForce,
    /// The templates, parsed and checked.
    pub composer: Composer,
    /// Who signs.
    pub mail: MailSettings,
    /// How many couriers at once.
    pub connections: usize,
    /// Whether addresses are masked in the log.
    pub mask_addresses: bool,
    /// The file and the last day of each calendar that ends.
    pub calendar_ends: Vec<(String, Date)>,
}

impl Office {
    /// A waiting letter as it would leave now; or why it would not.
    ///
    /// # Errors
    /// The reason, in words.
    pub fn preview(
        &self,
        seen: BTreeMap<RuleName, RuleSeen>,
        row: &OutboxLetter,
        facts: &Facts,
        peers: Option<Peers>,
        now: Timestamp,
    ) -> Result<Made, String> {
        // What it waits for is not asked, only what it says.
        let row = OutboxLetter { approved: true, ..row.clone() };
        let decided = ready::decide(self, &self.rules_in_force(seen), &row, facts, peers, now);
        decided.map(|(_, made)| made).map_err(|(_, why)| why)
    }

    /// How far back facts must go for its rules.
    #[must_use]
    pub fn reach(&self, now: Timestamp) -> Reach {
        plan::reach(&self.rules_in_force(BTreeMap::new()), &self.settings, now)
    }

    /// The rules with what the store knows of when they came into force.
    fn rules_in_force(&self, seen: BTreeMap<RuleName, RuleSeen>) -> Rules {
        Rules::in_force(&self.rules, seen)
    }
}

/// The engine of one installation.
#[derive(Debug)]
pub struct Engine<S, R, C> {
    store: S,
    // Replaced by a reload as well.
    relay: Arc<RwLock<Arc<R>>>,
    clock: C,
    // Replaced by a reload while couriers finish on the one they hold.
    office: Arc<RwLock<Arc<Office>>>,
    // Noted by the daemon, shown to whoever asks.
    notes: Arc<Mutex<condition::Notes>>,
    // Noted by a reload, shown to whoever asks.
    configured: Arc<Mutex<reload::Configured>>,
    // Shared by the couriers, because a pause concerns all of them.
    relay_state: Arc<Mutex<RelayState>>,
    // The number of what others did that the log was told last.
    news_told: Arc<AtomicI64>,
    // Shared by passes and deliveries.
    rules: Arc<Mutex<Option<LastRules>>>,
    // What other customers do, and the day it was counted on.
    peers: Arc<Mutex<Option<PeersOf>>>,
    // Shared by passes and couriers: what was last said about a HOLD.
    halted: Arc<Mutex<halted::Said>>,
    // Beaten by passes and couriers, felt by the daemon.
    pulse: Arc<pulse::Pulse>,
    stopping: Arc<tokio::sync::watch::Sender<bool>>,
    // What a rehearsal wants to know; nobody listens in earnest.
    observer: Option<Observer>,
}

impl<S: Clone, R, C: Clone> Clone for Engine<S, R, C> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            relay: Arc::clone(&self.relay),
            clock: self.clock.clone(),
            office: Arc::clone(&self.office),
            notes: Arc::clone(&self.notes),
            configured: Arc::clone(&self.configured),
            relay_state: Arc::clone(&self.relay_state),
            news_told: Arc::clone(&self.news_told),
            rules: Arc::clone(&self.rules),
            peers: Arc::clone(&self.peers),
            halted: Arc::clone(&self.halted),
            pulse: Arc::clone(&self.pulse),
            stopping: Arc::clone(&self.stopping),
            observer: self.observer.clone(),
        }
    }
}

/// What one pass found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PassReport {
    /// Relationships that were looked at.
    pub relationships: u64,
    /// Letters that were queued.
    pub queued: u64,
    /// Of these, letters that a person must release first.
    pub held: u64,
    /// Candidates that wait, by the name of the stop.
    pub waiting: BTreeMap<&'static str, u64>,
    /// Candidates that were skipped, by the name of the stop.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Candidates that were found to be left alone, for having been reached
    /// before their rule was first seen.
    pub left_alone: u64,
    /// Letters that the cap per pass left for the next.
    pub capped: u64,
    /// Letters that the cap of their rule left for the next day, by rule.
    pub capped_rules: BTreeMap<RuleName, u32>,
    /// Letters that are held because they are far more than usual.
    pub unusual: u64,
    /// Relationships that could not be planned for a fault of this program.
    pub faulty: u64,
    /// Why nothing was looked at.
    pub halt: Option<Halt>,
}

/// What became of letters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryReport {
    /// Letters by what became of them: `sent`, `retry`, `rejected`,
    /// `uncertain`, `held`, `cancelled`, `expired`, `postponed`.
    pub letters: BTreeMap<&'static str, u64>,
    /// Why there is no session with the relay, if there is none.
    pub relay_down: Option<String>,
    /// Why nothing may leave.
    pub halt: Option<Halt>,
}

impl DeliveryReport {
    fn add(&mut self, other: &Self) {
        for (what, count) in &other.letters {
            *self.letters.entry(what).or_default() += count;
        }
        if other.relay_down.is_some() {
            self.relay_down.clone_from(&other.relay_down);
        }
    }
}

/// The rules as they were put together last, and from what.
#[derive(Debug)]
struct LastRules {
    office: Arc<Office>,
    seen: BTreeMap<RuleName, RuleSeen>,
    rules: Arc<Rules>,
}

/// What was counted on a day.
type PeersOf = (Date, Option<Peers>);

/// How the relay has been lately. Being down costs no letter an attempt.
#[derive(Debug, Default)]
struct RelayState {
    failures: u32,
    paused_until: Option<Timestamp>,
    reason: String,
    /// Letters refused by policy in a row, each for another recipient.
    refused: Vec<(crate::domain::ids::LetterId, String)>,
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Puts the parts together.
    pub fn new(store: S, relay: R, clock: C, office: impl Into<Arc<Office>>) -> Self {
        let office = office.into();
        let now = clock.now();
        let configured = reload::Configured::first(&office, now);
        Self {
            store,
            relay: Arc::new(RwLock::new(Arc::new(relay))),
            clock,
            office: Arc::new(RwLock::new(office)),
            notes: Arc::new(Mutex::new(condition::Notes::begun(now))),
            configured: Arc::new(Mutex::new(configured)),
            relay_state: Arc::new(Mutex::new(RelayState::default())),
            news_told: Arc::default(),
            rules: Arc::default(),
            peers: Arc::default(),
            halted: Arc::default(),
            pulse: Arc::default(),
            stopping: Arc::new(tokio::sync::watch::Sender::new(false)),
            observer: None,
        }
    }

    /// The same, with somebody who hears what is decided.
    fn before(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// The store it works on.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// What is in force.
    #[must_use]
    pub fn office(&self) -> Arc<Office> {
        Arc::clone(&self.office.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a reloaded configuration in force. Letters on their way finish
    /// on the old one.
    pub fn replace_office(&self, office: impl Into<Arc<Office>>) {
        *self.office.write().unwrap_or_else(PoisonError::into_inner) = office.into();
    }

    fn relay(&self) -> Arc<R> {
        Arc::clone(&self.relay.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another way out, which is tried at once. Letters on their way finish
    /// on the old one.
    fn replace_relay(&self, relay: R) {
        *self.relay.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(relay);
        self.with_relay_state(|state| *state = RelayState::default());
    }

    /// What other customers do, counted once a day, so that letters of one
    /// day say the same.
    async fn peers(&self, now: Timestamp) -> Result<Option<Peers>, StoreError> {
        let today = self.office().settings.business.day(now);
        let known = *self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, peers)) = known.filter(|(day, _)| *day == today) {
            return Ok(peers);
        }
        let peers = peers_on(&self.store, today).await?;
        *self.peers.lock().unwrap_or_else(PoisonError::into_inner) = Some((today, peers));
        Ok(peers)
    }

    /// Lets couriers finish the letter in hand and take no other.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Why the relay is left alone at present, if it is.
    fn relay_pause(&self) -> Option<String> {
        let now = self.clock.now();
        self.with_relay_state(|state| {
            state.paused_until.is_some_and(|until| now < until).then(|| state.reason.clone())
        })
    }

    /// Why the last session failed, until the relay takes a letter again.
    fn relay_trouble(&self) -> Option<String> {
        self.with_relay_state(|state| (state.failures > 0).then(|| state.reason.clone()))
    }

    /// The same, and until when it is left alone.
    fn relay_trouble_until(&self) -> Option<(String, Option<Timestamp>)> {
        self.with_relay_state(|state| {
            (state.failures > 0).then(|| (state.reason.clone(), state.paused_until))
        })
    }

    fn relay_failed(&self, why: &Unreachable) {
        let now = self.clock.now();
        let wait = self.with_relay_state(|state| {
            state.failures = state.failures.saturating_add(1);
            // What needs a person does not get better by asking often.
            let backoff = retry::relay_backoff(state.failures);
            let wait = if why.needs_person { backoff.max(SignedDuration::from_mins(15)) } else { backoff };
            state.paused_until = Some(now + wait);
            state.reason = why.to_string();
            wait
        });
        journal::relay_down(self.office().mask_addresses, why, wait);
    }

    fn relay_answered(&self) {
        let was_down = self.with_relay_state(|state| {
            let was_down = state.failures > 0;
            state.failures = 0;
            state.paused_until = None;
            was_down
        });
        if was_down {
            journal::relay_back();
        }
    }

    fn with_relay_state<T>(&self, change: impl FnOnce(&mut RelayState) -> T) -> T {
        change(&mut self.relay_state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How customers paid in the year before a day.
///
/// # Errors
/// What the store could not do.
pub async fn peers_on<S: Store>(store: &S, today: Date) -> Result<Option<Peers>, StoreError> {
    let payers = store.payers(today.saturating_sub(1.year())).await?;
    Ok(Peers::of(payers.on_time, payers.all))
}
