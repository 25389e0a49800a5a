//! The three Tera engines: subjects, Markdown and HTML, each with its own
//! escaping, the same filters, and no way to be told otherwise.

use std::io::{self, Write};

use jiff::civil::{Date, DateTime};
use tera::{Context, Error, EscapeFn, Kwargs, State, Tera, TeraResult, Value};

use super::words::Language;
use super::{clean, table};
use crate::domain::money::{Currency, Money};
use crate::domain::notice::LetterState;
use crate::domain::receivable::Kind;

/// The most bytes that one template may write.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The most numbers `range` counts.
const RANGE_MAX: i64 = 100;

/// The engine for subjects: nothing is escaped.
#[must_use]
pub fn subjects() -> Tera {
    let mut tera = with_filters(|text, out| out.write_all(text.as_bytes()));
    tera.autoescape_on(Vec::<&str>::new());
    tera.register_filter("table", |_: &Value, _: Kwargs, _: &State<'_>| -> TeraResult<Value> {
        Err(Error::message("a subject is one line; a table does not belong in it"))
    });
    tera
}

/// The engine for Markdown.
#[must_use]
pub fn markdown() -> Tera {
    let mut tera = with_filters(clean::escape_markdown);
    tera.autoescape_on([".md"]);
    tera.register_filter("table", |value: &Value, _: Kwargs, state: &State<'_>| {
        table::of(value, state)?.as_markdown(state)
    });
    tera
}

/// The engine for HTML.
#[must_use]
pub fn html() -> Tera {
    let mut tera = with_filters(clean::escape_html);
    tera.autoescape_on([".html"]);
    tera.register_filter("table", |value: &Value, _: Kwargs, state: &State<'_>| {
        table::of(value, state)?.as_html(state)
    });
    tera
}

/// Renders, and stops at [`OUTPUT_BYTES_MAX`]; `None` is too much.
///
/// # Errors
/// Tera's, with its place.
pub fn render(tera: &Tera, template: &str, context: &Context) -> Result<Option<String>, Error> {
    let mut out = Bounded { bytes: Vec::new(), full: false };
    match tera.render_to(template, context, &mut out) {
        _ if out.full => Ok(None),
        Ok(()) => String::from_utf8(out.bytes).map(Some).map_err(Error::message),
        Err(error) => Err(error),
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.full = true;
            return Err(io::Error::other("the letter is too large"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn with_filters(escape: EscapeFn) -> Tera {
    let mut tera = Tera::new();
    tera.set_escape_fn(escape);
    tera.register_filter("money", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let language = language(state)?;
        match value.as_array() {
            Some(amounts) => amounts_in(amounts, language),
            None => Ok(language.money(money_of(value)?)),
        }
    });
    tera.register_filter("date", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let date = value.as_str().and_then(|text| text.parse::<Date>().ok());
        Ok(language(state)?.date(date.ok_or_else(|| is_not("a date", value))?))
    });
    tera.register_filter("days", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let count = value.as_i64().ok_or_else(|| is_not("a number of days", value))?;
        Ok(language(state)?.days(count))
    });
    tera.register_filter("kind", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let kind =
            value.as_str().and_then(Kind::from_word).ok_or_else(|| is_not("a kind of claim", value))?;
        Ok(language(state)?.kind(kind).to_owned())
    });
    register_terms(&mut tera);
    tera.register_filter("safe", |_: &Value, _: Kwargs, _: &State<'_>| -> TeraResult<Value> {
        Err(Error::message("a value is always escaped; `safe` would let a name write Markdown or HTML"))
    });
    tera.register_function("range", |kwargs: Kwargs, _: &State<'_>| -> TeraResult<Vec<i64>> {
        let start = kwargs.get::<i64>("start")?.unwrap_or_default();
        let end = kwargs.must_get::<i64>("end")?;
        if end.saturating_sub(start) > RANGE_MAX {
            return Err(Error::message(format!("`range` counts {RANGE_MAX} numbers at most")));
        }
        Ok((start..end).collect())
    });
    tera
}

/// The words of digests.
fn register_terms(tera: &mut Tera) {
    tera.register_filter("moment", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let moment = value.as_str().and_then(|text| text.parse::<DateTime>().ok());
        Ok(language(state)?.moment(moment.ok_or_else(|| is_not("a moment", value))?))
    });
    tera.register_filter("state", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        let word = value.as_str().and_then(LetterState::from_word);
        Ok(language(state)?.state(word.ok_or_else(|| is_not("the state of a letter", value))?).to_owned())
    });
    tera.register_filter("reason", |value: &Value, _: Kwargs, state: &State<'_>| -> TeraResult<String> {
        Ok(language(state)?.reason(value.as_str().ok_or_else(|| is_not("a reason", value))?))
    });
}

pub(super) fn language(state: &State<'_>) -> TeraResult<Language> {
    Ok(Language::of(&state.get::<String>("locale")?.unwrap_or_default()))
}

pub(super) fn is_not(what: &str, value: &Value) -> Error {
    if value.is_undefined() || value.is_none() {
        Error::message(format!("there is nothing here, but it should be {what}"))
    } else {
        Error::message(format!("`{value}` is not {what}"))
    }
}

pub(super) fn money_of(value: &Value) -> TeraResult<Money> {
    let parsed = value.as_str().and_then(|text| {
        let (amount, currency) = text.split_once(' ')?;
        Money::parse(amount, currency.parse::<Currency>().ok()?).ok()
    });
    parsed.ok_or_else(|| is_not("money", value))
}

pub(super) fn amounts_in(amounts: &[Value], language: Language) -> TeraResult<String> {
    let parts = amounts.iter().map(|value| Ok(language.money(money_of(value)?)));
    Ok(language.list(&parts.collect::<TeraResult<Vec<String>>>()?))
}
