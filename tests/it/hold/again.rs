//! Letters that are tried again.

use std::sync::Mutex;

use courtesy::domain::delivery::{Outcome, Parcel, Reply, SmtpStage, Unreachable};
use courtesy::domain::notice::LetterState;
use courtesy::engine::rehearsal;
use courtesy::relay::MemorySession;
use courtesy::store::Record;
use jiff::SignedDuration;

use super::*;

/// Puts off each letter that it is offered, until it is told to be kind.
#[derive(Clone)]
struct PutsOff {
    offered: Arc<Mutex<Vec<Parcel>>>,
    kind: Arc<Mutex<bool>>,
    inner: MemoryRelay,
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

#[tokio::test]
async fn a_letter_that_is_tried_again_is_the_same_to_the_byte_unless_what_it_shows_has_changed() {
    let shop = Shop::with(1).await;
    let (inner, mailbox) = MemoryRelay::new();
    let relay = PutsOff { offered: Arc::default(), kind: Arc::default(), inner };
    let engine = shop.engine_with(relay.clone(), office());
    let hours = |n| at(MONDAY) + SignedDuration::from_hours(n);
    rehearsal::run_until(&engine, hours(2)).await.expect("the store works");
    let first = relay.offered.lock().expect("no panic").clone();
    assert!(first.len() > 2, "{}", first.len());
    assert!(first.iter().all(|parcel| *parcel == first[0]), "{first:?}");
    let payment = Record::Payment {
        id: None,
        receivable: Some("R0".into()),
        customer: None,
        amount: "400".to_owned(),
        currency: None,
        received_on: jiff::civil::date(2026, 3, 2),
    };
    engine.store().record(payment, shop.clock.now()).await.expect("recorded");
    *relay.kind.lock().expect("no panic") = true;
    rehearsal::run_until(&engine, hours(24 * 10)).await.expect("the store works");
    let letters = mailbox.letters();
    assert_ne!(letters[0].message_id, first[0].message_id, "another letter has another name");
    assert_ne!(letters[0].bytes, first[0].bytes);
    assert!(in_state(engine.store(), LetterState::Retry).await.is_empty());
}
