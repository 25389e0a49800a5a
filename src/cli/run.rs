//! `courtesy run`: the daemon, or one pass.

mod daemon;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::Args;
use owo_colors::OwoColorize;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::mpsc;

use super::screen::Screen;
use super::{Global, Verdict, load};
use crate::clock::Clock;
use crate::engine::daemon::{Signal, recover};
use crate::engine::heartbeat::Heartbeat;
use crate::engine::reload::Consent;
use crate::engine::{DeliveryReport, PassReport};
use crate::systemd::Manager;
pub use daemon::{Daemon, Driver};

const EXAMPLES: &str = "\
Examples:
  courtesy run                      until it is told to stop; the log goes to stdout
  courtesy run | grep sent
  courtesy run --once               one pass, deliver, a summary, exit
  courtesy run --once --verbose     and every item that was left out, with its reason

Signals: SIGTERM and SIGINT finish the letters under way and exit 0; SIGHUP reads the files again,
and keeps what it has if there is an error in them (`courtesy reload` says more).
COURTESY_LOG=debug says more.";

/// The daemon or one pass.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    /// Look once, deliver what may leave now, and exit
    #[arg(long)]
    pub once: bool,
}

/// What a person should hear of without asking: somebody has to do
/// something, or wanted it so. The rest is the ordinary course.
const NOTABLE: [&str; 17] = [
    "address missing",
    "address unusable",
    "address suppressed",
    "recipient missing",
    "customer blocked",
    "customer forgotten",
    "disputed",
    "on hold",
    "promised",
    "closed",
    "settled",
    "covered by credit",
    "payment bounced",
    "time-barred",
    "data too old",
    "stale",
    "backlog",
];

/// Runs until told to stop, or once.
///
/// # Errors
/// When the configuration has problems, the store can't be used, or another
/// process runs already.
pub async fn run(
    args: &RunArgs,
    global: &Global,
    clock: impl Clock,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let daemon = Daemon::prepare(load::config(global)?, clock)?;
    if args.once { once(daemon, screen).await } else { for_good(daemon).await }
}

/// One pass and what it brings.
async fn once(daemon: Daemon<impl Clock>, screen: &mut Screen) -> anyhow::Result<Verdict> {
    let engine = &daemon.engine;
    recover(engine).await?;
    engine.tell_news().await;
    let pass = engine.pass().await?;
    let delivery = engine.deliver().await?;
    if pass.halt.is_none() && delivery.halt.is_none() {
        engine.tidy().await;
    }
    summarise(&pass, &delivery, screen)?;
    if let Some(halt) = delivery.halt.as_ref().or(pass.halt.as_ref()) {
        let zone = &engine.office().settings.business.zone;
        let said = halt.said(zone, engine.clock().now());
        screen.complaint(format_args!(
            "{} nothing leaves: {said}; {}",
            "HOLD:".red().bold(),
            halt.advice()
        ))?;
        return Ok(Verdict::Failed);
    }
    Ok(if delivery.relay_down.is_some() { Verdict::Failed } else { Verdict::Done })
}

/// Runs until SIGTERM or SIGINT. A second one does not wait for the letters
/// under way, which stay `uncertain`.
async fn for_good(daemon: Daemon<impl Clock>) -> anyhow::Result<Verdict> {
    let manager = match std::env::var_os("NOTIFY_SOCKET") {
        Some(address) => Manager::at(&address).context("NOTIFY_SOCKET")?,
        None => Manager::none(),
    };
    let (sender, signals) = mpsc::channel(1);
    let impatient = tokio::spawn(pass_on(sender, Listening::begin()?));
    let (heartbeat, beats) = Heartbeat::begin().await.context("starting the heartbeat")?;
    tokio::select! {
        ended = daemon.run(Driver { beats, signals, manager }) => ended?,
        _ = impatient => bail!("told to stop twice; letters under way were left uncertain"),
    }
    heartbeat.end().await;
    Ok(Verdict::Done)
}

/// The signals we answer.
struct Listening {
    terminate: Signals,
    interrupt: Signals,
    hang_up: Signals,
    force: Signals,
}

impl Listening {
    fn begin() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            force: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Reload(Consent::Missing),
            _ = self.force.recv() => Signal::Reload(Consent::Given),
        }
    }
}

/// Passes signals on to the daemon; ends at the second one that asks to stop.
async fn pass_on(daemon: mpsc::Sender<Signal>, mut listening: Listening) {
    let mut stops = 0;
    while stops < 2 {
        match listening.next().await {
            Signal::Stop => {
                stops += 1;
                let first = daemon.clone();
                // Waits behind a reload in progress, while we go on listening.
                tokio::spawn(async move { first.send(Signal::Stop).await });
            }
            // Full means that a reload waits already, which will read the
            // files as they are then.
            reload @ Signal::Reload(Consent::Missing) => daemon.try_send(reload).unwrap_or_default(),
            // A person's word is not lost behind it.
            insisted @ Signal::Reload(Consent::Given) => {
                let daemon = daemon.clone();
                tokio::spawn(async move { daemon.send(insisted).await });
            }
        }
    }
}

fn summarise(pass: &PassReport, delivery: &DeliveryReport, screen: &mut Screen) -> anyhow::Result<()> {
    let sent = delivery.letters.get("sent").copied().unwrap_or_default();
    screen.say(format_args!("{} queued, {} sent", pass.queued, sent.bold()))?;
    if pass.held > 0 {
        screen.say(format_args!(
            "{} of them wait for a person: `courtesy outbox list --state held`, then `courtesy outbox release NUMBER`",
            pass.held.bold()
        ))?;
    }
    let others: BTreeMap<_, _> =
        delivery.letters.iter().filter(|(state, _)| **state != "sent").map(|(s, n)| (*s, *n)).collect();
    counted("not sent", &others, screen)?;
    counted("waiting", &pass.waiting, screen)?;
    let notable: BTreeMap<_, _> =
        pass.skipped.iter().filter(|(stop, _)| NOTABLE.contains(stop)).map(|(s, n)| (*s, *n)).collect();
    counted("left out", &notable, screen)?;
    if pass.unusual > 0 {
        screen.complaint(format_args!(
            "{} {} letters are held, far more than usual: `courtesy outbox list --state held`, then `courtesy resume`",
            "error:".red().bold(),
            pass.unusual
        ))?;
    }
    if pass.faulty > 0 {
        screen.complaint(format_args!(
            "{} planning panicked for {} of them; the log names them, please report it",
            "error:".red().bold(),
            pass.faulty
        ))?;
    }
    for (rule, left) in &pass.capped_rules {
        screen
            .say(format_args!("{left} more by {rule} tomorrow: a day brings no more (letters.per_rule)."))?;
    }
    if pass.capped > 0 {
        screen.say("More is due than one pass may queue (letters.per_pass); the next one takes the rest.")?;
    }
    if let Some(cause) = &delivery.relay_down {
        screen.complaint(format_args!("{} the mail server: {cause}", "error:".red().bold()))?;
    }
    Ok(())
}

/// `left out: 2 disputed, 1 address missing`, the most first.
fn counted(title: &str, counts: &BTreeMap<&'static str, u64>, screen: &mut Screen) -> anyhow::Result<()> {
    let mut sorted: Vec<_> = counts.iter().filter(|(_, count)| **count > 0).collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    if sorted.is_empty() {
        return Ok(());
    }
    let parts: Vec<_> = sorted.into_iter().map(|(name, count)| format!("{count} {name}")).collect();
    screen.say(format_args!("{title}: {}", parts.join(", ")))?;
    Ok(())
}
