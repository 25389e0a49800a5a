//! Where days, zones and holidays meet the distances of a ladder.

use super::build::{date, invoice, pause, reminders};
use super::world::World;
use crate::domain::receivable::PauseCause;

/// Due on Monday, 2 March 2026.
fn world() -> World {
    World::new("2026-02-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"))
}

#[test]
fn the_day_after_a_dispute_ends_is_a_day_to_look() {
    let mut world = world();
    world.run_until("2026-03-09T00:00");
    world.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-09", Some("2026-03-12")));
    // Nothing is written when it ends; the ladder goes on by itself, three
    // working days later.
    assert_eq!(world.run_until("2026-03-20T00:00").sent[3..], ["2026-03-17 09:00 reminders/firm R1"]);
}

#[test]
fn a_renamed_alarm_goes_on_repeating() {
    let mut world = world();
    world.run_until("2026-04-17T00:00");
    world.rules.rules[0].0.stages[5].name = "handover".into();
    assert_eq!(world.run_until("2026-05-20T00:00").sent[6..], ["2026-05-18 09:00 reminders/handover R1"]);
}

#[test]
fn a_final_notice_that_waits_for_approval_does_not_bring_the_hand_over_forward() {
    let mut world = world();
    world.rules.rules[0].0.stages[4].approve = true;
    world.run_until("2026-03-09T00:00");
    world.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-09", Some("2026-04-10")));
    // Firm comes three working days after the dispute; the final notice, 20
    // days later, waits for a person; the hand-over keeps its 35 from firm.
    assert_eq!(
        world.run_until("2026-06-01T00:00").sent[3..],
        ["2026-04-15 09:00 reminders/firm R1", "2026-05-20 09:00 reminders/hand-over R1"]
    );
}

#[test]
fn nine_o_clock_is_nine_o_clock_where_the_customer_lives() {
    let mut world = world();
    world.of().customer.zone = jiff::tz::TimeZone::get("America/New_York").expect("a zone");
    // Shanghai is 13 hours ahead, and 12 once New York's summer has begun.
    assert_eq!(
        world.run_until("2026-03-13T00:00").sent,
        [
            "2026-02-23 22:00 reminders/coming-due R1",
            "2026-03-02 22:00 reminders/due-today R1",
            "2026-03-05 22:00 reminders/friendly R1",
            "2026-03-12 21:00 reminders/firm R1",
        ]
    );
}

#[test]
fn a_day_ahead_or_behind_it_is_the_customers_own_day() {
    for (zone, here) in [("Pacific/Kiritimati", "2026-03-02 03:00"), ("Etc/GMT+12", "2026-03-03 05:00")] {
        let mut world = world();
        world.of().customer.zone = jiff::tz::TimeZone::get(zone).expect("a zone");
        let sent = &world.run_until("2026-03-04T00:00").sent;
        // On 2 March there, at nine.
        assert!(sent.contains(&format!("{here} reminders/due-today R1")), "{zone}: {sent:?}");
    }
}

#[test]
fn a_moved_due_date_keeps_the_minimum_gap_to_the_letter_before() {
    let mut world = World::new("2026-04-01T00:00", vec![reminders()]).with(invoice("R1", "2026-05-11"));
    world.run_until("2026-05-05T00:00");
    let item = world.item("R1");
    item.due_on = date("2026-05-13");
    item.round_on = date("2026-05-13");
    assert_eq!(
        world.run_until("2026-05-14T00:00").sent,
        [
            "2026-05-04 09:00 reminders/coming-due R1",
            "2026-05-11 09:00 reminders/coming-due R1",
            "2026-05-13 09:00 reminders/due-today R1"
        ]
    );
}

#[test]
fn a_letter_delayed_by_holidays_keeps_the_next_one_away_for_the_minimum_gap() {
    let mut world = World::new("2026-09-01T00:00", vec![reminders()]).with(invoice("R1", "2026-09-28"));
    let golden_week = (1..=7).map(|day| jiff::civil::date(2026, 10, day)).collect();
    world.settings.business.calendars.business = crate::domain::calendar::Calendar::new(
        vec![jiff::civil::Weekday::Saturday, jiff::civil::Weekday::Sunday],
        golden_week,
        std::collections::BTreeSet::new(),
        None,
    );
    // Friendly was planned for the 1st and leaves on the 8th; firm, planned
    // for the 8th, keeps five days from it.
    assert_eq!(
        world.run_until("2026-10-20T00:00").sent[2..],
        ["2026-10-08 09:00 reminders/friendly R1", "2026-10-13 09:00 reminders/firm R1"]
    );
}
