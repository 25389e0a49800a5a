//! Amounts in the smallest unit, as files have them and as letters show them.

use std::collections::BTreeSet;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Coin {
    Cny,
    Eur,
    Usd,
    Jpy,
    Kwd,
}

pub type Amount = (Coin, i64);

impl Coin {
    pub const ALL: [Self; 5] = [Self::Cny, Self::Eur, Self::Usd, Self::Jpy, Self::Kwd];

    pub fn code(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Jpy => "JPY",
            Self::Kwd => "KWD",
        }
    }

    fn decimals(self) -> u32 {
        match self {
            Self::Cny | Self::Eur | Self::Usd => 2,
            Self::Jpy => 0,
            Self::Kwd => 3,
        }
    }

    pub fn unit(self) -> i64 {
        10_i64.pow(self.decimals())
    }

    /// Less than this is not reminded of by the shipped rules.
    pub fn least(self) -> i64 {
        match self {
            Self::Cny => 100 * self.unit(),
            Self::Eur => 10 * self.unit(),
            Self::Usd | Self::Jpy | Self::Kwd => 0,
        }
    }

    /// What stands before and after a number in Chinese.
    fn in_chinese(self) -> (&'static str, &'static str) {
        match self {
            Self::Cny => ("人民币", "元"),
            Self::Eur => ("", "欧元"),
            Self::Usd => ("", "美元"),
            Self::Jpy => ("", "日元"),
            Self::Kwd => ("KWD ", ""),
        }
    }
}

/// As a cell of a CSV file has it.
pub fn plain((coin, amount): Amount) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let (whole, part) = (amount.abs() / coin.unit(), amount.abs() % coin.unit());
    match coin.decimals() {
        0 => format!("{sign}{whole}"),
        decimals => format!("{sign}{whole}.{part:0width$}", width = decimals as usize),
    }
}

/// Every amount that a letter names. An amount with the wrong decimals is
/// none, and comes back as it was written.
pub fn amounts_in(text: &str, chinese: bool) -> Result<BTreeSet<Amount>, String> {
    let text = text.replace('\u{a0}', " ");
    let mut found = BTreeSet::new();
    let mut rest = 0;
    while let Some(start) = text[rest..].find(|c: char| c.is_ascii_digit()).map(|at| rest + at) {
        let length = text[start..].find(|c: char| !(c.is_ascii_digit() || c == ',' || c == '.'));
        let end = length.map_or(text.len(), |length| start + length);
        rest = end;
        let number = text[start..end].trim_end_matches([',', '.']);
        let (before, behind) = (&text[..start], &text[start + number.len()..]);
        let is = |coin: &Coin| {
            let (head, tail) = if chinese { coin.in_chinese() } else { (coin.code(), "") };
            let before = if chinese { before } else { before.trim_end() };
            before.ends_with(head) && behind.starts_with(tail)
        };
        if let Some(coin) = Coin::ALL.into_iter().find(is) {
            let amount = minor(coin, number).ok_or_else(|| format!("{} {number}", coin.code()))?;
            found.insert((coin, amount));
        }
    }
    Ok(found)
}

fn minor(coin: Coin, number: &str) -> Option<i64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() != coin.decimals() as usize {
        return None;
    }
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3);
    let digits = groups.concat() + part;
    digits.parse().ok().filter(|_| grouped)
}
