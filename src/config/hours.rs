//! Whether there is any hour in which letters may leave.

use jiff::civil::Date;

use super::{Config, place_of};
use crate::domain::calendar::{Days, has_open_day};
use crate::problem::Problem;

/// An error for each country with which we share no working day within a
/// year of `today`: letters there would wait for ever. That the hours of the
/// day end after they begin is seen when they are read.
pub(super) fn never_open(config: &Config, today: Date) -> Vec<Problem> {
    let settings = &config.settings;
    let of_rules = config.rules.iter().filter_map(|rule| rule.days);
    if !of_rules.chain([settings.letters.hours.days]).any(|days| days == Days::Business) {
        return Vec::new();
    }
    let calendars = &settings.business.calendars;
    let problem = |message: String| Problem {
        place: place_of(&config.file, &["letters", "hours", "days"]),
        ..Problem::error(&config.file, message)
    };
    if !has_open_day(today, |day| calendars.business.is_working_day(day)) {
        let message = "no day of the coming year is a working day, so no letter has a day to leave on";
        return vec![problem(message.to_owned()).hint("look into the calendar under `business.calendar`")];
    }
    let shut = calendars
        .by_country
        .keys()
        .filter(|country| !has_open_day(today, |day| calendars.both_work(Some(country), day)));
    let told = |country: &String| {
        let message = format!(
            "no day of the coming year is a working day both here and in `{country}`, so no letter to a customer \
             there has a day to leave on"
        );
        problem(message).hint("look into both calendars, or write `days: weekdays` or `any`")
    };
    shut.map(told).collect()
}
