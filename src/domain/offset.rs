//! Distances in time as people write them: `-7d`, `+10min`, `+6mo`, `3bd`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use super::calendar::Calendar;

/// What a distance counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// `min`: minutes, on instants.
    Minutes,
    /// `h`: hours, on instants.
    Hours,
    /// `d`: civil days.
    Days,
    /// `bd`: working days of the business's calendar.
    BusinessDays,
    /// `mo`: months, clamped to the last of a shorter month.
    Months,
    /// `y`: years, 29 February clamped to the 28th.
    Years,
}

impl Unit {
    /// As it is written behind the number.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Minutes => "min",
            Self::Hours => "h",
            Self::Days => "d",
            Self::BusinessDays => "bd",
            Self::Months => "mo",
            Self::Years => "y",
        }
    }
}

/// A signed distance from an anchor, at most 100 years.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offset {
    /// How many, negative before the anchor.
    pub count: i32,
    /// Of what.
    pub unit: Unit,
}

/// Why a text is no distance.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OffsetError {
    /// The number or unit is not one.
    #[error("`{0}` is not a distance; write a number and a unit: min, h, d, bd, mo or y, like -7d or +10min")]
    Malformed(String),
    /// More than a century.
    #[error("`{0}` is more than 100 years")]
    TooFar(String),
}

impl FromStr for Offset {
    type Err = OffsetError;

    fn from_str(text: &str) -> Result<Self, OffsetError> {
        let malformed = || OffsetError::Malformed(text.to_owned());
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        let (number, suffix) = unsigned.split_at(digits);
        if digits == 0 {
            return Err(malformed());
        }
        let (unit, most) = match suffix {
            "min" => (Unit::Minutes, 52_600_000),
            "h" => (Unit::Hours, 876_600),
            "d" => (Unit::Days, 36_525),
            "bd" => (Unit::BusinessDays, 26_000),
            "mo" => (Unit::Months, 1_200),
            "y" => (Unit::Years, 100),
            _ => return Err(malformed()),
        };
        let count: i32 =
            number.parse().ok().filter(|&n| n <= most).ok_or_else(|| OffsetError::TooFar(text.to_owned()))?;
        Ok(Self { count: if text.starts_with('-') { -count } else { count }, unit })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}{}", self.count, self.unit.suffix())
    }
}

impl Offset {
    /// Whole days.
    #[must_use]
    pub const fn days(count: i32) -> Self {
        Self { count, unit: Unit::Days }
    }

    /// Whether it counts instants rather than civil days.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        matches!(self.unit, Unit::Minutes | Unit::Hours)
    }

    /// The civil date this far from `start`. Minutes and hours stay on the
    /// same date. Saturates at the ends of the calendar.
    #[must_use]
    pub fn from_date(&self, start: Date, calendar: &Calendar) -> Date {
        let span = match self.unit {
            Unit::Minutes | Unit::Hours => return start,
            Unit::BusinessDays => return calendar.add_business_days(start, self.count),
            Unit::Days => self.count.days(),
            Unit::Months => self.count.months(),
            Unit::Years => self.count.years(),
        };
        start.saturating_add(span)
    }

    /// The exact span of a distance in minutes or hours, else `None`.
    #[must_use]
    pub fn exact(&self) -> Option<Span> {
        match self.unit {
            Unit::Minutes => Some(i64::from(self.count).minutes()),
            Unit::Hours => Some(i64::from(self.count).hours()),
            Unit::Days | Unit::BusinessDays | Unit::Months | Unit::Years => None,
        }
    }

    /// How long it is, for people: `2 years`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let count = self.count.unsigned_abs();
        let unit = match self.unit {
            Unit::Minutes => "minute",
            Unit::Hours => "hour",
            Unit::Days => "day",
            Unit::BusinessDays => "working day",
            Unit::Months => "month",
            Unit::Years => "year",
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    /// Roughly how many minutes, for putting stages in order and for bounds;
    /// a month counts 30.44 days, a working day 1.4.
    #[must_use]
    pub fn roughly_minutes(&self) -> i64 {
        let per_unit = match self.unit {
            Unit::Minutes => 1,
            Unit::Hours => 60,
            Unit::Days => 1_440,
            Unit::BusinessDays => 2_016,
            Unit::Months => 43_834,
            Unit::Years => 525_960,
        };
        i64::from(self.count) * per_unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_years_end_on_the_last_day_that_there_is() {
        let after = |offset: &str, start: &str| {
            let offset: Offset = offset.parse().expect("a distance");
            offset.from_date(start.parse().expect("a date"), &Calendar::default()).to_string()
        };
        for (offset, start, expected) in [
            ("+1mo", "2026-01-31", "2026-02-28"),
            ("+1mo", "2028-01-31", "2028-02-29"),
            ("-1mo", "2026-03-31", "2026-02-28"),
            ("+13mo", "2026-01-31", "2027-02-28"),
            ("+1y", "2028-02-29", "2029-02-28"),
            ("+4y", "2028-02-29", "2032-02-29"),
            ("+1mo", "2026-02-28", "2026-03-28"),
            ("+100y", "9950-02-28", "9999-12-31"),
        ] {
            assert_eq!(after(offset, start), expected, "{start} {offset}");
        }
    }
}
