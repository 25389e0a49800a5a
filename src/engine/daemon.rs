//! The daemon: the heartbeat becomes passes, passes become deliveries.
//!
//! Invariant: a tick that is lost, doubled or late changes nothing. The
//! scheduler only wakes; the store decides what is due.
//!
//! Invariant: the service manager hears that all is well from the loop that
//! plans, and only while the couriers go on as well; no timer beside them
//! says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tracing::{error, info};

use super::alarm::Bell;
use super::reload::{Configured, Consent, Loaded};
use super::{Engine, PassReport, journal};
use crate::clock::{Clock, monotonic_us};
use crate::domain::address::masked_in;
use crate::domain::notice::LetterState;
use crate::problem::Problem;
use crate::relay::Relay;
use crate::store::{OutboxFilter, Store, StoreError};
use crate::systemd::{Manager, Word};

/// What the outside tells the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Finish what is in flight, then end.
    Stop,
    /// Read the configuration again, with or without a person's word that
    /// letters of vanished rules may go.
    Reload(Consent),
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store failed at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody delivers any more.
    #[error("the couriers have ended by themselves; please report this")]
    Couriers,
}

/// What a daemon has to do with outside.
pub struct Outside<L, T, M, D> {
    /// When it is to look.
    pub beats: mpsc::Receiver<()>,
    /// Reads the configuration again, and makes the way out anew where it is
    /// another than this; where it finds problems, the last good one stays in
    /// force.
    pub reload: L,
    /// Is told which configuration is in force, at the start and after each
    /// reload.
    pub told: T,
    /// What the operator was told of before, by the name of the trouble.
    pub told_before: BTreeMap<String, Timestamp>,
    /// Keeps what the operator was told of.
    pub remember: M,
    /// Is told of each look that is done.
    pub looked: D,
    /// What it is to do.
    pub signals: mpsc::Receiver<Signal>,
    /// Whoever watches over it.
    pub manager: Manager,
}

/// Runs until a [`Signal::Stop`] arrives or the sender is gone.
///
/// # Errors
/// [`DaemonError`] where it can't start, or can't go on; once it runs,
/// failures are logged and tried again at the next heartbeat.
pub async fn run<S: Store, R: Relay, C: Clock>(
    engine: Engine<S, R, C>,
    outside: Outside<
        impl FnMut(&R) -> Result<Loaded<R>, Vec<Problem>>,
        impl FnMut(&Configured),
        impl FnMut(&BTreeMap<String, Timestamp>),
        impl FnMut(),
    >,
) -> Result<(), DaemonError> {
    let Outside {
        mut beats,
        mut reload,
        mut told,
        told_before,
        remember,
        looked: mut done,
        mut signals,
        manager,
    } = outside;
    let mut bell = Bell::new(told_before, remember);
    recover(&engine).await?;
    let work = Arc::new(Notify::new());
    let mut couriers = tokio::spawn(deliveries(engine.clone(), Arc::clone(&work)));
    told(&engine.configured());
    info!(rules = engine.office().rules.len(), "ready");
    manager.tell(&[Word::Ready]);
    loop {
        engine.tell_news().await;
        let looked = look(&engine, &manager).await;
        bell.ring(&engine, &looked).await;
        done();
        work.notify_one();
        if looked.is_ok_and(|report| report.halt.is_none()) {
            engine.tidy().await;
        }
        tokio::select! {
            biased;
            signal = signals.recv() => match signal {
                Some(Signal::Reload(consent)) => {
                    manager.tell(&[Word::Reloading { monotonic_us: monotonic_us() }]);
                    engine.take_over(reload(&engine.relay()), consent).await;
                    told(&engine.configured());
                    manager.tell(&[Word::Ready]);
                }
                Some(Signal::Stop) | None => break,
            },
            _ = &mut couriers => return Err(DaemonError::Couriers),
            beat = beats.recv() => if beat.is_none() {
                error!("the heartbeat has stopped");
                break;
            },
        }
    }
    info!("stopping: finishing the letters in hand");
    engine.stop();
    manager.tell(&ending(&engine));
    work.notify_one();
    if let Err(cause) = couriers.await {
        error!(%cause, "the couriers ended badly");
    }
    info!("stopped");
    Ok(())
}

/// One pass. The service manager hears of every page of it, and of what it
/// came to.
async fn look<S: Store, R: Relay, C: Clock>(
    engine: &Engine<S, R, C>,
    manager: &Manager,
) -> Result<PassReport, StoreError> {
    let mut pages = engine.pulse.pages();
    let began = Instant::now();
    let mut pass = std::pin::pin!(engine.pass());
    let done = loop {
        tokio::select! {
            done = &mut pass => break done,
            Ok(()) = pages.changed() => sign_of_life(engine, manager),
        }
    };
    if let Err(cause) = &done {
        journal::failed("planning", cause);
    }
    engine.pulse.page();
    engine.note_pass(&done, began.elapsed());
    sign_of_life(engine, manager);
    manager.tell(&[Word::Status(at_work(engine, &done))]);
    done
}

/// Says that all is well, if it is.
fn sign_of_life<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>, manager: &Manager) {
    match engine.pulse.hung(Instant::now()) {
        0 => manager.tell(&[Word::Alive]),
        couriers => error!(couriers, "no sign of life within all deadlines; please report this"),
    }
}

/// What it is at, in a line.
fn at_work<S: Store, R: Relay, C: Clock>(
    engine: &Engine<S, R, C>,
    pass: &Result<PassReport, StoreError>,
) -> String {
    let office = engine.office();
    let (zone, now) = (&office.settings.business.zone, engine.clock().now());
    let report = match pass {
        Err(cause) => return format!("planning failed: {cause}"),
        Ok(PassReport { halt: Some(halt), .. }) => {
            return format!("HOLD: nothing leaves: {}; {}", halt.said(zone, now), halt.advice());
        }
        Ok(report) => report,
    };
    let at = now.to_zoned_datetime(zone.clone()).strftime("%F %R");
    let looked =
        format!("{} rules in force; looked at {at}: {} letters queued", office.rules.len(), report.queued);
    match engine.relay_trouble() {
        Some(why) => format!("letters wait for the mail server: {}; {looked}", masked_in(&why)),
        None => looked,
    }
}

/// What is told when it ends: letters in hand get the time that they need.
fn ending<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>) -> Vec<Word> {
    let mut words = vec![Word::Stopping, Word::Status("finishing the letters in hand".to_owned())];
    words.extend(engine.pulse.longest(Instant::now()).map(Word::MoreTime));
    words
}

/// Letters found half-sent belong to a process that died; what becomes of
/// each, its rule says.
///
/// # Errors
/// What the store could not do.
pub async fn recover<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>) -> Result<(), StoreError> {
    let mut uncertain = Vec::new();
    for letter in engine.store().recover(engine.clock().now()).await? {
        for row in engine.store().outbox(OutboxFilter::one(letter)).await? {
            journal::recovered(engine.office().mask_addresses, &row);
            uncertain.extend((row.state == LetterState::Uncertain).then(|| letter.to_string()));
        }
    }
    if !uncertain.is_empty() {
        error!(
            letters = uncertain.join(","),
            "uncertain: the process ended between handing over and the answer; see `courtesy outbox list --state uncertain`"
        );
    }
    Ok(())
}

/// Delivers whenever a pass has ended, until the engine is told to stop.
async fn deliveries<S: Store, R: Relay, C: Clock>(engine: Engine<S, R, C>, work: Arc<Notify>) {
    while !engine.is_stopping() {
        work.notified().await;
        if let Err(cause) = engine.deliver().await {
            journal::failed("delivering", &cause);
        }
    }
}
