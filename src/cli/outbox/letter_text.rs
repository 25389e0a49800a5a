//! One letter in full, for people.

use jiff::tz::TimeZone;
use mail_parser::MessageParser;

use super::local;
use crate::cli::harmless;
use crate::store::{HistoryEntry, Made, OutboxLetter};

pub(super) fn described(letter: &OutboxLetter, returned: &[HistoryEntry], zone: &TimeZone) -> String {
    let draft = &letter.draft;
    let mut rows = vec![
        ("letter", letter.id.to_string()),
        ("state", letter.state.to_string()),
        ("because", letter.reason.clone()),
        ("customer", draft.whose().to_owned()),
        ("rule/stage", format!("{}/{} ({})", draft.rule, draft.stage, draft.class)),
        ("queued", local(letter.queued_at, zone)),
        ("attempts", letter.attempts.to_string()),
    ];
    if letter.state.is_waiting() {
        rows.push(("not before", local(letter.next_attempt_at, zone)));
    }
    if let Some(at) = letter.finished_at {
        rows.push(("finished", local(at, zone)));
    }
    for one in returned {
        rows.push((one.what, format!("{} {}: {}", local(one.at, zone), one.about, one.detail)));
    }
    for line in &draft.lines {
        rows.push(("about", format!("{} (planned for {})", line.key, line.planned_on)));
    }
    let lines: Vec<_> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:<11} {}", harmless::one_line(&value)))
        .collect();
    lines.join("\n")
}

/// The headers a reader sees, decoded.
pub(super) fn headers_of(made: &Made) -> String {
    let parcel = &made.parcel;
    let mut lines = vec![
        format!("From:    {}", parcel.from),
        format!("To:      {}", parcel.to),
        format!("Subject: {}", made.subject),
        format!("Id:      <{}>", parcel.message_id),
    ];
    if !parcel.cc.is_empty() {
        let copies: Vec<_> = parcel.cc.iter().map(ToString::to_string).collect();
        lines.insert(2, format!("Cc:      {}", copies.join(", ")));
    }
    lines.join("\n")
}

/// The plain text part of a letter's bytes.
pub(super) fn text_of(made: &Made) -> String {
    MessageParser::default()
        .parse(&made.parcel.bytes[..])
        .and_then(|message| message.body_text(0).map(std::borrow::Cow::into_owned))
        .unwrap_or_default()
}

/// What stands in the place of a text that was removed.
pub(super) fn removed(letter: &OutboxLetter, zone: &TimeZone) -> Option<String> {
    let emptied = letter.emptied.as_ref()?;
    let on = emptied.at.to_zoned_datetime(zone.clone()).date();
    Some(format!("(The text was removed on {on}, {}.)", emptied.because))
}
