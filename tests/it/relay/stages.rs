//! Each reply and each silence at each stage of the conversation.

use std::time::Duration;

use courtesy::domain::delivery::{Outcome, Parcel, SmtpStage};
use courtesy::relay::{Relay, Timeouts};
use tokio::task::JoinSet;

use super::script::{Act, Scripted, Turn, pipelining, polite, say};
use super::{Ends, MESSAGE, PATIENT, SHORT, ann, ends, letter, open, plain, smtp};

/// One deviation of an otherwise polite relay.
#[derive(Clone, Debug)]
struct Case {
    verb: &'static str,
    act: Act,
    expected: Ends,
    /// How many copies the relay took.
    copies: usize,
    /// Whether the session can take another letter.
    usable: bool,
}

fn case(verb: &'static str, act: Act, expected: Ends) -> Case {
    Case { verb, act, expected, copies: 0, usable: false }
}

/// Only the stage that is tried is impatient, so that a busy machine does not
/// make another one fail.
pub fn impatient_at(verb: &str) -> Timeouts {
    match verb {
        "greeting" | "EHLO" => Timeouts { greeting: SHORT, ..PATIENT },
        "STARTTLS" | "AUTH" | "MAIL" | "RCPT" => Timeouts { command: SHORT, ..PATIENT },
        "DATA" => Timeouts { data: SHORT, ..PATIENT },
        "body" => Timeouts { body: SHORT, ..PATIENT },
        "." => Timeouts { final_dot: SHORT, ..PATIENT },
        other => panic!("no stage for {other}"),
    }
}

pub fn is_silence(act: &Act) -> bool {
    matches!(act, Act::Hang | Act::Drip(..)) || matches!(act, Act::SayAndHang(said) if said.is_empty())
}

type Manners = fn(Turn) -> Act;

const MANNERS: [(&str, Manners); 2] = [("one by one", polite), ("pipelining", pipelining)];

/// Tries every case with every sort of relay, all at once.
async fn check(cases: Vec<Case>, parcel: Parcel) {
    let mut running = JoinSet::new();
    for case in cases {
        for (name, manners) in MANNERS {
            running.spawn(try_one(case.clone(), name, manners, parcel.clone()));
        }
    }
    while let Some(tried) = running.join_next().await {
        tried.expect("as expected");
    }
}

async fn try_one(case: Case, name: &'static str, manners: Manners, parcel: Parcel) {
    let (verb, act) = (case.verb, case.act.clone());
    let script = move |turn: Turn| if turn.verb == verb { act.clone() } else { manners(turn) };
    let scripted = Scripted::start(script);
    let mut settings = plain(scripted.port());
    if is_silence(&case.act) {
        settings.timeouts = impatient_at(case.verb);
    }
    let relay = smtp(settings);
    let mut session = open(&relay).await;
    let outcome = relay.deliver(&mut session, &parcel).await;
    let shown: String = format!("{name}: {outcome:?} to {case:?}").chars().take(400).collect();
    assert_eq!(ends(&outcome), case.expected, "{shown}");
    assert_eq!(relay.is_usable(&session), case.usable, "{shown}");
    assert_eq!(scripted.taken().len(), case.copies, "{shown}");
    if case.copies > 0 {
        assert_eq!(scripted.taken()[0].bytes, &*parcel.bytes, "{shown}");
    }
    relay.close(session).await;
}

/// What is no answer to anything, at whichever stage.
pub fn nonsense() -> Vec<Act> {
    vec![
        say("150 wait"),
        say("HTTP/1.1 400 Bad Request"),
        say("2x0 ok"),
        say(""),
        Act::Say(format!("250-{}\r\n", "x".repeat(5_000))),
        Act::Say("250-again\r\n".repeat(200)),
        Act::Say("250 no line end".repeat(100_000)),
        Act::Say("250-yes\r\n550 no\r\n".to_owned()),
        Act::Hang,
        Act::Drip("250 ", Duration::from_millis(20)),
        Act::Close,
        Act::SayAndClose("25".to_owned()),
        Act::Reset,
    ]
}

#[tokio::test]
async fn before_the_body_nothing_but_yes_leads_on_and_all_else_is_certainly_not_sent() {
    let mut cases = Vec::new();
    for (verb, stage) in [("MAIL", SmtpStage::Mail), ("RCPT", SmtpStage::Rcpt), ("DATA", SmtpStage::Data)] {
        let not_sent = |act| case(verb, act, Ends::NotSent(stage));
        cases.extend(nonsense().into_iter().map(not_sent));
        cases.push(not_sent(say("421 4.3.2 shutting down")));
        cases.push(not_sent(say("421 5.3.2 shutting down, it says for good")));
        cases.push(not_sent(say(if verb == "DATA" { "250 ok" } else { "354 go on" })));
    }
    for (verb, stage) in [("MAIL", SmtpStage::Mail), ("DATA", SmtpStage::Data)] {
        for (reply, expected) in [
            ("451 4.3.0 not now", Ends::NotSent(stage)),
            ("550 4.7.1 not now, it means", Ends::NotSent(stage)),
            ("552 5.3.4 too big", Ends::LetterRefused(stage, 552)),
            ("554 no", Ends::LetterRefused(stage, 554)),
        ] {
            cases.push(case(verb, say(reply), expected));
        }
    }
    for (reply, expected) in [
        ("450 4.2.0 greylisted", Ends::NotSent(SmtpStage::Rcpt)),
        ("550 4.2.1 not now, it means", Ends::NotSent(SmtpStage::Rcpt)),
        ("550 5.1.1 no such user", Ends::RecipientRefused(550)),
        ("553-5.1.3 bad\r\n553 5.1.3 address", Ends::RecipientRefused(553)),
    ] {
        cases.push(Case { usable: true, ..case("RCPT", say(reply), expected) });
    }
    check(cases, ann()).await;
}

#[tokio::test]
async fn after_the_final_dot_only_a_clear_answer_is_certain() {
    let unclear = |act: Act| Case { copies: act.takes().into(), ..case(".", act, Ends::Uncertain) };
    let mut cases: Vec<Case> = nonsense().into_iter().map(unclear).collect();
    let dot = SmtpStage::FinalDot;
    for (reply, expected) in [
        ("354 go on", Ends::Uncertain),
        ("451 4.3.0 not now", Ends::NotSent(dot)),
        ("421 4.3.2 shutting down", Ends::NotSent(dot)),
        ("554 5.7.1 spam", Ends::LetterRefused(dot, 554)),
        ("550-no\r\n550 really", Ends::LetterRefused(dot, 550)),
        ("554 5.7.1 spam\r\n421 bye", Ends::LetterRefused(dot, 554)),
        ("451 not now\r\n250 or rather yes", Ends::Uncertain),
    ] {
        cases.push(case(".", say(reply), expected));
    }
    let sent = |act| Case { copies: 1, ..case(".", act, Ends::Sent) };
    cases.push(Case { usable: true, ..sent(say("250 ok")) });
    cases.push(Case { usable: true, ..sent(Act::Say("250-ok\r\n250 queued as 1\r\n".to_owned())) });
    cases.push(Case { usable: true, ..sent(say("251 2.0.0 elsewhere")) });
    cases.push(sent(say("250 ok\r\n421 closing")));
    cases.push(unclear(Act::TakeAndClose));
    cases.push(unclear(Act::SayAndClose(String::new())));
    check(cases, ann()).await;
}

#[tokio::test]
async fn an_end_while_the_body_is_written_is_not_sent_whatever_was_said() {
    let body = SmtpStage::Body;
    let hang_after = |said: &str| Act::SayAndHang(said.to_owned());
    let cases = vec![
        case("body", hang_after("552 5.3.4 too big\r\n"), Ends::LetterRefused(body, 552)),
        case("body", hang_after("451 4.3.1 disk full\r\n"), Ends::NotSent(body)),
        case("body", hang_after("421 4.3.2 shutting down\r\n"), Ends::NotSent(body)),
        case("body", hang_after("250 thanks, that is enough\r\n"), Ends::NotSent(body)),
        case("body", hang_after("!\r\n"), Ends::NotSent(body)),
        case("body", hang_after(""), Ends::NotSent(body)),
        case("body", Act::SayAndClose("552 5.3.4 too big\r\n".to_owned()), Ends::LetterRefused(body, 552)),
        case("body", Act::Close, Ends::NotSent(body)),
        case("body", Act::Reset, Ends::NotSent(body)),
    ];
    // More than the sockets of this machine swallow unread.
    let line = "x".repeat(900) + "\r\n";
    check(cases, letter("ann@example.test", &[], line.repeat(7_000))).await;
}

#[tokio::test]
async fn a_relay_that_does_not_greet_well_costs_no_letter() {
    let mut cases = vec![say("421 4.3.2 not now"), say("554 no"), say("354 go on")];
    cases.extend(nonsense());
    let mut running = JoinSet::new();
    for (verb, stage) in [("greeting", SmtpStage::Greeting), ("EHLO", SmtpStage::Ehlo)] {
        for act in cases.clone() {
            running.spawn(async move {
                let told = act.clone();
                let script = move |turn: Turn| match turn.verb {
                    at if at == verb => told.clone(),
                    "HELO" => say("502 no"),
                    _ => polite(turn),
                };
                let scripted = Scripted::start(script);
                let mut settings = plain(scripted.port());
                if is_silence(&act) {
                    settings.timeouts = impatient_at(verb);
                }
                let unreachable = smtp(settings).open().await.expect_err("no session");
                assert_eq!(
                    (unreachable.stage, unreachable.needs_person),
                    (stage, false),
                    "{act:?}: {unreachable}"
                );
                assert_eq!(scripted.taken(), []);
            });
        }
    }
    while let Some(tried) = running.join_next().await {
        tried.expect("as expected");
    }
}

#[tokio::test]
async fn letters_arrive_whole_and_in_order_over_one_session() {
    for (name, manners) in MANNERS {
        let scripted = Scripted::start(manners);
        let relay = smtp(plain(scripted.port()));
        let mut session = open(&relay).await;
        let letters: Vec<Parcel> = (0..5)
            .map(|n| letter(&format!("c{n}@example.test"), &["owner@morningstar.test"][..n % 2], MESSAGE))
            .collect();
        for parcel in &letters {
            let outcome = relay.deliver(&mut session, parcel).await;
            let Outcome::Accepted { reply, left_out } = outcome else { panic!("{name}: {outcome:?}") };
            assert_eq!((reply.to_string().as_str(), left_out), ("250 2.0.0 queued as Q1", vec![]));
        }
        relay.close(session).await;
        let taken = scripted.taken();
        assert_eq!(taken.len(), 5);
        for (taken, parcel) in taken.iter().zip(&letters) {
            let recipients: Vec<String> =
                std::iter::once(&parcel.to).chain(&parcel.cc).map(|to| to.as_str().to_owned()).collect();
            assert_eq!(
                (&taken.from, &taken.to),
                (&"accounts@morningstar.test".to_owned(), &recipients),
                "{name}"
            );
            assert_eq!(taken.bytes, &*parcel.bytes, "{name}");
        }
        assert_eq!(scripted.lines().last().map(String::as_str), Some("QUIT"), "{name}");
        let size = format!("MAIL FROM:<accounts@morningstar.test> SIZE={}", MESSAGE.len());
        assert_eq!(scripted.lines().contains(&size), name == "pipelining");
    }
}

#[tokio::test]
async fn a_refused_copy_is_left_out_and_the_letter_goes() {
    for (name, manners) in MANNERS {
        let script = move |turn: Turn| match turn.line {
            line if line.contains("guarantor@") => say("550 5.1.1 unknown"),
            line if line.contains("owner@") => say("450 4.2.0 greylisted"),
            _ => manners(turn),
        };
        let scripted = Scripted::start(script);
        let relay = smtp(plain(scripted.port()));
        let mut session = open(&relay).await;
        let cc = ["guarantor@bank.test", "boss@morningstar.test", "owner@morningstar.test"];
        let outcome = relay.deliver(&mut session, &letter("ann@example.test", &cc, MESSAGE)).await;
        let Outcome::Accepted { left_out, .. } = outcome else { panic!("{name}: {outcome:?}") };
        let left_out: Vec<(&str, u16)> =
            left_out.iter().map(|l| (l.address.as_str(), l.reply.code)).collect();
        assert_eq!(left_out, [("guarantor@bank.test", 550), ("owner@morningstar.test", 450)], "{name}");
        assert_eq!(scripted.taken()[0].to, ["ann@example.test", "boss@morningstar.test"], "{name}");
        assert!(relay.is_usable(&session), "{name}");
    }
}

#[tokio::test]
async fn when_the_main_recipient_is_refused_no_copy_gets_anything() {
    for (name, manners) in MANNERS {
        for reply in ["550 5.1.1 unknown", "450 4.2.0 greylisted"] {
            let script = move |turn: Turn| match (turn.verb, turn.line) {
                ("RCPT", line) if line.contains("ann@") => say(reply),
                _ => manners(turn),
            };
            let scripted = Scripted::start(script);
            let relay = smtp(plain(scripted.port()));
            let mut session = open(&relay).await;
            let parcel = letter("ann@example.test", &["owner@morningstar.test"], MESSAGE);
            let outcome = relay.deliver(&mut session, &parcel).await;
            assert!(!matches!(outcome, Outcome::Accepted { .. }), "{name}: {outcome:?}");
            assert!(!scripted.lines().iter().any(|line| line == "DATA"), "{name}: {:?}", scripted.lines());
            // The next letter goes over the same session and is whole.
            let next = relay.deliver(&mut session, &letter("bob@example.test", &[], MESSAGE)).await;
            assert_eq!(ends(&next), Ends::Sent, "{name}: {next:?}");
            assert_eq!(scripted.taken().len(), 1, "{name}");
            assert_eq!(scripted.taken()[0].to, ["bob@example.test"], "{name}");
        }
    }
}

#[tokio::test]
async fn a_354_without_any_recipient_is_ended_by_a_lone_dot_that_never_counts_as_sent() {
    for (to_the_dot, usable) in [("554 5.5.1 nobody to send it to", true), ("250 ok, sent to nobody", false)]
    {
        let script = move |turn: Turn| match (turn.verb, turn.letter) {
            ("RCPT", 0) => say("550 5.1.1 unknown"),
            ("DATA", 0) => say("354 go on"),
            (".", 0) => say(to_the_dot),
            _ => pipelining(turn),
        };
        let scripted = Scripted::start(script);
        let relay = smtp(plain(scripted.port()));
        let mut session = open(&relay).await;
        let outcome = relay.deliver(&mut session, &ann()).await;
        assert_eq!(ends(&outcome), Ends::RecipientRefused(550), "{to_the_dot}");
        assert_eq!(relay.is_usable(&session), usable, "{to_the_dot}");
        assert!(scripted.taken().iter().all(|taken| taken.to.is_empty() && taken.bytes.is_empty()));
    }
}

#[tokio::test]
async fn a_message_that_relays_could_read_differently_is_never_offered() {
    let scripted = Scripted::start(polite);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    let told_before = scripted.lines();
    for bytes in ["", "a\n.\nMAIL FROM:<x@y.test>\r\n", "a\r.\r\n", "a\0\r\n", "Gr\u{fc}\u{df}e\r\n"] {
        let outcome = relay.deliver(&mut session, &letter("ann@example.test", &[], bytes)).await;
        assert_eq!(ends(&outcome), Ends::LetterRefused(SmtpStage::Body, 554), "{bytes:?}: {outcome:?}");
    }
    assert_eq!(scripted.lines(), told_before);
    assert!(relay.is_usable(&session), "nothing was said, so nothing is out of step");
}
