//! Why nothing may leave at all, whatever is due: HOLD.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What letters are held for that are more than a usual day brings; their
/// reason begins with it.
pub const UNUSUAL: &str = "unusual volume";

/// How far the clock may go back before it is a matter for a person. What
/// time servers put right is less.
pub const BACK_MAX: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// Why nothing leaves, neither to customers nor to our own people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Halt {
    /// The record beside the store tells of attempts that the store does not
    /// know: it is an older copy, or another one.
    Restored {
        /// How many.
        unknown: u64,
        /// When the first and the last of them began.
        between: Option<(Timestamp, Timestamp)>,
        /// Whether the record reaches back to what the store knows.
        whole: bool,
    },
    /// The store has sent letters, and the record that stood beside it is
    /// gone: nobody knows what was sent since this copy was made.
    Unwitnessed,
    /// A backup was put in the store's place, and what was paid since it was
    /// made is not known.
    Backup {
        /// The latest moment that it knows of.
        seen: Option<Timestamp>,
    },
    /// The clock shows an earlier time than it did.
    ClockBack {
        /// The latest that it showed.
        seen: Timestamp,
    },
    /// Nothing was seen for longer than anybody is away.
    Away {
        /// When there was a sign of life last.
        seen: Timestamp,
    },
    /// The disk is nearly full.
    LowSpace {
        /// The bytes that are free.
        free: u64,
        /// The bytes that must be.
        least: u64,
    },
}

impl Halt {
    /// The name in log and JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Restored { .. } => "restored store",
            Self::Unwitnessed => "record missing",
            Self::Backup { .. } => "restored backup",
            Self::ClockBack { .. } => "clock went back",
            Self::Away { .. } => "clock leapt ahead",
            Self::LowSpace { .. } => "disk nearly full",
        }
    }

    /// Since when nothing has left, asked at `now`: no letter left after what
    /// was seen last, whatever a wrong clock shows.
    #[must_use]
    pub fn since(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::ClockBack { seen } | Self::Away { seen } => *seen,
            Self::Restored { .. } | Self::Unwitnessed | Self::Backup { .. } | Self::LowSpace { .. } => now,
        }
    }

    /// What is wrong, in one sentence, with moments on the business's clock.
    #[must_use]
    pub fn said(&self, zone: &TimeZone, now: Timestamp) -> String {
        let local = |at: &Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string();
        match self {
            Self::Restored { unknown: 1, between: Some((at, _)), .. } => format!(
                "the store is an older copy: it does not know of a letter that was begun at {}",
                local(at)
            ),
            Self::Restored { unknown, between: Some((first, last)), .. } => format!(
                "the store is an older copy: it does not know of {unknown} letters that were begun from {} to {}",
                local(first),
                local(last)
            ),
            Self::Restored { between: None, .. } => {
                "the store is an older copy: it does not know what the record beside it tells of".to_owned()
            }
            Self::Unwitnessed => "the record of sent letters beside the store is gone, as if the store were \
                                  a copy: what was sent since it was made is not known"
                .to_owned(),
            Self::Backup { seen: Some(seen) } => {
                format!("the store is a backup, which knows nothing that happened after {}", local(seen))
            }
            Self::Backup { seen: None } => {
                "the store is a backup, which knows nothing that happened since".to_owned()
            }
            Self::ClockBack { seen } => {
                format!("the clock shows {}, and has shown {} before", local(&now), local(seen))
            }
            Self::Away { seen } => format!(
                "the clock shows {}, {} days after the last sign of life at {}",
                local(&now),
                now.duration_since(*seen).as_hours() / 24,
                local(seen)
            ),
            Self::LowSpace { free, least } => format!(
                "only {} MiB are free on the store's disk, less than the {} MiB of `guards: free_space`",
                free >> 20,
                least >> 20
            ),
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Restored { whole: true, .. } => {
                "`courtesy resume --dry-run` lists them; `courtesy resume` counts them as perhaps sent and goes on"
            }
            Self::Restored { whole: false, .. } | Self::Unwitnessed => {
                "import what happened since, then say until when letters may have been sent: \
                 `courtesy resume --assume-sent-until now`"
            }
            Self::Backup { .. } => "when what happened since is imported, `courtesy resume` goes on",
            Self::ClockBack { .. } => {
                "put the clock right, and it goes on by itself; if it is right, `courtesy resume`"
            }
            Self::Away { .. } => "put the clock right; if it is right, `courtesy resume`",
            Self::LowSpace { .. } => "make room, and it goes on by itself",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_is_wrong_on_the_clock_of_the_business() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let now = at("2026-06-29T04:00:00Z");
        let seen = at("2026-05-01T04:00:00Z");
        for (halt, expected) in [
            (
                Halt::Restored { unknown: 3, between: Some((seen, now)), whole: true },
                "the store is an older copy: it does not know of 3 letters that were begun from 2026-05-01 12:00 \
                 to 2026-06-29 12:00",
            ),
            (
                Halt::ClockBack { seen: at("2027-06-29T04:00:00Z") },
                "the clock shows 2026-06-29 12:00, and has shown 2027-06-29 12:00 before",
            ),
            (
                Halt::Backup { seen: Some(seen) },
                "the store is a backup, which knows nothing that happened after 2026-05-01 12:00",
            ),
            (
                Halt::Away { seen },
                "the clock shows 2026-06-29 12:00, 59 days after the last sign of life at 2026-05-01 12:00",
            ),
            (
                Halt::LowSpace { free: 5 << 20, least: 256 << 20 },
                "only 5 MiB are free on the store's disk, less than the 256 MiB of `guards: free_space`",
            ),
        ] {
            assert_eq!(halt.said(&zone, now), expected);
        }
    }
}
