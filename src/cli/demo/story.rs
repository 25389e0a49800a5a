//! The sample business's four months, told day by day.
//!
//! Days count from the first one, so that the story always ends today.

mod acts;
mod claims;

use std::path::{Path, PathBuf};
use std::{fmt, fs};

use anyhow::Context;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::domain::calendar::instant_at;
use crate::domain::event::EventOutcome;
use crate::domain::ids::{CustomerId, ReceivableId, RuleName};
use crate::domain::receivable::{PauseCause, Status};
use crate::store::{ImportKind, Record, With};
use acts::{ACTS, Act, BEFORE, RELEASES, Whom};

/// Who it is about.
const CUSTOMERS: &str = include_str!("customers.csv");

/// What a person does.
pub enum What {
    /// Nothing but the books speak.
    Books,
    /// Writes something down.
    Record(Record),
    /// Lets a customer's letters by a rule go, if any waits for approval.
    Release(CustomerId, RuleName),
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
        let at = |day: i32, time: Time| instant_at((begin + day.days()).to_datetime(time), zone);
        let opening = [
            (ImportKind::Customers, "customers.csv", CUSTOMERS.to_owned()),
            (ImportKind::Events, "events.csv", events_before(begin)),
        ];
        let mut imports = Vec::new();
        for (kind, name, text) in opening {
            write(&folder.join(name), &text)?;
            imports.push((kind, folder.join(name)));
        }
        let mut scenes = vec![Scene {
            at: at(0, Time::constant(7, 50, 0, 0)),
            imports,
            what: What::Books,
            words: format!(
                "{} customers come from the books, with what they bought before",
                customers().count()
            ),
        }];
        for day in claims::export_days() {
            let file = folder.join(format!("receivables-{}.csv", begin + day.days()));
            write(&file, &claims::export(begin, day)?)?;
            scenes.push(Scene {
                at: at(day, Time::constant(8, 0, 0, 0)),
                imports: vec![(ImportKind::Receivables, file)],
                what: What::Books,
                words: format!("the books say: {}", claims::news(begin, day)),
            });
        }
        for (day, time, act) in ACTS {
            let time: Time = time.parse().with_context(|| format!("the story's time {time}"))?;
            let (record, words) = act.told(begin + day.days(), at(*day, time));
            scenes.push(Scene { at: at(*day, time), imports: vec![], what: What::Record(record), words });
        }
        for (from, until, customer, rule) in RELEASES {
            scenes.extend((*from..=*until).map(|day| Scene {
                at: at(day, Time::constant(15, 30, 0, 0)),
                imports: vec![],
                what: What::Release((*customer).into(), (*rule).into()),
                words: format!("Li Na releases the final notice to {customer}"),
            }));
        }
        scenes.sort_by_key(|scene| scene.at);
        Ok(Self { scenes })
    }

    /// In order of time.
    pub fn scenes(&self) -> &[Scene] {
        &self.scenes
    }
}

/// The ids of the sample's customers.
pub fn customers() -> impl Iterator<Item = CustomerId> {
    CUSTOMERS.lines().skip(1).filter_map(|line| line.split(',').next()).map(CustomerId::from)
}

/// What happened before the first day, as the books export it.
fn events_before(begin: Date) -> String {
    let mut csv = "id,customer_id,kind,occurred_at,product\n".to_owned();
    for (number, (day, kind, customer, product)) in BEFORE.iter().enumerate() {
        let line = format!("E-{},{customer},{kind},{}T11:00,{product}\n", number + 1, begin + day.days());
        csv.push_str(&line);
    }
    csv
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

impl Act {
    /// What to do, and a line that tells it.
    fn told(&self, today: Date, at: Timestamp) -> (Record, String) {
        match *self {
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
            Self::Event(kind, whom, outcome, product, note) => {
                let went = outcome.map(|outcome| format!(", {}", outcome.as_str())).unwrap_or_default();
                (event(kind, whom, outcome, product, note, at), format!("{kind} with {whom}{went}"))
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
            Self::Status(receivable, status) => {
                (Record::Status { receivable: receivable.into(), status, today }, over(receivable, status))
            }
            Self::Acknowledged(customer, how) => {
                let record = Record::Acknowledgement {
                    receivable: None,
                    customer: Some(customer.into()),
                    acknowledged_on: today,
                    who: "zhang.wei".to_owned(),
                    reason: how.to_owned(),
                };
                (record, format!("{customer} confirms what it owes: {how}"))
            }
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(customer) => f.write_str(customer),
            Self::Segment(segment) => write!(f, "the segment {segment}"),
        }
    }
}

/// A change of a claim's status, in words.
fn over(claim: &str, status: Status) -> String {
    match status {
        Status::Returned => format!("the goods of {claim} come back"),
        Status::Offset => format!("{claim} is set off"),
        Status::Legal => format!("{claim} goes to court"),
        Status::Replaced => format!("{claim} becomes a plan of instalments"),
        Status::Open
        | Status::Paid
        | Status::Disputed
        | Status::OnHold
        | Status::Assigned
        | Status::WrittenOff
        | Status::Cancelled => format!("{claim} is {status}"),
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
    whom: Whom,
    outcome: Option<EventOutcome>,
    product: &str,
    note: &str,
    at: Timestamp,
) -> Record {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Record::Event {
        id: None,
        with: match whom {
            Whom::One(customer) => With::Customer(customer.into()),
            Whom::Segment(segment) => With::Segment(segment.to_owned()),
        },
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

    use super::claims::{CLAIMS, MOVED};
    use super::*;

    #[test]
    fn the_story_speaks_only_of_what_it_has() {
        let customers: BTreeSet<&str> = CUSTOMERS.lines().filter_map(|line| line.split(',').next()).collect();
        let claims: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.id).collect();
        assert_eq!(claims.len(), CLAIMS.len(), "no claim twice");
        assert!(CLAIMS.iter().all(|claim| customers.contains(claim.customer)));
        assert!(CLAIMS.is_sorted_by_key(|claim| claim.issued));
        assert!(ACTS.is_sorted_by_key(|(day, time, _)| (*day, *time)));
        let segments: BTreeSet<&str> = CUSTOMERS.lines().filter_map(|line| line.split(',').nth(9)).collect();
        for (_, _, act) in ACTS {
            match act {
                Act::Paid(claim, _)
                | Act::Promise(claim, _)
                | Act::Pause(_, claim, _)
                | Act::Resume(_, claim)
                | Act::Status(claim, _) => assert!(claims.contains(claim), "{claim}"),
                Act::Event(_, Whom::Segment(segment), ..) => assert!(segments.contains(segment), "{segment}"),
                Act::OnAccount(customer, ..)
                | Act::Event(_, Whom::One(customer), ..)
                | Act::HoldCustomer(customer, ..)
                | Act::Acknowledged(customer, _) => assert!(customers.contains(customer), "{customer}"),
            }
        }
        assert!(RELEASES.iter().all(|(_, _, customer, _)| customers.contains(customer)));
        assert!(MOVED.iter().all(|(_, claim, _)| claims.contains(claim)));
        assert!(BEFORE.iter().all(|(day, _, customer, _)| *day < 0 && customers.contains(customer)));
    }

    #[test]
    fn every_kind_of_claim_occurs() {
        let told: BTreeSet<&str> = CLAIMS.iter().map(|claim| claim.kind).collect();
        let known: BTreeSet<&str> =
            crate::domain::receivable::Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(told, known);
    }
}
