//! At most so many letters a minute over all sessions: turns evenly apart.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Gives out turns. Locked, because sessions of different tasks share it; the
/// lock is never held while waiting.
#[derive(Debug)]
pub(super) struct Pace {
    every: Option<Duration>,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// When the next one may be taken; `None` before the first.
    next: Option<Instant>,
    /// Given back unused.
    spare: u32,
}

impl Pace {
    /// `per_min` turns a minute, the first at once; `None` is no limit.
    pub fn new(per_min: Option<u32>) -> Self {
        let every = per_min.map(|per_min| Duration::from_mins(1) / per_min.max(1));
        Self { every, turns: Mutex::default() }
    }

    /// How far apart turns are; nothing where there is no limit.
    pub fn every(&self) -> Duration {
        self.every.unwrap_or_default()
    }

    /// Waits for a turn.
    pub async fn wait(&self) {
        if self.every.is_some() {
            tokio::time::sleep_until(self.take(Instant::now())).await;
        }
    }

    /// Returns a turn that was not used.
    pub fn give_back(&self) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.spare = turns.spare.saturating_add(1);
    }

    /// Takes a turn; its moment is the result.
    fn take(&self, now: Instant) -> Instant {
        let Some(every) = self.every else { return now };
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.spare > 0 {
            turns.spare -= 1;
            return now;
        }
        let turn = turns.next.map_or(now, |next| next.max(now));
        turns.next = Some(turn + every);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_evenly_apart_and_a_pause_saves_none_up() {
        let (start, s) = (Instant::now(), Duration::from_secs);
        let pace = Pace::new(Some(30));
        let turns: Vec<_> = [0, 0, 1, 100, 100].map(|at| pace.take(start + s(at)) - start).into();
        assert_eq!(turns, [s(0), s(2), s(4), s(100), s(102)]);
        pace.give_back();
        let turns: Vec<_> = [101, 101].map(|at| pace.take(start + s(at)) - start).into();
        assert_eq!(turns, [s(101), s(104)]);
    }

    #[test]
    fn without_a_limit_every_moment_is_right() {
        let now = Instant::now();
        let pace = Pace::new(None);
        assert_eq!([pace.take(now), pace.take(now)], [now, now]);
    }
}
