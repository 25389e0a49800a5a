//! Calendars that others publish, included in one's own.

use courtesy::cli::problems::render;
use courtesy::domain::calendar::Calendar;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::{COURTESY, folder, load, shown, snapshot};

fn courtesy() -> String {
    COURTESY.replace("Asia/Shanghai }", "Asia/Shanghai, calendar: calendars/cn.yaml }")
}

/// An iCalendar file of these events, each a list of lines.
fn ics(events: &[&str]) -> String {
    let whole = |lines: &&str| format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n");
    let events = events.iter().map(whole).collect::<Vec<_>>().concat();
    let zone = "BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:16010101T000000\nRRULE:FREQ=WEEKLY\nEND:STANDARD\nEND:VTIMEZONE\n";
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{zone}{events}END:VCALENDAR\n").replace('\n', "\r\n")
}

/// What `check` says of a calendar and the files beside it.
fn said(calendar: &str, files: &[(&str, &str)]) -> String {
    let courtesy = courtesy();
    let mut all = vec![("courtesy.yaml", courtesy.as_bytes()), ("calendars/cn.yaml", calendar.as_bytes())];
    all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    shown(&all)
}

fn calendar(calendar: &str, files: &[(&str, &str)]) -> Calendar {
    let courtesy = courtesy();
    let mut all = vec![("courtesy.yaml", courtesy.as_bytes()), ("calendars/cn.yaml", calendar.as_bytes())];
    all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    let folder = folder(&all);
    let config = load(folder.path()).unwrap_or_else(|problems| panic!("{}", render(&problems, false)));
    assert!(config.warnings.is_empty(), "{}", render(&config.warnings, false));
    config.settings.business.calendars.business
}

/// The days on which it is not as it is every week, `-` off and `+` worked.
fn special(calendar: &Calendar, year: i16) -> Vec<String> {
    let week = Calendar::default();
    let days = date(year, 1, 1).series(1.day()).take_while(|day| day.year() == year);
    days.filter(|day| calendar.is_working_day(*day) != week.is_working_day(*day))
        .map(|day| format!("{}{}", if week.is_working_day(day) { '-' } else { '+' }, day.strftime("%m-%d")))
        .collect()
}

const JSON_2027: &str = r#"{
	"$schema": "https://example.com/schema.json",
	"year": 2027,
	"papers": ["https://example.com/1"],
	"days": [
		{ "name": "元旦", "date": "2027-01-01", "isOffDay": true },
		{ "name": "春节", "date": "2027-02-05", "isOffDay": true },
		{ "name": "春节", "date": "2027-02-06", "isOffDay": false }
	]
}"#;

#[test]
fn a_year_in_json_is_added_and_moves_the_end() {
    let known = "holidays: [\"2026-10-01\"]\nends_on: \"2026-12-31\"\ninclude: [2027.json]\n";
    let calendar = calendar(known, &[("calendars/2027.json", JSON_2027)]);
    assert_eq!(special(&calendar, 2026), ["-10-01"]);
    assert_eq!(special(&calendar, 2027), ["-01-01", "-02-05", "+02-06"]);
    assert_eq!(calendar.ends_on(), Some(date(2027, 12, 31)));
}

#[test]
fn a_year_with_a_gap_before_it_or_a_list_without_a_year_moves_no_end_that_is_said() {
    let bare = r#"[{ "date": "2027-01-01", "isOffDay": true }]"#;
    let late = JSON_2027.replace("2027", "2028");
    for (list, end) in
        [(bare, date(2026, 6, 30)), (late.as_str(), date(2026, 6, 30)), (JSON_2027, date(2027, 12, 31))]
    {
        let known = "ends_on: \"2026-06-30\"\ninclude: list.json\n";
        assert_eq!(calendar(known, &[("calendars/list.json", list)]).ends_on(), Some(end), "{list}");
    }
    let unsaid = calendar("include: list.json\n", &[("calendars/list.json", bare)]);
    assert_eq!(unsaid.ends_on(), Some(date(2027, 12, 31)));
}

#[test]
fn events_of_whole_days_are_days_off() {
    let file = ics(&[
        "DTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20270102\nSUMMARY:New Year",
        "DTSTART;VALUE=DATE:20270329\nSUMMARY:Easter\n  Monday\nBEGIN:VALARM\nDURATION:PT5M\nEND:VALARM",
        "DTSTART;VALUE=DATE:20270809\nDURATION:P1W\nSUMMARY:Works holiday",
        "DTSTART;X-NOTE=\"a:b\";VALUE=DATE:20271224\nDTEND;VALUE=DATE:20271224\nSUMMARY:Christmas",
        "DTSTART;VALUE=DATE:20270501\nSTATUS:CANCELLED\nSUMMARY:Cancelled",
        "DT\n START;VALUE=DATE:202706\n 01\nSUMMARY:Folded",
    ]);
    let calendar = calendar("include: firm.ics\n", &[("calendars/firm.ics", &format!("\u{feff}{file}"))]);
    assert_eq!(
        special(&calendar, 2027),
        ["-01-01", "-03-29", "-06-01", "-08-09", "-08-10", "-08-11", "-08-12", "-08-13", "-12-24"]
    );
    assert_eq!(calendar.ends_on(), Some(date(2027, 12, 31)));
}

#[test]
fn where_a_file_marks_its_days_the_others_are_observances() {
    let file = ics(&[
        "DTSTART;VALUE=DATE:20260217\nDTEND;VALUE=DATE:20260221\nSUMMARY:春节（休）\nX-APPLE-SPECIAL-DAY:WORK-HOLIDAY",
        "DTSTART;VALUE=DATE:20260228\nSUMMARY:春节\nX-APPLE-SPECIAL-DAY:ALTERNATE-WORKDAY",
        "DTSTART;VALUE=DATE:20261010\nSUMMARY:国庆节 补班",
        "DTSTART;VALUE=DATE:20260920\nSUMMARY:国庆节调休（班）",
        "DTSTART;VALUE=DATE:20261005\nSUMMARY:国庆节(休)",
        "DTSTART;VALUE=DATE:20260312\nSUMMARY:植树节",
        "DTSTART;VALUE=DATE:20260510\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=2SU\nSUMMARY:母亲节",
    ]);
    let calendar = calendar("include: cn.ics\n", &[("calendars/cn.ics", &file)]);
    assert_eq!(
        special(&calendar, 2026),
        ["-02-17", "-02-18", "-02-19", "-02-20", "+02-28", "+09-20", "-10-05", "+10-10"]
    );
}

#[test]
fn a_day_of_every_year_comes_as_far_as_the_calendar_reaches() {
    let file = ics(&[
        "DTSTART;VALUE=DATE:20241224\nDTEND;VALUE=DATE:20241225\nRRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24",
        "DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY",
        "DTSTART;VALUE=DATE:20250303\nRRULE:FREQ=YEARLY;INTERVAL=2;WKST=MO",
        "DTSTART;VALUE=DATE:20250404\nRRULE:FREQ=YEARLY;UNTIL=20270101T000000Z",
        "DTSTART;VALUE=DATE:20250506\nRRULE:FREQ=YEARLY;COUNT=3",
    ]);
    let calendar = calendar("ends_on: \"2028-12-31\"\ninclude: firm.ics\n", &[("calendars/firm.ics", &file)]);
    let off = |year| special(&calendar, year).join(" ");
    assert_eq!(off(2024), "-02-29 -12-24");
    assert_eq!(off(2025), "-03-03 -04-04 -05-06 -12-24");
    assert_eq!(off(2026), "-05-06 -12-24", "4 April 2026 is a Saturday");
    assert_eq!(off(2027), "-03-03 -05-06 -12-24");
    assert_eq!(off(2028), "-02-29", "24 December 2028 is a Sunday");
    assert_eq!(off(2029), "");
    // Where nothing else says how far it reaches, one year is known.
    let alone = self::calendar("include: firm.ics\n", &[("calendars/firm.ics", &file)]);
    assert_eq!(alone.ends_on(), Date::new(2025, 12, 31).ok());
}

#[test]
fn what_the_calendar_itself_says_of_a_day_goes_before_its_includes() {
    let known = "holidays: [\"2027-02-06\"]\nworking: [\"2027-01-01\"]\ninclude: [2027.json, firm.ics]\n";
    let firm = ics(&["DTSTART;VALUE=DATE:20270206\nSUMMARY:班", "DTSTART;VALUE=DATE:20270205\nSUMMARY:休"]);
    let files = [("calendars/2027.json", JSON_2027), ("calendars/firm.ics", firm.as_str())];
    assert_eq!(special(&calendar(known, &files), 2027), ["-02-05"]);
}

#[test]
fn files_that_cannot_be_included_are_named_with_their_lines() {
    let of_json = |text: &str| said("include: a.json\n", &[("calendars/a.json", text)]);
    let of_ics = |text: &str| said("include: a.ics\n", &[("calendars/a.ics", text)]);
    let event = |lines: &str| of_ics(&ics(&[lines]));
    let one = JSON_2027.replace("\"2027-02-05\", \"isOffDay\": true", "\"2027-2-5\", \"isOfDay\": true");
    let cases = [
        ("another ending", said("include: [2027.txt, list]\n", &[])),
        ("missing", said("include: 2027.json\n", &[])),
        ("no list", of_json("{ \"holidays\": [] }")),
        ("an empty list", of_json("[]")),
        ("days that are none", of_json("{ \"days\": { \"2027-01-01\": true } }")),
        ("a wrong day", of_json(&one)),
        ("a cut list", of_json(&JSON_2027[..150])),
        ("a web page", of_ics("<html>\n<body>404: not found</body>\n")),
        ("an empty file", of_ics("")),
        ("no event", of_ics("BEGIN:VCALENDAR\nEND:VCALENDAR\n")),
        ("a cut file", of_ics("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270101\n")),
        ("a wrong end", of_ics("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n")),
        ("no colon", of_ics("BEGIN:VCALENDAR\nVERSION 2.0\n")),
        ("without a day", event("SUMMARY:New Year")),
        ("a moment", event("DTSTART;TZID=Asia/Shanghai:20270101T090000")),
        ("no date", event("DTSTART;VALUE=DATE:20270229")),
        ("backwards", event("DTSTART;VALUE=DATE:20270102\nDTEND;VALUE=DATE:20270101")),
        ("too long", event("DTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20280101")),
        ("two ends", event("DTSTART;VALUE=DATE:20270101\nDTEND;VALUE=DATE:20270102\nDURATION:P1D")),
        ("hours", event("DTSTART;VALUE=DATE:20270101\nDURATION:PT24H")),
        ("every week", event("DTSTART;VALUE=DATE:20270101\nRRULE:FREQ=WEEKLY")),
        ("the last Monday", event("DTSTART;VALUE=DATE:20270531\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO")),
        ("another date", event("DTSTART;VALUE=DATE:20270531\nRRULE:FREQ=YEARLY;BYMONTHDAY=1")),
        ("no times", event("DTSTART;VALUE=DATE:20270531\nRRULE:FREQ=YEARLY;COUNT=0")),
        ("exceptions", event("DTSTART;VALUE=DATE:20270531\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20280531")),
        ("off or worked", event("DTSTART;VALUE=DATE:20271010\nSUMMARY:国庆节调休")),
    ];
    let shown = |(title, said): &(&str, String)| format!("=== {title}\n{said}\n");
    snapshot!(cases.iter().map(shown).collect::<Vec<_>>().concat());
}

#[test]
fn two_files_that_contradict_each_other_are_named_and_one_that_nobody_includes() {
    let firm = ics(&[
        "DTSTART;VALUE=DATE:20270206\nSUMMARY:休",
        "DTSTART;VALUE=DATE:20270301\nSUMMARY:休",
        "DTSTART;VALUE=DATE:20270301\nSUMMARY:补班",
    ]);
    let files = [
        ("calendars/2027.json", JSON_2027),
        ("calendars/firm.ics", firm.as_str()),
        ("calendars/2028.json", "[]"),
        ("calendars/.2029.json", "[]"),
    ];
    snapshot!(said("include: [2027.json, firm.ics]\n", &files));
}
