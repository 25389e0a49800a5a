//! One relationship: budgets, interlocks, combined letters, credit.

use super::build::{
    at, cny, customer, date, event, invoice, paid, pause, person, reminders, rule, stage, visit_thanks,
};
use super::world::World;
use crate::domain::customer::{Class, Suppression};
use crate::domain::event::EventOutcome;
use crate::domain::receivable::{Kind, PauseCause};
use crate::domain::rule::{Anchor, Backlog, Interlock, ReceivableDate, Recipient, Rule};

#[test]
fn a_visit_is_thanked_for_within_minutes_or_at_the_next_decent_hour() {
    let mut world = World::new("2026-03-07T00:00", vec![visit_thanks()]);
    world.of().events.push(event("E1", "visit", "2026-03-07T15:00"));
    world.of().events.push(event("E2", "visit", "2026-03-08T20:00"));
    assert_eq!(
        world.run_until("2026-03-20T00:00").sent,
        ["2026-03-07 15:10 visit-thanks/thanks E1", "2026-03-09 09:00 visit-thanks/thanks E2"]
    );
}

#[test]
fn nobody_is_thanked_late_or_for_a_bad_or_unknown_outcome() {
    let mut world = World::new("2026-03-12T00:00", vec![visit_thanks()]);
    world.of().events.push(event("late", "visit", "2026-03-07T15:00"));
    for (id, outcome) in [("bad", Some(EventOutcome::Negative)), ("unknown", None)] {
        let mut event = event(id, "visit", "2026-03-12T10:00");
        event.outcome = outcome;
        world.of().events.push(event);
    }
    assert!(world.run_until("2026-03-20T00:00").sent.is_empty());
    assert_eq!(world.why("late"), ["visit-thanks: stale"]);
    assert_eq!(world.why("bad"), ["visit-thanks: not in audience (outcome)"]);
}

#[test]
fn nobody_who_was_just_pressed_is_thanked_for_a_visit() {
    let mut world =
        World::new("2026-03-02T00:00", vec![reminders(), visit_thanks()]).with(invoice("R1", "2026-03-02"));
    world.run_until("2026-03-13T00:00");
    world.of().events.push(event("E1", "visit", "2026-03-13T10:00"));
    world.run_until("2026-03-20T00:00");
    assert!(!world.sent.iter().any(|line| line.contains("visit-thanks")), "{:?}", world.sent);
}

#[test]
fn what_was_paid_is_contested_no_more() {
    let mut world = World::new("2026-03-12T00:00", vec![visit_thanks()]).with(invoice("R1", "2026-03-30"));
    world.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-01", None));
    world.of().events.push(event("E1", "visit", "2026-03-12T10:00"));
    world.run_until("2026-03-13T00:00");
    assert_eq!(world.sent, [""; 0]);
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-13"));
    assert_eq!(world.run_until("2026-03-14T00:00").sent, ["2026-03-13 09:00 visit-thanks/thanks E1"]);
}

#[test]
fn a_hold_begins_at_once_also_where_our_day_has_not_begun() {
    let mut world = World::new("2026-03-05T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"));
    world.of().customer.zone = jiff::tz::TimeZone::get("America/Los_Angeles").expect("a zone");
    // Half past eight on the 6th here is half past four on the 5th there.
    world.item("R1").pauses.push(pause(PauseCause::Hold, "2026-03-06", None));
    world.now = at("2026-03-06T08:30");
    assert_eq!(world.why("R1")[0], "reminders/friendly: on hold");
}

fn survey() -> Rule {
    let mut rule = rule(
        "survey",
        Class::Courtesy,
        Anchor::Event(vec!["delivery".to_owned()]),
        vec![stage("ask", "+1d")],
    );
    rule.stale_after = Some(20);
    rule
}

#[test]
fn a_check_in_keeps_still_while_money_is_overdue() {
    let mut world =
        World::new("2026-03-02T00:00", vec![reminders(), survey()]).with(invoice("R1", "2026-02-20"));
    world.of().events.push(event("E1", "delivery", "2026-03-02T10:00"));
    world.run_until("2026-03-10T00:00");
    assert_eq!(world.why("E1"), ["survey/ask: interlock (overdue)"]);
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-10"));
    world.sent.clear();
    assert_eq!(world.run_until("2026-03-12T00:00").sent, ["2026-03-11 09:00 survey/ask E1"]);
}

#[test]
fn one_budget_for_everything_and_reminders_go_first() {
    let mut world =
        World::new("2026-02-16T00:00", vec![reminders(), survey()]).with(invoice("R1", "2026-02-25"));
    // The check-in could go on the 17th, but the reminder of the 18th goes first.
    world.of().events.push(event("E1", "delivery", "2026-02-16T10:00"));
    assert_eq!(
        world.run_until("2026-02-24T00:00").sent,
        ["2026-02-18 09:00 reminders/coming-due R1", "2026-02-20 09:00 survey/ask E1"]
    );
}

#[test]
fn customers_who_share_an_address_share_a_budget_and_no_letter() {
    let mut world = World::new("2026-03-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-06"));
    let mut other = customer("C2");
    other.receivables.push(invoice("R2", "2026-03-06"));
    world.facts.customers.push(other);
    world.run_until("2026-03-12T00:00");
    // Both reach friendly on the 9th, and one waits for the 11th.
    assert_eq!(
        world.sent,
        [
            "2026-03-02 09:00 reminders/coming-due R1",
            "2026-03-04 09:00 reminders/coming-due R2",
            "2026-03-06 09:00 reminders/due-today R1",
            "2026-03-09 09:00 reminders/friendly R1",
            "2026-03-11 09:00 reminders/friendly R2",
        ]
    );
}

#[test]
fn one_letter_for_all_items_in_the_tone_of_the_highest() {
    let mut world = World::new("2026-03-12T08:00", vec![reminders()])
        .with(invoice("R1", "2026-03-02"))
        .with(invoice("R2", "2026-03-09"))
        .with(invoice("R3", "2026-03-02"));
    for id in ["R1", "R3"] {
        // Friendly went out in time.
        let mut past = World::new("2026-03-05T00:00", vec![reminders()]).with(invoice(id, "2026-03-02"));
        past.run_until("2026-03-06T00:00");
        let mut notices: Vec<_> = past.notices().cloned().collect();
        for notice in &mut notices {
            notice.letter = crate::domain::ids::LetterId(-1);
        }
        world.of().notices.extend(notices);
    }
    assert_eq!(
        world.run_until("2026-03-13T00:00").sent,
        ["2026-03-12 09:00 reminders/firm R1 R3 (friendly R2)"]
    );
}

#[test]
fn an_item_that_is_paid_before_the_letter_leaves_falls_out_of_it() {
    let mut world = World::new("2026-03-09T22:00", vec![reminders()])
        .with(invoice("R1", "2026-03-02"))
        .with(invoice("R2", "2026-03-02"));
    world.rules.rules[0].0.schedule = Some("0 21 * * *".parse().expect("a schedule"));
    world.run_until("2026-03-09T23:00");
    assert_eq!(world.queue.len(), 1);
    world.item("R2").payments.push(paid("P1", "1000", "2026-03-09"));
    world.run_until("2026-03-10T12:00");
    assert_eq!(world.sent, ["2026-03-10 09:00 reminders/friendly R1"]);
}

#[test]
fn a_guarantor_sees_only_what_he_guarantees() {
    let mut rule = reminders();
    rule.stages[3].cc = vec![Recipient::Guarantor];
    rule.backlog = Backlog::Start;
    rule.stages.drain(..3);
    let mut world = World::new("2026-03-16T08:00", vec![rule]);
    for (id, guarantor) in [("R1", Some("Ann")), ("R2", Some("Bob")), ("R3", Some("Ann")), ("R4", None)] {
        let mut item = invoice(id, "2026-03-02");
        item.guarantor = guarantor.map(person);
        world = world.with(item);
    }
    assert_eq!(
        world.run_until("2026-03-21T00:00").sent,
        [
            "2026-03-16 09:00 reminders/firm R1 R3",
            "2026-03-18 09:00 reminders/firm R2",
            "2026-03-20 09:00 reminders/firm R4",
        ]
    );
}

#[test]
fn credit_that_covers_what_is_open_stops_dunning() {
    let mut world = World::new("2026-03-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"));
    let mut credit = invoice("K1", "2026-03-02");
    credit.kind = Kind::CreditNote;
    credit.amount = cny("-600");
    world.of().receivables.push(credit);
    world.of().on_account.push(paid("A1", "400", "2026-02-20"));
    assert!(world.run_until("2026-03-20T00:00").sent.is_empty());
    assert_eq!(world.why("R1")[0], "reminders/friendly: covered by credit (CNY)");
    world.of().on_account.clear();
    assert_eq!(world.run_until("2026-03-24T00:00").sent, ["2026-03-20 09:00 reminders/friendly R1"]);
}

#[test]
fn two_rules_keep_their_distance_about_one_receivable() {
    let other =
        rule("second", Class::Dunning, Anchor::Receivable(ReceivableDate::DueOn), vec![stage("also", "+4d")]);
    let mut world =
        World::new("2026-03-03T00:00", vec![reminders(), other]).with(invoice("R1", "2026-03-02"));
    // Friendly on the 5th; the other one waits for five days, until the 10th.
    assert_eq!(
        world.run_until("2026-03-12T00:00").sent,
        ["2026-03-05 09:00 reminders/friendly R1", "2026-03-10 09:00 second/also R1"]
    );
}

/// What silences everything, and how it comes about.
type Silence<'a> = (&'a str, &'a dyn Fn(&mut World));

#[test]
fn a_suppressed_address_a_block_and_a_hold_on_the_customer_silence_everything() {
    let base =
        World::new("2026-03-01T00:00", vec![reminders(), visit_thanks()]).with(invoice("R1", "2026-03-02"));
    let silence: [Silence<'_>; 4] = [
        ("suppressed", &|world| {
            world.facts.suppressions.push(Suppression {
                address: "c@example.test".to_owned(),
                classes: vec![],
                cause: "550".to_owned(),
            });
        }),
        ("blocked", &|world| world.of().customer.blocked = true),
        ("forgotten", &|world| world.of().customer.forgotten_at = Some(at("2026-03-01T00:00"))),
        ("held", &|world| world.of().pauses.push(pause(PauseCause::Hold, "2026-03-01", None))),
    ];
    for (name, silence) in silence {
        let mut world = base.clone();
        world.of().events.push(event("E1", "visit", "2026-03-02T10:00"));
        silence(&mut world);
        assert!(world.run_until("2026-03-20T00:00").sent.is_empty(), "{name}: {:?}", world.sent);
    }
}

#[test]
fn a_suppression_of_one_class_leaves_the_others() {
    let mut world = World::new("2026-03-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"));
    world.facts.suppressions.push(Suppression {
        address: "c@example.test".to_owned(),
        classes: vec![Class::Marketing],
        cause: "unsubscribed".to_owned(),
    });
    assert_eq!(world.run_until("2026-03-03T00:00").sent, ["2026-03-02 09:00 reminders/due-today R1"]);
}

#[test]
fn a_full_payment_is_thanked_for_once_and_one_that_bounced_never() {
    let mut thanks = rule(
        "payment-thanks",
        Class::Courtesy,
        Anchor::Receivable(ReceivableDate::SettledOn),
        vec![stage("thanks", "0d")],
    );
    thanks.not_while = vec![Interlock::Disputed];
    let mut world = World::new("2026-03-02T00:00", vec![thanks]).with(invoice("R1", "2026-03-10"));
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-02"));
    let mut bounced = world.clone();
    assert_eq!(world.run_until("2026-03-10T00:00").sent, ["2026-03-02 09:00 payment-thanks/thanks R1"]);
    // The date of the payment is corrected; nothing is said twice.
    world.item("R1").payments[0].received_on = date("2026-03-09");
    assert_eq!(world.run_until("2026-03-20T00:00").sent.len(), 1);
    // The books had said `paid` before the payment was known.
    let mut by_books =
        World::new("2026-03-02T00:00", bounced.rules.rules.iter().map(|(r, _)| r.clone()).collect())
            .with(invoice("R1", "2026-03-10"));
    by_books.item("R1").status = crate::domain::receivable::Status::Paid;
    by_books.item("R1").closed_on = Some(date("2026-03-02"));
    by_books.run_until("2026-03-04T00:00");
    by_books.item("R1").payments.push(paid("P1", "1000", "2026-03-02"));
    assert_eq!(by_books.run_until("2026-03-20T00:00").sent, ["2026-03-02 09:00 payment-thanks/thanks R1"]);
    bounced.item("R1").payments.push(paid("P2", "-1000", "2026-03-02"));
    assert!(bounced.run_until("2026-03-20T00:00").sent.is_empty());
}

#[test]
fn a_calendar_rule_writes_once_an_occurrence() {
    let mut greeting = rule("greeting", Class::Courtesy, Anchor::Calendar, vec![stage("greet", "0d")]);
    greeting.schedule = Some("0 10 1 4,5 *".parse().expect("a schedule"));
    let mut world = World::new("2026-03-30T00:00", vec![greeting]);
    assert_eq!(
        world.run_until("2026-06-01T00:00").sent,
        ["2026-04-01 10:00 greeting/greet C1", "2026-05-01 10:00 greeting/greet C1"]
    );
}

#[test]
fn a_person_agrees_to_what_was_there_to_be_seen_and_to_nothing_else() {
    let mut rule = reminders();
    rule.stages[4].approve = true;
    rule.stages.drain(..4);
    rule.backlog = Backlog::Start;
    let mut world = World::new("2026-04-01T08:00", vec![rule]).with(invoice("A", "2026-03-02"));
    world.run_until("2026-04-02T00:00");
    assert_eq!(world.queue.len(), 1, "A waits for a person");
    // B's final notice is reached while A's waits; then A's is released.
    let world = &mut world.with(invoice("B", "2026-03-03"));
    for notice in &mut world.facts.customers[0].notices {
        notice.state = crate::domain::notice::LetterState::Queued;
    }
    world.now = at("2026-04-02T09:00");
    world.run_until("2026-04-03T00:00");
    assert_eq!(world.sent, ["2026-04-02 09:00 reminders/final A"]);
}

#[test]
fn a_long_holiday_makes_no_thanks_stale() {
    let mut thanks = rule(
        "payment-thanks",
        Class::Courtesy,
        Anchor::Receivable(ReceivableDate::SettledOn),
        vec![stage("thanks", "0d")],
    );
    thanks.not_while = vec![];
    let mut world = World::new("2026-09-30T00:00", vec![thanks]).with(invoice("R1", "2026-10-10"));
    world.settings.business.calendars.business = crate::domain::calendar::Calendar::new(
        vec![],
        (1..=7).map(|day| jiff::civil::date(2026, 10, day)).collect(),
        std::collections::BTreeSet::new(),
        None,
    );
    world.run_until("2026-10-02T12:00");
    world.item("R1").payments.push(paid("P1", "1000", "2026-10-02"));
    assert_eq!(world.run_until("2026-10-20T00:00").sent, ["2026-10-08 09:00 payment-thanks/thanks R1"]);
}
