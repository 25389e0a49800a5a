//! The shipped configuration is right.

use std::path::{Path, PathBuf};

use courtesy::config::{self, Config};
use courtesy::domain::calendar::Days;
use courtesy::domain::offset::Offset;
use courtesy::domain::rule::{BudgetKind, Interlock, Recipient};
use jiff::civil::date;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn config() -> Config {
    config::load(&shipped().join("courtesy.yaml"), &|_| None).expect("the shipped configuration is right")
}

#[test]
fn the_shipped_configuration_loads_without_a_warning() {
    let config = config();
    assert_eq!(config.warnings, []);
    assert_eq!(config.calendar_warnings(date(2026, 10, 1)), []);
    let names: Vec<&str> = config.rules.iter().map(|rule| rule.name.as_str()).collect();
    for name in [
        "payment-reminders",
        "payment-thanks",
        "part-payment-thanks",
        "visit-thanks",
        "signing-thanks",
        "onboarding-check-in",
    ] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for rule in &config.rules {
        assert!(!rule.summary.is_empty(), "{} has no summary", rule.name);
    }
}

#[test]
fn the_shipped_ladder_is_the_one_of_the_design() {
    let config = config();
    let rule = config.rules.iter().find(|rule| rule.name.as_str() == "payment-reminders").expect("it");
    let stages: Vec<(&str, Offset)> =
        rule.stages.iter().map(|stage| (stage.name.as_str(), stage.at)).collect();
    let expected = [
        ("coming-due", -7),
        ("due-today", 0),
        ("friendly", 3),
        ("firm", 10),
        ("final-notice", 30),
        ("hand-over", 45),
    ];
    assert_eq!(stages, expected.map(|(name, days)| (name, Offset::days(days))));
    let last_but_one = &rule.stages[4];
    assert_eq!(last_but_one.cc, [Recipient::Owner, Recipient::Guarantor]);
    assert_eq!((last_but_one.deadline, last_but_one.approve), (Some(Offset::days(7)), true));
    assert!(rule.combine && rule.not_while.is_empty() && rule.stale_after.is_none());
    assert_eq!(rule.audience.kind, ["invoice", "instalment", "balance"]);
    let hand_over = &rule.stages[5];
    assert!(!hand_over.concerns_customer());
    assert_eq!(hand_over.repeat.as_ref().map(|repeat| repeat.every), Some(Offset::days(30)));
}

#[test]
fn thanks_for_a_visit_have_their_moment() {
    let config = config();
    let rule = config.rules.iter().find(|rule| rule.name.as_str() == "visit-thanks").expect("it");
    assert_eq!(rule.stages[0].at, "+10min".parse().expect("an offset"));
    assert_eq!((rule.days, rule.budget, rule.stale_after), (Some(Days::Any), BudgetKind::Moments, Some(3)));
    assert_eq!(rule.not_while, [Interlock::Disputed, Interlock::Dunned { days: 14 }]);
    assert_eq!(rule.audience.outcome, ["positive"]);
}

#[test]
fn the_statement_is_about_money_and_waits_for_no_interlock() {
    let config = config();
    let rule = config.rules.iter().find(|rule| rule.name.as_str() == "monthly-statement").expect("it");
    assert!(rule.is_statement() && rule.not_while.is_empty() && !rule.stages[0].approve);
    assert_eq!((rule.stages[0].to.as_slice(), rule.stale_after), (&[Recipient::Customer][..], Some(10)));
}

#[test]
fn the_shipped_calendars_know_their_days() {
    let calendars = config().settings.business.calendars;
    let cn = &calendars.business;
    assert!(
        cn.is_working_day(date(2026, 2, 14)) && cn.is_working_day(date(2026, 10, 10)),
        "adjusted Saturdays"
    );
    assert!(!cn.is_working_day(date(2026, 2, 16)) && !cn.is_working_day(date(2026, 10, 7)));
    assert!(!calendars.by_country["gb"].is_working_day(date(2027, 3, 29)), "Easter Monday");
    assert!(!calendars.by_country["us"].is_working_day(date(2026, 7, 3)), "observed");
    assert!(!calendars.by_country["de"].is_working_day(date(2026, 5, 14)), "Christi Himmelfahrt");
    assert_eq!(calendars.by_country.keys().collect::<Vec<_>>(), ["cn", "de", "gb", "us"]);
}
