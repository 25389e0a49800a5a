//! Calendars: what is wrong in them, and when they end.

use courtesy::cli::problems::render;
use jiff::civil::date;

use super::{COURTESY, cases, folder, load, shown, snapshot};

fn with_calendar() -> String {
    COURTESY.replace("Asia/Shanghai }", "Asia/Shanghai, calendar: calendars/cn.yaml }")
}

#[test]
fn calendars_that_cannot_be_are_named() {
    let courtesy = with_calendar();
    let one = |title: &str, text: &str| {
        let files = [("courtesy.yaml", courtesy.as_bytes()), ("calendars/cn.yaml", text.as_bytes())];
        format!("=== {title}\n{}\n", shown(&files))
    };
    let all = [
        one("an unknown key", "holiday: [2026-01-01]\n"),
        one("a date that is none", "holidays: [2026-02-29, 1 May, 2026-5-1]\n"),
        one("a range that runs back", "holidays: [{ from: 2026-05-05, until: 2026-05-01 }]\n"),
        one("a range of a year", "holidays: [{ from: 2026-01-01, until: 2027-01-01 }]\n"),
        one("a range without a start", "holidays: [{ until: 2026-05-01 }]\n"),
        one("a weekday that is none", "weekend: [sat, sunday]\n"),
        one("a week of weekends", "weekend: [mon, tue, wed, thu, fri, sat, sun]\n"),
        one("an end before the last holiday", "holidays: [2026-05-01]\nends_on: 2026-03-31\n"),
    ];
    snapshot!(all.concat());
}

#[test]
fn a_calendar_that_is_missing_is_named_and_others_are_found_beside_it() {
    let courtesy = with_calendar();
    let missing = cases("courtesy.yaml", &[("missing", courtesy.clone())]);
    let others = shown(&[
        ("courtesy.yaml", courtesy.as_bytes()),
        ("calendars/cn.yaml", b"weekend: [sat, sun]\n"),
        ("calendars/de.yaml", b"holydays: []\n"),
        ("calendars/germany.yaml", b"weekend: [sun]\n"),
    ]);
    snapshot!(format!("{missing}=== others\n{others}"));
}

#[test]
fn a_calendar_knows_its_days() {
    let courtesy = with_calendar();
    let cn = b"holidays: [2026-10-01, { from: 2026-02-15, until: 2026-02-23 }]\nworking: [2026-02-14]\n";
    let folder = folder(&[
        ("courtesy.yaml", courtesy.as_bytes()),
        ("calendars/cn.yaml", cn),
        ("calendars/ae.yaml", b"weekend: [fri]\n"),
    ]);
    let config = load(folder.path()).expect("good files");
    let calendars = &config.settings.business.calendars;
    let works = |day| calendars.business.is_working_day(day);
    assert!(works(date(2026, 2, 13)) && works(date(2026, 2, 14)) && works(date(2026, 2, 24)));
    assert!(!works(date(2026, 2, 16)) && !works(date(2026, 2, 23)) && !works(date(2026, 10, 1)));
    assert!(!calendars.by_country["ae"].is_working_day(date(2026, 3, 6)), "a Friday");
    assert_eq!(calendars.by_country["cn"], calendars.business);
    assert_eq!(calendars.business.ends_on(), Some(date(2026, 12, 31)));
}

#[test]
fn calendars_that_leave_no_day_to_write_on_are_named() {
    let courtesy = with_calendar();
    let told = |files: &[(&str, &[u8])], courtesy: &str| {
        let files = [&[("courtesy.yaml", courtesy.as_bytes())], files].concat();
        let folder = folder(&files);
        let config = load(folder.path()).expect("good files");
        let problems = config.problems_on(date(2026, 3, 2));
        render(&problems, false).replace(&format!("{}/", folder.path().display()), "")
    };
    let [half, other_half] = [b"weekend: [mon, tue, wed, sun]\n", b"weekend: [thu, fri, sat, sun]\n"];
    let files: [(&str, &[u8]); 2] = [("calendars/cn.yaml", half), ("calendars/de.yaml", other_half)];
    let hours = courtesy.clone() + "letters: { hours: { days: business } }\n";
    let none = told(&files, &hours);
    assert_eq!(told(&files, &hours.replace("days: business", "days: weekdays")), "");
    snapshot!(none);
}

#[test]
fn the_end_of_a_calendar_is_announced_sixty_days_ahead() {
    let courtesy = with_calendar();
    let cn =
        b"holidays: [2026-10-01]\nends_on: \"2026-12-31\"               # the last day these are known for\n";
    let folder = folder(&[("courtesy.yaml", courtesy.as_bytes()), ("calendars/cn.yaml", cn)]);
    let config = load(folder.path()).expect("good files");
    assert_eq!(config.calendar_warnings(date(2026, 10, 31)), []);
    let here = format!("{}/", folder.path().display());
    let near = render(&config.calendar_warnings(date(2026, 11, 1)), false).replace(&here, "");
    let past = render(&config.calendar_warnings(date(2027, 1, 1)), false).replace(&here, "");
    snapshot!(format!("{near}\n{past}"));
}
