//! What becomes of a session over time: lateness, idleness, rate, limits.

use std::time::Duration;

use courtesy::domain::delivery::{Outcome, SmtpStage};
use courtesy::relay::{AnyRelay, Deliver, Relay, RelayError, SmtpRelay, SmtpSettings, Timeouts, Tls};
use tokio::time::{Instant, timeout};

use super::script::{Act, Scripted, Turn, pipelining, polite, say};
use super::{Ends, MESSAGE, PATIENT, SHORT, ann, ends, letter, open, plain, smtp};

#[tokio::test]
async fn the_late_answer_to_one_letter_is_never_the_answer_to_the_next() {
    let script = |turn: Turn| match (turn.connection, turn.verb) {
        (0, ".") => Act::SayLate("250 ok, at last\r\n".to_owned(), 2 * SHORT),
        (_, ".") => say("554 5.7.1 spam"),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let timeouts = Timeouts { final_dot: SHORT, ..PATIENT };
    let relay = smtp(SmtpSettings { timeouts, ..plain(scripted.port()) });
    let mut late = open(&relay).await;
    assert_eq!(ends(&relay.deliver(&mut late, &ann()).await), Ends::Uncertain);
    assert!(!relay.is_usable(&late));
    // Even a caller that does not ask gets nothing out of it.
    let again = relay.deliver(&mut late, &ann()).await;
    assert_eq!(ends(&again), Ends::NotSent(SmtpStage::Mail), "{again:?}");
    let mut fresh = open(&relay).await;
    let next = relay.deliver(&mut fresh, &letter("bob@example.test", &[], MESSAGE)).await;
    assert_eq!(ends(&next), Ends::LetterRefused(SmtpStage::FinalDot, 554), "{next:?}");
}

#[tokio::test]
async fn a_reply_too_many_never_makes_a_letter_count_as_sent() {
    // The doubled reply to MAIL shifts all that follow by one.
    for manners in [polite as fn(Turn) -> Act, pipelining] {
        let script = move |turn: Turn| match turn.verb {
            "MAIL" => say("250 ok\r\n250 ok"),
            "RCPT" => say("550 5.1.1 unknown"),
            _ => manners(turn),
        };
        let scripted = Scripted::start(script);
        let relay = smtp(plain(scripted.port()));
        let mut session = open(&relay).await;
        let outcome = relay.deliver(&mut session, &ann()).await;
        assert!(!matches!(outcome, Outcome::Accepted { .. } | Outcome::Uncertain { .. }), "{outcome:?}");
        assert!(!relay.is_usable(&session));
        assert_eq!(scripted.taken(), []);
    }
}

#[tokio::test]
async fn a_delivery_that_nobody_waits_for_spoils_its_session() {
    let script = |turn: Turn| if turn.verb == "MAIL" { Act::Hang } else { polite(turn) };
    let scripted = Scripted::start(script);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    let parcel = ann();
    let given_up = timeout(SHORT, relay.deliver(&mut session, &parcel)).await;
    assert!(given_up.is_err());
    assert!(!relay.is_usable(&session));
}

#[tokio::test]
async fn a_connection_that_ends_while_idle_is_seen_before_an_attempt_begins() {
    let script = |turn: Turn| match (turn.connection, turn.verb) {
        (0, ".") => Act::SayAndClose("250 ok\r\n".to_owned()),
        (1, ".") => Act::SayTwice("250 ok\r\n", SHORT, "421 4.4.2 idle too long\r\n"),
        (2, ".") => Act::SayTwice("250 ok\r\n", SHORT, "250 ok, once more\r\n"),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let relay = smtp(plain(scripted.port()));
    for _ in 0..3 {
        let mut session = open(&relay).await;
        assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
        let seen = async {
            while relay.is_usable(&session) {
                relay.ready(&mut session).await;
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENT.command, seen).await.expect("seen without a letter");
        relay.close(session).await;
    }
    let mut session = open(&relay).await;
    relay.ready(&mut session).await;
    assert!(relay.is_usable(&session));
    assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
    let of_letters = |line: &String| line.starts_with("MAIL");
    assert_eq!(scripted.lines().iter().filter(|line| of_letters(line)).count(), 4);
    assert_eq!((scripted.connections(), scripted.taken().len()), (4, 4));
}

/// Lets so much time pass for everybody at once.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_idle_session_is_asked_whether_it_lives_and_forgotten_after_half_a_minute() {
    let script = |turn: Turn| match (turn.connection, turn.verb) {
        (1, "NOOP") => say("451 what?"),
        (2, "NOOP") => Act::Hang,
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let timeouts = Timeouts { command: SHORT, ..PATIENT };
    let relay = smtp(SmtpSettings { timeouts, ..plain(scripted.port()) });
    let noops = || scripted.lines().iter().filter(|line| *line == "NOOP").count();
    let mut alive = open(&relay).await;
    relay.ready(&mut alive).await;
    assert_eq!(noops(), 0, "nothing needs to be asked of a fresh session");
    pass(Duration::from_secs(31)).await;
    assert!(!relay.is_usable(&alive), "too long without a word");
    relay.ready(&mut alive).await;
    assert_eq!((noops(), relay.is_usable(&alive)), (1, true), "it answered");
    assert_eq!(ends(&relay.deliver(&mut alive, &ann()).await), Ends::Sent);
    for asked in 2..4 {
        let mut dead = open(&relay).await;
        pass(Duration::from_secs(6)).await;
        assert!(relay.is_usable(&dead), "as far as anybody knows");
        relay.ready(&mut dead).await;
        assert_eq!((noops(), relay.is_usable(&dead)), (asked, false));
    }
}

#[tokio::test]
async fn without_asking_a_letter_learns_at_mail_that_the_connection_was_closed_while_idle() {
    let script = |turn: Turn| match turn.verb {
        "." => Act::SayAndClose("250 ok\r\n".to_owned()),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
    let outcome = relay.deliver(&mut session, &ann()).await;
    let Outcome::NotSent { stage: SmtpStage::Mail, cause, .. } = &outcome else { panic!("{outcome:?}") };
    assert_eq!(cause, "connection closed while idle");
    assert_eq!(scripted.taken().len(), 1);
}

#[tokio::test]
async fn a_session_ends_after_a_hundred_letters() {
    let scripted = Scripted::start(pipelining);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    let mut letters = 0;
    while relay.is_usable(&session) {
        relay.ready(&mut session).await;
        assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
        letters += 1;
    }
    assert_eq!((letters, scripted.taken().len()), (100, 100));
}

#[tokio::test]
async fn the_rate_holds_over_all_sessions_and_an_unused_turn_is_given_back() {
    let scripted = Scripted::start(polite);
    // 50 ms apart.
    let relay = smtp(SmtpSettings { rate_per_min: Some(1_200), ..plain(scripted.port()) });
    let (mut one, mut other) = (open(&relay).await, open(&relay).await);
    let begun = Instant::now();
    for turn in 0..3 {
        if turn % 2 == 0 {
            relay.ready(&mut one).await;
        }
        assert_eq!(ends(&relay.deliver(&mut one, &ann()).await), Ends::Sent);
        assert_eq!(ends(&relay.deliver(&mut other, &ann()).await), Ends::Sent);
    }
    assert!(begun.elapsed() >= Duration::from_millis(5 * 50), "{:?}", begun.elapsed());

    let slow = smtp(SmtpSettings { rate_per_min: Some(1), ..plain(scripted.port()) });
    let mut unused = open(&slow).await;
    slow.ready(&mut unused).await;
    slow.close(unused).await;
    let mut next = open(&slow).await;
    let sent = timeout(PATIENT.command, slow.deliver(&mut next, &ann())).await;
    assert_eq!(sent.map(|outcome| ends(&outcome)), Ok(Ends::Sent), "the minute's turn came back");
}

#[tokio::test]
async fn a_relay_without_ehlo_still_takes_plain_letters() {
    let script = |turn: Turn| if turn.verb == "EHLO" { say("502 5.5.1 what?") } else { polite(turn) };
    let scripted = Scripted::start(script);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
    assert_eq!(scripted.lines()[..2], ["EHLO courtesy.test", "HELO courtesy.test"]);
}

#[tokio::test]
async fn eight_bit_messages_go_where_they_are_taken() {
    let script = |turn: Turn| match turn.verb {
        "EHLO" => Act::Say("250-relay.test\r\n250 8bitmime\r\n".to_owned()),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let relay = smtp(plain(scripted.port()));
    let mut session = open(&relay).await;
    let parcel = letter("ann@example.test", &[], "Subject: a\r\n\r\n\u{60a8}\u{597d}\r\n");
    assert_eq!(ends(&relay.deliver(&mut session, &parcel).await), Ends::Sent);
    assert!(scripted.lines().iter().any(|line| line.ends_with(" BODY=8BITMIME")), "{:?}", scripted.lines());
    assert_eq!(scripted.taken()[0].bytes, &*parcel.bytes);
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_named_and_costs_nothing() {
    let free = {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        listener.local_addr().expect("bound").port()
    };
    let unreachable = smtp(plain(free)).open().await.expect_err("nobody there");
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Connect, false));
    assert!(unreachable.cause.contains(&format!("127.0.0.1:{free}")), "{unreachable}");
}

#[tokio::test]
async fn a_port_that_swallows_connections_is_not_waited_for_beyond_its_time() {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(0).expect("a bound socket");
    let address = listener.local_addr().expect("bound");
    // Nobody accepts: once its queue is full, the system answers nothing any more.
    let mut waiting = Vec::new();
    while let Ok(Ok(stream)) = timeout(SHORT, tokio::net::TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    let timeouts = Timeouts { connect: SHORT, ..PATIENT };
    let unreachable =
        smtp(SmtpSettings { timeouts, ..plain(address.port()) }).open().await.expect_err("nobody there");
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Connect, false), "{unreachable}");
    assert!(unreachable.cause.contains("no answer within"), "{unreachable}");
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_the_reason() {
    let with = |change: fn(&mut SmtpSettings)| {
        let mut settings = plain(25);
        change(&mut settings);
        SmtpRelay::new(settings).map(|_| ()).expect_err("refused")
    };
    let elsewhere =
        |host: &str| SmtpRelay::new(SmtpSettings { host: host.to_owned(), ..plain(25) }).map(|_| ());
    for host in ["mail.example", "192.0.2.1", "0.0.0.0", "127.0.0.1.example", "::2", ""] {
        assert!(matches!(elsewhere(host), Err(RelayError::PlainToElsewhere { .. })), "{host}");
    }
    for host in ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"] {
        assert!(elsewhere(host).is_ok(), "{host}");
    }
    assert!(matches!(with(|s| s.hello = "a\r\nQUIT".into()), RelayError::Hello { .. }));
    assert!(matches!(with(|s| s.hello = String::new()), RelayError::Hello { .. }));
    assert!(matches!(with(|s| s.rate_per_min = Some(0)), RelayError::NoRate));
    let no_file = with(|s| {
        s.tls = Tls::Implicit;
        s.ca_file = Some("no/such.pem".into());
    });
    assert!(matches!(no_file, RelayError::CaFile { .. }) && no_file.to_string().contains("no/such.pem"));
}

#[tokio::test]
async fn the_configured_relay_is_one_value_for_files_and_for_a_server() {
    let scripted = Scripted::start(polite);
    let folder = tempfile::tempdir().expect("a folder");
    for deliver in [Deliver::Files(folder.path().join("out")), Deliver::Smtp(plain(scripted.port()))] {
        let relay = AnyRelay::new(&deliver).expect("usable");
        let mut session = relay.open().await.expect("open");
        relay.ready(&mut session).await;
        assert_eq!(ends(&relay.deliver(&mut session, &ann()).await), Ends::Sent);
        assert!(relay.is_usable(&session));
        relay.close(session).await;
    }
    assert_eq!(scripted.taken().len(), 1);
    assert_eq!(std::fs::read_dir(folder.path().join("out")).expect("made").count(), 1);
}
