//! Making a letter ready: the decision asked again, then the bytes.

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::Office;
use super::poison::contained;
use crate::domain::facts::Facts;
use crate::domain::figures::Peers;
use crate::domain::notice::Draft;
use crate::domain::plan::{self, Recheck};
use crate::domain::rule::Rules;
use crate::letter::{ComposeError, Occasion, mime};
use crate::store::{Made, OutboxLetter, SetAside};

/// A letter that is made and may go.
pub(super) struct Ready {
    pub(super) row: OutboxLetter,
    pub(super) facts: Arc<Facts>,
    pub(super) draft: Draft,
    pub(super) made: Made,
}

/// The civil day on which it leaves: where the customer lives, or where we
/// are.
pub(super) fn leaves_on(office: &Office, ready: &Ready, now: Timestamp) -> jiff::civil::Date {
    let customer = ready.draft.customer.as_ref().and_then(|id| ready.facts.customer(id));
    let zone = customer.map_or(&office.settings.business.zone, |facts| &facts.customer.zone);
    now.to_zoned_datetime(zone.clone()).date()
}

/// Asks the pure decision again and makes the letter; or what becomes of it
/// instead, and why.
pub(super) fn decide(
    office: &Office,
    rules: &Rules,
    row: &OutboxLetter,
    facts: &Facts,
    peers: Option<Peers>,
    now: Timestamp,
) -> Result<(Draft, Made), (SetAside, String)> {
    // One customer's letter must not stop the others', whatever is in it.
    contained(|| decide_and_make(office, rules, row, facts, peers, now)).unwrap_or_else(|_| {
        Err((SetAside::Hold, "making the letter panicked; please report this".to_owned()))
    })
}

fn decide_and_make(
    office: &Office,
    rules: &Rules,
    row: &OutboxLetter,
    facts: &Facts,
    peers: Option<Peers>,
    now: Timestamp,
) -> Result<(Draft, Made), (SetAside, String)> {
    let settings = &office.settings;
    let draft = match plan::recheck(rules, settings, facts, row.id, &row.draft, now) {
        // When it was to leave is history now, and no change.
        Recheck::Due(draft) => Draft { not_before: row.draft.not_before, ..*draft },
        Recheck::Later { until, why } => return Err((SetAside::Later(until), why)),
        // What may have arrived stays said, due or not.
        Recheck::Cancel { why } if row.maybe_sent => return Err((SetAside::Park, why)),
        Recheck::Cancel { why } => return Err((SetAside::Cancel, why)),
    };
    if draft.approve && !row.approved {
        return Err((SetAside::Hold, "awaiting approval".to_owned()));
    }
    match make(office, row, &draft, (facts, peers), now) {
        Ok(made) if row.maybe_sent && row.made.as_ref() != Some(&made) => {
            let why = "it may have arrived at an earlier attempt, and would say something else now";
            Err((SetAside::Park, why.to_owned()))
        }
        Ok(made) => Ok((draft, made)),
        Err(error) => Err((SetAside::Hold, error.to_string())),
    }
}

/// The same bytes as before where the letter would show the same; otherwise
/// it is made anew, with a Message-ID of its own. Every earlier attempt is
/// known not to have been accepted, or the letter would not be tried again.
fn make(
    office: &Office,
    row: &OutboxLetter,
    draft: &Draft,
    (facts, peers): (&Facts, Option<Peers>),
    now: Timestamp,
) -> Result<Made, ComposeError> {
    let occasion = Occasion { draft, facts, settings: &office.settings, mail: &office.mail, peers, now };
    let content = office.composer.compose(&occasion)?;
    if let Some(made) = row.made.as_ref().filter(|made| made.fingerprint == content.fingerprint) {
        return Ok(made.clone());
    }
    let message_id = message_id(draft, &content.fingerprint, office.mail.from.address.domain());
    let parcel = mime::build(&content, &office.mail, &message_id, now)?;
    Ok(Made { locale: content.locale, subject: content.subject, fingerprint: content.fingerprint, parcel })
}

/// From the notice keys and the rendering, so that the same letter has the
/// same id wherever it is made.
fn message_id(draft: &Draft, fingerprint: &str, domain: &str) -> String {
    let mut hash = Sha256::new();
    for line in &draft.lines {
        hash.update(line.key.to_string().as_bytes());
        hash.update([0]);
    }
    hash.update(fingerprint.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    format!("{:032x}@{domain}", u128::from_be_bytes(half))
}
