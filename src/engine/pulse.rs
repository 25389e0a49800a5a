//! Signs of life: of passes, page by page, and of all who deliver. Whoever
//! watches over the process is told from these that it is well, so that a
//! pass that hangs, or a courier that does, is seen from outside.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long a step may take that waits for the store and not for a relay.
pub(super) const STEP_MAX: Duration = Duration::from_mins(10);

/// The signs.
#[derive(Debug)]
pub(super) struct Pulse {
    /// When a page of a pass was done last.
    pages: watch::Sender<Instant>,
    /// Until when each of those who deliver must have gone on. Locked,
    /// because they are different tasks.
    hands: Mutex<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    latest: u64,
    until: BTreeMap<u64, Instant>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { pages: watch::Sender::new(Instant::now()), hands: Mutex::default() }
    }
}

impl Pulse {
    /// A page is done.
    pub(super) fn page(&self) {
        self.pages.send_replace(Instant::now());
    }

    /// Hears of each page from now on.
    pub(super) fn pages(&self) -> watch::Receiver<Instant> {
        self.pages.subscribe()
    }

    /// When the last one was done.
    pub(super) fn last(&self) -> Instant {
        *self.pages.borrow()
    }

    /// Somebody begins to deliver, and goes on within so long.
    pub(super) fn hand(&self, within: Duration) -> Hand<'_> {
        let mut hands = self.lock();
        hands.latest += 1;
        let number = hands.latest;
        drop(hands);
        let hand = Hand { pulse: self, number };
        hand.goes_on(within);
        hand
    }

    /// How many deliver.
    pub(super) fn hands(&self) -> usize {
        self.lock().until.len()
    }

    /// How many have not gone on in their time.
    pub(super) fn hung(&self, now: Instant) -> usize {
        self.lock().until.values().filter(|until| **until < now).count()
    }

    /// How long the step in hand that takes longest may still take.
    pub(super) fn longest(&self, now: Instant) -> Option<Duration> {
        self.lock().until.values().map(|until| until.saturating_duration_since(now)).max()
    }

    fn lock(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who delivers, for as long as it does.
pub(super) struct Hand<'p> {
    pulse: &'p Pulse,
    number: u64,
}

impl Hand<'_> {
    /// A step is done, and the next takes at most so long.
    pub(super) fn goes_on(&self, within: Duration) {
        self.pulse.lock().until.insert(self.number, Instant::now() + within);
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.pulse.lock().until.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_go_on_in_time_has_hung_until_it_does_or_is_gone() {
        let pulse = Pulse::default();
        let minute = Duration::from_mins(1);
        let (quick, slow) = (pulse.hand(minute), pulse.hand(10 * minute));
        let now = Instant::now();
        assert_eq!((pulse.hung(now), pulse.hung(now + 2 * minute), pulse.hung(now + 11 * minute)), (0, 1, 2));
        assert!(pulse.longest(now).is_some_and(|longest| longest > 9 * minute));
        quick.goes_on(5 * minute);
        assert_eq!(pulse.hung(now + 2 * minute), 0);
        drop(quick);
        drop(slow);
        assert_eq!((pulse.hung(now + 60 * minute), pulse.longest(now)), (0, None));
    }
}
