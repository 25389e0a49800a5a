//! An account of a statement: its words, and its table for the filter
//! `table`.

use jiff::civil::Date;
use tera::{Map, TeraResult, Value};

use super::engine::{is_not, money_of};
use super::grid::{Cell, Column, Grid, Piece, Stand};
use super::table::{field, is_short};
use super::words::{Language, number};
use crate::domain::money::Money;
use crate::domain::receivable::Status;
use crate::domain::statement::Movement;

/// The words of an account.
struct Labels {
    date: &'static str,
    entry: &'static str,
    /// Before and after the currency.
    amount: [&'static str; 2],
    opening: &'static str,
    closing: &'static str,
    today: &'static str,
}

fn labels(language: Language) -> Labels {
    match language {
        Language::Chinese => Labels {
            date: "日期",
            entry: "摘要",
            amount: ["金额（", "）"],
            opening: "期初余额",
            closing: "期末余额",
            today: "今日余额",
        },
        Language::English | Language::American | Language::Other => Labels {
            date: "Date",
            entry: "Entry",
            amount: ["Amount (", ")"],
            opening: "Balance brought forward",
            closing: "Closing balance",
            today: "Balance today",
        },
    }
}

impl Language {
    /// What moved an account, as its row begins: of a claim, or for none.
    pub(super) fn movement(self, what: Movement, of_claim: bool) -> String {
        let [english, chinese] = match what {
            Movement::Claim(kind) => return capitalized(self.kind(kind)),
            Movement::Payment if of_claim => ["Payment", "收到付款"],
            Movement::Payment => ["Payment on account", "收到款项（待抵扣）"],
            Movement::PaymentReturned => ["Payment returned", "付款退回"],
            Movement::Closed(Status::Paid) => ["Settled", "已结清"],
            Movement::Closed(Status::Returned) => ["Goods returned", "退货"],
            Movement::Closed(Status::Offset) => ["Set off", "抵销"],
            Movement::Closed(Status::Assigned) => ["Assigned", "债权已转让"],
            Movement::Closed(Status::Replaced) => ["Replaced by instalments", "转为分期"],
            Movement::Closed(Status::Cancelled) => ["Cancelled", "作废"],
            Movement::Closed(
                Status::Open | Status::Disputed | Status::OnHold | Status::Legal | Status::WrittenOff,
            )
            | Movement::LeftOut => ["No longer listed", "不再列入"],
        };
        if self == Self::Chinese { chinese.to_owned() } else { english.to_owned() }
    }

    fn earlier(self, count: i64) -> String {
        match self {
            Self::Chinese => format!("较早的{count}笔"),
            Self::English | Self::American | Self::Other if count == 1 => "One earlier entry".to_owned(),
            Self::English | Self::American | Self::Other => format!("{count} earlier entries"),
        }
    }
}

/// English kinds are written as they stand in a sentence.
fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// The balance brought forward, what moved, the closing balance; and what
/// moved since, with the balance of today.
pub(super) fn table(account: &Map, language: Language) -> TeraResult<Grid> {
    let labels = labels(language);
    let read = Reader { account, language };
    let closing = read.money("closing")?;
    let [before, after] = labels.amount;
    let heading = format!("{before}{}{after}", language.currency(closing.currency));
    let mut rows = vec![read.balance("from", labels.opening, "opening")?];
    read.entries("entries", &mut rows)?;
    rows.push(read.balance("until", labels.closing, "closing")?);
    let before = rows.len();
    read.entries("later", &mut rows)?;
    if rows.len() > before {
        rows.push(read.balance("today", labels.today, "balance")?);
    }
    let column = |heading: String, stand| Column { heading, stand };
    Ok(Grid {
        columns: vec![
            column(labels.date.to_owned(), Stand::Left),
            column(labels.entry.to_owned(), Stand::Flowing),
            column(heading, Stand::Right),
        ],
        rows,
    })
}

struct Reader<'v> {
    account: &'v Map,
    language: Language,
}

impl Reader<'_> {
    fn value(&self, name: &'static str) -> TeraResult<&Value> {
        field(self.account, name).ok_or_else(|| is_not("an account", &Value::undefined()))
    }

    fn money(&self, name: &'static str) -> TeraResult<Money> {
        money_of(self.value(name)?)
    }

    fn day(&self, of: &Value) -> String {
        let text = of.as_str().unwrap_or_default();
        text.parse::<Date>().map_or_else(|_| text.to_owned(), |day| self.language.short_date(day))
    }

    fn balance(&self, day: &'static str, label: &str, amount: &'static str) -> TeraResult<Vec<Cell>> {
        let amount = number(self.money(amount)?);
        Ok(vec![Cell::plain(self.day(self.value(day)?)), Cell::strong(label), Cell::strong(amount)])
    }

    /// The entries of a list, with what is not listed before them.
    fn entries(&self, name: &'static str, rows: &mut Vec<Vec<Cell>>) -> TeraResult<()> {
        let list = self.value(name)?.as_map().ok_or_else(|| is_not("an account", &Value::undefined()))?;
        let more = field(list, "more").and_then(Value::as_i64).unwrap_or_default();
        let amount = |of: &Map| -> TeraResult<String> {
            let amount = field(of, "amount").ok_or_else(|| is_not("an account", &Value::undefined()))?;
            Ok(number(money_of(amount)?))
        };
        if more > 0 {
            let words = self.language.earlier(more);
            rows.push(vec![Cell::default(), Cell::plain(words), Cell::plain(amount(list)?)]);
        }
        for entry in field(list, "last").and_then(Value::as_array).unwrap_or_default() {
            let entry = entry.as_map().ok_or_else(|| is_not("an account", entry))?;
            let day = field(entry, "on").map(|day| self.day(day)).unwrap_or_default();
            let text = |name| field(entry, name).and_then(Value::as_str).unwrap_or_default();
            let what = Cell { pieces: pieces(text("what"), text("number")), ..Cell::default() };
            rows.push(vec![Cell::plain(day), what, Cell::plain(amount(entry)?)]);
        }
        Ok(())
    }
}

/// What moved the account, and the number of the claim if it is about one.
fn pieces(what: &str, number: &str) -> Vec<Piece> {
    match number {
        "" => vec![Piece::Plain(what.to_owned())],
        number if is_short(number) => {
            vec![Piece::Plain(format!("{what} ")), Piece::Unbroken(number.to_owned())]
        }
        number => vec![Piece::Plain(format!("{what} {number}"))],
    }
}
