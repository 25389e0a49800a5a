//! A log that nobody reads.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use super::business::{Relay, to_port};
use super::signal;
use crate::black_box::courtesy::Installation;
use crate::relay::script::polite;

/// A daemon with one letter to send, and much to say about others.
struct Talkative {
    daemon: Child,
    log: PipeReader,
    taken: mpsc::Receiver<()>,
    _relay: Relay,
    _shop: Installation,
}

impl Talkative {
    fn about(customers: usize) -> Self {
        let (took, taken) = mpsc::channel();
        let relay = Relay::start(move |turn| {
            if turn.verb == "." {
                // The test may have ended.
                took.send(()).ok();
            }
            polite(turn)
        });
        let shop = Installation::with_a_customer();
        let smtp = format!("deliver: {{ smtp: {{ {} }} }}", to_port(relay.port()));
        shop.edit("config/courtesy.yaml", "deliver: { files: outbox }", &smtp);
        let mut table = "id,name,email,contact_name,locale\n".to_owned();
        for n in 0..customers {
            writeln!(table, "D{n},Bakery {n},d{n}@example.test,Ann Lee,en").expect("a String takes it");
        }
        shop.write("more.csv", &table);
        assert_eq!(shop.run(&["import", "customers", "more.csv"]).code, 0);
        let visit = ["record", "event", "C1", "visit", "--outcome", "positive"];
        assert_eq!(shop.run(&visit).code, 0);
        let (log, writer) = std::io::pipe().expect("a pipe");
        let daemon = shop.start(&["--verbose", "--log", "json", "run"], File::from(OwnedFd::from(writer)));
        Self { daemon, log, taken, _relay: relay, _shop: shop }
    }

    /// Until the letter has left, nobody reads.
    fn leave_unread(&self) {
        self.taken.recv_timeout(Duration::from_mins(2)).expect("the letter leaves although nobody reads");
    }

    fn stop(&mut self) {
        signal(self.daemon.id(), "TERM");
        assert_eq!(self.daemon.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_log_that_nobody_reads_keeps_no_letter_waiting() {
    // More than the lines about them find room for in a pipe.
    let mut talkative = Talkative::about(400);
    talkative.leave_unread();
    talkative.stop();
}

#[test]
fn lines_that_found_no_room_are_counted_and_told_once_somebody_reads_again() {
    // More than the lines about them find room for in the daemon as well.
    let mut talkative = Talkative::about(6_000);
    talkative.leave_unread();
    let mut lines = BufReader::new(talkative.log.try_clone().expect("a second handle")).lines();
    let mut next = || lines.next().expect("it lives").expect("its log is text");
    for _ in 0..9_000 {
        next();
    }
    // There is room now; the next look tells.
    signal(talkative.daemon.id(), "HUP");
    let told = loop {
        let line = next();
        if line.contains("lines of the log were lost") {
            break line;
        }
    };
    let told: serde_json::Value = serde_json::from_str(&told).expect("a line is an object");
    let number = |name: &str| told[name].as_u64().unwrap_or_else(|| panic!("{name} in {told}"));
    assert!(number("lines") > 100, "{told}");
    let moment = |name: &str| told[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    assert!(moment("since").is_some() && moment("since") <= moment("until"), "{told}");
    talkative.stop();
}
