//! The daemon: the heartbeat becomes passes, passes become deliveries.
//!
//! Invariant: a tick that is lost, doubled or late changes nothing. The
//! scheduler only wakes; the store decides what is due.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{error, info, warn};

use super::{Engine, Office, journal};
use crate::clock::Clock;
use crate::domain::notice::LetterState;
use crate::problem::Problem;
use crate::relay::Relay;
use crate::store::{OutboxFilter, Store, StoreError};

/// What the outside tells the daemon.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// Finish what is in flight, then end.
    Stop,
    /// Read the configuration again.
    Reload,
}

/// Why the daemon could not run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The store failed at the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The heartbeat could not be started.
    #[error("starting the heartbeat: {0}")]
    Heartbeat(#[from] JobSchedulerError),
}

/// Runs until a [`Signal::Stop`] arrives or the sender is gone. `reload`
/// reads the configuration again; where it finds problems, the last good one
/// stays in force.
///
/// # Errors
/// [`DaemonError`] where it can't start; once it runs, failures are logged
/// and tried again at the next heartbeat.
pub async fn run<S: Store, R: Relay, C: Clock>(
    engine: Engine<S, R, C>,
    mut reload: impl FnMut() -> Result<Office, Vec<Problem>>,
    mut signals: mpsc::Receiver<Signal>,
) -> Result<(), DaemonError> {
    recover(&engine).await?;
    let (beat, mut beats) = mpsc::channel::<()>(1);
    let mut scheduler = heartbeat(beat).await?;
    let work = Arc::new(Notify::new());
    let couriers = tokio::spawn(deliveries(engine.clone(), Arc::clone(&work)));
    info!(rules = engine.office().rules.len(), "ready");
    loop {
        match engine.pass().await {
            Ok(_) => {}
            Err(cause) => journal::failed("planning", &cause),
        }
        work.notify_one();
        tokio::select! {
            biased;
            signal = signals.recv() => match signal {
                Some(Signal::Reload) => reloaded(&engine, reload()),
                Some(Signal::Stop) | None => break,
            },
            beat = beats.recv() => if beat.is_none() {
                error!("the heartbeat has stopped");
                break;
            },
        }
    }
    info!("stopping: finishing the letters in hand");
    engine.stop();
    work.notify_one();
    if let Err(cause) = scheduler.shutdown().await {
        warn!(%cause, "stopping the heartbeat");
    }
    if let Err(cause) = couriers.await {
        error!(%cause, "the couriers ended badly");
    }
    info!("stopped");
    Ok(())
}

/// Letters found half-sent belong to a process that died; what becomes of
/// each, its rule says.
///
/// # Errors
/// What the store could not do.
pub async fn recover<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>) -> Result<(), StoreError> {
    let mut uncertain = Vec::new();
    for letter in engine.store().recover(engine.clock().now()).await? {
        let filter = OutboxFilter { letter: Some(letter), limit: 1, ..OutboxFilter::default() };
        for row in engine.store().outbox(filter).await? {
            journal::recovered(&row);
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

/// A beat every minute, and nothing else: a channel of one swallows what
/// comes while a pass is running.
async fn heartbeat(beat: mpsc::Sender<()>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let job = Job::new("0 * * * * *", move |_, _| {
        // Full means that a beat is waiting already.
        match beat.try_send(()) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(()) | mpsc::error::TrySendError::Closed(())) => {}
        }
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
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

fn reloaded<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>, loaded: Result<Office, Vec<Problem>>) {
    match loaded {
        Ok(office) => {
            let changes = engine.office().changes_to(&office);
            let rules = office.rules.len();
            engine.replace_office(office);
            info!(rules, changes, "reloaded");
        }
        Err(problems) => {
            for problem in &problems {
                error!(problem = %problem, "not reloaded");
            }
            warn!(problems = problems.len(), "the last good configuration stays in force");
        }
    }
}
