//! From items that are due to letters: what belongs together goes together.

use jiff::Timestamp;
use jiff::civil::Date;

use super::subjects::Item;
use super::view::{View, priority};
use crate::domain::customer::Class;
use crate::domain::ids::StageName;
use crate::domain::ladder::{Rung, Track};
use crate::domain::notice::{Draft, LetterState, Line, NoticeKey, PastNotice};
use crate::domain::recipients;
use crate::domain::rule::{Anchor, Recipient, Rule};
use crate::domain::stop::Stop;

/// An item whose rung is reached and which nothing stops.
pub struct Due<'a> {
    pub item: Item<'a>,
    pub round: String,
    pub rung: Rung<'a>,
    pub track: Track,
    /// What keeps the customer's own letters about it back, for an alarm.
    pub customer_stop: Option<String>,
}

/// A letter, and the civil day it would leave on.
pub struct Proposal {
    pub draft: Draft,
    pub day: Date,
}

/// Makes the letters of one rule for one customer.
pub fn letters(view: &View<'_>, rule: &Rule, mut due: Vec<Due<'_>>) -> Vec<Proposal> {
    due.sort_by(|one, other| {
        let height = |due: &Due<'_>| (due.rung.stage.at.roughly_minutes(), due.rung.repetition);
        height(other).cmp(&height(one)).then_with(|| order(one).cmp(&order(other)))
    });
    let mut proposals = Vec::new();
    while !due.is_empty() {
        let lead = due.remove(0);
        let (with, rest) = if rule.combine { join(&lead, due) } else { (Vec::new(), due) };
        due = rest;
        proposals.push(letter(view, rule, &lead, &with));
    }
    proposals
}

fn order<'d>(due: &'d Due<'_>) -> (Option<Date>, &'d str) {
    (due.item.receivable.map(|receivable| receivable.due_on), due.item.subject.id())
}

/// The items that share a letter with `lead`: of the same track and to the
/// same people. A guarantor sees only what he guarantees.
fn join<'a>(lead: &Due<'a>, due: Vec<Due<'a>>) -> (Vec<Due<'a>>, Vec<Due<'a>>) {
    let guaranteed =
        lead.rung.to.contains(&Recipient::Guarantor) || lead.rung.stage.cc.contains(&Recipient::Guarantor);
    let guarantor = |due: &Due<'_>| {
        let person = due.item.receivable.and_then(|receivable| receivable.guarantor.as_ref());
        person.map(|person| person.address.folded())
    };
    let of_lead = guarantor(lead);
    due.into_iter().partition(|other| {
        other.track == lead.track
            && other.rung.to == lead.rung.to
            && (!guaranteed || guarantor(other) == of_lead)
            && is_then(other) == is_then(lead)
            // What waits for a person takes nothing along that need not.
            && other.rung.stage.approve == lead.rung.stage.approve
    })
}

fn is_then(due: &Due<'_>) -> bool {
    due.rung.name != due.rung.stage.name
}

fn letter(view: &View<'_>, rule: &Rule, lead: &Due<'_>, with: &[Due<'_>]) -> Proposal {
    let stage = lead.rung.stage;
    let to_customer = lead.rung.to.contains(&Recipient::Customer) || stage.cc.contains(&Recipient::Customer);
    let mut lines: Vec<(bool, Option<Date>, Line)> = std::iter::once(lead)
        .chain(with)
        .map(|due| {
            let line = line(rule, due, due.rung.name == lead.rung.name);
            (!line.leading, due.item.receivable.map(|receivable| receivable.due_on), line)
        })
        .collect();
    lines.sort_by(|one, other| {
        (one.0, one.1, one.2.key.subject.id()).cmp(&(other.0, other.1, other.2.key.subject.id()))
    });
    let days = view.days_of(rule);
    let not_before = view.leaves_at(days, to_customer);
    let class = if to_customer { rule.class } else { Class::Internal };
    let draft = Draft {
        customer: Some(view.of.customer.id.clone()),
        rule: rule.name.clone(),
        stage: lead.rung.name.clone(),
        class,
        template: lead.rung.template.to_owned(),
        to: lead.rung.to.to_vec(),
        cc: if is_then(lead) { Vec::new() } else { stage.cc.clone() },
        lines: lines.into_iter().map(|(_, _, line)| line).collect(),
        deadline: stage.deadline.filter(|_| !is_then(lead)),
        approve: stage.approve && !is_then(lead),
        priority: priority(rule, stage),
        budget: to_customer.then_some(rule.budget),
        not_before,
        passed_over: if to_customer { Vec::new() } else { passed_over(view, rule, lead, with) },
        on_uncertain: rule.on_uncertain(class, view.settings),
    };
    Proposal { draft, day: view.day(not_before) }
}

fn line(rule: &Rule, due: &Due<'_>, leading: bool) -> Line {
    Line {
        key: NoticeKey {
            rule: rule.name.clone(),
            stage: due.rung.name.clone(),
            subject: due.item.subject.clone(),
            round: due.round.clone(),
            repetition: due.rung.repetition,
        },
        offset: due.rung.stage.at,
        planned_on: due.rung.planned_on,
        leading,
    }
}

/// Letters that count for the ladder, and of which nobody may say that the
/// customer has them.
const NOT_DELIVERED: [(&[LetterState], &str); 2] =
    [(&[LetterState::Uncertain, LetterState::Assumed], "uncertain"), (&[LetterState::Bounced], "bounced")];

/// Which of the customer's letters could not go out, and why, item by item.
fn passed_over(view: &View<'_>, rule: &Rule, lead: &Due<'_>, with: &[Due<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    for due in std::iter::once(lead).chain(with) {
        let past = view.past(&due.item.subject);
        let sent = |name: &StageName| {
            past.iter().any(|notice| {
                notice.key.rule == rule.name
                    && notice.key.stage == *name
                    && notice.key.round == due.round
                    && !notice.state.is_waiting()
            })
        };
        let missed: Vec<&str> = rule
            .stages
            .iter()
            .filter(|stage| stage.concerns_customer() && stage.at.count > 0 && !sent(&stage.name))
            .take_while(|stage| stage.at.roughly_minutes() < due.rung.stage.at.roughly_minutes())
            .map(|stage| stage.name.as_str())
            .collect();
        let label = due.item.receivable.map_or(due.item.subject.id(), |receivable| receivable.label());
        if !missed.is_empty() {
            let why = due.customer_stop.as_deref().unwrap_or("not sent");
            said.push(format!("{label}: {} ({why})", missed.join(", ")));
        }
        let of_round = |notice: &&&PastNotice| {
            notice.to_customer && notice.key.rule == rule.name && notice.key.round == due.round
        };
        for (states, word) in NOT_DELIVERED {
            let such: Vec<&str> = past
                .iter()
                .filter(of_round)
                .filter(|notice| states.contains(&notice.state))
                .map(|notice| notice.key.stage.as_str())
                .collect();
            if !such.is_empty() {
                said.push(format!("{label}: {} ({word})", such.join(", ")));
            }
        }
    }
    said
}

/// Whether every main recipient of the letter can be written to.
///
/// # Errors
/// The stop of the first who can't.
pub fn reachable(view: &View<'_>, rule: &Rule, due: &Due<'_>) -> Result<(), Stop> {
    let items: Vec<_> = due.item.receivable.into_iter().collect();
    let class = if due.track == Track::Customer { rule.class } else { Class::Internal };
    due.rung.to.iter().try_for_each(|to| {
        recipients::person(to, class, view.facts, view.of, &items, view.settings).map(drop)
    })
}

/// The moment from which on the rule's schedule has looked, or will look, at
/// something reachable since `reached_at`.
///
/// # Errors
/// The moment of the next look.
pub fn looked(
    view: &View<'_>,
    rule: &Rule,
    reached_at: Timestamp,
    already: bool,
) -> Result<(), Option<Timestamp>> {
    let Some(schedule) =
        rule.schedule.as_ref().filter(|_| !already && !matches!(rule.anchor, Anchor::Calendar))
    else {
        return Ok(());
    };
    let zone = view.schedule_zone();
    let last = schedule.last_until(view.now, zone).filter(|last| {
        *last >= reached_at && view.facts.looked_at.is_none_or(|looked| *last > looked || looked > view.now)
    });
    match last {
        Some(_) => Ok(()),
        None => Err(schedule.next_after(view.now, zone)),
    }
}

/// When a rung that is ahead will be looked at: its own moment, or the
/// schedule's next occurrence from it on.
pub fn next_look(view: &View<'_>, rule: &Rule, at: Timestamp) -> Timestamp {
    let zone = view.schedule_zone();
    let just_before = at - jiff::SignedDuration::from_micros(1);
    rule.schedule.as_ref().and_then(|schedule| schedule.next_after(just_before, zone)).unwrap_or(at)
}
