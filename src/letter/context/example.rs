//! What other customers do and say.

use super::clean;
use super::views::{PeersView, TestimonialView};
use crate::domain::figures::Peers;
use crate::letter::Testimonial;

/// How many a letter shows: more would be advertising.
const SHOWN_MAX: usize = 3;

pub(super) fn peers(peers: Option<Peers>) -> Option<PeersView> {
    peers.map(|peers| PeersView { on_time_percent: peers.on_time_percent() })
}

/// Those in the letter's language: the customer's own trade first, then what
/// speaks to everybody, then other trades; each in the order of the file.
pub(super) fn testimonials(all: &[Testimonial], segment: Option<&str>, locale: &str) -> Vec<TestimonialView> {
    let is_own = |of: &Testimonial| of.segment.is_some() && of.segment.as_deref() == segment;
    let readable = |of: &&Testimonial| of.locale.as_deref().is_none_or(|tag| is_kin(tag, locale));
    let mut fitting: Vec<&Testimonial> = all.iter().filter(readable).collect();
    fitting.sort_by_key(|of| if is_own(of) { 0 } else { 1 + u8::from(of.segment.is_some()) });
    fitting
        .into_iter()
        .take(SHOWN_MAX)
        .map(|of| TestimonialView {
            quote: clean::value(&of.quote),
            name: clean::value(&of.name),
            segment: clean::optional(of.segment.as_deref()),
            own: is_own(of),
        })
        .collect()
}

/// Whether one tag is the other or a narrower one: `en` and `en-GB`, but not
/// `zh-CN` and `zh-TW`.
fn is_kin(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let (short, long) = (short.to_ascii_lowercase(), long.to_ascii_lowercase());
    long.strip_prefix(&short).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(name: &str, segment: Option<&str>, locale: Option<&str>) -> Testimonial {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Testimonial {
            quote: "Good.".into(),
            name: name.into(),
            segment: owned(segment),
            locale: owned(locale),
        }
    }

    #[test]
    fn the_own_trade_speaks_first_and_only_in_the_letters_language() {
        let all = [
            quote("a baker", Some("food"), None),
            quote("anybody", None, None),
            quote("a turner", Some("machining"), Some("en-GB")),
            quote("a miller", Some("machining"), Some("zh-CN")),
            quote("a joiner", Some("joinery"), Some("en")),
            quote("a founder", Some("machining"), None),
        ];
        for (segment, locale, expected) in [
            (Some("machining"), "en", ["a turner*", "a founder*", "anybody"]),
            (Some("machining"), "zh-CN", ["a miller*", "a founder*", "anybody"]),
            (Some("textiles"), "en", ["anybody", "a baker", "a turner"]),
            (None, "zh-TW", ["anybody", "a baker", "a founder"]),
        ] {
            let shown: Vec<String> = testimonials(&all, segment, locale)
                .into_iter()
                .map(|of| format!("{}{}", of.name, if of.own { "*" } else { "" }))
                .collect();
            assert_eq!(shown, expected, "{segment:?} {locale}");
        }
    }
}
