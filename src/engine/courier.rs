//! Delivery: claim, compose, hand over, record; one letter at a time for
//! each courier.
//!
//! Invariant: between `begin_attempt` and `finish_attempt` nothing can fail
//! without being recorded. If the outcome can't be written, it is tried again
//! and no courier begins another letter.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::ready::{Ready, decide, leaves_on};
use super::{DeliveryReport, Engine, Office, journal};
use crate::clock::Clock;
use crate::domain::delivery::{self, AttemptContext, LeftOut, Outcome, SmtpStage, Transition, Unreachable};
use crate::domain::facts::Reach;
use crate::domain::figures::Peers;
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
/// How many recipients in a row are refused by policy before it is the relay
/// that refuses us (design section 9, 9).
const POLICY_REFUSALS_MAX: usize = 3;

/// What the couriers of one delivery share.
struct Round {
    office: Arc<Office>,
    rules: Rules,
    reach: Reach,
    peers: Option<Peers>,
    queue: Mutex<VecDeque<LetterId>>,
    // Couriers whose outcome could not be written yet.
    unrecorded: AtomicUsize,
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
            let now = self.clock.now();
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
            });
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
        while let Some(joined) = set.join_next().await {
            match joined {
                Ok(Ok(part)) => report.add(&part),
                Ok(Err(error)) => failure = Some(error),
                Err(panic) => {
                    failure = Some(StoreError::Failed { doing: "delivering", cause: panic.to_string() });
                }
            }
        }
        failure.map_or(Ok(report), Err)
    }

    /// One courier: a session, and letters until there are none.
    async fn work(&self, round: &Round) -> Result<DeliveryReport, StoreError> {
        let mut report = DeliveryReport::default();
        let mut session: Option<R::Session> = None;
        while !self.is_stopping() && self.relay_pause().is_none() {
            // Nothing else is sent while an outcome can't be written.
            if round.unrecorded.load(Ordering::SeqCst) > 0 {
                self.clock.sleep(Duration::from_millis(200)).await;
                continue;
            }
            let next = round.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(letter) = next else { break };
            // The session comes first: opening it may take minutes, and costs
            // the letter nothing if it fails.
            let mut open = match self.session(session.take()).await {
                Ok(session) => session,
                Err(why) => {
                    self.relay_failed(&why);
                    report.relay_down = Some(why.to_string());
                    break;
                }
            };
            if let Some(ready) = self.prepare(round, letter, &mut report).await? {
                self.attempt(round, ready, &mut open, &mut report).await?;
            }
            session = Some(open);
        }
        if let Some(session) = session {
            self.relay.close(session).await;
        }
        Ok(report)
    }

    /// The session at hand if it is still good, and its turn has come; else
    /// a new one.
    async fn session(&self, at_hand: Option<R::Session>) -> Result<R::Session, Unreachable> {
        if let Some(mut session) = at_hand {
            self.relay.ready(&mut session).await;
            if self.relay.is_usable(&session) {
                return Ok(session);
            }
            self.relay.close(session).await;
        }
        let mut session = self.relay.open().await?;
        self.relay.ready(&mut session).await;
        Ok(session)
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
            Ok((draft, made)) => Ok(Some(Ready { row, facts: Arc::new(facts), draft, made })),
            Err((what, why)) => {
                if self.store.set_aside(letter, row.attempts, what.clone(), why.clone(), now).await? {
                    journal::set_aside(round.office.mask_addresses, &row, &what, &why);
                    let word = match what {
                        SetAside::Later(_) => "postponed",
                        SetAside::Cancel => "cancelled",
                        SetAside::Hold => "held",
                    };
                    *report.letters.entry(word).or_default() += 1;
                }
                Ok(None)
            }
        }
    }

    /// Begins an attempt, hands the letter over and records what came of it.
    async fn attempt(
        &self,
        round: &Round,
        mut ready: Ready,
        session: &mut R::Session,
        report: &mut DeliveryReport,
    ) -> Result<(), StoreError> {
        for _ in 0..TRIES_MAX {
            let now = self.clock.now();
            let day = leaves_on(&round.office, &ready, now);
            let claim = Claim {
                letter: ready.row.id,
                attempts: ready.row.attempts,
                facts: Arc::clone(&ready.facts),
                changed: (ready.draft != ready.row.draft).then(|| ready.draft.clone()),
                made: ready.made.clone(),
                day,
            };
            match self.store.begin_attempt(claim, round.reach.clone(), now).await? {
                Begun::Attempt(attempt) => {
                    let outcome = self.relay.deliver(session, &ready.made.parcel).await;
                    self.record(round, &ready, attempt, outcome, report).await;
                    return Ok(());
                }
                Begun::Gone => return Ok(()),
                Begun::FactsChanged => match self.prepare(round, ready.row.id, report).await? {
                    Some(again) => ready = again,
                    None => return Ok(()),
                },
            }
        }
        let now = self.clock.now();
        let later = SetAside::Later(now + jiff::SignedDuration::from_mins(1));
        let why = "the facts keep changing".to_owned();
        self.store.set_aside(ready.row.id, ready.row.attempts, later, why, now).await?;
        *report.letters.entry("postponed").or_default() += 1;
        Ok(())
    }

    async fn record(
        &self,
        round: &Round,
        ready: &Ready,
        attempt: u32,
        outcome: Outcome,
        report: &mut DeliveryReport,
    ) {
        let now = self.clock.now();
        let context = AttemptContext {
            attempt,
            class: ready.draft.class,
            spread: u8::try_from(ready.row.id.0.rem_euclid(100)).unwrap_or(0),
            first_attempt_at: ready.row.first_attempt_at.unwrap_or(now),
        };
        let transition = delivery::transition(&outcome, context, now);
        let left_out = match &outcome {
            Outcome::Accepted { left_out, .. } => left_out.clone(),
            Outcome::NotSent { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::LetterRefused { .. }
            | Outcome::Uncertain { .. } => Vec::new(),
        };
        self.finish(round, ready, attempt, &transition, left_out.clone()).await;
        journal::outcome(round.office.mask_addresses, ready, attempt, &transition, &left_out);
        *report.letters.entry(transition.state.as_str()).or_default() += 1;
        self.watch_relay(ready, &outcome, &transition).await;
    }

    /// Writes the outcome, again and again until it is on disk.
    async fn finish(
        &self,
        round: &Round,
        ready: &Ready,
        attempt: u32,
        transition: &Transition,
        left_out: Vec<LeftOut>,
    ) {
        let mut failed = false;
        loop {
            let now = self.clock.now();
            let written = self
                .store
                .finish_attempt(ready.row.id, attempt, transition.clone(), left_out.clone(), now)
                .await;
            match written {
                Ok(()) => break,
                Err(error) => {
                    if !failed {
                        round.unrecorded.fetch_add(1, Ordering::SeqCst);
                        failed = true;
                    }
                    journal::unrecorded(ready, transition, &error);
                    self.clock.sleep(Duration::from_secs(1)).await;
                }
            }
        }
        if failed {
            round.unrecorded.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// What an outcome says of the relay. Different recipients refused by
    /// policy one after the other mean that the relay refuses us: it is
    /// paused, and their letters are queued again.
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
                self.relay_failed(&Unreachable { stage: *stage, cause, needs_person: false });
            }
            Outcome::NotSent { .. }
            | Outcome::RecipientRefused { .. }
            | Outcome::LetterRefused { .. }
            | Outcome::Uncertain { .. } => {}
        }
        if !by_policy {
            return;
        }
        let address = ready.made.parcel.to.folded();
        let refused = self.with_relay_state(|state| {
            if !state.refused.iter().any(|(_, other)| *other == address) {
                state.refused.push((ready.row.id, address));
            }
            if state.refused.len() >= POLICY_REFUSALS_MAX {
                std::mem::take(&mut state.refused)
            } else {
                vec![]
            }
        });
        if refused.is_empty() {
            return;
        }
        self.relay_failed(&Unreachable {
            stage: SmtpStage::Rcpt,
            cause: format!("the relay refuses every letter: {}", transition.reason),
            needs_person: true,
        });
        let now = self.clock.now();
        for (letter, _) in refused {
            let why = "the relay refused every letter".to_owned();
            if let Err(error) = self.store.release(letter, false, why, now).await {
                journal::failed("queueing a letter again", &error);
            }
        }
    }
}
