//! From a letter in words to the bytes of a message (RFC 5322, RFC 2045).
//!
//! Every value is cleaned before `lettre` sees it: it panics at a line end
//! in a name and writes one in a header through.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MessageBuilder, MultiPart, SinglePart};

use super::{Attachment, ComposeError, Content, MailSettings, Unsubscribe, clean, fingerprint};
use crate::domain::address::Address;
use crate::domain::customer::{Class, Person};
use crate::domain::delivery::Parcel;

/// How a customer says that such letters are not wanted.
pub(super) struct Links {
    /// Always.
    pub(super) mailto: String,
    /// Where one is configured.
    pub(super) web: Option<String>,
}

/// The links of one customer.
pub(super) fn unsubscribe_links(unsubscribe: &Unsubscribe, customer: &str) -> Links {
    let customer = clean::url_component(&clean::value(customer));
    let mailbox = unsubscribe.mailto.as_str();
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
    Links {
        mailto: format!("mailto:{}@{domain}?subject=unsubscribe%20{customer}", clean::url_component(local)),
        web: unsubscribe
            .url
            .as_deref()
            .map(|url| url.replace("{customer}", &customer))
            .and_then(|url| clean::url(&url)),
    }
}

/// Makes the message of a letter: envelope and bytes.
///
/// `message_id` comes without angle brackets. With `redirect_to` set, the
/// one recipient is that address, nobody gets a copy, and subject and header
/// name whom it was meant for.
///
/// # Errors
/// [`ComposeError::Incomplete`] where there is nobody to write to, or an
/// address or the Message-ID can't stand in a header.
pub fn build(
    content: &Content,
    mail: &MailSettings,
    message_id: &str,
    date: Timestamp,
) -> Result<Parcel, ComposeError> {
    let way = mail.redirect_to.as_ref().map_or(Way::AsMeant, Way::Redirected);
    assemble(content, mail, way, message_id, date)
}

/// The same for a trial: to one of our own people alone, marked as a test in
/// subject and header, whatever `redirect_to` says.
///
/// # Errors
/// As [`build`].
pub fn build_test(
    content: &Content,
    mail: &MailSettings,
    to: &Address,
    message_id: &str,
    date: Timestamp,
) -> Result<Parcel, ComposeError> {
    assemble(content, mail, Way::Test(to), message_id, date)
}

/// To whom a message really goes.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// To its recipients.
    AsMeant,
    /// To one address while trying out.
    Redirected(&'a Address),
    /// To somebody who wants to see it.
    Test(&'a Address),
}

fn assemble(
    content: &Content,
    mail: &MailSettings,
    way: Way<'_>,
    message_id: &str,
    date: Timestamp,
) -> Result<Parcel, ComposeError> {
    let first = content.to.first().ok_or_else(|| incomplete("the letter has no recipient"))?;
    let id_ok = message_id.split_once('@').is_some_and(|(l, r)| !l.is_empty() && !r.is_empty())
        && message_id.bytes().all(|b| b.is_ascii_graphic() && !b"<>()[]\\,;:\"".contains(&b));
    if !id_ok {
        return Err(incomplete("the Message-ID is not one"));
    }
    let mut builder = Message::builder()
        .from(mailbox(&mail.from)?)
        .date(system_time(date))
        .message_id(Some(format!("<{message_id}>")))
        .reply_to(mailbox(&content.reply_to)?);
    let (to, cc) = match way {
        Way::AsMeant => {
            for person in &content.to {
                builder = builder.to(mailbox(person)?);
            }
            for person in &content.cc {
                builder = builder.cc(mailbox(person)?);
            }
            builder = builder.subject(clean::value(&content.subject));
            (first.address.clone(), copies(content))
        }
        Way::Redirected(address) | Way::Test(address) => {
            let person = Person { name: address.to_string(), address: address.clone() };
            builder = builder
                .to(mailbox(&person)?)
                .subject(diverted(content, way))
                .raw_header(header("X-Courtesy-Redirected-From", everybody(content)));
            (address.clone(), vec![])
        }
    };
    if matches!(way, Way::Test(_)) {
        builder = builder.raw_header(header("X-Courtesy-Test", "yes".to_owned()));
    }
    let message = with_marks(builder, content, mail, way)
        .multipart(body(content, message_id)?)
        .map_err(|error| incomplete(&error.to_string()))?;
    Ok(Parcel {
        from: mail.from.address.clone(),
        to,
        cc,
        message_id: message_id.to_owned(),
        bytes: message.formatted().into(),
    })
}

/// What tells machines what this is: RFC 3834 against answering machines,
/// the thread, and RFC 2369 and 8058 for courtesies and news.
fn with_marks(
    builder: MessageBuilder,
    content: &Content,
    mail: &MailSettings,
    way: Way<'_>,
) -> MessageBuilder {
    let thread = clean::value(&content.thread).replace([' ', '<', '>'], "");
    let mut builder = builder
        .raw_header(header("Auto-Submitted", "auto-generated".into()))
        .references(format!("<{thread}>"))
        .in_reply_to(format!("<{thread}>"));
    let offered = matches!(content.class, Class::Courtesy | Class::Marketing);
    if offered && matches!(way, Way::AsMeant) {
        let links = unsubscribe_links(&mail.unsubscribe, &content.customer);
        let list = links.web.iter().chain([&links.mailto]).map(|link| format!("<{link}>"));
        builder = builder.raw_header(header("List-Unsubscribe", list.collect::<Vec<_>>().join(", ")));
        if links.web.is_some_and(|link| link.starts_with("https://")) {
            builder =
                builder.raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
    }
    builder
}

/// The words, and the files behind them where there are any (RFC 2046
/// 5.1.3).
fn body(content: &Content, message_id: &str) -> Result<MultiPart, ComposeError> {
    // Boundaries come from the letter, so that the same letter is the same
    // bytes; `=_` stands in no encoded line (RFC 2045 6.7).
    let boundary =
        |of: &str| format!("=_{}", &fingerprint::hash([message_id, content.fingerprint.as_str(), of])[..32]);
    // Text first, so that the last one a reader understands is the HTML (RFC
    // 2046 5.1.4).
    let words = MultiPart::alternative()
        .boundary(boundary("words"))
        .singlepart(part(ContentType::TEXT_PLAIN, &content.text)?)
        .singlepart(part(ContentType::TEXT_HTML, &content.html)?);
    if content.attachments.is_empty() {
        return Ok(words);
    }
    let mut whole = MultiPart::mixed().boundary(boundary("whole")).multipart(words);
    for file in &content.attachments {
        whole = whole.singlepart(attached(file)?);
    }
    Ok(whole)
}

/// Always base64: the bytes arrive as they are, whatever they are.
fn attached(file: &Attachment) -> Result<SinglePart, ComposeError> {
    let cannot = |cause: &str| ComposeError::Attachment { file: file.name.clone(), cause: cause.to_owned() };
    let media_type = ContentType::parse(file.media_type).map_err(|_| cannot("its type is none"))?;
    let body = Body::new_with_encoding(file.bytes.to_vec(), ContentTransferEncoding::Base64)
        .map_err(|_| cannot("it can't be encoded"))?;
    Ok(lettre::message::Attachment::new(file.name.clone()).body(body, media_type))
}

/// Quoted-printable where it is mostly ASCII, base64 where it is not: both
/// keep within 76 characters a line.
fn part(content_type: ContentType, text: &str) -> Result<SinglePart, ComposeError> {
    let beyond = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding = if beyond * 6 > text.len() {
        ContentTransferEncoding::Base64
    } else {
        ContentTransferEncoding::QuotedPrintable
    };
    let body = Body::new_with_encoding(text.to_owned(), encoding)
        .map_err(|_| incomplete("the letter can't be encoded"))?;
    Ok(SinglePart::builder().header(content_type).body(body))
}

fn mailbox(person: &Person) -> Result<Mailbox, ComposeError> {
    let address = person.address.as_str().parse().map_err(|error| {
        incomplete(&format!("the address {} can't stand in a header: {error}", person.address.masked()))
    })?;
    let name = clean::value(&person.name);
    let shown = !name.is_empty() && name != person.address.as_str();
    Ok(Mailbox::new(shown.then_some(name), address))
}

/// Everybody who gets a copy, nobody twice.
fn copies(content: &Content) -> Vec<Address> {
    let mut seen: Vec<String> = content.to.first().map(|first| first.address.folded()).into_iter().collect();
    let mut copies = Vec::new();
    for person in content.to.iter().skip(1).chain(&content.cc) {
        let folded = person.address.folded();
        if !seen.contains(&folded) {
            seen.push(folded);
            copies.push(person.address.clone());
        }
    }
    copies
}

fn everybody(content: &Content) -> String {
    let all = content.to.iter().chain(&content.cc).map(|person| person.address.to_string());
    all.collect::<Vec<_>>().join(", ")
}

/// The subject of a letter that goes to somebody else than it was meant for:
/// it names whom, all of them if they are few.
fn diverted(content: &Content, way: Way<'_>) -> String {
    let addresses = |people: &[Person]| {
        people.iter().map(|person| person.address.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (mut whom, copies) = (addresses(&content.to), addresses(&content.cc));
    if !copies.is_empty() && whom.len() + copies.len() < 100 {
        whom = format!("{whom}; copy to {copies}");
    } else if !copies.is_empty() {
        whom = format!("{whom}; {} copies", content.cc.len());
    }
    let mark = match way {
        Way::Test(_) => "test, to",
        Way::Redirected(_) | Way::AsMeant => "to",
    };
    format!("[{mark} {whom}] {}", clean::value(&content.subject))
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Before 1970 there was no mail to date.
fn system_time(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn incomplete(what: &str) -> ComposeError {
    ComposeError::Incomplete(what.to_owned())
}
