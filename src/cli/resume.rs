//! `courtesy resume`: a person ends a HOLD.

use anyhow::{anyhow, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;

use super::failure::Found;
use super::screen::Screen;
use super::when::When;
use super::{Global, Surroundings, Verdict, load};
use crate::clock::VirtualClock;
use crate::config::Config;
use crate::domain::halt::Halt;
use crate::domain::ids::CustomerId;
use crate::engine::{Engine, rehearsal};
use crate::relay::MemoryRelay;
use crate::store::sqlite::{PerhapsSent, SqliteStore};

const EXAMPLES: &str = "\
Examples:
  courtesy resume --dry-run                      why nothing leaves, and what may have been sent
  courtesy resume                                go on
  courtesy resume --assume-sent-until now        after restoring a backup on another machine
  courtesy resume --assume-sent-until '2026-03-02 09:00'

In a HOLD nothing leaves, because Courtesy can't know whether it should: the
store is an older copy of itself, the clock went back or leapt ahead. What may
have been sent meanwhile becomes `uncertain`: it is never sent again, and
`courtesy outbox resolve NUMBER --not-sent` frees what was not sent after all.
With --assume-sent-until, so does everything that the rules would have sent
until then by what is known now: import first what happened since the backup.
Letters held for being far more than usual may go as well.";

/// What a person says.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ResumeArgs {
    /// Count as perhaps sent whatever the rules would have sent until then
    #[arg(long, value_name = "WHEN")]
    assume_sent_until: Option<String>,
    /// Only show what is held, and what may have been sent
    #[arg(long)]
    dry_run: bool,
}

/// Ends a HOLD, or says what is missing for that.
///
/// # Errors
/// When the configuration has problems or the store fails.
pub async fn run(
    args: &ResumeArgs,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let zone = config.settings.business.zone.clone();
    let standing = store.standing(config.settings.guards, now).await?;
    let (mut perhaps, seen) = store.perhaps_sent().await?;
    if !matches!(standing.halt, Some(Halt::Restored { .. })) {
        perhaps.clear();
    }
    if global.json {
        screen.json(&as_json(standing.halt.as_ref(), &perhaps, standing.volumes.held))?;
    } else {
        describe(standing.halt.as_ref(), &perhaps, (&zone, now), screen)?;
    }
    if standing.halt.is_none() && standing.volumes.held == 0 {
        screen.note("Nothing is held: letters leave as usual.")?;
        return Ok(Verdict::Done);
    }
    let until = args.assume_sent_until.as_deref().map(|text| until(text, &zone, now)).transpose()?;
    if args.dry_run {
        let held = standing.volumes.held;
        if held > 0 {
            screen.say(format_args!("{held} letters are held for being far more than usual."))?;
        }
        return Ok(Verdict::Done);
    }
    match standing.halt {
        Some(Halt::LowSpace { .. }) => return Ok(Verdict::Failed),
        Some(Halt::Restored { whole: false, .. } | Halt::Unwitnessed) if until.is_none() => {
            screen.complaint(format_args!(
                "{} nobody can tell from here what was sent meanwhile; say until when it may have been, with \
                 --assume-sent-until. `now` is the safe choice",
                "error:".red().bold()
            ))?;
            return Ok(Verdict::Failed);
        }
        Some(Halt::Restored { .. } | Halt::Unwitnessed | Halt::Backup { .. }) => {
            let counted = store.count_perhaps_sent(now).await?;
            let assumed = match (until, seen) {
                (Some(until), Some(seen)) if until > seen => {
                    assume(&store, config, (seen, until), now).await?
                }
                _ => 0,
            };
            screen.say(format_args!(
                "{} letters count as uncertain: `courtesy outbox list --state uncertain`",
                counted + assumed
            ))?;
            store.resume(now).await?;
        }
        Some(Halt::ClockBack { .. } | Halt::Away { .. }) => store.resume(now).await?,
        None => {}
    }
    let why = format!("released by {}", around.user);
    let released = store.release_unusual(why, now).await?;
    if released > 0 {
        screen.say(format_args!("{released} letters that were far more than usual may go"))?;
    }
    screen.say("Letters leave again, from the next heartbeat on.")?;
    Ok(Verdict::Done)
}

/// `now`, or a moment that is not to come.
fn until(text: &str, zone: &TimeZone, now: Timestamp) -> anyhow::Result<Timestamp> {
    if text == "now" {
        return Ok(now);
    }
    let when: When = text.parse().map_err(|hint| anyhow!("`{text}` is not a time; {hint}"))?;
    let until = when.moment(zone);
    if until > now {
        bail!("{text} is yet to come: what is sent from now on is known");
    }
    Ok(until)
}

/// Plans what the rules would have sent, and counts it as sent.
async fn assume(
    store: &SqliteStore,
    config: Config,
    (since, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> anyhow::Result<u64> {
    let office = load::office(config).map_err(Found)?;
    let engine = Engine::new(store.clone(), MemoryRelay::new().0, VirtualClock::new(since), office);
    Ok(rehearsal::would_have_sent(&engine, until, async |by| store.assume_sent(by, now).await).await?)
}

fn describe(
    halt: Option<&Halt>,
    perhaps: &[PerhapsSent],
    (zone, now): (&TimeZone, Timestamp),
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let Some(halt) = halt else { return Ok(()) };
    screen.note(format_args!("{} {}.", "HOLD:".bold(), halt.said(zone, now)))?;
    if !perhaps.is_empty() {
        let rows = perhaps.iter().map(|letter| {
            [
                letter.at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string(),
                letter.customer.as_ref().map(ToString::to_string).unwrap_or_default(),
                format!("{}/{}", letter.rule, letter.stage),
                letter.about.join(", "),
                letter.message_id.clone().unwrap_or_default(),
            ]
        });
        screen.table(["begun", "customer", "rule/stage", "about", "message-id"], rows.collect())?;
    }
    Ok(())
}

fn as_json(halt: Option<&Halt>, perhaps: &[PerhapsSent], held: u32) -> serde_json::Value {
    let letter = |letter: &PerhapsSent| {
        serde_json::json!({
            "begun_at": letter.at.to_string(),
            "customer": letter.customer.as_ref().map(CustomerId::as_str),
            "rule": letter.rule.as_str(),
            "stage": letter.stage.as_str(),
            "about": letter.about,
            "message_id": letter.message_id,
        })
    };
    serde_json::json!({
        "hold": halt.map(Halt::name),
        "unusual": held,
        "perhaps_sent": perhaps.iter().map(letter).collect::<Vec<_>>(),
    })
}
