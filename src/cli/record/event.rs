//! `courtesy record event`: with whom, what, and whether a rule knows it.

use std::collections::BTreeSet;

use anyhow::bail;
use clap::{ArgGroup, Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use owo_colors::OwoColorize as _;

use crate::cli::screen::Screen;
use crate::cli::when::When;
use crate::domain::event::EventOutcome;
use crate::domain::rule::{Anchor, Rule};
use crate::nearest::did_you_mean;
use crate::store::{Record, With};

/// Events of this kind count whether or not a rule answers them.
const COUNTED: &str = "purchase";

const EXAMPLES: &str = "\
Examples:
  courtesy record event C001 visit --outcome positive
  courtesy record event --segment dentists announcement --note 'The new lamp is here.'
  courtesy record event --tag regulars trip --id trip-2026-autumn

With many at once it is one event for each customer, all or none. The same kind (and product) on
the same day is the same one and is not recorded again, save for customers who are new; give
another an --id of its own.

A kind that no rule knows, but that looks like a slip for one that a rule does, is refused: nobody
would notice the thank-you that never comes. A kind that looks like none is recorded, with a word
about it.";

#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    allow_missing_positional = true,
    group = ArgGroup::new("with").args(["customer", "segment", "tag", "everyone"]).required(true)
)]
pub(super) struct EventArgs {
    /// With whom
    customer: Option<String>,
    /// What: visit, signing, purchase, delivery, proficient, favour, or a word of your own
    kind: String,
    /// With every customer of this segment instead
    #[arg(long, value_name = "SEGMENT")]
    segment: Option<String>,
    /// With every customer who has this tag instead
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// With every customer instead
    #[arg(long)]
    everyone: bool,
    /// How it went; only a positive visit is thanked for
    #[arg(long, value_enum)]
    outcome: Option<Outcome>,
    /// About what
    #[arg(long)]
    product: Option<String>,
    /// In your own words, as the customer may read them: the thank-you shows them
    #[arg(long)]
    note: Option<String>,
    /// When: 2026-03-02, 2026-03-02T14:30, or with an offset [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<When>,
    /// Your own number for it; made from the rest if left out
    #[arg(long)]
    id: Option<String>,
    /// Record the kind as it is, even if it looks like a slip for one that a rule knows
    #[arg(long)]
    any_kind: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Outcome {
    Positive,
    Neutral,
    Negative,
}

impl EventArgs {
    /// Whether any rule knows the kind.
    ///
    /// # Errors
    /// When none does, and one that a rule knows is near.
    pub(super) fn check_kind(&self, rules: &[Rule], screen: &mut Screen) -> anyhow::Result<()> {
        let kind = self.kind();
        let known = known_kinds(rules);
        if known.contains(kind.as_str()) {
            return Ok(());
        }
        match did_you_mean(&kind, known.iter().copied()).filter(|_| !self.any_kind) {
            Some(hint) => bail!(
                "no rule knows the event `{kind}`; {hint} Nothing was recorded; --any-kind \
                 records `{kind}` as it is"
            ),
            None => Ok(screen.note(format_args!(
                "{} no rule counts from event.{kind}, so nothing is sent for it",
                "note:".yellow()
            ))?),
        }
    }

    fn kind(&self) -> String {
        self.kind.trim().to_lowercase()
    }

    pub(super) fn into_record(self, zone: &TimeZone, now: Timestamp) -> Record {
        Record::Event {
            kind: self.kind(),
            occurred_at: self.at.map_or(now, |when| when.moment(zone)),
            with: match (self.customer, self.segment, self.tag) {
                (Some(customer), _, _) => With::Customer(customer.as_str().into()),
                (None, Some(segment), _) => With::Segment(segment),
                (None, None, Some(tag)) => With::Tag(tag),
                // clap has made sure of one of them.
                (None, None, None) => With::Everyone,
            },
            id: self.id,
            outcome: self.outcome.map(EventOutcome::from),
            product: self.product,
            note: self.note,
        }
    }
}

/// The kinds that rules count from or that end their repetitions.
fn known_kinds(rules: &[Rule]) -> BTreeSet<&str> {
    let mut known = BTreeSet::from([COUNTED]);
    for rule in rules {
        if let Anchor::Event(kinds) = &rule.anchor {
            known.extend(kinds.iter().map(String::as_str));
        }
        let repeats = rule.stages.iter().filter_map(|stage| stage.repeat.as_ref());
        known.extend(repeats.filter_map(|repeat| repeat.until.as_deref()));
    }
    known
}

impl From<Outcome> for EventOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Positive => Self::Positive,
            Outcome::Neutral => Self::Neutral,
            Outcome::Negative => Self::Negative,
        }
    }
}
