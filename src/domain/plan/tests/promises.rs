//! Promises kept and broken, and claims whose time runs out.

use super::build::{cny, date, invoice, paid, reminders, rule, stage, to_owner};
use super::world::World;
use crate::domain::customer::Class;
use crate::domain::offset::Offset;
use crate::domain::promise::Promise;
use crate::domain::receivable::Kind;
use crate::domain::rule::{Anchor, ReceivableDate, Recipient, Rule};
use crate::domain::settings::LimitationSettings;

fn broken_promise() -> Rule {
    let anchor = Anchor::Receivable(ReceivableDate::PromisedOn);
    rule("broken-promise", Class::Dunning, anchor, vec![stage("broken", "0d")])
}

fn promise(made_on: &str, promised_on: &str, until: &str) -> Promise {
    Promise {
        made_on: date(made_on),
        promised_on: date(promised_on),
        until: date(until),
        amount: cny("1000"),
        binding: true,
        ended_on: None,
    }
}

/// Due on Monday, 2 March 2026; promised on Friday the 6th for Tuesday the
/// 17th, with grace until Thursday the 19th.
fn promised() -> World {
    let rules = vec![broken_promise(), reminders()];
    let mut world = World::new("2026-02-01T00:00", rules).with(invoice("R1", "2026-03-02"));
    world.run_until("2026-03-06T10:00");
    world.item("R1").promises.push(promise("2026-03-06", "2026-03-17", "2026-03-19"));
    world
}

#[test]
fn a_rule_about_broken_promises_wakes_when_one_breaks() {
    let mut rule = reminders();
    rule.audience.broken_promises_at_least = Some(1);
    let mut world = World::new("2026-03-06T10:00", vec![rule]).with(invoice("R1", "2026-03-02"));
    world.item("R1").promises.push(promise("2026-03-06", "2026-03-17", "2026-03-19"));
    assert_eq!(world.why("R1"), ["reminders: not in audience (broken_promises_at_least)"]);
    // Nothing is written about it meanwhile.
    assert_eq!(world.run_until("2026-03-31T00:00").sent, ["2026-03-24 09:00 reminders/friendly R1"]);
}

#[test]
fn a_broken_promise_has_its_own_letter_and_the_next_stage_keeps_its_distance_from_it() {
    let mut world = promised();
    assert_eq!(
        world.run_until("2026-04-01T00:00").sent[2..],
        [
            "2026-03-05 09:00 reminders/friendly R1",
            "2026-03-20 09:00 broken-promise/broken R1",
            "2026-03-27 09:00 reminders/firm R1",
        ]
    );
}

#[test]
fn while_a_promise_is_pending_nothing_is_written_about_it() {
    let mut world = promised();
    world.run_until("2026-03-12T10:00");
    assert_eq!(
        world.why("R1"),
        [
            "broken-promise: promised (until 2026-03-19) until 2026-03-20 00:00",
            "reminders/firm: promised (until 2026-03-19) until 2026-03-20 00:00",
            "reminders/hand-over: not reached until 2026-04-16 09:00",
        ]
    );
}

#[test]
fn a_kept_promise_is_not_spoken_of_and_the_rest_is_reminded_of_when_the_pause_is_over() {
    let mut world = promised();
    world.item("R1").promises[0].amount = cny("400");
    world.item("R1").payments.push(paid("P1", "400", "2026-03-16"));
    // Paused from the 6th to the 16th; three working days after that the
    // ladder may go on, and has four of its seven days still to wait for.
    assert_eq!(world.run_until("2026-04-01T00:00").sent[3..], ["2026-03-23 09:00 reminders/firm R1"]);
}

#[test]
fn a_promise_that_a_newer_one_replaced_is_not_called_broken() {
    let mut world = promised();
    world.run_until("2026-03-16T10:00");
    world.item("R1").promises[0].ended_on = Some(date("2026-03-15"));
    world.item("R1").promises.push(promise("2026-03-16", "2026-03-24", "2026-03-26"));
    assert_eq!(world.run_until("2026-03-28T00:00").sent[3..], ["2026-03-27 09:00 broken-promise/broken R1"]);
}

#[test]
fn the_second_broken_promise_is_told_to_the_owner_alone_and_once() {
    let mut world = promised();
    let mut again = broken_promise();
    again.name = "broken-again".into();
    again.class = Class::Internal;
    again.stages = vec![to_owner(stage("again", "0d"))];
    again.audience.broken_promises_at_least = Some(2);
    world.rules.rules[0].0.unless.broken_promises_at_least = Some(2);
    let seen = world.rules.rules[0].1.clone();
    world.rules.rules.push((again, seen));
    world.run_until("2026-03-21T00:00");
    world.item("R1").promises.push(promise("2026-03-23", "2026-03-25", "2026-03-26"));
    assert_eq!(
        world.run_until("2026-04-01T00:00").sent[3..],
        [
            "2026-03-20 09:00 broken-promise/broken R1",
            "2026-03-27 09:00 broken-again/again R1",
            "2026-03-31 09:00 reminders/firm R1",
        ]
    );
}

#[test]
fn a_promise_beyond_the_limits_stops_nothing() {
    let mut world = promised();
    world.item("R1").promises[0].binding = false;
    assert_eq!(world.run_until("2026-03-21T00:00").sent[3..], ["2026-03-12 09:00 reminders/firm R1"]);
}

fn limitation_watch() -> Rule {
    let anchor = Anchor::Receivable(ReceivableDate::LimitationOn);
    let stages = [("d180", "-180d"), ("d90", "-90d"), ("d30", "-30d")];
    let stages = stages.map(|(name, at)| {
        let mut stage = to_owner(stage(name, at));
        stage.cc = vec![Recipient::Manager];
        stage
    });
    rule("limitation-watch", Class::Internal, anchor, stages.to_vec())
}

fn watched(start: &str) -> World {
    let mut world = World::new(start, vec![limitation_watch()]).with(invoice("R1", "2024-03-01"));
    world.settings.limitation = LimitationSettings {
        periods: vec![(Kind::Invoice, "3y".parse::<Offset>().expect("a period"))],
        by_acknowledgement: true,
        by_part_payment: true,
        by_demand: false,
    };
    world
}

#[test]
fn the_owner_is_warned_180_90_and_30_days_before_a_claim_is_time_barred() {
    // Three years from 1 March 2024.
    assert_eq!(
        watched("2026-01-01T00:00").run_until("2027-04-01T00:00").sent,
        [
            "2026-09-02 09:00 limitation-watch/d180 R1",
            "2026-12-01 09:00 limitation-watch/d90 R1",
            "2027-02-01 09:00 limitation-watch/d30 R1",
        ]
    );
}

#[test]
fn a_late_start_enters_at_the_nearest_warning_and_no_stop_silences_it() {
    let mut world = watched("2026-12-20T00:00").seen_first("2026-12-20T00:00").without_address();
    world.of().customer.blocked = true;
    assert_eq!(
        world.run_until("2027-04-01T00:00").sent,
        ["2026-12-21 09:00 limitation-watch/d90 R1", "2027-02-01 09:00 limitation-watch/d30 R1"]
    );
}

#[test]
fn what_restarts_the_period_restarts_the_warnings() {
    let mut world = watched("2026-01-01T00:00");
    world.run_until("2026-10-01T00:00");
    world.item("R1").acknowledged_on.push(date("2026-10-01"));
    assert_eq!(world.run_until("2029-05-01T00:00").sent[1..], ["2029-04-04 09:00 limitation-watch/d180 R1"]);
    // A day that the business gave is moved by a person only.
    world.item("R1").limitation_on = Some(date("2029-05-25"));
    assert_eq!(world.run_until("2029-06-10T00:00").sent[2..], ["2029-05-01 09:00 limitation-watch/d30 R1"]);
}

#[test]
fn a_time_barred_claim_gets_no_customer_letter_and_nothing_late_revives_it() {
    let mut world = World::new("2027-02-20T00:00", vec![reminders()]).with(invoice("R1", "2024-03-01"));
    world.settings.limitation = watched("2026-01-01T00:00").settings.limitation;
    world.run_until("2027-03-02T00:00");
    world.item("R1").payments.push(paid("P1", "10", "2027-03-02"));
    assert_eq!(
        world.run_until("2027-04-20T00:00").sent,
        [
            "2027-02-22 09:00 reminders/friendly R1",
            "2027-03-01 09:00 reminders/firm R1",
            "2027-03-02 09:00 reminders/hand-over R1",
            "2027-04-01 09:00 reminders/hand-over R1",
        ]
    );
    assert_eq!(world.why("R1")[0], "reminders/final: time-barred (since 2027-03-01)");
}
