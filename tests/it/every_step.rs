//! Crash at every step: a small business whose machine stops before and after
//! the k-th thing that the program asks of its store, of its relay or says to
//! the mail server, for every k; or whose disk fails at the k-th request. Real
//! files beneath, and a mail server over real sockets. After each, what the
//! mail server took is compared with what the outbox says, and with what is
//! sent when nothing goes wrong.

mod business;
mod machine;
mod relay;
mod store;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use courtesy::domain::notice::LetterState;
use courtesy::engine::Office;

use self::business::{End, office, play};
use self::world::{Fault, Part, Step};

/// What becomes of each notice when nothing goes wrong.
const UNDISTURBED: &[(&str, LetterState)] = &[
    ("last-word/last-word R7", LetterState::Sent),
    ("reminders/firm R1", LetterState::Sent),
    ("reminders/friendly R1 R2", LetterState::Sent),
    ("reminders/friendly R3", LetterState::Cancelled),
    ("reminders/friendly R4", LetterState::Rejected),
    ("reminders/friendly R5", LetterState::Sent),
    ("reminders/friendly R6", LetterState::Uncertain),
    ("thanks/thanks V1", LetterState::Sent),
];

fn undisturbed(office: &Arc<Office>) -> End {
    let end = play(office, Fault::None);
    let found: Vec<(&str, LetterState)> =
        end.letters.iter().map(|(name, letter)| (name.as_str(), letter.state)).collect();
    assert_eq!(found, UNDISTURBED);
    end.keeps_the_promises();
    end
}

/// Plays with a fault at the first step, the second, and so on, until there
/// is no such step any more. Returns how many there were.
fn at_every_step(
    office: &Arc<Office>,
    fault: impl Fn(usize) -> Fault + Sync,
    check: impl Fn(usize, End) + Sync,
) -> usize {
    let (next, last) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let work = || {
            loop {
                let k = next.fetch_add(1, Ordering::SeqCst);
                if k >= last.load(Ordering::SeqCst) {
                    break;
                }
                let end = play(office, fault(k));
                if end.reached.is_some() {
                    check(k, end);
                } else {
                    last.fetch_min(k, Ordering::SeqCst);
                }
            }
        };
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    last.into_inner()
}

/// What the crashes came to, so that a test which meets nothing fails.
#[derive(Default, Debug)]
struct Met {
    steps: BTreeSet<Step>,
    harmless: usize,
    arrived: usize,
    not_arrived: usize,
    /// How often it was more than one letter.
    several: usize,
}

impl Met {
    fn note(&mut self, usual: &End, end: &End) {
        self.steps.extend(end.reached);
        let lost = end.differing(usual);
        let arrived: usize = lost.iter().map(|(_, letter)| letter.copies).sum();
        self.harmless += usize::from(lost.is_empty());
        self.arrived += arrived;
        self.not_arrived += lost.len() - arrived;
        self.several += usize::from(lost.len() > 1);
    }

    /// Both windows around DATA were visited, from both sides.
    fn bites(&self) {
        let did = |part, what, done| self.steps.contains(&Step { part, what, done });
        for (part, what) in [
            (Part::Store, "begin_attempt"),
            (Part::Relay, "deliver"),
            (Part::Talk, "."),
            (Part::Store, "finish_attempt"),
        ] {
            assert!(did(part, what, false) && did(part, what, true), "{part:?} {what}: {:?}", self.steps);
        }
        for what in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body"] {
            assert!(did(Part::Talk, what, false), "{what}: {:?}", self.steps);
        }
        let (harmless, arrived, not_arrived) = (self.harmless, self.arrived, self.not_arrived);
        assert!(harmless > 100 && arrived > 10 && not_arrived > 10, "{harmless} {arrived} {not_arrived}");
    }
}

/// The machine stops at every step in turn. Each letter ends as it does when
/// nothing goes wrong, but for at most one a connection, of which nobody can
/// know: it says so, and went once or not at all.
fn stopped_at_every_step(connections: usize, fault: fn(usize) -> Fault) -> (usize, Met) {
    let office = office(connections);
    let usual = undisturbed(&office);
    let met = Mutex::new(Met::default());
    let steps = at_every_step(&office, fault, |k, end| {
        end.keeps_the_promises();
        let lost = end.differing(&usual);
        assert!(lost.len() <= connections, "step {k}, {:?}: {lost:#?}", end.reached);
        for (name, letter) in &lost {
            let expected =
                if name.starts_with("thanks") { LetterState::Assumed } else { LetterState::Uncertain };
            assert_eq!(letter.state, expected, "step {k}, {:?}: {name}", end.reached);
            assert!(letter.reason.contains("the process ended"), "{letter:?}");
        }
        met.lock().expect("what was met").note(&usual, &end);
    });
    (steps, met.into_inner().expect("what was met"))
}

#[test]
fn stopped_before_and_after_every_step_it_sends_nothing_twice_and_loses_nothing() {
    let (steps, met) = stopped_at_every_step(1, Fault::Stop);
    met.bites();
    assert!(steps > 250, "only {steps} steps");
}

#[test]
fn stopped_at_every_step_of_three_couriers_at_most_three_letters_are_uncertain() {
    let (steps, met) = stopped_at_every_step(3, Fault::StopCouriers);
    assert!(steps > 60 && met.several > 5, "{steps} steps, {} times more than one", met.several);
}

/// The disk fails at every request in turn, once or for a while, before the
/// store has done it or behind it. Everything ends as if nothing had gone
/// wrong, and the failure was told.
#[test]
fn a_disk_that_fails_at_any_request_loses_nothing_and_sends_nothing_twice() {
    let office = office(1);
    let usual = undisturbed(&office);
    let asked = Mutex::new(BTreeMap::<&str, usize>::new());
    let times = |k: usize| [1, 2, 9][k % 3];
    let steps = at_every_step(
        &office,
        |at| Fault::Fail { at, times: times(at) },
        |k, end| {
            end.keeps_the_promises();
            let lost = end.differing(&usual);
            assert!(lost.is_empty(), "request {k}, {:?}: {lost:#?}", end.reached);
            let step = end.reached.expect("it failed");
            // An outcome is written again and again, and the log tells of it.
            assert!(end.told > 0 || step.what == "finish_attempt", "request {k}, {step:?}: told nobody");
            *asked.lock().expect("a table").entry(step.what).or_default() += 1;
        },
    );
    let asked = asked.into_inner().expect("a table");
    for what in [
        "recover",
        "watch",
        "see_rules",
        "facts",
        "enqueue",
        "claimable",
        "payers",
        "letter_and_facts",
        "begin_attempt",
        "finish_attempt",
        "set_aside",
    ] {
        assert!(asked.get(what).is_some_and(|times| *times >= 2), "{what}: {asked:?}");
    }
    assert!(steps > 150, "only {steps} requests");
}
