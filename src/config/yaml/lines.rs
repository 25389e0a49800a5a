//! Where every line and character begins, to turn the parser's line and
//! column into bytes at once: files of one long line must not cost a search
//! per word.

use std::sync::Arc;

use saphyr_parser::{Marker, Span};

use super::super::source::At;

/// The places of one text.
pub(super) struct Lines {
    text: Arc<str>,
    /// The number of the first character of each line.
    first_chars: Vec<usize>,
    /// The first byte of each character.
    bytes: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &Arc<str>) -> Self {
        let (mut first_chars, mut bytes) = (vec![0], Vec::new());
        let mut rest = text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            bytes.push(at);
            let next = rest.peek().map(|&(_, next)| next);
            if c == '\n' || (c == '\r' && next != Some('\n')) {
                first_chars.push(bytes.len());
            }
        }
        Self { text: Arc::clone(text), first_chars, bytes }
    }

    fn byte(&self, marker: Marker) -> usize {
        let line = self.first_chars.get(marker.line().saturating_sub(1));
        let char = line.and_then(|first| self.bytes.get(first + marker.col()));
        char.copied().unwrap_or(self.text.len())
    }

    /// The one character at a marker, or the last of the text.
    pub(super) fn at(&self, marker: Marker) -> At {
        let start = self.byte(marker);
        let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start..start + length
    }

    /// From the first character of a span to its last visible one.
    pub(super) fn span(&self, span: Span) -> At {
        let start = self.byte(span.start);
        let end = self.byte(span.end).max(start);
        let trimmed = self.text[start..end].trim_end().len();
        start..start + trimmed
    }

    /// The place of a scalar without what follows it on its line: behind a
    /// closing quote the parser counts the comment in.
    pub(super) fn without_rest(&self, at: At) -> At {
        let length = quoted_length(&self.text[at.clone()]);
        at.start..length.map_or(at.end, |length| at.start + length)
    }
}

/// How long the quoted text is that this begins with, quotes included. A
/// quote within is `''` or `\"` (YAML 1.2, 7.3).
fn quoted_length(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        let doubled = c == '\'' && rest.peek().is_some_and(|&(_, next)| next == '\'');
        if (quote == '"' && c == '\\') || (quote == '\'' && doubled) {
            rest.next();
        } else if c == quote {
            return Some(at + 1);
        }
    }
    None
}
