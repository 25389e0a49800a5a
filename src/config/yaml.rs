//! From a text to a tree in which every key and value knows its place.
//!
//! One document of maps, lists and scalars. Anchors, aliases and tags are
//! refused: no setting needs them, and they are how a small file becomes a
//! large one.

mod lines;

use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, SpannedEventReceiver};

use self::lines::Lines;
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

    /// Where the value at the end of a path of keys stands, or the last key
    /// of the path that is there.
    pub fn nearest_to(&self, path: &[&str]) -> Option<At> {
        let (name, rest) = path.split_first()?;
        let Value::Map(entries) = &self.value else { return None };
        let (key, node) = entries.iter().find(|(key, _)| key.name == *name)?;
        let own = if matches!(node.value, Value::Scalar(_)) { &node.at } else { &key.at };
        Some(node.nearest_to(rest).unwrap_or_else(|| own.clone()))
    }

    /// Its content without layout, comments and the order of keys, so that
    /// reformatting a file does not look like a change.
    pub fn canonical(&self) -> String {
        Canonical(self).to_string()
    }
}

struct Canonical<'a>(&'a Node);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.value {
            Value::Null => f.write_str("~"),
            Value::Scalar(text) => write!(f, "{text:?}"),
            Value::List(items) => {
                f.write_str("[")?;
                items.iter().try_for_each(|item| write!(f, "{},", Canonical(item)))?;
                f.write_str("]")
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
                f.write_str("{")?;
                entries
                    .into_iter()
                    .try_for_each(|(key, value)| write!(f, "{:?}:{},", key.name, Canonical(value)))?;
                f.write_str("}")
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
    let special = |c: &char| "*&!@`%|>{[".contains(*c);
    let hint = match source.text[at.start..].chars().next().filter(special) {
        _ if at_end => "is a bracket, a quote or the rest of the file missing?".to_owned(),
        Some(c) => format!("a text that begins with {c} needs quotes"),
        None => {
            "is a quote, bracket or colon missing, here or in the line above? a text with a colon or # in it \
                 needs quotes"
                .to_owned()
        }
    };
    source.error(at, message).hint(hint)
}

/// A map or list that is not closed yet.
enum Open {
    List { at: At, items: Vec<Node> },
    Map { at: At, entries: Vec<(Key, Node)>, key: Pending },
}

/// The key whose value comes next.
enum Pending {
    /// None yet: what comes next is a key.
    Nothing,
    /// This one.
    Key(Key),
    /// One that was refused: its value is dropped.
    Refused,
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
                self.add(Node { at: self.lines.without_rest(at), value });
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_only(&at, anchor, tag.is_some());
                self.push(Open::List { at, items: Vec::new() });
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_only(&at, anchor, tag.is_some());
                self.push(Open::Map { at, entries: Vec::new(), key: Pending::Nothing });
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
            Some(Open::Map { entries, key, .. }) => match std::mem::replace(key, Pending::Nothing) {
                Pending::Nothing => *key = key_of(node, entries, self.source, &mut self.problems),
                Pending::Key(key) => entries.push((key, node)),
                Pending::Refused => {}
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

/// The key, or that it is refused, with a problem.
fn key_of(node: Node, entries: &[(Key, Node)], source: &Source, problems: &mut Vec<Problem>) -> Pending {
    let name = match node.value {
        Value::Scalar(name) => name,
        Value::Null | Value::List(_) | Value::Map(_) => {
            let message = format!("a key must be a word, and this is {}", node.value.what());
            problems.push(source.error(node.at, message).hint("a text that begins with { or [ needs quotes"));
            return Pending::Refused;
        }
    };
    if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name) {
        let line = source.line(first.at.start);
        let problem = source.error(node.at, format!("`{name}` is given twice"));
        problems.push(problem.hint(format!("it already stands in line {line}; keep one of them")));
        return Pending::Refused;
    }
    Pending::Key(Key { at: node.at, name })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Option<Node>, Vec<Problem>) {
        let mut problems = Vec::new();
        let node = parse(&Source::new("a.yaml", text), &mut problems);
        (node, problems)
    }

    /// Every key and scalar, with the text at its place.
    fn places<'t>(node: &Node, text: &'t str, found: &mut Vec<(String, &'t str)>) {
        match &node.value {
            Value::Null => {}
            Value::Scalar(value) => found.push((value.clone(), &text[node.at.clone()])),
            Value::List(items) => items.iter().for_each(|item| places(item, text, found)),
            Value::Map(entries) => {
                for (key, value) in entries {
                    found.push((key.name.clone(), &text[key.at.clone()]));
                    places(value, text, found);
                }
            }
        }
    }

    #[test]
    fn every_word_knows_its_place_behind_chinese_text_and_windows_line_ends() {
        let text = "# 按时付款的客户是榜样\r\n规则: 付款提醒   # 说明 🎉\r\nb: [一, \"二 \", {三: '四'}] # 五\r\n\
                    c:\r\n  - 六: 七 八\r\n    d: e\r\n  -   九\r\nf: \u{1F389} g\r\n";
        let (node, problems) = read(text);
        assert_eq!(problems, []);
        let mut found = Vec::new();
        places(&node.expect("a document"), text, &mut found);
        let quoted = [("二 ".to_owned(), "\"二 \""), ("四".to_owned(), "'四'")];
        for (value, at) in &found {
            assert!(value == at || quoted.contains(&(value.clone(), at)), "{value:?} at {at:?}");
        }
        assert_eq!(found.len(), 15);
    }

    #[test]
    fn what_follows_a_quoted_text_on_its_line_does_not_belong_to_it() {
        let text = "a: \"x \\\" # y\"   # \"z\"\nb: 'it''s # é'  # 'no'\nc: [\"\", '' # 'n'\n  , \"\\\\\"]\n\
                    d: \"two\n  lines\" # three\n\"e\" : '' # f\nends_on: \"2026-12-31\"               # the end\n";
        let (node, problems) = read(text);
        assert_eq!(problems, []);
        let mut found = Vec::new();
        places(&node.expect("a document"), text, &mut found);
        let written: Vec<&str> = found.iter().map(|(_, at)| *at).collect();
        let expected = [
            "a",
            "\"x \\\" # y\"",
            "b",
            "'it''s # é'",
            "c",
            "\"\"",
            "''",
            "\"\\\\\"",
            "d",
            "\"two\n  lines\"",
            "\"e\"",
            "''",
            "ends_on",
            "\"2026-12-31\"",
        ];
        assert_eq!(written, expected);
    }

    #[test]
    fn texts_over_several_lines_begin_at_their_place() {
        let text = "a: |\n  eins\n  zwei\nb: \"drei\n  vier\"\nc: fünf\n  sechs\n";
        let (node, problems) = read(text);
        assert_eq!(problems, []);
        let mut found = Vec::new();
        places(&node.expect("a document"), text, &mut found);
        let values: Vec<&str> = found.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, ["a", "eins\nzwei\n", "b", "drei vier", "c", "fünf sechs"]);
        assert_eq!(found[3].1, "\"drei\n  vier\"");
    }

    #[test]
    fn the_canonical_form_forgets_layout_and_order_and_nothing_else() {
        let canonical = |text: &str| read(text).0.expect("a document").canonical();
        assert_eq!(canonical("{b: [x, {d: ~}], a: '1'}"), r#"{"a":"1","b":["x",{"d":~,},],}"#);
        assert_eq!(canonical("a: 1\nb:\n- x\n- d:\n"), canonical("# c\nb: [x, {d: null}]\na: \"1\""));
        assert_ne!(canonical("a: [b, c]"), canonical("a: [c, b]"));
        assert_ne!(canonical("a: ['b,c']"), canonical("a: [b, c]"));
        assert_ne!(canonical("a: null"), canonical("a: 'null'"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_with_places_inside_it(
            text in "([-a-c:,?&*!|>'\"%@`#{}\\[\\] \n\r\t\u{feff}\u{85}\u{2028}催é0-9.+~\\\\]|: |- |\n  |---\n|\\.\\.\\.\n){0,60}"
        ) {
            let (node, problems) = read(&text);
            prop_assert!(node.is_some() || !problems.is_empty());
            for place in problems.iter().filter_map(|problem| problem.place.as_ref()) {
                prop_assert!(text.get(place.span.0..place.span.0 + place.span.1).is_some(), "{:?}", place.span);
            }
            if let Some(node) = node {
                places(&node, &text, &mut Vec::new());
            }
        }
    }
}
