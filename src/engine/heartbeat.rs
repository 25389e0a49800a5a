//! The heartbeat of a daemon: a beat every minute, and nothing else.

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::warn;

/// Beats for as long as it is kept.
pub struct Heartbeat(JobScheduler);

impl Heartbeat {
    /// Begins, and gives what hears it: a channel of one, which swallows what
    /// comes while a pass is running.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn begin() -> Result<(Self, mpsc::Receiver<()>), JobSchedulerError> {
        let (beat, beats) = mpsc::channel(1);
        let scheduler = JobScheduler::new().await?;
        let job = Job::new("0 * * * * *", move |_, _| {
            // Full means that a beat is waiting already.
            match beat.try_send(()) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(()) | mpsc::error::TrySendError::Closed(())) => {
                }
            }
        })?;
        scheduler.add(job).await?;
        scheduler.start().await?;
        Ok((Self(scheduler), beats))
    }

    /// Ends.
    pub async fn end(mut self) {
        if let Err(cause) = self.0.shutdown().await {
            warn!(%cause, "stopping the heartbeat");
        }
    }
}
