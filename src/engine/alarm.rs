//! The operator hears of trouble: by a letter that goes to the relay at once,
//! past the outbox, because it must also tell that nothing leaves from there.
//!
//! Invariant: no customer is written to from here, and nobody who sends
//! letters waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::ToSpan as _;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::poison::contained_future;
use super::{Engine, PassReport, journal};
use crate::clock::Clock;
use crate::domain::address::masked_in;
use crate::domain::alarm::{Alarm, Book, Parked};
use crate::domain::delivery::{Outcome, Parcel};
use crate::letter::{alarm, mime};
use crate::relay::Relay;
use crate::store::{Store, StoreError};

/// How long before its end a calendar is told of.
const CALENDAR_DAYS: i32 = 30;

/// What is being told.
struct Ringing {
    alarms: Vec<Alarm>,
    done: JoinHandle<Result<(), String>>,
}

/// Tells the operator, one letter at a time.
pub(super) struct Bell<F> {
    book: Book,
    remember: F,
    ringing: Option<Ringing>,
}

impl<F: FnMut(&BTreeMap<String, Timestamp>)> Bell<F> {
    /// With what was told before; `remember` keeps what is told from now on.
    pub(super) fn new(told: BTreeMap<String, Timestamp>, remember: F) -> Self {
        Self { book: Book::remembering(told), remember, ringing: None }
    }

    /// After a look: tells what is to be told, and waits for nothing.
    pub(super) async fn ring<S: Store, R: Relay, C: Clock>(
        &mut self,
        engine: &Engine<S, R, C>,
        looked: &Result<PassReport, StoreError>,
    ) {
        let now = engine.clock().now();
        match self.ringing.take() {
            Some(ringing) if !ringing.done.is_finished() => {
                self.ringing = Some(ringing);
                return;
            }
            Some(ringing) => self.rang(ringing, now).await,
            None => {}
        }
        let alarms = match engine.troubles(looked, now).await {
            Ok(alarms) => alarms,
            Err(cause) => return journal::failed("looking for what the operator should know", &cause),
        };
        let due = self.book.due(alarms, now);
        if due.is_empty() {
            return;
        }
        match engine.letter_of(&due, now) {
            Ok(parcel) => {
                let relay = engine.relay();
                let done = tokio::spawn(async move { hand_over(relay, parcel).await });
                self.ringing = Some(Ringing { alarms: due, done });
            }
            Err(cause) => warn!(cause, "the operator can't be told of trouble"),
        }
    }

    async fn rang(&mut self, Ringing { alarms, done }: Ringing, now: Timestamp) {
        let told = alarms.iter().map(Alarm::key).collect::<Vec<_>>().join(", ");
        match done.await {
            Ok(Ok(())) => {
                info!(told, "the operator was told of trouble");
                self.book.note(&alarms, now);
                (self.remember)(&self.book.told);
            }
            Ok(Err(cause)) => {
                let cause = masked_in(&cause);
                warn!(told, cause, "the operator could not be told of trouble; tried again later");
            }
            Err(panic) => warn!(told, cause = %panic, "the operator could not be told of trouble"),
        }
    }
}

async fn hand_over<R: Relay>(relay: Arc<R>, parcel: Parcel) -> Result<(), String> {
    let handed_over = contained_future(async {
        let mut session = relay.open().await.map_err(|why| why.to_string())?;
        relay.ready(&mut session).await;
        let outcome = relay.deliver(&mut session, &parcel).await;
        relay.close(session).await;
        match outcome {
            // One that may have arrived is not worth a second one.
            Outcome::Accepted { .. } | Outcome::Uncertain { .. } => Ok(()),
            Outcome::NotSent { cause, .. } => Err(cause),
            Outcome::RecipientRefused { reply } | Outcome::LetterRefused { reply, .. } => {
                Err(reply.to_string())
            }
        }
    });
    handed_over.await.unwrap_or_else(|_| Err("handing it over panicked; please report this".to_owned()))
}

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// What is wrong at this moment.
    async fn troubles(
        &self,
        looked: &Result<PassReport, StoreError>,
        now: Timestamp,
    ) -> Result<Vec<Alarm>, StoreError> {
        let office = self.office();
        let settings = &office.settings;
        let mut found = Vec::new();
        if let Ok(PassReport { halt: Some(halt), .. }) = looked {
            found.push(Alarm::Hold(halt.clone()));
        }
        found.extend(self.relay_trouble().map(Alarm::MailServer));
        found.extend(self.configured().refused.map(|(_, why)| Alarm::Config(why)));
        let today = settings.business.day(now);
        let ending = office
            .calendar_ends
            .iter()
            .filter(|(_, ends_on)| *ends_on < today.saturating_add(CALENDAR_DAYS.days()));
        found.extend(ending.map(|(file, ends_on)| Alarm::Calendar { file: file.clone(), ends_on: *ends_on }));
        let parked = self.store().parked().await?;
        let unusual = parked.iter().filter(|letter| letter.is_unusual()).count();
        if unusual > 0 {
            found.push(Alarm::Unusual(u32::try_from(unusual).unwrap_or(u32::MAX)));
        }
        found.extend(parked.into_iter().filter(Parked::is_trouble).map(Alarm::Letter));
        if settings.max_data_age.is_some() {
            let data = self.store().data().await?;
            if data.any_open && settings.is_too_old(data.payments_read_at, now) {
                found.push(Alarm::StaleData(data.payments_read_at));
            }
        }
        Ok(found)
    }

    fn letter_of(&self, alarms: &[Alarm], now: Timestamp) -> Result<Parcel, String> {
        let office = self.office();
        let content = alarm::content(alarms, &office.settings, &office.mail, now);
        // The same words a day later are another letter.
        let print: String = content.fingerprint.chars().take(32).collect();
        let id = format!("{}.{print}@{}", now.as_second(), office.mail.from.address.domain());
        mime::build(&content, &office.mail, &id, now).map_err(|error| error.to_string())
    }
}
