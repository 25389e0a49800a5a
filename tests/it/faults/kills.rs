//! SIGKILL at random moments.
//!
//! `COURTESY_KILLS=20000 COURTESY_SEED=7 cargo test --release kills` runs
//! more. The relay keeps every copy that it accepted; what the store says is
//! compared with it at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::business::{Business, CONNECTIONS, Relay, Row};
use super::{locked, number};
use crate::relay::script::{Act, Turn, pipelining, polite, say};
use crate::simulation::dice::Dice;

const KILLS: u64 = 1_000;
/// Customers who get a delivery together.
const BATCH: usize = 200;
/// With fewer letters than this to send, there are new ones.
const OPEN_LEAST: usize = 80;
/// So long the relay is listened to before a process that says nothing more
/// to it is killed.
const PATIENCE: Duration = Duration::from_millis(400);

/// What a process says in its log before it begins to plan.
const READY: &str = " ready";

fn is_ready(log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains(READY))
}

/// When a process is killed.
enum Moment {
    /// At the n-th thing that the relay is told.
    Turn(u64),
    /// So long after it was started.
    After(Duration),
    /// So long after it said that it was ready, while it plans.
    Ready(Duration),
}

/// What the relay does to make the moments many: it answers now and then
/// late, and refuses one letter in fifty once, for now.
struct Manners {
    dice: Mutex<Dice>,
    refused_once: Mutex<BTreeSet<String>>,
    calm: AtomicBool,
}

impl Manners {
    fn answer(&self, turn: Turn) -> Act {
        let manners = if turn.connection.is_multiple_of(2) { polite } else { pipelining };
        let usual = manners(turn);
        if self.calm.load(Ordering::SeqCst) {
            return usual;
        }
        let mut dice = locked(&self.dice);
        match turn.verb {
            "RCPT" if dice.chance(2) && locked(&self.refused_once).insert(turn.line.to_owned()) => {
                say("451 4.3.0 not now")
            }
            "." if dice.chance(50) => late(usual, dice.below(15)),
            "MAIL" | "DATA" if dice.chance(10) => late(usual, dice.below(5)),
            _ => usual,
        }
    }
}

fn late(act: Act, after_ms: u64) -> Act {
    match act {
        Act::Say(text) => Act::SayLate(text, Duration::from_millis(after_ms)),
        other => other,
    }
}

/// What the kills met with.
#[derive(Default, Debug)]
struct Met {
    /// Before the program said that it was ready.
    starting: usize,
    /// Afterwards, before it said anything to the relay.
    planning: usize,
    /// In a conversation with the relay.
    talking: usize,
    /// Letters found half-sent at the next start.
    half_sent: usize,
    /// The most of them after one kill.
    half_sent_most: usize,
}

struct Trial {
    business: Business,
    relay: Relay,
    manners: Arc<Manners>,
    turns: Receiver<()>,
    told: Arc<AtomicUsize>,
    dice: Dice,
    met: Met,
}

impl Trial {
    fn begin(seed: u64) -> Self {
        let manners = Arc::new(Manners {
            dice: Mutex::new(Dice::new(seed ^ 0xfeed)),
            refused_once: Mutex::default(),
            calm: AtomicBool::new(false),
        });
        let told = Arc::new(AtomicUsize::new(0));
        let (turn_over, turns) = mpsc::channel();
        let (answering, counting) = (Arc::clone(&manners), Arc::clone(&told));
        let relay = Relay::start(move |turn| {
            counting.fetch_add(1, Ordering::SeqCst);
            // After the last kill nobody counts any more.
            turn_over.send(()).ok();
            answering.answer(turn)
        });
        let business = Business::new(relay.port());
        Self { business, relay, manners, turns, told, dice: Dice::new(seed), met: Met::default() }
    }

    /// How many letters are still to be sent at least.
    fn open(&self) -> usize {
        let taken = self.relay.taken().len();
        let refused = locked(&self.manners.refused_once).len();
        self.business.customers.saturating_sub(taken + refused + self.met.half_sent)
    }

    fn kill_once(&mut self) {
        if self.open() < OPEN_LEAST {
            self.business.deliveries(BATCH);
        }
        let moment = match self.dice.below(10) {
            0..6 => Moment::Turn(1 + self.dice.below(120)),
            6..8 => Moment::After(Duration::from_millis(self.dice.below(90))),
            _ => Moment::Ready(Duration::from_millis(self.dice.below(8))),
        };
        while self.turns.try_recv().is_ok() {}
        let told_before = self.told.load(Ordering::SeqCst);
        let log = self.business.installation.path().join("log");
        let mut process = self.business.installation.start(&["run"], File::create(&log).expect("a file"));
        match moment {
            Moment::Turn(n) => {
                for _ in 0..n {
                    if self.turns.recv_timeout(PATIENCE).is_err() {
                        break;
                    }
                }
            }
            // Nothing is waited for: the moment is to be any.
            Moment::After(time) => thread::sleep(time),
            Moment::Ready(time) => {
                while !is_ready(&log) && process.try_wait().expect("it is ours").is_none() {
                    thread::yield_now();
                }
                thread::sleep(time);
            }
        }
        process.kill().expect("it runs");
        process.wait().expect("it ends");
        let talked = self.told.load(Ordering::SeqCst) > told_before;
        self.look_at(&fs::read_to_string(&log).expect("a log"), talked);
    }

    fn look_at(&mut self, log: &str, talked: bool) {
        assert!(!log.contains("panicked"), "{log}");
        match (log.contains(READY), talked) {
            (false, _) => self.met.starting += 1,
            (true, false) => self.met.planning += 1,
            (true, true) => self.met.talking += 1,
        }
        let half_sent =
            log.lines().find(|line| line.contains("uncertain: the process ended")).map_or(0, |line| {
                let letters = line.split("letters=").nth(1).expect("their numbers");
                letters.split(',').count()
            });
        assert!(half_sent <= CONNECTIONS, "more half-sent letters than sessions: {log}");
        self.met.half_sent += half_sent;
        self.met.half_sent_most = self.met.half_sent_most.max(half_sent);
    }

    /// Lets everything that waits go, and compares.
    fn end(self, kills: u64) {
        self.manners.calm.store(true, Ordering::SeqCst);
        self.business.send_all();
        let copies = self.relay.copies();
        let accepted: BTreeSet<String> = self.relay.taken().iter().map(|taken| id_of(&taken.bytes)).collect();
        let rows = self.business.outbox();
        let by_address: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.to.as_str(), row)).collect();
        assert_eq!(rows.len(), self.business.customers, "one letter a customer");
        let (mut sent, mut uncertain, mut arrived) = (0, 0, 0);
        for n in 0..self.business.customers {
            let address = format!("c{n}@example.test");
            let row = by_address.get(address.as_str()).unwrap_or_else(|| panic!("{address}: lost"));
            let copies = copies.get(&address).copied().unwrap_or_default();
            assert!(copies <= 1, "{address} was written to {copies} times: {row:?}");
            match row.state.as_str() {
                "sent" => {
                    assert_eq!(copies, 1, "said to be sent: {row:?}");
                    assert!(accepted.contains(&row.message_id), "{row:?}");
                    sent += 1;
                }
                "uncertain" => {
                    uncertain += 1;
                    arrived += copies;
                }
                _ => panic!("neither sent nor uncertain: {row:?}"),
            }
        }
        assert_eq!(copies.len(), sent + arrived, "nobody else was written to");
        report(kills, &self.met, sent, uncertain, arrived);
        let most = usize::try_from(kills).expect("not so many") * CONNECTIONS;
        assert!(uncertain <= most, "{uncertain} uncertain after {kills} kills");
        // A trial that meets nothing half-done would prove nothing.
        assert!(self.met.starting > 0 && self.met.talking > 0 && uncertain > 0, "{:?}", self.met);
    }
}

#[expect(clippy::print_stdout, reason = "the numbers of the last run stand in docs/reliability.md")]
fn report(kills: u64, met: &Met, sent: usize, uncertain: usize, arrived: usize) {
    println!(
        "{kills} kills ({met:?}): {sent} letters sent once, {uncertain} uncertain, of which {arrived} had arrived; \
         0 twice, 0 lost"
    );
}

/// The Message-ID of a message, without its brackets.
fn id_of(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let line = text.lines().find(|line| line.starts_with("Message-ID:")).expect("a Message-ID");
    line.split(['<', '>']).nth(1).expect("its brackets").to_owned()
}

#[expect(clippy::print_stdout, reason = "the seed that found something must be known")]
#[test]
fn killed_at_a_thousand_random_moments_it_sends_nothing_twice_and_loses_nothing() {
    let (kills, seed) = (number("COURTESY_KILLS", KILLS), number("COURTESY_SEED", 1));
    println!("seed {seed}, {kills} kills");
    let mut trial = Trial::begin(seed);
    for _ in 0..kills {
        trial.kill_once();
    }
    trial.end(kills);
}
