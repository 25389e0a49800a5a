//! Letters that are tried again.

use std::sync::Mutex;

use courtesy::domain::customer::Suppression;
use courtesy::domain::delivery::{Outcome, Parcel, Reply, SmtpStage, Unreachable};
use courtesy::domain::notice::LetterState;
use courtesy::domain::receivable::PauseCause;
use courtesy::engine::rehearsal;
use courtesy::relay::MemorySession;
use courtesy::store::Record;
use jiff::SignedDuration;
use jiff::civil::{Date, date};

use super::*;

const TODAY: Date = date(2026, 3, 2);

/// Puts off each letter that it is offered, until it is told to be kind.
#[derive(Clone)]
struct PutsOff {
    offered: Arc<Mutex<Vec<Parcel>>>,
    kind: Arc<Mutex<bool>>,
    inner: MemoryRelay,
}

impl PutsOff {
    fn new() -> (Self, Mailbox) {
        let (inner, mailbox) = MemoryRelay::new();
        (Self { offered: Arc::default(), kind: Arc::default(), inner }, mailbox)
    }

    fn offered(&self) -> Vec<Parcel> {
        self.offered.lock().expect("no panic").clone()
    }
}

impl Relay for PutsOff {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        self.inner.open().await
    }

    async fn deliver(&self, session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        self.offered.lock().expect("no panic").push(parcel.clone());
        if *self.kind.lock().expect("no panic") {
            return self.inner.deliver(session, parcel).await;
        }
        let reply = Reply { code: 451, enhanced: Some((4, 7, 1)), text: "4.7.1 later".to_owned() };
        Outcome::NotSent { stage: SmtpStage::Rcpt, cause: String::new(), reply: Some(reply) }
    }

    fn is_usable(&self, session: &MemorySession) -> bool {
        self.inner.is_usable(session)
    }

    async fn close(&self, session: MemorySession) {
        self.inner.close(session).await;
    }
}

fn hours(n: i64) -> Timestamp {
    at(MONDAY) + SignedDuration::from_hours(n)
}

fn payment(amount: &str) -> Record {
    Record::Payment {
        id: None,
        receivable: Some("R0".into()),
        customer: None,
        amount: amount.to_owned(),
        currency: None,
        received_on: TODAY,
    }
}

fn pause(cause: PauseCause) -> Record {
    Record::Pause {
        cause,
        receivable: Some("R0".into()),
        customer: None,
        from: TODAY,
        until: None,
        who: "Lin".to_owned(),
        reason: "said so".to_owned(),
    }
}

#[tokio::test]
async fn a_letter_that_is_tried_again_is_the_same_to_the_byte_unless_what_it_shows_has_changed() {
    let shop = Shop::with(1).await;
    let (relay, mailbox) = PutsOff::new();
    let engine = shop.engine_with(relay.clone(), office());
    rehearsal::run_until(&engine, hours(2)).await.expect("the store works");
    let first = relay.offered();
    assert!(first.len() > 2, "{}", first.len());
    assert!(first.iter().all(|parcel| *parcel == first[0]), "{first:?}");
    engine.store().record(payment("400"), shop.clock.now()).await.expect("recorded");
    *relay.kind.lock().expect("no panic") = true;
    rehearsal::run_until(&engine, hours(24 * 10)).await.expect("the store works");
    let letters = mailbox.letters();
    assert_ne!(letters[0].message_id, first[0].message_id, "another letter has another name");
    assert_ne!(letters[0].bytes, first[0].bytes);
    assert!(in_state(engine.store(), LetterState::Retry).await.is_empty());
}

#[tokio::test]
async fn paid_disputed_held_or_suppressed_while_it_waits_for_another_try_it_is_cancelled() {
    for what in ["settled", "disputed", "on hold", "suppressed"] {
        let shop = Shop::with(1).await;
        let (relay, mailbox) = PutsOff::new();
        let engine = shop.engine_with(relay.clone(), office());
        rehearsal::run_until(&engine, hours(2)).await.expect("the store works");
        assert_eq!(in_state(engine.store(), LetterState::Retry).await.len(), 1);
        let offered = relay.offered().len();
        let now = shop.clock.now();
        let recorded = match what {
            "settled" => engine.store().record(payment("1000"), now).await.map(drop),
            "disputed" => engine.store().record(pause(PauseCause::Dispute), now).await.map(drop),
            "on hold" => engine.store().record(pause(PauseCause::Hold), now).await.map(drop),
            _ => {
                let address = "c0@example.test".to_owned();
                let cause = "does not want letters".to_owned();
                let suppression = Suppression { address, classes: vec![], cause };
                engine.store().suppress(suppression, "Lin".to_owned(), now).await.map(drop)
            }
        };
        recorded.expect("recorded");
        *relay.kind.lock().expect("no panic") = true;
        rehearsal::run_until(&engine, hours(24 * 3)).await.expect("the store works");
        let cancelled = in_state(engine.store(), LetterState::Cancelled).await;
        assert!(cancelled.len() == 1 && cancelled[0].reason.contains(what), "{what}: {cancelled:?}");
        assert_eq!((relay.offered().len(), mailbox.letters().len()), (offered, 0), "{what}");
    }
}
