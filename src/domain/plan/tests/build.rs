//! Short ways to say what a test is about.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::domain::address::Address;
use crate::domain::calendar::{Calendars, Days, Hours, instant_at};
use crate::domain::customer::{Class, Customer, Person};
use crate::domain::event::{Event, EventOutcome};
use crate::domain::facts::CustomerFacts;
use crate::domain::filter::Filter;
use crate::domain::money::Money;
use crate::domain::receivable::{Kind, Pause, PauseCause, Payment, Receivable, Status};
use crate::domain::rule::{
    Anchor, Backlog, BudgetKind, Interlock, ReceivableDate, Recipient, Repeat, Rule, Stage,
};
use crate::domain::settings::{
    Budget, Business, DueOnClosedDay, DunningSettings, Guards, LetterSettings, LimitationSettings,
    PromiseSettings, Settings, UncertainSettings, Unusual,
};

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
            per_rule: 2_000,
            unusual: Unusual { above: 200, times: 5 },
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
        limitation: LimitationSettings::default(),
        max_data_age: None,
        bodies_kept: None,
        guards: Guards::default(),
        on_uncertain: UncertainSettings::default(),
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
        per_customer: None,
        days: None,
        on_uncertain: None,
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
    let anchor = Anchor::Event(vec!["visit".to_owned()]);
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
            forgotten_at: None,
            purchases: 0,
        },
        receivables: vec![],
        on_account: vec![],
        events: vec![],
        pauses: vec![],
        notices: vec![],
        expired: vec![],
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
        closed_on: None,
        payments: vec![],
        pauses: vec![],
        promises: vec![],
        acknowledged_on: vec![],
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
