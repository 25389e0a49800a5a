//! The file of what customers say about us.

use std::path::Path;

use schemars::JsonSchema;

use super::forms::Spot;
use super::read::{Read, Reader, shape};
use super::scalars::Locale;
use super::source::Source;
use super::yaml::{self, Node};
use crate::letter::{QUOTE_CHARS_MAX, Testimonial};
use crate::problem::Problem;

/// `testimonials.yaml`: what customers say about us, for letters that show
/// it to others of their trade. Ask them before you print it.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(rename = "Testimonials")]
pub(super) struct RawTestimonials(Vec<RawTestimonial>);

impl Read for RawTestimonials {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Vec::read(node, reader).map(Self)
    }
}

shape! { "a testimonial"
/// What one customer says.
#[schemars(rename = "Testimonial")]
struct RawTestimonial {
    /// The words, without quotation marks; at most 500 characters.
    quote: Spot<String>,
    /// Whose they are, as it may be shown.
    name: Spot<String>,
    /// The segment to whose customers it is shown first; what has none comes
    /// after it.
    segment: Option<Spot<String>>,
    /// The language it is written in, like en or zh-CN: letters in others do
    /// not show it. Any letter if not said.
    locale: Option<Spot<Locale>>,
} }

/// Reads the file.
pub(super) fn load(file: &Path, problems: &mut Vec<Problem>) -> Vec<Testimonial> {
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let Some(node) = yaml::parse(&source, problems) else { return Vec::new() };
    let mut reader = Reader { source: &source, problems };
    let Some(RawTestimonials(all)) = RawTestimonials::read(&node, &mut reader) else { return Vec::new() };
    all.iter().map(|raw| checked(raw, &mut reader)).collect()
}

fn checked(raw: &RawTestimonial, reader: &mut Reader<'_>) -> Testimonial {
    let length = raw.quote.chars().count();
    if length > QUOTE_CHARS_MAX {
        let message = format!("the quote has {length} characters, and a letter shows {QUOTE_CHARS_MAX}");
        reader.error(&raw.quote.at, message, "choose its best sentence");
    }
    Testimonial {
        quote: raw.quote.value.clone(),
        name: raw.name.value.clone(),
        segment: raw.segment.as_ref().map(|segment| segment.value.clone()),
        locale: raw.locale.as_ref().map(|locale| locale.value.0.clone()),
    }
}
