//! Letters as their readers get them: composed from the shipped templates,
//! made into messages, and read back by a parser that is not ours.

mod sample;

use std::path::Path;
use std::sync::LazyLock;

use courtesy::domain::delivery::Parcel;
use courtesy::domain::receivable::Kind;
use courtesy::letter::{Composer, Content, mime};
use jiff::civil::date;
use mail_parser::{HeaderName, MessageParser};
use sample::{Sample, money, receivable};

pub const MESSAGE_ID: &str = "letter-1.0@morningstar.example";

static COMPOSER: LazyLock<Composer> = LazyLock::new(|| {
    Composer::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"))
        .expect("the shipped templates load")
});

fn compose(sample: &Sample) -> Content {
    COMPOSER.compose(&sample.occasion()).expect("the letter composes")
}

fn build(sample: &Sample) -> Parcel {
    mime::build(&compose(sample), &sample.mail, MESSAGE_ID, sample.now).expect("the message is built")
}

/// The message as a mail reader shows it: headers, then the text part.
fn read(parcel: &Parcel) -> String {
    let message = MessageParser::default().parse(&*parcel.bytes).expect("a message");
    let mut out = format!("envelope: {} -> {}", parcel.from.as_str(), parcel.to.as_str());
    for copy in &parcel.cc {
        out.push_str(&format!(" + {}", copy.as_str()));
    }
    for header in message.headers() {
        let shown = match header.name() {
            "Content-Type" | "MIME-Version" | "Content-Transfer-Encoding" => continue,
            _ => match header.value() {
                mail_parser::HeaderValue::Address(list) => list
                    .iter()
                    .map(|one| format!("{} <{}>", one.name().unwrap_or("-"), one.address().unwrap_or("-")))
                    .collect::<Vec<_>>()
                    .join(", "),
                mail_parser::HeaderValue::DateTime(date) => date.to_rfc3339(),
                other => other.as_text().unwrap_or("?").to_owned(),
            },
        };
        out.push_str(&format!("\n{}: {shown}", header.name()));
    }
    let _ = HeaderName::From;
    out.push_str("\n\n");
    out.push_str(&message.body_text(0).expect("a text part"));
    out
}

#[test]
fn look() {
    for locale in ["en", "zh-CN"] {
        for template in [
            "reminder/coming-due",
            "reminder/due-today",
            "reminder/friendly",
            "reminder/firm",
            "reminder/final-notice",
            "internal/hand-over",
        ] {
            let sample = Sample::new(template, locale);
            println!("======== {template}\n{}", read(&build(&sample)));
            let mut many = sample.clone();
            many.add(receivable("R2", Some("2026-0118"), "4500.5", "EUR", date(2026, 3, 1)), true);
            many.add(receivable("R3", None, "99000", "JPY", date(2026, 3, 2)), true);
            many.add(receivable("R4", Some("2026-0121"), "700", "CNY", date(2026, 3, 10)), false);
            println!("======== {template}\n{}", read(&build(&many)));
        }
    }
    let _ = (Kind::Invoice, money("1", "CNY"));
}
