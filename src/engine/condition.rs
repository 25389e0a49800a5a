//! How it goes, for whoever watches from outside: what the daemon notes of
//! its own work, and what it makes of it.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reload::Configured;
use super::{Engine, PassReport};
use crate::clock::Clock;
use crate::domain::halt::Halt;
use crate::relay::Relay;
use crate::store::{Store, StoreError};

/// It looks once a minute, and a page takes seconds: after so long without a
/// sign it hangs.
const SILENCE_MAX: Duration = Duration::from_mins(5);

/// How it goes.
#[derive(Clone, Debug)]
pub struct Condition {
    /// When it began.
    pub started_at: Timestamp,
    /// Whether letters are on their way.
    pub delivers: bool,
    /// Whether the loop that plans turns, and whoever delivers goes on.
    pub lives: bool,
    /// The last pass.
    pub last_pass: Option<PassDone>,
    /// When the last one ended that looked at all there was.
    pub complete_at: Option<Timestamp>,
    /// How many passes came to what.
    pub passes: Passes,
    /// Why the relay takes no letters, and until when it is left alone.
    pub relay: Option<(String, Option<Timestamp>)>,
    /// Which configuration is in force.
    pub configured: Configured,
}

/// What became of a pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PassDone {
    /// When it ended.
    pub ended_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// How many letters it queued.
    pub queued: u64,
    /// Why nothing may leave.
    pub halt: Option<Halt>,
    /// What the store could not do.
    pub failed: Option<String>,
}

/// How many passes came to what, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passes {
    /// Looked at all there was.
    pub complete: u64,
    /// Looked at nothing, in a HOLD.
    pub held: u64,
    /// Ended in the middle.
    pub failed: u64,
}

impl Condition {
    /// What keeps it from its work, in words; nothing where it does it.
    #[must_use]
    pub fn hindrances(&self, now: Timestamp) -> Vec<String> {
        let mut found = Vec::new();
        if !self.lives {
            found.push("it hangs: no sign of life for minutes".to_owned());
        }
        match &self.last_pass {
            None => found.push("the first look is not done yet".to_owned()),
            Some(PassDone { failed: Some(cause), .. }) => found.push(format!("the store: {cause}")),
            Some(PassDone { halt: Some(halt), .. }) => {
                found.push(format!("HOLD: {}", halt.said(&jiff::tz::TimeZone::UTC, now)));
            }
            Some(_) => {}
        }
        if let Some((_, why)) = &self.configured.refused {
            found.push(format!(
                "the configuration was refused, the last good one is in force: {}",
                why.join("; ")
            ));
        }
        found
    }
}

/// What the daemon notes of its own work.
#[derive(Debug)]
pub(super) struct Notes {
    started_at: Timestamp,
    last_pass: Option<PassDone>,
    complete_at: Option<Timestamp>,
    passes: Passes,
    complete: watch::Sender<()>,
}

impl Notes {
    pub(super) fn begun(now: Timestamp) -> Self {
        Self {
            started_at: now,
            last_pass: None,
            complete_at: None,
            passes: Passes::default(),
            complete: watch::Sender::new(()),
        }
    }
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// How it goes.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let now = Instant::now();
        let silence = now.saturating_duration_since(self.pulse.last());
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        Condition {
            started_at: notes.started_at,
            delivers: self.pulse.hands() > 0,
            lives: silence < SILENCE_MAX && self.pulse.hung(now) == 0,
            last_pass: notes.last_pass.clone(),
            complete_at: notes.complete_at,
            passes: notes.passes,
            relay: self.relay_trouble_until(),
            configured: self.configured(),
        }
    }

    /// Hears of each pass that looked at all there was.
    #[must_use]
    pub fn complete_passes(&self) -> watch::Receiver<()> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).complete.subscribe()
    }

    /// Notes what became of a pass.
    pub(super) fn note_pass(&self, done: &Result<PassReport, StoreError>, took: Duration) {
        let now = self.clock().now();
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let (queued, halt, failed) = match done {
            Ok(report) => (report.queued, report.halt.clone(), None),
            Err(cause) => (0, None, Some(cause.to_string())),
        };
        match (&halt, &failed) {
            (_, Some(_)) => notes.passes.failed += 1,
            (Some(_), None) => notes.passes.held += 1,
            (None, None) => {
                notes.passes.complete += 1;
                notes.complete_at = Some(now);
                notes.complete.send_replace(());
            }
        }
        notes.last_pass = Some(PassDone { ended_at: now, took, queued, halt, failed });
    }
}
