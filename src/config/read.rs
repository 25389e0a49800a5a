//! From a tree to typed shapes: every problem is noted, and reading goes on.
//!
//! A shape is declared once by [`shape!`] or [`choice!`]; its keys, their
//! types and their descriptions serve the reader and the JSON Schema alike.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::nearest::nearest;
use super::source::{At, Source};
use super::yaml::{Node, Value};
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

    /// Notes that something else was expected here.
    fn expected(&mut self, node: &Node, what: &str) {
        let message = format!("{what} is expected here, and this is {}", node.value.what());
        self.problems.push(self.source.error(one_line(self.source, &node.at), message));
    }

    /// The entries of a map whose keys are all known; the others are noted
    /// with the nearest right word.
    pub fn keys<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Keys<'n>> {
        let Value::Map(entries) = &node.value else {
            self.expected(node, &format!("a map with the keys of {what}"));
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.name.as_str())) {
            let hint = nearest(&key.name, known.iter().copied()).map_or_else(
                || format!("its keys are {}", known.join(", ")),
                |right| format!("did you mean `{right}`?"),
            );
            self.error(&key.at, format!("`{}` is not a key of {what}", key.name), hint);
        }
        Some(Keys { node, entries })
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
    entries: &'n [(super::yaml::Key, Node)],
}

impl Keys<'_> {
    /// The value of a key. Nothing behind a key is like no key.
    pub fn get<T: Read>(&self, name: &str, what: &str, reader: &mut Reader<'_>) -> Option<T> {
        let given = self.entries.iter().find(|(key, _)| key.name == name);
        match given.filter(|(_, node)| !matches!(node.value, Value::Null)) {
            Some((_, node)) => T::read(node, reader),
            None => T::absent().or_else(|| {
                let at =
                    given.map_or_else(|| one_line(reader.source, &self.node.at), |(key, _)| key.at.clone());
                reader.error(&at, format!("{what} needs the key `{name}`"), format!("add `{name}: …`"));
                None
            }),
        }
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

/// A list. What can't be read of it is noted and left out.
impl<T: Read> Read for Vec<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|item| T::read(item, reader)).collect()),
            Value::Null | Value::Scalar(_) | Value::Map(_) => {
                reader.expected(node, "a list");
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

/// A value written as one text, with its place.
#[derive(Clone, Debug)]
pub(super) struct Spot<T> {
    /// What it means.
    pub value: T,
    /// Where it stands.
    pub at: At,
}

impl<T> Deref for Spot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Scalar> Read for Spot<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Scalar(text) = &node.value else {
            reader.expected(node, "a single value");
            return None;
        };
        match T::parse(text) {
            Ok(value) => Some(Self { value, at: node.at.clone() }),
            Err(complaint) => {
                let problem = reader.source.error(node.at.clone(), complaint.message);
                reader.problems.push(match complaint.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
                None
            }
        }
    }
}

impl<T: Scalar> JsonSchema for Spot<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

/// One value, or a list of them.
#[derive(Clone, Debug)]
pub(super) struct Many<T> {
    /// All of them, at least one unless something was wrong.
    pub items: Vec<T>,
    /// Where they stand.
    pub at: At,
}

impl<T: Read> Read for Many<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let items = match &node.value {
            Value::List(items) if items.is_empty() => {
                reader.error(&node.at, "the list is empty", "name at least one, or leave the key out");
                return None;
            }
            Value::List(items) => items.iter().filter_map(|item| T::read(item, reader)).collect(),
            Value::Null | Value::Scalar(_) | Value::Map(_) => vec![T::read(node, reader)?],
        };
        Some(Self { items, at: node.at.clone() })
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

/// A map whose keys the user chooses.
#[derive(Clone, Debug)]
pub(super) struct Table<T>(pub Vec<(Spot<String>, T)>);

impl<T: Read> Read for Table<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            reader.expected(node, "a map");
            return None;
        };
        let read = |(key, node): &(super::yaml::Key, Node)| {
            Some((Spot { value: key.name.clone(), at: key.at.clone() }, T::read(node, reader)?))
        };
        Some(Self(entries.iter().filter_map(read).collect()))
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Table_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "type": "object", "additionalProperties": one })
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
                    _ => Err($crate::config::nearest::not_a_word(text, $what, &[$($word),+])),
                }
            }

            fn schema() -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($word),+] })
            }
        }
    };
}

pub(super) use {choice, shape, words};

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
