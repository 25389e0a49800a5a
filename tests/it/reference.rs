//! The page on the YAML files, `docs/reference.md`, is written from the
//! schemas that editors read. After a change of a key or of what is said
//! about it: `COURTESY_WRITE=1 cargo test reference`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use courtesy::config::{YamlFile, schema};
use serde_json::Value;

use crate::support::repository;

const HEAD: &str = "\
# The YAML files, key by key

This page is written from the JSON Schemas that editors read (`courtesy schema --write`), so it says
what they say. A key that is not marked *required* may be left out. Durations are a number and a
unit: `10min`, `2h`, `3d`, `5bd` (business days), `6mo`, `1y`; stages carry a sign, `-7d` or `+3d`.
`courtesy check` underlines what does not fit, and says what would.
";

/// The files, where they lie, and what they are called here.
const FILES: [(YamlFile, &str); 4] = [
    (YamlFile::Courtesy, "`config/courtesy.yaml`"),
    (YamlFile::Rule, "`config/rules/*.yaml`"),
    (YamlFile::Calendar, "`config/calendars/*.yaml`"),
    (YamlFile::Testimonials, "`config/testimonials.yaml`"),
];

/// One schema, and what has been explained of it already.
struct Page<'a> {
    root: &'a Value,
    explained: BTreeSet<&'a str>,
    text: String,
}

impl<'a> Page<'a> {
    fn target(&self, reference: &str) -> &'a Value {
        let name = reference.strip_prefix("#/definitions/").expect("a definition");
        &self.root["definitions"][name]
    }

    /// What a value may be: every alternative, references followed.
    fn alternatives(&self, of: &'a Value) -> Vec<&'a Value> {
        if let Some(reference) = of["$ref"].as_str() {
            return self.alternatives(self.target(reference));
        }
        let several = ["anyOf", "oneOf", "allOf"].iter().find_map(|word| of[*word].as_array());
        match several {
            Some(several) => several.iter().flat_map(|one| self.alternatives(one)).collect(),
            None => vec![of],
        }
    }

    /// The names of definitions that a value is made of.
    fn names(of: &'a Value) -> Vec<&'a str> {
        if let Some(reference) = of["$ref"].as_str() {
            return vec![reference];
        }
        let parts = ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| of[*word].as_array()).flatten();
        let parts = parts.chain(of.get("items")).chain(of.get("additionalProperties"));
        parts.flat_map(Self::names).collect()
    }

    /// What may be written, in words.
    fn kind(&self, of: &'a Value) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for one in self.alternatives(of) {
            for kind in self.kinds_of_one(one) {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        // YAML reads `1.0` and `yes` as what they look like, and text is meant.
        if kinds.iter().any(|kind| kind == "text") {
            kinds.retain(|kind| kind != "number" && kind != "`true` or `false`");
        }
        kinds.join(" or ")
    }

    fn kinds_of_one(&self, one: &'a Value) -> Vec<String> {
        if let Some(words) = one["enum"].as_array() {
            return words.iter().filter(|word| !word.is_null()).map(quoted).collect();
        }
        if !one["const"].is_null() {
            return vec![quoted(&one["const"])];
        }
        let types: Vec<&str> = match &one["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        types
            .into_iter()
            .filter_map(|kind| match kind {
                "null" => None,
                "boolean" => Some("`true` or `false`".to_owned()),
                "integer" => Some(number("whole number", one)),
                "number" => Some(number("number", one)),
                "array" => Some(format!("list of {}", self.kind(&one["items"]))),
                "object" if one["properties"].is_object() => Some("block".to_owned()),
                "object" => Some(format!("names, each with {}", self.kind(&one["additionalProperties"]))),
                _ if one["pattern"].as_str() == Some("@") => Some("address".to_owned()),
                _ => Some("text".to_owned()),
            })
            .collect()
    }

    /// The keys of a value, each with those below it.
    fn keys(&mut self, of: &'a Value, depth: usize) {
        let alternatives = self.alternatives(of);
        let choice = alternatives.iter().filter(|one| one["properties"].is_object()).count() > 1;
        for one in alternatives {
            for below in [&one["items"], &one["additionalProperties"]] {
                if below.is_object() {
                    self.keys(below, depth);
                }
            }
            let Some(properties) = one["properties"].as_object() else { continue };
            let required: Vec<&str> =
                one["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, property) in properties {
                let needed = match (choice, required.contains(&name.as_str())) {
                    (true, true) => ", *one of these*",
                    (false, true) => ", *required*",
                    (_, false) => "",
                };
                self.key(name, property, needed, depth);
            }
        }
    }

    fn key(&mut self, name: &str, of: &'a Value, needed: &str, depth: usize) {
        let indent = "  ".repeat(depth);
        let kind = self.kind(of);
        let said = of["description"].as_str().unwrap_or_default().replace('\n', " ");
        assert!(!said.is_empty(), "{name} is explained");
        let examples = of["examples"].as_array().into_iter().flatten().map(quoted).collect::<Vec<_>>();
        let examples =
            if examples.is_empty() { String::new() } else { format!(" Like {}.", examples.join(", ")) };
        writeln!(self.text, "{indent}- **`{name}`** ({kind}{needed}): {said}{examples}").expect("a line");
        let names = Self::names(of);
        // What refers to itself is explained once.
        if names.iter().any(|name| self.explained.contains(name)) {
            return;
        }
        self.explained.extend(&names);
        self.keys(of, depth + 1);
        for name in names {
            self.explained.remove(name);
        }
    }
}

fn number(kind: &str, of: &Value) -> String {
    match (of["minimum"].as_i64(), of["maximum"].as_i64()) {
        (Some(least), Some(most)) => format!("{kind} from {least} to {most}"),
        (Some(least), None) => format!("{kind} from {least}"),
        _ => kind.to_owned(),
    }
}

fn quoted(value: &Value) -> String {
    match value.as_str() {
        Some(text) => format!("`{text}`"),
        None => format!("`{value}`"),
    }
}

fn written() -> String {
    let mut text = HEAD.to_owned();
    for (file, name) in FILES {
        let root = schema(file);
        let said = root["description"].as_str().expect("a description");
        write!(text, "\n## {name}\n\n{said}\n\n").expect("a heading");
        let mut page = Page { root: &root, explained: BTreeSet::new(), text: String::new() };
        page.keys(&root, 0);
        text.push_str(&page.text);
    }
    text
}

#[test]
fn the_reference_says_what_the_schemas_say() {
    let file = repository("docs/reference.md");
    let written = written();
    if std::env::var_os("COURTESY_WRITE").is_some() {
        fs::write(&file, &written).expect("written");
    }
    let found = fs::read_to_string(&file).expect("the page");
    assert!(found == written, "docs/reference.md is of before: COURTESY_WRITE=1 cargo test reference");
}
