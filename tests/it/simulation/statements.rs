//! What a statement of account must say, and when it may come.

use std::collections::BTreeSet;

use courtesy::domain::ids::LetterId;
use jiff::civil::Date;

use super::calendar::days;
use super::mailbox::Opened;
use super::money::Amount;
use super::year::Year;

/// The rule, by its name.
pub const STATEMENT: &str = "monthly-statement";

/// How many days after the first of a month it is still welcome, and the
/// longest run of days off that may follow.
const WELCOME_DAYS: i8 = 10 + 10;

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
}
