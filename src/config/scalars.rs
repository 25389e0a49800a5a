//! How single values are written, in both kinds of file.

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use schemars::{Schema, json_schema};

use super::read::{Complaint, Scalar, words};
use crate::domain::address::Address;
use crate::domain::calendar::Days;
use crate::domain::customer::{Class, Person};
use crate::domain::delivery::OnUncertain;
use crate::domain::event::EventOutcome;
use crate::domain::money::Currency;
use crate::domain::offset::Offset;
use crate::domain::receivable::Kind;
use crate::domain::rule::{Backlog, BudgetKind};
use crate::domain::schedule::Schedule;
use crate::domain::settings::{Budget, DueOnClosedDay};
use crate::nearest::did_you_mean;
use crate::relay::Tls;

impl Scalar for String {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.trim().is_empty() {
            return Err(Complaint::new("there is no text here", "write something, or leave the key out"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Complaint::new("a control character in the text", "delete it"));
        }
        Ok(text.trim().to_owned())
    }

    /// Editors hand over unquoted numbers as numbers; they are read as text.
    fn schema() -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl Scalar for PathBuf {
    fn parse(text: &str) -> Result<Self, Complaint> {
        String::parse(text).map(Self::from)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

impl Scalar for bool {
    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => {
                Err(Complaint::new(format!("`{text}` is neither true nor false"), "write `true` or `false`"))
            }
        }
    }

    fn schema() -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl Scalar for u32 {
    fn parse(text: &str) -> Result<Self, Complaint> {
        text.parse().map_err(|_| {
            Complaint::new(format!("`{text}` is not a whole number"), "write digits only, like 4")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}

impl Scalar for u16 {
    fn parse(text: &str) -> Result<Self, Complaint> {
        text.parse().map_err(|_| {
            Complaint::new(format!("`{text}` is not a port"), "write a number up to 65535, like 465")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": u16::MAX })
    }
}

impl Scalar for f64 {
    fn parse(text: &str) -> Result<Self, Complaint> {
        text.parse::<Self>().ok().filter(|number| number.is_finite()).ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a number"), "write a decimal with a point, like 1.5")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "number" })
    }
}

impl Scalar for Offset {
    fn parse(text: &str) -> Result<Self, Complaint> {
        Ok(text.parse::<Self>()?)
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[+-]?[0-9]+(min|h|d|bd|mo|y)$",
            "patternErrorMessage": "write a number and a unit: min, h, d, bd, mo or y, like -7d or +10min",
        })
    }
}

impl Scalar for Schedule {
    fn parse(text: &str) -> Result<Self, Complaint> {
        Ok(text.parse::<Self>()?)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["0 9 * * Mon-Fri"] })
    }
}

impl Scalar for Address {
    fn parse(text: &str) -> Result<Self, Complaint> {
        Self::parse(text)
            .map_err(|error| Complaint::new(format!("`{text}`: {error}"), "write name@example.com"))
    }
}

/// `Name <name@example.com>`, or the address alone, which is then the name.
impl Scalar for Person {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let complain = |error| {
            Complaint::new(
                format!("`{text}`: {error}"),
                "write \"Name <name@example.com>\" or name@example.com",
            )
        };
        let (name, address) = match text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            Some((name, address)) => (name.trim().trim_matches('"').trim(), address),
            None => ("", text),
        };
        let address = Address::parse(address).map_err(complain)?;
        if name.chars().any(char::is_control) {
            return Err(Complaint::new("a control character in the name", "delete it"));
        }
        let name = if name.is_empty() { address.to_string() } else { name.to_owned() };
        Ok(Self { name, address })
    }
}

impl Scalar for TimeZone {
    fn parse(text: &str) -> Result<Self, Complaint> {
        Self::get(text).map_err(|_| {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let hint = did_you_mean(text, known.iter().map(String::as_str)).unwrap_or_else(|| {
                "write a name of the IANA database, like Asia/Shanghai or Europe/Berlin".to_owned()
            });
            Complaint::new(format!("`{text}` is not a time zone"), hint)
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["Asia/Shanghai", "Europe/Berlin"] })
    }
}

impl Scalar for Date {
    fn parse(text: &str) -> Result<Self, Complaint> {
        // jiff would also take a date with a time behind it.
        text.parse::<Self>().ok().filter(|_| text.len() == 10).ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a date"), "write year-month-day, like 2026-10-01")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

impl Scalar for Currency {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let currency: Self = text.parse()?;
        if currency.code() == text {
            return Ok(currency);
        }
        Err(Complaint::new(
            format!("`{text}` is not a currency"),
            format!("write it in capitals: `{}`", currency.code()),
        ))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// A language tag, `zh-CN`.
#[derive(Clone, Debug)]
pub(super) struct Locale(pub String);

impl Scalar for Locale {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let good = (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_lowercase())
            && parts.all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            });
        if good {
            return Ok(Self(text.to_owned()));
        }
        let hint = "write a language tag with a hyphen, like en, zh-CN or pt-BR";
        Err(Complaint::new(format!("`{text}` is not a language"), hint))
    }
}

/// A moment of the day; `None` is its end, `24:00`.
#[derive(Clone, Debug)]
pub(super) struct Clock(pub Option<Time>);

impl Scalar for Clock {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if text == "24:00" {
            return Ok(Self(None));
        }
        let read = || {
            let (hour, minute) = text.split_once(':')?;
            let digits = |part: &str| part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let good = digits(hour) && digits(minute) && minute.len() == 2;
            Time::new(hour.parse().ok().filter(|_| good)?, minute.parse().ok()?, 0, 0).ok()
        };
        read().map(|time| Self(Some(time))).ok_or_else(|| {
            Complaint::new(
                format!("`{text}` is not a time of day"),
                "write hours and minutes, like \"09:00\"",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,2}:[0-9]{2}$" })
    }
}

impl Scalar for Budget {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let read = || {
            let (letters, span) = text.split_once(" per ")?;
            let days = span.trim().strip_suffix('d')?.parse().ok().filter(|days| (1..=366).contains(days))?;
            let letters = letters.trim().parse().ok().filter(|&letters| letters > 0)?;
            Some(Self { letters, days })
        };
        read().ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a budget"), "write letters per days, like `1 per 2d`")
        })
    }

    fn schema() -> Schema {
        let help = "write letters per days, like 1 per 2d";
        json_schema!({ "type": "string", "pattern": "^[0-9]+ per [0-9]+d$", "patternErrorMessage": help })
    }
}

/// Letters per minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(pub u32);

impl Scalar for Rate {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let read = || text.strip_suffix("/min")?.trim().parse().ok().filter(|&rate| rate > 0);
        read().map(Self).ok_or_else(|| {
            Complaint::new(format!("`{text}` is not a rate"), "write letters per minute, like 120/min")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+/min$" })
    }
}

/// How long a command of SMTP may take: a second to an hour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeout(pub Duration);

impl Scalar for Timeout {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let read = || {
            let (number, unit) = match (text.strip_suffix("min"), text.strip_suffix('s')) {
                (Some(number), _) => (number, 60),
                (None, Some(number)) => (number, 1),
                (None, None) => return None,
            };
            let seconds = number.trim().parse::<u64>().ok()?.checked_mul(unit)?;
            (1..=3_600).contains(&seconds).then(|| Duration::from_secs(seconds))
        };
        read().map(Self).ok_or_else(|| {
            let message = format!("`{text}` is not a time limit between a second and an hour");
            Complaint::new(message, "write seconds or minutes, like 30s or 5min")
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(s|min)$" })
    }
}

/// A kind of receivable or of event; which of them is asked depends on what
/// the rule counts from.
#[derive(Clone, Debug)]
pub(super) struct KindWord(pub String);

impl KindWord {
    /// The words of the kinds of receivables that rules are about.
    pub fn of_claims() -> Vec<&'static str> {
        let subjects = Kind::ALL.iter().filter(|kind| **kind != Kind::CreditNote);
        subjects.map(|kind| kind.as_str()).collect()
    }
}

impl Scalar for KindWord {
    fn parse(text: &str) -> Result<Self, Complaint> {
        String::parse(text).map(Self)
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": Self::of_claims() },
            { "type": "string", "minLength": 1 }
        ] })
    }
}

/// How an event went, `None` where nobody has said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome(pub Option<EventOutcome>);

words! { "a class" Class {
    "dunning" => Class::Dunning,
    "courtesy" => Class::Courtesy,
    "marketing" => Class::Marketing,
    "internal" => Class::Internal,
} }

words! { "an outcome" Outcome {
    "positive" => Self(Some(EventOutcome::Positive)),
    "neutral" => Self(Some(EventOutcome::Neutral)),
    "negative" => Self(Some(EventOutcome::Negative)),
    "none" => Self(None),
} }

words! { "a choice of days" Days {
    "business" => Days::Business,
    "weekdays" => Days::Weekdays,
    "any" => Days::Any,
} }

words! { "a choice for the backlog" Backlog {
    "skip" => Backlog::Skip,
    "start" => Backlog::Start,
} }

words! { "a choice for uncertain letters" OnUncertain {
    "park" => OnUncertain::Park,
    "assume_sent" => OnUncertain::AssumeSent,
    "resend_same_id" => OnUncertain::ResendSameId,
} }

words! { "a budget" BudgetKind {
    "customer" => BudgetKind::Customer,
    "moments" => BudgetKind::Moments,
} }

words! { "a choice for closed days" DueOnClosedDay {
    "next" => DueOnClosedDay::Next,
    "same" => DueOnClosedDay::Same,
} }

words! { "a way of encryption" Tls {
    "implicit" => Tls::Implicit,
    "starttls" => Tls::StartTls,
    "none" => Tls::None,
} }

words! { "a weekday" Weekday {
    "mon" => Weekday::Monday,
    "tue" => Weekday::Tuesday,
    "wed" => Weekday::Wednesday,
    "thu" => Weekday::Thursday,
    "fri" => Weekday::Friday,
    "sat" => Weekday::Saturday,
    "sun" => Weekday::Sunday,
} }
