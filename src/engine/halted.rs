//! HOLD: whether anything may leave, asked before each pass and each round,
//! and told once when it changes and every hour while it lasts.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::{Engine, journal};
use crate::clock::Clock;
use crate::domain::halt::Halt;
use crate::relay::Relay;
use crate::store::{Standing, Store, StoreError};

/// How often a HOLD that lasts is told again.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// What was last told, and when.
#[derive(Debug, Default)]
pub(super) struct Said(Option<(&'static str, Timestamp)>);

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Whether anything may leave at this moment.
    pub(super) async fn standing(&self, now: Timestamp) -> Result<Standing, StoreError> {
        let office = self.office();
        let standing = self.store().watch(office.settings.guards, self.relay_trouble(), now).await?;
        self.tell(standing.halt.as_ref(), now);
        Ok(standing)
    }

    fn tell(&self, halt: Option<&Halt>, now: Timestamp) {
        let mut said = self.halted.lock().unwrap_or_else(PoisonError::into_inner);
        match (halt, said.0) {
            (None, None) => {}
            (None, Some(_)) => {
                journal::goes_on();
                said.0 = None;
            }
            // A clock that jumps about is told of whichever way it went.
            (Some(halt), Some((name, at))) if name == halt.name() && now.duration_since(at).abs() < AGAIN => {
            }
            (Some(halt), _) => {
                journal::halted(halt, &self.office().settings.business.zone, now);
                said.0 = Some((halt.name(), now));
            }
        }
    }
}
