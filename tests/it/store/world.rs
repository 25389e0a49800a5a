//! A small business in a store: two customers who share an address, one who
//! has none, and a few claims.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use courtesy::domain::address::Address;
use courtesy::domain::customer::Class;
use courtesy::domain::delivery::{OnUncertain, Parcel};
use courtesy::domain::facts::{Facts, Reach};
use courtesy::domain::ids::{CustomerId, LetterId, Relationship};
use courtesy::domain::notice::{Draft, Line, NoticeKey, Priority, Subject};
use courtesy::domain::offset::Offset;
use courtesy::domain::plan::Plan;
use courtesy::domain::rule::{BudgetKind, Recipient};
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use courtesy::store::{
    Begun, Claim, ImportKind, ImportOrder, ImportReport, Made, OutboxFilter, OutboxLetter, Store, StoreError,
};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tempfile::TempDir;

pub fn options() -> OpenOptions {
    OpenOptions { business_zone: TimeZone::get("Asia/Shanghai").expect("a zone") }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub fn day(text: &str) -> Date {
    text.parse().expect("a date")
}

/// Monday morning in Shanghai.
pub const NOON: &str = "2026-06-29T04:00:00Z";

pub fn reach() -> Reach {
    Reach { events_since: at("2026-01-01T00:00:00Z"), settled_since: day("2026-06-01"), digests: [].into() }
}

/// A store on disk and one in memory, each with a folder for files.
pub fn both() -> Vec<(SqliteStore, TempDir)> {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let [on_disk, beside] = folders;
    let file = SqliteStore::open(&on_disk.path().join("courtesy.db"), options()).expect("a store");
    let memory = SqliteStore::open_in_memory(options()).expect("a store");
    vec![(file, on_disk), (memory, beside)]
}

pub fn order(kind: ImportKind, file: PathBuf) -> ImportOrder {
    ImportOrder {
        kind,
        file,
        dry_run: false,
        keep_going: false,
        complete: false,
        allow_large_change: false,
        share: 0.3,
        zone: options().business_zone,
    }
}

pub fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, content).expect("a file");
    file
}

/// Imports a text as it was asked for.
pub async fn import_as(
    store: &SqliteStore,
    folder: &Path,
    kind: ImportKind,
    content: impl AsRef<[u8]>,
    change: impl FnOnce(&mut ImportOrder),
) -> Result<ImportReport, StoreError> {
    let mut order = order(kind, write(folder, &format!("{}.csv", kind.as_str()), content));
    change(&mut order);
    store.import(order, Arc::new(|_| {}), at(NOON)).await
}

/// Imports a text that is to be taken whole.
pub async fn import(store: &SqliteStore, folder: &Path, kind: ImportKind, content: &str) -> ImportReport {
    let report = import_as(store, folder, kind, content, |_| {}).await.expect("an import");
    assert!(report.kept, "{report:?}");
    report
}

pub const CUSTOMERS: &str = "id,name,email,locale,timezone,owner_name,owner_email\n\
    C1,Morning Star,ann@example.test,en,Europe/Berlin,Li Na,lina@ours.example.test\n\
    C2,Evening Star,Ann@Example.test,en,,,\n\
    C3,No Address,,zh-CN,Asia/Shanghai,,\n";

pub const RECEIVABLES: &str = "id,customer_id,kind,amount,currency,due_on,status\n\
    R1,C1,invoice,100.00,EUR,2026-06-20,open\n\
    R2,C1,invoice,50,EUR,2026-06-10,open\n\
    R3,C2,invoice,1000,CNY,2026-07-10,\n\
    R4,C3,promissory_note,70,USD,2026-06-01,paid\n";

/// The little business, imported.
pub async fn fill(store: &SqliteStore, folder: &Path) {
    import(store, folder, ImportKind::Customers, CUSTOMERS).await;
    import(store, folder, ImportKind::Receivables, RECEIVABLES).await;
}

pub async fn due(store: &SqliteStore, now: &str) -> Vec<Arc<Facts>> {
    store.facts(at(now), reach(), None, 100).await.expect("facts")
}

pub async fn names_due(store: &SqliteStore, now: &str) -> Vec<String> {
    due(store, now).await.iter().map(|facts| facts.relationship.as_str().to_owned()).collect()
}

/// A plan without letters that wants to be asked again at a moment.
pub fn quiet(relationship: &str, wake_at: Option<&str>) -> Plan {
    Plan {
        relationship: Relationship::from(relationship),
        letters: vec![],
        verdicts: vec![],
        findings: vec![],
        wake_at: wake_at.map(at),
    }
}

/// Everybody has been looked at, and nobody is due before `until`.
pub async fn settle(store: &SqliteStore, now: &str, until: Option<&str>) {
    let plans = names_due(store, now).await.iter().map(|name| quiet(name, until)).collect();
    store.enqueue(plans, at(now)).await.expect("plans");
}

pub fn key(receivable: &str, stage: &str) -> NoticeKey {
    NoticeKey {
        rule: "payment-reminders".into(),
        stage: stage.into(),
        subject: Subject::Receivable(receivable.into()),
        round: "2026-06-20".into(),
        repetition: 0,
    }
}

/// A draft of customer C1 with one line per receivable.
pub fn draft(stage: &str, receivables: &[&str]) -> Draft {
    let line = |receivable: &&str| Line {
        key: key(receivable, stage),
        offset: Offset::days(3),
        planned_on: day("2026-06-23"),
        leading: *receivable == receivables[0],
    };
    Draft {
        customer: Some(CustomerId::from("C1")),
        rule: "payment-reminders".into(),
        stage: stage.into(),
        class: Class::Dunning,
        template: format!("reminder/{stage}"),
        to: vec![Recipient::Customer],
        cc: vec![Recipient::Owner, Recipient::Other(Address::parse("x@ours.example.test").expect("one"))],
        lines: receivables.iter().map(line).collect(),
        deadline: Some(Offset::days(7)),
        approve: false,
        priority: Priority(402),
        budget: Some(BudgetKind::Customer),
        not_before: at("2026-06-29T07:00:00Z"),
        passed_over: vec!["payment-reminders/friendly, \"quoted\"".into()],
        on_uncertain: OnUncertain::Park,
    }
}

pub fn planned(relationship: &str, letters: Vec<Draft>, wake_at: Option<&str>) -> Plan {
    Plan { letters, ..quiet(relationship, wake_at) }
}

/// Queues one letter, as after a pass.
pub async fn queue(store: &SqliteStore, draft: Draft) -> LetterId {
    due(store, NOON).await;
    let plan = planned("ann@example.test", vec![draft], Some("2026-07-01T00:00:00Z"));
    let enqueued = store.enqueue(vec![plan], at(NOON)).await.expect("a plan");
    enqueued.letters.first().copied().expect("a letter")
}

pub fn made(text: &str) -> Made {
    Made {
        locale: "en".into(),
        subject: "Your invoice".into(),
        fingerprint: text.into(),
        parcel: Parcel {
            from: Address::parse("accounts@ours.example.test").expect("one"),
            to: Address::parse("ann@example.test").expect("one"),
            cc: vec![Address::parse("lina@ours.example.test").expect("one")],
            message_id: format!("{text}@ours.example.test"),
            bytes: text.as_bytes().into(),
        },
    }
}

/// What an attempt needs, as the courier gathers it.
pub async fn claim(store: &SqliteStore, letter: LetterId) -> Claim {
    let (row, facts) = store.letter_and_facts(letter, reach()).await.expect("a letter");
    Claim {
        letter,
        attempts: row.attempts,
        facts,
        changed: None,
        made: made("bytes"),
        redirected: false,
        day: day("2026-06-29"),
    }
}

pub async fn begin(store: &SqliteStore, claim: Claim) -> Begun {
    store.begin_attempt(claim, reach(), at("2026-06-29T07:00:00Z")).await.expect("an answer")
}

pub async fn row(store: &SqliteStore, letter: LetterId) -> OutboxLetter {
    let filter = OutboxFilter { letter: Some(letter), limit: 1, ..OutboxFilter::default() };
    store.outbox(filter).await.expect("the outbox").pop().expect("the letter")
}
