//! Made-up customers and claims, on which every letter is tried before the
//! first one is due.

mod digest;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};

use super::{MailSettings, ReplyTo, Testimonial, Unsubscribe};
use crate::domain::address::{Address, AddressError};
use crate::domain::customer::{Customer, Person};
use crate::domain::delivery::OnUncertain;
use crate::domain::event::{Event, EventOutcome};
use crate::domain::facts::{CustomerFacts, Facts};
use crate::domain::figures::Peers;
use crate::domain::ids::Relationship;
use crate::domain::money::{Currency, Money};
use crate::domain::notice::{Draft, Line, NoticeKey, Priority, Subject};
use crate::domain::promise::Promise;
use crate::domain::receivable::{Kind, Payment, Receivable, Status};
use crate::domain::rule::{Anchor, ReceivableDate, Recipient, Rule, Stage};
use crate::domain::settings::Settings;
use crate::domain::statement::Period;

/// What is special about a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edge {
    /// Everything is there.
    Full,
    /// Whatever can be missing is: contact, number, date of issue, product,
    /// outcome, note; and in a statement, every claim.
    Bare,
    /// An instalment, partly paid.
    Instalment,
    /// Three claims in three currencies, and two at lower stages.
    Several,
    /// More claims than a letter lists.
    Many,
}

impl Edge {
    pub(super) const ALL: [Self; 5] = [Self::Full, Self::Bare, Self::Instalment, Self::Several, Self::Many];

    /// In words, for a problem.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Full => "with everything known",
            Self::Bare => "without contact, number, date of issue, product, outcome or note",
            Self::Instalment => "about an instalment that is partly paid",
            Self::Several => "about three claims in three currencies",
            Self::Many => "about 200 claims",
        }
    }
}

/// A draft with the facts it speaks of.
pub(super) struct Sample {
    pub(super) draft: Draft,
    pub(super) facts: Facts,
    pub(super) mail: MailSettings,
    pub(super) peers: Option<Peers>,
    pub(super) testimonials: Vec<Testimonial>,
    pub(super) now: Timestamp,
}

/// How the sample business lets people unsubscribe.
pub(super) const UNSUBSCRIBE: &str = "https://unsubscribe.example/";

/// Like no number of a business: a link to unsubscribe may be tried.
const CUSTOMER: &str = "SAMPLE";

const TODAY: Date = date(2026, 3, 12);

/// The kinds of events that a rule may write about; one for a rule about
/// something else.
pub(super) fn kinds(rule: &Rule) -> Vec<&str> {
    match &rule.anchor {
        Anchor::Event(kinds) => kinds.iter().map(String::as_str).collect(),
        Anchor::Receivable(_) | Anchor::Payment | Anchor::Calendar => vec!["visit"],
    }
}

/// The sample of a stage, an event being of this kind; `None` where there is
/// nothing to try (no address can be made).
pub(super) fn sample(
    rule: &Rule,
    stage: &Stage,
    template: &str,
    to: &[Recipient],
    settings: &Settings,
    edge: Edge,
    kind: &str,
) -> Option<Sample> {
    let address = Address::parse("li.wei@customer.example").ok()?;
    let person = |name: &str, address: &str| {
        Address::parse(address).ok().map(|address| Person { name: name.into(), address })
    };
    let owner = person("Sample Owner", "owner@business.example")?;
    let guarantor = person("Sample Guarantor", "guarantor@customer.example")?;
    let bare = edge == Edge::Bare;
    let count = match edge {
        Edge::Full | Edge::Bare | Edge::Instalment => 1,
        Edge::Several => 5,
        Edge::Many => 200,
    };
    let settled = matches!(rule.anchor, Anchor::Receivable(ReceivableDate::SettledOn));
    let mut receivables =
        (0..count).map(|n| receivable(n, edge, settled, &guarantor)).collect::<Option<Vec<_>>>()?;
    let mut on_account = vec![];
    if rule.is_statement() && bare {
        // Where nothing is open, there may still be something to state.
        on_account.extend(receivables.drain(..).flat_map(|claim| claim.payments));
    }
    let customer = Customer {
        id: CUSTOMER.into(),
        name: "Sample Customer".into(),
        address: if bare && !to.contains(&Recipient::Customer) {
            Err(AddressError::Missing)
        } else {
            Ok(address)
        },
        contact_name: (!bare).then(|| "Li Wei".into()),
        greeting: None,
        cc: vec![],
        locale: None,
        country: None,
        zone: settings.business.zone.clone(),
        segment: (!bare).then(|| "machining".into()),
        tags: vec![],
        owner: (!bare).then(|| owner.clone()),
        attributes: BTreeMap::new(),
        blocked: false,
        forgotten_at: None,
        purchases: 1,
    };
    let facts = Facts {
        relationship: Relationship::from("li.wei@customer.example"),
        looked_at: None,
        customers: vec![CustomerFacts {
            customer,
            receivables,
            on_account,
            events: vec![event(kind, bare)],
            pauses: vec![],
            notices: vec![],
            expired: vec![],
        }],
        suppressions: vec![],
        payments_read_at: None,
        digests: vec![],
    };
    let draft = draft(rule, stage, template, to, &facts, edge);
    let mail = MailSettings {
        from: owner.clone(),
        reply_to: ReplyTo::Owner,
        redirect_to: None,
        unsubscribe: Unsubscribe { mailto: owner.address.clone(), url: Some(UNSUBSCRIBE.to_owned()) },
        attachments: PathBuf::new(),
    };
    if rule.is_digest() {
        return Some(digest::sample(draft, facts, mail, &owner, edge));
    }
    let peers = if edge == Edge::Full { Peers::of(86, 100) } else { None };
    Some(Sample { draft, facts, mail, peers, testimonials: testimonials(edge), now: noon(TODAY) })
}

fn event(kind: &str, bare: bool) -> Event {
    Event {
        id: "E1".into(),
        kind: kind.to_owned(),
        occurred_at: noon(TODAY),
        outcome: (!bare).then_some(EventOutcome::Positive),
        product: (!bare).then(|| "Press P-40".into()),
        note: (!bare).then(|| "The drawings follow on Friday.".into()),
    }
}

fn testimonials(edge: Edge) -> Vec<Testimonial> {
    let quote = |segment: Option<&str>| Testimonial {
        quote: "It has run for two years without a stop.".into(),
        name: "Sample Person".into(),
        segment: segment.map(str::to_owned),
        locale: None,
    };
    if edge == Edge::Full { vec![quote(Some("machining")), quote(None)] } else { vec![] }
}

fn noon(day: Date) -> Timestamp {
    crate::domain::calendar::instant_at(day.at(12, 0, 0, 0), &jiff::tz::TimeZone::UTC)
}

fn receivable(n: i32, edge: Edge, settled: bool, guarantor: &Person) -> Option<Receivable> {
    let bare = edge == Edge::Bare;
    let code = match (edge, n) {
        (Edge::Several, 1) => "EUR",
        (Edge::Several, 2) => "JPY",
        _ => "CNY",
    };
    let currency: Currency = code.parse().ok()?;
    let amount = Money::parse("12800", currency).ok()?;
    let paid = if settled { "12800" } else { "1800" };
    let partly = settled || edge == Edge::Instalment;
    let due_on = TODAY.saturating_sub((n % 40 + 3).days());
    Some(Receivable {
        id: format!("R{n}").as_str().into(),
        kind: if edge == Edge::Instalment { Kind::Instalment } else { Kind::Invoice },
        status: if settled { Status::Paid } else { Status::Open },
        amount,
        due_on,
        round_on: due_on,
        postponements: u32::from(!bare),
        number: (!bare).then(|| format!("2026-{n:04}")),
        issued_on: (!bare).then(|| due_on.saturating_sub(30.days())),
        contract: (edge == Edge::Instalment).then(|| "K-7".into()),
        description: (!bare).then(|| "spare parts".into()),
        guarantor: Some(guarantor.clone()),
        limitation_on: (!bare).then(|| date(2029, 3, 1)),
        pay_url: (!bare).then(|| format!("https://pay.example/{n}")),
        attachment: None,
        first_seen: noon(due_on),
        closed_on: settled.then_some(TODAY),
        payments: if partly || n == 0 {
            vec![Payment {
                id: format!("P{n}").as_str().into(),
                amount: Money::parse(paid, currency).ok()?,
                received_on: TODAY,
            }]
        } else {
            vec![]
        },
        pauses: vec![],
        promises: if bare { vec![] } else { vec![promise(amount, due_on)] },
        acknowledged_on: vec![],
    })
}

fn promise(amount: Money, due_on: Date) -> Promise {
    let promised_on = due_on.saturating_add(2.days());
    Promise { made_on: due_on, promised_on, until: promised_on, amount, binding: true, ended_on: None }
}

fn draft(rule: &Rule, stage: &Stage, template: &str, to: &[Recipient], facts: &Facts, edge: Edge) -> Draft {
    let subjects: Vec<Subject> = match rule.anchor {
        Anchor::Receivable(_) => facts
            .customers
            .iter()
            .flat_map(|customer| &customer.receivables)
            .map(|item| Subject::Receivable(item.id.clone()))
            .collect(),
        Anchor::Payment => vec![Subject::Payment("P0".into())],
        Anchor::Event(_) => vec![Subject::Event("E1".into())],
        Anchor::Calendar => vec![Subject::Customer(CUSTOMER.into())],
    };
    let period = Period { from: TODAY.first_of_month(), until: TODAY };
    let round = if rule.is_statement() { period.to_string() } else { TODAY.to_string() };
    let line = |(index, subject): (usize, Subject)| Line {
        key: NoticeKey {
            rule: rule.name.clone(),
            stage: stage.name.clone(),
            subject,
            round: round.clone(),
            repetition: 0,
        },
        offset: stage.at,
        planned_on: TODAY,
        leading: edge != Edge::Several || index < 3,
    };
    Draft {
        customer: Some(CUSTOMER.into()),
        rule: rule.name.clone(),
        stage: stage.name.clone(),
        class: rule.class,
        template: template.to_owned(),
        to: to.to_vec(),
        cc: vec![],
        lines: subjects.into_iter().enumerate().map(line).collect(),
        deadline: stage.deadline,
        approve: stage.approve,
        priority: Priority::STAGE,
        budget: None,
        not_before: noon(TODAY),
        passed_over: if edge == Edge::Full { vec!["friendly: address suppressed".into()] } else { vec![] },
        on_uncertain: OnUncertain::Park,
    }
}
