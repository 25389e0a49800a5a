//! Amounts of money: decimals with a currency, never floats, never added
//! across currencies.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three letters, `CNY`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimals its amounts have (ISO 4217 minor unit): JPY 0, CNY
    /// 2, KWD 3.
    #[must_use]
    pub fn decimals(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is no amount or currency.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoneyError {
    /// Not one of the codes of ISO 4217.
    #[error("`{0}` is not a currency; write its ISO code, like CNY or EUR")]
    UnknownCurrency(String),
    /// Not a plain decimal number.
    #[error("`{0}` is not an amount; write digits with a point, like 1234.50")]
    NotANumber(String),
    /// More than anybody owes; as a rule the number of something else.
    #[error("`{0}` is too large for an amount; is it the number of something?")]
    TooLarge(String),
    /// More decimals than the currency has.
    #[error("`{text}` has more than the {decimals} decimals of {currency}")]
    TooPrecise {
        /// As it was written.
        text: String,
        /// What it is an amount of.
        currency: Currency,
        /// How many decimals are possible.
        decimals: u32,
    },
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(&text.to_ascii_uppercase())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(text.to_owned()))
    }
}

/// No amount is as large, so that the sum of any that there can be is one:
/// a [`Decimal`] holds 28 digits, and adding up beyond them is a fault.
const LIMIT: Decimal = Decimal::from_parts(2_808_348_672, 232_830_643, 0, false, 0);

/// An amount in one currency. May be negative.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Money {
    /// In units of the currency, with at most its decimals.
    pub amount: Decimal,
    /// What it is an amount of.
    pub currency: Currency,
}

impl Money {
    /// Reads a plain decimal: an optional sign, digits, and a point with at
    /// most the currency's decimals. Exponents, separators and symbols are
    /// refused, because guessing at an amount is worse than asking.
    ///
    /// # Errors
    /// [`MoneyError`] with the text that is no amount.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.starts_with(|c: char| c.is_ascii_digit())
            && !digits.ends_with('.')
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        let amount = plain
            .then(|| Decimal::from_str_exact(text).ok())
            .flatten()
            .ok_or_else(|| MoneyError::NotANumber(text.to_owned()))?;
        if amount.abs() >= LIMIT {
            return Err(MoneyError::TooLarge(text.to_owned()));
        }
        if amount.normalize().scale() > currency.decimals() {
            return Err(MoneyError::TooPrecise {
                text: text.to_owned(),
                currency,
                decimals: currency.decimals(),
            });
        }
        Ok(Self { amount, currency })
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::ZERO, currency }
    }

    /// Whether something is owed: above zero.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.amount > Decimal::ZERO
    }
}

impl fmt::Display for Money {
    /// `1234.50 CNY`, with all of the currency's decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.amount;
        amount.rescale(self.currency.decimals());
        write!(f, "{amount} {}", self.currency)
    }
}

/// Sums kept apart by currency, in the order of the codes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals(BTreeMap<Currency, Decimal>);

impl Totals {
    /// Adds to the sum of the amount's own currency.
    pub fn add(&mut self, money: Money) {
        *self.0.entry(money.currency).or_default() += money.amount;
    }

    /// The sum in one currency, zero if there is none.
    #[must_use]
    pub fn of(&self, currency: Currency) -> Decimal {
        self.0.get(&currency).copied().unwrap_or_default()
    }

    /// Every sum.
    pub fn iter(&self) -> impl Iterator<Item = Money> + '_ {
        self.0.iter().map(|(&currency, &amount)| Money { amount, currency })
    }
}

impl FromIterator<Money> for Totals {
    fn from_iter<I: IntoIterator<Item = Money>>(items: I) -> Self {
        let mut totals = Self::default();
        items.into_iter().for_each(|money| totals.add(money));
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_decimals_within_the_currency_are_amounts() {
        for (text, code, expected) in [
            ("1234.50", "CNY", Some("1234.50 CNY")),
            ("-3", "EUR", Some("-3.00 EUR")),
            ("1000", "JPY", Some("1000 JPY")),
            ("1.000", "JPY", Some("1 JPY")),
            ("0.125", "KWD", Some("0.125 KWD")),
            ("0.125", "CNY", None),
            ("1.5", "JPY", None),
            ("1e3", "CNY", None),
            ("1,234", "CNY", None),
            ("1 234", "CNY", None),
            ("\u{a5}5", "CNY", None),
            ("+5", "CNY", None),
            (".5", "CNY", None),
            ("5.", "CNY", None),
            ("1.2.3", "CNY", None),
            ("", "CNY", None),
            ("NaN", "CNY", None),
            ("99999999999999999999999999999999", "CNY", None),
            ("999999999999999999", "JPY", Some("999999999999999999 JPY")),
            ("-999999999999999999.99", "EUR", Some("-999999999999999999.99 EUR")),
            ("1000000000000000000", "JPY", None),
            ("-1000000000000000000", "JPY", None),
            ("79228162514264337593543950335", "CNY", None),
        ] {
            let currency = code.parse().expect("a currency");
            let read = Money::parse(text, currency).ok().map(|money| money.to_string());
            assert_eq!(read.as_deref(), expected, "{text} {code}");
        }
    }

    #[test]
    fn totals_never_mix_currencies() {
        let cny = "CNY".parse().expect("a currency");
        let eur = "EUR".parse().expect("a currency");
        let totals: Totals = [("1", cny), ("2", eur), ("3.5", cny)]
            .map(|(text, currency)| Money::parse(text, currency).expect("an amount"))
            .into_iter()
            .collect();
        let lines: Vec<_> = totals.iter().map(|money| money.to_string()).collect();
        assert_eq!(lines, ["4.50 CNY", "2.00 EUR"]);
    }
}
