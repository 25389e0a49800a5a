//! Working days as the shipped calendar files list them, read and counted
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use crate::support::repository;

/// The days off and the worked weekends of one country.
struct Country {
    off: BTreeSet<Date>,
    worked: BTreeSet<Date>,
}

/// Ours is China; customers live in others.
pub struct WorkingDays(BTreeMap<&'static str, Country>);

impl WorkingDays {
    pub fn read() -> Self {
        Self(["cn", "de", "gb", "us"].map(|country| (country, Country::read(country))).into())
    }

    pub fn ours(&self, day: Date) -> bool {
        self.0["cn"].works(day)
    }

    pub fn both(&self, country: Option<&str>, day: Date) -> bool {
        self.ours(day) && country.and_then(|country| self.0.get(country)).is_none_or(|other| other.works(day))
    }

    /// The first day from `day` on that both work.
    pub fn first(&self, country: Option<&str>, day: Date) -> Date {
        let mut day = day;
        while !self.both(country, day) {
            day = after(day, 1);
        }
        day
    }

    /// The `n`th working day of ours after `day`.
    pub fn later(&self, day: Date, n: u32) -> Date {
        let mut day = day;
        for _ in 0..n {
            day = self.first(None, after(day, 1));
        }
        day
    }
}

impl Country {
    fn read(country: &str) -> Self {
        let file = repository(&format!("config/calendars/{country}.yaml"));
        let text = std::fs::read_to_string(file).expect("a shipped calendar");
        let (mut off, mut worked) = (BTreeSet::new(), BTreeSet::new());
        for line in text.lines().filter(|line| line.trim_start().starts_with('-')) {
            let quoted: Vec<Date> = line.split('"').filter_map(|part| part.parse().ok()).collect();
            match quoted[..] {
                [day] if line.contains("from:") => drop(off.insert(day)),
                [day] => drop(worked.insert(day)),
                [from, until] => {
                    let mut day = from;
                    while day <= until {
                        off.insert(day);
                        day = after(day, 1);
                    }
                }
                _ => {}
            }
        }
        Self { off, worked }
    }

    fn works(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.worked.contains(&day) || !(weekend || self.off.contains(&day))
    }
}

/// So many days after `day`, or before it.
pub fn after(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// Days from one date to another.
pub fn days(from: Date, until: Date) -> i64 {
    from.duration_until(until).as_hours() / 24
}
