//! What people do: invoices, payments, excuses, visits; told to the model
//! and to the program at the same moment.

mod claims;
mod desk;
mod money_in;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use courtesy::domain::event::EventOutcome;
use courtesy::domain::ids::CustomerId;
use courtesy::store::{ImportKind, ImportOrder, Record, Store as _, With};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{WorkingDays, after};
use super::dice::Dice;
use super::model::{Business, Customer, Happening, OURS};
use super::year::Year;

/// What will be done on a day to come.
#[derive(Clone, Debug)]
pub enum Planned {
    Pay { item: String, percent: i64 },
    Record(&'static str, usize, Option<&'static str>),
    Release(String),
}

/// Country, language, zone.
const PLACES: [(&str, &str, &str); 6] = [
    ("cn", "zh-CN", "Asia/Shanghai"),
    ("cn", "zh-CN", "Asia/Shanghai"),
    ("gb", "en-GB", "Europe/London"),
    ("us", "en-US", "America/Los_Angeles"),
    ("de", "de-DE", "Europe/Berlin"),
    ("ki", "zh-TW", "Pacific/Kiritimati"),
];

const NAMES: [&str; 8] = [
    "Oak & Ash Ltd",
    "青岛海天机械有限公司",
    "A<B Tools",
    "Smith, Jones",
    "The \"Copper\" Works",
    "苏州瑞丰贸易有限公司",
    "**Bold** {{ 7*7 }}",
    "Zoë Müller GmbH",
];

impl Business {
    /// Three to five customers of varied kinds.
    pub fn open(dice: &mut Dice) -> Self {
        let mut customers: Vec<Customer> = Vec::new();
        for n in 0..dice.between(3, 6) {
            let (country, locale, zone_name) = dice.pick(&PLACES).expect("a place");
            let mut customer = Customer {
                id: format!("C{n}"),
                name: dice.pick(&NAMES).expect("a name"),
                email: format!("c{n}@example.test"),
                locale,
                country,
                zone: TimeZone::get(zone_name).expect("a zone"),
                zone_name,
                owner: dice
                    .pick(&[Some("lin@ours.test"), Some("lin@ours.test"), Some("mo@ours.test"), None])
                    .flatten(),
                segment: dice.pick(&["machining", "dentists"]).expect("a segment"),
                blocked: false,
                pauses: vec![],
                on_account: BTreeMap::new(),
                purchases: 0,
            };
            match dice.below(20) {
                0 => customer.email = String::new(),
                1 => "unknown".clone_into(&mut customer.email),
                2 | 3 => customer.email = format!("gone{n}@example.test"),
                // Two customers with one mailbox, in one place.
                4..7 => {
                    if let Some(other) = customers.last() {
                        customer.email = other.email.to_uppercase();
                        (customer.zone, customer.zone_name) = (other.zone.clone(), other.zone_name);
                        customer.country = other.country;
                    }
                }
                _ => {}
            }
            customers.push(customer);
        }
        Self {
            customers,
            items: BTreeMap::new(),
            events: BTreeMap::new(),
            suppressed: BTreeSet::new(),
            payments: 0,
            days: WorkingDays::read(),
        }
    }
}

impl Year {
    /// Customers, and what they owe already.
    pub async fn open_the_books(&mut self) {
        self.import(ImportKind::Customers, &self.business.customers_csv()).await;
        for _ in 0..self.dice.between(1, 5) {
            let late = self.dice.between(-20, 100);
            self.invoice(-late);
        }
        self.import_items().await;
    }

    pub async fn keep_the_agenda(&mut self, day: Date) {
        let due: Vec<Date> = self.agenda.range(..=day).map(|(day, _)| *day).collect();
        for entry in due {
            for planned in self.agenda.remove(&entry).unwrap_or_default() {
                match planned {
                    Planned::Pay { item, percent } => self.pay_part(&item, percent).await,
                    Planned::Record(kind, customer, product) => self.happen(kind, customer, product).await,
                    Planned::Release(item) => self.set_open_again(&item).await,
                }
            }
        }
    }

    pub async fn something_happens(&mut self) {
        match self.dice.below(1_000) {
            0..38 => self.new_claim().await,
            38..52 => self.pay_something().await,
            52..60 => self.bounce().await,
            60..66 => self.money_on_account().await,
            66..70 => self.credit_note().await,
            70..90 => self.pause_an_item().await,
            90..96 => self.pause_a_customer().await,
            96..106 => self.end_a_pause().await,
            106..126 => self.promise().await,
            126..138 => self.move_a_due_date().await,
            138..148 => self.change_a_status().await,
            148..152 => self.acknowledge().await,
            152..156 => self.make_a_plan().await,
            156..160 => self.change_a_customer().await,
            160..164 => self.suppress_or_not().await,
            164..260 => self.an_event().await,
            260..266 => self.news_for_all().await,
            // Another heartbeat out of turn.
            266..290 => drop(self.engine.pass().await.expect("the store works")),
            _ => {}
        }
    }

    pub fn any_customer(&mut self) -> usize {
        let n = self.dice.below(self.business.customers.len() as u64);
        usize::try_from(n).expect("few customers")
    }

    async fn an_event(&mut self) {
        let kinds = [
            "visit",
            "visit",
            "signing",
            "purchase",
            "purchase",
            "delivery",
            "favour",
            "referral",
            "proficient",
            "part_replaced",
            "trip",
            "survey",
        ];
        let kind = self.dice.pick(&kinds).expect("a kind");
        let customer = self.any_customer();
        let product = self.dice.pick(&[None, Some("HKS 3"), Some("DS-40")]).flatten();
        self.happen(kind, customer, product).await;
        if kind == "delivery" && self.dice.chance(40) {
            let day = after(self.today(), self.dice.between(5, 120));
            self.agenda.entry(day).or_default().push(Planned::Record("proficient", customer, product));
        }
    }

    /// An event of some minutes ago, or of some days ago that somebody forgot
    /// to write down.
    async fn happen(&mut self, kind: &'static str, customer: usize, product: Option<&'static str>) {
        self.events += 1;
        let id = format!("E{:04}", self.events);
        let late =
            if self.dice.chance(12) { self.dice.between(1, 9) * 1_440 } else { self.dice.between(0, 240) };
        let at = self.now() - jiff::SignedDuration::from_mins(late);
        let outcomes = [Some("positive"), Some("positive"), Some("neutral"), Some("negative"), None];
        let outcome = self.dice.pick(&outcomes).flatten();
        let record = Record::Event {
            id: Some(id.clone()),
            with: With::Customer(CustomerId::from(self.business.customers[customer].id.as_str())),
            kind: kind.to_owned(),
            occurred_at: at,
            outcome: outcome.and_then(EventOutcome::from_word),
            product: product.map(str::to_owned),
            note: None,
        };
        self.business.customers[customer].purchases += u32::from(kind == "purchase");
        self.business.events.insert(id, Happening { customer, kind, outcome, product, at });
        self.about(customer);
        self.record(record).await;
    }

    async fn news_for_all(&mut self) {
        self.events += 1;
        let id = format!("N{:04}", self.events);
        let at = self.now();
        for (customer, of) in self.business.customers.iter().enumerate() {
            let happening =
                Happening { customer, kind: "announcement", outcome: None, product: Some("lamp"), at };
            self.business.events.insert(format!("{id}/{}", of.id), happening);
        }
        self.all_restless = self.today();
        self.record(Record::Event {
            id: Some(id),
            with: With::Everyone,
            kind: "announcement".to_owned(),
            occurred_at: at,
            outcome: None,
            product: Some("lamp".to_owned()),
            note: Some("The new lamp is here.".to_owned()),
        })
        .await;
    }

    /// Something was written about a customer.
    pub fn about(&mut self, customer: usize) {
        let mailbox = self.business.customers[customer].mailbox();
        self.disturb(mailbox);
    }

    pub async fn record(&self, record: Record) {
        self.store().record(record, self.now()).await.expect("it can be recorded");
    }

    pub async fn import_items(&self) {
        self.import(ImportKind::Receivables, &self.business.receivables_csv()).await;
    }

    pub async fn import(&self, kind: ImportKind, csv: &str) {
        let file = self.folder.path().join("import.csv");
        std::fs::write(&file, csv).expect("a file can be written");
        let zone = TimeZone::get(OURS).expect("a zone");
        let order = ImportOrder {
            kind,
            file,
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: true,
            share: 0.5,
            zone,
        };
        let imported = self.store().import(order, Arc::new(|_| {}), self.now()).await;
        let report = imported.expect("an import");
        assert!(report.kept, "{report:?}");
    }
}
