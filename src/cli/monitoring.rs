//! What a running daemon shows to those who watch: whether it lives, whether
//! it does its work, and its numbers.

mod metrics;
mod status;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::settings::Guards;
use crate::engine::Engine;
use crate::engine::condition::Condition;
use crate::relay::Relay;
use crate::store::Store;
use crate::store::sqlite::{Overview, SqliteStore};
use crate::web::{self, Answer, Page, PingUrl, Pinger, Watched};

/// The store is counted through at most so often, however often somebody asks.
const COUNTED_EVERY: Duration = Duration::from_mins(1);

/// What is shown of the store.
#[derive(Clone, Debug)]
struct Figures {
    /// How much there is of what; or why nobody knows.
    overview: Result<Overview, String>,
}

/// Where the figures come from.
#[derive(Debug)]
struct Counter {
    store: PathBuf,
    guards: Guards,
    // Locked while it is counted, so that many who ask wait for one count.
    last: Mutex<Option<(Instant, Figures)>>,
}

impl Counter {
    async fn figures(&self, now: Timestamp) -> Figures {
        let mut last = self.last.lock().await;
        if let Some((_, figures)) = last.as_ref().filter(|(at, _)| at.elapsed() < COUNTED_EVERY) {
            return figures.clone();
        }
        let (store, guards) = (self.store.clone(), self.guards);
        // On a thread and a connection of its own: nothing that sends waits for it.
        let counted = tokio::task::spawn_blocking(move || Figures {
            overview: SqliteStore::overview_again(&store, guards, now).map_err(|cause| cause.to_string()),
        });
        let figures = counted.await.unwrap_or_else(|cause| Figures { overview: Err(cause.to_string()) });
        *last = Some((Instant::now(), figures.clone()));
        figures
    }
}

/// What is watched, and where.
#[derive(Debug)]
pub struct Watch {
    watched: Watched,
    counter: Counter,
}

impl Watch {
    /// As it was configured.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let counter =
            Counter { store: config.store.clone(), guards: config.settings.guards, last: Mutex::new(None) };
        Self { watched: config.monitoring.clone(), counter }
    }
}

/// Begins to listen where the configuration says so, and to give signs of
/// life; returns at once.
///
/// # Errors
/// When the address is taken.
pub async fn begin<S: Store, R: Relay, C: Clock>(
    engine: &Engine<S, R, C>,
    watch: Watch,
) -> anyhow::Result<()> {
    if let Some(url) = &watch.watched.ping_url {
        give_signs(engine, url)?;
    }
    let Some(address) = watch.watched.listen else { return Ok(()) };
    let listener = listen(address).await?;
    let counter = Arc::new(watch.counter);
    let engine = engine.clone();
    tokio::spawn(web::serve(listener, move |page| {
        let (engine, counter) = (engine.clone(), Arc::clone(&counter));
        async move { show(page, &engine, &counter).await }
    }));
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("monitoring.listen: {address}"))?;
    // Port 0 takes a free one.
    info!(address = %listener.local_addr()?, "monitoring listens");
    Ok(listener)
}

async fn show<S: Store, R: Relay, C: Clock>(
    page: Page,
    engine: &Engine<S, R, C>,
    counter: &Counter,
) -> Answer {
    let now = engine.clock().now();
    let condition = engine.condition();
    match page {
        Page::Health if condition.lives => Answer::Fine("ok\n".to_owned()),
        Page::Health => Answer::Unwell("it hangs: no sign of life for minutes\n".to_owned()),
        Page::Ready => {
            let found = condition.hindrances(now);
            if found.is_empty() {
                Answer::Fine("ok\n".to_owned())
            } else {
                Answer::Unwell(found.join("\n") + "\n")
            }
        }
        Page::Metrics => Answer::Fine(metrics::of(&condition, &counter.figures(now).await, now)),
        Page::Status => Answer::Fine(status::of(&condition, &counter.figures(now).await, now)),
    }
}

/// Gives a sign of life after each pass that looked at all there was; one
/// that nobody takes is told of once.
fn give_signs<S: Store, R: Relay, C: Clock>(engine: &Engine<S, R, C>, url: &PingUrl) -> anyhow::Result<()> {
    let pinger = Pinger::new(url.clone()).context("monitoring.ping_url")?;
    let mut passes = engine.complete_passes();
    tokio::spawn(async move {
        let mut taken = true;
        while passes.changed().await.is_ok() {
            let given = pinger.ping().await;
            match &given {
                Ok(()) if !taken => info!("signs of life are taken again"),
                Err(cause) if taken => warn!(%cause, "nobody takes the sign of life at monitoring.ping_url"),
                Ok(()) | Err(_) => {}
            }
            taken = given.is_ok();
        }
    });
    Ok(())
}

/// What both pages say of the daemon in one word each.
fn is_ready(condition: &Condition, now: Timestamp) -> bool {
    condition.hindrances(now).is_empty()
}
