//! A store in a world that can go wrong before and after each request.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use courtesy::domain::alarm::Parked;
use courtesy::domain::delivery::{LeftOut, Transition};
use courtesy::domain::facts::{Facts, Reach};
use courtesy::domain::ids::{CustomerId, LetterId, Relationship, RuleName};
use courtesy::domain::plan::Plan;
use courtesy::domain::rule::RuleSeen;
use courtesy::domain::settings::Guards;
use courtesy::store::{
    Begun, Claim, Data, Enqueued, HistoryEntry, ImportOrder, ImportReport, News, OutboxFilter, OutboxLetter,
    Payers, Record, Recorded, RuleInForce, SetAside, Standing, Store, StoreError, Tidied, Tidying,
};
use jiff::Timestamp;
use jiff::civil::Date;

use super::world::World;

#[derive(Clone)]
pub struct Stepped<S> {
    pub world: World,
    pub inner: S,
}

impl<S: Store> Stepped<S> {
    /// A request that changes something: it can go wrong before and after.
    async fn change<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.world.store(what, false).await?;
        let answer = work.await?;
        self.world.store(what, true).await?;
        Ok(answer)
    }

    /// One that only asks: the world behind it is the one before it.
    async fn ask<T>(
        &self,
        what: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.world.store(what, false).await?;
        work.await
    }
}

impl<S: Store> Store for Stepped<S> {
    async fn see_rules(
        &self,
        rules: Vec<RuleInForce>,
        now: Timestamp,
    ) -> Result<BTreeMap<RuleName, RuleSeen>, StoreError> {
        self.change("see_rules", self.inner.see_rules(rules, now)).await
    }

    async fn facts(
        &self,
        now: Timestamp,
        reach: Reach,
        after: Option<Relationship>,
        limit: usize,
    ) -> Result<Vec<Arc<Facts>>, StoreError> {
        self.ask("facts", self.inner.facts(now, reach, after, limit)).await
    }

    async fn tidy(&self, what: Tidying, now: Timestamp) -> Result<Tidied, StoreError> {
        self.change("tidy", self.inner.tidy(what, now)).await
    }

    async fn postpone(&self, until: Vec<(Relationship, Timestamp)>) -> Result<(), StoreError> {
        self.change("postpone", self.inner.postpone(until)).await
    }

    async fn enqueue(&self, plans: Vec<Plan>, now: Timestamp) -> Result<Enqueued, StoreError> {
        self.change("enqueue", self.inner.enqueue(plans, now)).await
    }

    async fn enqueue_held(
        &self,
        plans: Vec<Plan>,
        why: String,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        self.change("enqueue_held", self.inner.enqueue_held(plans, why, now)).await
    }

    async fn watch(
        &self,
        guards: Guards,
        down: Option<String>,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        self.change("watch", self.inner.watch(guards, down, now)).await
    }

    async fn end_trial(&self, now: Timestamp) -> Result<Vec<LetterId>, StoreError> {
        self.change("end_trial", self.inner.end_trial(now)).await
    }

    async fn claimable(&self, now: Timestamp, limit: usize) -> Result<Vec<LetterId>, StoreError> {
        self.ask("claimable", self.inner.claimable(now, limit)).await
    }

    async fn next_due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.ask("next_due_at", self.inner.next_due_at()).await
    }

    async fn letter_and_facts(
        &self,
        letter: LetterId,
        reach: Reach,
    ) -> Result<(OutboxLetter, Arc<Facts>), StoreError> {
        self.ask("letter_and_facts", self.inner.letter_and_facts(letter, reach)).await
    }

    async fn begin_attempt(&self, claim: Claim, reach: Reach, now: Timestamp) -> Result<Begun, StoreError> {
        self.change("begin_attempt", self.inner.begin_attempt(claim, reach, now)).await
    }

    async fn finish_attempt(
        &self,
        letter: LetterId,
        attempt: u32,
        transition: Transition,
        left_out: Vec<LeftOut>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let work = self.inner.finish_attempt(letter, attempt, transition, left_out, now);
        self.change("finish_attempt", work).await
    }

    async fn set_aside(
        &self,
        letter: LetterId,
        attempts: u32,
        what: SetAside,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change("set_aside", self.inner.set_aside(letter, attempts, what, why, now)).await
    }

    async fn release(
        &self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.change("release", self.inner.release(letter, approved, why, now)).await
    }

    async fn withdraw(&self, letter: LetterId, why: String, now: Timestamp) -> Result<bool, StoreError> {
        self.change("withdraw", self.inner.withdraw(letter, why, now)).await
    }

    async fn news(&self, after: i64) -> Result<Vec<News>, StoreError> {
        self.ask("news", self.inner.news(after)).await
    }

    async fn told(&self, number: i64) -> Result<(), StoreError> {
        self.change("told", self.inner.told(number)).await
    }

    async fn payers(&self, since: Date) -> Result<Payers, StoreError> {
        self.ask("payers", self.inner.payers(since)).await
    }

    async fn waiting(&self) -> Result<BTreeMap<RuleName, u64>, StoreError> {
        self.ask("waiting", self.inner.waiting()).await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        self.ask("parked", self.inner.parked()).await
    }

    async fn data(&self) -> Result<Data, StoreError> {
        self.ask("data", self.inner.data()).await
    }

    async fn recover(&self, now: Timestamp) -> Result<Vec<LetterId>, StoreError> {
        self.change("recover", self.inner.recover(now)).await
    }

    async fn outbox(&self, filter: OutboxFilter) -> Result<Vec<OutboxLetter>, StoreError> {
        self.ask("outbox", self.inner.outbox(filter)).await
    }

    async fn history(&self, customer: CustomerId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.ask("history", self.inner.history(customer)).await
    }

    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError> {
        self.change("record", self.inner.record(record, now)).await
    }

    async fn import(
        &self,
        order: ImportOrder,
        progress: Arc<dyn Fn(u64) + Send + Sync>,
        now: Timestamp,
    ) -> Result<ImportReport, StoreError> {
        self.change("import", self.inner.import(order, progress, now)).await
    }
}
