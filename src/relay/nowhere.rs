//! A relay for rehearsals: it accepts every letter and keeps none.

use crate::domain::delivery::{Outcome, Parcel, Reply, Unreachable};

use super::Relay;

/// Accepts every letter; nobody reads it.
#[derive(Clone, Copy, Debug)]
pub struct NowhereRelay;

/// A session of [`NowhereRelay`].
#[derive(Debug)]
pub struct NowhereSession(());

impl Relay for NowhereRelay {
    type Session = NowhereSession;

    async fn open(&self) -> Result<NowhereSession, Unreachable> {
        Ok(NowhereSession(()))
    }

    async fn deliver(&self, _session: &mut NowhereSession, _parcel: &Parcel) -> Outcome {
        let text = "2.0.0 rehearsed".to_owned();
        Outcome::Accepted {
            reply: Reply { code: 250, enhanced: Some((2, 0, 0)), text },
            left_out: Vec::new(),
        }
    }

    fn is_usable(&self, _session: &NowhereSession) -> bool {
        true
    }

    async fn close(&self, _session: NowhereSession) {}
}
