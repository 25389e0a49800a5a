//! The sample business's four months, told day by day.
//!
//! Days count from the first one, so that the story always ends today.

mod claims;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::domain::calendar::instant_at;
use crate::domain::event::EventOutcome;
use crate::domain::ids::{CustomerId, ReceivableId};
use crate::domain::receivable::{PauseCause, Status};
use crate::store::{ImportKind, Record, With};
use claims::CLAIMS;

/// Who it is about.
const CUSTOMERS: &str = include_str!("customers.csv");

/// What a person at the business writes down.
enum Act {
    Paid(&'static str, &'static str),
    OnAccount(&'static str, &'static str, &'static str),
    Event(&'static str, &'static str, Option<EventOutcome>, &'static str, &'static str),
    Promise(&'static str, i32),
    Pause(PauseCause, &'static str, &'static str),
    HoldCustomer(&'static str, i32, &'static str),
    Resume(PauseCause, &'static str),
    Status(&'static str, Status),
    Release(&'static str),
}

use Act::{Event, HoldCustomer, OnAccount, Paid, Pause, Promise, Resume};

const GOOD: Option<EventOutcome> = Some(EventOutcome::Positive);
const BAD: Option<EventOutcome> = Some(EventOutcome::Negative);

/// Day, local time at the business, what.
const ACTS: &[(i32, &str, Act)] = &[
    (
        5,
        "10:20",
        Event(
            "visit",
            "C09",
            GOOD,
            "Edge bander EB-2",
            "It was good to see the edge bander run on your own oak boards.",
        ),
    ),
    (9, "15:05", Event("signing", "C02", GOOD, "数控车床", "")),
    (9, "16:30", Paid("D-2001", "96000.00")),
    (11, "11:00", Paid("P-3001", "28000.00")),
    (12, "14:10", Event("signing", "C09", GOOD, "Edge bander EB-2", "")),
    (
        17,
        "09:40",
        Event("visit", "C10", GOOD, "整经机", "您提到的张力控制问题，我已请工程师整理资料，随后发给您。"),
    ),
    (18, "11:15", Paid("INV-1001", "12400.00")),
    (19, "10:00", Paid("I-5001", "8000.00")),
    (25, "17:00", Event("delivery", "C02", None, "数控车床", "")),
    (28, "10:30", Promise("INV-1003", 10)),
    (30, "16:00", Event("delivery", "C09", None, "Edge bander EB-2", "")),
    (36, "14:00", Pause(PauseCause::Dispute, "INV-1004", "少发两箱备件")),
    (41, "09:10", HoldCustomer("C10", 16, "厂里正在搬迁，约好下月再谈")),
    (42, "10:00", Paid("INV-1007", "2350.00")),
    (
        44,
        "15:20",
        Event("visit", "C11", BAD, "Carton line", "Unhappy about the noise; Anna takes care of it."),
    ),
    (50, "11:00", Resume(PauseCause::Dispute, "INV-1004")),
    (51, "10:20", Paid("B-2001", "150000.00")),
    (54, "13:45", Paid("INV-1008", "1840.00")),
    (55, "10:00", Paid("I-5002", "8000.00")),
    (56, "09:30", Paid("INV-1003", "18200.00")),
    (58, "16:10", Paid("INV-1004", "34800.00")),
    (60, "10:05", Event("proficient", "C02", None, "数控车床", "")),
    (61, "11:30", Paid("INV-1009", "9750.00")),
    (64, "10:50", Paid("B-2001", "74000.00")),
    (66, "09:20", Paid("INV-1010", "52000.00")),
    (69, "15:00", Paid("INV-1014", "3150.00")),
    (79, "10:00", Paid("I-5003", "8000.00")),
    (83, "09:00", Paid("I-5003", "-8000.00")),
    (86, "11:00", Act::Status("INV-1015", Status::Returned)),
    (88, "10:00", Paid("N-1101", "25000.00")),
    (92, "15:30", Act::Release("C11")),
    (93, "16:40", OnAccount("C09", "500.00", "AUD")),
    (97, "10:00", Paid("I-5003", "8000.00")),
    (100, "10:30", Event("visit", "C12", GOOD, "切配机", "第二家门店的方案，我这两天整理好发给您。")),
    (103, "15:00", Event("delivery", "C12", None, "切配机", "")),
    (106, "09:50", Event("signing", "C13", GOOD, "Gripper cell, second line", "")),
    (
        116,
        "14:30",
        Event(
            "visit",
            "C03",
            GOOD,
            "Spindle set",
            "The test cuts on the new spindles will be with you by the end of the week.",
        ),
    ),
];

/// What a person does.
pub enum What {
    /// Nothing but the books speak.
    Books,
    /// Writes something down.
    Record(Record),
    /// Lets the letters to a customer go that wait for approval.
    Release(CustomerId),
}

/// A moment at which something is written down.
pub struct Scene {
    /// When.
    pub at: Timestamp,
    /// CSV files to take first.
    pub imports: Vec<(ImportKind, PathBuf)>,
    /// What a person does.
    pub what: What,
    /// The same in words.
    pub words: String,
}

/// The story with real dates.
pub struct Story {
    scenes: Vec<Scene>,
}

impl Story {
    /// Puts dates to the story, and writes the CSV files that the business's
    /// books export along the way into a folder, one for each day on which
    /// something was issued.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn new(begin: Date, zone: &TimeZone, folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let customers = folder.join("customers.csv");
        write(&customers, CUSTOMERS)?;
        let at = |day: i32, time: Time| instant_at((begin + day.days()).to_datetime(time), zone);
        let mut scenes = vec![Scene {
            at: at(0, Time::constant(7, 50, 0, 0)),
            imports: vec![(ImportKind::Customers, customers)],
            what: What::Books,
            words: "13 customers come from the books".to_owned(),
        }];
        let mut days: Vec<i32> = CLAIMS.iter().map(|claim| claim.issued).collect();
        days.dedup();
        for day in days {
            let file = folder.join(format!("receivables-{}.csv", begin + day.days()));
            write(&file, &export(begin, day)?)?;
            scenes.push(Scene {
                at: at(day, Time::constant(8, 0, 0, 0)),
                imports: vec![(ImportKind::Receivables, file)],
                what: What::Books,
                words: issued(begin, day),
            });
        }
        for (day, time, act) in ACTS {
            let time: Time = time.parse().with_context(|| format!("the story's time {time}"))?;
            let (what, words) = act.told(begin + day.days(), at(*day, time));
            scenes.push(Scene { at: at(*day, time), imports: vec![], what, words });
        }
        scenes.sort_by_key(|scene| scene.at);
        Ok(Self { scenes })
    }

    /// In order of time.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }
}

/// Everything issued until a day, as the books export it.
fn export(begin: Date, until: i32) -> anyhow::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "id",
        "customer_id",
        "kind",
        "amount",
        "currency",
        "issued_on",
        "due_on",
        "contract",
        "description",
        "guarantor_name",
        "guarantor_email",
    ])?;
    for claim in CLAIMS.iter().filter(|claim| claim.issued <= until) {
        let (guarantor, address) = claim.guarantor.unwrap_or_default();
        let day = |day: i32| (begin + day.days()).to_string();
        csv.write_record([
            claim.id,
            claim.customer,
            claim.kind,
            claim.amount,
            claim.currency,
            &day(claim.issued),
            &day(claim.due),
            claim.contract,
            claim.description,
            guarantor,
            address,
        ])?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}

fn issued(begin: Date, day: i32) -> String {
    let new: Vec<_> = CLAIMS
        .iter()
        .filter(|claim| claim.issued == day)
        .map(|claim| {
            let due = begin + claim.due.days();
            format!("{} {} {} for {}, due {due}", claim.id, claim.amount, claim.currency, claim.customer)
        })
        .collect();
    format!("issued: {}", new.join("; "))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

impl Act {
    /// What to do, and a line that tells it.
    fn told(&self, today: Date, at: Timestamp) -> (What, String) {
        let (record, words) = match *self {
            Self::Release(customer) => {
                return (
                    What::Release(customer.into()),
                    format!("Li Na releases the final notice to {customer}"),
                );
            }
            Self::Paid(receivable, amount) => {
                let bounced = amount.starts_with('-');
                let words = if bounced {
                    format!("the payment for {receivable} bounced ({amount})")
                } else {
                    format!("{amount} came in for {receivable}")
                };
                (payment(Some(receivable), None, amount, None, today), words)
            }
            Self::OnAccount(customer, amount, currency) => (
                payment(None, Some(customer), amount, Some(currency), today),
                format!("{amount} {currency} came in on account of {customer}"),
            ),
            Self::Event(kind, customer, outcome, product, note) => {
                let went = outcome.map(|outcome| format!(", {}", outcome.as_str())).unwrap_or_default();
                (event(kind, customer, outcome, product, note, at), format!("{kind} with {customer}{went}"))
            }
            Self::Promise(receivable, days) => {
                let promised_on = today + days.days();
                let record = Record::Promise {
                    receivable: receivable.into(),
                    promised_on,
                    amount: None,
                    until: promised_on + 2.days(),
                    latest: today + 30.days(),
                    at_most: 2,
                    who: "anna".to_owned(),
                    reason: "on the phone".to_owned(),
                };
                (record, format!("{receivable} is promised for {promised_on}"))
            }
            Self::Pause(cause, receivable, reason) => (
                pause(cause, Some(receivable), None, today, None, reason),
                format!("{cause} about {receivable}: {reason}"),
            ),
            Self::HoldCustomer(customer, days, reason) => (
                pause(PauseCause::Hold, None, Some(customer), today, Some(today + days.days()), reason),
                format!("hold on {customer} until {}: {reason}", today + days.days()),
            ),
            Self::Resume(cause, receivable) => {
                let record = Record::Resume {
                    cause,
                    receivable: Some(receivable.into()),
                    customer: None,
                    until: today,
                };
                (record, format!("the {cause} about {receivable} is over"))
            }
            Self::Status(receivable, status) => (
                Record::Status { receivable: receivable.into(), status, today },
                format!("{receivable} is {status}"),
            ),
        };
        (What::Record(record), words)
    }
}

fn payment(
    receivable: Option<&str>,
    customer: Option<&str>,
    amount: &str,
    currency: Option<&str>,
    today: Date,
) -> Record {
    Record::Payment {
        id: None,
        receivable: receivable.map(ReceivableId::from),
        customer: customer.map(CustomerId::from),
        amount: amount.to_owned(),
        currency: currency.map(str::to_owned),
        received_on: today,
    }
}

fn event(
    kind: &str,
    customer: &str,
    outcome: Option<EventOutcome>,
    product: &str,
    note: &str,
    at: Timestamp,
) -> Record {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Record::Event {
        id: None,
        with: With::Customer(customer.into()),
        kind: kind.to_owned(),
        occurred_at: at,
        outcome,
        product: given(product),
        note: given(note),
    }
}

fn pause(
    cause: PauseCause,
    receivable: Option<&str>,
    customer: Option<&str>,
    from: Date,
    until: Option<Date>,
    reason: &str,
) -> Record {
    Record::Pause {
        cause,
        receivable: receivable.map(ReceivableId::from),
        customer: customer.map(CustomerId::from),
        from,
        until,
        who: "zhang.wei".to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_story_speaks_only_of_what_it_has() {
        let customers: BTreeSet<&str> = CUSTOMERS.lines().filter_map(|line| line.split(',').next()).collect();
        let claims: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
        assert_eq!(claims.len(), CLAIMS.len(), "no claim twice");
        assert!(CLAIMS.iter().all(|claim| customers.contains(claim.customer)));
        assert!(CLAIMS.is_sorted_by_key(|claim| claim.issued));
        assert!(ACTS.is_sorted_by_key(|(day, time, _)| (*day, *time)));
        for (_, _, act) in ACTS {
            match act {
                Act::Paid(claim, _)
                | Act::Promise(claim, _)
                | Act::Pause(_, claim, _)
                | Act::Resume(_, claim)
                | Act::Status(claim, _) => assert!(claims.contains(claim), "{claim}"),
                Act::OnAccount(customer, ..)
                | Act::Event(_, customer, ..)
                | Act::HoldCustomer(customer, ..)
                | Act::Release(customer) => {
                    assert!(customers.contains(customer), "{customer}");
                }
            }
        }
    }

    #[test]
    fn every_kind_of_claim_occurs() {
        let told: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.kind).collect();
        let known: BTreeSet<&str> =
            crate::domain::receivable::Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(told, known);
    }
}
