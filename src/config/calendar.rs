//! Files of working days: weekend, holidays, adjusted working days.

mod ics;
mod include;
mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use self::include::Includes;
use super::forms::{Many, Spot};
use super::read::{Read, Reader, shape};
use super::source::Source;
use super::yaml::{self, Node, Value};
use crate::domain::calendar::{Calendar, Calendars};
use crate::problem::{Place, Problem};

/// No public holiday is longer; a range of more is a slip of the pen.
const RANGE_MAX_DAYS: usize = 60;

/// How many days before the end of a calendar to say so.
const WARNING_DAYS: i32 = 60;

shape! { "a calendar"
/// A calendar of working days, `calendars/<country>.yaml`.
#[schemars(rename = "Calendar")]
struct RawCalendar {
    /// The days of every week that are off, `[sat, sun]` if not said.
    weekend: Option<Many<Spot<Weekday>>>,
    /// The public holidays: dates, or ranges with a name.
    holidays: Option<Vec<RawHoliday>>,
    /// Days of the weekend, or of a holiday, that are worked after all.
    working: Option<Vec<Spot<Date>>>,
    /// Files of days that others publish, relative to this one: JSON in the
    /// form of `holiday-cn`, or iCalendar (`.ics`). What this file says of a
    /// day goes before what they say.
    include: Option<Many<Spot<PathBuf>>>,
    /// The last day that the holidays are known for; the end of the year of
    /// the last holiday if not said. An included JSON file that names its
    /// `year` moves it to the end of that year.
    ends_on: Option<Spot<Date>>,
} }

shape! { "a holiday"
/// A holiday of one or more days.
#[schemars(rename = "HolidayRange")]
struct RawRange {
    /// The first day.
    from: Spot<Date>,
    /// The last day; the first if not said.
    until: Option<Spot<Date>>,
    /// What is celebrated; for readers of the file.
    #[expect(dead_code, reason = "for readers of the file; only its form is checked")]
    name: Option<Spot<String>>,
} }

/// A date, or a range of them.
#[derive(Clone, Debug, schemars::JsonSchema)]
#[schemars(untagged, rename = "Holiday")]
pub(super) enum RawHoliday {
    /// One day.
    Day(Spot<Date>),
    /// One or more days.
    Range(RawRange),
}

impl Read for RawHoliday {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match node.value {
            Value::Map(_) => RawRange::read(node, reader).map(Self::Range),
            Value::Null | Value::Scalar(_) | Value::List(_) => Spot::read(node, reader).map(Self::Day),
        }
    }
}

/// The end of a calendar, to warn of in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CalendarEnd {
    file: PathBuf,
    place: Option<Place>,
    ends_on: Date,
}

impl CalendarEnd {
    /// Its file by its name alone, and its last day.
    #[must_use]
    pub fn named(&self) -> (String, Date) {
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        (name.to_string_lossy().into_owned(), self.ends_on)
    }

    /// The warning, if the calendar ends within 60 days of `today`.
    #[must_use]
    pub fn warning(&self, today: Date) -> Option<Problem> {
        if self.ends_on > today.saturating_add(WARNING_DAYS.days()) {
            return None;
        }
        let message = if self.ends_on < today {
            format!("the holidays end on {}: only weekends are known now", self.ends_on)
        } else {
            format!("the holidays end on {}; after that only weekends are known", self.ends_on)
        };
        let mut problem = Problem::warning(self.file.clone(), message);
        problem.place.clone_from(&self.place);
        Some(problem.hint("add the next year's holidays or `include` a file of them, then move `ends_on`"))
    }
}

/// Reads the business's calendar and those of other countries beside it.
pub(super) fn load(file: &Path, ends: &mut Vec<CalendarEnd>, problems: &mut Vec<Problem>) -> Calendars {
    let mut lists = BTreeSet::new();
    let business = read(file, ends, &mut lists, problems);
    let mut calendars = Calendars { business, ..Calendars::default() };
    let folder = Folder::of(file);
    problems.extend(folder.unread);
    for (country, file) in folder.countries {
        calendars.by_country.insert(country, read(&file, ends, &mut lists, problems));
    }
    for list in folder.lists.iter().filter(|list| !lists.contains(*list)) {
        let name = list.file_name().unwrap_or_default().display();
        let hint = format!("add `include: [{name}]` to the calendar it is for, or move it elsewhere");
        problems.push(Problem::warning(list, "is not read: no calendar includes it").hint(hint));
    }
    if let Some(own) = country_of(file) {
        calendars.by_country.insert(own, calendars.business.clone());
    }
    calendars
}

/// `cn` of `cn.yaml`.
fn country_of(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    let good = stem.len() == 2 && stem.bytes().all(|byte| byte.is_ascii_lowercase());
    (good && file.extension().is_some_and(|ending| ending == "yaml")).then(|| stem.to_owned())
}

/// What lies beside the business's calendar.
#[derive(Default)]
struct Folder {
    /// The other countries' files, by their codes.
    countries: BTreeMap<String, PathBuf>,
    /// Files that a calendar may include.
    lists: BTreeSet<PathBuf>,
    /// A warning for what somebody may take for a calendar.
    unread: Vec<Problem>,
}

impl Folder {
    fn of(own: &Path) -> Self {
        let folder = folder_of(own);
        let mut found = Self::default();
        // Where the folder is missing, the business's own file has said so.
        let Ok(entries) = std::fs::read_dir(folder) else { return found };
        for name in entries.filter_map(|entry| Some(PathBuf::from(entry.ok()?.file_name()))) {
            let hidden = name.as_os_str().to_string_lossy().starts_with('.');
            if hidden || own.file_name() == Some(name.as_os_str()) {
                continue;
            }
            let file = folder.join(&name);
            if let Some(country) = country_of(&file) {
                found.countries.insert(country, file);
                continue;
            }
            match name.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
                "yaml" | "yml" => {
                    let hint = "a calendar is found by its name: the country's two small letters and .yaml, \
                                like de.yaml";
                    found.unread.push(Problem::warning(file, "is not read").hint(hint));
                }
                "json" | "ics" => {
                    found.lists.insert(file);
                }
                _ => {}
            }
        }
        found
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn read(
    file: &Path,
    ends: &mut Vec<CalendarEnd>,
    lists: &mut BTreeSet<PathBuf>,
    problems: &mut Vec<Problem>,
) -> Calendar {
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(problem) => {
            problems.push(problem);
            return Calendar::default();
        }
    };
    let Some(node) = yaml::parse(&source, problems) else { return Calendar::default() };
    let mut reader = Reader { source: &source, problems };
    let Some(raw) = RawCalendar::read(&node, &mut reader) else { return Calendar::default() };
    let weekend = weekend(&raw, &mut reader);
    let mut holidays = holidays(&raw, &mut reader);
    let mut working: BTreeSet<Date> = raw.working.iter().flatten().map(|day| day.value).collect();
    let names = raw.include.as_ref().map_or(&[][..], |many| &many.items);
    let includes = Includes::read(names, folder_of(file), lists, &mut reader);
    let ends_on = ends_on(&raw, &holidays, &includes, &mut reader);
    if let Some(day) = ends_on {
        let said = raw.ends_on.as_ref().filter(|given| given.value == day);
        let place = said.map(|given| source.place(&given.at));
        ends.push(CalendarEnd { file: file.to_path_buf(), place, ends_on: day });
    }
    let own = |day: Date| holidays.contains(&day) || working.contains(&day);
    let until = ends_on.map_or(i16::MIN, Date::year);
    let (off, worked) = includes.days(until, own, reader.problems);
    holidays.extend(off);
    working.extend(worked);
    Calendar::new(weekend, holidays, working, ends_on)
}

fn weekend(raw: &RawCalendar, reader: &mut Reader<'_>) -> Vec<Weekday> {
    let Some(given) = &raw.weekend else { return vec![Weekday::Saturday, Weekday::Sunday] };
    let mut days: Vec<Weekday> = Vec::new();
    for day in &given.items {
        if !days.contains(&day.value) {
            days.push(day.value);
        }
    }
    if days.len() == 7 {
        reader.error(&given.at, "every day of the week is off", "leave out the days that are worked");
    }
    days
}

fn holidays(raw: &RawCalendar, reader: &mut Reader<'_>) -> BTreeSet<Date> {
    let mut days = BTreeSet::new();
    for holiday in raw.holidays.iter().flatten() {
        let (from, until) = match holiday {
            RawHoliday::Day(day) => (day, None),
            RawHoliday::Range(range) => (&range.from, range.until.as_ref()),
        };
        days.extend(range(from, until, reader));
    }
    days
}

fn range(from: &Spot<Date>, until: Option<&Spot<Date>>, reader: &mut Reader<'_>) -> Vec<Date> {
    let Some(until) = until else { return vec![from.value] };
    if until.value < from.value {
        let message = format!("the holiday ends ({}) before it begins ({})", until.value, from.value);
        reader.error(&until.at, message, "`until` is its last day");
        return Vec::new();
    }
    let days: Vec<Date> =
        from.value.series(1.day()).take_while(|day| *day <= until.value).take(RANGE_MAX_DAYS + 1).collect();
    if days.len() > RANGE_MAX_DAYS {
        let message = format!("a holiday of more than {RANGE_MAX_DAYS} days");
        reader.error(&until.at, message, "is the month or the year right?");
        return Vec::new();
    }
    days
}

fn ends_on(
    raw: &RawCalendar,
    holidays: &BTreeSet<Date>,
    includes: &Includes,
    reader: &mut Reader<'_>,
) -> Option<Date> {
    let last = holidays.last().copied();
    let own = match &raw.ends_on {
        Some(given) => {
            if let Some(last) = last.filter(|last| *last > given.value) {
                let message = format!("`ends_on` is before the last holiday, {last}");
                reader.error(&given.at, message, "it is the last day that the holidays are known for");
            }
            Some(given.value)
        }
        None => last.max(includes.last_day()).and_then(|last| Date::new(last.year(), 12, 31).ok()),
    };
    includes.complete_until(own)
}
