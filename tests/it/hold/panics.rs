//! A fault of this program in one letter keeps to that letter.

use courtesy::domain::delivery::{Outcome, Parcel, Unreachable};
use courtesy::domain::notice::LetterState;
use courtesy::relay::MemorySession;

use super::*;

/// Hands over every letter but one, over which it stumbles.
struct Stumbles {
    over: &'static str,
    inner: MemoryRelay,
}

impl Relay for Stumbles {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        self.inner.open().await
    }

    async fn deliver(&self, session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        // Somewhere in the middle of the conversation.
        tokio::task::yield_now().await;
        assert_ne!(parcel.to.as_str(), self.over, "on purpose");
        self.inner.deliver(session, parcel).await
    }

    fn is_usable(&self, session: &MemorySession) -> bool {
        self.inner.is_usable(session)
    }

    async fn close(&self, session: MemorySession) {
        self.inner.close(session).await;
    }
}

#[tokio::test]
async fn a_panic_while_handing_over_leaves_that_letter_uncertain_at_once_and_the_rest_goes() {
    let shop = Shop::with(20).await;
    let (inner, mailbox) = MemoryRelay::new();
    let engine = shop.engine_with(Stumbles { over: "c7@example.test", inner }, office());
    let (_, delivery) = beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 19);
    assert_eq!((delivery.letters.get("sent"), delivery.letters.get("uncertain")), (Some(&19), Some(&1)));
    assert!(in_state(engine.store(), LetterState::Sending).await.is_empty());
    let uncertain = in_state(engine.store(), LetterState::Uncertain).await;
    assert_eq!(uncertain[0].reason, "handing it over panicked; please report this");
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 19, "and it is not tried again");
}
