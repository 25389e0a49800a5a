//! A store that keeps in memory what an engine writes, over what a copy
//! knows: for rehearsals, which need nothing to last and are asked about a
//! hundred thousand claims while somebody waits.
//!
//! Invariant: an engine decides the same on it as on the store it was copied
//! from, save that nothing stops it: there is no HOLD, and a person agrees to
//! every day that brings more letters than usual. Nothing else happens in it:
//! it takes no records and no imports.

mod state;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;

use self::state::State;
use super::sqlite::SqliteStore;
use super::{
    Begun, Claim, Data, Enqueued, HistoryEntry, ImportOrder, ImportReport, OutboxFilter, OutboxLetter,
    Payers, Record, Recorded, RuleInForce, SetAside, Standing, Store, StoreError, Volumes,
};
use crate::domain::alarm::Parked;
use crate::domain::delivery::{LeftOut, Transition};
use crate::domain::digest::Finding;
use crate::domain::facts::{Facts, Reach};
use crate::domain::ids::{CustomerId, LetterId, Relationship, RuleName};
use crate::domain::notice::LetterState;
use crate::domain::plan::Plan;
use crate::domain::rule::RuleSeen;
use crate::domain::settings::Guards;

/// How many relationships are read together.
const PAGE: usize = 2_000;

/// The letters that are not over.
const ALIVE: [LetterState; 5] = [
    LetterState::Queued,
    LetterState::Sending,
    LetterState::Retry,
    LetterState::Uncertain,
    LetterState::Held,
];

/// How many letters a day brought, and the busiest of the 45 days before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusyDay {
    /// Where the business is.
    pub day: Date,
    /// Letters queued on it.
    pub letters: u32,
    /// Letters of the busiest day before.
    pub busiest: u32,
}

/// The store in memory. Clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    /// What was known before; nothing but rules in force is written to it.
    copy: SqliteStore,
    /// Shared by passes and couriers, each of which holds it for one step.
    state: Arc<Mutex<Option<State>>>,
}

impl MemoryStore {
    /// Over a copy that nobody else uses.
    #[must_use]
    pub fn over(copy: SqliteStore) -> Self {
        Self { copy, state: Arc::default() }
    }

    /// The days that brought more letters than any of the 45 days before:
    /// how many, and how many those had brought at most.
    #[must_use]
    pub fn busy_days(&self) -> Vec<BusyDay> {
        self.lock().as_ref().map(State::busy_days).unwrap_or_default()
    }

    /// What plans found last under the name of a stop.
    #[must_use]
    pub fn findings(&self, what: &str) -> Vec<Finding> {
        self.lock().as_ref().map(|state| state.findings(what)).unwrap_or_default()
    }

    /// Everything there is, read once; what a rule can reach
    /// later it can reach now.
    async fn load(&self, now: Timestamp, reach: &Reach) -> Result<(), StoreError> {
        if self.lock().is_some() {
            return Ok(());
        }
        self.copy.wake_everybody().await?;
        let filter = OutboxFilter { states: ALIVE.to_vec(), ..OutboxFilter::default() };
        let mut state = State::new(self.copy.outbox(filter).await?);
        let mut after = None;
        loop {
            let page = self.copy.facts(now, reach.clone(), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.relationship.clone());
            for facts in page {
                state.take_in(facts);
            }
        }
        *self.lock() = Some(state);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        // Each step leaves it whole; a panic in one is a fault of this program.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step; before anything was looked at there is nothing to do.
    fn with<T: Default>(
        &self,
        step: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.lock().as_mut().map_or_else(|| Ok(T::default()), step)
    }

    /// One step about a letter, which must be known.
    fn about<T>(
        &self,
        letter: LetterId,
        step: impl FnOnce(&mut State) -> Option<T>,
    ) -> Result<T, StoreError> {
        let unknown = || StoreError::NotFound(format!("no letter {letter}"));
        self.lock().as_mut().and_then(step).ok_or_else(unknown)
    }
}

fn refused() -> StoreError {
    StoreError::Refused("nothing is recorded in a rehearsal".to_owned())
}

impl Store for MemoryStore {
    async fn see_rules(
        &self,
        rules: Vec<RuleInForce>,
        now: Timestamp,
    ) -> Result<BTreeMap<RuleName, RuleSeen>, StoreError> {
        self.copy.see_rules(rules, now).await
    }

    async fn facts(
        &self,
        now: Timestamp,
        reach: Reach,
        after: Option<Relationship>,
        limit: usize,
    ) -> Result<Vec<Facts>, StoreError> {
        self.load(now, &reach).await?;
        self.with(|state| Ok(state.due(now, after.as_ref(), limit)))
    }

    async fn enqueue(&self, plans: Vec<Plan>, now: Timestamp) -> Result<Enqueued, StoreError> {
        let day = self.copy.business_day(now);
        self.with(|state| Ok(state.enqueue(plans, day, now)))
    }

    async fn enqueue_held(
        &self,
        plans: Vec<Plan>,
        _why: String,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        // Whatever the day brings was agreed to.
        self.enqueue(plans, now).await
    }

    async fn watch(
        &self,
        guards: Guards,
        _down: Option<String>,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        let before = self.copy.standing(guards, now).await?.volumes;
        let day = self.copy.business_day(now);
        let volumes = self.with(|state| Ok(state.volumes(day, before)))?;
        Ok(Standing { halt: None, volumes: Volumes { allowed: u32::MAX, ..volumes } })
    }

    async fn claimable(&self, now: Timestamp, limit: usize) -> Result<Vec<LetterId>, StoreError> {
        self.with(|state| Ok(state.claimable(now, limit)))
    }

    async fn next_due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.with(|state| Ok(state.next_due_at()))
    }

    async fn letter_and_facts(
        &self,
        letter: LetterId,
        _reach: Reach,
    ) -> Result<(OutboxLetter, Facts), StoreError> {
        self.about(letter, |state| state.letter_and_facts(letter))
    }

    async fn begin_attempt(&self, claim: Claim, _reach: Reach, now: Timestamp) -> Result<Begun, StoreError> {
        self.about(claim.letter, |state| state.begin_attempt(claim, now))
    }

    async fn finish_attempt(
        &self,
        letter: LetterId,
        attempt: u32,
        transition: Transition,
        _left_out: Vec<LeftOut>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.about(letter, |state| state.finish_attempt(letter, attempt, transition, now))
    }

    async fn set_aside(
        &self,
        letter: LetterId,
        attempts: u32,
        what: SetAside,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.about(letter, |state| state.set_aside(letter, attempts, &what, why, now))
    }

    async fn release(
        &self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.about(letter, |state| state.release(letter, approved, why, now))
    }

    async fn withdraw(&self, letter: LetterId, why: String, now: Timestamp) -> Result<bool, StoreError> {
        self.about(letter, |state| state.withdraw(letter, why, now))
    }

    async fn payers(&self, since: Date) -> Result<Payers, StoreError> {
        self.copy.payers(since).await
    }

    async fn recover(&self, now: Timestamp) -> Result<Vec<LetterId>, StoreError> {
        self.with(|state| Ok(state.recover(now)))
    }

    // What the operator is told of at once is no part of a rehearsal.
    async fn waiting(&self) -> Result<BTreeMap<RuleName, u64>, StoreError> {
        self.copy.waiting().await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        self.copy.parked().await
    }

    async fn data(&self) -> Result<Data, StoreError> {
        self.copy.data().await
    }

    async fn outbox(&self, filter: OutboxFilter) -> Result<Vec<OutboxLetter>, StoreError> {
        self.with(|state| Ok(state.list(&filter)))
    }

    async fn history(&self, customer: CustomerId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.copy.history(customer).await
    }

    async fn record(&self, _record: Record, _now: Timestamp) -> Result<Recorded, StoreError> {
        Err(refused())
    }

    async fn import(
        &self,
        _order: ImportOrder,
        _progress: Arc<dyn Fn(u64) + Send + Sync>,
        _now: Timestamp,
    ) -> Result<ImportReport, StoreError> {
        Err(refused())
    }
}
