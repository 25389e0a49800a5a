//! The letter of a stage as if its time had come and nothing stopped it, for
//! a person who wants to see it.

use jiff::Timestamp;

use super::drafts::{self, Due};
use super::guards;
use super::subjects::{self, Item};
use super::view::View;
use crate::domain::facts::Facts;
use crate::domain::ids::{CustomerId, ReceivableId};
use crate::domain::ladder::{Rung, Track};
use crate::domain::notice::Draft;
use crate::domain::rule::{Rule, RuleLetter, Rules};
use crate::domain::settings::Settings;

/// Which letter, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// By which rule.
    pub rule: &'a Rule,
    /// Which of its letters.
    pub letter: &'a RuleLetter<'a>,
    /// To whom.
    pub customer: &'a CustomerId,
    /// About this claim alone.
    pub claim: Option<&'a ReceivableId>,
}

/// The draft of a letter as if it were due: about everything that the rule is
/// about, or, where that is nothing, about what it was or could be about.
/// `None` where the customer has nothing of the sort.
#[must_use]
pub fn as_if(
    rules: &Rules,
    settings: &Settings,
    facts: &Facts,
    now: Timestamp,
    sought: Sought<'_>,
) -> Option<Draft> {
    let of = facts.customer(sought.customer)?;
    let view = View::new(rules, settings, facts, of, now);
    let wanted = |item: &Item<'_>| {
        sought.claim.is_none_or(|claim| item.receivable.is_some_and(|receivable| receivable.id == *claim))
    };
    let items: Vec<Item<'_>> = subjects::of_rule(&view, sought.rule).into_iter().filter(wanted).collect();
    let fits = |item: &&Item<'_>| item.anchor.is_ok() && guards::over(&view, sought.rule, item).is_none();
    let mut chosen: Vec<&Item<'_>> = items.iter().filter(fits).collect();
    if chosen.is_empty() {
        // The last one of what is over, or not yet so far.
        chosen = items.iter().rfind(|item| item.anchor.is_ok()).or(items.last()).into_iter().collect();
    }
    let due = chosen.into_iter().map(|item| due(&view, sought, item)).collect();
    let last = sought.rule.anchor.is_a_moment();
    let mut letters = drafts::letters(&view, sought.rule, due).into_iter().map(|proposal| proposal.draft);
    // Of what happens again and again the last is meant, of claims the oldest.
    if last { letters.last() } else { letters.next() }
}

fn due<'a>(view: &View<'a>, sought: Sought<'a>, item: &Item<'a>) -> Due<'a> {
    let anchor = item.anchor.as_ref().ok();
    let stage = sought.letter.stage;
    let day = anchor.map_or(view.today, |anchor| anchor.day);
    let planned_on = stage.at.from_date(day, &view.settings.business.calendars.business);
    Due {
        item: item.clone(),
        round: anchor.map_or_else(|| "as if".to_owned(), |anchor| anchor.round.text()),
        rung: Rung {
            stage,
            name: sought.letter.name.clone(),
            repetition: 0,
            to: sought.letter.to,
            template: sought.letter.template,
            planned_on,
            at: view.now,
        },
        track: if stage.concerns_customer() { Track::Customer } else { Track::Alarm },
        customer_stop: None,
    }
}
