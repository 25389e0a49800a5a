//! The plan of one relationship: every candidate of every rule is due,
//! waiting or skipped, and each has its reason.
//!
//! In reading order: `view` works out what is asked of a customer again and
//! again, `subjects` finds what a rule can be about, `ladder` finds the
//! rung, `guards` the stops, `drafts` makes letters of what is due, and
//! `budget` lets those go that there is room for.

mod as_if;
mod asked;
mod budget;
mod digests;
mod drafts;
mod guards;
mod near;
mod subjects;
#[cfg(test)]
pub(in crate::domain) mod tests;
mod view;
mod why;

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use self::asked::Asked;
use self::budget::{Book, NoRoom, Upcoming};
use self::drafts::Proposal;
use self::view::View;
use self::why::Seen;
use super::digest::{self, Finding, OUR_OWN};
use super::facts::{Facts, Reach};
use super::ids::{CustomerId, LetterId, Relationship, RuleName, StageName};
use super::notice::{Draft, Line, Subject};
use super::rule::{Anchor, ReceivableDate, Rule, Rules, Stage};
use super::settings::Settings;
use super::stop::{Decision, Stop};

pub use self::as_if::{Sought, as_if};
pub use self::near::Near;
pub use self::why::{Explanation, Fate, Ladder, Spent, StageFate, explain, idle};

/// Why one candidate is due, waits, or is skipped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whose.
    pub customer: CustomerId,
    /// By which rule.
    pub rule: RuleName,
    /// The stage it is about, where one is singled out.
    pub stage: Option<StageName>,
    /// What it is about.
    pub subject: Subject,
    /// What was decided.
    pub decision: Decision,
}

/// What should happen for one relationship.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Which relationship.
    pub relationship: Relationship,
    /// Letters to queue now, most important first.
    pub letters: Vec<Draft>,
    /// Every candidate, with its reason.
    pub verdicts: Vec<Verdict>,
    /// What a person should know of, in order and without doubles.
    pub findings: Vec<Finding>,
    /// When to look again, unless something is written about it before; a
    /// lower bound, `None` for never.
    pub wake_at: Option<Timestamp>,
}

/// Decides everything about one relationship at one moment.
///
/// The order of customers, receivables, payments, events and rules does not
/// matter, and neither does how often or when it is called.
#[must_use]
pub fn plan(rules: &Rules, settings: &Settings, facts: &Facts, now: Timestamp) -> Plan {
    decide(rules, settings, facts, now, Question::Everything, &mut Found::default())
}

/// What the last moment says about a letter in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recheck {
    /// Still due. The draft is what it would be now: the same lines,
    /// recipients and template, or other ones if an item fell away or came
    /// due meanwhile.
    Due(Box<Draft>),
    /// Due, but not now.
    Later {
        /// When.
        until: Timestamp,
        /// What for, in words.
        why: String,
    },
    /// No longer due.
    Cancel {
        /// Why, in words.
        why: String,
    },
}

/// Asks the same decision again for a letter of the outbox, as if it had
/// not been queued.
#[must_use]
pub fn recheck(
    rules: &Rules,
    settings: &Settings,
    facts: &Facts,
    letter: LetterId,
    draft: &Draft,
    now: Timestamp,
) -> Recheck {
    let mut without = facts.clone();
    for customer in &mut without.customers {
        customer.notices.retain(|notice| notice.letter != letter);
    }
    for digest in &mut without.digests {
        digest.past.retain(|notice| notice.letter != letter);
    }
    let ask = |alone| {
        let question = Question::Letter { draft, alone };
        decide(rules, settings, &without, now, question, &mut Found::default())
    };
    let mut plan = ask(false);
    let same = |planned: &&Draft| {
        planned.customer == draft.customer
            && planned.lines.iter().any(|line| draft.lines.iter().any(|other| other.key == line.key))
    };
    // A person agrees to what was there to be seen, and to nothing else.
    let unseen = |line: &Line| !draft.lines.iter().any(|other| other.key == line.key);
    if plan
        .letters
        .iter()
        .find(same)
        .is_some_and(|planned| planned.approve && planned.lines.iter().any(unseen))
    {
        plan = ask(true);
    }
    if let Some(planned) = plan.letters.iter().find(same) {
        if planned.not_before > now {
            return Recheck::Later { until: planned.not_before, why: "outside the hours".to_owned() };
        }
        return Recheck::Due(Box::new(planned.clone()));
    }
    let of_line = |line: &Line, stage: Option<&StageName>| {
        plan.verdicts.iter().find(|verdict| {
            verdict.rule == line.key.rule
                && verdict.subject == line.key.subject
                && verdict.stage.as_ref() == stage
                && verdict.decision != Decision::Due
        })
    };
    // What is said of its own stage; else of the subject as a whole; else of
    // the stage that is next now.
    let verdict = draft.lines.iter().find_map(|line| {
        let of_subject = || {
            plan.verdicts.iter().find(|verdict| {
                verdict.rule == line.key.rule
                    && verdict.subject == line.key.subject
                    && verdict.decision != Decision::Due
            })
        };
        of_line(line, Some(&line.key.stage)).or_else(|| of_line(line, None)).or_else(of_subject)
    });
    match verdict.map(|verdict| &verdict.decision) {
        Some(Decision::Waiting { until, why: why @ Stop::Budget }) => {
            Recheck::Later { until: *until, why: why.to_string() }
        }
        Some(Decision::Waiting { why, .. } | Decision::Skipped { why }) => {
            Recheck::Cancel { why: why.to_string() }
        }
        Some(Decision::Due) | None => Recheck::Cancel { why: "no longer asked for by any rule".to_owned() },
    }
}

/// What is asked.
#[derive(Clone, Copy)]
enum Question<'a> {
    /// What is due.
    Everything,
    /// Whether a letter of the outbox is still due, with what else is due by
    /// its rule, or alone.
    Letter { draft: &'a Draft, alone: bool },
}

fn decide(
    rules: &Rules,
    settings: &Settings,
    facts: &Facts,
    now: Timestamp,
    question: Question<'_>,
    found: &mut Found,
) -> Plan {
    let (letter, alone) = match question {
        Question::Everything => (None, false),
        Question::Letter { draft, alone } => (Some(draft), alone),
    };
    let views: Vec<View<'_>> =
        facts.customers.iter().map(|of| View::new(rules, settings, facts, of, now)).collect();
    let others: Vec<&View<'_>> = views.iter().collect();
    let mut proposals: Vec<Proposal> = Vec::new();
    for view in &views {
        for (rule, seen) in rules.rules.iter().filter(|(rule, _)| !rule.is_digest()) {
            // The rule has looked already, or the letter would not be there.
            let of_rule = letter.filter(|draft| draft.rule == rule.name);
            let only = of_rule.filter(|_| alone).map(|draft| draft.lines.as_slice());
            let already = of_rule.is_some();
            let asked = Asked { view, others: &others, rule, only, seen: seen.as_ref() };
            let due = asked.due(already, found);
            proposals.extend(drafts::letters(view, rule, due));
        }
    }
    proposals.sort_by(|one, other| {
        other.draft.priority.cmp(&one.draft.priority).then_with(|| first_key(one).cmp(&first_key(other)))
    });
    let least = letter.map(|draft| draft.priority);
    let mut book = Book::new(&views, std::mem::take(&mut found.upcoming), least);
    if let Some(seen) = &mut found.seen {
        seen.budgets = book.spent(settings);
    }
    let mut letters = Vec::new();
    for proposal in proposals {
        let cap = rules.get(&proposal.draft.rule).and_then(|rule| rule.per_customer);
        match book.take(&proposal.draft, proposal.day, cap, settings) {
            Ok(()) => {
                found.say_letter(&proposal.draft, &Decision::Due);
                letters.push(proposal.draft);
            }
            Err(NoRoom { until, why }) => {
                let view =
                    views.iter().find(|view| proposal.draft.customer.as_ref() == Some(&view.of.customer.id));
                if let Some(view) = view {
                    found.say_letter(&proposal.draft, &guards::until(view, until, why));
                }
            }
        }
    }
    if facts.relationship.as_str() == OUR_OWN {
        letters = digests::letters(rules, settings, facts, now, found);
    }
    let of_rule =
        |verdict: &Verdict| rules.get(&verdict.rule).and_then(|rule| digest::finding(verdict, rule));
    let findings: BTreeSet<Finding> = found.verdicts.iter().filter_map(of_rule).collect();
    Plan {
        relationship: facts.relationship.clone(),
        letters,
        wake_at: found.wake_at,
        verdicts: std::mem::take(&mut found.verdicts),
        findings: findings.into_iter().collect(),
    }
}

fn first_key(proposal: &Proposal) -> Option<&super::notice::NoticeKey> {
    proposal.draft.lines.first().map(|line| &line.key)
}

/// What was decided so far.
#[derive(Default)]
struct Found {
    verdicts: Vec<Verdict>,
    upcoming: Vec<Upcoming>,
    wake_at: Option<Timestamp>,
    /// How it came to be, where a person asks.
    seen: Option<Seen>,
}

impl Found {
    fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |wake| wake.min(at)));
    }

    /// Notes how it came to be, where a person asks.
    fn note(&mut self, how: impl FnOnce(&mut Seen)) {
        if let Some(seen) = &mut self.seen {
            how(seen);
        }
    }

    fn say(&mut self, verdict: Verdict) {
        if let Decision::Waiting { until, .. } = &verdict.decision {
            self.wake(*until);
        }
        self.verdicts.push(verdict);
    }

    fn say_letter(&mut self, draft: &Draft, decision: &Decision) {
        let Some(customer) = &draft.customer else { return };
        for line in &draft.lines {
            self.say(Verdict {
                customer: customer.clone(),
                rule: draft.rule.clone(),
                stage: Some(line.key.stage.clone()),
                subject: line.key.subject.clone(),
                decision: decision.clone(),
            });
        }
    }
}

/// A hundred years, in days: as far as anybody asks.
const LONG: i64 = 36_525;

/// How far back the facts must go for these rules.
#[must_use]
pub fn reach(rules: &Rules, settings: &Settings, now: Timestamp) -> Reach {
    let ended = |stage: &Stage| stage.repeat.as_ref().is_some_and(|repeat| repeat.until.is_some());
    let of_events = |rule: &Rule| match rule.anchor {
        Anchor::Event(_) => days_back(rule),
        // A claim may stay open for years after the event that ended its
        // repetitions.
        _ if rule.stages.iter().any(ended) => LONG,
        _ => 0,
    };
    let of_settled = |rule: &Rule| match rule.anchor {
        Anchor::Receivable(ReceivableDate::SettledOn) | Anchor::Payment => days_back(rule),
        _ => 0,
    };
    let furthest = |days: &dyn Fn(&Rule) -> i64| rules.iter().map(days).max().unwrap_or(0);
    let (events, settled) = (furthest(&of_events), furthest(&of_settled));
    // Days begin up to 14 hours before and end up to 12 hours after UTC's.
    Reach {
        events_since: now - SignedDuration::from_hours(24 * (events + 2)),
        settled_since: days_before(now, settled + 2).min(stated_since(rules, settings, now)),
        digests: digests::orders(rules, settings, now).into(),
    }
}

/// A civil day in UTC.
fn days_before(at: Timestamp, days: i64) -> Date {
    at.to_zoned_datetime(TimeZone::UTC).date().saturating_sub(days.days())
}

/// The first day of the movements that a statement of account may name: two
/// of its periods, and two months. It never goes back as time goes on.
fn stated_since(rules: &Rules, settings: &Settings, now: Timestamp) -> Date {
    let zone = &settings.business.zone;
    let two_periods = |rule: &Rule| {
        let schedule = rule.schedule.as_ref()?;
        let before = |at: Timestamp| schedule.last_until(at - SignedDuration::from_micros(1), zone);
        let first = before(before(schedule.last_until(now, zone)?)?)?;
        Some(days_before(first, 9))
    };
    let stating = rules.iter().filter(|rule| rule.is_statement());
    let since = |rule: &Rule| two_periods(rule).unwrap_or(days_before(now, 402)).min(days_before(now, 67));
    stating.map(since).min().unwrap_or(Date::MAX)
}

/// How many days after its anchor a rule may still write: its last stage,
/// the repetitions of it, and the days it stays welcome.
fn days_back(rule: &Rule) -> i64 {
    let days = |offset: super::offset::Offset| offset.roughly_minutes() / 1_440 + 1;
    let of_stage = |stage: &super::rule::Stage| {
        let repeats = stage.repeat.as_ref().map_or(0, |repeat| match repeat.at_most {
            Some(most) if most <= 100 => {
                let intervals = (0..=most).map(|k| repeat.growing.powi(i32::try_from(k).unwrap_or(100)));
                let total =
                    intervals.sum::<f64>() * 1.1 * f64::from(i32::try_from(days(repeat.every)).unwrap_or(0));
                #[expect(clippy::cast_possible_truncation, reason = "bounded by the line below")]
                let total = total.min(36_525.0) as i64;
                total + 60
            }
            Some(_) | None => LONG,
        });
        days(stage.at) + repeats
    };
    let stages = rule.stages.iter().map(of_stage).max().unwrap_or(0);
    // What is recorded a month late is still seen to be too late.
    (stages + rule.stale_after.map_or(400, |days| i64::from(days) + 30)).min(LONG)
}
