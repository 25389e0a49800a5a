//! A shop in which a month has passed on a virtual clock, with the shipped
//! files; then the real program is asked about it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use courtesy::cli::{init, load};
use courtesy::clock::VirtualClock;
use courtesy::domain::calendar::instant_at;
use courtesy::domain::event::EventOutcome;
use courtesy::domain::ids::ReceivableId;
use courtesy::domain::receivable::PauseCause;
use courtesy::engine::{Engine, rehearsal};
use courtesy::relay::AnyRelay;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, ImportOrder, Record, Store as _, With};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::courtesy::{Shown, run_in};

pub struct Played {
    dir: tempfile::TempDir,
    store: SqliteStore,
    engine: Engine<SqliteStore, AnyRelay, VirtualClock>,
    zone: TimeZone,
}

impl Played {
    /// From 2 March 2026 on: a customer who pays one claim and breaks a
    /// promise about another, one who disputes, one without an address.
    pub async fn march() -> Self {
        let shop = Self::open("2026-03-02T08:00");
        shop.import(
            ImportKind::Customers,
            "id,name,email,locale,owner_name,owner_email\n\
             C1,Ann's Bakery,ann@example.test,en,Wei Zhang,wei@ours.example.test\n\
             C2,北京宏远机械制造有限公司,bao@example.test,zh-CN,张伟,wei@ours.example.test\n\
             C3,Nowhere Ltd,,en,,\n",
        )
        .await;
        shop.import(
            ImportKind::Receivables,
            "id,customer_id,kind,amount,currency,due_on,number\n\
             R1,C1,invoice,1200,CNY,2026-03-10,INV-1\n\
             R2,C1,invoice,80.50,EUR,2026-03-12,INV-2\n\
             R3,C2,invoice,99000,CNY,2026-03-09,发票3\n\
             R4,C3,invoice,500,CNY,2026-03-06,INV-4\n\
             R5,C2,invoice,90,CNY,2026-03-20,发票5\n",
        )
        .await;
        shop.live_until("2026-03-12T14:00").await;
        shop.record(Record::Payment {
            id: Some("P1".to_owned()),
            receivable: Some("R2".into()),
            customer: None,
            amount: "80.50".to_owned(),
            currency: None,
            received_on: date("2026-03-12"),
        })
        .await;
        shop.live_until("2026-03-16T10:00").await;
        shop.record(Record::Promise {
            receivable: "R1".into(),
            promised_on: date("2026-03-20"),
            amount: None,
            until: date("2026-03-24"),
            latest: date("2026-04-15"),
            at_most: 2,
            who: "wei".to_owned(),
            reason: "by telephone".to_owned(),
        })
        .await;
        shop.live_until("2026-03-17T10:00").await;
        shop.record(Record::Pause {
            cause: PauseCause::Dispute,
            receivable: Some(ReceivableId::from("R3")),
            customer: None,
            from: date("2026-03-17"),
            until: None,
            who: "wei".to_owned(),
            reason: "两箱货未到".to_owned(),
        })
        .await;
        shop.live_until("2026-03-30T11:00").await;
        shop.record(Record::Event {
            id: Some("E1".to_owned()),
            with: With::Customer("C1".into()),
            kind: "visit".to_owned(),
            occurred_at: shop.at("2026-03-30T11:00"),
            outcome: Some(EventOutcome::Positive),
            product: None,
            note: None,
        })
        .await;
        shop.live_until("2026-04-10T12:00").await;
        shop
    }

    fn open(start: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        init::write_shipped(dir.path()).expect("the shipped files");
        let config = load::config_at(&dir.path().join("config/courtesy.yaml")).expect("it is clean");
        let zone = config.settings.business.zone.clone();
        let store = load::store(&config).expect("a store");
        let relay = load::relay(&config).expect("files");
        let clock = VirtualClock::new(instant_at(start.parse().expect("a moment"), &zone));
        let office = load::office(config).expect("the templates are clean");
        let engine = Engine::new(store.clone(), relay, clock, office);
        Self { dir, store, engine, zone }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Asks the program.
    pub fn run(&self, arguments: &[&str]) -> Shown {
        run_in(self.path(), arguments)
    }

    fn at(&self, moment: &str) -> Timestamp {
        instant_at(moment.parse().expect("a moment"), &self.zone)
    }

    fn now(&self) -> Timestamp {
        courtesy::clock::Clock::now(self.engine.clock())
    }

    async fn live_until(&self, moment: &str) {
        rehearsal::run_until(&self.engine, self.at(moment)).await.expect("the store works");
    }

    async fn record(&self, record: Record) {
        self.store.record(record, self.now()).await.expect("it is known");
    }

    async fn import(&self, kind: ImportKind, csv: &str) {
        let file = self.path().join("import.csv");
        fs::write(&file, csv).expect("written");
        let order = ImportOrder {
            kind,
            file,
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: false,
            share: 1.0,
            zone: self.zone.clone(),
        };
        let report = self.store.import(order, Arc::new(|_| ()), self.now()).await.expect("it is taken");
        assert!(report.bad.is_empty(), "{:?}", report.bad);
    }
}

fn date(text: &str) -> Date {
    text.parse().expect("a date")
}
