//! The store in one `SQLite` file.
//!
//! One thread owns the connection that writes and commits in groups
//! (`worker`); a second one reads. Every write about a customer wakes its
//! relationship by triggers of the schema (`migrations/0001.sql`), so that
//! no code path can forget to. No two live letters can carry one notice: a
//! unique index says so, whatever the code does.

mod alarms;
mod asking;
mod backup;
mod books;
mod disk;
mod drafts;
mod facts;
mod findings;
mod forgetting;
mod guard;
mod history;
mod merge;
mod news;
mod open;
mod operator;
mod outbox;
mod overview;
mod people;
mod record;
mod requests;
mod resume;
mod returns;
mod rows;
mod rules;
mod suppressions;
mod tidying;
mod witness;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rusqlite::Connection;

use self::outbox::HandedOut;
use self::rows::Zones;
use self::witness::Witness;
use self::worker::{Desk, Worker};
use super::{
    Begun, Claim, Data, Enqueued, HistoryEntry, ImportOrder, ImportReport, News, OutboxFilter, OutboxLetter,
    Payers, Record, Recorded, RuleInForce, SetAside, Standing, Store, StoreError, Tidied, Tidying,
};
use crate::domain::alarm::Parked;
use crate::domain::delivery::{LeftOut, Transition};
use crate::domain::facts::{Facts, Reach};
use crate::domain::halt::Halt;
use crate::domain::ids::{CustomerId, LetterId, Relationship, RuleName};
use crate::domain::plan::Plan;
use crate::domain::rule::RuleSeen;
use crate::domain::settings::Guards;

pub use self::asking::About;
pub use self::backup::{Backup, Restored};
pub use self::forgetting::{Forget, Forgotten, Gone};
pub use self::guard::UnusualDay;
pub use self::operator::{Decided, Decision};
pub use self::overview::{Overview, Vocabulary};
pub use self::resume::PerhapsSent;

/// What the store must know of the configuration.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The business's own zone: its civil day dates what is imported and
    /// recorded, and it is the zone of customers without one.
    pub business_zone: TimeZone,
}

/// The store in one `SQLite` file, or in memory. Clones share it; the last one
/// to go waits for its threads.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: Option<PathBuf>,
    /// `None` in memory, where there is but one connection. It goes before
    /// the one that writes: the last connection to go tidies up, and this one
    /// may not.
    reader: Option<Worker>,
    writer: Worker,
    /// Shared with the requests that read facts, and held for no longer than
    /// it takes to note a page.
    handed_out: Arc<Mutex<HandedOut>>,
    /// Whether what was removed may still stand in the write-ahead log.
    traces: AtomicBool,
}

impl SqliteStore {
    /// Opens the store, and makes it if there is none: mode 0600, WAL,
    /// `synchronous=FULL`.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for a file that is empty, damaged, read-only,
    /// of another program or of a newer version; it is never replaced.
    pub fn open(file: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let writing = open::writable(file)?;
        let reading = open::read_only(file)?;
        Self::start(writing, Some(reading), Some(file.to_owned()), options)
    }

    /// A new store in memory, for rehearsals and simulations.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if there is not enough of it.
    pub fn open_in_memory(options: OpenOptions) -> Result<Self, StoreError> {
        Self::start(open::in_memory()?, None, None, options)
    }

    /// A copy in memory of the store in a file, to rehearse on: it believes any
    /// clock, and everybody is to be looked at. The file is only read: it is
    /// neither made nor migrated.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], and where there is no file;
    /// [`StoreError::Failed`] if there is not enough memory.
    pub fn copied(file: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        Self::start(open::copied(file)?, None, None, options)
    }

    fn start(
        writing: Connection,
        reading: Option<Connection>,
        path: Option<PathBuf>,
        options: OpenOptions,
    ) -> Result<Self, StoreError> {
        let zones = Zones::new(options.business_zone);
        let desk = |conn| Desk::new(conn, zones.clone());
        let failed = |error: std::io::Error| StoreError::Failed {
            doing: "starting the store",
            cause: error.to_string(),
        };
        let writing = Desk { witness: path.as_deref().map(Witness::of), ..desk(writing) };
        let writer = match &path {
            Some(path) => Worker::writer(writing, Some(path.clone())).map_err(failed)?,
            None => Worker::in_place(writing),
        };
        let reader = reading.map(|conn| Worker::reader(desk(conn))).transpose().map_err(failed)?;
        let handed_out = Arc::default();
        Ok(Self {
            inner: Arc::new(Inner { path, reader, writer, handed_out, traces: AtomicBool::new(true) }),
        })
    }

    /// Where it is; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        self.inner.path.as_deref()
    }
}

impl SqliteStore {
    /// The versions that these were read at, whose plans have come back.
    fn taken_back<'a>(&self, relationships: impl Iterator<Item = &'a Relationship>) -> HandedOut {
        let mut handed_out = lock(&self.inner.handed_out);
        relationships.filter_map(|name| handed_out.remove_entry(name)).collect()
    }

    async fn enqueue_as(
        &self,
        plans: Vec<Plan>,
        entry: outbox::Entry,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        if plans.is_empty() {
            return Ok(Enqueued::default());
        }
        let read = self.taken_back(plans.iter().map(|plan| &plan.relationship));
        self.whole_letters("queueing letters", move |desk| outbox::enqueue(desk, &plans, &entry, &read, now))
            .await
    }
}

fn lock(handed_out: &Mutex<HandedOut>) -> std::sync::MutexGuard<'_, HandedOut> {
    // A page is noted entry by entry; half of one is as true as all of it.
    handed_out.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for SqliteStore {
    async fn see_rules(
        &self,
        rules: Vec<RuleInForce>,
        now: Timestamp,
    ) -> Result<BTreeMap<RuleName, RuleSeen>, StoreError> {
        self.write_letters("noting the rules", move |desk| rules::see(desk, rules, now)).await
    }

    async fn facts(
        &self,
        now: Timestamp,
        reach: Reach,
        after: Option<Relationship>,
        limit: usize,
    ) -> Result<Vec<Arc<Facts>>, StoreError> {
        let handed_out = Arc::clone(&self.inner.handed_out);
        self.read("reading facts", move |desk| {
            let entries = facts::due(&desk.conn, now, after.as_ref(), limit)?;
            let page = facts::read(desk, &entries, &reach)?;
            let mut handed_out = lock(&handed_out);
            for entry in entries {
                // If its facts are already out, the older reading counts:
                // the plan that comes back first may be made from that.
                handed_out.entry(entry.name).or_insert((entry.key, entry.version));
            }
            Ok(page)
        })
        .await
    }

    async fn enqueue(&self, plans: Vec<Plan>, now: Timestamp) -> Result<Enqueued, StoreError> {
        self.enqueue_as(plans, outbox::Entry::Queued, now).await
    }

    async fn enqueue_held(
        &self,
        plans: Vec<Plan>,
        why: String,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        self.enqueue_as(plans, outbox::Entry::Held(why), now).await
    }

    async fn postpone(&self, until: Vec<(Relationship, Timestamp)>) -> Result<(), StoreError> {
        let read = self.taken_back(until.iter().map(|(name, _)| name));
        self.whole_letters("postponing a look", move |desk| Ok(outbox::postpone(&desk.conn, &until, &read)?))
            .await
    }

    async fn watch(
        &self,
        guards: Guards,
        down: Option<String>,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        let standing = self.standing(guards, now).await?;
        // On a disk that is full even this would fail.
        if !matches!(standing.halt, Some(Halt::LowSpace { .. })) {
            self.note_standing(standing.halt.clone(), down, now).await?;
        }
        Ok(standing)
    }

    async fn claimable(&self, now: Timestamp, limit: usize) -> Result<Vec<LetterId>, StoreError> {
        self.read("reading the outbox", move |desk| Ok(outbox::claimable(&desk.conn, now, limit)?)).await
    }

    async fn next_due_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("reading the outbox", |desk| Ok(outbox::next_due_at(&desk.conn)?)).await
    }

    async fn release(
        &self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("releasing a letter", move |desk| outbox::release(&desk.conn, letter, approved, &why, now))
            .await
    }

    async fn letter_and_facts(
        &self,
        letter: LetterId,
        reach: Reach,
    ) -> Result<(OutboxLetter, Arc<Facts>), StoreError> {
        self.read("reading a letter", move |desk| outbox::letter_and_facts(desk, letter, &reach)).await
    }

    async fn begin_attempt(&self, claim: Claim, reach: Reach, now: Timestamp) -> Result<Begun, StoreError> {
        self.write_letters("beginning an attempt", move |desk| {
            outbox::begin_attempt(desk, &claim, &reach, now)
        })
        .await
    }

    async fn finish_attempt(
        &self,
        letter: LetterId,
        attempt: u32,
        transition: Transition,
        left_out: Vec<LeftOut>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write_letters("recording an attempt", move |desk| {
            outbox::finish_attempt(desk, letter, attempt, &transition, &left_out, now)
        })
        .await
    }

    async fn set_aside(
        &self,
        letter: LetterId,
        attempts: u32,
        what: SetAside,
        why: String,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write_letters("setting a letter aside", move |desk| {
            outbox::set_aside(desk, letter, attempts, &what, &why, now)
        })
        .await
    }

    async fn end_trial(&self, now: Timestamp) -> Result<Vec<LetterId>, StoreError> {
        // It is asked every minute, and almost always in vain.
        let any = self.read("looking for trials", |desk| Ok(outbox::any_on_trial(&desk.conn)?)).await?;
        if !any {
            return Ok(Vec::new());
        }
        self.whole_letters("ending a trial", move |desk| Ok(outbox::end_trial(&desk.conn, now)?)).await
    }

    async fn withdraw(&self, letter: LetterId, why: String, now: Timestamp) -> Result<bool, StoreError> {
        self.write_letters("withdrawing a letter", move |desk| {
            outbox::withdraw(&desk.conn, letter, &why, now)
        })
        .await
    }

    async fn payers(&self, since: Date) -> Result<Payers, StoreError> {
        self.read("counting who pays in time", move |desk| Ok(people::payers(&desk.conn, since)?)).await
    }

    async fn recover(&self, now: Timestamp) -> Result<Vec<LetterId>, StoreError> {
        self.write_letters("looking for lost letters", move |desk| outbox::recover(desk, now)).await
    }

    async fn waiting(&self) -> Result<BTreeMap<RuleName, u64>, StoreError> {
        self.read("counting what waits", |desk| overview::waiting(&desk.conn)).await
    }

    async fn parked(&self) -> Result<Vec<Parked>, StoreError> {
        self.read("reading what waits for a person", |desk| alarms::parked(desk)).await
    }

    async fn data(&self) -> Result<Data, StoreError> {
        self.read("reading how old the data are", |desk| alarms::data(desk)).await
    }

    async fn tidy(&self, what: Tidying, now: Timestamp) -> Result<Tidied, StoreError> {
        tidying::tidy(self, what, now).await
    }

    async fn news(&self, after: i64) -> Result<Vec<News>, StoreError> {
        self.read("reading what others did", move |desk| Ok(news::after(&desk.conn, after)?)).await
    }

    async fn told(&self, number: i64) -> Result<(), StoreError> {
        self.write("noting what was told", move |desk| Ok(news::told(&desk.conn, number)?)).await
    }

    async fn outbox(&self, filter: OutboxFilter) -> Result<Vec<OutboxLetter>, StoreError> {
        self.read("reading the outbox", move |desk| outbox::list(&desk.conn, &filter)).await
    }

    async fn history(&self, customer: CustomerId) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read("reading a history", move |desk| history::of(desk, &customer)).await
    }

    async fn record(&self, record: Record, now: Timestamp) -> Result<Recorded, StoreError> {
        self.write("recording", move |desk| record::record(desk, record, now)).await
    }

    async fn import(
        &self,
        order: ImportOrder,
        progress: Arc<dyn Fn(u64) + Send + Sync>,
        now: Timestamp,
    ) -> Result<ImportReport, StoreError> {
        let staged = super::import::stage(order.clone(), progress).await?;
        self.whole("importing", move |desk| merge::merge(desk, &order, staged, now)).await
    }
}
