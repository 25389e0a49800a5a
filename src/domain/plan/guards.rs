//! The stops: what keeps a letter from being written now.

use jiff::ToSpan;
use jiff::civil::Date;

use super::subjects::{Anchored, Item, Round};
use super::view::View;
use crate::domain::calendar::day_begins;
use crate::domain::customer::Class;
use crate::domain::notice::{PastNotice, Subject};
use crate::domain::receivable::{Kind, Pause, PauseCause, Receivable, Status};
use crate::domain::recipients;
use crate::domain::rule::{Anchor, Interlock, ReceivableDate, Recipient, Rule};
use crate::domain::statement::{self, Period};
use crate::domain::stop::{Decision, Stop};

/// What ends the matter for everybody, alarms included: the claim is over,
/// or the rule is not about it.
pub fn over(view: &View<'_>, rule: &Rule, item: &Item<'_>) -> Option<Stop> {
    let candidate = item.candidate(view);
    if let Some(condition) = rule.audience.unmet(candidate) {
        return Some(Stop::NotInAudience(condition));
    }
    if rule.unless.excludes(candidate) {
        return Some(Stop::Excluded);
    }
    if let Ok(Anchored { round: Round::Of(period), .. }) = &item.anchor {
        return over_statement(view, *period);
    }
    let receivable = item.receivable?;
    match rule.anchor {
        Anchor::Receivable(ReceivableDate::SettledOn) => None,
        Anchor::Payment => over_payment(view, receivable, item),
        Anchor::Receivable(_) | Anchor::Event(_) | Anchor::Calendar => {
            if receivable.kind == Kind::CreditNote {
                Some(Stop::CreditNote)
            } else if receivable.status == Status::Paid || !receivable.status.is_live() {
                Some(closed(receivable.status))
            } else if !receivable.balance().is_positive() {
                Some(Stop::Settled)
            } else if rule.audience.balance_suffices(candidate) {
                None
            } else {
                Some(Stop::BelowMinimum)
            }
        }
    }
}

/// A statement is for whom something is open, or moved on its days.
fn over_statement(view: &View<'_>, period: Period) -> Option<Stop> {
    if statement::is_called_for(view.of, period, &|claim| view.time_barred(claim)) {
        return None;
    }
    let mut open = view.of.receivables.iter().filter(|claim| claim.balance().is_positive());
    Some(open.find_map(|claim| view.time_barred(claim)).map_or(Stop::Settled, Stop::TimeBarred))
}

fn closed(status: Status) -> Stop {
    if status == Status::Paid { Stop::Settled } else { Stop::Closed(status) }
}

/// A part payment is thanked for while a rest is open; one that bounced is
/// not, nor one whose rest is covered by credit: the letter would name it.
fn over_payment(view: &View<'_>, receivable: &Receivable, item: &Item<'_>) -> Option<Stop> {
    let payment = item.payment?;
    if receivable.went_back(payment) {
        return Some(Stop::Bounced);
    }
    if !receivable.status.is_live() {
        return Some(closed(receivable.status));
    }
    if !receivable.balance().is_positive() {
        return Some(Stop::Settled);
    }
    let currency = receivable.amount.currency;
    (view.net(currency) <= rust_decimal::Decimal::ZERO).then_some(Stop::CoveredByCredit(currency))
}

/// What silences letters to the customer about this item. None of it
/// silences an alarm.
pub fn silenced(view: &View<'_>, rule: &Rule, item: &Item<'_>) -> Option<Stop> {
    if view.of.customer.forgotten_at.is_some() {
        return Some(Stop::Forgotten);
    }
    if view.of.customer.blocked {
        return Some(Stop::Blocked);
    }
    let found = recipients::person(&Recipient::Customer, rule.class, view.facts, view.of, &[], view.settings);
    if let Err(stop) = found {
        return Some(stop);
    }
    if let Some(hold) = covering(view, &view.of.pauses, PauseCause::Hold) {
        return Some(Stop::OnHold(hold.until));
    }
    if rule.class != Class::Dunning {
        return None;
    }
    if covering(view, &view.of.pauses, PauseCause::Dispute).is_some() {
        return Some(Stop::Disputed);
    }
    if rule.is_statement() {
        return is_data_too_old(view).then_some(Stop::DataTooOld);
    }
    let receivable = item.receivable?;
    let pause = |cause| covering(view, &receivable.pauses, cause);
    let currency = receivable.amount.currency;
    if receivable.status == Status::Disputed || pause(PauseCause::Dispute).is_some() {
        Some(Stop::Disputed)
    } else if let Some(hold) = pause(PauseCause::Hold) {
        Some(Stop::OnHold(hold.until))
    } else if receivable.status == Status::OnHold {
        Some(Stop::OnHold(None))
    } else if let Some(until) = receivable.promised_until(view.today) {
        Some(Stop::Promised(until))
    } else if let Some(last) = view.time_barred(receivable) {
        Some(Stop::TimeBarred(last))
    } else if view.net(currency) <= rust_decimal::Decimal::ZERO {
        Some(Stop::CoveredByCredit(currency))
    } else {
        is_data_too_old(view).then_some(Stop::DataTooOld)
    }
}

/// Whether somebody may have paid without our knowing.
fn is_data_too_old(view: &View<'_>) -> bool {
    view.settings.is_too_old(view.facts.payments_read_at, view.now)
}

fn covering<'p>(view: &View<'_>, pauses: &'p [Pause], cause: PauseCause) -> Option<&'p Pause> {
    pauses.iter().find(|pause| pause.cause == cause && view.stops(pause))
}

/// What else is going on that this letter must wait for: the interlock, and
/// the distance to other rules' letters about the same claim.
pub fn waits(view: &View<'_>, others: &[&View<'_>], rule: &Rule, item: &Item<'_>) -> Option<Decision> {
    let skipped = |why| Some(Decision::Skipped { why });
    for interlock in &rule.not_while {
        match interlock {
            Interlock::Overdue if others.iter().any(|view| view.is_overdue()) => {
                return skipped(Stop::NotWhile("overdue"));
            }
            Interlock::Disputed if others.iter().any(|view| view.is_disputed()) => {
                return skipped(Stop::NotWhile("disputed"));
            }
            Interlock::Dunned { days } => {
                let last = others.iter().filter_map(|view| view.last_dunned()).max();
                let free = last.map(|day| day.saturating_add(days.days()));
                if let Some(free) = free.filter(|free| *free > view.today) {
                    return Some(until(view, free, Stop::NotWhile("dunned")));
                }
            }
            Interlock::Overdue | Interlock::Disputed => {}
        }
    }
    let receivable = item.receivable.filter(|_| rule.class == Class::Dunning)?;
    let round = item.anchor.as_ref().map(|anchor| anchor.round.text()).unwrap_or_default();
    min_gap(view, rule, receivable, &round)
}

fn min_gap(view: &View<'_>, rule: &Rule, receivable: &Receivable, round: &str) -> Option<Decision> {
    let gap = view.settings.dunning.min_gap;
    let calendar = &view.settings.business.calendars.business;
    view.past(&Subject::Receivable(receivable.id.clone()))
        .iter()
        .filter(|notice| {
            // The ladder keeps its own distances within a round.
            (notice.key.rule != rule.name || notice.key.round != round)
                && notice.class == Class::Dunning
                && notice.to_customer
                && notice.state.counts_as_sent()
        })
        .map(|notice| (gap.from_date(notice.day, calendar), &notice.key.rule))
        .filter(|(free, _)| *free > view.today)
        .max_by_key(|(free, _)| *free)
        .map(|(free, other)| until(view, free, Stop::MinGap(other.clone())))
}

/// The next day on which a stop begins or ends by itself: a pause, or the
/// limitation. What is about no receivable may wait for any of them, by its
/// interlock.
pub fn next_change(view: &View<'_>, item: &Item<'_>) -> Option<Date> {
    let items: Vec<&Receivable> = match item.receivable {
        Some(receivable) => vec![receivable],
        None => view.of.receivables.iter().collect(),
    };
    let pauses = items.iter().flat_map(|item| &item.pauses).chain(&view.of.pauses);
    let turns =
        pauses.flat_map(|pause| [Some(pause.from), pause.until.map(|last| last.saturating_add(1.day()))]);
    let claim = item.receivable;
    let promised =
        claim.into_iter().flat_map(|claim| &claim.promises).map(|promise| Some(promise.breaks_on()));
    let barred =
        claim.map(|claim| view.limitation(claim).map(|limit| limit.on.saturating_add(1.day()))).into_iter();
    turns.chain(promised).chain(barred).flatten().filter(|day| *day > view.today).min()
}

/// Waits until a day begins at the customer's.
pub fn until(view: &View<'_>, day: Date, why: Stop) -> Decision {
    Decision::Waiting { until: day_begins(day, view.zone()), why }
}

/// A stop as a decision: one that ends on a known day waits for it.
pub fn stopped(view: &View<'_>, why: Stop) -> Decision {
    match &why {
        Stop::OnHold(Some(last)) | Stop::Promised(last) => until(view, last.saturating_add(1.day()), why),
        _ => Decision::Skipped { why },
    }
}

/// The pauses that stop the customer's letters about an item, and the day
/// until which an ended one, a part payment or a bounced payment keeps the
/// next.
pub fn pauses(view: &View<'_>, rule: &Rule, item: &Item<'_>) -> (Vec<Pause>, Option<Date>) {
    // The word about a broken promise comes when it is broken.
    let promise = rule.anchor == Anchor::Receivable(ReceivableDate::PromisedOn);
    let Some(receivable) = item.receivable.filter(|_| rule.class == Class::Dunning && !promise) else {
        return (Vec::new(), None);
    };
    let promised = receivable.promises.iter().filter_map(|promise| promise.pause(&receivable.payments));
    let pauses: Vec<Pause> =
        receivable.pauses.iter().chain(&view.of.pauses).cloned().chain(promised).collect();
    let ended = pauses.iter().filter_map(|pause| pause.until.filter(|until| *until < view.today));
    let moved = receivable.payments.iter().map(|payment| payment.received_on);
    let calendar = &view.settings.business.calendars.business;
    let resume =
        ended.chain(moved).max().map(|day| view.settings.dunning.resume_after.from_date(day, calendar));
    (pauses, resume)
}

/// The last day on which another rule told the customer that a promise about
/// this claim was broken.
pub fn reproached_on(view: &View<'_>, rule: &Rule, item: &Item<'_>) -> Option<Date> {
    let of_promises = |notice: &&&PastNotice| {
        let other = view.rules.get(&notice.key.rule);
        other.is_some_and(|other| other.anchor == Anchor::Receivable(ReceivableDate::PromisedOn))
    };
    let receivable = item.receivable.filter(|_| rule.class == Class::Dunning)?;
    // Most claims are promised nothing.
    if receivable.promises.is_empty() || rule.anchor == Anchor::Receivable(ReceivableDate::PromisedOn) {
        return None;
    }
    let past = view.past(&item.subject).iter();
    past.filter(|notice| notice.to_customer && notice.state.counts_as_sent())
        .filter(of_promises)
        .map(|notice| notice.day)
        .max()
}
