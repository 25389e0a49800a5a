//! A relay that keeps letters in memory, for rehearsals and simulations.

use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::delivery::{Outcome, Parcel, Reply, Unreachable};

use super::Relay;

/// Accepts every letter and keeps it.
#[derive(Clone, Debug)]
pub struct MemoryRelay(Mailbox);

/// What a [`MemoryRelay`] accepted.
///
/// Shared and locked, because the couriers that deliver and the person who
/// reads are different tasks.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Mutex<Vec<Parcel>>>);

/// A session of [`MemoryRelay`].
#[derive(Debug)]
pub struct MemorySession(());

impl MemoryRelay {
    /// A relay, and the handle to read what it accepted.
    #[must_use]
    pub fn new() -> (Self, Mailbox) {
        let mailbox = Mailbox::default();
        (Self(mailbox.clone()), mailbox)
    }
}

impl Mailbox {
    /// Everything accepted so far, in that order.
    #[must_use]
    pub fn letters(&self) -> Vec<Parcel> {
        self.lock().clone()
    }

    /// The same, and forgets it.
    #[must_use]
    pub fn take(&self) -> Vec<Parcel> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Parcel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay for MemoryRelay {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        Ok(MemorySession(()))
    }

    async fn deliver(&self, _session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        self.0.lock().push(parcel.clone());
        Outcome::Accepted {
            reply: Reply { code: 250, enhanced: Some((2, 0, 0)), text: "2.0.0 kept in memory".to_owned() },
            left_out: Vec::new(),
        }
    }

    fn is_usable(&self, _session: &MemorySession) -> bool {
        true
    }

    async fn close(&self, _session: MemorySession) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::address::Address;

    #[tokio::test]
    async fn what_was_accepted_can_be_read_in_order_and_taken_once() {
        let (relay, mailbox) = MemoryRelay::new();
        let mut session = relay.open().await.unwrap();
        for n in ["1", "2"] {
            let parcel = Parcel {
                from: Address::parse("accounts@example.test").unwrap(),
                to: Address::parse("c1@example.test").unwrap(),
                cc: vec![],
                message_id: n.to_owned(),
                bytes: b"a\r\n"[..].into(),
            };
            assert!(matches!(relay.deliver(&mut session, &parcel).await, Outcome::Accepted { .. }));
        }
        let ids = |letters: Vec<Parcel>| letters.into_iter().map(|l| l.message_id).collect::<Vec<_>>();
        assert_eq!(ids(mailbox.letters()), ["1", "2"]);
        assert_eq!(ids(mailbox.take()), ["1", "2"]);
        assert_eq!(mailbox.letters(), []);
    }
}
