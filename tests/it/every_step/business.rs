//! A week of a small business: two claims in one letter and its successor,
//! one paid before its letter leaves, a dead address, one that is to come
//! back later, one whose letter is taken without a word, one that waits for
//! approval, and thanks for a visit.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use courtesy::cli::load;
use courtesy::domain::event::EventOutcome;
use courtesy::domain::notice::LetterState;
use courtesy::engine::Office;
use courtesy::store::sqlite::{Decision, SqliteStore};
use courtesy::store::{ImportKind, OutboxFilter, OutboxLetter, Record, Store as _, With};
use jiff::{SignedDuration, Timestamp};

use super::machine::Machine;
use super::world::{Fault, Step, World};
use crate::relay::script::Taken;
use crate::store::world::{at, day, options, order, write};
use crate::support::quick_folder;

const FILES: &[(&str, &str)] = &[
    (
        "config/courtesy.yaml",
        r#"
business: { name: Morningstar, locale: en, timezone: Asia/Shanghai }
people: { manager: "lina@morningstar.test", operator: "it@morningstar.test" }
data_dir: ../data
store: { sqlite: courtesy.db }
mail:
  from: "Accounts <accounts@morningstar.test>"
  deliver: { smtp: { host: 127.0.0.1, port: 25, tls: none } }
rules: rules
templates: ../templates
letters: { hours: { from: "09:00", until: "18:00", days: any, timezone: business } }
guards: { free_space: 0MiB }
"#,
    ),
    (
        "config/rules/reminders.yaml",
        r"
rule: reminders
summary: What is overdue.
class: dunning
anchor: receivable.due_on
backlog: start
where: { kind: [invoice] }
combine: customer
stages:
  - { stage: friendly, at: +3d, template: reminder }
  - { stage: firm, at: +10d, template: reminder }
",
    ),
    (
        "config/rules/last-word.yaml",
        r"
rule: last-word
summary: What a person must agree to.
class: dunning
anchor: receivable.due_on
backlog: start
where: { kind: [promissory_note] }
stages:
  - { stage: last-word, at: +1d, template: reminder, approve: true }
",
    ),
    (
        "config/rules/thanks.yaml",
        r"
rule: thanks
summary: Thanks for a visit.
class: courtesy
anchor: event.visit
budget: moments
stages:
  - { stage: thanks, at: +10min, template: thanks }
",
    ),
    (
        "templates/en/reminder.md",
        "---\nsubject: \"An open claim of {{ customer.name }}\"\n---\nDear {{ customer.greeting }},\n\n\
         {{ items | table }}\n\nplease pay.\n",
    ),
    (
        "templates/en/thanks.md",
        "---\nsubject: \"Thank you, {{ customer.name }}\"\n---\nDear {{ customer.greeting }},\n\nthank you.\n",
    ),
    (
        "templates/layout.html",
        "<!DOCTYPE html>\n<html lang=\"{{ locale }}\"><head><title>{{ subject }}</title></head>\
         <body>{{ content }}</body></html>\n",
    ),
];

const CUSTOMERS: &str = "id,name,email,locale\n\
    C1,One,one@example.test,en\nC2,Two,two@example.test,en\nC3,Three,three@example.test,en\n\
    C4,Four,gone@example.test,en\nC5,Five,busy@example.test,en\nC6,Six,silent@example.test,en\n\
    C7,Seven,seven@example.test,en\n";

const CLAIMS: &str = "id,customer_id,kind,amount,currency,due_on\n\
    R1,C1,invoice,100,CNY,2026-02-20\nR2,C1,invoice,200,CNY,2026-02-20\n\
    R3,C3,invoice,300,CNY,2026-02-20\nR4,C4,invoice,400,CNY,2026-02-20\n\
    R5,C5,invoice,500,CNY,2026-02-20\nR6,C6,invoice,600,CNY,2026-02-20\n\
    R7,C7,promissory_note,700,CNY,2026-02-20\n";

/// Monday, seven in the morning in Shanghai: letters are queued, and wait
/// until nine.
const MONDAY: &str = "2026-03-01T23:00:00Z";

/// What people do, and when.
#[derive(Clone, Copy)]
enum Act {
    Visit,
    Pay(&'static [(&'static str, &'static str)]),
    Approve,
}

const WEEK: &[(&str, Act)] = &[
    ("2026-03-02T00:00:00Z", Act::Pay(&[("R3", "300")])),
    ("2026-03-02T02:20:00Z", Act::Visit),
    ("2026-03-02T03:00:00Z", Act::Approve),
    (
        "2026-03-02T04:00:00Z",
        Act::Pay(&[("R2", "200"), ("R4", "400"), ("R5", "500"), ("R6", "600"), ("R7", "700")]),
    ),
];

/// When the second reminder has left.
const NEXT_MONDAY: &str = "2026-03-09T02:00:00Z";

/// How the week ended.
pub struct End {
    /// By rule, stage and what they are about.
    pub letters: BTreeMap<String, Letter>,
    /// Where it went wrong, if it did.
    pub reached: Option<Step>,
    /// How often it said that something failed.
    pub told: usize,
}

/// A letter of the outbox, and what the mail server knows of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    pub state: LetterState,
    pub reason: String,
    pub copies: usize,
}

impl End {
    /// What must hold whatever went wrong.
    pub fn keeps_the_promises(&self) {
        for (name, letter) in &self.letters {
            let step = self.reached;
            let known = match letter.state {
                LetterState::Sent => letter.copies == 1,
                LetterState::Uncertain | LetterState::Assumed => {
                    letter.copies <= 1 && !letter.reason.is_empty()
                }
                LetterState::Cancelled | LetterState::Rejected => {
                    letter.copies == 0 && !letter.reason.is_empty()
                }
                LetterState::Queued
                | LetterState::Sending
                | LetterState::Bounced
                | LetterState::Retry
                | LetterState::Expired
                | LetterState::Held => false,
            };
            assert!(known, "{step:?}: {name}: {letter:?}");
        }
    }

    /// The letters that ended otherwise than they usually do. There are the
    /// same ones, whatever went wrong.
    pub fn differing(&self, usual: &Self) -> Vec<(&str, &Letter)> {
        let names = |end: &Self| end.letters.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(self), names(usual), "{:?}", self.reached);
        let ends =
            |letter: &Letter| (letter.state, letter.copies, letter.reason.contains("the process ended"));
        let pairs = self.letters.iter().zip(usual.letters.values());
        pairs
            .filter(|((_, one), other)| ends(one) != ends(other))
            .map(|((name, one), _)| (name.as_str(), one))
            .collect()
    }
}

/// The week in a world with a fault.
pub fn play(office: &Arc<Office>, fault: Fault) -> End {
    let folder = quick_folder();
    let file = folder.path().join("courtesy.db");
    std::fs::write(&file, imported()).expect("a store");
    let world = World::new(fault);
    let mut machine = Machine::new(world.clone(), file, Arc::clone(office), at(MONDAY));
    for (moment, act) in WEEK {
        machine.live_until(at(moment));
        machine.ask(async |store, now| perform(&store, *act, now).await);
    }
    machine.live_until(at(NEXT_MONDAY));
    world.calm();
    let taken = machine.server.taken();
    // Nothing is left to say, neither now nor in an hour.
    for _ in 0..2 {
        let pass = machine.beat().expect("nothing goes wrong any more");
        assert_eq!((pass.halt, pass.queued), (None, 0), "{:?}", world.reached());
        machine.clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(machine.server.taken(), taken, "{:?}", world.reached());
    let rows = machine.ask(async |store, _| store.outbox(OutboxFilter::default()).await.expect("the outbox"));
    End { letters: compared(&rows, &taken), reached: world.reached(), told: machine.told }
}

/// Its rules and letters, with so many couriers.
pub fn office(connections: usize) -> Arc<Office> {
    let folder = quick_folder();
    for (name, text) in FILES {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    }
    let config = load::config_at(&folder.path().join("config/courtesy.yaml")).expect("it is clean");
    let mut office = load::office(config).expect("it is clean");
    office.connections = connections;
    Arc::new(office)
}

/// The bytes of a store that has the customers and their claims.
fn imported() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let folder = quick_folder();
        let file = folder.path().join("courtesy.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = SqliteStore::open(&file, options()).expect("a store");
        runtime.block_on(async {
            for (kind, table) in [(ImportKind::Customers, CUSTOMERS), (ImportKind::Receivables, CLAIMS)] {
                let order = order(kind, write(folder.path(), "table.csv", table));
                let report = store.import(order, Arc::new(|_| {}), at(MONDAY)).await.expect("an import");
                assert!(report.kept, "{report:?}");
            }
        });
        drop(store);
        std::fs::read(file).expect("its bytes")
    })
}

async fn perform(store: &SqliteStore, act: Act, now: Timestamp) {
    match act {
        Act::Visit => {
            let visit = Record::Event {
                id: Some("V1".to_owned()),
                with: With::Customer("C2".into()),
                kind: "visit".to_owned(),
                occurred_at: now,
                outcome: Some(EventOutcome::Positive),
                product: None,
                note: None,
            };
            store.record(visit, now).await.expect("recorded");
        }
        Act::Pay(payments) => {
            for (claim, amount) in payments {
                let payment = Record::Payment {
                    id: None,
                    receivable: Some((*claim).into()),
                    customer: None,
                    amount: (*amount).to_owned(),
                    currency: None,
                    received_on: day("2026-03-02"),
                };
                store.record(payment, now).await.expect("recorded");
            }
        }
        Act::Approve => {
            let held = OutboxFilter { states: vec![LetterState::Held], ..OutboxFilter::default() };
            let held = store.outbox(held).await.expect("the outbox");
            assert_eq!(held.len(), 1, "{held:?}");
            store.decide(held[0].id, Decision::Release, "agreed".to_owned(), now).await.expect("released");
        }
    }
}

/// What the outbox says, with what the mail server took.
fn compared(rows: &[OutboxLetter], taken: &[Taken]) -> BTreeMap<String, Letter> {
    let mut letters = BTreeMap::new();
    let mut known = 0;
    for row in rows {
        let mut about: Vec<&str> = row.draft.lines.iter().map(|line| line.key.subject.id()).collect();
        about.sort_unstable();
        let name = format!("{}/{} {}", row.draft.rule, row.draft.stage, about.join(" "));
        let copies = row.made.as_ref().map_or(0, |made| {
            let header = format!("Message-ID: <{}>\r\n", made.parcel.message_id);
            let is_copy = |taken: &&Taken| String::from_utf8_lossy(&taken.bytes).contains(&header);
            let copies: Vec<&Taken> = taken.iter().filter(is_copy).collect();
            assert!(copies.iter().all(|copy| copy.to == [made.parcel.to.as_str()]), "{name}: {copies:?}");
            copies.len()
        });
        known += copies;
        let letter = Letter { state: row.state, reason: row.reason.clone(), copies };
        assert!(letters.insert(name.clone(), letter).is_none(), "{name} stands there twice: {rows:#?}");
    }
    assert_eq!(known, taken.len(), "the outbox knows of everything that was taken");
    letters
}
