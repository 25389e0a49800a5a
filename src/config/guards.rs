//! What must be so before anything leaves, as it is written and as it is
//! used.

use schemars::{Schema, json_schema};

use super::forms::Spot;
use super::read::{Complaint, Reader, Scalar, shape};
use super::settings::or;
use crate::domain::offset::{Offset, Unit};
use crate::domain::settings::{Guards, Unusual};

/// A clock that lost its battery is off by years, and nobody is away longer.
const AWAY_DAYS_MAX: u32 = 366;

shape! { "`unusual`"
/// A day with more letters than both numbers is held and reported, until a
/// person says `courtesy resume`: it may be half an import or a wrong clock.
#[schemars(rename = "Unusual")]
struct RawUnusual {
    /// So many letters in a day are never unusual; 200 if not said.
    above: Option<Spot<u32>>,
    /// As many times the busiest of the last 45 days; 5 if not said.
    times: Option<Spot<u32>>,
} }

shape! { "`guards`"
/// What must be so before anything leaves.
#[schemars(rename = "Guards")]
struct RawGuards {
    /// Off for longer than this, by the clock, a person is asked whether the
    /// clock is right; 60d if not said.
    away: Option<Spot<Offset>>,
    /// With less free space than this on the disk of `data_dir` nothing is
    /// sent; 256MiB if not said.
    free_space: Option<Spot<Bytes>>,
} }

shape! { "`import`"
/// Guards of `courtesy import`.
#[schemars(rename = "Import")]
struct RawImport {
    /// A file that would close or change more than this share of what is
    /// open is refused unless told; 0.3 if not said.
    share: Option<Spot<f64>>,
} }

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bytes(u64);

impl Scalar for Bytes {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let complain = || {
            Complaint::new(
                format!("`{text}` is not an amount of space"),
                "write a whole number with KiB, MiB or GiB, like 256MiB",
            )
        };
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match text[digits.len()..].trim() {
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(complain()),
        };
        let count: u64 = digits.parse().map_err(|_| complain())?;
        count.checked_mul(unit).map(Self).ok_or_else(complain)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+ ?(KiB|MiB|GiB)$" })
    }
}

/// What must be so before anything leaves.
pub(super) fn guards(raw: Option<&RawGuards>, reader: &mut Reader<'_>) -> Guards {
    let default = Guards::default();
    let away_days = raw.and_then(|raw| raw.away.as_ref()).map(|given| {
        let days = u32::try_from(given.value.count).unwrap_or(0);
        if given.value.unit != Unit::Days || !(1..=AWAY_DAYS_MAX).contains(&days) {
            let message = format!("`away` can't be `{}`", reader.text(&given.at));
            reader.error(&given.at, message, format!("write days, from 1d to {AWAY_DAYS_MAX}d"));
        }
        days
    });
    let free_space = raw.and_then(|raw| raw.free_space.as_ref()).map(|given| given.value.0);
    Guards {
        away_days: away_days.unwrap_or(default.away_days),
        free_space: free_space.unwrap_or(default.free_space),
    }
}

/// How many letters of one rule a day may bring.
pub(super) fn per_rule(given: Option<&Spot<u32>>, reader: &mut Reader<'_>) -> u32 {
    at_least_one(given, "per_rule", "2000 is a good start", reader);
    or(given, 2_000)
}

/// How many letters a day may bring without a person's word.
pub(super) fn unusual(raw: Option<&RawUnusual>, reader: &mut Reader<'_>) -> Unusual {
    let above = raw.and_then(|raw| raw.above.as_ref());
    let times = raw.and_then(|raw| raw.times.as_ref());
    at_least_one(above, "above", "200 is a good start", reader);
    at_least_one(times, "times", "5 is a good start", reader);
    Unusual { above: or(above, 200), times: or(times, 5) }
}

fn at_least_one(given: Option<&Spot<u32>>, key: &str, hint: &str, reader: &mut Reader<'_>) {
    if let Some(given) = given.filter(|given| given.value == 0) {
        reader.error(&given.at, format!("`{key}: 0` would let nothing leave"), hint);
    }
}
