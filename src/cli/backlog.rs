//! `courtesy backlog`: what was reached before a rule was first seen, and is
//! left alone until a person says otherwise.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::screen::Screen;
use super::{Global, Verdict, load, wanted};
use crate::domain::ids::RuleName;
use crate::domain::rule::Backlog;
use crate::domain::stop::Stop;

const EXAMPLES: &str = "\
Examples:
  courtesy backlog list
  courtesy backlog start payment-reminders

A rule writes about nothing that was reached before the rule was first seen, or
before its audience was widened: what has a stage left enters there when its
time comes, what has none is listed here and told to its owner once. `start`
lets the rule enter all of it now, at the lowest stage, within the budgets and
the cap per pass. In a new rule, `backlog: start` says the same from the
beginning.";

/// What to do with it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BacklogArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Show what has no stage left, and is not written about
    List {
        /// Only by this rule
        #[arg(long)]
        rule: Option<String>,
    },
    /// Let a rule write about what was reached before it
    Start {
        /// The rule's name
        rule: String,
    },
}

/// Lists it, or lets a rule begin with it.
///
/// # Errors
/// When the configuration has problems or the rule is not known.
pub async fn run(
    args: &BacklogArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let zone = &config.settings.business.zone;
    match &args.what {
        What::List { rule } => {
            if let Some(name) = rule {
                wanted::rule(&config, name)?;
            }
            let store = load::existing_store(&config)?;
            let rule = rule.as_deref().map(RuleName::from);
            let found = store.findings(Stop::Backlog.name(), rule).await?;
            if global.json {
                let row = |(finding, since): &(crate::domain::digest::Finding, Timestamp)| {
                    serde_json::json!({
                        "customer": finding.customer.as_str(),
                        "rule": finding.rule.as_str(),
                        "subject": finding.subject.to_string(),
                        "since": since.to_string(),
                    })
                };
                screen.json(&found.iter().map(row).collect())?;
            } else if found.is_empty() {
                screen.note("Nothing is left alone because it was reached before its rule.")?;
            } else {
                let rows = found.into_iter().map(|(finding, since)| {
                    let since = since.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string();
                    let customer = finding.customer.to_string();
                    [customer, finding.rule.to_string(), finding.subject.to_string(), since]
                });
                screen.table(["customer", "rule", "about", "found"], rows.collect())?;
            }
            Ok(Verdict::Done)
        }
        What::Start { rule } => {
            let rule = wanted::rule(&config, rule)?;
            if rule.backlog == Backlog::Start {
                screen.note(format_args!("{} says `backlog: start` already.", rule.name))?;
                return Ok(Verdict::Done);
            }
            let store = load::existing_store(&config)?;
            let seen = store.start_backlog(rule.name.clone(), now).await?;
            if seen {
                let next = rule.schedule.as_ref().and_then(|schedule| schedule.next_after(now, zone));
                let when = next.map_or_else(
                    || "at the next heartbeat".to_owned(),
                    |at| {
                        format!(
                            "when it looks next, {}",
                            at.to_zoned_datetime(zone.clone()).strftime("%F %R")
                        )
                    },
                );
                screen.say(format_args!(
                    "{} begins with what was reached before it {when}, at most {} letters a pass",
                    rule.name, config.settings.letters.per_pass
                ))?;
                return Ok(Verdict::Done);
            }
            screen.note(format_args!(
                "{} was not in force yet; begin with `courtesy run`, or write `backlog: start` into the rule",
                rule.name
            ))?;
            Ok(Verdict::Failed)
        }
    }
}
