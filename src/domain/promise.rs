//! Promises to pay: what was promised, and how it went.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::money::Money;
use super::receivable::{Pause, PauseCause, Payment};

/// What a customer said about one claim: so much by that day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    /// The day it was made.
    pub made_on: Date,
    /// The day it names.
    pub promised_on: Date,
    /// The last day on which the money may arrive, the grace included.
    pub until: Date,
    /// How much.
    pub amount: Money,
    /// Whether it was within the limits of `promises` when it was made. One
    /// that was not is known, but pauses nothing.
    pub binding: bool,
    /// Its last day, where a newer promise or a person ended it before.
    pub ended_on: Option<Date>,
}

/// How a promise stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Its time has not run out.
    Pending,
    /// The money came, on this day.
    Kept(Date),
    /// Its time ran out without the money.
    Broken,
    /// A newer promise took its place, or a person ended it.
    Ended,
    /// It was beyond the limits from the start.
    Beyond,
}

impl Promise {
    /// How it stands on a day, given the payments of its claim, in order of
    /// their dates: kept if those since it was made reach the amount in time,
    /// and none of that went back in time.
    #[must_use]
    pub fn standing(&self, payments: &[Payment], today: Date) -> Standing {
        if !self.binding {
            return Standing::Beyond;
        }
        if let Some(day) = self.kept_on(payments) {
            return Standing::Kept(day);
        }
        match self.ended_on {
            Some(last) if last < today => Standing::Ended,
            _ if self.until < today => Standing::Broken,
            _ => Standing::Pending,
        }
    }

    fn kept_on(&self, payments: &[Payment]) -> Option<Date> {
        let last = self.ended_on.map_or(self.until, |ended| ended.min(self.until));
        let mut sum = Decimal::ZERO;
        let mut kept = None;
        for payment in payments.iter().filter(|p| self.made_on <= p.received_on && p.received_on <= last) {
            sum += payment.amount.amount;
            kept = if sum < self.amount.amount { None } else { kept.or(Some(payment.received_on)) };
        }
        kept
    }

    /// The days on which it stops the ladder; none if it never did.
    #[must_use]
    pub fn pause(&self, payments: &[Payment]) -> Option<Pause> {
        let kept = self.kept_on(payments);
        let until = [kept, self.ended_on].into_iter().flatten().fold(self.until, Date::min);
        (self.binding && until >= self.made_on).then(|| Pause {
            cause: PauseCause::Promise,
            from: self.made_on,
            until: Some(until),
            reason: String::new(),
        })
    }

    /// The first day on which it is broken, if the money does not come.
    #[must_use]
    pub fn breaks_on(&self) -> Date {
        self.until.saturating_add(1.day())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn cny(amount: &str) -> Money {
        Money::parse(amount, "CNY".parse().expect("a currency")).expect("an amount")
    }

    fn paid(amount: &str, on: &str) -> Payment {
        Payment { id: on.into(), amount: cny(amount), received_on: date(on) }
    }

    fn promise() -> Promise {
        Promise {
            made_on: date("2026-03-02"),
            promised_on: date("2026-03-10"),
            until: date("2026-03-12"),
            amount: cny("1000"),
            binding: true,
            ended_on: None,
        }
    }

    #[test]
    fn a_promise_is_kept_by_what_came_since_it_was_made_and_in_time() {
        let (day, kept) = ("2026-03-13", |on| Standing::Kept(date(on)));
        for (payments, expected) in [
            (vec![], Standing::Broken),
            (vec![paid("1000", "2026-03-01")], Standing::Broken),
            (vec![paid("1000", "2026-03-02")], kept("2026-03-02")),
            (vec![paid("999.99", "2026-03-12")], Standing::Broken),
            (vec![paid("400", "2026-03-05"), paid("600", "2026-03-12")], kept("2026-03-12")),
            (vec![paid("400", "2026-03-05"), paid("600", "2026-03-13")], Standing::Broken),
            (vec![paid("1000", "2026-03-05"), paid("-1000", "2026-03-08")], Standing::Broken),
            (vec![paid("1000", "2026-03-05"), paid("-1000", "2026-03-13")], kept("2026-03-05")),
        ] {
            assert_eq!(promise().standing(&payments, date(day)), expected, "{payments:?}");
        }
        assert_eq!(promise().standing(&[], date("2026-03-12")), Standing::Pending);
    }

    #[test]
    fn a_promise_that_another_replaced_or_that_was_beyond_the_limits_is_never_broken() {
        let replaced = Promise { ended_on: Some(date("2026-03-04")), ..promise() };
        assert_eq!(replaced.standing(&[], date("2026-03-20")), Standing::Ended);
        let beyond = Promise { binding: false, ..promise() };
        assert_eq!(beyond.standing(&[], date("2026-03-20")), Standing::Beyond);
        assert_eq!(beyond.pause(&[]), None);
    }

    #[test]
    fn a_promise_pauses_until_it_is_kept_ended_or_over() {
        let last = |promise: Promise, payments: &[Payment]| promise.pause(payments).and_then(|p| p.until);
        assert_eq!(last(promise(), &[]), Some(date("2026-03-12")));
        assert_eq!(last(promise(), &[paid("1000", "2026-03-05")]), Some(date("2026-03-05")));
        let replaced = Promise { ended_on: Some(date("2026-03-04")), ..promise() };
        assert_eq!(last(replaced, &[]), Some(date("2026-03-04")));
        let same_day = Promise { ended_on: Some(date("2026-03-01")), ..promise() };
        assert_eq!(last(same_day, &[]), None);
    }
}
