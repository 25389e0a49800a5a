//! The page for leafing through the demo's letters: one file, no network.

use jiff::tz::TimeZone;
use mail_parser::MessageParser;
use serde_json::json;

use crate::store::OutboxLetter;

/// The page around the letters; `/*ENTRIES*/` is replaced by them.
const PAGE: &str = include_str!("page.html");

/// One line of the list.
#[derive(Clone, Debug)]
pub enum Entry {
    /// What happened at the business.
    Scene {
        /// Its own local time.
        when: String,
        /// In words.
        words: String,
    },
    /// A letter that left.
    Letter {
        /// The business's local time.
        when: String,
        /// Rule and stage.
        rule: String,
        /// What it is: `dunning`, `courtesy` …
        class: &'static str,
        /// The customer's id.
        customer: String,
        /// The first recipient.
        to: String,
        /// Copies.
        cc: String,
        /// The subject.
        subject: String,
        /// The language.
        locale: String,
        /// The HTML part.
        html: String,
    },
}

impl Entry {
    /// The entry of a letter that was sent.
    pub fn letter(letter: &OutboxLetter, zone: &TimeZone) -> Self {
        let at = letter.finished_at.unwrap_or(letter.queued_at);
        let made = letter.made.as_ref();
        let message = made.and_then(|made| MessageParser::default().parse(&made.parcel.bytes[..]));
        let html = message.and_then(|message| message.body_html(0).map(std::borrow::Cow::into_owned));
        Self::Letter {
            when: at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string(),
            rule: format!("{}/{}", letter.draft.rule, letter.draft.stage),
            class: letter.draft.class.as_str(),
            customer: letter.draft.whose().to_owned(),
            to: made.map(|made| made.parcel.to.to_string()).unwrap_or_default(),
            cc: made
                .map(|made| made.parcel.cc.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                .unwrap_or_default(),
            subject: made.map(|made| made.subject.clone()).unwrap_or_default(),
            locale: made.map(|made| made.locale.clone()).unwrap_or_default(),
            html: html.unwrap_or_default(),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        match self {
            Self::Scene { when, words } => json!({ "when": when, "words": words }),
            Self::Letter { when, rule, class, customer, to, cc, subject, locale, html } => json!({
                "when": when, "rule": rule, "class": class, "customer": customer, "to": to, "cc": cc,
                "subject": subject, "locale": locale, "html": html,
            }),
        }
    }
}

/// The whole page.
pub fn render(entries: &[Entry]) -> String {
    let values: serde_json::Value = entries.iter().map(Entry::as_json).collect();
    // Inside a script element `<` could end it, and U+2028 a line.
    let json = values
        .to_string()
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    PAGE.replace("/*ENTRIES*/[]", &json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_can_break_out_of_the_page() {
        let words = "</script><script>alert(1)</script>".to_owned();
        let page = render(&[Entry::Scene { when: "2026-03-02 09:00".into(), words }]);
        assert!(!page.contains("</script><script>alert"), "{page}");
        assert!(page.contains("\\u003c/script>"));
    }

    #[test]
    fn the_page_needs_no_network() {
        let page = render(&[]);
        for word in ["http://", "https://", "src=\"", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
