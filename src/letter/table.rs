//! The filter `table`: a list of claims with a total per currency, or an
//! account of a statement.

use jiff::civil::Date;
use tera::{Map, State, TeraResult, Value};

use super::engine::{amounts_in, is_not, language, money_of};
use super::grid::{Cell, Column, Grid, Piece, Stand};
use super::words::{Labels, Language};
use super::{account, clean};

/// The most characters of one cell.
const CELL_CHARS_MAX: usize = 60;

/// The most characters of a number that does not break over lines: INV-1003
/// is searched for as one word, and a longer one must not push the amounts
/// off a narrow screen.
const UNBROKEN_CHARS_MAX: usize = 16;

/// The table of a template's list or account.
///
/// # Errors
/// Where it is neither.
pub(super) fn of(value: &Value, state: &State<'_>) -> TeraResult<Grid> {
    match (value.as_array(), value.as_map()) {
        (Some(items), _) => of_claims(items, state),
        (None, Some(account)) => account::table(account, language(state)?),
        (None, None) => Err(is_not("a list of claims or an account", value)),
    }
}

struct Row {
    item: Vec<Piece>,
    due: String,
    overdue: String,
    balance: String,
    pay_url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Item,
    Due,
    Overdue,
    Balance,
    Pay,
}

/// Columns that would say nothing are left out.
fn of_claims(items: &[Value], state: &State<'_>) -> TeraResult<Grid> {
    let language = language(state)?;
    let labels = language.labels();
    let maps = items.iter().map(|item| item.as_map().ok_or_else(|| is_not("a list of claims", item)));
    let maps = maps.collect::<TeraResult<Vec<&Map>>>()?;
    let rows = maps.iter().map(|item| row(item, language)).collect::<TeraResult<Vec<Row>>>()?;
    let tail = maps.last().and_then(|item| field(item, "tail")).and_then(Value::as_map);
    let foot = tail.map_or_else(|| Ok(vec![]), |tail| foot(tail, language))?;
    // Our own people do not pay; they call.
    let internal = state.get::<String>("class")?.as_deref() == Some("internal");
    let overdue = maps.iter().any(|item| field(item, "days_overdue").is_some_and(Value::is_truthy));
    let pay = !internal && rows.iter().any(|row| row.pay_url.is_some());
    let fields = [
        (Field::Item, true),
        (Field::Due, true),
        (Field::Overdue, overdue),
        (Field::Balance, true),
        (Field::Pay, pay),
    ];
    let fields: Vec<Field> =
        fields.into_iter().filter(|(_, wanted)| *wanted).map(|(field, _)| field).collect();
    let of_claims = rows.into_iter().map(|row| row.cells(&fields, labels));
    let foot = foot
        .iter()
        .map(|(label, amount)| fields.iter().map(|field| field.at_the_foot(label, amount)).collect());
    Ok(Grid {
        columns: fields.iter().map(|field| field.column(labels)).collect(),
        rows: of_claims.chain(foot).collect(),
    })
}

impl Field {
    fn column(self, labels: Labels) -> Column {
        let (heading, stand) = match self {
            Self::Item => (labels.item, Stand::Flowing),
            Self::Due => (labels.due, Stand::Left),
            Self::Overdue => (labels.overdue, Stand::Right),
            Self::Balance => (labels.balance, Stand::Right),
            Self::Pay => (labels.pay, Stand::Left),
        };
        Column { heading: heading.to_owned(), stand }
    }

    fn at_the_foot(self, label: &str, amount: &str) -> Cell {
        let text = match self {
            Self::Item => label,
            Self::Balance => amount,
            Self::Due | Self::Overdue | Self::Pay => "",
        };
        Cell { strong: !amount.is_empty(), ..Cell::plain(text) }
    }
}

impl Row {
    fn cells(self, fields: &[Field], labels: Labels) -> Vec<Cell> {
        let Self { item, due, overdue, balance, pay_url } = self;
        let mut item = Some(item);
        let cell = |field: &Field| match field {
            Field::Item => Cell { pieces: item.take().unwrap_or_default(), ..Cell::default() },
            Field::Due => Cell::plain(due.as_str()),
            Field::Overdue => Cell::plain(overdue.as_str()),
            Field::Balance => Cell::plain(balance.as_str()),
            Field::Pay => {
                Cell { link: pay_url.clone(), ..Cell::plain(pay_url.as_ref().map_or("", |_| labels.pay)) }
            }
        };
        fields.iter().map(cell).collect()
    }
}

pub(super) fn field<'v>(of: &'v Map, name: &'static str) -> Option<&'v Value> {
    of.get(&tera::value::Key::Str(name))
}

/// Whether a number fits into a line of a narrow screen.
pub(super) fn is_short(number: &str) -> bool {
    number.chars().count() <= UNBROKEN_CHARS_MAX
}

fn row(item: &Map, language: Language) -> TeraResult<Row> {
    let text = |name| field(item, name).and_then(Value::as_str).unwrap_or_default();
    let is = |name| field(item, name).is_some_and(Value::is_truthy);
    let money = |name| -> TeraResult<String> {
        let value = field(item, name).ok_or_else(|| is_not("a list of claims", &Value::undefined()))?;
        Ok(language.money(money_of(value)?))
    };
    let labels = language.labels();
    let number = text("number");
    let mut name = number.to_owned();
    if !text("description").is_empty() {
        name = format!("{name}{}{}", labels.comma, text("description"));
    }
    let mut name = clean::value_within(&name, CELL_CHARS_MAX);
    let mut pieces = Vec::new();
    if is_short(number) {
        pieces.push(Piece::Unbroken(name.drain(..number.len()).collect()));
    }
    if is("part_paid") {
        name = format!("{name}{}{}{}", labels.comma, labels.originally, money("amount")?);
    }
    if is("disputed") {
        name = format!("{name}{}{}", labels.comma, labels.disputed);
    }
    pieces.push(Piece::Plain(name));
    let days = field(item, "days_overdue").and_then(Value::as_i64).unwrap_or_default();
    let due = text("due_on");
    Ok(Row {
        item: pieces,
        due: due.parse::<Date>().map_or_else(|_| due.to_owned(), |date| language.short_date(date)),
        overdue: if days > 0 { language.days(days) } else { "–".to_owned() },
        balance: money("balance")?,
        pay_url: field(item, "pay_url").and_then(Value::as_str).map(str::to_owned),
    })
}

/// What was not listed, and the total of each currency.
fn foot(tail: &Map, language: Language) -> TeraResult<Vec<(String, String)>> {
    let list = |name| field(tail, name).and_then(Value::as_array).unwrap_or_default();
    let mut foot = Vec::new();
    let more = field(tail, "more").and_then(Value::as_i64).and_then(|more| usize::try_from(more).ok());
    if let Some(more) = more.filter(|more| *more > 0) {
        foot.push((language.more(more, &amounts_in(list("more_totals"), language)?), String::new()));
    }
    for (index, total) in list("totals").iter().enumerate() {
        let label = if index == 0 { language.labels().total } else { "" };
        foot.push((label.to_owned(), language.money(money_of(total)?)));
    }
    Ok(foot)
}
