//! The machine's part of a report: what became of a message (RFC 3464, RFC
//! 6533), or that somebody called it unwanted (RFC 5965).

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _};

use super::text;
use crate::domain::returned::{Action, Alone, Fate, Says};

/// The most recipients that are read: no letter of ours has as many.
const FATES_MAX: usize = 100;

/// What the report says, where the mail is one.
pub(super) fn read(message: &Message<'_>) -> Option<Says> {
    let part = |kinds: &[&str]| message.parts.iter().find(|part| kinds.contains(&kind(part).as_str()));
    if let Some(status) = part(&["message/delivery-status", "message/global-delivery-status"]) {
        return Some(fates(message, &String::from_utf8_lossy(status.contents())));
    }
    let feedback = part(&["message/feedback-report"])?;
    Some(complaint(message, &String::from_utf8_lossy(feedback.contents())))
}

/// `message/delivery-status`.
fn kind(part: &MessagePart<'_>) -> String {
    let named = part.content_type().map(|kind| (kind.ctype(), kind.subtype().unwrap_or_default()));
    named.map(|(kind, subtype)| format!("{kind}/{subtype}").to_ascii_lowercase()).unwrap_or_default()
}

fn fates(message: &Message<'_>, status: &str) -> Says {
    let mut groups = groups(status).into_iter();
    let about_message = groups.next().unwrap_or_default();
    // Some write no group about the message, but begin with a recipient.
    let first = about_message.field("final-recipient").is_some().then(|| about_message.clone());
    let fates: Vec<Fate> =
        first.into_iter().chain(groups).filter_map(|group| fate(&group)).take(FATES_MAX).collect();
    let message_id = returned_id(message)
        .or_else(|| about_message.field("x-original-message-id").and_then(text::message_id))
        .or_else(|| message.in_reply_to().as_text().map(str::to_owned));
    match message_id {
        Some(message_id) if !fates.is_empty() => Says::Fates { message_id, fates },
        Some(_) | None => Says::Nothing(Alone::NoMessageId),
    }
}

/// The Message-ID of the message that came back, or of its headers.
fn returned_id(message: &Message<'_>) -> Option<String> {
    let inside = |part: &MessagePart<'_>| {
        if let Some(nested) = part.message() {
            return nested.message_id().map(str::to_owned);
        }
        let headers = matches!(
            kind(part).as_str(),
            "text/rfc822-headers"
                | "text/rfc822-header"
                | "message/rfc822-headers"
                | "message/global-headers"
        );
        if !headers {
            return None;
        }
        // The last header may have lost its line end to the boundary behind it.
        let text = [part.contents(), b"\r\n\r\n"].concat();
        MessageParser::default().parse_headers(&text)?.message_id().map(str::to_owned)
    };
    message.parts.iter().find_map(inside)
}

/// Fields between two empty lines, with their names in lower case.
#[derive(Clone, Default)]
struct Group(Vec<(String, String)>);

impl Group {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut group = Group::default();
    for line in text.lines() {
        if line.trim().is_empty() {
            groups.extend((!group.0.is_empty()).then(|| std::mem::take(&mut group)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = group.0.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            group.0.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    groups.extend((!group.0.is_empty()).then_some(group));
    groups
}

/// What became of the message for one recipient.
fn fate(group: &Group) -> Option<Fate> {
    let address = |name| group.field(name).map(|value| text::address(untyped(value)));
    let addresses: Vec<String> = [address("original-recipient"), address("final-recipient")]
        .into_iter()
        .flatten()
        .filter(|one| !one.is_empty())
        .collect();
    let said = group.field("diagnostic-code").map(untyped).unwrap_or_default();
    let own = group.field("status").and_then(|value| text::status(value.split([' ', '(']).next()?));
    // 5.0.0 says only that it failed; what the server said may say why.
    let vague = own.is_none_or(|(_, subject, _)| subject == 0);
    let status = if vague { text::said_status(said).or(own) } else { own };
    let action = match group.field("action").map(str::to_ascii_lowercase).as_deref() {
        Some("failed") => Action::Failed,
        Some("delayed") => Action::Delayed,
        Some("delivered" | "relayed" | "expanded") => Action::Delivered,
        Some(_) | None => match status?.0 {
            5 => Action::Failed,
            4 => Action::Delayed,
            _ => Action::Delivered,
        },
    };
    let detail = match (said.is_empty(), own) {
        (false, _) => text::line(said),
        (true, Some((class, subject, detail))) => format!("{class}.{subject}.{detail}"),
        (true, None) => String::new(),
    };
    Some(Fate { addresses, action, status, detail })
}

/// `rfc822; ann@example.test` without its type.
fn untyped(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, value)| value).trim()
}

/// Somebody pressed "junk". Other feedback is none of ours.
fn complaint(message: &Message<'_>, feedback: &str) -> Says {
    let fields = Group(groups(feedback).into_iter().flat_map(|group| group.0).collect());
    let unwanted = fields.field("feedback-type").is_some_and(|kind| {
        ["abuse", "opt-out", "opt-out-list"].iter().any(|word| kind.eq_ignore_ascii_case(word))
    });
    if !unwanted {
        return Says::Nothing(Alone::Other);
    }
    let address = fields.field("original-rcpt-to").map(text::address);
    match returned_id(message) {
        Some(message_id) => Says::Complaint { message_id, address },
        None => Says::Nothing(Alone::NoMessageId),
    }
}
