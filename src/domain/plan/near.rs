//! The guards that nearly apply: what stopped a letter until lately, what
//! soon will, and the bounds it just keeps within.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::asked::Asked;
use super::guards;
use super::subjects::Item;
use super::view::View;
use crate::domain::customer::Class;
use crate::domain::ids::RuleName;
use crate::domain::money::Money;
use crate::domain::notice::Subject;
use crate::domain::promise::{Promise, Standing};
use crate::domain::receivable::{Pause, PauseCause, Receivable};
use crate::domain::rule::{Interlock, Rule};

/// What lies further back, or ahead, than so many days is not near.
const DAYS: i32 = 30;

/// A guard that nearly applies, or that explains one that does.
#[derive(Clone, PartialEq, Debug)]
pub enum Near {
    /// A dispute or a hold that is over.
    PauseOver(Pause),
    /// One that applies today.
    PauseNow(Pause),
    /// One that is to come.
    PauseAhead(Pause),
    /// A promise, and how it stands.
    Promise(Promise, Standing),
    /// Money came in, or went back, and something is still owed.
    Payment {
        /// How much.
        amount: Money,
        /// When.
        on: Date,
    },
    /// After the last of these the next letter is kept back until a day,
    /// which may have come.
    Resumes(Date),
    /// The rule asks for a least balance.
    Least {
        /// What it asks for.
        least: Money,
        /// What is owed.
        balance: Money,
    },
    /// Another rule wrote about the same claim.
    Gap {
        /// Which.
        rule: RuleName,
        /// When.
        last: Date,
        /// From when on there is room again.
        free_on: Date,
    },
    /// A firm letter left, after which this rule keeps silent for a while.
    Dunned {
        /// When.
        last: Date,
        /// From when on it speaks again.
        free_on: Date,
    },
    /// What is owed in this currency once credits are taken off.
    Credit(Money),
    /// The claim becomes, or became, time-barred.
    TimeBarred(Date),
}

impl Asked<'_> {
    /// The guards that nearly apply to an item.
    pub fn near(&self, item: &Item<'_>) -> Vec<Near> {
        near(self.view, self.others, self.rule, item)
    }
}

fn near(view: &View<'_>, others: &[&View<'_>], rule: &Rule, item: &Item<'_>) -> Vec<Near> {
    let mut found = Vec::new();
    found.extend(pauses(view, rule, item));
    if rule.class == Class::Dunning {
        if let Some(receivable) = item.receivable {
            found.extend(promises(view, receivable));
            found.extend(payments(view, receivable));
            let (_, resumes_on) = guards::pauses(view, rule, item);
            found.extend(resumes_on.filter(|day| is_near(view, *day)).map(Near::Resumes));
            found.extend(least(rule, receivable));
            found.extend(gap(view, rule, receivable));
            found.extend(credit(view, receivable));
            let limit = view.limitation(receivable).map(|limit| limit.on);
            found
                .extend(limit.filter(|on| *on < view.today.saturating_add(180.days())).map(Near::TimeBarred));
        }
    } else {
        found.extend(dunned(view, others, rule));
    }
    found
}

fn is_near(view: &View<'_>, day: Date) -> bool {
    view.today.saturating_sub(DAYS.days()) <= day && day <= view.today.saturating_add(DAYS.days())
}

/// A customer's hold stops every rule, a dispute and what is about one claim
/// only reminders.
fn pauses(view: &View<'_>, rule: &Rule, item: &Item<'_>) -> Vec<Near> {
    let dunning = rule.class == Class::Dunning;
    let of_claim = item.receivable.filter(|_| dunning).into_iter().flat_map(|claim| &claim.pauses);
    let of_customer = view.of.pauses.iter().filter(|pause| dunning || pause.cause == PauseCause::Hold);
    let of = |pause: &Pause| {
        if pause.covers(view.today) {
            return Some(Near::PauseNow(pause.clone()));
        }
        if pause.from > view.today {
            return is_near(view, pause.from).then(|| Near::PauseAhead(pause.clone()));
        }
        pause.until.filter(|until| is_near(view, *until)).map(|_| Near::PauseOver(pause.clone()))
    };
    of_claim.chain(of_customer).filter_map(of).collect()
}

fn promises<'a>(view: &'a View<'_>, claim: &'a Receivable) -> impl Iterator<Item = Near> + 'a {
    let lately = claim.promises.iter().filter(|promise| is_near(view, promise.until));
    lately.map(|promise| Near::Promise(promise.clone(), promise.standing(&claim.payments, view.today)))
}

fn payments<'a>(view: &'a View<'_>, claim: &'a Receivable) -> impl Iterator<Item = Near> + 'a {
    let open = claim.balance().is_positive();
    claim
        .payments
        .iter()
        .filter(move |payment| open && is_near(view, payment.received_on))
        .map(|payment| Near::Payment { amount: payment.amount, on: payment.received_on })
}

/// Where the balance is below it, or not much above.
fn least(rule: &Rule, claim: &Receivable) -> Option<Near> {
    let balance = claim.balance();
    let least = *rule.audience.min_balance.get(balance.currency.code())?;
    let close = balance.is_positive() && balance.amount < least * Decimal::from(2);
    close.then_some(Near::Least { least: Money { amount: least, ..balance }, balance })
}

fn gap(view: &View<'_>, rule: &Rule, claim: &Receivable) -> Option<Near> {
    let gap = view.settings.dunning.min_gap;
    let calendar = &view.settings.business.calendars.business;
    view.past(&Subject::Receivable(claim.id.clone()))
        .iter()
        .filter(|notice| notice.key.rule != rule.name && notice.class == Class::Dunning)
        .filter(|notice| notice.to_customer && notice.state.counts_as_sent() && is_near(view, notice.day))
        .max_by_key(|notice| notice.day)
        .map(|notice| Near::Gap {
            rule: notice.key.rule.clone(),
            last: notice.day,
            free_on: gap.from_date(notice.day, calendar),
        })
}

fn dunned(view: &View<'_>, others: &[&View<'_>], rule: &Rule) -> Option<Near> {
    let days = rule.not_while.iter().find_map(|interlock| match interlock {
        Interlock::Dunned { days } => Some(*days),
        Interlock::Overdue | Interlock::Disputed => None,
    })?;
    let last = others.iter().filter_map(|view| view.last_dunned()).max()?;
    let free_on = last.saturating_add(days.days());
    is_near(view, free_on).then_some(Near::Dunned { last, free_on })
}

/// Where there are credits at all.
fn credit(view: &View<'_>, claim: &Receivable) -> Option<Near> {
    let currency = claim.amount.currency;
    let some = view.credits(currency) < Decimal::ZERO;
    some.then(|| Near::Credit(Money { amount: view.net(currency), currency }))
}
