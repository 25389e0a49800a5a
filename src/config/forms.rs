//! The forms a value can take: one text, a list, one or many, a table.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Read, Reader, Scalar};
use super::source::At;
use super::yaml::{Key, Node, Value};

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
            let hint = "write one value; a text that begins with { or [ needs quotes";
            reader.expected(node, "a single value", hint);
            return None;
        };
        match T::parse(text) {
            Ok(value) => Some(Self { value, at: node.at.clone() }),
            Err(complaint) => {
                let problem = reader.source.error(node.at.clone(), shortened(complaint.message));
                reader.problems.push(match complaint.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
                None
            }
        }
    }
}

/// A message quotes the wrong value, which may be a whole file.
fn shortened(message: String) -> String {
    const LENGTH_MAX: usize = 300;
    match message.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
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
            reader.expected(node, "a map", "write { name: value }");
            return None;
        };
        let read = |(key, node): &(Key, Node)| {
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

/// What stands behind a key that is given, even where it can't be read, so
/// that a key with a wrong value is not taken for a missing one.
#[derive(Clone, Debug)]
pub(super) struct Given<T>(pub Option<T>);

impl<T: Read> Read for Given<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(T::read(node, reader)))
    }
}

impl<T: JsonSchema> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A list of at least one.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub Vec<T>);

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Read> Read for List<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            reader.error(&node.at, "the list is empty", "add at least one");
            return None;
        }
        Vec::read(node, reader).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("List_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "minItems": 1, "items": one })
    }
}
