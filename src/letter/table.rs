//! The filter `table`: a list of claims with a total per currency, for the
//! Markdown and for the HTML engine.

use jiff::civil::Date;
use tera::{Map, State, TeraResult, Value};

use super::clean;
use super::engine::{amounts_in, is_not, language, money_of};
use super::words::{Labels, Language};

/// The most characters of one cell.
const CELL_CHARS_MAX: usize = 60;

/// The most characters of a number that does not break over lines: INV-1003
/// is searched for as one word, and a longer one must not push the amounts
/// off a narrow screen.
const UNBROKEN_CHARS_MAX: usize = 16;

/// A list of claims, ready to be written. Columns that would say nothing are
/// left out.
pub(super) struct Table {
    labels: Labels,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Below the rows: words and an amount.
    foot: Vec<(String, String)>,
}

struct Row {
    number: String,
    item: String,
    due: String,
    overdue: String,
    balance: String,
    pay_url: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Item,
    Due,
    Overdue,
    Balance,
    Pay,
}

/// What stands in a cell.
struct Cell<'t> {
    /// Before the text, in one piece.
    unbroken: &'t str,
    text: &'t str,
    link: Option<&'t str>,
    strong: bool,
}

impl Table {
    /// Reads the claims of a template's list.
    ///
    /// # Errors
    /// Where it is no such list.
    pub(super) fn of(items: &[Value], state: &State<'_>) -> TeraResult<Self> {
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
        let columns = [
            (Column::Item, true),
            (Column::Due, true),
            (Column::Overdue, overdue),
            (Column::Balance, true),
            (Column::Pay, pay),
        ];
        let columns = columns.into_iter().filter(|(_, wanted)| *wanted).map(|(column, _)| column).collect();
        Ok(Self { labels, columns, rows, foot })
    }

    /// As GitHub's Markdown writes tables. Columns with an alignment do not
    /// break over lines.
    pub(super) fn as_markdown(&self, state: &State<'_>) -> TeraResult<Value> {
        let mut out = String::from("|");
        for column in &self.columns {
            out.extend([" ", column.heading(self.labels), " |"]);
        }
        out.push_str("\n|");
        for column in &self.columns {
            out.push_str(match column {
                Column::Item => "---|",
                Column::Due | Column::Pay => ":---|",
                Column::Overdue | Column::Balance => "---:|",
            });
        }
        for cells in self.cells() {
            out.push_str("\n|");
            for cell in cells {
                let text = cell.escaped(state)?;
                match cell.link {
                    Some(url) => out.extend([" [", &text, "](", &state.escape(url)?, ") |"]),
                    None if cell.strong && !text.is_empty() => out.extend([" **", &text, "** |"]),
                    None => out.extend([" ", &text, " |"]),
                }
            }
        }
        out.push('\n');
        Ok(Value::safe_string(&out))
    }

    /// As HTML, for templates that bring their own.
    pub(super) fn as_html(&self, state: &State<'_>) -> TeraResult<Value> {
        let align = |column: &Column| match column {
            Column::Item => ">",
            Column::Due | Column::Pay => " style=\"white-space: nowrap\">",
            Column::Overdue | Column::Balance => {
                " align=\"right\" style=\"text-align: right; white-space: nowrap\">"
            }
        };
        let mut out = String::from("<table cellpadding=\"0\" cellspacing=\"0\"><thead><tr>");
        for column in &self.columns {
            out.extend(["<th", align(column), column.heading(self.labels), "</th>"]);
        }
        out.push_str("</tr></thead><tbody>");
        for cells in self.cells() {
            out.push_str("<tr>");
            for (column, cell) in self.columns.iter().zip(cells) {
                let text = cell.escaped(state)?;
                out.extend(["<td", align(column)]);
                match cell.link {
                    Some(url) => out.extend(["<a href=\"", &state.escape(url)?, "\">", &text, "</a></td>"]),
                    None if cell.strong => out.extend(["<strong>", &text, "</strong></td>"]),
                    None => out.extend([text.as_str(), "</td>"]),
                }
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table>");
        Ok(Value::safe_string(&out))
    }

    /// Every row, the foot's after the claims'.
    fn cells(&self) -> impl Iterator<Item = Vec<Cell<'_>>> {
        let rows = self
            .rows
            .iter()
            .map(|row| self.columns.iter().map(|column| column.cell(row, self.labels)).collect());
        let foot = self.foot.iter().map(|(label, amount)| {
            let cell = |column: &Column| match column {
                Column::Item => label.as_str(),
                Column::Balance => amount.as_str(),
                Column::Due | Column::Overdue | Column::Pay => "",
            };
            let strong = !amount.is_empty();
            self.columns
                .iter()
                .map(|column| Cell { unbroken: "", text: cell(column), link: None, strong })
                .collect()
        });
        rows.chain(foot)
    }
}

impl Column {
    fn heading(self, labels: Labels) -> &'static str {
        match self {
            Self::Item => labels.item,
            Self::Due => labels.due,
            Self::Overdue => labels.overdue,
            Self::Balance => labels.balance,
            Self::Pay => labels.pay,
        }
    }

    fn cell(self, row: &Row, labels: Labels) -> Cell<'_> {
        let link = row.pay_url.as_deref().filter(|_| self == Self::Pay);
        let text = match self {
            Self::Item => &row.item,
            Self::Due => &row.due,
            Self::Overdue => &row.overdue,
            Self::Balance => &row.balance,
            Self::Pay => link.map_or("", |_| labels.pay),
        };
        let unbroken = if self == Self::Item { row.number.as_str() } else { "" };
        Cell { unbroken, text, link, strong: false }
    }
}

impl Cell<'_> {
    fn escaped(&self, state: &State<'_>) -> TeraResult<String> {
        let text = state.escape(self.text)?;
        if self.unbroken.is_empty() {
            return Ok(text);
        }
        let number = state.escape(self.unbroken)?;
        Ok(format!("<span style=\"white-space: nowrap\">{number}</span>{text}"))
    }
}

fn field<'v>(of: &'v Map, name: &'static str) -> Option<&'v Value> {
    of.get(&tera::value::Key::Str(name))
}

fn row(item: &Map, language: Language) -> TeraResult<Row> {
    let text = |name| field(item, name).and_then(Value::as_str).unwrap_or_default();
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
    let unbroken = if number.chars().count() <= UNBROKEN_CHARS_MAX { number.len() } else { 0 };
    let number: String = name.drain(..unbroken).collect();
    if field(item, "part_paid").is_some_and(Value::is_truthy) {
        name = format!("{name}{}{}{}", labels.comma, labels.originally, money("amount")?);
    }
    let days = field(item, "days_overdue").and_then(Value::as_i64).unwrap_or_default();
    let due = text("due_on");
    Ok(Row {
        number,
        item: name,
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
