//! Letters as their readers get them: composed from the shipped templates,
//! made into messages, and read back by a parser that is not ours.

mod attachments;
mod digest;
mod golden;
mod hostile;
mod message;
pub mod sample;
mod statement;
mod templates;
mod variables;

use std::path::Path;
use std::sync::LazyLock;

use courtesy::domain::delivery::Parcel;
use courtesy::letter::{Composer, Content, Testimonial, mime};
use mail_parser::{HeaderValue, Message, MessageParser};
use sample::Sample;

const MESSAGE_ID: &str = "letter-1.0@morningstar.example";

/// Every letter that is shipped.
const TEMPLATES: [&str; 33] = [
    "reminder/coming-due",
    "reminder/due-today",
    "reminder/friendly",
    "reminder/firm",
    "reminder/final-notice",
    "reminder/broken-promise",
    "advance/coming-due",
    "advance/due",
    "advance/friendly",
    "note/coming-due",
    "note/due",
    "note/dishonoured",
    "note/final-notice",
    "internal/hand-over",
    "internal/advance-unpaid",
    "internal/plan-missed",
    "internal/broken-promise",
    "internal/limitation-watch",
    "internal/silent-customer",
    "thanks/payment",
    "thanks/part-payment",
    "thanks/visit",
    "thanks/signing",
    "thanks/purchase",
    "thanks/favour",
    "check-in/onboarding",
    "greeting/season",
    "greeting/trip",
    "care/spare-part",
    "care/usage-survey",
    "care/referral-ask",
    "news/product",
    "statement/monthly",
];

/// Whether the letter asks the customer to pay.
fn is_reminder(template: &str) -> bool {
    ["reminder/", "advance/", "note/"].iter().any(|folder| template.starts_with(folder))
}

const LOCALES: [&str; 2] = ["en", "zh-CN"];

static COMPOSER: LazyLock<Composer> = LazyLock::new(|| {
    let quote = |quote: &str, name: &str, segment: Option<&str>, locale: &str| Testimonial {
        quote: quote.into(),
        name: name.into(),
        segment: segment.map(Into::into),
        locale: Some(locale.into()),
    };
    Composer::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))
        .expect("the shipped templates load")
        .quoting(vec![
            quote("When we called, somebody came.", "A customer of eight years", None, "en"),
            quote("The first part was a good part.", "A toolmaker", Some("machining"), "en"),
            quote("有问题打一个电话，当天就有人来。", "一位合作八年的客户", None, "zh-CN"),
        ])
});

fn compose(sample: &Sample) -> Content {
    COMPOSER.compose(&sample.occasion()).expect("the letter composes")
}

fn build(sample: &Sample) -> Parcel {
    mime::build(&compose(sample), &sample.mail, MESSAGE_ID, sample.now).expect("the message is built")
}

fn parse(parcel: &Parcel) -> Message<'_> {
    MessageParser::default().parse(&*parcel.bytes).expect("a message")
}

/// A header as a mail reader shows it.
fn shown(value: &HeaderValue<'_>) -> String {
    match value {
        HeaderValue::Address(list) => list
            .iter()
            .map(|one| format!("{} <{}>", one.name().unwrap_or("-"), one.address().unwrap_or("-")))
            .collect::<Vec<_>>()
            .join(", "),
        HeaderValue::DateTime(date) => date.to_rfc3339(),
        other => other.as_text().unwrap_or("?").to_owned(),
    }
}

/// The header of a message, decoded; none if there are several.
fn header(message: &Message<'_>, name: &str) -> Option<String> {
    let mut found = message.headers().iter().filter(|header| header.name().eq_ignore_ascii_case(name));
    let first = found.next()?;
    assert!(found.next().is_none(), "{name} stands twice");
    Some(shown(first.value()))
}
