//! When it stops and asks, or tries again: an engine on real files, with
//! clocks that lie, disks that fill up, relays that panic or put letters off,
//! and stores that are copies.

mod again;
mod clocks;
mod full_disk;
mod hung;
mod locked;
mod panics;
mod restored;
mod volume;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use courtesy::clock::{Clock, VirtualClock};
use courtesy::domain::calendar::Days;
use courtesy::domain::notice::LetterState;
use courtesy::domain::rule::Backlog;
use courtesy::engine::{Engine, Office};
use courtesy::relay::{Mailbox, MemoryRelay, Relay};
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use courtesy::store::{ImportKind, ImportOrder, OutboxFilter, OutboxLetter, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;

/// Monday, ten in the morning in Shanghai.
const MONDAY: &str = "2026-03-02T02:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("a zone")
}

/// The shipped rules, which begin at once with what is overdue and write on
/// any day.
fn office() -> Office {
    let mut office = crate::support::shipped_office();
    office.settings.letters.hours.days = Days::Any;
    office.settings.guards.free_space = 0;
    for rule in &mut office.rules {
        rule.backlog = Backlog::Start;
        rule.schedule = None;
    }
    office.rules.retain(|rule| rule.name.as_str() == "payment-reminders");
    office
}

fn open(file: &Path) -> SqliteStore {
    SqliteStore::open(file, OpenOptions { business_zone: zone() }).expect("a store")
}

/// A shop whose customers all owe something since 20 February.
struct Shop {
    folder: TempDir,
    clock: VirtualClock,
}

impl Shop {
    async fn with(customers: usize) -> Self {
        let shop =
            Self { folder: tempfile::tempdir().expect("a folder"), clock: VirtualClock::new(at(MONDAY)) };
        fill(&shop.open(), shop.folder.path(), 0..customers).await;
        shop
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("courtesy.db")
    }

    fn open(&self) -> SqliteStore {
        open(&self.file())
    }

    /// An engine on the file as it is now, and what its relay accepts.
    fn engine(&self) -> (Engine<SqliteStore, MemoryRelay, VirtualClock>, Mailbox) {
        let (relay, mailbox) = MemoryRelay::new();
        (self.engine_with(relay, office()), mailbox)
    }

    fn engine_with<R: Relay>(&self, relay: R, office: Office) -> Engine<SqliteStore, R, VirtualClock> {
        Engine::new(self.open(), relay, self.clock.clone(), office)
    }
}

/// Customers, each with an overdue claim, as the books export them: whoever
/// is not in the file has none any more.
async fn fill(store: &SqliteStore, folder: &Path, numbers: std::ops::Range<usize>) {
    let mut customers = "id,name,email,locale\n".to_owned();
    let mut receivables = "id,customer_id,kind,amount,currency,due_on\n".to_owned();
    for n in numbers {
        writeln!(customers, "C{n},Customer {n},c{n}@example.test,en").expect("a text");
        writeln!(receivables, "R{n},C{n},invoice,1000,CNY,2026-02-20").expect("a text");
    }
    if customers.lines().count() == 1 {
        return;
    }
    for (kind, text) in [(ImportKind::Customers, customers), (ImportKind::Receivables, receivables)] {
        let file = folder.join("import.csv");
        std::fs::write(&file, text).expect("a file");
        let order = ImportOrder {
            kind,
            file,
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: false,
            share: 1.0,
            zone: zone(),
        };
        let report = store.import(order, Arc::new(|_| {}), at(MONDAY)).await.expect("an import");
        assert!(report.kept, "{report:?}");
    }
}

/// One heartbeat: what left, and why not more.
async fn beat<R: Relay, C: Clock>(
    engine: &Engine<SqliteStore, R, C>,
) -> (courtesy::engine::PassReport, courtesy::engine::DeliveryReport) {
    let pass = engine.pass().await.expect("the store works");
    let delivery = engine.deliver().await.expect("the store works");
    (pass, delivery)
}

async fn in_state(store: &SqliteStore, state: LetterState) -> Vec<OutboxLetter> {
    let filter = OutboxFilter { states: vec![state], ..OutboxFilter::default() };
    store.outbox(filter).await.expect("the outbox")
}
