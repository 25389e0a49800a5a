//! `courtesy reload`: what a running daemon would take over, and that it does.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use owo_colors::OwoColorize as _;
use rustix::process::{Pid, Signal, kill_process};

use super::failure::Found;
use super::in_force::{self, Announced};
use super::screen::Screen;
use super::{Global, Verdict, load, lock};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::ids::RuleName;
use crate::engine::reload::{Changes, InForce, Objection};
use crate::store::sqlite::SqliteStore;

const EXAMPLES: &str = "\
Examples:
  courtesy reload                   looks for mistakes, shows what is new, and has it taken over
  courtesy reload --dry-run         only shows it
  courtesy reload --force           even if a rule is gone whose letters wait: they are cancelled

Letters under way finish by what was in force before. With a mistake in the files nothing is taken
over, and the daemon goes on with what it has; so it does where no rule is left, or one is gone
whose letters still wait, unless told with --force.";

/// How a person wants it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReloadArgs {
    /// Only show what is different
    #[arg(long)]
    dry_run: bool,
    /// Although a rule is gone whose letters still wait, or no rule is left
    #[arg(long)]
    force: bool,
}

/// How long the daemon is waited for: it may be in the middle of a pass.
const ANSWER_MAX: Duration = Duration::from_mins(2);
/// How often its answer is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Has the daemon take over the files, and waits for its answer.
///
/// # Errors
/// When there are mistakes in the files, or the daemon can't be reached.
pub async fn run(
    args: &ReloadArgs,
    global: &Global,
    clock: impl Clock,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let data_dir = config.data_dir.clone();
    let waiting = waiting(&config, &clock)?;
    // The password may be readable for the service alone, and is not asked for.
    load::composer(&config).map_err(Found)?;
    let Some(process) = lock::holder(&data_dir).context("looking for the daemon")? else {
        screen.complaint("The files are in order; no daemon runs, and the next one begins with them.")?;
        return Ok(Verdict::Failed);
    };
    let Some(before) = in_force::read(&data_dir).filter(|announced| announced.process == process) else {
        bail!("process {process} has not said yet what is in force; try again in a moment");
    };
    let after = load::in_force(&config);
    let changes = Changes::between(&before.in_force, &after);
    show(&changes, screen)?;
    if let Some(objection) = Objection::to(&after, &changes, &waiting).filter(|_| !args.force) {
        screen.complaint(format_args!(
            "{} {objection}. Nothing was taken over; if it is meant so, `courtesy reload --force`",
            "error:".red().bold()
        ))?;
        return Ok(Verdict::Failed);
    }
    if args.dry_run {
        return Ok(Verdict::Done);
    }
    signal(&process, if args.force { Signal::USR1 } else { Signal::HUP })?;
    match answer(&data_dir, &before, &after, &clock).await {
        None => {
            screen.complaint(format_args!(
                "process {process} has not answered within two minutes: it is at work, and its log will say"
            ))?;
            Ok(Verdict::Failed)
        }
        Some(Announced { refused: Some(why), .. }) => {
            screen.complaint(format_args!("{} the daemon keeps what it has:", "error:".red().bold()))?;
            for line in why {
                screen.complaint(line)?;
            }
            Ok(Verdict::Failed)
        }
        Some(_) => {
            screen.say(format_args!("Process {process} has taken it over."))?;
            Ok(Verdict::Done)
        }
    }
}

/// How many letters of each rule wait.
fn waiting(config: &Config, clock: &impl Clock) -> anyhow::Result<BTreeMap<RuleName, u64>> {
    if !config.store.exists() {
        return Ok(BTreeMap::new());
    }
    Ok(SqliteStore::overview(&config.store, config.settings.guards, clock.now())?.waiting())
}

fn show(changes: &Changes, screen: &mut Screen) -> anyhow::Result<()> {
    if changes.is_empty() {
        screen.say("Rules, settings and templates are as they are in force; they are read again, and so is `mail.deliver`.")?;
        return Ok(());
    }
    for (rules, what) in
        [(&changes.added, "added"), (&changes.changed, "changed"), (&changes.removed, "removed")]
    {
        for rule in rules {
            screen.say(format_args!("{what:<8} {}", rule.as_str().bold()))?;
        }
    }
    if changes.settings {
        screen.say(format_args!("{:<8} settings", "changed"))?;
    }
    for file in &changes.templates {
        screen.say(format_args!("{:<8} template {file}", "changed"))?;
    }
    Ok(())
}

fn signal(process: &str, signal: Signal) -> anyhow::Result<()> {
    let pid = process.parse().ok().and_then(Pid::from_raw);
    let pid = pid.with_context(|| format!("`{process}` in courtesy.lock is no process"))?;
    kill_process(pid, signal).with_context(|| format!("telling process {process}; is it another user's?"))
}

/// What the daemon says of the files as they are now. A reading that was
/// under way already may have missed them, so that its yes counts only if it
/// is about the same.
async fn answer(
    data_dir: &Path,
    before: &Announced,
    wanted: &InForce,
    clock: &impl Clock,
) -> Option<Announced> {
    let looks = ANSWER_MAX.as_millis() / LOOK_EVERY.as_millis();
    for _ in 0..looks {
        let now = in_force::read(data_dir).filter(|now| now.readings > before.readings);
        if let Some(now) =
            now.filter(|now| now.refused.is_some() || Changes::between(&now.in_force, wanted).is_empty())
        {
            return Some(now);
        }
        clock.sleep(LOOK_EVERY).await;
    }
    None
}
