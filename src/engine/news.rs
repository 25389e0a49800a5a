//! What others than the daemon did is told in its log, once: files that were
//! imported, what a person recorded or decided.

use std::sync::atomic::Ordering;

use super::{Engine, journal};
use crate::clock::Clock;
use crate::relay::Relay;
use crate::store::{Store, StoreError};

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Tells what was done since it was last asked.
    pub async fn tell_news(&self) {
        if let Err(cause) = self.told_news().await {
            journal::failed("telling what others did", &cause);
        }
    }

    async fn told_news(&self) -> Result<(), StoreError> {
        let mask = self.office().mask_addresses;
        // All of it, so that what is done next is not told before it.
        loop {
            let before = self.news_told.load(Ordering::SeqCst);
            let news = self.store.news(before).await?;
            let Some(last) = news.last().map(|last| last.number) else { return Ok(()) };
            for news in &news {
                journal::news(mask, news);
            }
            // Where the store can't be written, it is not told a second time.
            self.news_told.store(last, Ordering::SeqCst);
            self.store.told(last).await?;
            self.pulse.page();
        }
    }
}
