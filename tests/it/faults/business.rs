//! A small business whose mail goes to a relay of ours: one rule, short
//! letters, so that the program starts in milliseconds. One customer is one
//! notice, so that a second copy shows by its address alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::black_box::courtesy::{Installation, Shown};
use crate::relay::script::{Act, Scripted, Taken, Turn};

/// Who hears of trouble.
const OPERATOR: &str = "it@morningstar.test";

/// Sessions at once.
pub const CONNECTIONS: usize = 4;

const SETTINGS: &str = r#"
business: { name: Morningstar, locale: en, timezone: UTC }
people: { manager: "lina@morningstar.test", operator: "it@morningstar.test" }
data_dir: ../data
store: { sqlite: courtesy.db }
mail:
  from: "Accounts <accounts@morningstar.test>"
  deliver: { smtp: { RELAY } }
rules: rules
templates: ../templates
letters: { hours: { from: "00:00", until: "24:00", days: any, timezone: business }, per_pass: 100000,
           per_rule: 100000, unusual: { above: 100000 } }
"#;

const RULE: &str = "
rule: on-delivery
summary: What is to be paid on delivery.
class: dunning
anchor: event.delivery
stages:
  - { stage: reminder, at: +0min, template: reminder }
";

const LETTER: &str = r#"---
subject: "Your delivery, {{ customer.name }}"
---
Dear {{ customer.greeting }},

please pay on delivery.
"#;

const LAYOUT: &str = r#"<!DOCTYPE html>
<html lang="{{ locale }}"><head><title>{{ subject }}</title></head><body>{{ content }}</body></html>
"#;

/// A relay on a thread pool of its own, for tests that run a process.
pub struct Relay {
    scripted: Scripted,
    // Ends with the test, and the relay with it.
    _runtime: Runtime,
}

impl Relay {
    pub fn start(script: impl Fn(Turn) -> Act + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let scripted = {
            let _inside = runtime.enter();
            Scripted::start(script)
        };
        Self { scripted, _runtime: runtime }
    }

    pub fn port(&self) -> u16 {
        self.scripted.port()
    }

    /// Every message it took.
    pub fn taken(&self) -> Vec<Taken> {
        self.scripted.taken()
    }

    /// Every message that was read to its final dot, taken or not.
    pub fn offered(&self) -> Vec<Vec<u8>> {
        self.scripted.offered()
    }

    /// How many messages it took for each address of a customer.
    pub fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for taken in self.taken().into_iter().filter(|taken| taken.to != [OPERATOR]) {
            assert_eq!(taken.to.len(), 1, "one letter, one person: {:?}", taken.to);
            *copies.entry(taken.to[0].clone()).or_default() += 1;
        }
        copies
    }

    /// Every line it was told, without those of messages.
    pub fn lines(&self) -> Vec<String> {
        self.scripted.lines()
    }
}

/// A letter as `outbox list --json` shows it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: u64,
    pub state: String,
    pub reason: String,
    pub attempts: u64,
    pub to: String,
    pub message_id: String,
}

/// The settings of a relay on this machine.
pub fn to_port(port: u16) -> String {
    format!("host: 127.0.0.1, port: {port}, tls: none, connections: {CONNECTIONS}")
}

/// The business, and how many customers it has.
pub struct Business {
    pub installation: Installation,
    pub customers: usize,
}

impl Business {
    /// Delivers to this port. Its rule has been seen, so that what happens
    /// from now on counts.
    pub fn new(port: u16) -> Self {
        Self::delivering(&to_port(port))
    }

    /// The same with these settings of the way out.
    pub fn delivering(smtp: &str) -> Self {
        let business = Self::unseen(smtp);
        business.run(&["run", "--once"]);
        business
    }

    /// Before it was ever run.
    pub fn unseen(smtp: &str) -> Self {
        let installation = Installation::of(&[
            ("config/courtesy.yaml", &SETTINGS.replace("RELAY", smtp)),
            ("config/rules/on-delivery.yaml", RULE),
            ("templates/en/reminder.md", LETTER),
            ("templates/layout.html", LAYOUT),
        ]);
        Self { installation, customers: 0 }
    }

    /// Goes well or fails the test.
    pub fn run(&self, arguments: &[&str]) -> Shown {
        let shown = self.installation.run(arguments);
        assert_eq!(shown.code, 0, "{arguments:?}: {shown:?}");
        shown
    }

    /// So many new customers, each with a delivery just now.
    pub fn deliveries(&mut self, count: usize) {
        let batch = format!("b{}", self.customers);
        let mut table = "id,name,email,segment\n".to_owned();
        for n in self.customers..self.customers + count {
            writeln!(table, "C{n},Customer {n},c{n}@example.test,{batch}").expect("a String takes it");
        }
        self.customers += count;
        self.installation.write("customers.csv", &table);
        self.run(&["import", "customers", "customers.csv"]);
        self.run(&["record", "event", "--segment", &batch, "delivery"]);
    }

    /// Every letter that there is.
    pub fn outbox(&self) -> Vec<Row> {
        let shown = self.run(&["outbox", "list", "--json", "--limit", "1000000"]);
        let rows: Vec<Value> = serde_json::from_str(&shown.out).expect("JSON alone on stdout");
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        rows.iter()
            .map(|row| Row {
                id: row["id"].as_u64().expect("a number"),
                state: text(row, "state"),
                reason: text(row, "reason"),
                attempts: row["attempts"].as_u64().expect("a number"),
                to: text(row, "to"),
                message_id: text(row, "message_id"),
            })
            .collect()
    }

    /// Sends what waits, also what waits for another try, until nothing does.
    pub fn send_all(&self) {
        for _ in 0..10 {
            self.run(&["run", "--once"]);
            let waiting: Vec<String> = self
                .outbox()
                .into_iter()
                .filter(|row| ["queued", "retry", "sending"].contains(&row.state.as_str()))
                .map(|row| row.id.to_string())
                .collect();
            if waiting.is_empty() {
                return;
            }
            let ids = waiting.iter().map(String::as_str);
            self.run(&["outbox", "retry"].into_iter().chain(ids).collect::<Vec<_>>());
        }
        panic!("letters wait and wait: {:?}", self.outbox());
    }
}
