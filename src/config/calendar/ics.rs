//! Days off and days worked from an iCalendar file (RFC 5545).
//!
//! Only whole days of events are read, and what can't be understood is
//! refused at its line: a day read wrongly is a letter on a holiday. The
//! crates for this format say nothing of lines.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::source::{At, Source};
use super::include::{Said, Yearly};
use crate::problem::Problem;

/// No public holiday is longer.
const LENGTH_MAX_DAYS: i32 = 60;

/// What an event says of its days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mark {
    Off,
    Worked,
    /// 调休 alone may be either.
    Unclear,
}

/// `DTSTART;VALUE=DATE:20270101`, unfolded.
struct Property {
    name: String,
    value: String,
    at: At,
}

/// Everything between `BEGIN:VEVENT` and its end, without what is nested.
struct Event {
    at: At,
    properties: Vec<Property>,
}

/// What is wrong, where, and what to do.
type Wrong = (At, String, &'static str);

/// The days of a file, and those that come every year.
pub(super) fn read(source: &Source, problems: &mut Vec<Problem>) -> (Vec<Said>, Vec<Yearly>) {
    let (mut days, mut yearly) = (Vec::new(), Vec::new());
    let mut note = |(at, message, hint): Wrong| problems.push(source.error(at, message).hint(hint));
    let events = match events(&source.text) {
        Ok(events) => events,
        Err(wrong) => {
            note(wrong);
            return (days, yearly);
        }
    };
    // Where a file marks days off or worked, the others are mere observances.
    let marked = events.iter().any(|event| event.mark().is_some());
    for event in events.iter().filter(|event| !event.is_cancelled()) {
        let works = match event.mark() {
            None if marked => continue,
            Some(Mark::Off) | None => false,
            Some(Mark::Worked) => true,
            Some(Mark::Unclear) => {
                let at = event.get("SUMMARY").map_or(&event.at, |summary| &summary.at);
                let message = "调休 does not say whether the day is off or worked".to_owned();
                note((at.clone(), message, "write 休 or 班 into it"));
                continue;
            }
        };
        match event.days() {
            Ok((first, length, None)) => {
                let all = first.series(1.day()).take(usize::try_from(length).unwrap_or(0));
                days.extend(all.map(|day| Said { day, works, at: event.at.clone() }));
            }
            Ok((first, length, Some(again))) => {
                yearly.push(Yearly { first, length, works, at: event.at.clone(), ..again });
            }
            Err(wrong) => note(wrong),
        }
    }
    (days, yearly)
}

impl Event {
    fn get(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    fn is_cancelled(&self) -> bool {
        self.get("STATUS").is_some_and(|status| status.value.eq_ignore_ascii_case("CANCELLED"))
    }

    fn mark(&self) -> Option<Mark> {
        if let Some(special) = self.get("X-APPLE-SPECIAL-DAY") {
            return match special.value.as_str() {
                "WORK-HOLIDAY" => Some(Mark::Off),
                "ALTERNATE-WORKDAY" => Some(Mark::Worked),
                _ => None,
            };
        }
        let summary = &self.get("SUMMARY")?.value;
        let plain = summary.replace("调休", "");
        if plain.contains('班') {
            Some(Mark::Worked)
        } else if plain.contains('休') {
            Some(Mark::Off)
        } else {
            (plain != *summary).then_some(Mark::Unclear)
        }
    }

    /// The first day, how many, and how they come again.
    fn days(&self) -> Result<(Date, i32, Option<Yearly>), Wrong> {
        let refused = ["EXDATE", "EXRULE", "RDATE", "RECURRENCE-ID"];
        if let Some(refused) = self.properties.iter().find(|p| refused.contains(&p.name.as_str())) {
            let message = format!("`{}` is not understood here", refused.name);
            return Err((refused.at.clone(), message, LIST_THEM));
        }
        let Some(start) = self.get("DTSTART") else {
            return Err((
                self.at.clone(),
                "an event without DTSTART".to_owned(),
                "delete it, or add its day",
            ));
        };
        let first = whole_day(start)?;
        let length = self.length(first)?;
        let again = self.get("RRULE").map(|rule| yearly(rule, first)).transpose()?;
        Ok((first, length, again))
    }

    /// How many days: `DTEND` is the day after the last, and missing is one.
    fn length(&self, first: Date) -> Result<i32, Wrong> {
        let (days, said) = match (self.get("DTEND"), self.get("DURATION")) {
            (Some(_), Some(duration)) => {
                let message = "an event with both DTEND and DURATION".to_owned();
                return Err((duration.at.clone(), message, "keep one of them"));
            }
            (None, None) => return Ok(1),
            (None, Some(duration)) => (whole_days(duration)?, duration),
            (Some(end), None) => {
                let days = (whole_day(end)? - first).get_days();
                // Some programs name the same day twice for one day.
                (if days == 0 { 1 } else { days }, end)
            }
        };
        if days < 1 {
            return Err((said.at.clone(), "the event ends before it begins".to_owned(), "mend the dates"));
        }
        if days > LENGTH_MAX_DAYS {
            let message = format!("a holiday of {days} days, which is more than {LENGTH_MAX_DAYS}");
            return Err((said.at.clone(), message, "is the month or the year right?"));
        }
        Ok(days)
    }
}

const LIST_THEM: &str = "list the days in the calendar's own file instead, and delete the event";

fn digits(text: &str) -> Option<Date> {
    let good = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, rest) = text.split_at_checked(4).filter(|_| good)?;
    let (month, day) = rest.split_at(2);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn whole_day(property: &Property) -> Result<Date, Wrong> {
    digits(&property.value).ok_or_else(|| {
        let moment = property.value.contains('T');
        let what = if moment { "a moment, and only whole days are read" } else { "not a day" };
        let message = format!("`{}` is {what}", property.value);
        (property.at.clone(), message, "write the day, like DTSTART;VALUE=DATE:20270101")
    })
}

/// `P3D` or `P2W`.
fn whole_days(property: &Property) -> Result<i32, Wrong> {
    let read = || {
        let span = property.value.strip_prefix('+').unwrap_or(&property.value).strip_prefix('P')?;
        let (count, unit) = match (span.strip_suffix('D'), span.strip_suffix('W')) {
            (Some(count), _) => (count, 1),
            (None, Some(count)) => (count, 7),
            (None, None) => return None,
        };
        count.parse::<i32>().ok()?.checked_mul(unit)
    };
    read().ok_or_else(|| {
        let message = format!("`{}` is not a number of whole days", property.value);
        (property.at.clone(), message, "write days or weeks, like DURATION:P3D")
    })
}

/// `FREQ=YEARLY` on the same date, with an interval, a count or an end.
fn yearly(rule: &Property, first: Date) -> Result<Yearly, Wrong> {
    let wrong = |message: String| (rule.at.clone(), message, LIST_THEM);
    let mut again =
        Yearly { first, length: 1, works: false, interval: 1, until: None, count: None, at: rule.at.clone() };
    let mut every_year = false;
    for part in rule.value.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let positive = value.parse::<i16>().ok().filter(|number| *number > 0);
        let understood = match key {
            "FREQ" => {
                every_year = value == "YEARLY";
                every_year
            }
            "INTERVAL" => positive.map(|years| again.interval = years).is_some(),
            "COUNT" => positive.map(|times| again.count = Some(times)).is_some(),
            "UNTIL" => {
                again.until = value.get(..8).and_then(digits);
                again.until.is_some()
            }
            "WKST" => true,
            "BYMONTH" => value.parse() == Ok(first.month()),
            "BYMONTHDAY" => value.parse() == Ok(first.day()),
            _ => false,
        };
        if !understood {
            return Err(wrong(format!(
                "`{part}`: only days that come on the same date of every year are understood"
            )));
        }
    }
    if every_year { Ok(again) } else { Err(wrong("an RRULE without FREQ".to_owned())) }
}

/// The events of a calendar.
fn events(text: &str) -> Result<Vec<Event>, Wrong> {
    let mut events = Vec::new();
    let mut open: Vec<(String, At)> = Vec::new();
    for (line, at) in unfolded(text) {
        if open.is_empty() && !is(line.trim_end(), "BEGIN:VCALENDAR") {
            let message = "this is not an iCalendar file: it does not begin with BEGIN:VCALENDAR";
            return Err((at, message.to_owned(), "export or download it again as .ics"));
        }
        let property = property(&line, at)?;
        let at = property.at.clone();
        match property.name.as_str() {
            "BEGIN" => {
                open.push((property.value.to_uppercase(), at.clone()));
                if is(&property.value, "VEVENT") {
                    events.push(Event { at, properties: Vec::new() });
                }
            }
            "END" => {
                let begun = open.pop();
                if !begun.is_some_and(|(begun, _)| is(&property.value, &begun)) {
                    let message = format!("`END:{}` ends nothing that is open here", property.value);
                    return Err((at, message, CUT));
                }
            }
            _ if open.last().is_some_and(|(name, _)| name == "VEVENT") => {
                if let Some(event) = events.last_mut() {
                    event.properties.push(property);
                }
            }
            _ => {}
        }
    }
    match open.pop() {
        None if events.is_empty() => Err((0..0, "there is no event in this file".to_owned(), CUT)),
        None => Ok(events),
        Some((name, at)) => Err((at, format!("`BEGIN:{name}` has no end"), CUT)),
    }
}

const CUT: &str = "the file may be cut off; export or download it again";

fn is(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The content lines, each with the place of its first line. A line that
/// begins with a space or tab continues the one before (section 3.1).
fn unfolded(text: &str) -> Vec<(String, At)> {
    let mut lines: Vec<(String, At)> = Vec::new();
    let mut start = 0;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let bom = if start == 0 && line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((before, _))) => before.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => lines.push((line[bom..].to_owned(), start + bom..start + line.len())),
        }
        start += whole.len();
    }
    lines
}

/// Name and value; a colon within the quotes of a parameter is neither.
fn property(line: &str, at: At) -> Result<Property, Wrong> {
    let mut quoted = false;
    let colon = line.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == ':' && !quoted
    });
    let Some((colon, _)) = colon else {
        return Err((at, "a line without a colon".to_owned(), CUT));
    };
    let name = line[..colon].split(';').next().unwrap_or_default();
    Ok(Property { name: name.trim().to_uppercase(), value: line[colon + 1..].trim().to_owned(), at })
}
