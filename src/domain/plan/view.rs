//! What the planner asks of one customer again and again, worked out once.

use std::cell::OnceCell;
use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::domain::calendar::{Days, Hours};
use crate::domain::customer::Class;
use crate::domain::facts::{CustomerFacts, Facts};
use crate::domain::filter::Candidate;
use crate::domain::limitation::{self, Limitation};
use crate::domain::money::{Currency, Totals};
use crate::domain::notice::{PastNotice, Priority, Subject};
use crate::domain::receivable::{Kind, Pause, PauseCause, Receivable};
use crate::domain::rule::{Anchor, ReceivableDate, Rule, Rules, Stage};
use crate::domain::settings::{DueOnClosedDay, Settings};

/// One customer at one moment.
pub struct View<'a> {
    pub rules: &'a Rules,
    pub settings: &'a Settings,
    pub facts: &'a Facts,
    pub of: &'a CustomerFacts,
    pub now: Timestamp,
    /// The civil day at the customer's.
    pub today: Date,
    by_subject: HashMap<&'a Subject, Vec<&'a PastNotice>>,
    net: OnceCell<Totals>,
    credits: OnceCell<Totals>,
    overdue: OnceCell<bool>,
    leaves: [OnceCell<Timestamp>; 6],
}

impl<'a> View<'a> {
    pub fn new(
        rules: &'a Rules,
        settings: &'a Settings,
        facts: &'a Facts,
        of: &'a CustomerFacts,
        now: Timestamp,
    ) -> Self {
        let mut by_subject: HashMap<&Subject, Vec<&PastNotice>> = HashMap::new();
        for notice in &of.notices {
            by_subject.entry(&notice.key.subject).or_default().push(notice);
        }
        let today = now.to_zoned_datetime(of.customer.zone.clone()).date();
        Self {
            rules,
            settings,
            facts,
            of,
            now,
            today,
            by_subject,
            net: OnceCell::new(),
            credits: OnceCell::new(),
            overdue: OnceCell::new(),
            leaves: Default::default(),
        }
    }

    /// The zone whose civil days the customer's ladders count.
    pub fn zone(&self) -> &'a TimeZone {
        &self.of.customer.zone
    }

    /// The zone in which a rule's schedule looks at the customer. Nine o'clock
    /// where we are may be the evening before where they live: their day would
    /// be over before the next look.
    pub fn schedule_zone(&self) -> &'a TimeZone {
        if self.settings.letters.hours.of_customer { self.zone() } else { &self.settings.business.zone }
    }

    /// The ledger about one subject, over all rules.
    pub fn past(&self, subject: &Subject) -> &[&'a PastNotice] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }

    /// Whether a letter of these days may leave on `day`.
    pub fn is_open(&self, days: Days, day: Date) -> bool {
        match days {
            Days::Any => true,
            Days::Weekdays => !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday),
            Days::Business => {
                self.settings.business.calendars.both_work(self.of.customer.country.as_deref(), day)
            }
        }
    }

    /// The first day from `day` on when a letter of these days may leave.
    pub fn open_day(&self, days: Days, day: Date) -> Date {
        self.settings.open_day(days, self.of.customer.country.as_deref(), day)
    }

    /// The days a rule's letters leave on.
    pub fn days_of(&self, rule: &Rule) -> Days {
        rule.days.unwrap_or(self.settings.letters.hours.days)
    }

    /// The first decent moment from now on. Letters to our own people keep
    /// our own hours.
    pub fn leaves_at(&self, days: Days, to_customer: bool) -> Timestamp {
        let slot = usize::from(to_customer) * 3
            + match days {
                Days::Business => 0,
                Days::Weekdays => 1,
                Days::Any => 2,
            };
        *self.leaves[slot].get_or_init(|| self.next_open(self.now, days, to_customer))
    }

    /// The first decent moment from `from` on.
    pub fn next_open(&self, from: Timestamp, days: Days, to_customer: bool) -> Timestamp {
        let hours: &Hours = &self.settings.letters.hours;
        let business = &self.settings.business;
        if to_customer {
            let zone = if hours.of_customer { self.zone() } else { &business.zone };
            hours.next_open(from, zone, |day| self.is_open(days, day))
        } else {
            our_next_open(self.settings, from, days)
        }
    }

    /// The civil day of a moment at the customer's.
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.zone().clone()).date()
    }

    /// The due date that counts: one on a closed day may be effective on the
    /// next working day.
    pub fn effective_due_on(&self, receivable: &Receivable) -> Date {
        match self.settings.dunning.due_on_closed_day {
            DueOnClosedDay::Same => receivable.due_on,
            DueOnClosedDay::Next => {
                let calendar = &self.settings.business.calendars.business;
                if calendar.is_working_day(receivable.due_on) {
                    receivable.due_on
                } else {
                    calendar.add_business_days(receivable.due_on, 1)
                }
            }
        }
    }

    /// When a claim becomes time-barred.
    pub fn limitation(&self, receivable: &Receivable) -> Option<Limitation> {
        let settings = &self.settings.limitation;
        if receivable.limitation_on.is_none() && settings.periods.is_empty() {
            return None;
        }
        let past = self.past(&Subject::Receivable(receivable.id.clone())).iter().copied();
        limitation::of(receivable, past, settings, &self.settings.business.calendars.business)
    }

    /// The last day on which a claim could be enforced, where it has passed.
    pub fn time_barred(&self, receivable: &Receivable) -> Option<Date> {
        self.limitation(receivable).map(|limit| limit.on).filter(|last| *last < self.today)
    }

    /// What the customer owes in a currency after credit notes and money on
    /// account.
    pub fn net(&self, currency: Currency) -> Decimal {
        self.net
            .get_or_init(|| {
                let owed = self.of.receivables.iter().map(Receivable::balance);
                let on_account = self.of.on_account.iter().map(|payment| {
                    let mut money = payment.amount;
                    money.amount = -money.amount;
                    money
                });
                owed.chain(on_account).collect()
            })
            .of(currency)
    }

    /// What is taken off for that in a currency; below zero where there is
    /// something.
    pub fn credits(&self, currency: Currency) -> Decimal {
        let owed_by_us = || {
            let balances = self.of.receivables.iter().map(Receivable::balance);
            let of_claims = balances.filter(|balance| balance.amount.is_sign_negative());
            let on_account = self.of.on_account.iter().map(|payment| {
                let mut money = payment.amount;
                money.amount = -money.amount;
                money
            });
            of_claims.chain(on_account).collect()
        };
        self.credits.get_or_init(owed_by_us).of(currency)
    }

    /// Whether an item at or above the least balance has had, or is due to
    /// have, its first letter after the due date.
    pub fn is_overdue(&self) -> bool {
        *self.overdue.get_or_init(|| {
            let ladders = self.rules.iter().filter(|rule| {
                rule.class == Class::Dunning && rule.anchor == Anchor::Receivable(ReceivableDate::DueOn)
            });
            ladders.into_iter().any(|rule| {
                let first = rule.stages.iter().find(|stage| stage.at.count > 0);
                first.is_some_and(|first| {
                    self.of.receivables.iter().any(|item| self.has_passed(rule, first, item))
                })
            })
        })
    }

    fn has_passed(&self, rule: &Rule, first: &Stage, item: &Receivable) -> bool {
        let candidate =
            Candidate { customer: &self.of.customer, receivable: Some(item), event: None, today: self.today };
        // Before delivery nothing is an overdue debt.
        let in_advance = matches!(item.kind, Kind::Prepayment | Kind::Deposit);
        let concerned = item.kind != Kind::CreditNote
            && !in_advance
            && item.balance().is_positive()
            && rule.audience.unmet(candidate).is_none()
            && !rule.unless.excludes(candidate)
            && rule.audience.balance_suffices(candidate);
        concerned
            && (first.at.from_date(self.effective_due_on(item), &self.settings.business.calendars.business)
                <= self.today
                || self.past(&Subject::Receivable(item.id.clone())).iter().any(|notice| {
                    notice.key.rule == rule.name && notice.state.counts_as_sent() && notice.offset.count > 0
                }))
    }

    /// Whether a pause stops letters now. A person dates it by our own day,
    /// and it holds at once, also where that day has not begun yet.
    pub fn stops(&self, pause: &Pause) -> bool {
        let here = || self.settings.business.day(self.now);
        pause.covers(self.today) || (self.today < pause.from && pause.covers(here()))
    }

    /// Whether the customer contests anything that it owes. Whoever has paid
    /// contests it no more, whether or not somebody wrote that down.
    pub fn is_disputed(&self) -> bool {
        self.of.receivables.iter().any(|item| item.is_contested(|pause| self.stops(pause)))
            || self.of.pauses.iter().any(|p| p.cause == PauseCause::Dispute && self.stops(p))
    }

    /// The last day of a letter of the second stage after the due date or
    /// later.
    pub fn last_dunned(&self) -> Option<Date> {
        self.of
            .notices
            .iter()
            .filter(|notice| {
                notice.class == Class::Dunning
                    && notice.to_customer
                    && notice.state.counts_as_sent()
                    && notice.priority >= second_stage()
            })
            .map(|notice| notice.day)
            .max()
    }
}

/// The first moment from `from` on that is decent for our own people.
pub fn our_next_open(settings: &Settings, from: Timestamp, days: Days) -> Timestamp {
    let business = &settings.business;
    settings.letters.hours.next_open(from, &business.zone, |day| {
        days == Days::Any || business.calendars.business.is_working_day(day)
    })
}

/// The place of a rule's stage when the budget has room for one letter.
pub fn priority(rule: &Rule, stage: &Stage) -> Priority {
    let rank = |stages: &[Stage]| {
        let later = stages.iter().filter(|other| other.at.count > 0 && other.concerns_customer());
        later.take_while(|other| other.name != stage.name).count() + 1
    };
    match rule.class {
        Class::Dunning if rule.anchor == Anchor::Calendar => Priority::STATEMENT,
        Class::Dunning if stage.deadline.is_some() => Priority::FINAL_NOTICE,
        Class::Dunning if rule.anchor == Anchor::Receivable(ReceivableDate::PromisedOn) => {
            Priority::BROKEN_PROMISE
        }
        Class::Dunning if stage.at.count > 0 => {
            Priority(Priority::STAGE.0 + 10 * u16::try_from(rank(&rule.stages)).unwrap_or(40).min(40))
        }
        Class::Dunning => Priority(Priority::STAGE.0 + u16::from(stage.at.count == 0)),
        Class::Courtesy if thanks(rule) => Priority::THANKS,
        Class::Courtesy => Priority::CHECK_IN,
        Class::Marketing => Priority::MARKETING,
        Class::Internal => Priority::STAGE,
    }
}

/// The priority of the second stage after the due date, `firm` in the
/// shipped ladder.
fn second_stage() -> Priority {
    Priority(Priority::STAGE.0 + 20)
}

fn thanks(rule: &Rule) -> bool {
    rule.budget == crate::domain::rule::BudgetKind::Moments
        || matches!(rule.anchor, Anchor::Receivable(ReceivableDate::SettledOn) | Anchor::Payment)
}
