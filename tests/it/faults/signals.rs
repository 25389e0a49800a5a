//! Signals in the middle of a send.

use std::fs;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::business::{Business, Relay, to_port};
use super::{locked, signal};
use crate::black_box::courtesy::Daemon;
use crate::relay::script::{Act, Turn, polite};

/// A relay that stops at one verb of the first letter, tells the test, and
/// goes on when the test says so.
struct Gate {
    relay: Relay,
    reached: Receiver<()>,
    open: SyncSender<()>,
}

impl Gate {
    fn at(verb: &'static str) -> Self {
        let (tell, reached) = mpsc::sync_channel(1);
        let (open, wait) = mpsc::sync_channel(1);
        let once = Arc::new(Mutex::new(Some((tell, wait))));
        let relay = Relay::start(move |turn: Turn| {
            let gate = if turn.verb == verb { locked(&once).take() } else { None };
            if let Some((tell, wait)) = gate {
                tell.send(()).expect("the test waits for it");
                // A test that has failed lets go as well.
                wait.recv().ok();
            }
            polite(turn)
        });
        Self { relay, reached, open }
    }

    fn reached(&self) {
        self.reached.recv_timeout(Duration::from_mins(1)).expect("the letter gets there");
    }

    fn open(&self) {
        self.open.send(()).expect("it waits");
    }
}

/// Waits until the system says that a process is stopped.
fn stopped(process: u32) {
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it lives");
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next()).map(str::to_owned)
    };
    while state().as_deref() != Some("T") {
        thread::yield_now();
    }
}

#[test]
fn stopped_and_continued_in_the_middle_of_a_send_it_goes_on_where_it_was() {
    for verb in ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "."] {
        let gate = Gate::at(verb);
        let mut business = Business::new(gate.relay.port());
        business.deliveries(3);
        let mut daemon = Daemon::start(&business.installation);
        gate.reached();
        signal(daemon.id(), "STOP");
        stopped(daemon.id());
        gate.open();
        signal(daemon.id(), "CONT");
        for _ in 0..3 {
            daemon.wait_for(" sent ");
        }
        assert_eq!(daemon.stop(), Some(0), "{verb}");
        assert!(business.outbox().iter().all(|row| row.state == "sent"), "{verb}");
        assert_eq!(gate.relay.copies().values().copied().collect::<Vec<_>>(), [1, 1, 1], "{verb}");
    }
}

#[test]
fn told_to_end_while_an_answer_is_awaited_it_waits_records_and_exits_well() {
    let gate = Gate::at(".");
    let mut business = Business::new(gate.relay.port());
    business.deliveries(1);
    let mut daemon = Daemon::start(&business.installation);
    gate.reached();
    daemon.signal("TERM");
    daemon.wait_for("stopping");
    gate.open();
    daemon.wait_for(" sent ");
    daemon.wait_for("stopped");
    assert_eq!(daemon.ended(), Some(0));
    assert_eq!(business.outbox()[0].state, "sent");
    assert_eq!(gate.relay.copies().values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn told_to_end_twice_it_waits_no_longer_and_leaves_the_letter_uncertain() {
    let gate = Gate::at(".");
    let mut business = Business::new(gate.relay.port());
    business.deliveries(1);
    let mut daemon = Daemon::start(&business.installation);
    gate.reached();
    daemon.signal("TERM");
    daemon.wait_for("stopping");
    daemon.signal("TERM");
    assert_eq!(daemon.ended(), Some(1));
    gate.open();
    let next = business.run(&["run", "--once"]);
    assert!(next.out.contains("uncertain: the process ended"), "{next:?}");
    let row = business.outbox().pop().expect("a letter");
    assert_eq!((row.state.as_str(), row.attempts), ("uncertain", 1), "{row:?}");
    // Whether the relay took it is not known, and it is not asked twice.
    business.run(&["run", "--once"]);
    assert_eq!(gate.relay.lines().iter().filter(|line| line.starts_with("MAIL")).count(), 1);
    business.run(&["outbox", "resolve", &row.id.to_string(), "--sent"]);
    assert_eq!(business.outbox()[0].state, "sent");
}

#[test]
fn a_storm_of_reloads_in_the_middle_of_a_send_disturbs_no_letter() {
    let gate = Gate::at(".");
    let mut business = Business::new(gate.relay.port());
    business.deliveries(20);
    let mut daemon = Daemon::start(&business.installation);
    gate.reached();
    for n in 0..30 {
        if n == 15 {
            business.installation.edit("config/rules/on-delivery.yaml", "class:", "clas:");
        }
        daemon.hang_up();
    }
    daemon.wait_for("stays in force");
    business.installation.edit("config/rules/on-delivery.yaml", "clas:", "class:");
    daemon.hang_up();
    daemon.wait_for(" reloaded rules");
    gate.open();
    // Other sessions went on sending while one was in the middle of its letter.
    while daemon.told(" sent letter=") < 20 {
        daemon.wait_for(" sent letter=");
    }
    assert_eq!(daemon.stop(), Some(0));
    assert!(business.outbox().iter().all(|row| row.state == "sent"));
    assert_eq!(gate.relay.copies().len(), 20);
    assert!(gate.relay.copies().values().all(|copies| *copies == 1));
}

/// Up to which size the system lets a process write files.
fn let_write(process: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:unlimited");
    let set = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status();
    assert!(set.expect("prlimit is there").success());
}

#[test]
fn a_disk_that_refuses_to_be_written_on_is_told_of_and_nothing_leaves_until_it_works_again() {
    let gate = Gate::at(".");
    let mut business =
        Business::delivering(&to_port(gate.relay.port()).replace("connections: 4", "connections: 1"));
    business.deliveries(6);
    let mut daemon = Daemon::start_within_limits(&business.installation);
    gate.reached();
    let_write(daemon.id(), "0");
    gate.open();
    for _ in 0..2 {
        let told = daemon.wait_for("the outcome can't be recorded");
        assert!(told.contains("disk I/O error") && told.contains("nothing else is sent meanwhile"), "{told}");
    }
    assert_eq!(gate.relay.copies().len(), 1, "the letter in hand, and no other");
    let_write(daemon.id(), "unlimited");
    while daemon.told(" sent letter=") < 6 {
        daemon.wait_for(" sent letter=");
    }
    assert_eq!(daemon.stop(), Some(0));
    assert!(business.outbox().iter().all(|row| row.state == "sent" && row.attempts == 1));
    assert_eq!(gate.relay.copies().len(), 6);
    assert!(gate.relay.copies().values().all(|copies| *copies == 1));
}

#[test]
fn an_uncertain_letter_is_told_to_the_operator_over_the_same_relay_and_once() {
    let first = Mutex::new(true);
    let relay = Relay::start(move |turn| {
        let is_first = turn.verb == "." && std::mem::replace(&mut *locked(&first), false);
        if is_first { Act::TakeAndClose } else { polite(turn) }
    });
    let mut business = Business::new(relay.port());
    business.deliveries(1);
    let mut daemon = Daemon::start(&business.installation);
    daemon.wait_for("uncertain");
    while daemon.told("the operator was told of trouble") == 0 {
        daemon.hang_up();
        daemon.wait_for(" reloaded rules");
    }
    daemon.hang_up();
    daemon.wait_for(" reloaded rules");
    assert_eq!(daemon.stop(), Some(0));
    let told: Vec<String> = relay
        .taken()
        .iter()
        .filter(|taken| taken.to == ["it@morningstar.test"])
        .map(|taken| String::from_utf8_lossy(&taken.bytes).into_owned())
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    for word in [
        "Subject: Courtesy: 1 letter waits for a person",
        "No. 1, on-delivery/reminder, Customer 0: uncertain",
    ] {
        assert!(told[0].contains(word), "{word} in {}", told[0]);
    }
    assert_eq!(relay.copies().values().copied().collect::<Vec<_>>(), [1], "the letter itself went once");
}
