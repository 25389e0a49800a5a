//! Working days, and the hours in which a letter may leave.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far a search for a working day goes before it gives up; no calendar
/// closes for longer.
const SEARCH_DAYS: usize = 400;

/// Which days are working days in one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Calendar {
    weekend: Vec<Weekday>,
    holidays: BTreeSet<Date>,
    working: BTreeSet<Date>,
    ends_on: Option<Date>,
}

impl Default for Calendar {
    /// Saturday and Sunday off, no holidays, no end.
    fn default() -> Self {
        Self::new(vec![Weekday::Saturday, Weekday::Sunday], BTreeSet::new(), BTreeSet::new(), None)
    }
}

impl Calendar {
    /// `working` are weekend days that are worked (adjusted working days);
    /// `ends_on` is the last day the holidays are known for.
    #[must_use]
    pub fn new(
        weekend: Vec<Weekday>,
        holidays: BTreeSet<Date>,
        working: BTreeSet<Date>,
        ends_on: Option<Date>,
    ) -> Self {
        Self { weekend, holidays, working, ends_on }
    }

    /// The last day the holidays are known for, if the file says so.
    #[must_use]
    pub fn ends_on(&self) -> Option<Date> {
        self.ends_on
    }

    /// Whether the business is open that day.
    #[must_use]
    pub fn is_working_day(&self, day: Date) -> bool {
        self.working.contains(&day)
            || !(self.holidays.contains(&day) || self.weekend.contains(&day.weekday()))
    }

    /// The working day `count` working days from `start`, which itself
    /// counts as none; negative goes back. From a closed day, one working
    /// day on is the next open one.
    #[must_use]
    pub fn add_business_days(&self, start: Date, count: i32) -> Date {
        let step = if count < 0 { -1 } else { 1 };
        let mut day = start;
        let mut left = count.unsigned_abs();
        let mut idle = 0;
        while left > 0 && idle < SEARCH_DAYS {
            day = day.saturating_add(step.days());
            if self.is_working_day(day) {
                left -= 1;
                idle = 0;
            } else {
                idle += 1;
            }
        }
        day
    }
}

/// The business's own calendar, and those of the countries its customers
/// live in, by lower-case country code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Calendars {
    /// Ours.
    pub business: Calendar,
    /// Theirs, where a file exists.
    pub by_country: BTreeMap<String, Calendar>,
}

impl Calendars {
    /// Whether both we and a customer in `country` work that day. A country
    /// without a calendar of its own keeps ours.
    #[must_use]
    pub fn both_work(&self, country: Option<&str>, day: Date) -> bool {
        self.business.is_working_day(day)
            && country
                .and_then(|country| self.by_country.get(country))
                .is_none_or(|theirs| theirs.is_working_day(day))
    }

    /// The first day from `day` on, itself included, on which both work.
    #[must_use]
    pub fn first_shared_day(&self, country: Option<&str>, day: Date) -> Date {
        first_day(day, |day| self.both_work(country, day))
    }
}

/// Which days of the week a letter may leave on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Days {
    /// Working days on our side and on theirs.
    #[default]
    Business,
    /// Monday to Friday.
    Weekdays,
    /// Every day.
    Any,
}

/// The hours in which letters may leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hours {
    /// From this time on.
    pub from: Time,
    /// Until before this time; `None` is the end of the day, `24:00`.
    pub until: Option<Time>,
    /// On which days.
    pub days: Days,
    /// Whose clock: the customer's, or the business's.
    pub of_customer: bool,
}

impl Hours {
    /// The first moment at or after `now` that is within the hours and on a
    /// day that `open` agrees to, in `zone`.
    #[must_use]
    pub fn next_open(&self, now: Timestamp, zone: &TimeZone, open: impl Fn(Date) -> bool) -> Timestamp {
        let local = now.to_zoned_datetime(zone.clone());
        let within = |time: Time| time >= self.from && self.until.is_none_or(|until| time < until);
        let today = local.date();
        if open(today) && within(local.time()) {
            return now;
        }
        let later_today = open(today) && local.time() < self.from;
        let day = if later_today { today } else { first_day(today.saturating_add(1.day()), open) };
        instant_at(day.to_datetime(self.from), zone)
    }
}

/// The instant of a civil moment in a zone. In a gap it is the moment the
/// gap ends at, in an overlap the earlier of the two, so that every civil
/// moment happens once.
#[must_use]
pub fn instant_at(civil: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_zoned_datetime(civil).compatible().map_or_else(
        |_| if civil.year() < 1970 { Timestamp::MIN } else { Timestamp::MAX },
        |zoned| zoned.timestamp(),
    )
}

/// The instant a civil day begins in a zone.
#[must_use]
pub fn day_begins(day: Date, zone: &TimeZone) -> Timestamp {
    instant_at(day.to_datetime(Time::midnight()), zone)
}

fn first_day(start: Date, open: impl Fn(Date) -> bool) -> Date {
    let mut day = start;
    for _ in 0..SEARCH_DAYS {
        if open(day) {
            return day;
        }
        day = day.saturating_add(1.day());
    }
    start
}

/// Whether any day of the year from `start` on is open.
#[must_use]
pub fn has_open_day(start: Date, open: impl Fn(Date) -> bool) -> bool {
    start.series(1.day()).take(SEARCH_DAYS).any(open)
}
