//! What is no longer needed goes, a little at a time.

use super::{Engine, journal};
use crate::clock::Clock;
use crate::relay::Relay;
use crate::store::{Store, Tidying};

/// So many letters lose their text in one transaction: a letter that leaves
/// meanwhile waits for it, some hundredths of a second.
const BATCH: usize = 50;
/// And so many transactions follow one another after a pass.
const BATCHES: u32 = 20;

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Removes the text of letters that were kept for long enough. Not for a
    /// HOLD, in which the clock may be wrong.
    pub async fn tidy(&self) {
        let (office, now) = (self.office(), self.clock.now());
        let kept = office.settings.bodies_kept.zip(office.settings.bodies_kept_since(now));
        let Some((kept, before)) = kept else { return };
        let because = format!("after {}, as `retention: {{ bodies }}` says", kept.in_words());
        let mut letters = 0;
        for _ in 0..BATCHES {
            let what = Tidying { before, because: because.clone(), limit: BATCH };
            match self.store.tidy(what, now).await {
                Ok(done) => {
                    letters += done.letters;
                    if !done.more {
                        break;
                    }
                }
                Err(cause) => {
                    journal::failed("removing the text of old letters", &cause);
                    break;
                }
            }
        }
        if letters > 0 {
            journal::tidied(letters);
        }
    }
}
