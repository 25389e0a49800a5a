//! `courtesy plan`: the letters of the days to come, rehearsed with the real
//! engine on a copy of the store.

mod diff;
mod page;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::failure::Found;
use super::screen::{Screen, counted, shown};
use super::{Global, Verdict, load, wanted};
use crate::config::{self, Config};
use crate::domain::calendar::day_begins;
use crate::domain::digest::Finding;
use crate::domain::ids::RuleName;
use crate::domain::stop::Stop;
use crate::engine::Office;
use crate::engine::rehearsal::foreseen::Foreseen;
use crate::engine::rehearsal::{Foresight, Rehearsal};
use crate::engine::reload::Changes;
use crate::store::StoreError;
use crate::store::sqlite::{SqliteStore, UnusualDay};

const EXAMPLES: &str = "\
Examples:
  courtesy plan                                 the next thirty days
  courtesy plan --days 7 --rule payment-reminders
  courtesy plan --customer C001                 and why each letter falls on its day
  courtesy plan --against new-config            what another configuration would change
  courtesy plan --json > plan.json              every letter, with all there is to know of it

It is a rehearsal on a copy, by the engine that also runs in earnest: nobody pays, nothing new
happens, and what waits for a person is not released. Digests for our own people are left out, as
they tell of what happened. Nothing is sent and nothing is changed.

A letter keeps its distance from the one before, a pause, a payment, or the day its rule came into
force. Why somebody gets none at all: `courtesy explain CUSTOMER`.

With --against, letters appear (+), vanish (-), move to another day (~) or are said otherwise (*).
A rule that is new there, or for more people, comes into force as the plan begins, as after a
reload.";

/// How many letters are listed, unless said.
const LISTED: usize = 50;

/// Which days, and whose letters.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PlanArgs {
    /// How many days, today included
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Only letters of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only letters about this customer: id, name, address, or a claim of it
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Show what another courtesy.yaml, or the one in another folder, would change
    #[arg(long, value_name = "CONFIG")]
    against: Option<PathBuf>,
    /// List at most so many letters; 0 is all [default: 50; all of one customer]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl PlanArgs {
    /// How many letters are listed.
    fn listed(&self) -> usize {
        match self.limit {
            Some(0) => usize::MAX,
            Some(limit) => limit,
            None if self.customer.is_some() => usize::MAX,
            None => LISTED,
        }
    }

    fn has(&self, letter: &Foreseen) -> bool {
        self.rule.as_deref().is_none_or(|rule| letter.rule.as_str() == rule)
            && self
                .customer
                .as_deref()
                .is_none_or(|id| letter.customer.as_ref().is_some_and(|customer| customer.as_str() == id))
    }
}

/// The days of a plan, where the business is.
struct Days {
    began_at: Timestamp,
    zone: TimeZone,
    count: u16,
}

impl Days {
    fn first(&self) -> Date {
        self.began_at.to_zoned_datetime(self.zone.clone()).date()
    }

    fn last(&self) -> Date {
        self.first().saturating_add((i32::from(self.count) - 1).days())
    }

    /// When it begins, and the last moment of each day.
    fn course(&self) -> (Timestamp, Vec<Timestamp>) {
        let tomorrow = |day: i32| day_begins(self.first().saturating_add(day.days()), &self.zone);
        let evening = |day| tomorrow(day) - SignedDuration::from_secs(1);
        (self.began_at, (1..=i32::from(self.count)).map(evening).collect())
    }
}

/// Rehearses and shows what comes of it.
///
/// # Errors
/// When a configuration has problems, there is no store, or the rule or
/// customer is not known.
pub async fn run(
    args: &PlanArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let zone = config.settings.business.zone.clone();
    let days = Days { began_at: global.moment(now, &config.settings), zone, count: args.days };
    match &args.against {
        None => plan(args, config, &days, global, screen).await,
        Some(other) => against(args, config, other, &days, global, screen).await,
    }
}

async fn plan(
    args: &PlanArgs,
    config: Config,
    days: &Days,
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    check_rule(args, &[&config])?;
    let store = copy(&config, &config)?;
    let args = known(args, &store).await?;
    let mut notes = notes(&config, days)?;
    notes.extend(unseen(&config, &store).await?);
    let bar = progress_bar(screen, days.count.into());
    let played = play(office(config)?, store, days.course(), bar.clone()).await;
    bar.finish_and_clear();
    let Played { mut foresight, left_alone, unusual } = played?;
    notes.extend(self::left_alone(&args, &left_alone));
    notes.extend(too_many(&unusual));
    foresight.letters.retain(|letter| args.has(letter));
    let page = page::Page { foresight: &foresight, days, args: &args, notes };
    if global.json {
        screen.json(&page.as_json())?;
    } else {
        page.show(screen)?;
    }
    Ok(Verdict::Done)
}

async fn against(
    args: &PlanArgs,
    config: Config,
    other: &Path,
    days: &Days,
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let other = config::find(Some(other)).map_err(|problem| Found(vec![problem]))?;
    let other = load::config_at(&other).map_err(Found)?;
    check_rule(args, &[&config, &other])?;
    let stores = [copy(&config, &config)?, copy(&config, &other)?];
    let args = known(args, &stores[0]).await?;
    let notes = notes(&config, days)?;
    let files = [shown(&config.file), shown(&other.file)];
    let offices = [office(config)?, office(other)?];
    let rules = Changes::between(&offices[0].in_force, &offices[1].in_force).to_string();
    let bar = progress_bar(screen, 2 * u64::from(days.count));
    let [one, two] = offices;
    let [first, second] = stores;
    let one = tokio::spawn(play(one, first, days.course(), bar.clone()));
    let two = tokio::spawn(play(two, second, days.course(), bar.clone()));
    let (one, two) = (one.await, two.await);
    bar.finish_and_clear();
    let (mut one, mut two) = (one??.foresight, two??.foresight);
    for side in [&mut one, &mut two] {
        side.letters.retain(|letter| args.has(letter));
    }
    let page = diff::Page { one: &one, two: &two, files, rules, days, limit: args.listed(), notes };
    if global.json {
        screen.json(&page.as_json())?;
    } else {
        page.show(screen)?;
    }
    Ok(Verdict::Done)
}

fn office(config: Config) -> Result<Office, Found> {
    load::office(config).map_err(Found)
}

/// Refuses a rule that none of the configurations has.
fn check_rule(args: &PlanArgs, configs: &[&Config]) -> anyhow::Result<()> {
    let Some(name) = &args.rule else { return Ok(()) };
    let rule = wanted::rule_among(configs.iter().flat_map(|config| &config.rules), name)?;
    if rule.is_digest() {
        bail!("`{name}` is a digest: it tells of what happened, which no plan knows");
    }
    Ok(())
}

/// The same, with the id of the customer that is meant.
async fn known(args: &PlanArgs, store: &SqliteStore) -> Result<PlanArgs, StoreError> {
    let customer = match args.customer.as_deref() {
        Some(customer) => Some(store.find(customer).await?.customer.to_string()),
        None => None,
    };
    Ok(PlanArgs { customer, ..args.clone() })
}

/// A copy of one configuration's store, to rehearse another on.
fn copy(of: &Config, by: &Config) -> anyhow::Result<SqliteStore> {
    if !of.store.exists() {
        bail!("there is no data yet in {}; begin with `courtesy import customers FILE`", shown(&of.store));
    }
    Ok(SqliteStore::copied(&of.store, load::options(by))?)
}

/// What was played.
struct Played {
    foresight: Foresight,
    /// What was reached before its rule, with no stage left.
    left_alone: Vec<Finding>,
    /// Days that brought more than go by without a person's word.
    unusual: Vec<UnusualDay>,
}

/// Plays the days one after the other.
async fn play(
    office: Office,
    store: SqliteStore,
    (began_at, evenings): (Timestamp, Vec<Timestamp>),
    bar: ProgressBar,
) -> Result<Played, StoreError> {
    let unusual = office.settings.letters.unusual;
    let first_day = office.settings.business.day(began_at);
    let rehearsal = Rehearsal::new(store.clone(), office, began_at);
    for evening in evenings {
        rehearsal.run_until(evening).await?;
        bar.inc(1);
    }
    let left_alone = store.findings(Stop::Backlog.name(), None).await?;
    Ok(Played {
        foresight: rehearsal.finish().await?,
        left_alone: left_alone.into_iter().map(|(finding, _)| finding).collect(),
        unusual: store.unusual_days(unusual, first_day).await?,
    })
}

/// What a reader of the plan must know of these days.
fn notes(config: &Config, days: &Days) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    let now = days.began_at;
    if let Some(halt) = SqliteStore::overview(&config.store, config.settings.guards, now)?.halt {
        let said = halt.said(&days.zone, now);
        notes.push(format!(
            "HOLD, nothing leaves: {said}; {}. The plan is as if that were done.",
            halt.advice()
        ));
    }
    // It warns 60 days ahead, and only what these days reach matters.
    for problem in config.calendar_warnings(days.last().saturating_sub(60.days())) {
        let name = problem.file.file_name().unwrap_or_default().display().to_string();
        notes.push(format!("{name}: {}", problem.message));
    }
    if config.settings.max_data_age.is_some() {
        notes.push("payments are taken to be read on time every day (`max_data_age`)".to_owned());
    }
    if let Some(address) = &config.mail.redirect_to {
        notes.push(format!("every letter goes to {address} (`mail.redirect_to`)"));
    }
    Ok(notes)
}

/// Rules that the store has not seen yet.
async fn unseen(config: &Config, store: &SqliteStore) -> Result<Option<String>, StoreError> {
    let seen = store.rules_seen().await?;
    let unseen: Vec<&str> = config
        .rules
        .iter()
        .map(|rule| &rule.name)
        .filter(|name| !seen.contains_key(name))
        .map(RuleName::as_str)
        .collect();
    Ok(match unseen.len() {
        0 => None,
        all if all == config.rules.len() => Some(
            "nothing has run on this data yet: what was reached before is left alone (`backlog: skip`)"
                .to_owned(),
        ),
        _ => Some(format!("not in force yet, and first seen as the plan begins: {}", unseen.join(", "))),
    })
}

/// How much is left alone because it was reached before its rule.
fn left_alone(args: &PlanArgs, found: &[Finding]) -> Option<String> {
    let wanted = |finding: &&Finding| {
        args.rule.as_deref().is_none_or(|rule| finding.rule.as_str() == rule)
            && args.customer.as_deref().is_none_or(|customer| finding.customer.as_str() == customer)
    };
    let count = found.iter().filter(wanted).count();
    (count > 0).then(|| {
        format!(
            "left alone, as reached before their rules with no stage left: {}; see `courtesy backlog list`",
            words::number(count)
        )
    })
}

/// Days that are too busy to go by without a person's word.
fn too_many(days: &[UnusualDay]) -> Option<String> {
    let first = days.first()?;
    Some(format!(
        "more letters than usual on {}, first on {} ({}; {} is the limit): they are held until `courtesy resume`, \
         which is taken to come at once",
        counted(days.len(), "day"),
        words::day(first.day),
        words::number(first.letters as usize),
        words::number(first.limit as usize),
    ))
}

/// Days so far, on a terminal; nothing in a pipe.
fn progress_bar(screen: &Screen, days: u64) -> ProgressBar {
    let target = if screen.is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let style = ProgressStyle::with_template("{spinner} {bar:30} {pos} of {len} days rehearsed")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(days), target).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
