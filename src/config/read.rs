//! From a tree to typed shapes: every problem is noted, and reading goes on.
//!
//! A shape is declared once by [`shape!`] or [`choice!`]; its keys, their
//! types and their descriptions serve the reader and the JSON Schema alike.

use schemars::{Schema, json_schema};

use super::source::{At, Source};
use super::yaml::{Key, Node, Value};
use crate::nearest::{did_you_mean, nearest};
use crate::problem::Problem;

/// Reads one file and collects what is wrong in it.
pub(super) struct Reader<'a> {
    /// The file.
    pub source: &'a Source,
    /// What was found so far.
    pub problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    /// Notes an error.
    pub fn error(&mut self, at: &At, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(self.source.error(at.clone(), message).hint(hint));
    }

    /// Notes a warning.
    pub fn warning(&mut self, at: &At, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(self.source.warning(at.clone(), message).hint(hint));
    }

    /// What stands at a place, without quotes.
    pub fn text(&self, at: &At) -> &str {
        self.source.text[at.clone()].trim_matches(['"', '\''])
    }

    /// Notes that something else was expected here.
    pub fn expected(&mut self, node: &Node, what: &str, hint: &str) {
        let message = format!("{what} is expected here, and this is {}", node.value.what());
        self.error(&one_line(self.source, &node.at), message, hint);
    }

    /// The entries of a map whose keys are all known; the others are noted
    /// with the nearest right word.
    pub fn keys<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Keys<'n>> {
        let Value::Map(entries) = &node.value else {
            let hint = format!("its keys are {}", known.join(", "));
            self.expected(node, &format!("a map with the keys of {what}"), &hint);
            return None;
        };
        let mut meant = Vec::new();
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let right = nearest(&key.name, known.iter().copied());
            let hint = right.map_or_else(
                || format!("its keys are {}", known.join(", ")),
                |right| format!("did you mean `{right}`?"),
            );
            self.error(&key.at, format!("`{}` is not a key of {what}", key.name), hint);
            meant.extend(right.map(str::to_owned));
        }
        Some(Keys { node, entries, meant })
    }
}

impl Reader<'_> {
    /// The one entry of a map that must have exactly one of `known`.
    pub fn only_key<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<(&'n str, &'n Node)> {
        let keys = self.keys(node, what, known)?;
        let mut good = keys.entries.iter().filter(|(key, _)| known.contains(&key.name.as_str()));
        match (good.next(), good.next()) {
            (Some((key, value)), None) => Some((&key.name, value)),
            (None, _) => {
                if keys.entries.is_empty() {
                    self.error(
                        &node.at,
                        format!("{what} needs one key"),
                        format!("one of {}", known.join(", ")),
                    );
                }
                None
            }
            (Some(_), Some((second, _))) => {
                let message = format!("{what} has one key, and `{}` is a second", second.name);
                self.error(&second.at, message, format!("keep one of {}", known.join(", ")));
                None
            }
        }
    }
}

/// The part of a place that stands on its first line: a whole map underlined
/// is no help.
fn one_line(source: &Source, at: &At) -> At {
    let text = &source.text[at.clone()];
    at.start..at.start + text.lines().next().map_or(0, str::len)
}

/// A map being read.
pub(super) struct Keys<'n> {
    node: &'n Node,
    entries: &'n [(Key, Node)],
    /// The right words of misspelt keys: they are not missing, too.
    meant: Vec<String>,
}

impl Keys<'_> {
    /// The value of a key. Nothing behind a key is like no key.
    pub fn get<T: Read>(&self, name: &str, what: &str, reader: &mut Reader<'_>) -> Option<T> {
        let given = self.entries.iter().find(|(key, _)| key.name == name);
        match given.filter(|(_, node)| !matches!(node.value, Value::Null)) {
            Some((_, node)) => T::read(node, reader),
            None => T::absent().or_else(|| {
                self.note_missing(name, what, given.map(|(key, _)| &key.at), reader);
                None
            }),
        }
    }
}

impl Keys<'_> {
    fn note_missing(&self, name: &str, what: &str, empty: Option<&At>, reader: &mut Reader<'_>) {
        if self.meant.iter().any(|meant| meant == name) {
            return;
        }
        let at = empty.cloned().unwrap_or_else(|| one_line(reader.source, &self.node.at));
        reader.error(&at, format!("{what} needs the key `{name}`"), format!("add `{name}: …`"));
    }
}

/// What can be read from a node.
pub(super) trait Read: Sized {
    /// Reads it; `None` after noting why not.
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self>;

    /// What stands for a missing key; `None` where the key is needed.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Read> Read for Option<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(T::read(node, reader))
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read> Read for Box<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        T::read(node, reader).map(Self::new)
    }
}

/// A list. What can't be read of it is noted and left out.
impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|item| T::read(item, reader)).collect()),
            Value::Null | Value::Scalar(_) | Value::Map(_) => {
                reader.expected(node, "a list", "write [a, b], or one line with a hyphen for each");
                None
            }
        }
    }
}

/// What is wrong with a text, and what to do.
pub(super) struct Complaint {
    /// One sentence.
    pub message: String,
    /// The nearest right word, or how to write it.
    pub hint: Option<String>,
}

impl<E: std::error::Error> From<E> for Complaint {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), hint: None }
    }
}

impl Complaint {
    /// With a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// "`x` is not a class", with the nearest one or all of them.
pub(super) fn not_a_word(text: &str, what: &str, words: &[&str]) -> Complaint {
    let message = format!("`{text}` is not {what}");
    let hint = did_you_mean(text, words.iter().copied()).unwrap_or_else(|| match words {
        [only] => format!("write `{only}`"),
        _ => format!("write one of {}", words.join(", ")),
    });
    Complaint::new(message, hint)
}

/// A value written as one text.
pub(super) trait Scalar: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    fn parse(text: &str) -> Result<Self, Complaint>;

    /// What an editor should accept.
    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

/// Declares a map of known keys: a struct whose fields are [`Read`], what a
/// person calls it, and the description of each key.
macro_rules! shape {
    (
        $what:literal
        $(#[$meta:meta])*
        struct $name:ident { $($(#[$field_meta:meta])* $key:ident: $type:ty),+ $(,)? }
    ) => {
        #[derive(Clone, Debug, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        $(#[$meta])*
        pub(super) struct $name { $($(#[$field_meta])* pub $key: $type),+ }

        impl $crate::config::read::Read for $name {
            fn read(
                node: &$crate::config::yaml::Node,
                reader: &mut $crate::config::read::Reader<'_>,
            ) -> Option<Self> {
                let names = [$(stringify!($key).trim_start_matches("r#")),+];
                let keys = reader.keys(node, $what, &names)?;
                // All keys are read before the first missing one gives up.
                $(let $key = keys.get(stringify!($key).trim_start_matches("r#"), $what, reader);)+
                Some(Self { $($key: $key?),+ })
            }
        }
    };
}

/// Declares a map with exactly one of several keys.
macro_rules! choice {
    (
        $what:literal
        $(#[$meta:meta])*
        enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident($type:ty) = $key:literal),+ $(,)? }
    ) => {
        #[derive(Clone, Debug, schemars::JsonSchema)]
        $(#[$meta])*
        pub(super) enum $name { $($(#[$variant_meta])* #[schemars(rename = $key)] $variant($type)),+ }

        impl $crate::config::read::Read for $name {
            fn read(
                node: &$crate::config::yaml::Node,
                reader: &mut $crate::config::read::Reader<'_>,
            ) -> Option<Self> {
                let names = [$($key),+];
                let (key, value) = reader.only_key(node, $what, &names)?;
                match key {
                    $($key => <$type as $crate::config::read::Read>::read(value, reader).map(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Declares how an enum is written: one word per value.
macro_rules! words {
    ($what:literal $type:ty { $($word:literal => $value:expr),+ $(,)? }) => {
        impl $crate::config::read::Scalar for $type {
            fn parse(text: &str) -> Result<Self, $crate::config::read::Complaint> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err($crate::config::read::not_a_word(text, $what, &[$($word),+])),
                }
            }

            fn schema() -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

pub(super) use {choice, shape, words};
