//! The same engine on a virtual clock: from one thing to do to the next.

pub mod changes;
pub mod foreseen;

use jiff::{SignedDuration, Timestamp};

use self::foreseen::{Foreseen, Setting};
use super::observer::{Observer, Waits, candidate};
use super::{DeliveryReport, Engine, Office};
use crate::clock::{Clock, VirtualClock};
use crate::domain::notice::{LetterState, NoticeKey};
use crate::domain::plan;
use crate::domain::settings::{Guards, Unusual};
use crate::relay::{NowhereRelay, Relay};
use crate::store::{OutboxFilter, OutboxLetter, Store, StoreError, Volumes};

/// How often the daemon looks.
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(1);

/// A burst that goes on for hours is played in steps of so many heartbeats,
/// each with as many letters: the days are the same, and nobody asks for the
/// minutes.
const BURST: u32 = 30;

/// How many couriers hand letters to nobody: letters of one relationship are
/// decided in their order, so that the same days are the same plan.
const COURIERS: usize = 1;

/// Lets time pass until `until`: at each moment at which there is something
/// to do, one pass and one delivery, as the heartbeat would. The clock ends
/// at `until`.
///
/// # Errors
/// What the store could not do.
pub async fn run_until<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    until: Timestamp,
) -> Result<DeliveryReport, StoreError> {
    live(engine, until, HEARTBEAT).await
}

/// The same, where a pass that its cap cut short is followed by the next
/// after `burst`.
async fn live<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    until: Timestamp,
    burst: SignedDuration,
) -> Result<DeliveryReport, StoreError> {
    // The clock counts microseconds, and would never reach a fraction of one.
    let until = Timestamp::from_microsecond(until.as_microsecond()).unwrap_or(until);
    let mut report = DeliveryReport::default();
    loop {
        let capped = engine.pass().await?.capped > 0;
        report.add(&engine.deliver().await?);
        let now = engine.clock().now();
        if now >= until {
            return Ok(report);
        }
        // What is due at once comes at the next heartbeat.
        let heartbeat = now + if capped { burst } else { HEARTBEAT };
        engine.clock().set(next_step(engine, heartbeat, until).await?);
    }
}

/// When there is something to do next; a day later at the latest, for a clock
/// that leaps is believed by nobody.
async fn next_step<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    heartbeat: Timestamp,
    until: Timestamp,
) -> Result<Timestamp, StoreError> {
    let a_day = heartbeat + SignedDuration::from_hours(24);
    let due = engine.store().next_due_at().await?.map_or(until, |due| due.max(heartbeat));
    Ok(due.min(a_day).min(until))
}

/// Lets time pass until `until` as the planner would have seen it, caps and
/// HOLD aside, and hands each moment to `sent`, which says what becomes of
/// the letters that would have left by then, and how many they were. Returns
/// their sum.
///
/// # Errors
/// What the store could not do.
pub async fn would_have_sent<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    until: Timestamp,
    mut sent: impl AsyncFnMut(Timestamp) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let until = Timestamp::from_microsecond(until.as_microsecond()).unwrap_or(until);
    let anything = Volumes { allowed: u32::MAX, ..Volumes::default() };
    let mut count = 0;
    loop {
        let now = engine.clock().now();
        engine.look(&anything, now).await?;
        count += sent(now).await?;
        if now >= until {
            return Ok(count);
        }
        let heartbeat = now + HEARTBEAT;
        engine.clock().set(next_step(engine, heartbeat, until).await?);
    }
}

/// The days to come, played on a copy of the store: nobody pays, nothing
/// happens, nobody releases what waits, and every letter that leaves arrives.
/// Letters are made in outline and handed to nobody.
#[derive(Debug)]
pub struct Rehearsal<S> {
    engine: Engine<S, NowhereRelay, VirtualClock>,
    observer: Observer,
}

/// What a rehearsal showed.
#[derive(Clone, PartialEq, Debug)]
pub struct Foresight {
    /// Every letter that leaves or begins to wait for a person, in the order
    /// of their days.
    pub letters: Vec<Foreseen>,
    /// Those of which nobody knows whether they arrived: they count as sent,
    /// and wait for a person.
    pub uncertain: Vec<OutboxLetter>,
    /// What stood in the outbox and is no longer due when it would leave.
    pub cancelled: Vec<OutboxLetter>,
    /// The last moment of it.
    until: Timestamp,
    /// What keeps the candidates that had no letter in these days.
    waits: Waits,
}

impl Foresight {
    /// When, after the last moment, a notice is looked at again.
    #[must_use]
    pub fn after(&self, notice: &NoticeKey) -> Option<Timestamp> {
        let waits = self.waits.get(&candidate(notice))?;
        waits.iter().filter_map(|wait| wait.until).filter(|until| *until > self.until).min()
    }
}

impl<S: Store> Rehearsal<S> {
    /// Begins at a moment, on a copy of the store that nobody else uses.
    #[must_use]
    pub fn new(copy: S, office: Office, began_at: Timestamp) -> Self {
        let mut office = Office { composer: office.composer.in_outline(), connections: COURIERS, ..office };
        // Digests tell of what happened, which nobody can foresee.
        office.rules.retain(|rule| !rule.is_digest());
        // Payments are read on time, and there are none.
        office.settings.max_data_age = None;
        // Nothing stops it: a person agrees to whatever a day brings.
        office.settings.guards = Guards { away_days: u32::MAX, free_space: 0 };
        office.settings.letters.unusual = Unusual { above: u32::MAX, times: 1 };
        office.settings.letters.per_pass = office.settings.letters.per_pass.saturating_mul(BURST);
        let observer = Observer::new(began_at);
        let engine = Engine::new(copy, NowhereRelay, VirtualClock::new(began_at), office);
        Self { engine: engine.before(observer.clone()), observer }
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// What the copy could not do.
    pub async fn run_until(&self, until: Timestamp) -> Result<(), StoreError> {
        live(&self.engine, until, HEARTBEAT * BURST.cast_signed()).await.map(drop)
    }

    /// What it showed.
    ///
    /// # Errors
    /// What the copy could not do.
    pub async fn finish(self) -> Result<Foresight, StoreError> {
        let mut letters = std::mem::take(&mut self.observer.lock().letters);
        letters.extend(self.held().await?);
        letters.sort_by(|one, other| {
            (one.day, &one.customer, one.at, &one.rule).cmp(&(
                other.day,
                &other.customer,
                other.at,
                &other.rule,
            ))
        });
        let began_at = self.observer.lock().began_at;
        let mut cancelled = self.in_state(LetterState::Cancelled).await?;
        cancelled.retain(|row| row.queued_at < began_at && row.finished_at.is_some_and(|at| at >= began_at));
        let uncertain = self.in_state(LetterState::Uncertain).await?;
        let waits = std::mem::take(&mut self.observer.lock().waits);
        Ok(Foresight { letters, uncertain, cancelled, until: self.engine.clock().now(), waits })
    }

    async fn in_state(&self, state: LetterState) -> Result<Vec<OutboxLetter>, StoreError> {
        let filter = OutboxFilter { states: vec![state], ..OutboxFilter::default() };
        let mut letters = self.engine.store().outbox(filter).await?;
        letters.retain(|letter| letter.draft.customer.is_some());
        Ok(letters)
    }

    /// What waits for a person in the end, and since when.
    async fn held(&self) -> Result<Vec<Foreseen>, StoreError> {
        let now = self.engine.clock().now();
        let office = self.engine.office();
        let rules = self.engine.see_rules(&office, now).await?;
        let reach = plan::reach(&rules, &office.settings, now);
        let mut held = Vec::new();
        for row in self.in_state(LetterState::Held).await? {
            let (row, facts) = self.engine.store().letter_and_facts(row.id, reach.clone()).await?;
            let heard = self.observer.lock();
            let setting = Setting { settings: &office.settings, rules: &rules, began_at: heard.began_at };
            let since = row.next_attempt_at.max(row.queued_at).max(heard.began_at);
            held.push(setting.foresee((&row, &row.draft, &facts), since, &|line| heard.waits_of(line)));
        }
        Ok(held)
    }
}
