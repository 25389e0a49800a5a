//! What is kept of a mail: on one line, of bounded length, without characters
//! that a terminal or a reader could stumble over.

use crate::domain::address::{Address, is_invisible};

/// The most characters of a detail.
const LINE_MAX: usize = 200;

/// A text on one line.
pub(super) fn line(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let visible: String = spaced.filter(|c| *c == ' ' || !is_invisible(*c)).take(8 * LINE_MAX).collect();
    let words: Vec<&str> = visible.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LINE_MAX).collect()
}

/// An address as suppressions have it, where it is one.
pub(super) fn address(text: &str) -> String {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    Address::parse(bare).map_or_else(|_| line(bare).to_lowercase(), |address| address.folded())
}

/// A Message-ID without its angle brackets.
pub(super) fn message_id(text: &str) -> Option<String> {
    let start = text.find('<')? + 1;
    let end = start + text[start..].find('>')?;
    let id = text[start..end].trim();
    (!id.is_empty() && id.len() <= 998).then(|| id.to_owned())
}

/// `5.1.1` as `(5, 1, 1)`.
pub(super) fn status(word: &str) -> Option<(u8, u16, u16)> {
    let mut parts = word.split('.');
    let number = |part: &str| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let class = match parts.next()? {
        "2" => 2,
        "4" => 4,
        "5" => 5,
        _ => return None,
    };
    let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
    parts.next().is_none().then_some((class, subject, detail))
}

/// The code in what a server said: `550 5.1.1 …`, `550-5.1.1 …` or `#5.1.1`.
/// Numbers elsewhere in the text are none.
pub(super) fn said_status(text: &str) -> Option<(u8, u16, u16)> {
    let words: Vec<&str> = text.split([' ', '\t', '\r', '\n', '-', '(', ')']).collect();
    let bare = |word: &&str| word.trim_end_matches([':', ';', ',']).to_owned();
    let marked = words.iter().filter_map(|word| word.strip_prefix('#')).find_map(|word| status(&bare(&word)));
    let is_reply = |word: &str| {
        word.len() == 3
            && matches!(word.as_bytes()[0], b'4' | b'5')
            && word.bytes().all(|b| b.is_ascii_digit())
    };
    let behind =
        || words.windows(2).filter(|pair| is_reply(pair[0])).find_map(|pair| status(&bare(&pair[1])));
    marked.or_else(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_where_a_server_says_it_and_nowhere_else() {
        for (text, expected) in [
            ("550 5.1.1 <x@y.example>: no such user", Some((5, 1, 1))),
            ("smtp; 550-5.1.1 The email account does not exist", Some((5, 1, 1))),
            ("Sorry, no mailbox here by that name. (#5.1.1)", Some((5, 1, 1))),
            ("552 5.2.2: full", Some((5, 2, 2))),
            ("host mx.example[10.5.1.1] said: 550 unknown", None),
            ("version 5.1.1 of the program", None),
            ("550 5.1.1.1 no", None),
            ("", None),
        ] {
            assert_eq!(said_status(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_kept_is_one_short_line() {
        assert_eq!(line("no\r\n\tsuch\u{0}user\u{1b}[31m \u{202e}x"), "no suchuser[31m x");
        assert_eq!(line(&"界 ".repeat(9_000)).chars().count(), LINE_MAX);
        assert_eq!(address(" <Ann@Example.TEST> "), "ann@example.test");
        assert_eq!(message_id("x <a@b> <c@d>").as_deref(), Some("a@b"));
        assert_eq!(message_id(">a<"), None);
    }
}
