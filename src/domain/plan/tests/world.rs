//! A world of one relationship: facts, rules, and a courier that hands over
//! at once. What left is a list of lines to compare whole.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::build::{at, customer, settings, shanghai};
use crate::domain::address::AddressError;
use crate::domain::facts::{CustomerFacts, Facts};
use crate::domain::ids::LetterId;
use crate::domain::notice::{Draft, LetterState, PastNotice};
use crate::domain::plan::{Recheck, plan, recheck};
use crate::domain::receivable::Receivable;
use crate::domain::rule::{Recipient, Rule, RuleSeen, Rules};
use crate::domain::settings::Settings;
use crate::domain::stop::Decision;

/// Everything there is, and what left.
#[derive(Clone)]
pub struct World {
    pub rules: Rules,
    pub settings: Settings,
    pub facts: Facts,
    pub now: Timestamp,
    /// `2026-03-01 09:00 reminders/friendly R1`
    pub sent: Vec<String>,
    /// Letters queued and not yet gone.
    pub queue: Vec<(LetterId, Draft)>,
    letters: i64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for customer in &self.facts.customers {
            for item in &customer.receivables {
                let pauses: Vec<_> = item.pauses.iter().map(|pause| (pause.from, pause.until)).collect();
                let paid: Vec<_> = item.payments.iter().map(|p| (p.received_on, p.amount.amount)).collect();
                writeln!(f, "{} due {} paid {paid:?} paused {pauses:?}", item.id, item.due_on)?;
            }
            for event in &customer.events {
                writeln!(f, "{} {} {}", event.id, event.kind, event.occurred_at)?;
            }
        }
        Ok(())
    }
}

impl World {
    /// Rules in force since long ago, one customer, nothing else.
    pub fn new(start: &str, rules: Vec<Rule>) -> Self {
        let since = Timestamp::UNIX_EPOCH;
        let rules = rules.into_iter().map(|rule| {
            let seen = RuleSeen { audiences: vec![(rule.audience(), since)] };
            (rule, Some(seen))
        });
        Self {
            rules: Rules { rules: rules.collect() },
            settings: settings(),
            facts: Facts {
                relationship: "c@example.test".into(),
                looked_at: None,
                customers: vec![customer("C1")],
                suppressions: vec![],
                payments_read_at: None,
                digests: vec![],
            },
            now: at(start),
            sent: vec![],
            queue: vec![],
            letters: 0,
        }
    }

    /// The rules come into force only now.
    pub fn seen_first(mut self, when: &str) -> Self {
        for (rule, seen) in &mut self.rules.rules {
            *seen = Some(RuleSeen { audiences: vec![(rule.audience(), at(when))] });
        }
        self
    }

    pub fn with(mut self, receivable: Receivable) -> Self {
        self.of().receivables.push(receivable);
        self
    }

    pub fn without_address(mut self) -> Self {
        self.of().customer.address = Err(AddressError::Missing);
        self
    }

    pub fn of(&mut self) -> &mut CustomerFacts {
        &mut self.facts.customers[0]
    }

    pub fn item(&mut self, id: &str) -> &mut Receivable {
        self.of().receivables.iter_mut().find(|item| item.id.as_str() == id).expect("the receivable")
    }

    /// One pass and one delivery. Returns when there is something to do next.
    pub fn tick(&mut self) -> Option<Timestamp> {
        let plan = plan(&self.rules, &self.settings, &self.facts, self.now);
        self.facts.looked_at = Some(self.now);
        for draft in plan.letters {
            self.letters += 1;
            self.queue.push((LetterId(self.letters), draft.clone()));
            let state = if draft.approve { LetterState::Held } else { LetterState::Queued };
            let day = draft.not_before.to_zoned_datetime(shanghai()).date();
            self.ledger(LetterId(self.letters), &draft, state, day);
        }
        let mut next = plan.wake_at;
        for (letter, draft) in std::mem::take(&mut self.queue) {
            if draft.not_before > self.now {
                next = Some(next.map_or(draft.not_before, |next| next.min(draft.not_before)));
                self.queue.push((letter, draft));
            } else if let Some(until) = self.deliver(letter, draft) {
                next = Some(next.map_or(until, |next| next.min(until)));
            }
        }
        next
    }

    fn deliver(&mut self, letter: LetterId, draft: Draft) -> Option<Timestamp> {
        if self.notices().any(|notice| notice.letter == letter && notice.state == LetterState::Held) {
            self.queue.push((letter, draft));
            return None;
        }
        let again = recheck(&self.rules, &self.settings, &self.facts, letter, &draft, self.now);
        for customer in &mut self.facts.customers {
            customer.notices.retain(|notice| notice.letter != letter);
        }
        match again {
            Recheck::Due(now_due) => {
                let local = self.now.to_zoned_datetime(shanghai());
                let about: Vec<String> = now_due
                    .lines
                    .iter()
                    .map(|line| {
                        let id = line.key.subject.id();
                        if line.leading { id.to_owned() } else { format!("({} {id})", line.key.stage) }
                    })
                    .collect();
                self.sent.push(format!(
                    "{} {}/{} {}",
                    local.strftime("%F %R"),
                    now_due.rule,
                    now_due.stage,
                    about.join(" ")
                ));
                self.ledger(letter, &now_due, LetterState::Sent, local.date());
                Some(self.now + SignedDuration::from_mins(1))
            }
            Recheck::Later { until, .. } => {
                let day = until.to_zoned_datetime(shanghai()).date();
                self.ledger(letter, &draft, LetterState::Queued, day);
                self.queue.push((letter, Draft { not_before: until, ..draft }));
                Some(until)
            }
            Recheck::Cancel { .. } => Some(self.now + SignedDuration::from_mins(1)),
        }
    }

    fn ledger(&mut self, letter: LetterId, draft: &Draft, state: LetterState, day: Date) {
        let customer = self
            .facts
            .customers
            .iter_mut()
            .find(|facts| Some(&facts.customer.id) == draft.customer.as_ref())
            .expect("the customer of the letter");
        for line in &draft.lines {
            let live = customer.notices.iter().any(|notice| notice.key == line.key);
            assert!(!live, "a notice in two letters: {}", line.key);
            customer.notices.push(PastNotice {
                letter,
                key: line.key.clone(),
                offset: line.offset,
                planned_on: line.planned_on,
                state,
                class: draft.class,
                priority: draft.priority,
                budget: draft.budget,
                to_customer: draft.to.contains(&Recipient::Customer),
                day,
                dropped: false,
            });
        }
    }

    pub fn notices(&self) -> impl Iterator<Item = &PastNotice> {
        self.facts.customers.iter().flat_map(|customer| &customer.notices)
    }

    /// Lets time pass, from one thing to do to the next.
    pub fn run_until(&mut self, end: &str) -> &mut Self {
        let end = at(end);
        while self.now < end {
            let next = self.tick().unwrap_or(end);
            self.now = next.max(self.now + SignedDuration::from_mins(1)).min(end);
        }
        self
    }

    /// What the plan says of a subject now, as `rule stage: decision`.
    pub fn why(&self, id: &str) -> Vec<String> {
        plan(&self.rules, &self.settings, &self.facts, self.now)
            .verdicts
            .into_iter()
            .filter(|verdict| verdict.subject.id() == id)
            .map(|verdict| {
                let stage = verdict.stage.map(|stage| format!("/{stage}")).unwrap_or_default();
                let decision = match verdict.decision {
                    Decision::Due => "due".to_owned(),
                    Decision::Waiting { until, why } => {
                        format!("{why} until {}", until.to_zoned_datetime(shanghai()).strftime("%F %R"))
                    }
                    Decision::Skipped { why } => why.to_string(),
                };
                format!("{}{stage}: {decision}", verdict.rule)
            })
            .collect()
    }
}
