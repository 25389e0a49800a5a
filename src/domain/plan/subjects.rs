//! What a rule can be about: receivables, payments, events, or the customer.

use jiff::Timestamp;
use jiff::civil::Date;

use super::view::View;
use crate::domain::event::Event;
use crate::domain::filter::Candidate;
use crate::domain::notice::Subject;
use crate::domain::promise::{Promise, Standing};
use crate::domain::receivable::{Payment, Receivable, SettledBy};
use crate::domain::rule::{Anchor, ReceivableDate, Rule, RuleSeen};
use crate::domain::schedule::Schedule;
use crate::domain::statement::Period;
use crate::domain::stop::Stop;

/// One thing a rule could write about.
#[derive(Clone)]
pub struct Item<'a> {
    pub subject: Subject,
    /// What it counts from, or why there is nothing to count from.
    pub anchor: Result<Anchored, Stop>,
    pub receivable: Option<&'a Receivable>,
    pub payment: Option<&'a Payment>,
    pub event: Option<&'a Event>,
}

/// The value of an anchor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchored {
    /// The civil day at the customer's, closed days moved.
    pub day: Date,
    /// The moment, where there is one.
    pub at: Option<Timestamp>,
    /// What names the ladder round in the notice key.
    pub round: Round,
}

/// What names a ladder round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Round {
    /// It happens once; a correction of its date repeats nothing.
    Once,
    /// The date that names it: a due date, a promised one, the end of
    /// limitation.
    On(Date),
    /// What settled the claim.
    Settled(String),
    /// An occurrence of a calendar.
    At(String),
    /// The days that a statement of account is about.
    Of(Period),
}

impl Round {
    /// As it stands in the notice key.
    pub fn text(&self) -> String {
        match self {
            Self::Once => "once".to_owned(),
            Self::On(date) => date.to_string(),
            Self::Settled(by) => by.clone(),
            Self::At(moment) => moment.clone(),
            Self::Of(period) => period.to_string(),
        }
    }
}

impl<'a> Item<'a> {
    /// What a filter looks at.
    pub fn candidate(&self, view: &View<'a>) -> Candidate<'a> {
        Candidate {
            customer: &view.of.customer,
            receivable: self.receivable,
            event: self.event,
            today: view.today,
        }
    }
}

/// Everything of a customer that a rule could write about.
pub fn of_rule<'a>(view: &View<'a>, rule: &'a Rule) -> Vec<Item<'a>> {
    match &rule.anchor {
        Anchor::Receivable(ReceivableDate::PromisedOn) => view
            .of
            .receivables
            .iter()
            .flat_map(|receivable| to_speak_of(receivable).map(move |promise| (receivable, promise)))
            .map(|(receivable, promise)| of_promise(view, receivable, promise))
            .collect(),
        Anchor::Receivable(date) => {
            view.of.receivables.iter().map(|receivable| of_receivable(view, *date, receivable)).collect()
        }
        Anchor::Payment => view
            .of
            .receivables
            .iter()
            .flat_map(|receivable| receivable.payments.iter().map(move |payment| (receivable, payment)))
            .filter(|(_, payment)| payment.amount.is_positive())
            .map(|(receivable, payment)| Item {
                subject: Subject::Payment(payment.id.clone()),
                anchor: Ok(Anchored { day: payment.received_on, at: None, round: Round::Once }),
                receivable: Some(receivable),
                payment: Some(payment),
                event: None,
            })
            .collect(),
        Anchor::Event(kinds) => view
            .of
            .events
            .iter()
            .filter(|event| kinds.contains(&event.kind))
            .map(|event| Item {
                subject: Subject::Event(event.id.clone()),
                anchor: Ok(Anchored {
                    day: view.day(event.occurred_at),
                    at: Some(event.occurred_at),
                    round: Round::Once,
                }),
                receivable: None,
                payment: None,
                event: Some(event),
            })
            .collect(),
        Anchor::Calendar => vec![of_calendar(view, rule)],
    }
}

fn of_receivable<'a>(view: &View<'a>, date: ReceivableDate, receivable: &'a Receivable) -> Item<'a> {
    let once = |day: Option<Date>| {
        day.map(|day| Anchored { day, at: None, round: Round::Once }).ok_or(Stop::NoAnchor)
    };
    let anchor = match date {
        ReceivableDate::DueOn => Ok(Anchored {
            day: view.effective_due_on(receivable),
            at: None,
            round: Round::On(receivable.round_on),
        }),
        // Each promise is an item of its own, see `of_promise`.
        ReceivableDate::PromisedOn => Err(Stop::NoAnchor),
        ReceivableDate::IssuedOn => once(receivable.issued_on),
        // What starts the period anew starts the warnings anew.
        ReceivableDate::LimitationOn => view
            .limitation(receivable)
            .ok_or(Stop::NoAnchor)
            .map(|limitation| Anchored { day: limitation.on, at: None, round: Round::On(limitation.on) }),
        ReceivableDate::SettledOn => {
            receivable.settled().ok_or_else(|| unsettled(receivable)).map(|(day, by)| Anchored {
                day,
                at: None,
                round: Round::Settled(match by {
                    SettledBy::Payment(id) => format!("payment:{id}"),
                    SettledBy::Books => "books".to_owned(),
                }),
            })
        }
    };
    Item {
        subject: Subject::Receivable(receivable.id.clone()),
        anchor,
        receivable: Some(receivable),
        payment: None,
        event: None,
    }
}

/// Why a claim is not settled: the money went back, or never came.
fn unsettled(receivable: &Receivable) -> Stop {
    let back = receivable.payments.iter().any(|payment| payment.amount.amount.is_sign_negative());
    if back { Stop::Bounced } else { Stop::NoAnchor }
}

/// Of several promises, the last that counted; and the last of all, where it
/// was beyond the limits.
fn to_speak_of(receivable: &Receivable) -> impl Iterator<Item = &Promise> {
    let counted = receivable.promises.iter().rev().find(|promise| promise.binding);
    let beyond = receivable.promises.last().filter(|promise| !promise.binding);
    counted.into_iter().chain(beyond)
}

/// A promise, to be spoken of once it is broken.
fn of_promise<'a>(view: &View<'a>, receivable: &'a Receivable, promise: &Promise) -> Item<'a> {
    let anchor = match promise.standing(&receivable.payments, view.today) {
        Standing::Broken => {
            Ok(Anchored { day: promise.promised_on, at: None, round: Round::On(promise.promised_on) })
        }
        Standing::Pending => Err(Stop::Promised(promise.until)),
        Standing::Kept(_) => Err(Stop::PromiseOver("kept")),
        Standing::Ended => Err(Stop::PromiseOver("ended or replaced")),
        Standing::Beyond => Err(Stop::PromiseOver("beyond the limits")),
    };
    Item {
        subject: Subject::Receivable(receivable.id.clone()),
        anchor,
        receivable: Some(receivable),
        payment: None,
        event: None,
    }
}

/// The last occurrence of the rule's own schedule.
fn of_calendar<'a>(view: &View<'a>, rule: &Rule) -> Item<'a> {
    let zone = &view.settings.business.zone;
    let round = |schedule: &Schedule, at: Timestamp| {
        if rule.is_statement() {
            Round::Of(Period::stated_at(at, schedule, zone))
        } else {
            Round::At(at.to_zoned_datetime(zone.clone()).strftime("%FT%R").to_string())
        }
    };
    let last = rule.schedule.as_ref().and_then(|schedule| {
        let at = schedule.last_until(view.now, zone)?;
        Some(Anchored { day: view.day(at), at: Some(at), round: round(schedule, at) })
    });
    let anchor = last.ok_or(Stop::NoAnchor);
    Item {
        subject: Subject::Customer(view.of.customer.id.clone()),
        anchor,
        receivable: None,
        payment: None,
        event: None,
    }
}

/// Since when the rule, with an audience that holds the candidate, has been
/// in force without a break.
pub fn in_force_since(seen: Option<&RuleSeen>, candidate: Candidate<'_>) -> Option<Timestamp> {
    let audiences = &seen?.audiences;
    let held = audiences.iter().rev().take_while(|(audience, _)| audience.holds(candidate));
    held.last().map(|(_, since)| *since)
}
