//! What a statement of account must say, and when it may come.

use std::collections::BTreeSet;

use courtesy::domain::ids::LetterId;
use jiff::civil::Date;

use super::calendar::{after, days};
use super::mailbox::Opened;
use super::model::Item;
use super::money::Amount;
use super::year::{Year, moment};

/// The rule, by its name.
pub const STATEMENT: &str = "monthly-statement";

/// How many days after the first of a month it is still welcome, and the
/// longest run of days off that may follow.
const WELCOME_DAYS: i8 = 10 + 10;

/// What the outbox says of a letter that a person cancelled.
const DROPPED: &str = "the person at the desk";

/// A late one, and the next in time, are at least so far from each other.
const APART_DAYS: i64 = 28 - 20;

impl Year {
    /// Every open claim of the customer stands in it with what is left of it,
    /// and it comes once for a month, soon after it.
    pub fn check_statement(
        &self,
        id: LetterId,
        customer: usize,
        day: Date,
        opened: &Opened,
        amounts: &BTreeSet<Amount>,
        name: &str,
    ) {
        assert!(day.day() <= WELCOME_DAYS, "{name}: on {day} the month is long over");
        let of = &self.business.customers[customer];
        for had in self.had(of).filter(|had| had.rule == STATEMENT && had.customer == customer) {
            assert!(days(had.day, day) >= APART_DAYS, "{name}: letter {} stated it, {id} again", had.letter);
        }
        for (id, item) in self.business.items_of(customer) {
            let barred = item.limitation_on.is_some_and(|last| last < day);
            if item.balance() <= 0 || item.is_credit() || barred {
                continue;
            }
            let left = (item.coin(), item.balance());
            assert!(opened.shows(item.label(id)), "{name}: {id} is open and not stated:\n{}", opened.text);
            assert!(amounts.contains(&left), "{name}: {id} owes {left:?} (I5):\n{}", opened.text);
        }
    }
    /// Whether a customer should have the statement of the month before by
    /// the end of a day: it is still welcome, nothing silences the whole
    /// account, and something was open before the month began.
    pub fn is_owed_a_statement(&self, customer: usize, day: Date) -> bool {
        let of = &self.business.customers[customer];
        let first = day.first_of_month();
        let welcome = self.business.days.first(Some(of.country), first) < day && day < after(first, 10);
        let in_force = self.rules_since < moment(first, 9 * 60);
        // The period that it states, whatever day it is where the customer lives.
        let begins = first.yesterday().expect("a day").first_of_month().to_string();
        let told = self.mail.letters.values().any(|letter| {
            let states = letter.row.draft.lines.iter().any(|line| line.key.round.starts_with(&begins));
            let over = letter.state().counts_as_sent() || letter.row.reason.contains(DROPPED);
            letter.rule() == STATEMENT && letter.is_about(&of.id) && states && over
        });
        if !welcome || !in_force || told {
            return false;
        }
        let silenced = [moment(day, 0), moment(after(day, 1), 0), self.now()].into_iter().any(|at| {
            self.business.deaf(of, at).is_some() || of.pause_of(&of.pauses, "dispute", at).is_some()
        });
        let open = |item: &Item| {
            let barred = item.limitation_on.is_some_and(|last| last <= self.today());
            let old = item.issued_on.is_some_and(|issued| issued < first);
            item.is_live() && !item.is_credit() && item.balance() > 0 && old && !barred
        };
        !silenced && self.business.items_of(customer).any(|(_, item)| open(item))
    }
}
