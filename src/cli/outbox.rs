//! `courtesy outbox`: the queue, and every letter that was sent.

mod letter_text;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize;

use self::letter_text::{described, headers_of, text_of};
use super::failure::Found;
use super::screen::Screen;
use super::table::{Cell, Tone};
use super::{Global, Surroundings, Timing, Verdict, history, load, wanted};
use crate::config::Config;
use crate::domain::ids::{CustomerId, LetterId, RuleName};
use crate::domain::notice::LetterState;
use crate::engine::peers_on;
use crate::store::sqlite::{Decided, Decision, SqliteStore};
use crate::store::{OutboxFilter, OutboxLetter, Store, StoreError};

const EXAMPLES: &str = "\
Examples:
  courtesy outbox                              the newest letters
  courtesy outbox list --state held --state uncertain
  courtesy outbox list --customer C001 --rule payment-reminders
  courtesy outbox show 42                      one letter: where it stands and what it says
  courtesy outbox release 42                   let a letter go that waits for a person
  courtesy outbox cancel 42 --reason 'paid in cash'
  courtesy outbox resolve 42 --sent            an uncertain letter did arrive
  courtesy outbox resolve 42 --not-sent        it did not: its stage is free again

States: queued, sending, sent, bounced (came back), retry (not sent, tried again), rejected (the
address was refused), uncertain (it may have arrived: a person decides), assumed (the same, and
nobody is asked), cancelled (no longer due), expired, held (waits for a person).";

/// What to show.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct OutboxArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    list: ListArgs,
}

impl OutboxArgs {
    /// What another time would make of it.
    pub(super) fn timing(&self) -> Timing {
        if matches!(self.what, Some(What::Show { .. })) { Timing::Asks } else { Timing::Now }
    }
}

#[derive(Subcommand, Debug)]
enum What {
    /// List letters, newest first
    List(ListArgs),
    /// Show one letter
    Show {
        /// Its number, as `outbox list` shows it
        #[arg(value_name = "NUMBER", value_parser = letter_id)]
        id: LetterId,
    },
    /// Let held letters go; each is asked again whether it is due when it leaves
    Release(DecisionArgs),
    /// Never send these letters; their stages count as done
    Cancel(DecisionArgs),
    /// Keep letters back that wait by themselves, until they are released
    Hold(DecisionArgs),
    /// Try letters again now that wait for their next attempt
    Retry(DecisionArgs),
    /// Say what became of an uncertain letter
    #[command(group = clap::ArgGroup::new("arrived").args(["sent", "not_sent"]).required(true))]
    Resolve {
        #[command(flatten)]
        letters: DecisionArgs,
        /// It arrived
        #[arg(long)]
        sent: bool,
        /// It did not: its stage is free again
        #[arg(long)]
        not_sent: bool,
    },
}

#[derive(Args, Clone, Debug)]
struct DecisionArgs {
    /// Their numbers, as `outbox list` shows them
    #[arg(value_name = "NUMBER", value_parser = letter_id, required = true)]
    ids: Vec<LetterId>,
    /// Why, in your own words
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Clone, Debug)]
struct ListArgs {
    /// Only letters in this state; may be repeated
    #[arg(long, value_name = "STATE",
          value_parser = clap::builder::PossibleValuesParser::new(LetterState::ALL.iter().map(|s| s.as_str())))]
    state: Vec<String>,
    /// Only of this customer
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only of this rule
    #[arg(long)]
    rule: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

/// `42`, or `#42` as `history` shows it.
fn letter_id(text: &str) -> Result<LetterId, String> {
    text.trim_start_matches('#')
        .parse()
        .map(LetterId)
        .map_err(|_| "a letter has a number, like 42".to_owned())
}

/// Shows what was asked for.
///
/// # Errors
/// When the configuration has problems or the letter is not known.
pub async fn run(
    args: &OutboxArgs,
    global: &Global,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let zone = &config.settings.business.zone;
    let halt = store.standing(config.settings.guards, now).await?.halt;
    let hold = halt.map(|halt| format!("{}; {}", halt.said(zone, now), halt.advice()));
    match &args.what {
        None => list(&args.list, &store, (&config, hold), global, screen).await,
        Some(What::List(filters)) => list(filters, &store, (&config, hold), global, screen).await,
        Some(What::Show { id }) => {
            let (zone, now) = (zone.clone(), global.moment(now, &config.settings));
            show(*id, store, config, &zone, now, global, screen).await
        }
        Some(What::Release(letters)) => {
            decided(Decision::Release, letters, &store, around, now, screen).await
        }
        Some(What::Cancel(letters)) => decided(Decision::Drop, letters, &store, around, now, screen).await,
        Some(What::Hold(letters)) => decided(Decision::Hold, letters, &store, around, now, screen).await,
        Some(What::Retry(letters)) => decided(Decision::Retry, letters, &store, around, now, screen).await,
        Some(What::Resolve { letters, sent, .. }) => {
            let decision = if *sent { Decision::WasSent } else { Decision::WasNotSent };
            decided(decision, letters, &store, around, now, screen).await
        }
    }
}

/// Does what a person decided, letter by letter, and says what follows. One
/// that has moved on meanwhile is left as it is, and keeps no other back.
async fn decided(
    decision: Decision,
    letters: &DecisionArgs,
    store: &SqliteStore,
    around: &Surroundings,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let (done, follows) = match decision {
        Decision::Release => ("released", "may go, if it is still due when it leaves"),
        Decision::Drop => ("cancelled", "is not sent, now or later"),
        Decision::Hold => ("held", "waits until it is released"),
        Decision::Retry => ("to be tried again", "is tried again at the next delivery"),
        Decision::WasSent => ("resolved as sent", "counts as sent"),
        Decision::WasNotSent => ("resolved as not sent", "was not sent; its stage is free again"),
    };
    let by = format!("{done} by {}", around.user);
    let why = if letters.reason.is_empty() { by } else { format!("{by}: {}", letters.reason) };
    let mut verdict = Verdict::Done;
    for id in &letters.ids {
        match store.decide(*id, decision, why.clone(), now).await {
            Ok(Decided::Done) => screen.say(format_args!("Letter {id} {follows}."))?,
            Ok(Decided::Overtaken) => screen
                .say(format_args!("Letter {id} was not sent, and is not any more: a later one has left."))?,
            Ok(Decided::Already(state)) => screen.say(format_args!("Letter {id} is {state} already."))?,
            Err(StoreError::NotFound(why) | StoreError::Refused(why)) => {
                screen.complaint(format_args!("{} {why}", "error:".red().bold()))?;
                verdict = Verdict::Failed;
            }
            Err(failed @ (StoreError::Failed { .. } | StoreError::Unusable(_))) => return Err(failed.into()),
        }
    }
    Ok(verdict)
}

async fn list(
    args: &ListArgs,
    store: &impl Store,
    (config, hold): (&Config, Option<String>),
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    if let Some(hold) = hold {
        screen.complaint(format_args!("{} nothing leaves: {hold}", "HOLD:".red().bold()))?;
    }
    let zone = &config.settings.business.zone;
    let filter = OutboxFilter {
        letter: None,
        states: args.state.iter().filter_map(|word| LetterState::from_word(word)).collect(),
        customer: args.customer.as_deref().map(CustomerId::from),
        rule: args.rule.as_deref().map(RuleName::from),
        limit: args.limit,
    };
    let letters = store.outbox(filter).await?;
    if global.json && !letters.is_empty() {
        screen.json(&letters.iter().map(as_json).collect())?;
        return Ok(Verdict::Done);
    }
    if letters.is_empty() {
        // Nothing may be found because the name is wrong.
        if let Some(customer) = &args.customer {
            store.history(CustomerId::from(customer.as_str())).await?;
        }
        if let Some(rule) = &args.rule {
            wanted::rule(config, rule)?;
        }
        if global.json {
            screen.json(&serde_json::json!([]))?;
        }
        screen.note("No such letters.")?;
        return Ok(Verdict::Done);
    }
    let full = letters.len() == args.limit;
    let rows = letters
        .iter()
        .map(|letter| {
            let why = if letter.state == LetterState::Sent { "" } else { &letter.reason };
            [
                Cell::from(letter.id.to_string()),
                Cell::from(local(moment(letter), zone)),
                Cell::new(letter.state.as_str(), tone_of(letter.state)),
                Cell::from(letter.draft.whose()),
                Cell::from(format!("{}/{}", letter.draft.rule, letter.draft.stage)),
                Cell::from(letter.made.as_ref().map_or("", |made| &made.subject)),
                Cell::from(why),
            ]
        })
        .collect();
    screen.table(["no", "when", "state", "customer", "rule/stage", "subject", "why"], rows)?;
    if full {
        screen.note(format_args!("The newest {}; --limit shows more.", args.limit))?;
    }
    Ok(Verdict::Done)
}

fn tone_of(state: LetterState) -> Tone {
    match state {
        LetterState::Sent | LetterState::Assumed => Tone::Good,
        LetterState::Held | LetterState::Retry => Tone::Warning,
        LetterState::Uncertain | LetterState::Rejected | LetterState::Expired | LetterState::Bounced => {
            Tone::Bad
        }
        LetterState::Queued | LetterState::Sending | LetterState::Cancelled => Tone::Plain,
    }
}

/// The letter and its text. One that waits is shown as it would leave now,
/// so that a person who agrees to it has read it.
async fn show(
    id: LetterId,
    store: SqliteStore,
    config: Config,
    zone: &TimeZone,
    now: Timestamp,
    global: &Global,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let filter = OutboxFilter::one(id);
    let mut letter = store.outbox(filter).await?.pop().ok_or_else(|| {
        anyhow::anyhow!("there is no letter {id}; `courtesy outbox list` shows their numbers")
    })?;
    let returned = store.returned(id).await?;
    let mut note = String::new();
    if letter.state.is_waiting() {
        let office = load::office(config).map_err(Found)?;
        let (row, facts) = store.letter_and_facts(id, office.reach(now)).await?;
        let peers = peers_on(&store, office.settings.business.day(now)).await?;
        match office.preview(store.rules_seen().await?, &row, &facts, peers, now) {
            Ok(made) => {
                "As it would leave now; it is made anew if anything in it changes.".clone_into(&mut note);
                letter.made = Some(made);
            }
            Err(why) => note = format!("It would not leave now: {why}."),
        }
    }
    if global.json {
        let mut json = as_json(&letter);
        json["text"] = letter.made.as_ref().filter(|_| letter.emptied.is_none()).map(text_of).into();
        json["came_back"] = returned.iter().map(history::as_json).collect();
        screen.json(&json)?;
        return Ok(Verdict::Done);
    }
    screen.result(described(&letter, &returned, zone))?;
    if !note.is_empty() {
        screen.result(format_args!("\n{note}"))?;
    }
    if let Some(made) = &letter.made {
        let text = letter_text::removed(&letter, zone).unwrap_or_else(|| text_of(made));
        screen.result(format_args!("\n{}\n\n{}", headers_of(made), text.trim_end()))?;
    }
    Ok(Verdict::Done)
}

/// The moment that matters in the letter's state.
fn moment(letter: &OutboxLetter) -> Timestamp {
    if letter.state.is_waiting() {
        letter.next_attempt_at
    } else {
        letter.finished_at.unwrap_or(letter.queued_at)
    }
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string()
}

fn as_json(letter: &OutboxLetter) -> serde_json::Value {
    let made = letter.made.as_ref();
    serde_json::json!({
        "id": letter.id.0,
        "state": letter.state.as_str(),
        "reason": letter.reason,
        "attempts": letter.attempts,
        "customer": letter.draft.customer.as_ref().map(CustomerId::as_str),
        "rule": letter.draft.rule.as_str(),
        "stage": letter.draft.stage.as_str(),
        "class": letter.draft.class.as_str(),
        "queued_at": letter.queued_at.to_string(),
        "not_before": letter.next_attempt_at.to_string(),
        "finished_at": letter.finished_at.map(|at| at.to_string()),
        "notices": letter.draft.lines.iter().map(|line| line.key.to_string()).collect::<Vec<_>>(),
        "to": made.map(|made| made.parcel.to.as_str()),
        "cc": made.map(|made| made.parcel.cc.iter().map(ToString::to_string).collect::<Vec<_>>()),
        "subject": made.map(|made| made.subject.as_str()),
        "locale": made.map(|made| made.locale.as_str()),
        "message_id": made.map(|made| made.parcel.message_id.as_str()),
        "text_removed": letter.emptied.as_ref().map(|emptied| {
            serde_json::json!({ "at": emptied.at.to_string(), "because": emptied.because })
        }),
    })
}
