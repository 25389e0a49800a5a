//! The page for leafing through the demo's letters: one file, no network.

use jiff::tz::TimeZone;
use mail_parser::MessageParser;
use serde_json::json;

use crate::store::OutboxLetter;

/// The page around the letters; what stands there as a comment and an empty
/// value is replaced by what the play gave.
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
        /// The customer's id; for a digest, the colleague's.
        customer: String,
        /// Whether it is a digest.
        digest: bool,
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
            digest: letter.draft.customer.is_none(),
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
            Self::Letter { when, rule, class, customer, digest, to, cc, subject, locale, html } => json!({
                "when": when, "rule": rule, "class": class, "customer": customer, "digest": digest, "to": to, "cc": cc,
                "subject": subject, "locale": locale, "html": html,
            }),
        }
    }
}

/// The whole page: what came of the play in a sentence, what the business
/// needed and what showed it, and all that happened.
pub fn render(total: &str, rows: &serde_json::Value, entries: &[Entry]) -> String {
    let entries: serde_json::Value = entries.iter().map(Entry::as_json).collect();
    PAGE.replace("/*TOTAL*/\"\"", &in_script(&json!(total)))
        .replace("/*ROWS*/[]", &in_script(rows))
        .replace("/*ENTRIES*/[]", &in_script(&entries))
}

/// JSON as a script element may hold it: there `<` could end the element,
/// and U+2028 a line.
fn in_script(value: &serde_json::Value) -> String {
    let json = value.to_string();
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_can_break_out_of_the_page() {
        let words = "</script><script>alert(1)</script>".to_owned();
        let page = render("", &json!([]), &[Entry::Scene { when: "2026-03-02 09:00".into(), words }]);
        assert!(!page.contains("</script><script>alert"), "{page}");
        assert!(page.contains("\\u003c/script>"));
    }

    #[test]
    fn the_page_needs_no_network() {
        let page = render("", &json!([]), &[]);
        for word in ["http://", "https://", "src=\"", "@import", "url("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
