//! Reads a Tera template just well enough to find the names in it.

use std::collections::BTreeMap;

use super::catalogue::{Found, LOOPS_MAX, Shape, Unknown, VARIABLES, Variable};
use crate::nearest::nearest;

/// Words of Tera itself.
const KEYWORDS: [&str; 40] = [
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "set_global",
    "endset",
    "and",
    "or",
    "not",
    "is",
    "true",
    "false",
    "True",
    "False",
    "none",
    "None",
    "null",
    "include",
    "block",
    "endblock",
    "extends",
    "component",
    "endcomponent",
    "raw",
    "endraw",
    "break",
    "continue",
    "filter",
    "endfilter",
    "loop",
    "super",
    "body",
    "ignore",
    "missing",
    "with",
    "__tera_context",
];

/// Walks through a template and notes what is not in the catalogue.
pub struct Reader<'s> {
    source: &'s str,
    further: &'static [Variable],
    bound: BTreeMap<String, Shape>,
    loops: usize,
    /// What was found so far.
    pub found: Found,
}

/// A piece of what stands between the braces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Token<'s> {
    /// A dotted path, with its place.
    Path(usize, &'s str),
    /// Anything else: one mark, a string or a number.
    Mark(char),
}

impl<'s> Reader<'s> {
    /// Begins at the start; `further` names are known besides.
    #[must_use]
    pub fn new(source: &'s str, further: &'static [Variable]) -> Self {
        Self { source, further, bound: BTreeMap::new(), loops: 0, found: Found::default() }
    }

    /// Reads all of it.
    pub fn read(&mut self) {
        let mut at = 0;
        while let Some(open) = self.source[at..].find('{').map(|found| found + at) {
            self.literal(at, open);
            let (close, is_block) = match self.source[open + 1..].chars().next() {
                Some('{') => ("}}", false),
                Some('%') => ("%}", true),
                Some('#') => {
                    at = self.source[open..].find("#}").map_or(self.source.len(), |end| open + end + 2);
                    continue;
                }
                _ => {
                    self.lose(open, 1);
                    at = open + 1;
                    continue;
                }
            };
            let end = self.end_of_tag(open + 2, close);
            let tokens = tokens(self.source, open + 2, end);
            at = self.source.len().min(end + if self.source[end..].starts_with(close) { 2 } else { 1 });
            if is_block && matches!(tokens.first(), Some(Token::Path(_, "raw"))) {
                at = self.after(self.after(at, "endraw"), "%}");
            } else {
                self.tag(&tokens, is_block, open);
            }
        }
        self.literal(at, self.source.len());
    }

    /// Where what follows the next `word` begins.
    fn after(&self, at: usize, word: &str) -> usize {
        self.source[at..].find(word).map_or(self.source.len(), |found| at + found + word.len())
    }

    /// Text outside every tag: it should have no closing brace.
    fn literal(&mut self, from: usize, until: usize) {
        let text = &self.source[from..until];
        if let Some(first) = text.find('}') {
            let run = text[first..].bytes().take_while(|byte| *byte == b'}').count();
            let marked = text[..first].ends_with(['%', '#']);
            self.lose(from + first - usize::from(marked), run + usize::from(marked));
            self.literal(from + first + run, until);
        }
    }

    fn lose(&mut self, start: usize, length: usize) {
        let same_line = |(last, _): &(usize, usize)| !self.source[*last..start].contains('\n');
        if !self.found.lost.last().is_some_and(same_line) {
            self.found.lost.push((start, length));
        }
    }

    /// Where the tag closes; a string in it may hold the closing marks.
    fn end_of_tag(&self, start: usize, close: &str) -> usize {
        let mut quote = None;
        for (offset, c) in self.source[start..].char_indices() {
            match quote {
                Some(open) => quote = Some(open).filter(|open| *open != c),
                None if "\"'`".contains(c) => quote = Some(c),
                None if self.source[start + offset..].starts_with(close) => return start + offset,
                // Tera says that the second brace is missing; what follows
                // is text again.
                None if c == '}' && close == "}}" => return start + offset,
                None => {}
            }
        }
        self.source.len()
    }

    fn tag(&mut self, tokens: &[Token<'s>], is_block: bool, at: usize) {
        let word = match tokens.first() {
            Some(Token::Path(_, word)) if is_block => *word,
            _ => "",
        };
        match word {
            "for" => {
                self.loops += 1;
                if self.loops > LOOPS_MAX && self.found.too_deep.is_none() {
                    self.found.too_deep = Some(at);
                }
                self.bind_loop(tokens);
            }
            "endfor" => self.loops = self.loops.saturating_sub(1),
            "set" | "set_global" => {
                if let Some(Token::Path(_, name)) = tokens.get(1) {
                    self.bound.insert((*name).to_owned(), Shape::Open);
                }
            }
            // What follows is a name of theirs, or a component's own.
            "block" | "endblock" | "component" | "endcomponent" | "filter" => return,
            _ => {}
        }
        self.paths(tokens);
    }

    /// `for item in items`, `for key, value in map`.
    fn bind_loop(&mut self, tokens: &[Token<'s>]) {
        let within = tokens.iter().position(|token| matches!(token, Token::Path(_, "in"))).unwrap_or(0);
        let element = match tokens.get(within + 1) {
            Some(Token::Path(_, path)) if within > 0 => match self.resolve(path) {
                Ok(Shape::Records(fields)) => Shape::Record(fields),
                Ok(Shape::Values) => Shape::Value,
                _ => Shape::Open,
            },
            _ => Shape::Open,
        };
        let one = within == 2;
        for token in tokens.get(1..within).unwrap_or_default() {
            if let Token::Path(_, name) = token {
                self.bound.insert((*name).to_owned(), if one { element } else { Shape::Open });
            }
        }
    }

    fn paths(&mut self, tokens: &[Token<'s>]) {
        for (index, token) in tokens.iter().enumerate() {
            let Token::Path(start, path) = *token else { continue };
            let before = index.checked_sub(1).and_then(|index| tokens.get(index));
            let after = tokens.get(index + 1);
            let named_argument = after == Some(&Token::Mark('='));
            let call = after == Some(&Token::Mark('('));
            let filter = before == Some(&Token::Mark('|')) || before == Some(&Token::Mark('.'));
            let test = match before {
                Some(Token::Path(_, "is")) => true,
                Some(Token::Path(_, "not")) => {
                    index >= 2 && matches!(tokens[index - 2], Token::Path(_, "is"))
                }
                _ => false,
            };
            let head = path.split('.').next().unwrap_or_default();
            if named_argument || call || filter || test || KEYWORDS.contains(&head) {
                continue;
            }
            if let Err(nearest) = self.resolve(path) {
                let path = path.to_owned();
                self.found.unknown.push(Unknown { start, length: path.len(), path, nearest });
            }
        }
    }

    /// What a path stands for, or the nearest one that exists.
    fn resolve(&self, path: &str) -> Result<Shape, Option<String>> {
        let mut parts = path.split('.');
        let head = parts.next().unwrap_or_default();
        let top = || VARIABLES.iter().chain(self.further);
        let bound = self.bound.get(head).copied();
        let known = || top().find(|variable| variable.name == head).map(|variable| variable.shape);
        let Some(mut shape) = bound.or_else(known) else {
            let near = nearest(head, top().map(|variable| variable.name));
            return Err(near.map(|name| path.replacen(head, name, 1)));
        };
        let mut known = head.to_owned();
        for part in parts {
            let fields = match shape {
                Shape::Record(fields) => fields,
                // `items.0` is one of them.
                Shape::Records(fields) if part.bytes().all(|b| b.is_ascii_digit()) => {
                    shape = Shape::Record(fields);
                    continue;
                }
                Shape::Values if part.bytes().all(|b| b.is_ascii_digit()) => {
                    shape = Shape::Value;
                    continue;
                }
                Shape::Open => return Ok(Shape::Open),
                Shape::Value | Shape::Values | Shape::Records(_) => return Err(Some(known)),
            };
            let Some(field) = fields.iter().find(|field| field.name == part) else {
                let near = nearest(part, fields.iter().map(|field| field.name));
                return Err(near.map(|name| format!("{known}.{name}")));
            };
            shape = field.shape;
            known = format!("{known}.{part}");
        }
        Ok(shape)
    }
}

fn tokens(source: &str, start: usize, end: usize) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = start;
    while let Some(c) = source[at..end].chars().next() {
        if "\"'`".contains(c) {
            let inner = &source[at + 1..end];
            at += inner.find(c).map_or(end - at, |close| close + 2);
            found.push(Token::Mark('"'));
        } else if c.is_ascii_alphabetic() || c == '_' {
            let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            let length = source[at..end].find(|c| !part(c)).unwrap_or(end - at);
            found.push(Token::Path(at, source[at..at + length].trim_end_matches('.')));
            at += length;
        } else if c == '=' && source[at..end].starts_with("==") {
            found.push(Token::Mark('~'));
            at += 2;
        } else {
            if !c.is_whitespace() {
                found.push(Token::Mark(c));
            }
            at += c.len_utf8();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::letter::catalogue::look;

    #[test]
    fn every_unknown_name_is_found_and_nothing_else() {
        for (source, expected) in [
            ("{{ receivable.number }} {{ today | date }}", vec![]),
            ("{{ receivable.numbr }}", vec![("receivable.numbr", Some("receivable.number"))]),
            ("{% if typo %}x{% endif %}", vec![("typo", None)]),
            ("{% if not many and deadlin is defined %}{% endif %}", vec![("deadlin", Some("deadline"))]),
            ("{% for item in items %}{{ item.due_on }}{{ item.due }}{% endfor %}", vec![("item.due", None)]),
            ("{% for t in totals %}{{ t | money }}{% endfor %}", vec![]),
            ("{{ customer.attributes.anything.goes }}", vec![]),
            ("{% set x = 1 %}{{ x }}{{ items.0.number }}{{ items[0].number }}", vec![]),
            ("{{ totals | join(sep=', ') }}{{ 'deadlin }}' }}{# typo #}", vec![]),
            ("{% raw %}{{ typo }}{% endraw %}{{ today.x }}", vec![("today.x", Some("today"))]),
            ("{%- if customer.contact_name == \"x\" -%}y{%- endif %}", vec![]),
            ("没有花括号 { 也行 {{ custmer.name }}", vec![("custmer.name", Some("customer.name"))]),
        ] {
            let found = look(source, &[]);
            let names: Vec<_> =
                found.unknown.iter().map(|name| (name.path.as_str(), name.nearest.as_deref())).collect();
            assert_eq!(names, expected, "{source}");
            for name in &found.unknown {
                assert_eq!(&source[name.start..name.start + name.length], name.path);
            }
        }
    }

    #[test]
    fn what_is_left_of_a_tag_that_lost_a_brace_is_found() {
        for (source, expected) in [
            ("{{ today | date }} {# { } #} {% raw %}{ x }}{% endraw %} {% if many %}a{% endif %}", vec![]),
            ("Dear { customer.greeting }},", vec!["{"]),
            ("Dear {customer.greeting},\n尊敬的 customer.greeting }}：", vec!["{", "}}"]),
            ("{ if many %}a{% endif %}\nif many %}", vec!["{", "%}"]),
            ("{{ today }}}", vec!["}"]),
        ] {
            let lost: Vec<&str> = look(source, &[])
                .lost
                .into_iter()
                .map(|(start, length)| &source[start..start + length])
                .collect();
            assert_eq!(lost, expected, "{source}");
        }
    }

    #[test]
    fn loops_nested_too_deep_are_found() {
        let deep = "{% for a in items %}{% for b in items %}{% for c in items %}{% endfor %}";
        assert!(look(deep, &[]).too_deep.is_some());
        let wide = "{% for a in items %}{% endfor %}".repeat(9);
        assert_eq!(look(&wide, &[]).too_deep, None);
    }
}
