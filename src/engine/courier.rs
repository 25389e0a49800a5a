//! Delivery: claim, compose, hand over; one letter at a time for each courier.
//!
//! Invariant: between `begin_attempt` and `finish_attempt` nothing can fail
//! without being recorded: a panic leaves the letter `uncertain` at once, and
//! an attempt that may not have begun is taken back. If the outcome can't be
//! written, it is tried again and no courier begins another letter.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::poison::contained_future;
use super::pulse::{Hand, STEP_MAX};
use super::ready::{Ready, decide, leaves_on};
use super::{DeliveryReport, Engine, Office, journal};
use crate::clock::Clock;
use crate::domain::delivery::{Outcome, Unreachable};
use crate::domain::facts::Reach;
use crate::domain::figures::Peers;
use crate::domain::halt::BACK_MAX;
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::domain::plan;
use crate::domain::rule::Rules;
use crate::relay::Relay;
use crate::store::{Begun, Claim, SetAside, Store, StoreError};

/// How many letters are taken from the outbox at a time.
const BATCH: usize = 1_000;
/// How often facts may change under a letter before it waits a minute.
const TRIES_MAX: u32 = 5;
/// After so long, a round is begun anew: whether anything may leave is asked
/// again.
const ROUND_MAX: SignedDuration = SignedDuration::from_mins(30);

/// What the couriers of one delivery share.
pub(super) struct Round {
    pub(super) office: Arc<Office>,
    pub(super) rules: Arc<Rules>,
    reach: Reach,
    peers: Option<Peers>,
    queue: Mutex<VecDeque<LetterId>>,
    // Couriers whose outcome could not be written yet.
    pub(super) unrecorded: AtomicUsize,
    // When it began: a clock that leaps away from here is asked about anew.
    began: Timestamp,
}

/// One courier's part in a round.
pub(super) struct Shift<'r, R> {
    pub(super) round: &'r Round,
    pub(super) hand: Hand<'r>,
    relay: Arc<R>,
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Delivers what may leave now, until nothing is left, the relay can't be
    /// reached, or the engine is told to stop.
    ///
    /// # Errors
    /// What the store could not do; no outcome is lost by it.
    pub async fn deliver(&self) -> Result<DeliveryReport, StoreError> {
        let mut report = DeliveryReport::default();
        while !self.is_stopping() {
            if let Some(reason) = self.relay_pause() {
                report.relay_down = Some(reason);
                break;
            }
            let hand = self.pulse.hand(STEP_MAX);
            let now = self.clock.now();
            report.halt = self.standing(now).await?.halt;
            if report.halt.is_some() {
                break;
            }
            self.end_trial(now).await?;
            let queue: VecDeque<LetterId> = self.store.claimable(now, BATCH).await?.into();
            if queue.is_empty() {
                break;
            }
            let office = self.office();
            let rules = self.see_rules(&office, now).await?;
            let reach = plan::reach(&rules, &office.settings, now);
            let couriers = office.connections.clamp(1, queue.len());
            let round = Arc::new(Round {
                office,
                rules,
                reach,
                peers: self.peers(now).await?,
                queue: Mutex::new(queue),
                unrecorded: AtomicUsize::new(0),
                began: now,
            });
            // From here on the couriers answer for themselves.
            drop(hand);
            let of_round = self.send_round(&round, couriers).await?;
            let idle = of_round.letters.is_empty();
            report.add(&of_round);
            if idle || report.relay_down.is_some() {
                break;
            }
        }
        Ok(report)
    }

    async fn send_round(&self, round: &Arc<Round>, couriers: usize) -> Result<DeliveryReport, StoreError> {
        let mut set = JoinSet::new();
        for _ in 0..couriers {
            let (engine, round) = (self.clone(), Arc::clone(round));
            set.spawn(async move { engine.work(&round).await });
        }
        let mut report = DeliveryReport::default();
        let mut failure = None;
        let mut panicked = false;
        while let Some(joined) = set.join_next().await {
            match joined {
                Ok(Ok(part)) => report.add(&part),
                Ok(Err(error)) => failure = Some(error),
                Err(panic) => {
                    failure = Some(StoreError::Failed { doing: "delivering", cause: panic.to_string() });
                    panicked = true;
                }
            }
        }
        if panicked {
            // Every courier has ended, so what is still `sending` is that one's.
            for letter in self.store.recover(self.clock.now()).await? {
                journal::lost(letter);
            }
        }
        failure.map_or(Ok(report), Err)
    }

    /// One courier: a session, and letters until there are none.
    async fn work(&self, round: &Round) -> Result<DeliveryReport, StoreError> {
        let mut report = DeliveryReport::default();
        let mut session: Option<R::Session> = None;
        let shift = Shift { round, hand: self.pulse.hand(STEP_MAX), relay: self.relay() };
        while !self.is_stopping() && self.relay_pause().is_none() && self.is_as_it_began(&shift) {
            shift.hand.goes_on(shift.relay.patience(None) + STEP_MAX);
            // Nothing else is sent while an outcome can't be written.
            if round.unrecorded.load(Ordering::SeqCst) > 0 {
                self.clock.sleep(Duration::from_millis(200)).await;
                continue;
            }
            let next = round.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(letter) = next else { break };
            // The session comes first: opening it may take minutes, and costs
            // the letter nothing if it fails.
            let open = match session_with(&*shift.relay, session.take()).await {
                Ok(session) => session,
                Err(why) => {
                    self.relay_failed(&why);
                    report.relay_down = Some(why.to_string());
                    break;
                }
            };
            session = match self.prepare(round, letter, &mut report).await? {
                Some(ready) => self.attempt(&shift, ready, open, &mut report).await?,
                None => Some(open),
            };
        }
        if let Some(session) = session {
            shift.relay.close(session).await;
        }
        Ok(report)
    }

    /// Reads a letter, asks again whether it is due, and makes it. `None`
    /// where it is not to be sent now, which is recorded.
    async fn prepare(
        &self,
        round: &Round,
        letter: LetterId,
        report: &mut DeliveryReport,
    ) -> Result<Option<Ready>, StoreError> {
        let now = self.clock.now();
        let (row, facts) = self.store.letter_and_facts(letter, round.reach.clone()).await?;
        if !matches!(row.state, LetterState::Queued | LetterState::Retry) || row.next_attempt_at > now {
            return Ok(None);
        }
        match decide(&round.office, &round.rules, &row, &facts, round.peers, now) {
            Ok((draft, made)) => Ok(Some(Ready { row, facts, draft, made })),
            Err((what, why)) => {
                if self.store.set_aside(letter, row.attempts, what.clone(), why.clone(), now).await? {
                    journal::set_aside(round.office.mask_addresses, &row, &what, &why);
                    let word = match what {
                        SetAside::Later(_) => "postponed",
                        SetAside::Cancel => "cancelled",
                        SetAside::Hold => "held",
                        SetAside::Park => "uncertain",
                    };
                    *report.letters.entry(word).or_default() += 1;
                }
                Ok(None)
            }
        }
    }

    /// Whether the clock has gone on as it should since the round began, and
    /// nothing was reloaded: what was asked then holds now.
    fn is_as_it_began(&self, shift: &Shift<'_, R>) -> bool {
        let passed = self.clock.now().duration_since(shift.round.began);
        (-BACK_MAX..ROUND_MAX).contains(&passed)
            && Arc::ptr_eq(&shift.round.office, &self.office())
            && Arc::ptr_eq(&shift.relay, &self.relay())
    }

    /// Begins an attempt, hands the letter over and records what came of it.
    /// Gives the session back, unless something is wrong with it.
    async fn attempt(
        &self,
        shift: &Shift<'_, R>,
        mut ready: Ready,
        mut session: R::Session,
        report: &mut DeliveryReport,
    ) -> Result<Option<R::Session>, StoreError> {
        let Shift { round, hand, relay } = shift;
        for _ in 0..TRIES_MAX {
            let now = self.clock.now();
            let day = leaves_on(&round.office, &ready, now);
            let claim = Claim {
                letter: ready.row.id,
                attempts: ready.row.attempts,
                facts: Arc::clone(&ready.facts),
                changed: (ready.draft != ready.row.draft).then(|| ready.draft.clone()),
                made: ready.made.clone(),
                redirected: round.office.mail.redirect_to.is_some(),
                day,
            };
            match self.store.begin_attempt(claim, round.reach.clone(), now).await {
                Ok(Begun::Attempt(attempt)) => {
                    hand.goes_on(relay.patience(Some(&ready.made.parcel)));
                    let handed_over = contained_future(relay.deliver(&mut session, &ready.made.parcel)).await;
                    let (outcome, session) = handed_over.map_or_else(
                        |_| {
                            let cause = "handing it over panicked; please report this".to_owned();
                            (Outcome::Uncertain { cause }, None)
                        },
                        |outcome| (outcome, Some(session)),
                    );
                    self.record(shift, &ready, attempt, outcome, report).await;
                    return Ok(session);
                }
                Ok(Begun::Gone) => return Ok(Some(session)),
                Ok(Begun::FactsChanged) => match self.prepare(round, ready.row.id, report).await? {
                    Some(again) => ready = again,
                    None => return Ok(Some(session)),
                },
                Err(error) => {
                    self.undo(shift, &ready, &error).await;
                    return Err(error);
                }
            }
        }
        let now = self.clock.now();
        let later = SetAside::Later(now + SignedDuration::from_mins(1));
        let why = "the facts keep changing".to_owned();
        self.store.set_aside(ready.row.id, ready.row.attempts, later, why, now).await?;
        *report.letters.entry("postponed").or_default() += 1;
        Ok(Some(session))
    }
}

/// The session at hand if it is still good, and its turn has come; else
/// a new one.
async fn session_with<R: Relay>(relay: &R, at_hand: Option<R::Session>) -> Result<R::Session, Unreachable> {
    if let Some(mut session) = at_hand {
        relay.ready(&mut session).await;
        if relay.is_usable(&session) {
            return Ok(session);
        }
        relay.close(session).await;
    }
    let mut session = relay.open().await?;
    relay.ready(&mut session).await;
    Ok(session)
}
