//! When a rule looks: a cron expression on civil time.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime as ChronoTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::calendar::instant_at;

/// A five-field cron expression. It is evaluated on civil time, and the
/// zone's gaps and overlaps are resolved afterwards, so that there is one
/// occurrence a local day across daylight saving.
pub struct Schedule {
    cron: croner::Cron,
    // A pass asks the same of thousands of customers, and a search is many
    // times a look. Locked, because several ask at once; it changes no answer.
    found: Mutex<HashMap<(DateTime, Search), Option<DateTime>>>,
}

/// Which occurrence is looked for, from a whole minute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Search {
    After,
    Before,
    UpTo,
}

/// So many answers are remembered at once.
const FOUND_MAX: usize = 4_096;

impl Clone for Schedule {
    fn clone(&self) -> Self {
        Self::of(self.cron.clone())
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.cron == other.cron
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.cron.as_str()).finish()
    }
}

/// No clock is put back by more than this, so that among so many occurrences
/// one is beyond the hour that happens twice.
const CLOCK_CHANGE_MINUTES: u32 = 181;

/// Why a text is no schedule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields of cron.
    #[error(
        "`{text}` is not a schedule ({cause}); write five fields: minute hour day month weekday, like \"0 9 * * Mon-Fri\""
    )]
    Malformed {
        /// As it was written.
        text: String,
        /// What the parser found wrong.
        cause: String,
    },
    /// It parses, but no such day exists.
    #[error("`{0}` never comes: no such day exists")]
    Never(String),
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let malformed = |cause: String| ScheduleError::Malformed { text: text.to_owned(), cause };
        let fields = text.split_whitespace().count();
        if fields != 5 {
            return Err(malformed(format!("{fields} fields")));
        }
        let cron = croner::Cron::from_str(text).map_err(|error| malformed(error.to_string()))?;
        let start = to_chrono(DateTime::constant(2024, 1, 1, 0, 0, 0, 0));
        start
            .and_then(|start| cron.find_next_occurrence(&start, true).ok())
            .map(|_| Self::of(cron))
            .ok_or_else(|| ScheduleError::Never(text.to_owned()))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cron.as_str())
    }
}

impl Schedule {
    /// The civil days on which it comes, in the four years from 2024 on: a
    /// leap year is among them.
    #[must_use]
    pub fn days(&self) -> BTreeSet<Date> {
        let pattern = &self.cron.pattern;
        let comes = |day: &Date| {
            let (year, month) = (i32::from(day.year()), day.month().unsigned_abs().into());
            pattern.month_match(month).unwrap_or_default()
                && pattern.day_match(year, month, day.day().unsigned_abs().into()).unwrap_or_default()
        };
        // Asking the pattern costs a tenth of looking for one after the other.
        let first = Date::constant(2024, 1, 1);
        first.series(1.day()).take_while(|day| day.year() < 2028).filter(comes).collect()
    }

    /// The first time of the day at which it comes.
    #[must_use]
    pub fn earliest(&self) -> Option<Time> {
        self.next_civil(DateTime::constant(2024, 1, 1, 0, 0, 0, 0)).map(DateTime::time)
    }

    /// The first occurrence at or after a civil moment.
    fn next_civil(&self, from: DateTime) -> Option<DateTime> {
        self.cron.find_next_occurrence(&to_chrono(from)?, true).ok().and_then(from_chrono)
    }

    fn of(cron: croner::Cron) -> Self {
        Self { cron, found: Mutex::default() }
    }

    /// The first occurrence strictly after `now`.
    #[must_use]
    pub fn next_after(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut civil = whole_minute(now, zone)?;
        // A civil time inside a gap or an overlap can map to an instant at or
        // before `now`; the occurrence after it is the one to come.
        for _ in 0..CLOCK_CHANGE_MINUTES {
            civil = self.occurrence(civil, Search::After)?;
            let instant = instant_at(civil, zone);
            if instant > now {
                return Some(instant);
            }
        }
        None
    }

    /// The last occurrence at or before `now`.
    #[must_use]
    pub fn last_until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut civil = whole_minute(now, zone)?;
        let mut search = Search::UpTo;
        for _ in 0..CLOCK_CHANGE_MINUTES {
            civil = self.occurrence(civil, search)?;
            search = Search::Before;
            let instant = instant_at(civil, zone);
            if instant <= now {
                return Some(instant);
            }
        }
        None
    }

    fn occurrence(&self, from: DateTime, search: Search) -> Option<DateTime> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found.get(&(from, search)) {
            return *known;
        }
        let start = to_chrono(from)?;
        let sought = match search {
            Search::After => self.cron.find_next_occurrence(&start, false),
            Search::Before => self.cron.find_previous_occurrence(&start, false),
            Search::UpTo => self.cron.find_previous_occurrence(&start, true),
        };
        let answer = sought.ok().and_then(from_chrono);
        if found.len() >= FOUND_MAX {
            found.clear();
        }
        found.insert((from, search), answer);
        answer
    }
}

/// The civil time without its seconds: occurrences are whole minutes, so that
/// those after, or up to, any second of one are the same.
fn whole_minute(at: Timestamp, zone: &TimeZone) -> Option<DateTime> {
    let civil = at.to_zoned_datetime(zone.clone()).datetime();
    civil.with().second(0).subsec_nanosecond(0).build().ok()
}

/// The scheduler's cron crate speaks chrono; civil time passes through it
/// under the name of UTC.
fn to_chrono(civil: DateTime) -> Option<ChronoTime<Utc>> {
    let date = NaiveDate::from_ymd_opt(
        i32::from(civil.year()),
        civil.month().unsigned_abs().into(),
        civil.day().unsigned_abs().into(),
    )?;
    let time = date.and_hms_opt(
        civil.hour().unsigned_abs().into(),
        civil.minute().unsigned_abs().into(),
        civil.second().unsigned_abs().into(),
    )?;
    Some(time.and_utc())
}

fn from_chrono(time: ChronoTime<Utc>) -> Option<DateTime> {
    DateTime::new(
        i16::try_from(time.year()).ok()?,
        i8::try_from(time.month()).ok()?,
        i8::try_from(time.day()).ok()?,
        i8::try_from(time.hour()).ok()?,
        i8::try_from(time.minute()).ok()?,
        i8::try_from(time.second()).ok()?,
        0,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone")
    }

    fn runs(expression: &str, zone_name: &str, from: &str, count: usize) -> Vec<String> {
        let schedule: Schedule = expression.parse().expect("a schedule");
        let zone = zone(zone_name);
        let mut now: Timestamp = from.parse().expect("an instant");
        let mut found = Vec::new();
        for _ in 0..count {
            now = schedule.next_after(now, &zone).expect("another run");
            assert_eq!(schedule.last_until(now, &zone), Some(now), "it is its own last run");
            found.push(now.to_zoned_datetime(zone.clone()).strftime("%a %F %R %z").to_string());
        }
        found
    }

    #[test]
    fn a_schedule_comes_once_a_local_day_across_gap_and_overlap() {
        // 29 March 2026, 02:00 to 03:00 does not exist in Berlin.
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["Sat 2026-03-28 02:30 +0100", "Sun 2026-03-29 03:30 +0200", "Mon 2026-03-30 02:30 +0200"]
        );
        // 25 October 2026, 02:00 to 03:00 happens twice.
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["Sun 2026-10-25 02:30 +0200", "Mon 2026-10-26 02:30 +0100"]
        );
        // Midnight does not exist in Beirut on 29 March 2026.
        assert_eq!(
            runs("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", 2),
            ["Sun 2026-03-29 01:00 +0300", "Mon 2026-03-30 00:00 +0300"]
        );
    }

    #[test]
    fn its_days_and_its_first_hour_are_known() {
        let days = |text: &str| text.parse::<Schedule>().expect("a schedule").days();
        assert_eq!(days("0 9 * * *").len(), 1461);
        assert_eq!(days("*/5 * 29 2 *").into_iter().collect::<Vec<_>>(), [jiff::civil::date(2024, 2, 29)]);
        assert_eq!(days("0 9 1 * *").len(), 48);
        // As they are found one after the other.
        for text in ["0 9 * * Mon-Fri", "0 9 1,15 * Mon", "30 8 L 2-4 *", "0 9 * * 5#2", "0 9 15W * *"] {
            let schedule: Schedule = text.parse().expect("a schedule");
            let mut from = DateTime::constant(2024, 1, 1, 0, 0, 0, 0);
            let mut found = BTreeSet::new();
            while let Some(next) = schedule.next_civil(from).filter(|next| next.year() < 2028) {
                found.insert(next.date());
                from = next.date().saturating_add(1.day()).to_datetime(Time::midnight());
            }
            assert_eq!(schedule.days(), found, "{text}");
        }
        let earliest = |text: &str| text.parse::<Schedule>().expect("a schedule").earliest();
        assert_eq!(earliest("30 8,17 * * Mon"), Some(Time::constant(8, 30, 0, 0)));
    }

    #[test]
    fn weekdays_skip_the_weekend() {
        assert_eq!(
            runs("0 9 * * Mon-Fri", "Asia/Shanghai", "2026-11-20T02:00:00Z", 2),
            ["Mon 2026-11-23 09:00 +0800", "Tue 2026-11-24 09:00 +0800"]
        );
    }

    #[test]
    fn what_never_comes_or_is_no_cron_is_refused() {
        for text in ["0 9 31 2 *", "0 9 * *", "0 0 9 * * *", "61 9 * * *", "often", ""] {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
