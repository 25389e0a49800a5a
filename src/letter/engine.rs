//! The three Tera engines: subjects, Markdown and HTML, each with its own
//! escaping, the same filters, and no way to be told otherwise.

use std::io::{self, Write};

use jiff::civil::Date;
use tera::{Context, Error, EscapeFn, Kwargs, Map, State, Tera, TeraResult, Value};

use super::clean;
use super::words::{Labels, Language};
use crate::domain::money::{Currency, Money};
use crate::domain::receivable::Kind;

/// The most bytes that one template may write.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;

/// The most numbers `range` counts.
const RANGE_MAX: i64 = 100;

/// The most characters of one cell of a table.
const CELL_CHARS_MAX: usize = 60;

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
    tera.register_filter("table", |items: &[Value], _: Kwargs, state: &State<'_>| {
        markdown_table(&Table::of(items, state)?, state)
    });
    tera
}

/// The engine for HTML.
#[must_use]
pub fn html() -> Tera {
    let mut tera = with_filters(clean::escape_html);
    tera.autoescape_on([".html"]);
    tera.register_filter("table", |items: &[Value], _: Kwargs, state: &State<'_>| {
        html_table(&Table::of(items, state)?, state)
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
        date.map(|date| Ok(language(state)?.date(date))).unwrap_or_else(|| Err(is_not("a date", value)))
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

fn language(state: &State<'_>) -> TeraResult<Language> {
    Ok(Language::of(&state.get::<String>("locale")?.unwrap_or_default()))
}

fn is_not(what: &str, value: &Value) -> Error {
    if value.is_undefined() || value.is_none() {
        Error::message(format!("there is nothing here, but it should be {what}"))
    } else {
        Error::message(format!("`{value}` is not {what}"))
    }
}

fn money_of(value: &Value) -> TeraResult<Money> {
    let parsed = value.as_str().and_then(|text| {
        let (amount, currency) = text.split_once(' ')?;
        Money::parse(amount, currency.parse::<Currency>().ok()?).ok()
    });
    parsed.ok_or_else(|| is_not("money", value))
}

fn amounts_in(amounts: &[Value], language: Language) -> TeraResult<String> {
    let parts = amounts.iter().map(|value| Ok(language.money(money_of(value)?)));
    Ok(language.list(&parts.collect::<TeraResult<Vec<String>>>()?))
}

/// A list of claims, ready to be written as a table. Columns that would say
/// the same in every row are left out.
struct Table {
    labels: Labels,
    overdue: bool,
    amount: bool,
    pay: bool,
    rows: Vec<Row>,
    /// Below the rows: words and an amount.
    foot: Vec<(String, String)>,
}

struct Row {
    item: String,
    due: String,
    overdue: String,
    amount: String,
    balance: String,
    pay_url: Option<String>,
}

impl Table {
    fn of(items: &[Value], state: &State<'_>) -> TeraResult<Self> {
        let language = language(state)?;
        let internal = state.get::<String>("class")?.as_deref() == Some("internal");
        let maps = items.iter().map(|item| item.as_map().ok_or_else(|| is_not("a list of claims", item)));
        let maps = maps.collect::<TeraResult<Vec<&Map>>>()?;
        let rows = maps.iter().map(|item| row(item, language)).collect::<TeraResult<Vec<Row>>>()?;
        let labels = language.labels();
        let mut foot = Vec::new();
        if let Some(tail) = maps.last().and_then(|item| field(item, "tail")).and_then(Value::as_map) {
            let amounts =
                |name| amounts_in(field(tail, name).and_then(Value::as_array).unwrap_or_default(), language);
            let more = field(tail, "more").and_then(Value::as_i64).unwrap_or_default();
            if more > 0 {
                let more = usize::try_from(more).unwrap_or_default();
                foot.push((language.more(more, &amounts("more_totals")?), String::new()));
            }
            for total in field(tail, "totals").and_then(Value::as_array).unwrap_or_default() {
                let label =
                    if foot.iter().any(|(label, _)| label == labels.total) { "" } else { labels.total };
                foot.push((label.to_owned(), language.money(money_of(total)?)));
            }
        }
        let truth = |name, of: &Map| field(of, name).is_some_and(Value::is_truthy);
        Ok(Self {
            labels,
            overdue: maps.iter().any(|item| truth("days_overdue", item)),
            amount: maps.iter().any(|item| truth("part_paid", item)),
            pay: !internal && rows.iter().any(|row| row.pay_url.is_some()),
            rows,
            foot,
        })
    }

    /// Heading, cell of a row, cell of the foot, and whether it stands to
    /// the right; the first and the balance always, the others where they
    /// say something.
    fn columns(&self) -> Vec<Column> {
        let labels = self.labels;
        let mut columns = vec![Column::Item(labels.item), Column::Due(labels.due)];
        if self.overdue {
            columns.push(Column::Overdue(labels.overdue));
        }
        if self.amount {
            columns.push(Column::Amount(labels.amount));
        }
        columns.push(Column::Balance(labels.balance));
        if self.pay {
            columns.push(Column::Pay(labels.pay));
        }
        columns
    }
}

#[derive(Clone, Copy)]
enum Column {
    Item(&'static str),
    Due(&'static str),
    Overdue(&'static str),
    Amount(&'static str),
    Balance(&'static str),
    Pay(&'static str),
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Item(text)
            | Self::Due(text)
            | Self::Overdue(text)
            | Self::Amount(text)
            | Self::Balance(text)
            | Self::Pay(text) => text,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Overdue(_) | Self::Amount(_) | Self::Balance(_))
    }

    fn cell(self, row: &Row) -> &str {
        match self {
            Self::Item(_) => &row.item,
            Self::Due(_) => &row.due,
            Self::Overdue(_) => &row.overdue,
            Self::Amount(_) => &row.amount,
            Self::Balance(_) => &row.balance,
            Self::Pay(text) => row.pay_url.as_ref().map_or("", |_| text),
        }
    }
}

fn field<'v>(of: &'v Map, name: &'static str) -> Option<&'v Value> {
    of.get(&tera::value::Key::Str(name))
}

fn row(item: &Map, language: Language) -> TeraResult<Row> {
    let text = |name| field(item, name).and_then(Value::as_str).unwrap_or_default();
    let money = |name| -> TeraResult<String> {
        field(item, name).map_or_else(|| Ok(String::new()), |value| Ok(language.money(money_of(value)?)))
    };
    let mut name = text("number").to_owned();
    if let Some(description) = field(item, "description").and_then(Value::as_str) {
        name = format!("{name} · {description}");
    }
    let days = field(item, "days_overdue").and_then(Value::as_i64).unwrap_or_default();
    let due = text("due_on");
    Ok(Row {
        item: clean::value_within(&name, CELL_CHARS_MAX),
        due: due.parse::<Date>().map_or_else(|_| due.to_owned(), |date| language.date(date)),
        overdue: if days > 0 { language.days(days) } else { "–".to_owned() },
        amount: money("amount")?,
        balance: money("balance")?,
        pay_url: field(item, "pay_url").and_then(Value::as_str).map(str::to_owned),
    })
}

/// A table as GitHub's Markdown writes it.
fn markdown_table(table: &Table, state: &State<'_>) -> TeraResult<Value> {
    let columns = table.columns();
    let mut out = String::from("|");
    for column in &columns {
        out.push_str(&format!(" {} |", column.heading()));
    }
    out.push_str("\n|");
    for column in &columns {
        out.push_str(if column.is_number() { "---:|" } else { "---|" });
    }
    for row in &table.rows {
        out.push_str("\n|");
        for column in &columns {
            let cell = unbroken(&state.escape(column.cell(row))?, *column);
            match (&row.pay_url, column) {
                (Some(url), Column::Pay(_)) => out.push_str(&format!(" [{cell}]({}) |", state.escape(url)?)),
                _ => out.push_str(&format!(" {cell} |")),
            }
        }
    }
    for (label, amount) in &table.foot {
        out.push_str("\n|");
        for column in &columns {
            let cell = match column {
                Column::Item(_) => label.as_str(),
                Column::Balance(_) => amount.as_str(),
                _ => "",
            };
            let cell = unbroken(&state.escape(cell)?, *column);
            out.push_str(&if amount.is_empty() || cell.is_empty() {
                format!(" {cell} |")
            } else {
                format!(" **{cell}** |")
            });
        }
    }
    out.push('\n');
    Ok(Value::safe_string(&out))
}

/// Amounts and dates do not break over lines; an item may.
fn unbroken(cell: &str, column: Column) -> String {
    if matches!(column, Column::Item(_)) { cell.to_owned() } else { cell.replace(' ', "\u{a0}") }
}

/// The same as HTML, for templates that bring their own.
fn html_table(table: &Table, state: &State<'_>) -> TeraResult<Value> {
    let columns = table.columns();
    let align = |column: &Column| if column.is_number() { " align=\"right\"" } else { "" };
    let mut out =
        String::from("<table role=\"presentation\" cellpadding=\"0\" cellspacing=\"0\"><thead><tr>");
    for column in &columns {
        out.push_str(&format!("<th{}>{}</th>", align(column), column.heading()));
    }
    out.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        out.push_str("<tr>");
        for column in &columns {
            let cell = unbroken(&state.escape(column.cell(row))?, *column);
            let cell = match (&row.pay_url, column) {
                (Some(url), Column::Pay(_)) => format!("<a href=\"{}\">{cell}</a>", state.escape(url)?),
                _ => cell,
            };
            out.push_str(&format!("<td{}>{cell}</td>", align(column)));
        }
        out.push_str("</tr>");
    }
    for (label, amount) in &table.foot {
        out.push_str("<tr>");
        for column in &columns {
            let cell = match column {
                Column::Item(_) => label.as_str(),
                Column::Balance(_) => amount.as_str(),
                _ => "",
            };
            let cell = unbroken(&state.escape(cell)?, *column);
            out.push_str(&format!("<td{}><strong>{cell}</strong></td>", align(column)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table>");
    Ok(Value::safe_string(&out))
}
