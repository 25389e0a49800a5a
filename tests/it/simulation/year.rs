//! One year, day by day, and what is checked after each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::customer::Class;
use courtesy::domain::delivery::Parcel;
use courtesy::domain::ids::{CustomerId, ReceivableId};
use courtesy::domain::notice::{LetterState, Subject};
use courtesy::domain::receivable::PauseCause;
use courtesy::engine::{Engine, rehearsal};
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use courtesy::store::{ImportKind, ImportOrder, OutboxFilter, OutboxLetter, Record, Store as _, With};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use mail_parser::MessageParser;

use super::model::{Business, Customer, Dice, Item};
use super::relay::Moody;

type World = Engine<SqliteStore, Moody, VirtualClock>;

struct Year {
    engine: World,
    relay: Moody,
    clock: VirtualClock,
    business: Business,
    dice: Dice,
    folder: tempfile::TempDir,
    checked: usize,
    /// When which letter went to an address, by budget.
    to_address: BTreeMap<String, Vec<(Date, String)>>,
    events: u64,
}

/// Lives through a year and returns how many letters the relay accepted.
pub async fn live(seed: u64) -> usize {
    let mut year = Year::begin(seed).await;
    let start = date(2026, 1, 1);
    let mut day = start;
    while day < date(2027, 1, 1) {
        year.a_day(day).await;
        // Now and then the machine is off for some days.
        let off = if year.dice.chance(3) { 1 + year.dice.below(5) } else { 0 };
        day = day.saturating_add((1 + i64::try_from(off).expect("small")).days());
        if off > 0 {
            year.restart().await;
        }
    }
    year.check_the_end().await;
    year.checked
}

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("a zone")
}

fn at(day: Date, hour: i8, minute: i8) -> Timestamp {
    day.at(hour, minute, 0, 0).to_zoned_datetime(shanghai()).expect("a moment").timestamp()
}

impl Year {
    async fn begin(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let clock = VirtualClock::new(at(date(2026, 1, 1), 0, 0));
        let store = SqliteStore::open_in_memory(OpenOptions { business_zone: shanghai() }).expect("a store");
        let relay = Moody::new(seed ^ 0xdead, clock.clone());
        let engine = Engine::new(store, relay.clone(), clock.clone(), crate::support::shipped_office());
        let business = Business::new(&mut dice);
        let folder = tempfile::tempdir().expect("a folder");
        let year = Self {
            engine,
            relay,
            clock,
            business,
            dice,
            folder,
            checked: 0,
            to_address: BTreeMap::new(),
            events: 0,
        };
        // The rules are seen before there is anything to see.
        year.engine.pass().await.expect("a pass over nothing");
        let customers = year.business.customers_csv();
        year.import(ImportKind::Customers, &customers).await;
        year
    }

    async fn restart(&mut self) {
        let store = self.engine.store().clone();
        let office = crate::support::shipped_office();
        self.engine = Engine::new(store, self.relay.clone(), self.clock.clone(), office);
        let lost = self.engine.store().recover(self.clock.now()).await.expect("recover");
        assert_eq!(lost, [], "nothing was being sent");
    }

    async fn a_day(&mut self, day: Date) {
        self.clock.set(at(day, 0, 0).max(self.clock.now()));
        for hour in [8, 11, 15, 20] {
            let minute = i8::try_from(self.dice.below(60)).expect("small");
            self.run(at(day, hour, minute)).await;
            self.something_happens(day).await;
        }
        self.run(at(day, 23, 59)).await;
    }

    async fn run(&mut self, until: Timestamp) {
        rehearsal::run_until(&self.engine, until).await.expect("the store works");
        let again = self.engine.pass().await.expect("the store works");
        assert_eq!(again.queued, 0, "planning right after queueing finds nothing (I7)");
        self.check_accepted().await;
    }

    async fn something_happens(&mut self, day: Date) {
        match self.dice.below(100) {
            0..10 => self.invoice(day).await,
            10..20 => self.payment(day).await,
            20..22 => self.bounce(day).await,
            22..25 => self.pause(day).await,
            25..27 => self.promise(day).await,
            27..29 => self.move_due_date(day).await,
            29..31 => self.close().await,
            31..40 => self.event(day).await,
            // Another heartbeat out of turn.
            40..50 => {
                self.engine.pass().await.expect("the store works");
            }
            _ => {}
        }
    }

    async fn invoice(&mut self, day: Date) {
        let customer = usize::try_from(self.dice.below(10)).expect("small");
        let id = format!("R{}", self.business.items.len());
        let term = i64::try_from(self.dice.below(60)).expect("small") - 15;
        let cents = 10_000 + i64::try_from(self.dice.below(1_000_000)).expect("small");
        let item = Item {
            customer,
            issued_on: day,
            due_on: day.saturating_add(term.days()),
            cents,
            paid: 0,
            status: "open",
            pauses: vec![],
        };
        self.business.items.insert(id, item);
        self.import_items().await;
    }

    async fn payment(&mut self, day: Date) {
        let Some(id) = self.business.pick(&mut self.dice) else { return };
        let item = self.business.items.get_mut(&id).expect("just picked");
        let rest = item.cents - item.paid;
        let amount = if self.dice.chance(70) { rest } else { 1 + rest / 3 };
        item.paid += amount;
        self.pay(&id, amount, day).await;
    }

    async fn bounce(&mut self, day: Date) {
        let paid = self.business.items.iter().find(|(_, i)| i.status == "open" && i.paid == i.cents);
        let Some((id, _)) = paid else { return };
        let id = id.clone();
        let item = self.business.items.get_mut(&id).expect("just found");
        let amount = -item.cents;
        item.paid = 0;
        self.pay(&id, amount, day).await;
    }

    async fn pay(&mut self, id: &str, cents: i64, received_on: Date) {
        self.business.payments += 1;
        let sign = if cents < 0 { "-" } else { "" };
        let record = Record::Payment {
            id: Some(format!("P{}", self.business.payments)),
            receivable: Some(ReceivableId::from(id)),
            customer: None,
            amount: format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100),
            currency: None,
            received_on,
        };
        self.record(record).await;
    }

    async fn pause(&mut self, from: Date) {
        let Some(id) = self.business.pick(&mut self.dice) else { return };
        let cause = if self.dice.chance(50) { PauseCause::Dispute } else { PauseCause::Hold };
        let days = i64::try_from(self.dice.below(20)).expect("small");
        let until = from.saturating_add(days.days());
        self.business.items.get_mut(&id).expect("just picked").pauses.push((from, Some(until)));
        self.record(Record::Pause {
            cause,
            receivable: Some(ReceivableId::from(id.as_str())),
            customer: None,
            from,
            until: Some(until),
            who: "Lin".to_owned(),
            reason: "said so".to_owned(),
        })
        .await;
    }

    async fn promise(&mut self, day: Date) {
        let Some(id) = self.business.pick(&mut self.dice) else { return };
        let promised_on = day.saturating_add(7.days());
        let until = day.saturating_add(9.days());
        self.business.items.get_mut(&id).expect("just picked").pauses.push((day, Some(until)));
        self.record(Record::Promise {
            receivable: ReceivableId::from(id.as_str()),
            promised_on,
            amount: None,
            until,
            latest: promised_on,
            at_most: u32::MAX,
            who: "Lin".to_owned(),
            reason: "on the telephone".to_owned(),
        })
        .await;
    }

    async fn move_due_date(&mut self, day: Date) {
        let Some(id) = self.business.pick(&mut self.dice) else { return };
        let by = i64::try_from(self.dice.below(60)).expect("small") - 20;
        self.business.items.get_mut(&id).expect("just picked").due_on = day.saturating_add(by.days());
        self.import_items().await;
    }

    async fn close(&mut self) {
        let Some(id) = self.business.pick(&mut self.dice) else { return };
        let words = ["paid", "written_off", "cancelled", "returned", "legal"];
        let n = usize::try_from(self.dice.below(5)).expect("small");
        self.business.items.get_mut(&id).expect("just picked").status = words[n];
        self.import_items().await;
    }

    async fn event(&mut self, day: Date) {
        self.events += 1;
        let kinds = ["visit", "signing", "delivery", "proficient"];
        let outcomes = ["positive", "positive", "negative", ""];
        let kind = kinds[usize::try_from(self.dice.below(4)).expect("small")];
        let outcome = outcomes[usize::try_from(self.dice.below(4)).expect("small")];
        let customer = CustomerId::new(format!("C{}", self.dice.below(10)));
        self.record(Record::Event {
            id: Some(format!("E{}", self.events)),
            with: With::Customer(customer),
            kind: kind.to_owned(),
            occurred_at: at(day, 10, 0),
            outcome: courtesy::domain::event::EventOutcome::from_word(outcome),
            product: None,
            note: None,
        })
        .await;
    }

    async fn record(&self, record: Record) {
        self.engine.store().record(record, self.clock.now()).await.expect("it can be recorded");
    }

    async fn import_items(&self) {
        self.import(ImportKind::Receivables, &self.business.receivables_csv()).await;
    }

    async fn import(&self, kind: ImportKind, csv: &str) {
        let file = self.folder.path().join("import.csv");
        std::fs::write(&file, csv).expect("a file can be written");
        let order = ImportOrder {
            kind,
            file,
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: false,
            share: 0.5,
            zone: shanghai(),
        };
        let report =
            self.engine.store().import(order, Arc::new(|_| {}), self.clock.now()).await.expect("an import");
        assert!(report.kept, "{report:?}");
    }

    /// Looks at every letter accepted since the last look.
    async fn check_accepted(&mut self) {
        let accepted = self.relay.accepted.lock().expect("no panic while accepting")[self.checked..].to_vec();
        for (when, parcel) in accepted {
            self.checked += 1;
            let row = self.row_of(&parcel).await;
            if row.draft.customer.is_none() {
                let own = ["lin@ours.test", "it@morningstar.example"];
                assert!(own.contains(&parcel.to.as_str()), "a digest to {}", parcel.to);
                continue;
            }
            let internal = row.draft.class == Class::Internal;
            let customer = self
                .business
                .customers
                .iter()
                .find(|customer| customer.id == row.draft.whose())
                .expect("a customer of ours");
            let day = when.to_zoned_datetime(TimeZone::get(customer.zone).expect("a zone")).date();
            let name = format!("{}/{}", row.draft.rule, row.draft.stage);
            if internal {
                assert_eq!(parcel.to.as_str(), "lin@ours.test", "{name}");
                continue;
            }
            assert_eq!(parcel.to.as_str(), customer.email, "the right mailbox (I5): {name}");
            for line in row.draft.lines.iter().filter(|_| row.draft.class == Class::Dunning) {
                let Subject::Receivable(id) = &line.key.subject else {
                    self.check_statement(&parcel, customer, &name);
                    continue;
                };
                if let Err(why) = self.business.may_remind(id.as_str(), day) {
                    panic!("{day}: {name} was sent about {id} of {}, but {why} (I2)", customer.id);
                }
            }
            // Thanks that answer the customer's own act have a budget of their
            // own: one a day, where the others have one in two days.
            let (book, days) =
                if row.draft.rule.as_str().ends_with("-thanks") { ("moments", 1) } else { ("", 2) };
            let book = format!("{book} {}", customer.email);
            self.check_budget(&book, days, day, &name);
        }
    }

    /// A statement of account says what is open as the owner knows it.
    fn check_statement(&self, parcel: &Parcel, customer: &Customer, name: &str) {
        assert_eq!(name, "monthly-statement/statement", "the only letter about no claim");
        let open = self.business.open_amount(&customer.id);
        let message = MessageParser::default().parse(&parcel.bytes[..]).expect("a message");
        let text = message.body_text(0).expect("a text part");
        let said = text.contains(&open) || (open == "0.00" && !text.contains("Outstanding"));
        assert!(said, "{name} to {} does not say that {open} is open:\n{text}", customer.id);
    }

    fn check_budget(&mut self, address: &str, days: i32, day: Date, name: &str) {
        let letters = self.to_address.entry(address.to_owned()).or_default();
        if let Some((last, other)) = letters.last() {
            let free = last.saturating_add(days.days());
            // Two customers of one mailbox may live a day apart.
            let slack = i32::from(address.ends_with(" c2@example.test"));
            assert!(
                day.saturating_add(slack.days()) >= free,
                "{address}: {other} on {last}, {name} on {day}"
            );
        }
        letters.push((day, name.to_owned()));
    }

    /// The outbox's row of an accepted letter, found by its Message-ID.
    async fn row_of(&self, parcel: &Parcel) -> OutboxLetter {
        let ours = |customer: &&Customer| customer.email == parcel.to.as_str();
        let likely = self.business.customers.iter().filter(ours);
        let others = self.business.customers.iter().filter(|customer| !ours(customer));
        let ids = likely.chain(others).map(|customer| Some(CustomerId::from(customer.id.as_str())));
        // Digests have no customer; a letter that waited long is an old one.
        let newest = ids.chain([None]).map(|customer| (customer, 12));
        for (customer, limit) in newest.chain([(None, usize::MAX)]) {
            let filter = OutboxFilter { customer, limit, ..OutboxFilter::default() };
            let rows = self.engine.store().outbox(filter).await.expect("the outbox");
            let found = rows.into_iter().find(|row| {
                row.made.as_ref().is_some_and(|made| made.parcel.message_id == parcel.message_id)
            });
            if let Some(row) = found {
                return row;
            }
        }
        panic!("a letter that the outbox does not know: {}", parcel.message_id);
    }

    /// What must hold over the whole year.
    async fn check_the_end(&mut self) {
        // Everything that was put off by the relay comes to an end.
        let end = self.clock.now() + SignedDuration::from_hours(24 * 7);
        self.run(end).await;
        let rows = self.engine.store().outbox(OutboxFilter::default()).await.expect("the outbox");
        let accepted = self.relay.accepted.lock().expect("no panic while accepting").clone();
        let mut keys = BTreeSet::new();
        for row in rows.iter().filter(|row| row.state.counts_as_sent()) {
            for line in &row.draft.lines {
                assert!(keys.insert(line.key.to_string()), "{} twice (I1)", line.key);
            }
        }
        let copies = |row: &OutboxLetter| {
            let id = row.made.as_ref().map(|made| made.parcel.message_id.clone());
            accepted.iter().filter(|(_, parcel)| Some(&parcel.message_id) == id.as_ref()).count()
        };
        for row in &rows {
            let name = format!("letter {} {}/{} {}", row.id, row.draft.rule, row.draft.stage, row.state);
            match row.state {
                LetterState::Sent | LetterState::Bounced => assert_eq!(copies(row), 1, "{name} (I4)"),
                LetterState::Uncertain | LetterState::Assumed => assert!(copies(row) <= 1, "{name} (I1)"),
                LetterState::Sending => panic!("{name} was left half-way (I3)"),
                LetterState::Queued
                | LetterState::Retry
                | LetterState::Rejected
                | LetterState::Cancelled
                | LetterState::Expired
                | LetterState::Held => assert_eq!(copies(row), 0, "{name} (I1)"),
            }
        }
        self.check_nothing_forgotten(&rows);
    }

    /// Whoever owed all the time, and could be written to, was written to.
    fn check_nothing_forgotten(&self, rows: &[OutboxLetter]) {
        for (id, item) in &self.business.items {
            let customer = &self.business.customers[item.customer];
            let reachable = customer.email.contains('@');
            let long_overdue = item.due_on < date(2026, 10, 1) && item.issued_on < date(2026, 9, 1);
            let owing = item.status == "open" && item.paid == 0 && item.pauses.is_empty();
            if !(reachable && long_overdue && owing) {
                continue;
            }
            let about = rows.iter().filter(|row| {
                row.draft.lines.iter().any(|line| line.key.subject.id() == id)
                    && row.draft.rule.as_str() == "payment-reminders"
            });
            let done =
                about.filter(|row| row.state.counts_as_sent() || row.state == LetterState::Held).count();
            assert!(done > 0, "{id} is due since {} and nobody was reminded (I3)", item.due_on);
        }
    }
}
