//! How long what is no longer needed is kept, as it is written and as it is
//! used.

use super::forms::Spot;
use super::read::{Reader, shape};
use crate::domain::offset::{Offset, Unit};

/// A bounce comes within days, an answer within weeks, and then somebody
/// looks at what was sent.
const BODIES_MIN: Offset = Offset::days(30);

shape! { "`retention`"
/// How long what is no longer needed is kept.
#[schemars(rename = "Retention")]
struct RawRetention {
    /// The text of a letter is removed so long after it was sent, or was over
    /// without: `7y`, `18mo`, 30d at least; never if not said, or null. That
    /// it was sent, to whom, when, about what and what came of it is kept, and
    /// so is the text of a letter that waits or is uncertain, and of a
    /// reminder as long as something that it is about is owed.
    bodies: Option<Spot<Offset>>,
} }

/// How long texts are kept; `None` is for good.
pub(super) fn bodies(raw: Option<&RawRetention>, reader: &mut Reader<'_>) -> Option<Offset> {
    let given = raw.and_then(|raw| raw.bodies.as_ref())?;
    let kept = given.value;
    let counts = matches!(kept.unit, Unit::Days | Unit::Months | Unit::Years);
    if !counts || kept.roughly_minutes() < BODIES_MIN.roughly_minutes() {
        let message = format!("`bodies` can't be `{}`", reader.text(&given.at));
        let hint =
            "write 30d or more, like 90d, 18mo or 7y: answers and bounces come within weeks; null keeps them";
        reader.error(&given.at, message, hint);
    }
    Some(kept)
}
