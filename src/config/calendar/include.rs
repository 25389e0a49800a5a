//! Calendars that others publish: lists of days in JSON and iCalendar files
//! that a calendar includes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::forms::Spot;
use super::super::read::Reader;
use super::super::source::{At, Source};
use super::{ics, json};
use crate::problem::Problem;

/// Years of holidays in one file of iCalendar.
const SIZE_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A day that a file says something of.
pub(super) struct Said {
    pub day: Date,
    /// Worked, although it is a day of the weekend; else off.
    pub works: bool,
    pub at: At,
}

/// Days that come on the same date of every year, or every few.
pub(super) struct Yearly {
    pub first: Date,
    /// How many days each time.
    pub length: i32,
    pub works: bool,
    /// Every so many years.
    pub interval: i16,
    /// No time begins after this day.
    pub until: Option<Date>,
    /// How many times.
    pub count: Option<i16>,
    pub at: At,
}

impl Yearly {
    /// The days until the end of a year. A 29 February comes in leap years.
    fn days_until(&self, year: i16) -> impl Iterator<Item = Said> {
        let step = usize::try_from(self.interval).unwrap_or(1);
        let times = usize::try_from(self.count.unwrap_or(i16::MAX)).unwrap_or(0);
        let length = usize::try_from(self.length).unwrap_or(0);
        (self.first.year()..=year)
            .step_by(step)
            .filter_map(|year| Date::new(year, self.first.month(), self.first.day()).ok())
            .take(times)
            .filter(|day| self.until.is_none_or(|until| *day <= until))
            .flat_map(move |day| day.series(1.day()).take(length))
            .map(|day| Said { day, works: self.works, at: self.at.clone() })
    }
}

/// A file that a calendar includes.
struct Included {
    source: Source,
    days: Vec<Said>,
    yearly: Vec<Yearly>,
    /// The year that it is complete for, where it says so.
    year: Option<i16>,
}

/// What the files that a calendar includes say together.
pub(super) struct Includes {
    files: Vec<Included>,
}

impl Includes {
    /// Reads the files, whose names are relative to the calendar's folder.
    pub fn read(
        names: &[Spot<PathBuf>],
        folder: &Path,
        read: &mut BTreeSet<PathBuf>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let mut files = Vec::new();
        for name in names {
            let file = folder.join(&name.value);
            let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let ending = ending.to_ascii_lowercase();
            if !matches!(ending.as_str(), "json" | "ics") {
                let message = format!("`{}` can't be included", name.value.display());
                reader.error(&name.at, message, "lists of days are files that end in .json or .ics");
                continue;
            }
            read.insert(file.clone());
            let source = match Source::read_up_to(&file, SIZE_MAX_BYTES) {
                Ok(source) => source,
                Err(problem) => {
                    reader.problems.push(problem);
                    continue;
                }
            };
            let ((days, yearly), year) = if ending == "ics" {
                (ics::read(&source, reader.problems), None)
            } else {
                let (days, year) = json::read(&source, reader.problems);
                ((days, Vec::new()), year)
            };
            files.push(Included { source, days, yearly, year });
        }
        Self { files }
    }

    /// The last day that a file names, those that come every year not
    /// counting unless there is no other.
    pub fn last_day(&self) -> Option<Date> {
        let named = self.files.iter().flat_map(|file| &file.days).map(|said| said.day).max();
        named.or_else(|| self.files.iter().flat_map(|file| &file.yearly).map(|yearly| yearly.first).max())
    }

    /// The end of the last of the years that follow one another, from the
    /// one after `end` on, for which a file says that it is complete.
    pub fn complete_until(&self, end: Option<Date>) -> Option<Date> {
        let years: BTreeSet<i16> = self.files.iter().filter_map(|file| file.year).collect();
        years.into_iter().fold(end, |end, year| match end {
            Some(end) if year < end.year() || year > end.year() + 1 => Some(end),
            Some(_) | None => Date::new(year, 12, 31).ok(),
        })
    }

    /// The days off and the days worked, until the end of a year, but for
    /// those of which the calendar's own file has its say. Two files that
    /// contradict each other are a problem.
    pub fn days(
        &self,
        until: i16,
        own: impl Fn(Date) -> bool,
        problems: &mut Vec<Problem>,
    ) -> (BTreeSet<Date>, BTreeSet<Date>) {
        let mut said: BTreeMap<Date, (bool, &Source, At)> = BTreeMap::new();
        for file in &self.files {
            let yearly = file.yearly.iter().flat_map(|yearly| yearly.days_until(until));
            let days = file.days.iter().map(|said| Said { at: said.at.clone(), ..*said }).chain(yearly);
            for Said { day, works, at } in days.filter(|said| !own(said.day)) {
                match said.get(&day) {
                    Some((before, first, place)) if *before != works => {
                        problems.push(contradiction(day, works, (&file.source, at), (first, place)));
                    }
                    Some(_) => {}
                    None => {
                        said.insert(day, (works, &file.source, at));
                    }
                }
            }
        }
        let of = |wanted: bool| {
            said.iter().filter(|(_, (works, ..))| *works == wanted).map(|(day, _)| *day).collect()
        };
        (of(false), of(true))
    }
}

fn contradiction(
    day: Date,
    works: bool,
    (here, at): (&Source, At),
    (first, place): (&Source, &At),
) -> Problem {
    let word = |works: bool| if works { "worked" } else { "off" };
    let message = format!(
        "{day} is {} here and {} in {}, line {}",
        word(works),
        word(!works),
        first.file.display(),
        first.line(place.start)
    );
    here.error(at, message).hint("say which is right in the calendar itself, under `working` or `holidays`")
}
