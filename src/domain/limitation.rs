//! When a claim becomes time-barred.
//!
//! The periods and what starts them anew differ from law to law, so they are
//! settings; the comments in the shipped `courtesy.yaml` name the articles.

use jiff::civil::Date;

use super::calendar::Calendar;
use super::customer::Class;
use super::notice::{LetterState, PastNotice};
use super::receivable::Receivable;
use super::settings::LimitationSettings;

/// Where the present period began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// The business gave the last day itself.
    Given,
    /// The due date.
    DueOn(Date),
    /// The customer acknowledged the claim.
    Acknowledgement(Date),
    /// A part of it was paid.
    PartPayment(Date),
    /// A reminder was delivered.
    Demand(Date),
}

impl Since {
    /// The word in templates: `given`, `due_on`, `acknowledgement`,
    /// `part_payment` or `demand`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::DueOn(_) => "due_on",
            Self::Acknowledgement(_) => "acknowledgement",
            Self::PartPayment(_) => "part_payment",
            Self::Demand(_) => "demand",
        }
    }

    /// The day it began; none where the business gave the end.
    #[must_use]
    pub fn day(self) -> Option<Date> {
        match self {
            Self::Given => None,
            Self::DueOn(day) | Self::Acknowledgement(day) | Self::PartPayment(day) | Self::Demand(day) => {
                Some(day)
            }
        }
    }
}

/// The end of the time in which a claim can be enforced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limitation {
    /// The last day; from the next one on the claim is time-barred.
    pub on: Date,
    /// Where the period began.
    pub since: Since,
}

/// When a claim becomes time-barred: the given day, which only a person
/// moves, or the period of its kind since the due date or the last thing
/// that started it anew in time. `past` are the notices about it.
#[must_use]
pub fn of<'n>(
    item: &Receivable,
    past: impl Iterator<Item = &'n PastNotice>,
    settings: &LimitationSettings,
    calendar: &Calendar,
) -> Option<Limitation> {
    if let Some(on) = item.limitation_on {
        return Some(Limitation { on, since: Since::Given });
    }
    let (_, period) = settings.periods.iter().find(|(kind, _)| *kind == item.kind)?;
    let ends = |day: Date| period.from_date(day, calendar);
    let mut now = Limitation { on: ends(item.due_on), since: Since::DueOn(item.due_on) };
    for restart in restarts(item, past, settings) {
        // What is time-barred already, nothing brings back by itself.
        if let Some(day) = restart.day().filter(|day| *day <= now.on && ends(*day) > now.on) {
            now = Limitation { on: ends(day), since: restart };
        }
    }
    Some(now)
}

/// Everything that starts the period anew, oldest first.
fn restarts<'n>(
    item: &Receivable,
    past: impl Iterator<Item = &'n PastNotice>,
    settings: &LimitationSettings,
) -> Vec<Since> {
    let mut all = Vec::new();
    if settings.by_acknowledgement {
        all.extend(item.acknowledged_on.iter().map(|day| Since::Acknowledgement(*day)));
    }
    if settings.by_part_payment {
        let positive = item.payments.iter().filter(|payment| payment.amount.is_positive());
        // Money that went back acknowledged nothing.
        let stayed = positive.filter(|payment| !item.went_back(payment));
        all.extend(stayed.map(|payment| Since::PartPayment(payment.received_on)));
    }
    if settings.by_demand {
        // A demand counts once it is known to have been delivered.
        let demands = past.filter(|notice| {
            notice.class == Class::Dunning
                && notice.state == LetterState::Sent
                && notice.to_customer
                && notice.offset.count > 0
        });
        all.extend(demands.map(|notice| Since::Demand(notice.day)));
    }
    all.sort_by_key(|since| since.day());
    all
}
