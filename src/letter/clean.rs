//! What may stand in a letter: every value is one line of visible text, and
//! escaped for the part it goes into.

use std::io::{self, Write};

use crate::domain::address::is_invisible;

/// The most characters of one value.
pub const VALUE_CHARS_MAX: usize = 500;

/// The most bytes of a link; a longer one is left out, for a link cut short
/// leads nowhere.
const URL_BYTES_MAX: usize = 2_000;

/// A value as it may stand in a letter: one line, at most
/// [`VALUE_CHARS_MAX`] characters, without controls, zero-width characters
/// and bidirectional controls; runs of spaces become one.
#[must_use]
pub fn value(text: &str) -> String {
    value_within(text, VALUE_CHARS_MAX)
}

/// The same with another limit, in characters.
#[must_use]
pub fn value_within(text: &str, chars_max: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            space = count > 0;
        } else if !is_hidden(c) {
            if count + usize::from(space) >= chars_max {
                out.push('…');
                break;
            }
            if space {
                out.push(' ');
                count += 1;
                space = false;
            }
            out.push(c);
            count += 1;
        }
    }
    out
}

/// [`value`], or nothing if nothing visible is left.
#[must_use]
pub fn optional(text: Option<&str>) -> Option<String> {
    text.map(value).filter(|text| !text.is_empty())
}

/// Takes no room, reorders others, or is no character at all.
fn is_hidden(c: char) -> bool {
    is_invisible(c)
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' | '\u{115f}' | '\u{1160}'
            | '\u{3164}' | '\u{ffa0}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}')
        || (u32::from(c) & 0xfffe) == 0xfffe
}

/// A link that is safe to offer: `https` or `http`, with a host in ASCII and
/// no character that could end it; others are percent-encoded (RFC 3986 2.1).
#[must_use]
pub fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_ok =
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    if !host_ok || text.chars().any(is_invisible) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&percent(byte));
        }
    }
    (out.len() <= URL_BYTES_MAX).then_some(out)
}

/// A text as one component of a URL (RFC 3986 2.3): everything but
/// unreserved characters is percent-encoded.
#[must_use]
pub fn url_component(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => percent(byte),
        })
        .collect()
}

fn percent(byte: u8) -> String {
    format!("%{byte:02X}")
}

/// Markdown with HTML in it: every ASCII punctuation mark becomes a
/// character reference, which `CommonMark` (2.5) never takes for structure.
///
/// # Errors
/// Those of the writer.
pub fn escape_markdown(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_punctuation()) {
        out.write_all(&rest.as_bytes()[..at])?;
        write!(out, "&#{};", rest.as_bytes()[at])?;
        rest = &rest[at + 1..];
    }
    out.write_all(rest.as_bytes())
}

/// HTML text and attribute values.
///
/// # Errors
/// Those of the writer.
pub fn escape_html(text: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut escaped = String::with_capacity(text.len());
    push_html(text, &mut escaped);
    out.write_all(escaped.as_bytes())
}

/// Appends HTML text or an attribute value.
pub fn push_html(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        out.push_str(chars.next().and_then(html_reference).unwrap_or_default());
        rest = chars.as_str();
    }
    out.push_str(rest);
}

fn html_reference(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    }
}

/// Undoes [`escape_markdown`] where Markdown does not: in code.
#[must_use]
pub fn unescape_references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let punctuation = after[digits..].strip_prefix(';').and_then(|tail| {
            let c = after[..digits].parse().ok().and_then(char::from_u32)?;
            c.is_ascii_punctuation().then_some((c, tail))
        });
        if let Some((c, tail)) = punctuation {
            out.push(c);
            rest = tail;
        } else {
            out.push_str("&#");
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_bounded_line_of_visible_text() {
        for (text, expected) in [
            ("  Ann\tLee  ", "Ann Lee"),
            ("a\r\nBcc: x@y.test", "a Bcc: x@y.test"),
            ("a\0b\u{7f}c", "a b c"),
            ("a\u{2028}b\u{85}c", "a b c"),
            ("\u{202e}evil\u{202c}\u{200b}\u{feff}", "evil"),
            ("王\u{3000}伟", "王 伟"),
            ("\u{200b}\u{3164}", ""),
            ("emoji 🎉 stays", "emoji 🎉 stays"),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
        assert_eq!(value(&"x".repeat(10_000)).chars().count(), VALUE_CHARS_MAX + 1);
        assert_eq!(value_within("ab cd", 2), "ab…");
        assert_eq!(value_within("ab ", 2), "ab");
    }

    #[test]
    fn only_web_links_that_cannot_break_out_are_offered() {
        for (text, expected) in [
            ("https://pay.example/i/1?a=b&c=(d)", Some("https://pay.example/i/1?a=b&c=(d)")),
            (" http://pay.example ", Some("http://pay.example")),
            ("https://pay.example/发票", Some("https://pay.example/%E5%8F%91%E7%A5%A8")),
            ("https://pay.example/\"><script>", Some("https://pay.example/%22%3E%3Cscript%3E")),
            ("javascript:alert(1)", None),
            ("https://user@evil.example/", None),
            ("https://a b.example/", None),
            ("https://pay.example/a\r\nb", None),
            ("https:///x", None),
            ("pay.example", None),
        ] {
            assert_eq!(url(text).as_deref(), expected, "{text}");
        }
        assert_eq!(url(&format!("https://pay.example/{}", "x".repeat(3_000))), None);
    }

    #[test]
    fn markdown_escaping_is_undone_in_code_only() {
        let mut out = Vec::new();
        escape_markdown("**x** a&b", &mut out).expect("memory");
        let escaped = String::from_utf8(out).expect("UTF-8");
        assert_eq!(escaped, "&#42;&#42;x&#42;&#42; a&#38;b");
        assert_eq!(unescape_references(&escaped), "**x** a&b");
        assert_eq!(unescape_references("&#x; &#65; &#"), "&#x; &#65; &#");
    }
}
