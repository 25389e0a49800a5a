//! What a cell may be, one function per sort. Each takes the trimmed text of
//! a cell that is not empty, and gives it back as the store keeps it, or says
//! what is wrong and what to do.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::domain::address::is_invisible;
use crate::domain::event::EventOutcome;
use crate::domain::money::Currency;
use crate::domain::receivable::{Kind, Status};
use crate::nearest::did_you_mean;

/// Checks a cell.
pub(super) type Check = fn(&str) -> Result<String, String>;

/// Longer than any name or note, and short enough for a row to be handled.
const LONGEST: usize = 20_000;
const LONGEST_ID: usize = 200;

/// What other programs write for "nothing".
const NOTHING: [&str; 9] = ["NULL", "null", "Null", "(null)", "\\N", "#N/A", "#REF!", "#VALUE!", "#NAME?"];

/// What holds for every cell.
pub(super) fn any(text: &str) -> Result<(), String> {
    if NOTHING.contains(&text) {
        return Err(format!("`{text}` stands for nothing; leave the cell empty"));
    }
    if text.contains('\0') {
        return Err("there is a NUL byte in it".into());
    }
    match text.chars().count() {
        length if length > LONGEST => {
            Err(format!("{length} characters; the longest is {LONGEST}. Is a quotation mark not closed?"))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a `Check` like the others")]
pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn id(text: &str) -> Result<String, String> {
    if text.chars().any(|c| c.is_control() || (is_invisible(c) && !c.is_whitespace())) {
        return Err("a number can't have line ends, control or invisible characters in it".into());
    }
    if text.len() > LONGEST_ID {
        return Err(format!("longer than {LONGEST_ID} bytes"));
    }
    Ok(text.to_owned())
}

/// Several, with `;` between them.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Check` like the others")]
pub(super) fn list(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    Ok(parts.join(";"))
}

fn word<T: Copy>(
    text: &str,
    all: &[T],
    word_of: fn(T) -> &'static str,
    what: &str,
) -> Result<String, String> {
    let plain = text.to_lowercase().replace([' ', '-'], "_");
    let words: Vec<&'static str> = all.iter().map(|value| word_of(*value)).collect();
    if words.contains(&plain.as_str()) {
        return Ok(plain);
    }
    let hint = did_you_mean(text, words.iter().copied())
        .unwrap_or_else(|| format!("it is one of {}", words.join(", ")));
    Err(format!("`{text}` is no {what}; {hint}"))
}

pub(super) fn kind(text: &str) -> Result<String, String> {
    word(text, Kind::ALL, Kind::as_str, "kind")
}

pub(super) fn status(text: &str) -> Result<String, String> {
    word(text, Status::ALL, Status::as_str, "status")
}

pub(super) fn outcome(text: &str) -> Result<String, String> {
    let all = [EventOutcome::Positive, EventOutcome::Neutral, EventOutcome::Negative];
    word(text, &all, EventOutcome::as_str, "outcome")
}

/// Kinds of events are open words, compared in lower case.
pub(super) fn event_kind(text: &str) -> Result<String, String> {
    id(&text.to_lowercase())
}

pub(super) fn yes_or_no(text: &str) -> Result<String, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" => Ok("yes".into()),
        "no" | "false" | "0" => Ok("no".into()),
        _ => Err(format!("`{text}` is neither `yes` nor `no`")),
    }
}

pub(super) fn currency(text: &str) -> Result<String, String> {
    text.parse::<Currency>().map(|currency| currency.code().to_owned()).map_err(|error| error.to_string())
}

/// The shape of an amount; whether it fits its currency is asked where that
/// is known.
pub(super) fn amount(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Ok(text.to_owned());
    }
    let hint = if digits.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.') {
        "write it with a point for the decimals and nothing between thousands, like 1234.50"
    } else {
        "write digits with a point and nothing else, like 1234.50; the currency has its own column"
    };
    Err(format!("`{text}` is not an amount; {hint}"))
}

/// Years that dates of a business can lie in; others are slips.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;

pub(super) fn date(text: &str) -> Result<String, String> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape {
        let parts = text.split(['/', '.', '-']).filter(|part| !part.is_empty()).count();
        let why = if parts == 3 { "which part is the month can't be told; " } else { "" };
        return Err(format!("`{text}` is not a date; {why}write year, month and day like 2026-03-01"));
    }
    let date: Date = text.parse().map_err(|_| format!("there is no day {text}"))?;
    if !YEARS.contains(&date.year()) {
        return Err(format!("`{text}`: the year must be between {} and {}", YEARS.start(), YEARS.end()));
    }
    Ok(text.to_owned())
}

/// A moment: with an offset it is kept as `@` and microseconds, without one
/// as civil time, to be read in the customer's zone.
pub(super) fn moment(text: &str) -> Result<String, String> {
    let wrong = |hint: &str| {
        Err(format!(
            "`{text}` is not a moment; {hint}write it like 2026-03-01T14:30+08:00, or without the offset"
        ))
    };
    let Some((day, time)) = text.split_once(['T', 't', ' ']) else {
        return wrong("the time is missing; ");
    };
    if date(day).is_err() || !time.starts_with(|c: char| c.is_ascii_digit()) || !time.contains(':') {
        return wrong("");
    }
    let zoned = time.contains(['+', '-']) || time.ends_with(['Z', 'z']);
    if zoned {
        return match format!("{day}T{time}").parse::<Timestamp>() {
            Ok(at) => Ok(format!("@{}", at.as_microsecond())),
            Err(_) => wrong(""),
        };
    }
    match format!("{day}T{time}").parse::<DateTime>() {
        Ok(civil) => Ok(civil.to_string()),
        Err(_) => wrong(""),
    }
}

/// A language tag as in BCP 47, `zh_CN` and `zh-cn` included.
pub(super) fn locale(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a language tag; write it like zh-CN or en");
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    if !(2..=3).contains(&language.len()) || !language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(wrong());
    }
    let mut tag = language.to_lowercase();
    for part in parts {
        if !(2..=8).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(wrong());
        }
        tag.push('-');
        match part.len() {
            2 => tag.push_str(&part.to_uppercase()),
            4 => {
                tag.push_str(&part[..1].to_uppercase());
                tag.push_str(&part[1..].to_lowercase());
            }
            _ => tag.push_str(&part.to_lowercase()),
        }
    }
    Ok(tag)
}

pub(super) fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(text.to_lowercase());
    }
    Err(format!("`{text}` is not a country; write the two letters of ISO 3166, like cn or de"))
}

pub(super) fn zone(text: &str) -> Result<String, String> {
    if TimeZone::get(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not a time zone; write a place like Asia/Shanghai or Europe/Berlin"))
}

pub(super) fn url(text: &str) -> Result<String, String> {
    let web = text.starts_with("https://") || text.starts_with("http://");
    if web && !text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is not an address of the web; it begins with https://"))
}

/// Either a JSON object of texts, numbers and truth values, or
/// `key=value;key=value`. Kept as a JSON object of texts in order of keys.
pub(super) fn attributes(text: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("{why}; write `key=value;key=value` or a JSON object of texts");
    let mut read = BTreeMap::new();
    if text.starts_with('{') {
        let object: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| wrong(&format!("not a JSON object ({error})")))?;
        for (key, value) in object {
            let value = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Number(number) => number.to_string(),
                serde_json::Value::Bool(truth) => truth.to_string(),
                serde_json::Value::Null => continue,
                serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                    return Err(wrong(&format!("the value of `{key}` is not a text")));
                }
            };
            read.insert(key, value);
        }
    } else {
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| wrong(&format!("`{part}` has no `=`")))?;
            if read.insert(key.trim().to_owned(), value.trim().to_owned()).is_some() {
                return Err(wrong(&format!("`{}` is there twice", key.trim())));
            }
        }
    }
    serde_json::to_string(&read).map_err(|error| wrong(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_taken_or_refused_with_what_to_do() {
        for (check, text, expected) in [
            (kind as Check, "Credit Note", Ok("credit_note")),
            (kind, "invioce", Err("did you mean `invoice`?")),
            (kind, "rechnung", Err("one of invoice, prepayment")),
            (status, "on-hold", Ok("on_hold")),
            (status, "oepn", Err("did you mean `open`?")),
            (outcome, "Positive", Ok("positive")),
            (currency, "cny", Ok("CNY")),
            (currency, "RMB", Err("write its ISO code")),
            (amount, "-12.50", Ok("-12.50")),
            (amount, "12,50", Err("a point for the decimals")),
            (amount, "1.234,50", Err("a point for the decimals")),
            (amount, "¥12.50", Err("the currency has its own column")),
            (amount, "1e3", Err("digits with a point")),
            (date, "2026-02-28", Ok("2026-02-28")),
            (date, "2026-02-29", Err("there is no day")),
            (date, "03/04/2026", Err("which part is the month")),
            (date, "2026-3-4", Err("write year, month and day")),
            (date, "20260304", Err("is not a date")),
            (date, "0026-03-04", Err("the year must be")),
            (moment, "2026-03-01T14:30+08:00", Ok("@1772346600000000")),
            (moment, "2026-03-01 06:30:00Z", Ok("@1772346600000000")),
            (moment, "2026-03-01 14:30", Ok("2026-03-01T14:30:00")),
            (moment, "2026-03-01", Err("the time is missing")),
            (moment, "01.03.2026 14:30", Err("is not a moment")),
            (moment, "2026-03-01T25:30", Err("is not a moment")),
            (locale, "zh_cn", Ok("zh-CN")),
            (locale, "zh-hans-CN", Ok("zh-Hans-CN")),
            (locale, "Chinese", Err("is not a language tag")),
            (country, "CN", Ok("cn")),
            (country, "China", Err("two letters")),
            (zone, "Asia/Shanghai", Ok("Asia/Shanghai")),
            (zone, "Asia/Beijing", Err("write a place")),
            (url, "https://pay.example.test/4711", Ok("https://pay.example.test/4711")),
            (url, "javascript:alert(1)", Err("begins with https://")),
            (yes_or_no, "TRUE", Ok("yes")),
            (attributes, "b=2; a=1 ", Ok(r#"{"a":"1","b":"2"}"#)),
            (attributes, r#"{"vip": true, "n": 3}"#, Ok(r#"{"n":"3","vip":"true"}"#)),
            (attributes, r#"{"a": [1]}"#, Err("is not a text")),
            (attributes, "vip", Err("has no `=`")),
            (list, " a; b ;;", Ok("a;b")),
        ] {
            match (check(text), expected) {
                (Ok(kept), Ok(expected)) => assert_eq!(kept, expected, "{text}"),
                (Err(told), Err(part)) => assert!(told.contains(part), "{text}: {told}"),
                (read, expected) => panic!("{text}: {read:?} instead of {expected:?}"),
            }
        }
        assert!(any("NULL").is_err() && any("a\0b").is_err() && any(&"x".repeat(20_001)).is_err());
    }
}
