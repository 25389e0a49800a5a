//! Letters of days to come, and why each falls on its day.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::address::Address;
use crate::domain::customer::{Class, Customer};
use crate::domain::facts::{CustomerFacts, Facts};
use crate::domain::ids::{CustomerId, LetterId, RuleName, StageName};
use crate::domain::money::{Money, Totals};
use crate::domain::notice::{Draft, LetterState, Line, NoticeKey, Subject};
use crate::domain::offset::Offset;
use crate::domain::recipients::Claims;
use crate::domain::rule::{Recipient, Rules};
use crate::domain::settings::Settings;
use crate::domain::stop::Stop;
use crate::store::OutboxLetter;

/// A letter of a day to come.
#[derive(Clone, PartialEq, Debug)]
pub struct Foreseen {
    /// When it leaves; for one that waits for a person, since when.
    pub at: Timestamp,
    /// The civil day of it, where the customer lives; for our own people,
    /// where the business is.
    pub day: Date,
    /// Whether it leaves by itself.
    pub fate: Fate,
    /// Its number, where it is in the outbox already.
    pub number: Option<LetterId>,
    /// Whose it is; `None` for a digest.
    pub customer: Option<CustomerId>,
    /// The customer's name; for a digest, the colleague's address.
    pub name: String,
    /// To whom, once that is known.
    pub to: Vec<Address>,
    /// Who else sees it.
    pub cc: Vec<Address>,
    /// To whom, by role.
    pub roles: Vec<Recipient>,
    /// Who else, by role.
    pub copies: Vec<Recipient>,
    /// By which rule.
    pub rule: RuleName,
    /// The stage whose words it speaks.
    pub stage: StageName,
    /// What it is.
    pub class: Class,
    /// Its template.
    pub template: String,
    /// Days to pay from the day it leaves.
    pub deadline: Option<Offset>,
    /// The notices it carries, those it is about first.
    pub notices: Vec<ForeseenNotice>,
    /// The stage's distance from what it counts from.
    pub offset: Offset,
    /// The day the plan asked for.
    pub planned_on: Date,
    /// What moved it from the day its rule names; nothing for one that comes
    /// on its day.
    pub because: Vec<Because>,
}

/// One notice of such a letter.
#[derive(Clone, PartialEq, Debug)]
pub struct ForeseenNotice {
    /// Which.
    pub key: NoticeKey,
    /// Whether the letter is about it, rather than naming it besides.
    pub leading: bool,
    /// What is owed, or was paid, where it is about money.
    pub amount: Option<Money>,
}

impl Foreseen {
    /// The sum of what it is about, currency by currency.
    #[must_use]
    pub fn amounts(&self) -> Totals {
        self.leading().filter_map(|notice| notice.amount).collect()
    }

    /// The notices it is about.
    pub fn leading(&self) -> impl Iterator<Item = &ForeseenNotice> {
        self.notices.iter().filter(|notice| notice.leading)
    }
}

/// What becomes of a letter without anybody doing anything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It leaves on its day.
    Leaves,
    /// It waits for a person from its day on; why.
    Waits(String),
}

/// What moved a letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Because {
    /// It stood in the outbox when the rehearsal began, since that day.
    InOutbox(Date),
    /// Its day had passed when the rehearsal began.
    CatchingUp,
    /// Letters do not leave on the day asked for.
    Closed(Date),
    /// A stop kept it, until a day where that is known.
    Kept(Stop, Option<Date>),
    /// The hours of its day were over.
    Hours,
}

/// What kept a candidate, and until when.
#[derive(Clone, PartialEq, Debug)]
pub struct Wait {
    /// What for.
    pub why: Stop,
    /// When it is asked again; `None` where a person must act.
    pub until: Option<Timestamp>,
}

/// A letter's lines against the days of a rehearsal.
#[derive(Clone, Copy, Debug)]
struct Course<'a> {
    /// The day the plan asked for.
    planned_on: Date,
    /// The first day from it on when letters leave.
    open_on: Date,
    /// The day it leaves on.
    day: Date,
    /// The first day of the rehearsal.
    began_on: Date,
    /// What kept it meanwhile, each until a day.
    waits: &'a [(Stop, Option<Date>)],
    /// The day it was queued on.
    queued_on: Date,
}

impl Course<'_> {
    fn because(self) -> Vec<Because> {
        let kept = |(why, until): &(Stop, Option<Date>)| Because::Kept(why.clone(), *until);
        let moves_the_plan = |(why, _): &&(Stop, _)| why.is_pause() || *why == Stop::Spacing;
        let mut said: Vec<Because> = self.waits.iter().filter(moves_the_plan).map(kept).collect();
        if self.open_on > self.planned_on && self.day >= self.open_on {
            said.push(Because::Closed(self.planned_on));
        }
        if self.day <= self.open_on {
            return said;
        }
        if self.open_on < self.began_on {
            said.push(Because::CatchingUp);
        }
        let delays = |wait: &&(Stop, Option<Date>)| match wait {
            // Due that day, and not queued before another.
            (Stop::PassCap, Some(due_on)) => *due_on < self.queued_on,
            (_, until) => !moves_the_plan(wait) && until.is_none_or(|until| until > self.open_on),
        };
        said.extend(self.waits.iter().filter(delays).map(kept));
        if said.is_empty() {
            said.push(Because::Hours);
        }
        said
    }
}

/// What a letter is judged by.
pub(in crate::engine) struct Setting<'a> {
    pub(in crate::engine) settings: &'a Settings,
    pub(in crate::engine) rules: &'a Rules,
    pub(in crate::engine) began_at: Timestamp,
}

impl Setting<'_> {
    /// A letter that leaves at a moment, or from then on waits for a person.
    pub(in crate::engine) fn foresee(
        &self,
        (row, draft, facts): (&OutboxLetter, &Draft, &Facts),
        at: Timestamp,
        waits: &dyn Fn(&Line) -> Vec<Wait>,
    ) -> Foreseen {
        let customer = draft.customer.as_ref().and_then(|id| facts.customer(id));
        // Our own people live by our own days.
        let reader = customer.filter(|_| to_customer(draft)).map(|facts| &facts.customer);
        let zone = reader.map_or(&self.settings.business.zone, |customer| &customer.zone);
        let day_of = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
        let leading: Vec<&Line> = draft.lines.iter().filter(|line| line.leading).collect();
        let first = leading.iter().copied().min_by_key(|line| line.planned_on);
        let planned_on = first.map_or_else(|| day_of(at), |line| line.planned_on);
        let waits: Vec<(Stop, Option<Date>)> = first
            .map(|line| waits(line).into_iter().map(|wait| (wait.why, wait.until.map(day_of))).collect())
            .unwrap_or_default();
        let course = Course {
            planned_on,
            open_on: self.open_on(draft, reader, planned_on),
            day: day_of(at),
            began_on: day_of(self.began_at),
            waits: &waits,
            queued_on: day_of(row.queued_at),
        };
        let before = row.queued_at < self.began_at;
        let because = if before { vec![Because::InOutbox(day_of(row.queued_at))] } else { course.because() };
        let parcel = row.made.as_ref().map(|made| &made.parcel);
        Foreseen {
            at,
            day: course.day,
            fate: fate(row),
            number: before.then_some(row.id),
            customer: draft.customer.clone(),
            name: customer.map_or_else(|| draft.whose().to_owned(), |facts| facts.customer.name.clone()),
            to: parcel.iter().map(|parcel| parcel.to.clone()).collect(),
            cc: parcel.iter().flat_map(|parcel| parcel.cc.clone()).collect(),
            roles: draft.to.clone(),
            copies: draft.cc.clone(),
            rule: draft.rule.clone(),
            stage: draft.stage.clone(),
            class: draft.class,
            template: draft.template.clone(),
            deadline: draft.deadline,
            notices: notices(draft, customer),
            offset: first.map_or(Offset::days(0), |line| line.offset),
            planned_on,
            because,
        }
    }

    fn open_on(&self, draft: &Draft, reader: Option<&Customer>, day: Date) -> Date {
        let own = self.rules.get(&draft.rule).and_then(|rule| rule.days);
        let days = own.unwrap_or(self.settings.letters.hours.days);
        self.settings.open_day(days, reader.and_then(|customer| customer.country.as_deref()), day)
    }
}

fn to_customer(draft: &Draft) -> bool {
    draft.to.iter().chain(&draft.cc).any(|to| *to == Recipient::Customer)
}

fn fate(row: &OutboxLetter) -> Fate {
    match row.state {
        LetterState::Held => Fate::Waits(row.reason.clone()),
        LetterState::Queued
        | LetterState::Sending
        | LetterState::Sent
        | LetterState::Bounced
        | LetterState::Assumed
        | LetterState::Retry
        | LetterState::Rejected
        | LetterState::Uncertain
        | LetterState::Cancelled
        | LetterState::Expired => Fate::Leaves,
    }
}

/// The notices of a letter, each with what is owed or was paid.
fn notices(draft: &Draft, customer: Option<&CustomerFacts>) -> Vec<ForeseenNotice> {
    let claims = customer.map(Claims::of);
    let amount = |subject: &Subject| {
        let claim = claims.as_ref()?.find(subject)?;
        let payment = match subject {
            Subject::Payment(id) => claim.payments.iter().find(|payment| payment.id == *id),
            Subject::Receivable(_) | Subject::Event(_) | Subject::Customer(_) | Subject::Colleague(_) => None,
        };
        let owed = Some(claim.balance()).filter(Money::is_positive);
        Some(payment.map(|payment| payment.amount).or(owed).unwrap_or(claim.amount))
    };
    let notice = |line: &Line| ForeseenNotice {
        key: line.key.clone(),
        leading: line.leading,
        amount: amount(&line.key.subject),
    };
    draft.lines.iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        format!("2026-{text}").parse().expect("a date")
    }

    #[test]
    fn a_letter_tells_what_moved_it_and_nothing_that_did_not() {
        let budget = |until| (Stop::Budget, Some(day(until)));
        let kept = |(why, until)| Because::Kept(why, until);
        let spacing = (Stop::Spacing, Some(day("05-06")));
        let dispute = (Stop::Disputed, None);
        let cap = (Stop::PassCap, Some(day("05-06")));
        for (planned, open, leaves, waits, expected) in [
            ("05-06", "05-06", "05-06", vec![], vec![]),
            ("05-02", "05-06", "05-06", vec![], vec![Because::Closed(day("05-02"))]),
            (
                "05-02",
                "05-06",
                "05-07",
                vec![budget("05-07")],
                vec![Because::Closed(day("05-02")), kept(budget("05-07"))],
            ),
            ("05-06", "05-06", "05-06", vec![budget("05-04")], vec![]),
            ("05-06", "05-06", "05-08", vec![budget("05-08")], vec![kept(budget("05-08"))]),
            ("05-06", "05-06", "05-06", vec![spacing.clone()], vec![kept(spacing)]),
            ("05-06", "05-06", "05-11", vec![dispute.clone()], vec![kept(dispute)]),
            ("04-20", "04-20", "04-27", vec![], vec![Because::CatchingUp]),
            ("04-25", "04-27", "04-27", vec![], vec![Because::Closed(day("04-25"))]),
            ("05-06", "05-06", "05-07", vec![], vec![Because::Hours]),
            ("05-06", "05-06", "05-06", vec![(Stop::PassCap, Some(day("05-06")))], vec![]),
            ("05-06", "05-06", "05-07", vec![cap.clone()], vec![kept(cap)]),
        ] {
            let course = Course {
                planned_on: day(planned),
                open_on: day(open),
                day: day(leaves),
                began_on: day("04-27"),
                waits: &waits,
                queued_on: day(leaves),
            };
            assert_eq!(course.because(), expected, "{planned}, open {open}, leaves {leaves}");
        }
    }
}
