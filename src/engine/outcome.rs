//! What came of an attempt, written again and again until it is on disk, and
//! what it says of the relay.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::courier::Shift;
use super::pulse::STEP_MAX;
use super::ready::Ready;
use super::{DeliveryReport, Engine, RelayState, journal};
use crate::clock::Clock;
use crate::domain::delivery::{
    self, AttemptContext, LeftOut, Obstacle, Outcome, SmtpStage, Transition, Unreachable,
};
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::relay::Relay;
use crate::store::{Store, StoreError};

/// How many recipients in a row are refused by policy before it is the relay
/// that refuses us (design section 9, 9).
const POLICY_REFUSALS_MAX: usize = 3;
/// How often an outcome is tried to be written once we are told to stop, a
/// second apart.
const STOPPING_TRIES: u32 = 30;

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// An attempt that may or may not have begun in the store was not made:
    /// unless that is written down, the letter would be `sending` for ever.
    pub(super) async fn undo(&self, shift: &Shift<'_, R>, ready: &Ready, cause: &StoreError) {
        journal::unbegun(ready.row.id, cause);
        let again = self.clock.now() + SignedDuration::from_mins(1);
        let transition = Transition {
            state: LetterState::Retry,
            next_attempt_at: Some(again),
            reason: "the attempt could not be recorded, and was not made".to_owned(),
            suppress: false,
            maybe_sent: ready.row.maybe_sent,
        };
        self.finish(shift, ready, ready.row.attempts + 1, &transition, Vec::new()).await;
    }

    pub(super) async fn record(
        &self,
        shift: &Shift<'_, R>,
        ready: &Ready,
        attempt: u32,
        outcome: Outcome,
        report: &mut DeliveryReport,
    ) {
        let now = self.clock.now();
        let context = AttemptContext {
            attempt,
            class: ready.draft.class,
            spread: ready.row.id.spread(),
            first_attempt_at: ready.row.first_attempt_at.unwrap_or(now),
            on_uncertain: ready.draft.on_uncertain,
            maybe_sent: ready.row.maybe_sent,
        };
        let transition = delivery::transition(&outcome, context, now);
        let left_out = match &outcome {
            Outcome::Accepted { left_out, .. } => left_out.clone(),
            Outcome::NotSent { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::LetterRefused { .. }
            | Outcome::Uncertain { .. } => Vec::new(),
        };
        self.finish(shift, ready, attempt, &transition, left_out.clone()).await;
        journal::outcome(shift.round.office.mask_addresses, ready, attempt, &transition, &left_out);
        *report.letters.entry(transition.state.as_str()).or_default() += 1;
        if let Some(observer) = self.observer.as_ref().filter(|_| transition.state == LetterState::Sent) {
            observer.sent(&shift.round.office, &shift.round.rules, ready, now);
        }
        self.watch_relay(ready, &outcome, &transition).await;
    }

    /// Writes the outcome, again and again until it is on disk. Told to stop,
    /// it tries for a while longer.
    async fn finish(
        &self,
        shift: &Shift<'_, R>,
        ready: &Ready,
        attempt: u32,
        transition: &Transition,
        left_out: Vec<LeftOut>,
    ) {
        let mut failed = false;
        let mut last_tries = STOPPING_TRIES;
        loop {
            // A disk that is full for a day is no reason to be thought hung.
            shift.hand.goes_on(STEP_MAX);
            let now = self.clock.now();
            let written = self
                .store
                .finish_attempt(ready.row.id, attempt, transition.clone(), left_out.clone(), now)
                .await;
            match written {
                Ok(()) => break,
                Err(error) => {
                    if !failed {
                        shift.round.unrecorded.fetch_add(1, Ordering::SeqCst);
                        failed = true;
                    }
                    journal::unrecorded(ready, transition, &error);
                    if self.is_stopping() {
                        last_tries -= 1;
                    }
                    if last_tries == 0 {
                        journal::given_up(ready.row.id, transition);
                        break;
                    }
                    self.clock.sleep(Duration::from_secs(1)).await;
                }
            }
        }
        if failed {
            shift.round.unrecorded.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What an outcome says of the relay. Different recipients refused by
    /// policy one after the other mean that the relay refuses us: it is
    /// paused, and their letters are queued again, or planned anew where their
    /// addresses had been taken for dead.
    async fn watch_relay(&self, ready: &Ready, outcome: &Outcome, transition: &Transition) {
        let by_policy = match outcome {
            // A bare 550 may mean the address or us; three in a row mean us.
            Outcome::RecipientRefused { reply } => matches!(reply.enhanced, Some((_, 7, _)) | None),
            Outcome::LetterRefused { stage, reply } => *stage == SmtpStage::Mail && reply.is_permanent(),
            Outcome::Accepted { .. } | Outcome::NotSent { .. } | Outcome::Uncertain { .. } => false,
        };
        match outcome {
            Outcome::Accepted { .. } => {
                self.with_relay_state(|state| state.refused.clear());
                self.relay_answered();
            }
            // Silence, a closed connection or 421 is the relay's state and
            // not the letter's: the others need not try at once.
            Outcome::NotSent { stage, cause, reply }
                if reply.as_ref().is_none_or(|reply| reply.code == 421) =>
            {
                let cause = cause.clone();
                self.relay_failed(&Unreachable {
                    stage: *stage,
                    cause,
                    obstacle: Obstacle::Other,
                    needs_person: false,
                });
            }
            Outcome::NotSent { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::LetterRefused { .. }
            | Outcome::Uncertain { .. } => {}
        }
        if !by_policy {
            return;
        }
        let (letter, address) = (ready.row.id, ready.made.parcel.to.folded());
        let now = self.clock.now();
        let letters = match self.with_relay_state(|state| refused(state, letter, address, now)) {
            Refused::Few => return,
            Refused::Late => vec![letter],
            Refused::Every(letters) => {
                self.relay_failed(&Unreachable {
                    stage: SmtpStage::Rcpt,
                    cause: format!("the relay refuses every letter: {}", transition.reason),
                    obstacle: Obstacle::Declined,
                    needs_person: true,
                });
                letters
            }
        };
        for letter in letters {
            let why = "the relay refused every letter";
            match self.store.release(letter, false, why.to_owned(), now).await {
                Ok(true) => journal::queued_again(letter, why),
                // Somebody has moved it on.
                Ok(false) => {}
                Err(error) => journal::failed("queueing a letter again", &error),
            }
        }
    }
}

/// What one more refusal by policy means.
enum Refused {
    /// It may be the recipient.
    Few,
    /// It is the relay, and these letters are to be queued again.
    Every(Vec<LetterId>),
    /// It was on its way when the relay was paused, and is to be queued again.
    Late,
}

fn refused(state: &mut RelayState, letter: LetterId, address: String, now: Timestamp) -> Refused {
    if state.refused.len() >= POLICY_REFUSALS_MAX {
        if state.paused_until.is_some_and(|until| now < until) {
            return Refused::Late;
        }
        // What is refused after the pause begins another series.
        state.refused.clear();
    }
    if !state.refused.iter().any(|(_, other)| *other == address) {
        state.refused.push((letter, address));
    }
    if state.refused.len() < POLICY_REFUSALS_MAX {
        return Refused::Few;
    }
    // For those on their way the pause begins here, however long it becomes.
    state.paused_until = Some(now + SignedDuration::from_secs(1));
    Refused::Every(state.refused.iter().map(|(letter, _)| *letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_on_its_way_when_the_relay_was_paused_is_queued_again_like_the_others() {
        let mut state = RelayState::default();
        let at = |seconds: i64| Timestamp::from_second(seconds).expect("a moment");
        let mut refuse = |letter: i64, now: i64| {
            refused(&mut state, LetterId(letter), format!("c{letter}@x.test"), at(now))
        };
        assert!(matches!(refuse(1, 100), Refused::Few));
        assert!(matches!(refuse(2, 100), Refused::Few));
        assert!(matches!(refuse(2, 100), Refused::Few), "the same recipient again says nothing new");
        let Refused::Every(letters) = refuse(3, 100) else { panic!("three in a row are the relay") };
        assert_eq!(letters, [LetterId(1), LetterId(2), LetterId(3)]);
        assert!(matches!(refuse(4, 100), Refused::Late));
        assert!(matches!(refuse(5, 100), Refused::Late));
        // After the pause, one refusal alone may be the recipient again.
        assert!(matches!(refuse(6, 200), Refused::Few));
    }
}
