//! Whom a rule concerns, since when, and how often it may write to them.

use super::build::{at, event, invoice, reminders, rule, stage};
use super::world::World;
use crate::domain::customer::Class;
use crate::domain::event::EventOutcome;
use crate::domain::filter::Audience;
use crate::domain::receivable::Kind;
use crate::domain::rule::{Anchor, BudgetKind, Rule, RuleSeen};
use crate::domain::settings::Budget;

/// A thank-you for each of these, at once.
fn thanks(kinds: &[&str]) -> Rule {
    let anchor = Anchor::Event(kinds.iter().map(|kind| (*kind).to_owned()).collect());
    let mut rule = rule("thanks", Class::Courtesy, anchor, vec![stage("thanks", "+10min")]);
    rule.budget = BudgetKind::Moments;
    rule
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// On Tuesday, 10 March 2026.
fn world(rule: Rule) -> World {
    World::new("2026-03-10T08:00", vec![rule])
}

fn seen(world: &mut World, audiences: Vec<(Audience, &str)>) {
    let audiences = audiences.into_iter().map(|(audience, since)| (audience, at(since))).collect();
    world.rules.rules[0].1 = Some(RuleSeen { audiences });
}

#[test]
fn a_rule_of_several_events_answers_each_of_them_and_no_other() {
    let mut world = world(thanks(&["favour", "referral"]));
    world.of().events = vec![
        event("F1", "favour", "2026-03-10T10:00"),
        event("V1", "visit", "2026-03-10T11:00"),
        event("R1", "referral", "2026-03-12T10:00"),
    ];
    assert_eq!(
        world.run_until("2026-03-20T00:00").sent,
        ["2026-03-10 10:10 thanks/thanks F1", "2026-03-12 10:10 thanks/thanks R1"]
    );
}

#[test]
fn kind_is_the_kind_of_the_event_and_unless_needs_all_its_conditions() {
    let mut rule = thanks(&["proficient", "survey"]);
    rule.unless.kind = words(&["survey"]);
    rule.unless.outcome = words(&["neutral", "negative", "none"]);
    let mut world = world(rule);
    let mut add = |id: &str, kind: &str, day: &str, outcome: Option<EventOutcome>| {
        let mut event = event(id, kind, day);
        event.outcome = outcome;
        world.of().events.push(event);
    };
    add("P1", "proficient", "2026-03-10T10:00", None);
    add("P2", "proficient", "2026-03-11T10:00", Some(EventOutcome::Negative));
    add("S1", "survey", "2026-03-12T10:00", Some(EventOutcome::Neutral));
    add("S2", "survey", "2026-03-13T10:00", None);
    add("S3", "survey", "2026-03-16T10:00", Some(EventOutcome::Positive));
    world.run_until("2026-03-20T00:00");
    assert_eq!(
        world.sent,
        [
            "2026-03-10 10:10 thanks/thanks P1",
            "2026-03-11 10:10 thanks/thanks P2",
            "2026-03-16 10:10 thanks/thanks S3"
        ]
    );
    assert_eq!(world.why("S2"), ["thanks: excluded"]);
}

#[test]
fn where_can_ask_for_one_of_the_rules_events_or_for_those_nobody_judged() {
    let mut rule = thanks(&["favour", "referral"]);
    rule.audience.kind = words(&["referral"]);
    rule.audience.outcome = words(&["none"]);
    let mut world = world(rule);
    world.now = at("2026-03-10T12:00");
    world.of().events =
        vec![event("F1", "favour", "2026-03-10T10:00"), event("R1", "referral", "2026-03-10T11:00")];
    assert_eq!(world.why("F1"), ["thanks: not in audience (kind)"]);
    assert_eq!(world.why("R1"), ["thanks: not in audience (outcome)"]);
    world.of().events[1].outcome = None;
    assert_eq!(world.why("R1"), ["thanks/thanks: due"]);
}

#[test]
fn a_rule_can_wait_for_the_second_postponement() {
    let mut rule = reminders();
    rule.audience.postponements_at_least = Some(2);
    let mut world = world(rule).with(invoice("R1", "2026-03-09"));
    world.item("R1").postponements = 1;
    assert_eq!(world.why("R1"), ["reminders: not in audience (postponements_at_least)"]);
    world.item("R1").postponements = 2;
    assert_eq!(world.run_until("2026-03-14T00:00").sent, ["2026-03-12 09:00 reminders/friendly R1"]);
}

#[test]
fn a_loosened_unless_does_not_send_what_was_reached_before() {
    let loose = reminders();
    let mut strict = loose.audience();
    strict.unless.kind = words(&["invoice"]);
    let now = loose.audience();
    let mut world = World::new("2026-03-09T12:00", vec![loose]).with(invoice("R1", "2026-02-20"));
    // Friendly and firm are reached; the ladder enters with the next stage.
    seen(&mut world, vec![(strict.clone(), "2020-01-01T00:00"), (now.clone(), "2026-03-09T12:00")]);
    assert_eq!(world.clone().run_until("2026-03-25T00:00").sent, ["2026-03-23 09:00 reminders/friendly R1"]);
    // One who was never excluded notices nothing.
    world.item("R1").kind = Kind::Balance;
    assert_eq!(world.run_until("2026-03-11T00:00").sent, ["2026-03-09 12:00 reminders/friendly R1"]);
}

#[test]
fn an_event_added_to_a_rule_does_not_send_what_was_reached_before() {
    let wide = thanks(&["favour", "referral"]);
    let narrow = thanks(&["favour"]).audience();
    let now = wide.audience();
    let mut world = World::new("2026-03-10T12:00", vec![wide]);
    seen(&mut world, vec![(narrow, "2020-01-01T00:00"), (now, "2026-03-10T12:00")]);
    world.of().events = vec![
        event("R1", "referral", "2026-03-10T10:00"),
        event("F1", "favour", "2026-03-10T11:00"),
        event("R2", "referral", "2026-03-11T10:00"),
    ];
    assert_eq!(
        world.run_until("2026-03-20T00:00").sent,
        ["2026-03-10 12:00 thanks/thanks F1", "2026-03-11 10:10 thanks/thanks R2"]
    );
    assert_eq!(world.why("R1"), ["thanks: backlog"]);
}

fn capped(stale_after: Option<i32>) -> Rule {
    let mut rule = thanks(&["favour"]);
    rule.per_customer = Some(Budget { letters: 1, days: 30 });
    rule.stale_after = stale_after;
    rule
}

#[test]
fn a_capped_rule_writes_once_in_its_days_even_where_two_are_due_at_once() {
    let mut world = world(capped(None));
    world.settings.letters.moments = Budget { letters: 9, days: 1 };
    world.of().events = vec![
        event("F1", "favour", "2026-03-10T10:00"),
        event("F2", "favour", "2026-03-10T10:00"),
        event("F3", "favour", "2026-03-20T10:00"),
    ];
    world.run_until("2026-03-21T00:00");
    assert_eq!(world.sent, ["2026-03-10 10:10 thanks/thanks F1"]);
    assert_eq!(world.why("F2"), ["thanks/thanks: rule cap until 2026-04-09 00:00"]);
    assert_eq!(
        world.run_until("2026-06-01T00:00").sent[1..],
        ["2026-04-09 09:00 thanks/thanks F2", "2026-05-11 09:00 thanks/thanks F3"]
    );
}

#[test]
fn what_a_cap_keeps_back_goes_stale() {
    let mut world = world(capped(Some(3)));
    world.of().events =
        vec![event("F1", "favour", "2026-03-10T10:00"), event("F2", "favour", "2026-03-12T10:00")];
    assert_eq!(world.run_until("2026-06-01T00:00").sent, ["2026-03-10 10:10 thanks/thanks F1"]);
    assert_eq!(world.why("F2"), ["thanks: stale"]);
}

#[test]
fn a_cap_counts_letters_of_its_own_rule_only() {
    let mut other = thanks(&["visit"]);
    other.name = "visit-thanks".into();
    let mut world = World::new("2026-03-10T08:00", vec![capped(Some(3)), other]);
    world.of().events =
        vec![event("V1", "visit", "2026-03-10T10:00"), event("F1", "favour", "2026-03-11T10:00")];
    assert_eq!(
        world.run_until("2026-03-20T00:00").sent,
        ["2026-03-10 10:10 visit-thanks/thanks V1", "2026-03-11 10:10 thanks/thanks F1"]
    );
}

#[test]
fn a_letter_that_a_new_cap_forbids_is_taken_back_from_the_outbox() {
    let mut world = world(capped(None));
    let cap = world.rules.rules[0].0.per_customer.take();
    world.of().events =
        vec![event("F1", "favour", "2026-03-10T10:00"), event("F2", "favour", "2026-03-11T20:00")];
    world.run_until("2026-03-12T01:00");
    assert_eq!((world.sent.len(), world.queue.len()), (1, 1));
    world.rules.rules[0].0.per_customer = cap;
    world.run_until("2026-03-13T00:00");
    assert_eq!((world.sent.len(), world.queue.len()), (1, 0));
    assert_eq!(world.why("F2"), ["thanks/thanks: rule cap until 2026-04-09 00:00"]);
}
