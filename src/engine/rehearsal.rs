//! The same engine on a virtual clock: from one thing to do to the next.

use jiff::{SignedDuration, Timestamp};

use super::{DeliveryReport, Engine};
use crate::clock::{Clock, VirtualClock};
use crate::relay::Relay;
use crate::store::{Store, StoreError};

/// Lets time pass until `until`: at each moment at which there is something
/// to do, one pass and one delivery, as the heartbeat would. The clock ends
/// at `until`.
///
/// # Errors
/// What the store could not do.
pub async fn run_until<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    until: Timestamp,
) -> Result<DeliveryReport, StoreError> {
    // The clock counts microseconds, and would never reach a fraction of one.
    let until = Timestamp::from_microsecond(until.as_microsecond()).unwrap_or(until);
    let mut report = DeliveryReport::default();
    loop {
        engine.pass().await?;
        report.add(&engine.deliver().await?);
        let now = engine.clock().now();
        if now >= until {
            return Ok(report);
        }
        // What is due at once comes at the next heartbeat, a minute later.
        let heartbeat = now + SignedDuration::from_mins(1);
        let next = engine.store().next_due_at().await?.map_or(until, |due| due.max(heartbeat));
        engine.clock().set(next.min(until));
    }
}
