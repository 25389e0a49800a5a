//! The log: one line per letter that a person can read and a machine can
//! search. No bodies, no secrets; addresses are masked unless configured.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tracing::{debug, error, field, info, warn};

use super::PassReport;
use super::ready::Ready;
use crate::domain::address::masked_in;
use crate::domain::customer::Class;
use crate::domain::delivery::{LeftOut, Transition, Unreachable};
use crate::domain::digest::Finding;
use crate::domain::facts::Facts;
use crate::domain::halt::Halt;
use crate::domain::ids::LetterId;
use crate::domain::notice::{Draft, LetterState, Line, Subject};
use crate::domain::plan::Verdict;
use crate::domain::rule::Rules;
use crate::domain::stop::{Decision, Stop};
use crate::store::{Deed, News, OutboxLetter, SetAside, StoreError};

/// What an attempt came to.
pub fn outcome(mask: bool, ready: &Ready, attempt: u32, transition: &Transition, left_out: &[LeftOut]) {
    let parcel = &ready.made.parcel;
    let to = if mask { parcel.to.masked() } else { parcel.to.to_string() };
    let draft = &ready.draft;
    let letter = ready.row.id;
    let (rule, stage, customer) = (draft.rule.as_str(), draft.stage.as_str(), whose(mask, draft));
    let customer = customer.as_ref();
    let (about, reason, message_id) =
        (about(mask, draft), shown(mask, &transition.reason), parcel.message_id.as_str());
    let reason = reason.as_ref();
    match transition.state {
        LetterState::Sent => {
            info!(%letter, rule, stage, customer, about, to, attempt, reply = reason, message_id, "sent");
        }
        LetterState::Uncertain => {
            error!(%letter, rule, stage, customer, about, to, attempt, reason, message_id, "uncertain");
        }
        LetterState::Assumed => {
            warn!(%letter, rule, stage, customer, about, to, attempt, reason, message_id, "assumed to be sent");
        }
        LetterState::Retry => {
            let again = transition.next_attempt_at.map(|at| at.to_string()).unwrap_or_default();
            warn!(%letter, rule, stage, customer, about, to, attempt, reason, again, "not sent, to be tried again");
        }
        LetterState::Rejected
        | LetterState::Bounced
        | LetterState::Held
        | LetterState::Expired
        | LetterState::Cancelled
        | LetterState::Queued
        | LetterState::Sending => {
            let now = transition.state.as_str();
            error!(%letter, rule, stage, customer, about, to, attempt, reason, state = now, "not sent");
        }
    }
    for copy in left_out {
        let to = if mask { copy.address.masked() } else { copy.address.to_string() };
        let reply = shown(mask, &copy.reply.to_string()).into_owned();
        warn!(%letter, rule, stage, customer, to, reply, "copy not sent");
    }
}

/// A letter whose attempt ended with the process.
pub fn recovered(mask: bool, row: &OutboxLetter) {
    let draft = &row.draft;
    let letter = row.id;
    let (rule, stage, customer) = (draft.rule.as_str(), draft.stage.as_str(), whose(mask, draft));
    let customer = customer.as_ref();
    let (about, reason) = (about(mask, draft), row.reason.as_str());
    let message_id = message_id(row);
    match row.state {
        LetterState::Assumed => {
            warn!(%letter, rule, stage, customer, about, reason, message_id, "assumed to be sent");
        }
        LetterState::Retry => {
            let again = row.next_attempt_at;
            warn!(%letter, rule, stage, customer, about, reason, %again, message_id, "uncertain, to be tried again");
        }
        LetterState::Uncertain
        | LetterState::Queued
        | LetterState::Sending
        | LetterState::Sent
        | LetterState::Bounced
        | LetterState::Rejected
        | LetterState::Cancelled
        | LetterState::Expired
        | LetterState::Held => {
            error!(%letter, rule, stage, customer, about, reason, message_id, "uncertain");
        }
    }
}

/// A letter that was not attempted.
pub fn set_aside(mask: bool, row: &OutboxLetter, what: &SetAside, why: &str) {
    let why = shown(mask, why);
    let why = why.as_ref();
    let draft = &row.draft;
    let letter = row.id;
    let (rule, stage, customer) = (draft.rule.as_str(), draft.stage.as_str(), whose(mask, draft));
    let customer = customer.as_ref();
    let about = about(mask, draft);
    match what {
        SetAside::Later(until) => {
            debug!(%letter, rule, stage, customer, about, reason = why, %until, "not sent yet");
        }
        SetAside::Cancel => {
            info!(%letter, rule, stage, customer, about, reason = why, state = "cancelled", "not sent");
        }
        SetAside::Park => {
            error!(%letter, rule, stage, customer, about, reason = why, message_id = message_id(row), "uncertain");
        }
        SetAside::Hold => {
            warn!(%letter, rule, stage, customer, about, reason = why, state = "held", "not sent");
        }
    }
}

/// Why one candidate is not written to. What a person should know of, because
/// a letter would be due but for it, is told aloud.
pub fn verdict(mask: bool, verdict: &Verdict, rules: &Rules) {
    let why = match &verdict.decision {
        Decision::Due => return,
        Decision::Waiting { why, .. } | Decision::Skipped { why } => why,
    };
    let (rule, customer) = (verdict.rule.as_str(), verdict.customer.as_str());
    let stage = verdict.stage.as_ref().map_or("", |stage| stage.as_str());
    let dunning = rules.get(&verdict.rule).is_some_and(|rule| rule.class == Class::Dunning);
    // A letter that is not even reached is missed by nobody.
    let reached = match &verdict.decision {
        Decision::Skipped { .. } => verdict.stage.is_some(),
        Decision::Waiting { why, .. } => matches!(why, Stop::OnHold(_) | Stop::Promised(_)),
        Decision::Due => false,
    };
    let aloud = dunning
        && reached
        && matches!(
            why,
            Stop::Blocked
                | Stop::Forgotten
                | Stop::NoAddress(_)
                | Stop::Suppressed(_)
                | Stop::NoRecipient(_)
                | Stop::Disputed
                | Stop::OnHold(_)
                | Stop::Promised(_)
                | Stop::CoveredByCredit(_)
                | Stop::TimeBarred(_)
        );
    let reason = || shown(mask, &why.to_string()).into_owned();
    if aloud {
        let (about, reason) = (verdict.subject.to_string(), reason());
        info!(rule, stage, customer, about, reason, "not sent");
    } else {
        debug!(rule, stage, customer, about = %verdict.subject, reason = reason(), "not due");
    }
}

/// A moment that was missed, told once: what else is found stops a letter
/// that is due, and is told whenever it does.
pub fn found(finding: &Finding) {
    if finding.what == Stop::Stale.name() {
        let (rule, customer) = (finding.rule.as_str(), finding.customer.as_str());
        let (about, reason) = (finding.subject.to_string(), finding.detail.as_str());
        info!(rule, stage = "", customer, about, reason, "not sent");
    }
}

/// Letters that went to our own people alone, and may go to their customers.
pub fn trial_ended(letters: &[LetterId]) {
    for letter in letters {
        info!(%letter, state = "cancelled", "went to our own address alone: it counts as not sent");
    }
}

/// A letter that was queued, and waits for a person.
pub fn awaits_approval(mask: bool, row: &OutboxLetter) {
    let draft = &row.draft;
    let (rule, stage, customer) = (draft.rule.as_str(), draft.stage.as_str(), whose(mask, draft));
    let customer = customer.as_ref();
    let about = about(mask, draft);
    warn!(
        letter = %row.id,
        rule,
        stage,
        customer,
        about,
        reason = row.reason,
        state = "held",
        "waits for `courtesy outbox release`"
    );
}

/// What a pass found, where it found anything.
pub fn pass(report: &PassReport) {
    let (relationships, queued, capped) = (report.relationships, report.queued, report.capped);
    if report.left_alone > 0 {
        info!(
            candidates = report.left_alone,
            "left alone: reached before the rule was first seen; `courtesy backlog list` shows it"
        );
    }
    if let Some(candidates) = report.skipped.get(Stop::DataTooOld.name()) {
        warn!(candidates, "reminders wait: payments were last read longer ago than max_data_age allows");
    }
    for (rule, left) in &report.capped_rules {
        warn!(%rule, left, "more letters are due than letters.per_rule; the rest follows tomorrow");
    }
    if capped > 0 {
        warn!(queued, left = capped, "more letters are due than letters.per_pass; the rest follows");
    } else if queued > 0 {
        info!(relationships, queued, "pass");
    } else {
        debug!(relationships, queued, "pass");
    }
}

/// More letters than usual.
pub fn unusual(letters: u64, why: &str) {
    error!(
        letters,
        reason = why,
        state = "held",
        "far more letters are due than usual; look at `courtesy outbox list --state held`, and let them go \
         with `courtesy resume`"
    );
}

/// A fault of this program in planning for one relationship.
pub fn faulty(facts: &Facts) {
    let customers: Vec<&str> = facts.customers.iter().map(|of| of.customer.id.as_str()).collect();
    error!(
        customers = customers.join(","),
        "planning panicked, nothing is written to them; please report this"
    );
}

/// Nothing leaves.
pub fn halted(halt: &Halt, zone: &TimeZone, now: Timestamp) {
    error!(cause = halt.name(), "HOLD: nothing leaves: {}; {}", halt.said(zone, now), halt.advice());
}

/// Letters leave again.
pub fn goes_on() {
    info!("the HOLD is over");
}

/// A letter whose attempt could not be begun, and can't be undone yet.
pub fn unbegun(letter: LetterId, cause: &StoreError) {
    error!(%letter, %cause, "an attempt can't be begun; nothing was handed over, and nothing else is sent meanwhile");
}

/// A letter that nobody is sending any more.
pub fn lost(letter: LetterId) {
    error!(%letter, "uncertain: sending it ended badly; see `courtesy outbox show`");
}

/// An outcome that could not be written when this ended.
pub fn given_up(letter: LetterId, transition: &Transition) {
    let (state, reason) = (transition.state.as_str(), transition.reason.as_str());
    error!(%letter, state, reason, "told to stop, and this outcome is not recorded: the letter will be uncertain");
}

/// An outcome that can't be written.
pub fn unrecorded(ready: &Ready, transition: &Transition, cause: &StoreError) {
    error!(
        letter = %ready.row.id,
        state = transition.state.as_str(),
        %cause,
        "the outcome can't be recorded; trying again, and nothing else is sent meanwhile"
    );
}

/// The relay can't be reached.
pub fn relay_down(mask: bool, why: &Unreachable, wait: SignedDuration) {
    let wait_s = wait.as_secs();
    let reason = shown(mask, &why.to_string()).into_owned();
    if why.needs_person {
        error!(reason, wait_s, "the relay is paused; a person must act. No letter is lost");
    } else {
        warn!(reason, wait_s, "the relay can't be reached; letters wait");
    }
}

/// The relay takes letters again.
pub fn relay_back() {
    info!("the relay takes letters again");
}

/// Letters that lost their text.
pub fn tidied(letters: u64) {
    info!(letters, "the text of old letters was removed");
}

/// What others than the daemon did.
pub fn news(mask: bool, news: &News) {
    let (letter, about, at) = (news.letter.map(field::display), news.about.as_str(), news.at);
    let about = Some(about).filter(|about| !about.is_empty());
    let what = shown(mask, &news.detail);
    let what = what.as_ref();
    match news.deed {
        Deed::Imported => info!(about, what, %at, "a file was imported"),
        Deed::Recorded => info!(about, what, %at, "a person recorded"),
        Deed::Decided => {
            let customer = about.and_then(|about| about.strip_prefix("customer:"));
            info!(letter, customer, what, %at, "a person decided");
        }
        Deed::Suppressed => info!(what, %at, "an address is not written to any more"),
        Deed::Lifted => info!(what, %at, "an address is written to again"),
        Deed::Returned => warn!(letter, about, what, %at, "a mail came back"),
        Deed::Resumed => info!(what, %at, "a person let letters go"),
        Deed::Forgotten => info!(about, what, %at, "a customer was forgotten"),
        Deed::Backlog => info!(rule = what, %at, "a person let a rule begin with its backlog"),
    }
}

/// A letter that was refused together with all others, and waits again.
pub fn queued_again(letter: LetterId, why: &str) {
    info!(%letter, reason = why, state = "queued", "queued again");
}

/// Something in the background failed.
pub fn failed(doing: &'static str, cause: &StoreError) {
    error!(doing, %cause, "failed");
}

/// Words that may hold addresses, as they stand in the log.
fn shown(mask: bool, text: &str) -> Cow<'_, str> {
    if mask { masked_in(text).into() } else { text.into() }
}

/// The customer's id; of our own people, the address.
fn whose(mask: bool, draft: &Draft) -> Cow<'_, str> {
    shown(mask && draft.customer.is_none(), draft.whose())
}

/// As the mail server knows the letter, once it was made.
fn message_id(row: &OutboxLetter) -> Option<&str> {
    row.made.as_ref().map(|made| made.parcel.message_id.as_str())
}

/// What a letter is about: the subjects of its leading lines, at most five.
fn about(mask: bool, draft: &Draft) -> String {
    let named = |line: &Line| match &line.key.subject {
        colleague @ Subject::Colleague(_) => shown(mask, &colleague.to_string()).into_owned(),
        other => other.to_string(),
    };
    let leading: Vec<String> = draft.lines.iter().filter(|line| line.leading).map(named).collect();
    let rest = leading.len().saturating_sub(5);
    let mut text = leading.into_iter().take(5).collect::<Vec<_>>().join(",");
    if rest > 0 {
        use std::fmt::Write as _;
        // Writing to a String can't fail.
        write!(text, ",+{rest}").unwrap_or_default();
    }
    text
}
