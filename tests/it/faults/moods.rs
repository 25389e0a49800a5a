//! Relays in every mood, and what becomes of the letters of the real binary.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::business::{Business, Relay, Row, to_port};
use crate::black_box::courtesy::Shown;
use crate::relay::script::{Act, Turn, polite, say};

/// A relay that does something else until it is told to be polite.
fn moody(script: fn(Turn) -> Act) -> (Relay, Arc<AtomicBool>) {
    let polite_now = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&polite_now);
    let relay =
        Relay::start(move |turn| if asked.load(Ordering::SeqCst) { polite(turn) } else { script(turn) });
    (relay, polite_now)
}

/// One pass that ends badly, and says so.
fn fails(business: &Business) -> Shown {
    let shown = business.installation.run(&["run", "--once"]);
    assert_eq!(shown.code, 1, "{shown:?}");
    shown
}

/// In every letter's state: how many.
fn states(business: &Business) -> Vec<(String, u64)> {
    let mut states: Vec<(String, u64)> =
        business.outbox().into_iter().map(|row| (row.state, row.attempts)).collect();
    states.sort();
    states
}

fn all_arrive_once(business: &Business, relay: &Relay) {
    business.send_all();
    assert!(business.outbox().iter().all(|row| row.state == "sent"), "{:?}", business.outbox());
    assert_eq!(relay.copies().len(), business.customers);
    assert!(relay.copies().values().all(|copies| *copies == 1));
}

#[test]
fn a_letter_refused_for_now_goes_later_with_the_same_bytes_and_once() {
    let (relay, polite_now) = moody(|turn| match turn.verb {
        "." => say("451 4.3.0 not now"),
        _ => polite(turn),
    });
    let mut business = Business::new(relay.port());
    business.deliveries(1);
    business.run(&["run", "--once"]);
    let refused = business.outbox().pop().expect("a letter");
    assert_eq!((refused.state.as_str(), refused.attempts), ("retry", 1), "{refused:?}");
    assert!(refused.reason.contains("451 4.3.0 not now"), "{refused:?}");
    let offered = business.run(&["outbox", "show", &refused.id.to_string()]).out;
    polite_now.store(true, Ordering::SeqCst);
    all_arrive_once(&business, &relay);
    let sent = business.outbox().pop().expect("a letter");
    assert_eq!((&sent.message_id, sent.attempts), (&refused.message_id, 2));
    assert_eq!(relay.offered(), [relay.taken()[0].bytes.clone(), relay.taken()[0].bytes.clone()]);
    let taken = String::from_utf8(relay.taken()[0].bytes.clone()).expect("text");
    assert!(taken.contains(&format!("Message-ID: <{}>", sent.message_id)), "{taken}");
    assert!(offered.contains(&sent.message_id), "{offered}");
}

#[test]
fn when_nobody_listens_letters_wait_and_no_attempt_is_used_up() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let mut business = Business::new(port);
    business.deliveries(3);
    let shown = fails(&business);
    assert!(shown.err.contains("mail server"), "{shown:?}");
    assert_eq!(states(&business), vec![("queued".to_owned(), 0); 3]);
    let relay = Relay::start(polite);
    business.installation.edit(
        "config/courtesy.yaml",
        &format!("port: {port}"),
        &format!("port: {}", relay.port()),
    );
    all_arrive_once(&business, &relay);
}

#[test]
fn a_relay_that_refuses_everybody_by_policy_is_paused_and_consumes_no_stage() {
    let (relay, polite_now) = moody(|turn| match turn.verb {
        "RCPT" => say("550 5.7.1 your address is on a list"),
        _ => polite(turn),
    });
    let mut business = Business::new(relay.port());
    business.deliveries(12);
    let shown = fails(&business);
    assert!(shown.out.contains("the relay is paused; a person must act"), "{shown:?}");
    assert!(business.outbox().iter().all(|row| row.state == "queued"), "{:?}", business.outbox());
    let asked = relay.lines().iter().filter(|line| line.starts_with("RCPT")).count();
    assert!(asked < 12, "it was asked {asked} times after it had refused three");
    polite_now.store(true, Ordering::SeqCst);
    all_arrive_once(&business, &relay);
}

#[test]
fn refused_credentials_pause_the_relay_and_never_show() {
    let (relay, polite_now) = moody(|turn| match turn.verb {
        "EHLO" => Act::Say("250-relay.test\r\n250 AUTH PLAIN\r\n".to_owned()),
        "AUTH" => say("535 5.7.8 horse-battery-staple is wrong"),
        _ => polite(turn),
    });
    let secret = "username: accounts, password: { file: secret }";
    let mut business = Business::unseen(&format!("{}, {secret}", to_port(relay.port())));
    business.installation.write("config/secret", "horse-battery-staple\n");
    business.run(&["run", "--once"]);
    business.deliveries(3);
    let shown = fails(&business);
    assert!(shown.out.contains("a person must act"), "{shown:?}");
    let said = format!("{shown:?}");
    assert!(!said.contains("horse-battery") && !said.contains("aG9yc2"), "{said}");
    assert_eq!(states(&business), vec![("queued".to_owned(), 0); 3]);
    // Nothing was said to it but EHLO and AUTH, each time.
    assert!(!relay.lines().iter().any(|line| line.starts_with("MAIL")));
    polite_now.store(true, Ordering::SeqCst);
    let without = business.installation.run(&["run", "--once"]);
    assert!(without.err.contains("AUTH"), "credentials are never left out by itself: {without:?}");
}

#[test]
fn one_dead_address_stops_no_other_letter() {
    let relay = Relay::start(|turn| match turn.line {
        line if line.starts_with("RCPT") && line.contains("<c1@") => say("550 5.1.1 no such user"),
        _ => polite(turn),
    });
    let mut business = Business::new(relay.port());
    business.deliveries(5);
    business.run(&["run", "--once"]);
    let rejected: Vec<Row> = business.outbox().into_iter().filter(|row| row.state != "sent").collect();
    assert_eq!(rejected.len(), 1, "{rejected:?}");
    assert_eq!((rejected[0].state.as_str(), rejected[0].to.as_str()), ("rejected", "c1@example.test"));
    assert_eq!(relay.copies().len(), 4);
    // The address is not written to again, whatever is due.
    business.run(&["record", "event", "C1", "delivery", "--id", "another"]);
    business.run(&["run", "--once"]);
    assert_eq!(relay.lines().iter().filter(|line| line.contains("<c1@")).count(), 1);
}

#[test]
fn sessions_that_end_in_the_middle_lose_and_repeat_nothing() {
    // Every session is ended after two letters, in one way after the other.
    let ends = AtomicUsize::new(0);
    let relay = Relay::start(move |turn| match (turn.verb, turn.letter) {
        (".", 1) => match ends.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Act::SayAndClose("250 2.0.0 queued, and goodbye\r\n".to_owned()),
            1 => say("250 2.0.0 queued\r\n421 4.3.2 that is enough"),
            _ => polite(turn),
        },
        _ => polite(turn),
    });
    let mut business = Business::new(relay.port());
    business.deliveries(60);
    all_arrive_once(&business, &relay);
}

#[test]
fn a_relay_that_takes_letters_and_says_nothing_leaves_them_uncertain_and_gets_them_once() {
    let relay = Relay::start(|turn| match turn.verb {
        "." if turn.connection % 2 == 0 => Act::TakeAndClose,
        "." => Act::Close,
        _ => polite(turn),
    });
    let mut business = Business::new(relay.port());
    business.deliveries(8);
    for _ in 0..4 {
        let shown = business.installation.run(&["run", "--once"]);
        assert!(shown.out.contains("uncertain") || shown.out.contains("0 queued"), "{shown:?}");
    }
    let rows = business.outbox();
    assert!(rows.iter().all(|row| row.state == "uncertain" && row.attempts == 1), "{rows:?}");
    assert!(relay.copies().values().all(|copies| *copies == 1), "{:?}", relay.copies());
    let offered = relay.lines().iter().filter(|line| line.starts_with("MAIL")).count();
    assert_eq!(offered, 8, "none is offered twice");
}
