//! A log that nobody reads.

use std::fmt::Write as _;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::Duration;

use super::business::{Relay, to_port};
use super::signal;
use crate::black_box::courtesy::Installation;
use crate::relay::script::polite;

/// More than the lines about them find room for in a pipe.
const CUSTOMERS: usize = 400;

#[test]
fn a_log_that_nobody_reads_keeps_no_letter_waiting() {
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
    let mut customers = "id,name,email,contact_name,locale\n".to_owned();
    for n in 0..CUSTOMERS {
        writeln!(customers, "D{n},Bakery {n},d{n}@example.test,Ann Lee,en").expect("a String takes it");
    }
    shop.write("more.csv", &customers);
    assert_eq!(shop.run(&["import", "customers", "more.csv"]).code, 0);
    let visit = ["record", "event", "C1", "visit", "--outcome", "positive"];
    assert_eq!(shop.run(&visit).code, 0);

    let (reader, writer) = std::io::pipe().expect("a pipe");
    let log = File::from(OwnedFd::from(writer));
    let mut daemon = shop.start(&["--verbose", "run"], log);
    taken.recv_timeout(Duration::from_mins(2)).expect("the letter leaves although nobody reads");
    signal(daemon.id(), "TERM");
    let ended = daemon.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0));
    drop(reader);
}
