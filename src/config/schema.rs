//! The JSON Schema of every file people write, for completion in an editor.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::calendar::RawCalendar;
use super::courtesy_shape::RawCourtesy;
use super::rule_shape::RawRule;
use super::testimonials::RawTestimonials;

/// A sort of file that people write in YAML.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum YamlFile {
    /// `courtesy.yaml`.
    Courtesy,
    /// A file of the folder of rules.
    Rule,
    /// A file of working days.
    Calendar,
    /// What customers say.
    Testimonials,
}

impl YamlFile {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Courtesy, Self::Rule, Self::Calendar, Self::Testimonials];

    /// The word for it, which is also the name of its schema's file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Courtesy => "config",
            Self::Rule => "rule",
            Self::Calendar => "calendar",
            Self::Testimonials => "testimonials",
        }
    }
}

/// The schema of a file: draft 7, the latest that editors know all of.
#[must_use]
pub fn schema(of: YamlFile) -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let schema = match of {
        YamlFile::Courtesy => generator.into_root_schema_for::<RawCourtesy>(),
        YamlFile::Rule => generator.into_root_schema_for::<RawRule>(),
        YamlFile::Calendar => generator.into_root_schema_for::<RawCalendar>(),
        YamlFile::Testimonials => generator.into_root_schema_for::<RawTestimonials>(),
    };
    let mut schema = schema.to_value();
    polish(&mut schema);
    schema
}

/// Makes the schema read well in an editor: a line end in a description would
/// be taken for a paragraph, and where a map has one of several keys, the
/// words for each stand beside it and not with the key.
fn polish(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            describe_only_key(map);
            if let Some(Value::String(text)) = map.get("description").cloned() {
                // Of a plain description the YAML language server shows the backticks themselves.
                map.insert("markdownDescription".to_owned(), text.into());
            }
            map.values_mut().for_each(polish);
        }
        Value::Array(items) => items.iter_mut().for_each(polish),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Gives the only key of a map the map's own description, if it has none.
fn describe_only_key(map: &mut Map<String, Value>) {
    let Some(Value::String(words)) = map.get("description").cloned() else { return };
    let Some(Value::Object(properties)) = map.get_mut("properties") else { return };
    let mut keys = properties.values_mut();
    let (Some(Value::Object(key)), None) = (keys.next(), keys.next()) else { return };
    if key.contains_key("description") {
        return;
    }
    // Draft 7 looks at nothing beside a `$ref`.
    if let Some(reference) = key.remove("$ref") {
        key.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
    key.insert("description".to_owned(), words.into());
}
