//! Days off and days worked from a list in JSON, as `holiday-cn` has it:
//! `{ "year": 2027, "days": [ { "name": …, "date": …, "isOffDay": true } ] }`,
//! or the list of days alone.

use jiff::civil::Date;

use super::super::forms::Spot;
use super::super::read::Reader;
use super::super::source::Source;
use super::super::yaml::{self, Node, Value};
use super::include::Said;
use crate::problem::Problem;

/// The days of a file, and the year that it is complete for, where it says
/// so.
pub(super) fn read(source: &Source, problems: &mut Vec<Problem>) -> (Vec<Said>, Option<i16>) {
    // JSON is YAML but for tabs, which can't stand within its strings.
    let spaced = Source { file: source.file.clone(), text: source.text.replace('\t', " ").into() };
    let Some(node) = yaml::parse(&spaced, problems) else { return (Vec::new(), None) };
    let mut reader = Reader { source: &spaced, problems };
    let (list, year) = match &node.value {
        Value::List(_) => (Some(&node), None),
        Value::Map(entries) => {
            let get = |name: &str| entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
            (get("days"), node.text_at(&["year"]).and_then(|(year, _)| year.parse().ok()))
        }
        Value::Null | Value::Scalar(_) => (None, None),
    };
    let Some(list) = list else {
        let hint = "write { \"days\": [ { \"date\": \"2027-01-01\", \"isOffDay\": true } ] }";
        reader.expected(&node, "a list of days, or a map with the key `days`", hint);
        return (Vec::new(), None);
    };
    let Value::List(items) = &list.value else {
        reader.expected(list, "a list of days", "write [ { \"date\": …, \"isOffDay\": … } ]");
        return (Vec::new(), None);
    };
    if items.is_empty() {
        reader.error(&list.at, "there is no day in this list", "download it again, or include another file");
    }
    (items.iter().filter_map(|item| day(item, &mut reader)).collect(), year)
}

fn day(node: &Node, reader: &mut Reader<'_>) -> Option<Said> {
    let what = "a day";
    let keys = reader.keys(node, what, &["name", "date", "isOffDay"])?;
    let date: Option<Spot<Date>> = keys.get("date", what, reader);
    let off: Option<Spot<bool>> = keys.get("isOffDay", what, reader);
    let date = date?;
    Some(Said { day: date.value, works: !off?.value, at: date.at })
}
