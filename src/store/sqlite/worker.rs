//! The threads that own the connections, and the group commit.
//!
//! Requests arrive over a channel. Whatever waits there is run in one
//! `BEGIN IMMEDIATE` transaction, each request in a savepoint of its own, and
//! answered after the commit: the price of one `fsync` is shared, and a
//! request that fails takes nothing else with it.
//!
//! A store in memory has no disk to wait for, and needs no thread: its
//! requests run where they are made, and are answered at once. Only its one
//! connection can see it, so that nobody waits for a commit either.

mod in_place;

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use self::in_place::InPlace;
use super::facts::Readings;
use super::open::identity;
use super::rows::{Fault, Zones, from_sql};
use super::rules::Audiences;
use super::witness::Witness;
use crate::store::StoreError;

/// At most so many requests share a commit, so that none waits for long.
const GROUP_MAX: usize = 256;

/// What a request works with.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) conn: Connection,
    pub(super) zones: Zones,
    /// Where attempts are taken down besides; `None` for what only reads, and
    /// in memory.
    pub(super) witness: Option<Witness>,
    pub(super) audiences: Audiences,
    /// What was read before; `None` where others write as well.
    pub(super) readings: Option<Readings>,
}

impl Desk {
    pub(super) fn new(conn: Connection, zones: Zones) -> Self {
        Self { conn, zones, witness: None, audiences: Audiences::default(), readings: None }
    }

    /// Lets go of what was read: more than letters may have changed.
    pub(super) fn drop_readings(&mut self) {
        self.readings = self.readings.take().map(|_| Readings::default());
    }

    /// Ends the transaction that requests shared: the record of attempts
    /// follows the commit, and goes before every answer.
    fn settle(&mut self) -> Result<(), Trouble> {
        let committed = commit(&self.conn);
        let Some(witness) = &mut self.witness else { return committed };
        committed.and_then(|()| {
            witness.testify().map_err(|error| {
                Trouble::Failed(format!("the record of sent letters can't be written: {error}"))
            })
        })
    }
}

/// Why a whole group of requests came to nothing.
#[derive(Clone, Debug)]
enum Trouble {
    Unusable(String),
    Failed(String),
}

impl Trouble {
    fn of(error: &rusqlite::Error) -> Self {
        match from_sql("", error) {
            StoreError::Failed { cause, .. } => Self::Failed(cause),
            other => Self::Unusable(other.to_string()),
        }
    }

    fn rolled_back() -> Self {
        Self::Failed("the database rolled the transaction back".into())
    }

    fn into_error(self, doing: &'static str) -> StoreError {
        match self {
            Self::Unusable(what) => StoreError::Unusable(what),
            Self::Failed(cause) => StoreError::Failed { doing, cause },
        }
    }
}

/// Answers the caller, once it is known how the commit went.
type Reply = Box<dyn FnOnce(Result<(), Trouble>) + Send>;
type Work = Box<dyn FnOnce(Result<&mut Desk, Trouble>) -> Reply + Send>;

enum Request {
    /// Shares a transaction with others.
    Shared(Work),
    /// Runs outside any transaction.
    Alone(Work),
}

/// Who runs requests, one after the other. Dropping a thread waits until it
/// is done.
#[derive(Debug)]
pub(super) struct Worker(By);

#[derive(Debug)]
enum By {
    /// A thread, and the way to it.
    Thread { requests: Option<mpsc::Sender<Request>>, thread: Option<JoinHandle<()>> },
    /// Whoever asks.
    InPlace(Box<Mutex<InPlace>>),
}

impl Worker {
    /// A thread that writes. `file` is looked at before each group: one that
    /// was replaced or deleted under us must not be written on.
    pub(super) fn writer(desk: Desk, file: Option<PathBuf>) -> std::io::Result<Self> {
        let file = file.map(Place::of).transpose()?;
        Self::start("store-writer", move |requests| write_loop(desk, file.as_ref(), &requests))
    }

    /// A thread that only reads, each request in a snapshot of its own.
    pub(super) fn reader(desk: Desk) -> std::io::Result<Self> {
        Self::start("store-reader", move |requests| read_loop(desk, &requests))
    }

    fn start(
        name: &str,
        run: impl FnOnce(mpsc::Receiver<Request>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (requests, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(received))?;
        Ok(Self(By::Thread { requests: Some(requests), thread: Some(thread) }))
    }

    /// No thread: requests run where they are made. As nobody else writes,
    /// what was read is kept.
    pub(super) fn in_place(desk: Desk) -> Self {
        let desk = Desk { readings: Some(Readings::default()), ..desk };
        Self(By::InPlace(Box::new(Mutex::new(InPlace::new(desk)))))
    }

    /// Hands a request over; false where nobody is there to take it.
    fn hand_over(&self, request: Request) -> bool {
        match &self.0 {
            By::Thread { requests, .. } => {
                requests.as_ref().is_some_and(|requests| requests.send(request).is_ok())
            }
            By::InPlace(store) => {
                // Panics of requests are caught, and what they wrote is rolled back.
                store.lock().unwrap_or_else(PoisonError::into_inner).run(request);
                true
            }
        }
    }

    /// Runs `work` in a transaction shared with whatever else waits.
    pub(super) fn shared<T: Send + 'static, W: FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static>(
        &self,
        doing: &'static str,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W> {
        self.send(doing, Request::Shared, move |desk| in_savepoint(desk, work))
    }

    /// Runs `work` in a transaction of its own, without savepoints: in a long
    /// one they would make each statement cost as much as all before it.
    /// `work` may end it itself by a `ROLLBACK`.
    pub(super) fn whole<T: Send + 'static, W: FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static>(
        &self,
        doing: &'static str,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W> {
        self.send(doing, Request::Alone, move |desk| in_transaction(desk, work))
    }

    /// Runs `work` outside any transaction.
    pub(super) fn alone<T: Send + 'static, W: FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static>(
        &self,
        doing: &'static str,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W> {
        self.send(doing, Request::Alone, work)
    }

    fn send<T: Send + 'static, W: FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static>(
        &self,
        doing: &'static str,
        kind: fn(Work) -> Request,
        work: W,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, W> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |desk| {
            let result = match desk {
                Ok(desk) => guarded(desk, work).map_err(|fault| fault.into_error(doing)),
                Err(trouble) => Err(trouble.into_error(doing)),
            };
            Box::new(move |committed: Result<(), Trouble>| {
                let result = match (result, committed) {
                    (Ok(_), Err(trouble)) => Err(trouble.into_error(doing)),
                    (result, _) => result,
                };
                // A caller who no longer waits doesn't want to know.
                drop(answer.send(result));
            })
        });
        let sent = self.hand_over(kind(work));
        async move {
            let stopped = || StoreError::Failed { doing, cause: "the store's thread has stopped".into() };
            if !sent {
                return Err(stopped());
            }
            answered.await.unwrap_or_else(|_| Err(stopped()))
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let By::Thread { requests, thread } = &mut self.0 else { return };
        *requests = None;
        if let Some(thread) = thread.take() {
            // It catches what its requests panic with; nothing is left to tell.
            drop(thread.join());
        }
    }
}

/// Runs a request so that a fault of this program in it stops nothing else.
fn guarded<T>(desk: &mut Desk, work: impl FnOnce(&mut Desk) -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(|| work(desk))).unwrap_or_else(|panic| {
        Err(Fault::Store(StoreError::Failed {
            doing: "a request that this program got wrong",
            cause: panic_text(panic.as_ref()).to_owned(),
        }))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it panicked")
}

fn in_savepoint<T>(desk: &mut Desk, work: impl FnOnce(&mut Desk) -> Result<T, Fault>) -> Result<T, Fault> {
    run(&desk.conn, "SAVEPOINT request")?;
    let result = guarded(desk, work);
    // After some failures (disk full, I/O) SQLite has already rolled back
    // everything, and there is no savepoint left.
    if result.is_err() {
        desk.drop_readings();
        if !desk.conn.is_autocommit() {
            run(&desk.conn, "ROLLBACK TO request")?;
        }
    }
    if !desk.conn.is_autocommit() {
        run(&desk.conn, "RELEASE request")?;
    }
    result
}

fn in_transaction<T>(desk: &mut Desk, work: impl FnOnce(&mut Desk) -> Result<T, Fault>) -> Result<T, Fault> {
    run(&desk.conn, "BEGIN IMMEDIATE")?;
    let result = guarded(desk, work).and_then(|done| {
        if !desk.conn.is_autocommit() {
            run(&desk.conn, "COMMIT")?;
        }
        Ok(done)
    });
    if result.is_err() {
        desk.drop_readings();
        if !desk.conn.is_autocommit() {
            run(&desk.conn, "ROLLBACK")?;
        }
    }
    result
}

fn run(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn write_loop(mut desk: Desk, place: Option<&Place>, requests: &mpsc::Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        write(&mut desk, place, first, || requests.try_recv().ok());
    }
}

/// Runs a request, and those that wait behind it as one group.
fn write(desk: &mut Desk, place: Option<&Place>, first: Request, more: impl Fn() -> Option<Request>) {
    let mut shared = Vec::new();
    let mut alone = None;
    let mut next = Some(first);
    while let Some(request) = next {
        match request {
            Request::Shared(work) => shared.push(work),
            Request::Alone(work) => alone = Some(work),
        }
        let full = shared.len() >= GROUP_MAX || alone.is_some();
        next = if full { None } else { more() };
    }
    if !shared.is_empty() {
        run_group(desk, place, shared);
    }
    if let Some(work) = alone {
        let ready = place.map_or(Ok(()), Place::check);
        work(ready.map(|()| desk))(Ok(()));
    }
}

fn run_group(desk: &mut Desk, place: Option<&Place>, group: Vec<Work>) {
    let begun = place
        .map_or(Ok(()), Place::check)
        .and_then(|()| run(&desk.conn, "BEGIN IMMEDIATE").map_err(|error| Trouble::of(&error)));
    let mut trouble = begun.err();
    let mut replies = Vec::with_capacity(group.len());
    for work in group {
        replies.push(match &trouble {
            None => work(Ok(desk)),
            Some(trouble) => work(Err(trouble.clone())),
        });
        if trouble.is_none() && desk.conn.is_autocommit() {
            trouble = Some(Trouble::rolled_back());
        }
    }
    let committed = trouble.map_or_else(|| desk.settle(), Err);
    if let Some(witness) = &mut desk.witness {
        witness.forget();
    }
    for reply in replies {
        reply(committed.clone());
    }
}

fn commit(conn: &Connection) -> Result<(), Trouble> {
    run(conn, "COMMIT").map_err(|error| {
        let mut trouble = Trouble::of(&error);
        if !conn.is_autocommit()
            && let Err(error) = run(conn, "ROLLBACK")
        {
            trouble = Trouble::of(&error);
        }
        trouble
    })
}

fn read_loop(mut desk: Desk, requests: &mpsc::Receiver<Request>) {
    while let Ok(request) = requests.recv() {
        match request {
            Request::Alone(work) => work(Ok(&mut desk))(Ok(())),
            Request::Shared(work) => {
                let begun = run(&desk.conn, "BEGIN").map_err(|error| Trouble::of(&error));
                let reply = match begun {
                    Ok(()) => work(Ok(&mut desk)),
                    Err(trouble) => work(Err(trouble)),
                };
                // Nothing was written; ending the snapshot is all.
                let ended = if desk.conn.is_autocommit() { Ok(()) } else { commit(&desk.conn) };
                reply(ended);
            }
        }
    }
}

/// Which file the connection was opened on.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    identity: (u64, u64),
}

impl Place {
    fn of(path: PathBuf) -> std::io::Result<Self> {
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// Whether the file is still the one that was opened.
    fn check(&self) -> Result<(), Trouble> {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            return Ok(());
        }
        Err(Trouble::Unusable(format!(
            "the store {} was replaced or deleted while in use; nothing is sent. Put it back, or restore the last \
             backup and start this anew, which then asks what was sent since",
            self.path.display()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Worker {
        let conn = Connection::open_in_memory().expect("a database");
        conn.execute_batch("CREATE TABLE t (x INTEGER NOT NULL) STRICT").expect("a table");
        let zones = Zones::new(jiff::tz::TimeZone::UTC);
        Worker::writer(Desk::new(conn, zones), None).expect("a thread")
    }

    fn insert(worker: &Worker, x: i64) -> impl Future<Output = Result<(), StoreError>> + use<> {
        worker.shared("inserting", move |desk| {
            desk.conn.execute("INSERT INTO t VALUES (?1)", [x])?;
            Ok(())
        })
    }

    async fn sum(worker: &Worker) -> i64 {
        worker
            .shared("adding", |desk| {
                Ok(desk.conn.query_row("SELECT TOTAL(x) FROM t", [], |r| r.get::<_, f64>(0))?)
            })
            .await
            .map(|sum| format!("{sum}").parse().expect("a whole number"))
            .expect("a sum")
    }

    #[tokio::test]
    async fn a_request_that_fails_or_panics_takes_nothing_else_with_it() {
        let worker = writer();
        let good = insert(&worker, 1);
        let bad = worker.shared("failing", |desk| -> Result<(), Fault> {
            desk.conn.execute("INSERT INTO t VALUES (10)", [])?;
            Err(Fault::odd("no"))
        });
        let worse = worker.shared("panicking", |desk| -> Result<(), Fault> {
            desk.conn.execute("INSERT INTO t VALUES (100)", [])?;
            panic!("on purpose")
        });
        let late = insert(&worker, 2);
        let (good, bad, worse, late) = tokio::join!(good, bad, worse, late);
        assert!(good.is_ok() && late.is_ok());
        assert!(matches!(bad, Err(StoreError::Failed { doing: "failing", .. })));
        assert!(matches!(worse, Err(StoreError::Failed { cause, .. }) if cause == "on purpose"));
        assert_eq!(sum(&worker).await, 3);
    }

    #[tokio::test]
    async fn a_full_disk_fails_what_does_not_fit_and_recovers_by_itself() {
        let worker = writer();
        let fill = |pages: &'static str| {
            worker.shared("limiting", move |desk| Ok(desk.conn.query_row(pages, [], |_| Ok(()))?))
        };
        fill("PRAGMA max_page_count = 3").await.expect("a limit");
        let large = worker.shared("inserting much", |desk| {
            let sql = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 9999)
                       INSERT INTO t SELECT x FROM n";
            Ok(desk.conn.execute(sql, [])?)
        });
        let told = large.await.expect_err("a full disk");
        assert!(told.to_string().contains("full"), "{told}");
        fill("PRAGMA max_page_count = 1000").await.expect("room again");
        insert(&worker, 7).await.expect("it goes on");
        assert_eq!(sum(&worker).await, 7);
    }

    #[tokio::test]
    async fn when_the_transaction_is_lost_every_request_of_the_group_fails() {
        let worker = writer();
        // A first request keeps the thread busy until the others wait.
        let (go, wait) = mpsc::channel::<()>();
        let busy = worker.shared("waiting", move |_| {
            wait.recv().map_err(|error| Fault::odd(error.to_string()))?;
            Ok(())
        });
        let before = insert(&worker, 1);
        let lost = worker.shared("losing", |desk| -> Result<(), Fault> {
            desk.conn.execute_batch("ROLLBACK")?;
            Err(Fault::odd("disk full"))
        });
        let after = insert(&worker, 2);
        go.send(()).expect("the thread waits");
        let (_, before, lost, after) = tokio::join!(busy, before, lost, after);
        assert!(lost.is_err(), "{lost:?}");
        assert!(before.is_err() && after.is_err(), "{before:?} {after:?}");
        assert_eq!(sum(&worker).await, 0);
        assert!(insert(&worker, 5).await.is_ok(), "the thread goes on");
        assert_eq!(sum(&worker).await, 5);
    }
}
