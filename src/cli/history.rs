//! `courtesy history`: everything sent to and recorded about a customer.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::screen::Screen;
use super::{Global, Verdict, load};
use crate::domain::ids::CustomerId;
use crate::store::{HistoryEntry, Store};

const EXAMPLES: &str = "\
Examples:
  courtesy history C001
  courtesy history C001 --json

A letter's number leads to the letter itself: courtesy outbox show NUMBER";

/// Whose.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    /// The customer's id
    pub customer: String,
}

/// Prints it, oldest first.
///
/// # Errors
/// When the configuration has problems or the customer is not known.
pub async fn run(args: &HistoryArgs, global: &Global, screen: &mut Screen) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let entries = store.history(CustomerId::from(args.customer.as_str())).await?;
    let zone = &config.settings.business.zone;
    if global.json {
        screen.json(&entries.iter().map(as_json).collect())?;
        return Ok(Verdict::Done);
    }
    if entries.is_empty() {
        screen.note(format_args!("Nothing was sent to or recorded about {} yet.", args.customer))?;
        return Ok(Verdict::Done);
    }
    let rows = entries
        .into_iter()
        .map(|entry| {
            [
                moment(entry.at, zone),
                entry.what.to_owned(),
                entry.about,
                entry.letter.map(|letter| format!("#{letter}")).unwrap_or_default(),
                entry.detail,
            ]
        })
        .collect();
    screen.table(["when", "what", "about", "letter", "detail"], rows)?;
    Ok(Verdict::Done)
}

/// What is known to the day stands at its beginning, and has no hour.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    let form = if local.time() == Time::midnight() { "%F" } else { "%F %R" };
    local.strftime(form).to_string()
}

/// An entry as JSON.
pub(super) fn as_json(entry: &HistoryEntry) -> serde_json::Value {
    serde_json::json!({
        "at": entry.at.to_string(),
        "what": entry.what,
        "about": entry.about,
        "detail": entry.detail,
        "letter": entry.letter.map(|letter| letter.0),
    })
}
