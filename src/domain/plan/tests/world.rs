//! A world of one relationship: facts, rules, and a courier that hands over
//! at once. What left is a list of lines to compare whole.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::address::{Address, AddressError};
use crate::domain::calendar::{Calendars, Days, Hours, instant_at};
use crate::domain::customer::{Class, Customer, Person};
use crate::domain::event::{Event, EventOutcome};
use crate::domain::facts::{CustomerFacts, Facts};
use crate::domain::filter::Filter;
use crate::domain::ids::LetterId;
use crate::domain::money::Money;
use crate::domain::notice::{Draft, LetterState, PastNotice};
use crate::domain::plan::{Recheck, plan, recheck};
use crate::domain::receivable::{Kind, Pause, PauseCause, Payment, Receivable, Status};
use crate::domain::rule::*;
use crate::domain::settings::*;
use crate::domain::stop::Decision;

pub fn date(text: &str) -> Date {
    text.parse().expect("a date")
}

pub fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").expect("a zone")
}

/// Civil time in Shanghai.
pub fn at(text: &str) -> Timestamp {
    instant_at(text.parse().expect("a civil moment"), &shanghai())
}

pub fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        address: Address::parse(&format!("{}@ours.test", name.to_lowercase())).expect("an address"),
    }
}

pub fn settings() -> Settings {
    Settings {
        business: Business {
            name: "Morningstar".to_owned(),
            locale: "en".to_owned(),
            zone: shanghai(),
            calendars: Calendars::default(),
            manager: Some(person("Manager")),
            operator: person("Operator"),
        },
        letters: LetterSettings {
            hours: Hours {
                from: Time::constant(9, 0, 0, 0),
                until: Some(Time::constant(18, 0, 0, 0)),
                days: Days::Business,
                of_customer: true,
            },
            per_customer: Budget { letters: 1, days: 2 },
            moments: Budget { letters: 1, days: 1 },
            per_pass: 500,
        },
        dunning: DunningSettings {
            min_gap: "5d".parse().expect("days"),
            resume_after: "3bd".parse().expect("days"),
            due_on_closed_day: DueOnClosedDay::Next,
        },
        promises: PromiseSettings {
            at_most: 2,
            longest: "30d".parse().expect("days"),
            grace: "2bd".parse().expect("days"),
        },
    }
}

pub fn stage(name: &str, at: &str) -> Stage {
    Stage {
        name: name.into(),
        at: at.parse().expect("an offset"),
        template: format!("letters/{name}"),
        to: vec![Recipient::Customer],
        cc: vec![],
        deadline: None,
        approve: false,
        repeat: None,
    }
}

pub fn to_owner(stage: Stage) -> Stage {
    Stage { to: vec![Recipient::Owner], ..stage }
}

pub fn rule(name: &str, class: Class, anchor: Anchor, stages: Vec<Stage>) -> Rule {
    let courtesy = class == Class::Courtesy || class == Class::Marketing;
    Rule {
        name: name.into(),
        summary: String::new(),
        class,
        anchor,
        schedule: None,
        audience: Filter::default(),
        unless: Filter::default(),
        combine: class == Class::Dunning,
        include_open: false,
        stages,
        not_while: if courtesy { vec![Interlock::Overdue, Interlock::Disputed] } else { vec![] },
        stale_after: courtesy.then_some(3),
        backlog: Backlog::Skip,
        budget: BudgetKind::Customer,
        days: None,
    }
}

/// The ladder of the design.
pub fn reminders() -> Rule {
    let mut rule = rule(
        "reminders",
        Class::Dunning,
        Anchor::Receivable(ReceivableDate::DueOn),
        vec![
            stage("coming-due", "-7d"),
            stage("due-today", "0d"),
            stage("friendly", "+3d"),
            stage("firm", "+10d"),
            Stage { deadline: Some("7d".parse().expect("days")), ..stage("final", "+30d") },
            to_owner(Stage {
                repeat: Some(Repeat {
                    every: "30d".parse().expect("days"),
                    growing: 1.0,
                    until: None,
                    at_most: None,
                    then: None,
                }),
                ..stage("hand-over", "+45d")
            }),
        ],
    );
    rule.schedule = Some("0 9 * * Mon-Fri".parse().expect("a schedule"));
    rule
}

pub fn visit_thanks() -> Rule {
    let anchor = Anchor::Event("visit".to_owned());
    let mut rule = rule("visit-thanks", Class::Courtesy, anchor, vec![stage("thanks", "+10min")]);
    rule.audience.outcome = vec!["positive".to_owned()];
    rule.not_while = vec![Interlock::Disputed, Interlock::Dunned { days: 14 }];
    rule.budget = BudgetKind::Moments;
    rule.days = Some(Days::Any);
    rule
}

pub fn customer(id: &str) -> CustomerFacts {
    CustomerFacts {
        customer: Customer {
            id: id.into(),
            name: format!("Customer {id}"),
            address: Address::parse("c@example.test"),
            contact_name: None,
            greeting: None,
            cc: vec![],
            locale: None,
            country: None,
            zone: shanghai(),
            segment: None,
            tags: vec![],
            owner: Some(person("Owner")),
            attributes: BTreeMap::new(),
            blocked: false,
            purchases: 0,
        },
        receivables: vec![],
        on_account: vec![],
        events: vec![],
        pauses: vec![],
        notices: vec![],
    }
}

pub fn cny(amount: &str) -> Money {
    Money::parse(amount, "CNY".parse().expect("a currency")).expect("an amount")
}

pub fn invoice(id: &str, due_on: &str) -> Receivable {
    Receivable {
        id: id.into(),
        kind: Kind::Invoice,
        status: Status::Open,
        amount: cny("1000"),
        due_on: date(due_on),
        round_on: date(due_on),
        postponements: 0,
        number: None,
        issued_on: None,
        contract: None,
        description: None,
        guarantor: None,
        limitation_on: None,
        pay_url: None,
        attachment: None,
        first_seen: Timestamp::UNIX_EPOCH,
        paid_seen_on: None,
        payments: vec![],
        pauses: vec![],
    }
}

pub fn paid(id: &str, amount: &str, on: &str) -> Payment {
    Payment { id: id.into(), amount: cny(amount), received_on: date(on) }
}

pub fn pause(cause: PauseCause, from: &str, until: Option<&str>) -> Pause {
    Pause { cause, from: date(from), until: until.map(date), reason: String::new() }
}

pub fn event(id: &str, kind: &str, occurred_at: &str) -> Event {
    Event {
        id: id.into(),
        kind: kind.to_owned(),
        occurred_at: at(occurred_at),
        outcome: Some(EventOutcome::Positive),
        product: None,
        note: None,
    }
}

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
            let seen = RuleSeen { audiences: vec![(rule.audience.clone(), since)] };
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
            *seen = Some(RuleSeen { audiences: vec![(rule.audience.clone(), at(when))] });
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
            .find(|facts| facts.customer.id == draft.customer)
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
