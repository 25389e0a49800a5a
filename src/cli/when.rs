//! A moment as a person writes it: where the business is, or with an offset.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::domain::calendar::instant_at;
use crate::domain::settings::Settings;

/// A day, a time of day, or an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// A day alone.
    Day(Date),
    /// A time where the business is.
    Civil(DateTime),
    /// A time with its offset.
    Instant(Timestamp),
}

impl When {
    /// The moment at which something happened; a day alone is its noon, so
    /// that no zone makes it another day.
    #[must_use]
    pub fn moment(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Day(day) => instant_at(day.at(12, 0, 0, 0), zone),
            Self::Civil(civil) => instant_at(civil, zone),
            Self::Instant(instant) => instant,
        }
    }

    /// The moment that is asked about; a day alone is its opening of hours.
    #[must_use]
    pub fn asked(self, settings: &Settings) -> Timestamp {
        let zone = &settings.business.zone;
        match self {
            Self::Day(day) => instant_at(day.to_datetime(settings.letters.hours.from), zone),
            Self::Civil(_) | Self::Instant(_) => self.moment(zone),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
            return Ok(Self::Day(day));
        }
        text.replacen(' ', "T", 1)
            .parse()
            .map(Self::Civil)
            .map_err(|_| "write 2026-03-02, 2026-03-02T14:30 or 2026-03-02T14:30+08:00".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_where_the_business_is() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        for (text, expected) in [
            ("2026-03-02", "2026-03-02T04:00:00Z"),
            ("2026-03-02T14:30", "2026-03-02T06:30:00Z"),
            ("2026-03-02 14:30", "2026-03-02T06:30:00Z"),
            ("2026-03-02T14:30+01:00", "2026-03-02T13:30:00Z"),
            ("2026-03-02T14:30:00Z", "2026-03-02T14:30:00Z"),
        ] {
            let read: When = text.parse().expect(text);
            assert_eq!(read.moment(&zone).to_string(), expected, "{text}");
        }
        assert!("yesterday".parse::<When>().is_err());
        assert!("02.03.2026".parse::<When>().is_err());
    }
}
