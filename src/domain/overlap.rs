//! What can be said of rules before anybody is looked at: that one can
//! concern nobody, and that two write to the same people on the same day.
//!
//! Whatever is said here is certain. Where it depends on the data, nothing
//! is said.

use super::event::EventOutcome;
use super::filter::{Filter, NO_OUTCOME, covers};
use super::offset::{Offset, Unit};
use super::receivable::Kind;
use super::rule::{Anchor, Recipient, Rule, Stage};
use super::schedule::Schedule;

/// Whether `unless` leaves nobody over whom `where` lets in.
#[must_use]
pub fn excludes_everybody(rule: &Rule) -> bool {
    leaves_nobody(&known_of(rule), &rule.unless)
}

/// The stages of two rules that write to the same customer on the same day,
/// about the same thing, for all that is known without looking.
#[must_use]
pub fn on_the_same_day<'a>(a: &'a Rule, b: &'a Rule) -> Vec<(&'a Stage, &'a Stage)> {
    if !anchors_meet(a, b) || !audiences_meet(a, b) {
        return Vec::new();
    }
    let of = |rule: &'a Rule| rule.stages.iter().filter(|stage| stage.to.contains(&Recipient::Customer));
    of(a)
        .flat_map(|one| {
            let same = move |other: &&Stage| day_of(one.at) == day_of(other.at);
            of(b).filter(same).map(move |other| (one, other))
        })
        .collect()
}

fn anchors_meet(a: &Rule, b: &Rule) -> bool {
    match (&a.anchor, &b.anchor) {
        (Anchor::Receivable(one), Anchor::Receivable(other)) => one == other,
        (Anchor::Payment, Anchor::Payment) => true,
        (Anchor::Event(some), Anchor::Event(others)) => some.iter().any(|kind| others.contains(kind)),
        (Anchor::Calendar, Anchor::Calendar) => {
            let days = |rule: &Rule| rule.schedule.as_ref().map(Schedule::days);
            match (days(a), days(b)) {
                (Some(some), Some(others)) => some.iter().any(|day| others.contains(day)),
                (None, _) | (_, None) => false,
            }
        }
        (Anchor::Receivable(_) | Anchor::Payment | Anchor::Event(_) | Anchor::Calendar, _) => false,
    }
}

fn audiences_meet(a: &Rule, b: &Rule) -> bool {
    let Some(both) = meet(&known_of(a), &known_of(b)) else { return false };
    !leaves_nobody(&both, &a.unless) && !leaves_nobody(&both, &b.unless)
}

/// What is known of everybody a rule may concern: what `where` says, and
/// what the anchor adds to it.
fn known_of(rule: &Rule) -> Filter {
    let mut known = rule.audience.clone();
    if known.kind.is_empty() {
        known.kind = match &rule.anchor {
            Anchor::Event(kinds) => kinds.clone(),
            Anchor::Receivable(_) | Anchor::Payment => {
                Kind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect()
            }
            Anchor::Calendar => Vec::new(),
        };
    }
    if matches!(rule.anchor, Anchor::Event(_)) && known.outcome.is_empty() {
        let outcomes = [EventOutcome::Positive, EventOutcome::Neutral, EventOutcome::Negative];
        known.outcome =
            outcomes.map(EventOutcome::as_str).into_iter().chain([NO_OUTCOME]).map(str::to_owned).collect();
    }
    // A credit note is nothing that anybody is written to about.
    known.kind.retain(|kind| kind != Kind::CreditNote.as_str());
    known
}

/// What is known of those whom both let in; `None` where that is nobody.
fn meet(a: &Filter, b: &Filter) -> Option<Filter> {
    let same = |one: &String, other: &String| one == other;
    let within = |one: &String, other: &String| covers(other, one);
    let mut attributes = a.attributes.clone();
    for (name, values) in &b.attributes {
        let both = shared(a.attributes.get(name).map_or(&[][..], Vec::as_slice), values, same)?;
        attributes.insert(name.clone(), both);
    }
    let mut min_balance = a.min_balance.clone();
    for (currency, least) in &b.min_balance {
        let known = min_balance.entry(currency.clone()).or_insert(*least);
        *known = (*known).max(*least);
    }
    let either =
        |some: &[String], others: &[String]| if some.is_empty() { others.to_vec() } else { some.to_vec() };
    Some(Filter {
        kind: shared(&a.kind, &b.kind, same)?,
        min_balance,
        currency: shared(&a.currency, &b.currency, same)?,
        segment: shared(&a.segment, &b.segment, same)?,
        // A customer may have several, and an owner a name and an address.
        tags: either(&a.tags, &b.tags),
        owner: either(&a.owner, &b.owner),
        locale: shared(&a.locale, &b.locale, within).or_else(|| shared(&b.locale, &a.locale, within))?,
        outcome: shared(&a.outcome, &b.outcome, same)?,
        product: shared(&a.product, &b.product, same)?,
        purchases_at_least: a.purchases_at_least.max(b.purchases_at_least),
        postponements_at_least: a.postponements_at_least.max(b.postponements_at_least),
        broken_promises_at_least: a.broken_promises_at_least.max(b.broken_promises_at_least),
        attributes,
    })
}

/// The values that both allow, where nothing said allows all; `None` where
/// there are none.
fn shared(a: &[String], b: &[String], same: impl Fn(&String, &String) -> bool) -> Option<Vec<String>> {
    match (a, b) {
        ([], _) => Some(b.to_vec()),
        (_, []) => Some(a.to_vec()),
        _ => {
            let both: Vec<String> =
                a.iter().filter(|one| b.iter().any(|other| same(one, other))).cloned().collect();
            (!both.is_empty()).then_some(both)
        }
    }
}

/// Whether everybody of whom `known` holds is left out by `unless`.
fn leaves_nobody(known: &Filter, unless: &Filter) -> bool {
    let every = |known: &[String], asked: &[String]| {
        asked.is_empty() || (!known.is_empty() && known.iter().all(|value| asked.contains(value)))
    };
    let every_locale = unless.locale.is_empty()
        || (!known.locale.is_empty()
            && known.locale.iter().all(|locale| unless.locale.iter().any(|asked| covers(asked, locale))));
    let enough =
        |known: Option<u32>, asked: Option<u32>| asked.is_none_or(|asked| known.unwrap_or(0) >= asked);
    let balance = unless.min_balance.iter().all(|(currency, least)| {
        let elsewhere = !known.currency.is_empty() && !known.currency.contains(currency);
        elsewhere || known.min_balance.get(currency).is_some_and(|known| known >= least)
    });
    !unless.is_empty()
        && every(&known.kind, &unless.kind)
        && balance
        && every(&known.currency, &unless.currency)
        && every(&known.segment, &unless.segment)
        && every(&known.tags, &unless.tags)
        && every_locale
        && every(&known.owner, &unless.owner)
        && every(&known.outcome, &unless.outcome)
        && every(&known.product, &unless.product)
        && enough(known.purchases_at_least, unless.purchases_at_least)
        && enough(known.postponements_at_least, unless.postponements_at_least)
        && enough(known.broken_promises_at_least, unless.broken_promises_at_least)
        && unless
            .attributes
            .iter()
            .all(|(name, asked)| known.attributes.get(name).is_some_and(|known| every(known, asked)))
}

/// On which day from the anchor a stage falls; minutes and hours in whole
/// days, as far as they reach one.
fn day_of(offset: Offset) -> (i32, &'static str) {
    let (count, unit) = match offset.unit {
        Unit::Minutes => (offset.count / (24 * 60), Unit::Days),
        Unit::Hours => (offset.count / 24, Unit::Days),
        unit @ (Unit::Days | Unit::BusinessDays | Unit::Months | Unit::Years) => (offset.count, unit),
    };
    if count == 0 { (0, Unit::Days.suffix()) } else { (count, unit.suffix()) }
}
