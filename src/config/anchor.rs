//! What a rule counts from: one anchor, or a list of events.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::forms::{Many, Spot};
use super::read::{Complaint, Read, Reader, Scalar, not_a_word};
use super::yaml::{Node, Value};
use crate::domain::rule::{Anchor, ReceivableDate};

/// One anchor, or several events.
#[derive(Clone, Debug)]
pub(super) struct RawAnchor(pub Spot<Anchor>);

impl Read for RawAnchor {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Many { items, at } = Many::<Spot<Anchor>>::read(node, reader)?;
        if !matches!(node.value, Value::List(_)) {
            return items.into_iter().next().map(Self);
        }
        let mut kinds: Vec<String> = Vec::new();
        for item in items {
            match item.value {
                Anchor::Event(of_item) => {
                    let (known, new): (Vec<_>, Vec<_>) =
                        of_item.into_iter().partition(|kind| kinds.contains(kind));
                    for kind in known {
                        let message = format!("`event.{kind}` is named twice");
                        reader.error(&item.at, message, "name every event once");
                    }
                    kinds.extend(new);
                }
                other @ (Anchor::Receivable(_) | Anchor::Payment | Anchor::Calendar) => {
                    let message = format!("`{other}` can't stand in a list of anchors");
                    reader.error(&item.at, message, "only events can; make it a rule of its own");
                }
            }
        }
        (!kinds.is_empty()).then_some(Self(Spot { value: Anchor::Event(kinds), at }))
    }
}

impl JsonSchema for RawAnchor {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Anchor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let (one, event) = (Anchor::schema(), EventName::schema());
        json_schema!({ "anyOf": [one, { "type": "array", "minItems": 1, "uniqueItems": true, "items": event }] })
    }
}

/// A kind of event behind `event.`.
#[derive(Clone, Debug)]
pub(super) struct EventName(pub String);

impl Scalar for EventName {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let kind = text.strip_prefix("event.").ok_or_else(|| {
            Complaint::new(format!("`{text}` is not an event"), format!("write `event.{text}`"))
        })?;
        let good = kind.starts_with(|c: char| c.is_alphabetic())
            && kind.chars().all(|c| (c.is_alphanumeric() && !c.is_uppercase()) || matches!(c, '_' | '-'));
        if good {
            return Ok(Self(kind.to_owned()));
        }
        let hint = "write event. and a kind in small letters, like event.visit";
        Err(Complaint::new(format!("`{text}` is not an event"), hint))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^event\\..+$" })
    }
}

/// Every anchor that is one fixed word.
const ANCHORS: [Anchor; 7] = [
    Anchor::Receivable(ReceivableDate::DueOn),
    Anchor::Receivable(ReceivableDate::IssuedOn),
    Anchor::Receivable(ReceivableDate::PromisedOn),
    Anchor::Receivable(ReceivableDate::LimitationOn),
    Anchor::Receivable(ReceivableDate::SettledOn),
    Anchor::Payment,
    Anchor::Calendar,
];

impl Scalar for Anchor {
    fn parse(text: &str) -> Result<Self, Complaint> {
        if text.starts_with("event.") {
            return EventName::parse(text).map(|kind| Self::Event(vec![kind.0]));
        }
        ANCHORS.into_iter().find(|anchor| anchor.to_string() == text).ok_or_else(|| {
            let mut words: Vec<String> = ANCHORS.iter().map(ToString::to_string).collect();
            words.push("event.<kind>".to_owned());
            not_a_word(text, "an anchor", &words.iter().map(String::as_str).collect::<Vec<_>>())
        })
    }

    fn schema() -> Schema {
        let words: Vec<String> = ANCHORS.iter().map(ToString::to_string).collect();
        json_schema!({ "anyOf": [
            { "type": "string", "enum": words },
            { "type": "string", "pattern": "^event\\..+$" }
        ] })
    }
}
