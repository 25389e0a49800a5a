//! What differs from language to language besides the letters themselves:
//! amounts, dates, days, forms of address, headings of tables.

use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::domain::money::{Currency, Money};
use crate::domain::receivable::Kind;

/// The language of a letter, as far as our own words know it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// `en`, and any that has no words of its own here.
    English,
    /// `en-US`: month before day.
    American,
    /// `zh`.
    Chinese,
    /// A language with no words here: amounts with the code, dates as ISO
    /// 8601 writes them. Its templates bring the rest.
    Other,
}

/// The headings and small words of tables and lists.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    /// Column: number and description.
    pub item: &'static str,
    /// Column: due date.
    pub due: &'static str,
    /// Column: days overdue.
    pub overdue: &'static str,
    /// Before the whole amount, where part of it is paid.
    pub originally: &'static str,
    /// Behind a claim that the customer contests.
    pub disputed: &'static str,
    /// Column: what is still owed.
    pub balance: &'static str,
    /// Column and words of the link.
    pub pay: &'static str,
    /// The row of the sum.
    pub total: &'static str,
    /// Between parts of one cell.
    pub comma: &'static str,
    /// Between the last two of a list.
    pub and: &'static str,
}

impl Language {
    /// The language of a tag such as `zh-CN`.
    #[must_use]
    pub fn of(locale: &str) -> Self {
        let tag = locale.to_ascii_lowercase();
        match tag.split(['-', '_']).next().unwrap_or_default() {
            "zh" => Self::Chinese,
            "en" if tag.ends_with("us") => Self::American,
            "en" => Self::English,
            _ => Self::Other,
        }
    }

    /// `CNY 1,234.50`, `人民币1,234.50元`. Never a bare sign: ¥ is both
    /// CNY and JPY, and $ is twenty currencies.
    #[must_use]
    pub fn money(self, money: Money) -> String {
        let code = money.currency.code();
        let number = number(money);
        match code {
            _ if self != Self::Chinese => format!("{code} {number}"),
            "CNY" => format!("人民币{number}元"),
            "TWD" => format!("新台币{number}元"),
            _ => match foreign_currency(code) {
                Some(name) => format!("{number}{name}"),
                None => format!("{code} {number}"),
            },
        }
    }

    /// `CNY`, `人民币元`: what a column of amounts is in.
    #[must_use]
    pub fn currency(self, currency: Currency) -> &'static str {
        match currency.code() {
            code if self != Self::Chinese => code,
            "CNY" => "人民币元",
            "TWD" => "新台币元",
            code => foreign_currency(code).unwrap_or(code),
        }
    }

    /// `1 March 2026`, `March 1, 2026`, `2026年3月1日`, `2026-03-01`.
    #[must_use]
    pub fn date(self, date: Date) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        match self {
            Self::English => format!("{day} {} {year}", month_name(month)),
            Self::American => format!("{} {day}, {year}", month_name(month)),
            Self::Chinese => format!("{year}年{month}月{day}日"),
            Self::Other => date.to_string(),
        }
    }

    /// A date as it stands in a table: `1 Mar 2026`, `2026-03-01`.
    #[must_use]
    pub fn short_date(self, date: Date) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let name = month_name(month).get(..3).unwrap_or_default();
        match self {
            Self::English => format!("{day} {name} {year}"),
            Self::American => format!("{name} {day}, {year}"),
            Self::Chinese | Self::Other => date.to_string(),
        }
    }

    /// `1 day`, `3 days`, `3天`.
    #[must_use]
    pub fn days(self, count: i64) -> String {
        match self {
            Self::Chinese => format!("{count}天"),
            Self::English | Self::American if count.abs() == 1 => format!("{count} day"),
            Self::English | Self::American => format!("{count} days"),
            Self::Other => count.to_string(),
        }
    }

    /// `a, b and c`; `a、b`.
    #[must_use]
    pub fn list(self, parts: &[String]) -> String {
        let Some((last, front)) = parts.split_last() else { return String::new() };
        let comma = if self == Self::Chinese { "、" } else { ", " };
        if front.is_empty() {
            last.clone()
        } else {
            format!("{}{}{last}", front.join(comma), self.labels().and)
        }
    }

    /// What sort of claim, as it stands in the middle of a sentence.
    #[must_use]
    pub fn kind(self, kind: Kind) -> &'static str {
        let chinese = self == Self::Chinese;
        match kind {
            Kind::Invoice if chinese => "账单",
            Kind::Prepayment if chinese => "预付款",
            Kind::Deposit if chinese => "定金",
            Kind::Balance if chinese => "尾款",
            Kind::Instalment if chinese => "分期款",
            Kind::PromissoryNote if chinese => "期票",
            Kind::CreditNote if chinese => "贷项通知单",
            Kind::Invoice => "invoice",
            Kind::Prepayment => "prepayment",
            Kind::Deposit => "deposit",
            Kind::Balance => "balance",
            Kind::Instalment => "instalment",
            Kind::PromissoryNote => "promissory note",
            Kind::CreditNote => "credit note",
        }
    }

    /// The words of tables and lists.
    #[must_use]
    pub fn labels(self) -> Labels {
        match self {
            Self::Chinese => Labels {
                item: "项目",
                due: "到期日",
                overdue: "逾期",
                originally: "原金额",
                disputed: "有争议",
                balance: "应付金额",
                pay: "支付",
                total: "合计",
                comma: "，",
                and: "和",
            },
            Self::English | Self::American | Self::Other => Labels {
                item: "Item",
                due: "Due",
                overdue: "Overdue",
                originally: "originally ",
                disputed: "disputed",
                balance: "Outstanding",
                pay: "Pay",
                total: "Total",
                comma: ", ",
                and: " and ",
            },
        }
    }

    /// `… and 12 more, CNY 3,000.00 in all`: the row under a list that was
    /// cut.
    #[must_use]
    pub fn more(self, count: usize, totals: &str) -> String {
        match self {
            Self::Chinese => format!("另有{count}项，共计{totals}"),
            Self::English | Self::American | Self::Other => {
                format!("and {count} more, {totals} in all")
            }
        }
    }

    /// How a person is addressed: what the business said, else the person,
    /// else a polite neutral form. Never empty. What the letter itself says
    /// before and after it ("Dear", 尊敬的, a comma) is taken off.
    #[must_use]
    pub fn greeting(self, given: Option<&str>, contact: Option<&str>) -> String {
        let given = given.map(|text| self.bare_greeting(text)).filter(|text| !text.is_empty());
        given
            .map(str::to_owned)
            .or_else(|| contact.map(|name| self.polite(name)))
            .unwrap_or_else(|| self.neutral().to_owned())
    }

    /// Where nobody is known by name.
    fn neutral(self) -> &'static str {
        match self {
            Self::Chinese => "客户",
            Self::English | Self::American | Self::Other => "Sir or Madam",
        }
    }

    fn bare_greeting(self, text: &str) -> &str {
        let start = match self {
            Self::Chinese => text.strip_prefix("尊敬的").or_else(|| text.strip_prefix("敬爱的")),
            Self::English | Self::American => {
                text.strip_prefix("Dear ").or_else(|| text.strip_prefix("dear "))
            }
            Self::Other => None,
        };
        let around = |c: char| c.is_whitespace() || ":：,，!！".contains(c);
        let bare = start.unwrap_or(text).trim_matches(around);
        let bare = if self == Self::Chinese { bare.strip_suffix("您好").unwrap_or(bare) } else { bare };
        bare.trim_matches(around)
    }

    /// A Chinese name alone is curt, so one without a title gets the form
    /// that fits everybody.
    fn polite(self, name: &str) -> String {
        const TITLES: [&str; 26] = [
            "先生",
            "女士",
            "小姐",
            "经理",
            "总",
            "总监",
            "主任",
            "老师",
            "教授",
            "医生",
            "大夫",
            "律师",
            "董事长",
            "董事",
            "工程师",
            "会计",
            "主管",
            "部长",
            "院长",
            "厂长",
            "店长",
            "所长",
            "校长",
            "博士",
            "师傅",
            "老板",
        ];
        if self != Self::Chinese || TITLES.iter().any(|title| name.ends_with(title)) {
            name.to_owned()
        } else if name.is_ascii() {
            format!("{name} 先生/女士")
        } else {
            format!("{name}先生/女士")
        }
    }
}

fn month_name(month: i8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(month - 1).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or_default()
}

/// `1,234.50`: below a heading that names the currency.
#[must_use]
pub fn number(money: Money) -> String {
    grouped(money.amount, money.currency.decimals())
}

/// As Chinese calls other people's money, behind the number.
fn foreign_currency(code: &str) -> Option<&'static str> {
    Some(match code {
        "USD" => "美元",
        "EUR" => "欧元",
        "JPY" => "日元",
        "HKD" => "港元",
        "GBP" => "英镑",
        "KRW" => "韩元",
        "SGD" => "新加坡元",
        "AUD" => "澳元",
        "CAD" => "加元",
        "CHF" => "瑞士法郎",
        _ => return None,
    })
}

/// `-1,234.50`: grouped in threes, with all of the currency's decimals.
fn grouped(amount: Decimal, decimals: u32) -> String {
    let mut amount = amount;
    amount.rescale(decimals);
    let text = amount.abs().to_string();
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    if amount.is_sign_negative() && !amount.is_zero() {
        out.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn amounts_are_unambiguous_in_every_language() {
        for (text, code, english, chinese) in [
            ("1234.5", "CNY", "CNY 1,234.50", "人民币1,234.50元"),
            ("1234567", "JPY", "JPY 1,234,567", "1,234,567日元"),
            ("999", "USD", "USD 999.00", "999.00美元"),
            ("-0.125", "KWD", "KWD -0.125", "KWD -0.125"),
            ("100", "EUR", "EUR 100.00", "100.00欧元"),
        ] {
            let money = Money::parse(text, code.parse().expect("a currency")).expect("an amount");
            assert_eq!(Language::English.money(money), english);
            assert_eq!(Language::Chinese.money(money), chinese);
        }
    }

    #[test]
    fn dates_days_and_lists_read_naturally() {
        let day = date(2026, 3, 1);
        assert_eq!(Language::of("en").date(day), "1 March 2026");
        assert_eq!(Language::of("en-US").date(day), "March 1, 2026");
        assert_eq!(Language::of("zh-TW").date(day), "2026年3月1日");
        assert_eq!(Language::of("pl").date(day), "2026-03-01");
        assert_eq!(Language::of("en").short_date(day), "1 Mar 2026");
        assert_eq!(Language::of("zh").short_date(day), "2026-03-01");
        assert_eq!(Language::English.days(1), "1 day");
        assert_eq!(Language::English.days(0), "0 days");
        assert_eq!(Language::Chinese.days(1), "1天");
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(Language::English.list(&parts), "a, b and c");
        assert_eq!(Language::Chinese.list(&parts), "a、b和c");
        assert_eq!(Language::Chinese.list(&parts[..1]), "a");
    }

    #[test]
    fn nobody_is_addressed_as_nothing() {
        for (language, given, contact, expected) in [
            (Language::English, Some("Dear Dr. Smith,"), Some("Ann"), "Dr. Smith"),
            (Language::English, None, Some("Ann Lee"), "Ann Lee"),
            (Language::English, Some(" , "), None, "Sir or Madam"),
            (Language::English, None, None, "Sir or Madam"),
            (Language::Chinese, Some("尊敬的王经理："), None, "王经理"),
            (Language::Chinese, Some("王总，您好！"), None, "王总"),
            (Language::Chinese, None, Some("王伟"), "王伟先生/女士"),
            (Language::Chinese, None, Some("Ann Lee"), "Ann Lee 先生/女士"),
            (Language::Chinese, None, Some("李主任"), "李主任"),
            (Language::Chinese, None, None, "客户"),
        ] {
            assert_eq!(language.greeting(given, contact), expected);
        }
    }
}
