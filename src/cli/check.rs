//! `courtesy check`: everything that is wrong, at once.

use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize;

use super::failure::Found;
use super::screen::{Screen, shown};
use super::{Global, Verdict, load, problems};
use crate::config::Config;
use crate::problem::{Problem, Severity};
use crate::relay::Relay;
use crate::store::{OutboxFilter, Store};

const EXAMPLES: &str = "\
Examples:
  courtesy check                the configuration, rules, calendars, templates and store
  courtesy check --relay        and whether the mail server lets us in
  courtesy check --json         for an editor or a pipeline

A running daemon takes changed files over on SIGHUP (systemctl reload courtesy); with an error in
them it keeps what it has.";

/// How much to check.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Connect to the mail server and log in, without sending anything
    #[arg(long)]
    pub relay: bool,
}

/// Shows every problem. An error fails the check, a warning does not.
///
/// # Errors
/// When there is no configuration, or stdout is closed.
pub async fn run(
    args: &CheckArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let mut found = Vec::new();
    let mut summary = None;
    match load::config(global) {
        Ok(config) => {
            found = of_parts(&config, now).await;
            if args.relay {
                found.extend(of_relay(&config).await);
            }
            summary = Some(format!(
                "{}: {} rules, {} stages, store {}",
                shown(&config.file),
                config.rules.len(),
                config.rules.iter().map(|rule| rule.stages.len()).sum::<usize>(),
                shown(&config.store)
            ));
        }
        Err(error) => match error.downcast::<Found>() {
            Ok(Found(problems)) => found.extend(problems),
            Err(other) => return Err(other),
        },
    }
    let failed = found.iter().any(|problem| problem.severity == Severity::Error);
    if global.json {
        screen.json(&found.iter().map(as_json).collect())?;
    } else {
        if !found.is_empty() {
            let colour = screen.is_coloured();
            screen.result(problems::render(&found, colour).trim_end())?;
        }
        if let (false, Some(summary)) = (failed, summary) {
            screen.say(format_args!("{} {summary}", "ok".green().bold()))?;
        }
    }
    Ok(if failed { Verdict::Failed } else { Verdict::Done })
}

/// What only shows once the files themselves are in order.
async fn of_parts(config: &Config, now: Timestamp) -> Vec<Problem> {
    let today = now.to_zoned_datetime(config.settings.business.zone.clone()).date();
    let mut found = config.warnings.clone();
    found.extend(config.calendar_warnings(today));
    match load::composer(config) {
        Ok((_, warnings)) => found.extend(warnings),
        Err(problems) => found.extend(problems),
    }
    // A store that is not there yet is made by the first import.
    if config.store.exists()
        && let Err(error) = read_store(config).await
    {
        found.push(Problem::error(&config.store, format!("{error:#}")));
    }
    found
}

async fn read_store(config: &Config) -> anyhow::Result<()> {
    let store = load::existing_store(config)?;
    store.outbox(OutboxFilter { limit: 1, ..OutboxFilter::default() }).await?;
    Ok(())
}

async fn of_relay(config: &Config) -> Option<Problem> {
    let refused = |cause: String| {
        Some(Problem::error(
            &config.file,
            format!("the mail server of `mail.deliver` can't be used: {cause}"),
        ))
    };
    match load::relay(config) {
        Err(error) => refused(format!("{error:#}")),
        Ok(relay) => match relay.open().await {
            Err(unreachable) => refused(unreachable.to_string()),
            Ok(session) => {
                relay.close(session).await;
                None
            }
        },
    }
}

fn as_json(problem: &Problem) -> serde_json::Value {
    let place = problem.line_and_column();
    serde_json::json!({
        "severity": match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "file": problem.file,
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "message": problem.message,
        "hint": problem.hint,
    })
}
