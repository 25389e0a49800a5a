//! From a text to a tree in which every key and value knows its place.
//!
//! One document of maps, lists and scalars. Anchors, aliases and tags are
//! refused: no setting needs them, and they are how a small file becomes a
//! large one.

use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, SpannedEventReceiver};

use super::source::{At, Source};
use crate::problem::Problem;

/// How deep maps and lists may be nested; the deepest key has six levels.
const DEPTH_MAX: usize = 24;

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it stands, in bytes.
    pub at: At,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Nothing: `null`, `~`, or no text at all.
    Null,
    /// Text, as it is written, without quotes.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

impl Value {
    /// What a person calls it.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map of keys",
        }
    }
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Where it stands, in bytes.
    pub at: At,
    /// The word.
    pub name: String,
}

impl Node {
    /// The text at the end of a path of keys, for the few values that are
    /// needed even where the rest of a file is wrong.
    pub fn text_at(&self, path: &[&str]) -> Option<(&str, At)> {
        match (&self.value, path.split_first()) {
            (Value::Scalar(text), None) => Some((text, self.at.clone())),
            (Value::Map(entries), Some((name, rest))) => {
                entries.iter().find(|(key, _)| key.name == *name)?.1.text_at(rest)
            }
            _ => None,
        }
    }

    /// Its content without layout, comments and the order of keys, so that
    /// reformatting a file does not look like a change.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out
    }

    fn write_canonical(&self, out: &mut String) {
        match &self.value {
            Value::Null => out.push('~'),
            Value::Scalar(text) => out.push_str(&format!("{text:?}")),
            Value::List(items) => {
                out.push('[');
                for item in items {
                    item.write_canonical(out);
                    out.push(',');
                }
                out.push(']');
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
                out.push('{');
                for (key, value) in entries {
                    out.push_str(&format!("{:?}:", key.name));
                    value.write_canonical(out);
                    out.push(',');
                }
                out.push('}');
            }
        }
    }
}

/// Reads one document, or what there is of it where the problems allow to
/// look further: a key given twice must not hide the rest.
pub(super) fn parse(source: &Source, problems: &mut Vec<Problem>) -> Option<Node> {
    let before = before_parsing(source);
    if !before.is_empty() {
        problems.extend(before);
        return None;
    }
    let mut builder = Builder::new(source);
    let mut parser = Parser::new_from_str(&source.text);
    loop {
        match parser.next_event() {
            None | Some(Ok((Event::StreamEnd, _))) => break,
            Some(Ok((event, span))) => builder.on_event(event, span),
            Some(Err(error)) => {
                let at = builder.lines.at(*error.marker());
                builder.problems.push(malformed(source, at, error.info()));
                builder.stopped = true;
            }
        }
        if builder.stopped {
            break;
        }
    }
    let (root, found) = builder.finish();
    problems.extend(found);
    root
}

/// What can be said without a parser, in words that it does not have.
fn before_parsing(source: &Source) -> Vec<Problem> {
    let text = &*source.text;
    if text.starts_with('\u{feff}') {
        let problem = source.error(0..3, "the file begins with a byte-order mark");
        return vec![problem.hint("save it as UTF-8 without BOM")];
    }
    let mut problems = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let rest = line[indent..].trim_end();
        if let Some(tab) = line[..indent].find('\t').filter(|_| !rest.is_empty() && !rest.starts_with('#')) {
            let at = start + tab..start + tab + 1;
            problems
                .push(source.error(at, "a tab in the indentation").hint("YAML is indented with spaces only"));
        }
        start += line.len();
    }
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if let Some((at, c)) = text.char_indices().find(|(_, c)| control(*c)) {
        let name = format!("a control character (U+{:04X}) in the file", u32::from(c));
        problems.push(source.error(at..at + c.len_utf8(), name).hint("delete it"));
    }
    problems
}

fn malformed(source: &Source, at: At, info: &str) -> Problem {
    let at_end = source.text[at.start..].trim().is_empty();
    let (at, message) = if at_end {
        let end = source.text.trim_end().len();
        let last = source.text[..end].char_indices().next_back().map_or(0, |(start, _)| start);
        (last..end, format!("the file breaks off here: {info}"))
    } else {
        (at, format!("this can't be read as YAML: {info}"))
    };
    let hint = if at_end {
        "is a bracket, a quote or the rest of the file missing?"
    } else {
        "look for a missing quote, bracket or colon here or in the line above; text with `: ` or ` #` needs quotes"
    };
    source.error(at, message).hint(hint)
}

/// Where lines begin, to turn the parser's line and column into bytes.
struct Lines {
    text: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &Arc<str>) -> Self {
        let bytes = text.as_bytes();
        let breaks = bytes
            .iter()
            .enumerate()
            .filter(|&(at, &byte)| byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
        let starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text: Arc::clone(text), starts }
    }

    fn byte(&self, marker: Marker) -> usize {
        let Some(&start) = self.starts.get(marker.line().saturating_sub(1)) else { return self.text.len() };
        let rest = &self.text[start..];
        start + rest.char_indices().nth(marker.col()).map_or(rest.len(), |(at, _)| at)
    }

    /// The one character at a marker, or the last of the text.
    fn at(&self, marker: Marker) -> At {
        let start = self.byte(marker);
        let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
        start..start + length
    }

    fn span(&self, span: Span) -> At {
        let start = self.byte(span.start);
        let end = self.byte(span.end).max(start);
        let trimmed = self.text[start..end].trim_end().len();
        start..start + trimmed
    }
}

/// A map or list that is not closed yet.
enum Open {
    List { at: At, items: Vec<Node> },
    Map { at: At, entries: Vec<(Key, Node)>, key: Option<Option<Key>> },
}

struct Builder<'a> {
    source: &'a Source,
    lines: Lines,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    problems: Vec<Problem>,
    stopped: bool,
}

impl<'input> SpannedEventReceiver<'input> for Builder<'_> {
    fn on_event(&mut self, event: Event<'input>, span: Span) {
        let at = self.lines.span(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => self.document(at),
            Event::Alias(_) => {
                self.refuse(at, "an alias", "write the value out; `*` at the start of a text needs quotes");
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_only(&at, anchor, tag.is_some());
                let null =
                    style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if null { Value::Null } else { Value::Scalar(text.into_owned()) };
                self.add(Node { at, value });
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_only(&at, anchor, tag.is_some());
                self.push(Open::List { at, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_only(&at, anchor, tag.is_some());
                self.push(Open::Map { at, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(&at),
        }
    }
}

impl<'a> Builder<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            lines: Lines::new(&source.text),
            open: Vec::new(),
            root: None,
            documents: 0,
            problems: Vec::new(),
            stopped: false,
        }
    }

    fn document(&mut self, at: At) {
        self.documents += 1;
        if self.documents == 2 {
            let problem = self.source.error(at, "a second document in one file");
            self.problems
                .push(problem.hint("one file holds one document; put this one into a file of its own"));
            self.stopped = true;
        }
    }

    fn plain_only(&mut self, at: &At, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse(
                at.clone(),
                "an anchor",
                "write the value out; `&` at the start of a text needs quotes",
            );
        }
        if tagged {
            self.refuse(at.clone(), "a tag", "leave it out; `!` at the start of a text needs quotes");
        }
    }

    fn refuse(&mut self, at: At, what: &str, hint: &str) {
        let problem = self.source.error(at, format!("{what} of YAML, which is not used here"));
        self.problems.push(problem.hint(hint));
        self.stopped = true;
    }

    fn push(&mut self, open: Open) {
        if self.open.len() == DEPTH_MAX {
            let at = match open {
                Open::List { at, .. } | Open::Map { at, .. } => at,
            };
            self.problems.push(self.source.error(at, "nested too deeply to be a setting"));
            self.stopped = true;
            return;
        }
        self.open.push(open);
    }

    fn close(&mut self, end: &At) {
        let node = match self.open.pop() {
            Some(Open::List { at, items }) => {
                Node { at: at.start..end.end.max(at.end), value: Value::List(items) }
            }
            Some(Open::Map { at, entries, .. }) => {
                let start = entries.first().map_or(at.start, |(key, _)| key.at.start.min(at.start));
                Node { at: start..end.end.max(at.end), value: Value::Map(entries) }
            }
            None => return,
        };
        self.add(node);
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(key_of(node, entries, self.source, &mut self.problems)),
                Some(Some(key)) => entries.push((key, node)),
                Some(None) => {}
            },
        }
    }

    fn finish(mut self) -> (Option<Node>, Vec<Problem>) {
        let root = self.root.filter(|root| !self.stopped && !matches!(root.value, Value::Null));
        if root.is_none() && self.problems.is_empty() {
            let problem = Problem::error(self.source.file.clone(), "the file is empty");
            self.problems.push(problem.hint("fill it in, or remove it"));
        }
        (root, self.problems)
    }
}

/// The key, or `None` with a problem where it is none: its value is dropped.
fn key_of(node: Node, entries: &[(Key, Node)], source: &Source, problems: &mut Vec<Problem>) -> Option<Key> {
    let name = match node.value {
        Value::Scalar(name) => name,
        Value::Null | Value::List(_) | Value::Map(_) => {
            let message = format!("a key must be a word, and this is {}", node.value.what());
            problems.push(source.error(node.at, message));
            return None;
        }
    };
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name) {
        let line = source.line(first.at.start);
        let problem = source.error(node.at, format!("`{name}` is given twice"));
        problems.push(problem.hint(format!("it already stands in line {line}; keep one of them")));
        return None;
    }
    Some(Key { at: node.at, name })
}
