//! The same engine on a virtual clock: from one thing to do to the next.

use jiff::{SignedDuration, Timestamp};

use super::{DeliveryReport, Engine};
use crate::clock::{Clock, VirtualClock};
use crate::relay::Relay;
use crate::store::{Store, StoreError, Volumes};

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
        engine.clock().set(next_step(engine, heartbeat, until).await?);
    }
}

/// When there is something to do next; a day later at the latest, for a clock
/// that leaps is believed by nobody.
async fn next_step<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    heartbeat: Timestamp,
    until: Timestamp,
) -> Result<Timestamp, StoreError> {
    let a_day = heartbeat + SignedDuration::from_hours(24);
    let due = engine.store().next_due_at().await?.map_or(until, |due| due.max(heartbeat));
    Ok(due.min(a_day).min(until))
}

/// Lets time pass until `until` as the planner would have seen it, caps and
/// HOLD aside, and hands each moment to `sent`, which says what becomes of
/// the letters that would have left by then, and how many they were. Returns
/// their sum.
///
/// # Errors
/// What the store could not do.
pub async fn would_have_sent<S: Store, R: Relay>(
    engine: &Engine<S, R, VirtualClock>,
    until: Timestamp,
    mut sent: impl AsyncFnMut(Timestamp) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    let until = Timestamp::from_microsecond(until.as_microsecond()).unwrap_or(until);
    let anything = Volumes { allowed: u32::MAX, ..Volumes::default() };
    let mut count = 0;
    loop {
        let now = engine.clock().now();
        engine.look(&anything, now).await?;
        count += sent(now).await?;
        if now >= until {
            return Ok(count);
        }
        let heartbeat = now + SignedDuration::from_mins(1);
        engine.clock().set(next_step(engine, heartbeat, until).await?);
    }
}
