//! The JSON Schema of every file people write, for completion in an editor.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::calendar::RawCalendar;
use super::courtesy_shape::RawCourtesy;
use super::rule_shape::RawRule;
use super::testimonials::RawTestimonials;

/// One schema (draft 2020-12) for `courtesy.yaml`, rules, calendars and
/// testimonials, told apart by their keys; each is also found alone under
/// `#/$defs/Courtesy`, `#/$defs/Rule`, `#/$defs/Calendar` and
/// `#/$defs/Testimonials`.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let any_of = [
        generator.subschema_for::<RawCourtesy>(),
        generator.subschema_for::<RawRule>(),
        generator.subschema_for::<RawCalendar>(),
        generator.subschema_for::<RawTestimonials>(),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Courtesy: courtesy.yaml, rules, calendars and testimonials",
        "anyOf": any_of,
        "$defs": generator.take_definitions(true),
    })
}
