//! Thanks, questions, news: when they are welcome, and when not. A table of
//! the shipped rules by hand, and what must hold of each letter.

use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::Subject;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use super::calendar::{after, days};
use super::model::{Customer, Happening, Item};
use super::year::Year;

/// After what it comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    Minutes(i64),
    Days(i64),
    HalfYear,
    /// The day a claim was settled, or a payment came in.
    Payment,
    /// A day of the year.
    YearsEnd,
}

/// What keeps it back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unless {
    Disputed,
    /// Disputed, or a firm letter within 14 days.
    Dunned,
    /// Disputed or overdue.
    Overdue,
}

#[derive(Debug)]
pub struct Courtesy {
    pub rule: &'static str,
    pub kinds: &'static [&'static str],
    pub after: After,
    pub unless: Unless,
    /// A budget of its own, of one letter a day.
    pub moments: bool,
    pub any_day: bool,
    /// How many days after its time it is still welcome.
    pub welcome: i64,
    /// At most one in so many days to one mailbox.
    pub once_in: i64,
    /// How many days until it comes again, and again.
    pub again: &'static [i64],
    /// The event that ends a series.
    pub until: Option<&'static str>,
    pub purchases: u32,
}

const BASE: Courtesy = Courtesy {
    rule: "",
    kinds: &[],
    after: After::Payment,
    unless: Unless::Disputed,
    moments: false,
    any_day: false,
    welcome: 3,
    once_in: 0,
    again: &[],
    until: None,
    purchases: 0,
};
const THANKS: Courtesy = Courtesy { moments: true, ..BASE };
const MOMENT: Courtesy =
    Courtesy { after: After::Minutes(30), unless: Unless::Dunned, any_day: true, ..THANKS };
const CARE: Courtesy = Courtesy { unless: Unless::Overdue, welcome: 14, ..BASE };

static COURTESIES: [Courtesy; 13] = [
    Courtesy { rule: "payment-thanks", ..THANKS },
    Courtesy { rule: "part-payment-thanks", ..THANKS },
    Courtesy { rule: "visit-thanks", kinds: &["visit"], after: After::Minutes(10), ..MOMENT },
    Courtesy { rule: "signing-thanks", kinds: &["signing"], ..MOMENT },
    Courtesy { rule: "purchase-thanks", kinds: &["purchase"], ..MOMENT },
    Courtesy { rule: "favour-thanks", kinds: &["favour", "referral"], ..MOMENT },
    Courtesy {
        rule: "onboarding-check-in",
        kinds: &["delivery"],
        after: After::Days(3),
        welcome: 5,
        again: &[14, 21, 32, 47, 71],
        until: Some("proficient"),
        ..CARE
    },
    Courtesy {
        rule: "spare-part-due",
        kinds: &["delivery", "part_replaced"],
        after: After::HalfYear,
        again: &[181, 181, 181],
        until: Some("part_replaced"),
        ..CARE
    },
    Courtesy { rule: "usage-survey", kinds: &["purchase"], after: After::Days(30), once_in: 180, ..CARE },
    Courtesy {
        rule: "referral-ask",
        kinds: &["proficient", "survey"],
        after: After::Days(7),
        once_in: 180,
        ..CARE
    },
    Courtesy { rule: "product-news", kinds: &["announcement"], after: After::Days(0), once_in: 30, ..CARE },
    Courtesy {
        rule: "trip-greeting",
        kinds: &["trip"],
        after: After::Minutes(10),
        welcome: 3,
        once_in: 60,
        purchases: 1,
        ..CARE
    },
    Courtesy { rule: "regulars-greeting", after: After::YearsEnd, welcome: 3, purchases: 3, ..CARE },
];

pub fn courtesy(rule: &str) -> Option<&'static Courtesy> {
    COURTESIES.iter().find(|courtesy| courtesy.rule == rule)
}

pub fn all() -> impl Iterator<Item = &'static Courtesy> {
    COURTESIES.iter()
}

impl Courtesy {
    /// The day it is wanted on after an event.
    pub fn wanted_on(&self, event: &Happening, of: &Customer) -> Date {
        let day = of.today(event.at);
        match self.after {
            After::Minutes(minutes) => of.today(event.at + SignedDuration::from_mins(minutes)),
            After::Days(days) => after(day, days),
            After::HalfYear => day.saturating_add(6.months()),
            After::Payment | After::YearsEnd => day,
        }
    }

    /// Whether the rule is about an event at all.
    pub fn concerns(&self, event: &Happening) -> bool {
        let welcome = match (self.rule, event.kind) {
            ("visit-thanks", _) | (_, "survey") => event.outcome == Some("positive"),
            _ => true,
        };
        welcome && self.kinds.contains(&event.kind)
    }
}

impl Year {
    /// Why a courtesy is out of place now.
    pub fn out_of_place(&self, rule: &Courtesy, of: &Customer, now: Timestamp) -> Option<String> {
        let disputed = self.business.disputed(of, now);
        if disputed.is_some() {
            return disputed;
        }
        match rule.unless {
            Unless::Disputed => None,
            Unless::Dunned => self.dunned(of, now).map(|day| format!("a firm letter came on {day}")),
            Unless::Overdue => self.overdue(of, now).map(|item| format!("{item} is overdue")),
        }
    }

    /// A claim that has had, or should have had, its first letter after the
    /// due date.
    fn overdue(&self, of: &Customer, now: Timestamp) -> Option<String> {
        let late = |item: &Item, today: Date| {
            let Some(rule) = item.rule().filter(|_| !item.in_advance()) else { return false };
            let first = self.edit.ladder(rule).iter().find(|rung| rung.offset > 0);
            let worth = rule != "payment-reminders" || item.balance() >= item.coin().least();
            let due_on = self.business.effective(item.due_on);
            let passed = first.is_some_and(|first| after(due_on, first.offset) <= today);
            let said = item.said.iter().any(|said| said.rule == rule && said.offset > 0 && !said.dropped);
            item.balance() > 0 && worth && first.is_some() && (passed || said)
        };
        let mut items = self.business.sharing(of).flat_map(|(index, _)| self.business.items_of(index));
        items.find(|(_, item)| late(item, self.business.of(item).today(now))).map(|(id, _)| id.clone())
    }

    /// The last firm letter of the last 14 days.
    fn dunned(&self, of: &Customer, now: Timestamp) -> Option<Date> {
        let today = of.today(now);
        let items = self.business.sharing(of).flat_map(|(index, _)| self.business.items_of(index));
        let said = items.flat_map(|(_, item)| &item.said).filter(|said| said.outside && !said.dropped);
        let firm = said.filter(|said| said.firm || said.rule == "broken-promise");
        firm.map(|said| said.day).filter(|day| after(*day, 14) > today).max()
    }

    /// Whether the series after an event is over.
    pub fn is_over(&self, rule: &Courtesy, event: &Happening) -> bool {
        let ends = |other: &&Happening| {
            other.customer == event.customer
                && Some(other.kind) == rule.until
                && other.at > event.at
                && (event.product.is_none() || other.product.is_none() || other.product == event.product)
        };
        self.business.events.values().any(|other| ends(&other))
    }

    /// What must hold of a thank-you, a question, a greeting.
    pub fn check_courtesy(&self, at: Timestamp, id: LetterId, rule: &Courtesy, name: &str) {
        let letter = &self.mail.letters[&id];
        let customer = self.customer_of(id).expect("a customer's");
        let of = &self.business.customers[customer];
        let day = of.today(at);
        if let Some(why) = self.out_of_place(rule, of, at) {
            panic!("{name} was sent, but {why}");
        }
        let mut others = self.had(of).filter(|had| had.rule == rule.rule);
        if let Some(other) = others.find(|had| days(had.day, day).abs() < rule.once_in) {
            panic!("{name}: one came on {}, and they come once in {} days", other.day, rule.once_in);
        }
        assert!(of.purchases >= rule.purchases, "{name}: {} purchases", of.purchases);
        for line in &letter.row.draft.lines {
            let name = format!("{name} about {} on {day}", line.key.subject);
            let wanted_on = match &line.key.subject {
                Subject::Event(event) => {
                    let event = &self.business.events[event.as_str()];
                    assert!(rule.concerns(event), "{name}: {} {:?}", event.kind, event.outcome);
                    assert!(!self.is_over(rule, event), "{name}: the customer masters it");
                    rule.wanted_on(event, of)
                }
                Subject::Customer(_) => Date::constant(2026, 12, 28),
                Subject::Receivable(_) | Subject::Payment(_) | Subject::Colleague(_) => {
                    self.thanked_for(rule, line.key.subject.id(), &name)
                }
            };
            self.check_series(rule, &line.key.subject, line.key.repetition, (wanted_on, day), &name);
        }
    }

    /// The first letter comes while it is welcome, each further one at its
    /// distance.
    fn check_series(
        &self,
        rule: &Courtesy,
        subject: &Subject,
        repetition: u32,
        (wanted_on, day): (Date, Date),
        name: &str,
    ) {
        assert!(day >= wanted_on, "{name}: it was planned for {wanted_on}");
        if repetition == 0 {
            let last = after(self.first_day(rule, subject, wanted_on), rule.welcome);
            // A series whose first letter was missed begins later.
            assert!(!rule.again.is_empty() || day <= last, "{name}: nobody wants it after {last}");
            return;
        }
        let index = usize::try_from(repetition).expect("few") - 1;
        let every = rule.again.get(index).unwrap_or_else(|| panic!("{name}: often enough"));
        let before = self.mail.series.get(&(rule.rule.to_owned(), subject.to_string()));
        let before = before.into_iter().flatten().map(|(day, _)| day).max();
        let Some(before) = before else {
            // Its first letter was missed, and so were others: it keeps their days.
            let since_first: i64 = rule.again[..=index].iter().sum();
            return assert!(day >= after(wanted_on, since_first - 10), "{name}: it is too early");
        };
        // A holiday between the plan and the letter does not add up.
        assert!(day >= after(*before, every - 10), "{name}: the last one came on {before}");
    }

    /// The first day from the wanted one on which it may leave.
    pub fn first_day(&self, rule: &Courtesy, subject: &Subject, wanted_on: Date) -> Date {
        let customer = match subject {
            Subject::Event(id) => Some(self.business.events[id.as_str()].customer),
            Subject::Customer(id) => self.business.customers.iter().position(|of| of.id == id.as_str()),
            Subject::Receivable(_) | Subject::Payment(_) => {
                self.claim(subject).map(|(_, item)| item.customer)
            }
            Subject::Colleague(_) => None,
        };
        let country = customer.map(|customer| self.business.customers[customer].country);
        if rule.any_day { wanted_on } else { self.business.days.first(country, wanted_on) }
    }

    /// The day that a thank-you for money counts from.
    fn thanked_for(&self, rule: &Courtesy, id: &str, name: &str) -> Date {
        if rule.rule == "payment-thanks" {
            let item = &self.business.items[id];
            return item.settled().unwrap_or_else(|| panic!("{name}: it is not settled")).0;
        }
        let paid = self
            .business
            .items
            .values()
            .find_map(|item| item.payments.iter().find(|paid| paid.id == id).map(|paid| (item, paid)));
        let (item, paid) = paid.unwrap_or_else(|| panic!("{name}: nobody paid it"));
        assert!(paid.amount > 0 && !item.bounced(paid), "{name}: it went back");
        assert!(item.is_live() && item.balance() > 0, "{name}: nothing is open");
        assert!(self.business.net(item.customer, item.coin()) > 0, "{name}: credits cover the rest");
        paid.on
    }
}
