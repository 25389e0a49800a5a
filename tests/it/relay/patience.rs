//! How long is waited with the usual settings (RFC 5321 4.5.3.2).

use std::time::Duration;

use courtesy::domain::delivery::{Parcel, SmtpStage};
use courtesy::relay::{Relay, SmtpSettings, Timeouts};
use tokio::time::Instant;

use super::script::{Act, Scripted, Turn, polite};
use super::{Ends, PATIENT, ann, ends, letter, open, plain, smtp};

const MINUTE: Duration = Duration::from_mins(1);

fn usual(port: u16) -> SmtpSettings {
    SmtpSettings { timeouts: Timeouts::default(), ..plain(port) }
}

/// Far larger than what the sockets of this machine swallow unread.
fn long() -> Parcel {
    letter("ann@example.test", &[], ("x".repeat(900) + "\r\n").repeat(14_000))
}

#[tokio::test(start_paused = true)]
async fn a_byte_every_ten_seconds_buys_no_time_at_any_stage() {
    let not_sent = Ends::NotSent;
    for (verb, minutes, expected) in [
        ("greeting", 5, not_sent(SmtpStage::Greeting)),
        ("EHLO", 5, not_sent(SmtpStage::Ehlo)),
        ("MAIL", 5, not_sent(SmtpStage::Mail)),
        ("RCPT", 5, not_sent(SmtpStage::Rcpt)),
        ("DATA", 2, not_sent(SmtpStage::Data)),
        (".", 10, Ends::Uncertain),
    ] {
        let drip = Act::Drip("250-", Duration::from_secs(10));
        let script = move |turn: Turn| if turn.verb == verb { drip.clone() } else { polite(turn) };
        let scripted = Scripted::start(script);
        let relay = smtp(usual(scripted.port()));
        let begun = Instant::now();
        let ended = match relay.open().await {
            Ok(mut session) => ends(&relay.deliver(&mut session, &ann()).await),
            Err(unreachable) => not_sent(unreachable.stage),
        };
        let waited = begun.elapsed();
        assert_eq!(ended, expected, "{verb}");
        assert!(waited >= minutes * MINUTE && waited < minutes * MINUTE + MINUTE, "{verb}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_stops_reading_is_waited_for_three_minutes() {
    let script = |turn: Turn| match turn.verb {
        "body" => Act::SayAndHang(String::new()),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let relay = smtp(usual(scripted.port()));
    let mut session = open(&relay).await;
    let begun = Instant::now();
    assert_eq!(ends(&relay.deliver(&mut session, &long()).await), Ends::NotSent(SmtpStage::Body));
    assert!(begun.elapsed() >= 3 * MINUTE && begun.elapsed() < 4 * MINUTE, "{:?}", begun.elapsed());
}

/// In time that passes: the windows of TCP know no other.
#[tokio::test]
async fn a_slow_relay_gets_the_whole_of_a_long_letter() {
    let script = |turn: Turn| match turn.verb {
        "body" => Act::SlowDown(Duration::from_millis(25)),
        _ => polite(turn),
    };
    let scripted = Scripted::start(script);
    let body = Duration::from_millis(1_500);
    let relay = smtp(SmtpSettings { timeouts: Timeouts { body, ..PATIENT }, ..plain(scripted.port()) });
    let mut session = open(&relay).await;
    let begun = Instant::now();
    let outcome = relay.deliver(&mut session, &long()).await;
    assert_eq!(ends(&outcome), Ends::Sent, "{outcome:?}");
    assert!(begun.elapsed() > 2 * body, "{:?}", begun.elapsed());
    assert_eq!(scripted.taken()[0].bytes, &*long().bytes);
}
