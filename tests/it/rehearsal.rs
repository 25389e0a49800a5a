//! What a plan foresees is what then happens.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::notice::LetterState;
use courtesy::engine::rehearsal::foreseen::Fate;
use courtesy::engine::rehearsal::{self, Foresight, Rehearsal};
use courtesy::engine::{Engine, daemon};
use courtesy::relay::NowhereRelay;
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use courtesy::store::{ImportKind, ImportOrder, OutboxFilter, Store};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::simulation::dice::Dice;
use super::support::shipped_office;

const CUSTOMERS: u64 = 60;
const ITEMS: u64 = 150;
const BEGIN: Date = date(2026, 3, 2);

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn options() -> OpenOptions {
    OpenOptions { business_zone: TimeZone::get("Asia/Shanghai").expect("a zone") }
}

/// A town of customers here and abroad, some at one address and some at none,
/// who pay, pay in part, contest and do not pay.
fn town(seed: u64) -> [(ImportKind, String); 4] {
    let mut dice = Dice::new(seed);
    let zones = ["Asia/Shanghai,cn", "Europe/Berlin,de", "America/New_York,us", "Europe/London,gb"];
    let mut customers = "id,name,email,locale,owner_email,timezone,country\n".to_owned();
    for n in 0..CUSTOMERS {
        let email =
            if n % 17 == 3 { String::new() } else { format!("c{}@example.test", n - u64::from(n % 11 == 5)) };
        let (owner, zone) = (dice.below(3), zones[usize::try_from(dice.below(4)).expect("small")]);
        writeln!(customers, "C{n},Customer {n},{email},en,owner{owner}@ours.example.test,{zone}")
            .expect("text");
    }
    let kinds = ["invoice", "invoice", "instalment", "promissory_note", "prepayment"];
    let mut receivables = "id,customer_id,kind,amount,currency,due_on,status,contract\n".to_owned();
    let mut payments = "id,receivable_id,amount,received_on\n".to_owned();
    for n in 0..ITEMS {
        let due = BEGIN + (i32::try_from(dice.below(75)).expect("small") - 30).days();
        let kind = kinds[usize::try_from(dice.below(5)).expect("small")];
        let status = if dice.chance(6) { "disputed" } else { "open" };
        let customer = dice.below(CUSTOMERS);
        writeln!(
            receivables,
            "R{n},C{customer},{kind},{}00,CNY,{due},{status},P{customer}",
            2 + dice.below(90)
        )
        .expect("text");
        if dice.chance(15) {
            writeln!(payments, "P{n},R{n},150,{}", BEGIN - 1.day()).expect("text");
        }
    }
    let mut events = "id,customer_id,kind,occurred_at,outcome,product\n".to_owned();
    for n in 0..CUSTOMERS {
        let kind =
            ["visit", "delivery", "purchase", "signing", "favour"][usize::try_from(n % 5).expect("small")];
        writeln!(events, "E{n},C{n},{kind},2026-03-0{}T10:00,positive,lamp", 3 + dice.below(6))
            .expect("text");
    }
    [
        (ImportKind::Customers, customers),
        (ImportKind::Receivables, receivables),
        (ImportKind::Payments, payments),
        (ImportKind::Events, events),
    ]
}

async fn import(store: &SqliteStore, folder: &Path, (kind, csv): (ImportKind, String), now: Timestamp) {
    let file = folder.join("import.csv");
    std::fs::write(&file, csv).expect("written");
    let order = ImportOrder {
        kind,
        file,
        dry_run: false,
        keep_going: false,
        complete: false,
        allow_large_change: false,
        share: 1.0,
        zone: options().business_zone,
    };
    let report = store.import(order, Arc::new(|_| ()), now).await.expect("it is taken");
    assert!(report.bad.is_empty(), "{:?}", report.bad);
}

async fn foreseen(store: impl Store, from: Timestamp, until: Timestamp) -> Foresight {
    let rehearsal = Rehearsal::new(store, shipped_office(), from);
    rehearsal.run_until(until).await.expect("the copy works");
    rehearsal.finish().await.expect("the copy works")
}

/// Every notice with the moment at which its letter leaves, or that it waits.
fn plan(foresight: &Foresight) -> BTreeSet<String> {
    let letters = foresight.letters.iter();
    let line = |letter: &rehearsal::foreseen::Foreseen| {
        let when = match letter.fate {
            Fate::Leaves => letter.at.to_string(),
            Fate::Waits(_) => "held".to_owned(),
        };
        letter.notices.iter().map(move |notice| format!("{when} {}", notice.key)).collect::<Vec<_>>()
    };
    letters.flat_map(line).collect()
}

/// The same of what happened since a moment.
async fn happened(store: &SqliteStore, since: Timestamp) -> BTreeSet<String> {
    let letters = store.outbox(OutboxFilter::default()).await.expect("the store works");
    let of_customers = letters.into_iter().filter(|letter| letter.draft.customer.is_some());
    let mut said = BTreeSet::new();
    for letter in of_customers {
        let when = match (letter.state, letter.finished_at) {
            (LetterState::Sent, Some(at)) if at >= since => at.to_string(),
            (LetterState::Held, _) => "held".to_owned(),
            _ => continue,
        };
        said.extend(letter.draft.lines.iter().map(|line| format!("{when} {}", line.key)));
    }
    said
}

#[tokio::test]
async fn what_a_plan_foresees_is_what_then_happens() {
    for seed in 1..=2 {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("courtesy.db");
        let store = SqliteStore::open(&file, options()).expect("a store");
        let clock = VirtualClock::new(at("2026-03-02T00:00:00Z"));
        for table in town(seed) {
            import(&store, folder.path(), table, clock.now()).await;
        }
        let engine = Engine::new(store.clone(), NowhereRelay, clock.clone(), shipped_office());
        daemon::recover(&engine).await.expect("the store works");
        // A Friday afternoon: some letters wait for Monday.
        let (from, until) = (at("2026-03-20T09:30:00Z"), at("2026-04-24T15:59:59Z"));
        rehearsal::run_until(&engine, from).await.expect("the store works");

        let copy = SqliteStore::copied(&file, options()).expect("a copy");
        let foresight = foreseen(copy, from, until).await;

        rehearsal::run_until(&engine, until).await.expect("the store works");
        let foreseen = plan(&foresight);
        assert!(foreseen.len() > 100, "{} notices are no test", foreseen.len());
        let happened = happened(&store, from).await;
        let differences: Vec<&String> = foreseen.symmetric_difference(&happened).collect();
        assert!(differences.is_empty(), "seed {seed}: {differences:#?}");
    }
}
