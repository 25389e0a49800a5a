//! What comes in: from the bytes of a mail to what it says about a letter of
//! ours.
//!
//! The mail is anybody's. Only its beginning is read, which holds all that a
//! bounce has to say; nothing in it is run, followed or fetched; and what is
//! not understood with certainty is left alone, with the reason.
//!
//! In reading order: `report` reads the machine's part of bounces (RFC 3464)
//! and complaints (RFC 5965), `plain` the bounces of Exim and qmail that have
//! none, `text` cleans what is kept.

mod plain;
mod report;
mod text;

use mail_parser::{HeaderValue, Message, MessageParser, MimeHeaders as _};
use sha2::{Digest as _, Sha256};

use crate::domain::returned::{Alone, Mail, Says};

/// How much of a mail is read, in bytes: the letter that came back stands
/// behind what is said about it, with all its attachments.
pub const READ_MAX: usize = 256 * 1024;

/// The most parts that may stand within each other: the parser keeps them all.
const PARTS_MAX: usize = 100;

/// Reads a mail.
#[must_use]
pub fn read(bytes: &[u8]) -> Mail {
    let bytes = &bytes[..bytes.len().min(READ_MAX)];
    let alone = |why| Mail { id: identity(bytes, ""), says: Says::Nothing(why) };
    if parts(bytes) > PARTS_MAX {
        return alone(Alone::TooNested);
    }
    let Some(message) = MessageParser::default().parse(bytes).filter(is_mail) else {
        return alone(Alone::NoMail);
    };
    let says = says(&message);
    let about = match &says {
        Says::Fates { message_id, .. } | Says::Complaint { message_id, .. } => message_id.as_str(),
        Says::Unsubscribe { .. } | Says::Nothing(_) => "",
    };
    // One mail may be delivered twice, by an alias and into a folder, with
    // other headers of the way each time.
    let id = identity(message.message_id().map_or(bytes, str::as_bytes), about);
    Mail { id, says }
}

fn identity(own: &[u8], about: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(own);
    hash.update([0]);
    hash.update(about.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    format!("{:032x}", u128::from_be_bytes(half))
}

/// How many parts could stand within each other.
fn parts(bytes: &[u8]) -> usize {
    let lower = bytes.to_ascii_lowercase();
    let count = |word: &[u8]| lower.windows(word.len()).filter(|window| *window == word).count();
    count(b"multipart/") + count(b"message/rfc822") + count(b"message/global")
}

/// Any text has lines; a mail has a sender or a way.
fn is_mail(message: &Message<'_>) -> bool {
    ["From", "Received", "Return-Path", "Message-ID"].iter().any(|name| message.header(*name).is_some())
}

fn says(message: &Message<'_>) -> Says {
    report::read(message)
        .or_else(|| plain::read(message))
        .or_else(|| unsubscribe(message))
        .unwrap_or_else(|| Says::Nothing(unrelated(message)))
}

/// The answer to our `List-Unsubscribe`: its subject names the customer.
fn unsubscribe(message: &Message<'_>) -> Option<Says> {
    const WORD: &str = "unsubscribe ";
    let subject = text::line(message.subject()?);
    let customer =
        subject.split_at_checked(WORD.len()).filter(|(word, _)| word.eq_ignore_ascii_case(WORD))?.1;
    let from = message.from()?.first()?.address()?;
    (!customer.trim().is_empty())
        .then(|| Says::Unsubscribe { from: text::address(from), customer: customer.trim().to_owned() })
}

fn unrelated(message: &Message<'_>) -> Alone {
    let kind = message.content_type();
    if kind.and_then(|kind| kind.attribute("report-type")) == Some("disposition-notification") {
        return Alone::ReadReceipt;
    }
    // RFC 3834; and the headers of those who do not know it.
    let answered = header(message, "Auto-Submitted").is_some_and(|value| !value.eq_ignore_ascii_case("no"))
        || ["X-Autoreply", "X-Autorespond", "X-Autoreply-From"]
            .iter()
            .any(|name| header(message, name).is_some())
        || header(message, "Precedence").is_some_and(|value| value.eq_ignore_ascii_case("auto_reply"));
    if answered { Alone::AutomaticReply } else { Alone::Other }
}

/// A header of one line.
fn header<'m>(message: &'m Message<'_>, name: &'static str) -> Option<&'m str> {
    match message.header(name)? {
        HeaderValue::Text(text) => Some(text.trim()),
        _ => message.header_raw(name).map(str::trim),
    }
}
