//! Statements of account: who gets one, when, and what goes before it.

use jiff::ToSpan as _;

use super::build::{at, customer, date, event, invoice, paid, pause, reminders, rule, stage, visit_thanks};
use super::world::World;
use crate::domain::address::AddressError;
use crate::domain::customer::Class;
use crate::domain::plan;
use crate::domain::receivable::{Kind, PauseCause, Status};
use crate::domain::rule::{Anchor, Rule};

fn monthly() -> Rule {
    let mut rule = rule("monthly", Class::Dunning, Anchor::Calendar, vec![stage("statement", "0d")]);
    rule.schedule = Some("0 9 1 * *".parse().expect("a schedule"));
    rule.combine = false;
    rule.stale_after = Some(10);
    rule
}

/// On Friday, 20 March 2026: too late for what February was.
fn world(rules: Vec<Rule>) -> World {
    World::new("2026-03-20T08:00", rules)
}

#[test]
fn each_month_what_is_open_or_moved_is_stated_once_and_on_a_working_day() {
    let mut world = world(vec![monthly()]).with(invoice("R1", "2026-06-20"));
    world.run_until("2026-05-02T00:00");
    world.item("R1").payments.push(paid("P1", "1000", "2026-05-02"));
    // It moved in May, and in June nothing did.
    world.run_until("2026-08-20T00:00");
    assert_eq!(
        world.sent,
        [
            "2026-04-01 09:00 monthly/statement C1",
            "2026-05-01 09:00 monthly/statement C1",
            "2026-06-01 09:00 monthly/statement C1",
        ]
    );
    assert_eq!(world.why("C1"), ["monthly: settled"]);
    let rounds: Vec<String> = world.notices().map(|notice| notice.key.round.clone()).collect();
    assert_eq!(rounds, ["2026-03-01..2026-03-31", "2026-04-01..2026-04-30", "2026-05-01..2026-05-31"]);
}

#[test]
fn nobody_is_asked_about_what_was_paid_since_the_month_ended() {
    let mut world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
    // A Saturday: the statement waits until Monday, and the money is faster.
    world.rules.rules[0].0.schedule = Some("0 9 28 * *".parse().expect("a schedule"));
    world.run_until("2026-03-28T12:00");
    assert_eq!(world.queue.len(), 1);
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-28"));
    assert_eq!(world.run_until("2026-04-20T00:00").sent, [""; 0]);
}

#[test]
fn a_schedule_moved_by_an_hour_states_no_month_twice() {
    let mut world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
    world.run_until("2026-04-01T10:00");
    world.rules.rules[0].0.schedule = Some("0 11 1 * *".parse().expect("a schedule"));
    assert_eq!(world.run_until("2026-04-20T00:00").sent, ["2026-04-01 09:00 monthly/statement C1"]);
}

#[test]
fn what_stops_letters_to_the_customer_stops_its_statement_and_a_single_dispute_does_not() {
    type Change = fn(&mut World);
    let cases: [(&str, Change); 10] = [
        ("settled", |world| world.item("R1").status = Status::WrittenOff),
        ("customer blocked", |world| world.of().customer.blocked = true),
        ("customer forgotten", |world| world.of().customer.forgotten_at = Some(at("2026-03-01T00:00"))),
        ("address missing", |world| world.of().customer.address = Err(AddressError::Missing)),
        ("on hold", |world| world.of().pauses.push(pause(PauseCause::Hold, "2026-03-01", None))),
        ("disputed", |world| world.of().pauses.push(pause(PauseCause::Dispute, "2026-03-01", None))),
        ("data too old", |world| world.settings.max_data_age = Some("3bd".parse().expect("days"))),
        ("time-barred (since 2026-02-20)", |world| {
            world.item("R1").limitation_on = Some(date("2026-02-20"));
        }),
        ("", |world| world.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-01", None))),
        ("", |world| world.item("R1").kind = Kind::CreditNote),
    ];
    for (expected, change) in cases {
        let mut world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
        world.now = at("2026-04-01T09:00");
        change(&mut world);
        let said = world.why("C1").join("; ");
        let expected =
            if expected.is_empty() { "/statement: due".to_owned() } else { format!(": {expected}") };
        assert!(said.starts_with("monthly") && said.ends_with(&expected), "{said}, but {expected}");
    }
}

#[test]
fn reminders_go_before_a_statement_and_a_statement_before_a_check_in() {
    let anchor = Anchor::Event(vec!["delivery".to_owned()]);
    let mut check_in = rule("check-in", Class::Courtesy, anchor, vec![stage("check-in", "+3d")]);
    check_in.not_while = vec![];
    // Friendly is due on the second of April, which keeps its place.
    let mut world =
        world(vec![monthly(), check_in, reminders(), visit_thanks()]).with(invoice("R1", "2026-03-30"));
    world.of().events =
        vec![event("D1", "delivery", "2026-04-01T08:00"), event("V1", "visit", "2026-04-01T10:00")];
    assert_eq!(
        world.run_until("2026-04-08T00:00").sent,
        [
            "2026-03-23 09:00 reminders/coming-due R1",
            "2026-03-30 09:00 reminders/due-today R1",
            "2026-04-01 10:10 visit-thanks/thanks V1",
            "2026-04-02 09:00 reminders/friendly R1",
            "2026-04-06 09:00 monthly/statement C1",
        ]
    );
}

#[test]
fn a_statement_that_found_no_room_for_ten_days_waits_for_the_next_month() {
    let mut world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
    world.of().pauses.push(pause(PauseCause::Hold, "2026-03-01", Some("2026-04-13")));
    assert_eq!(world.run_until("2026-05-02T00:00").sent, ["2026-05-01 09:00 monthly/statement C1"]);
}

#[test]
fn a_rule_seen_in_the_middle_of_a_month_begins_with_the_next_one() {
    let world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
    let mut world = world.seen_first("2026-03-05T08:00");
    world.now = at("2026-03-05T08:00");
    assert_eq!(world.why("C1"), ["monthly: backlog"]);
    assert_eq!(world.run_until("2026-04-02T00:00").sent, ["2026-04-01 09:00 monthly/statement C1"]);
}

#[test]
fn two_customers_of_one_address_get_a_statement_each_within_the_budget() {
    let mut world = world(vec![monthly()]).with(invoice("R1", "2026-02-20"));
    let mut second = customer("C2");
    second.receivables.push(invoice("R2", "2026-02-20"));
    world.facts.customers.push(second);
    assert_eq!(
        world.run_until("2026-04-20T00:00").sent,
        ["2026-04-01 09:00 monthly/statement C1", "2026-04-03 09:00 monthly/statement C2"]
    );
}

#[test]
fn facts_never_reach_further_back_as_time_goes_on() {
    let world = world(vec![monthly(), visit_thanks(), reminders()]);
    let reach = |hours: i64| plan::reach(&world.rules, &world.settings, world.now + hours.hours());
    for hours in 0..24 * 70 {
        let (now, later) = (reach(hours), reach(hours + 1));
        assert!(now.covers(&later), "{now:?}, an hour later {later:?}");
    }
    // The movements of the month before last, at the end of a month.
    assert!(reach(24 * 41).settled_since <= date("2026-02-28"), "{:?}", reach(24 * 41));
}
