//! One receivable, one rule: whole ladders.

use super::build::{at, date, event, invoice, paid, pause, reminders, rule, stage};
use super::world::World;
use crate::domain::customer::Class;
use crate::domain::plan;
use crate::domain::receivable::{PauseCause, Status, round_after};
use crate::domain::rule::{Anchor, Backlog, ReceivableDate, Recipient, Repeat, RuleSeen, Stage, Then};

/// Due on Monday, 2 March 2026.
const DUE: &str = "2026-03-02";

fn world() -> World {
    World::new("2026-02-01T00:00", vec![reminders()]).with(invoice("R1", DUE))
}

const WHOLE: [&str; 7] = [
    "2026-02-23 09:00 reminders/coming-due R1",
    "2026-03-02 09:00 reminders/due-today R1",
    "2026-03-05 09:00 reminders/friendly R1",
    "2026-03-12 09:00 reminders/firm R1",
    "2026-04-01 09:00 reminders/final R1",
    "2026-04-16 09:00 reminders/hand-over R1",
    "2026-05-18 09:00 reminders/hand-over R1",
];

#[test]
fn an_unpaid_invoice_climbs_the_whole_ladder() {
    assert_eq!(world().run_until("2026-06-01T00:00").sent, WHOLE);
}

#[test]
fn a_paid_invoice_gets_no_further_letter() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-06"));
    assert_eq!(world.run_until("2026-06-01T00:00").sent, WHOLE[..3]);
    assert_eq!(world.why("R1"), ["reminders: settled"]);
}

#[test]
fn paid_between_planning_and_the_opening_hour_cancels_the_letter() {
    let mut world = world();
    // Queued at nine in the evening of a customer whose hours are over.
    world.rules.rules[0].0.schedule = Some("0 21 * * *".parse().expect("a schedule"));
    world.run_until("2026-03-05T22:00");
    assert_eq!(world.queue.len(), 1, "friendly waits for the morning");
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-05"));
    let before = world.sent.clone();
    assert_eq!(world.run_until("2026-06-01T00:00").sent, before);
    assert!(world.queue.is_empty());
}

#[test]
fn a_due_date_on_a_weekend_counts_from_monday() {
    let mut world = World::new("2026-02-26T00:00", vec![reminders()]).with(invoice("R1", "2026-02-28"));
    assert_eq!(
        world.run_until("2026-03-13T00:00").sent,
        [
            "2026-02-26 09:00 reminders/coming-due R1",
            "2026-03-02 09:00 reminders/due-today R1",
            "2026-03-05 09:00 reminders/friendly R1",
            "2026-03-12 09:00 reminders/firm R1",
        ]
    );
}

#[test]
fn weekends_do_not_add_up() {
    // Friendly falls on Saturday the 7th and leaves on Monday the 9th; firm
    // still comes seven days after the Saturday.
    let mut world = World::new("2026-03-05T10:00", vec![reminders()]).with(invoice("R1", "2026-03-04"));
    assert_eq!(
        world.run_until("2026-03-20T00:00").sent,
        ["2026-03-09 09:00 reminders/friendly R1", "2026-03-16 09:00 reminders/firm R1"]
    );
}

#[test]
fn a_months_outage_is_followed_by_one_letter_and_the_distances_stay() {
    let mut world = world();
    world.run_until("2026-03-01T00:00");
    world.now = at("2026-04-06T10:00");
    assert_eq!(
        world.run_until("2026-06-01T00:00").sent[1..],
        [
            "2026-04-06 10:00 reminders/friendly R1",
            "2026-04-13 09:00 reminders/firm R1",
            "2026-05-04 09:00 reminders/final R1",
            "2026-05-18 09:00 reminders/hand-over R1",
        ]
    );
}

#[test]
fn asleep_over_two_stages_wakes_with_the_lower_one() {
    let mut world = world();
    world.run_until("2026-02-24T00:00");
    world.now = at("2026-03-12T11:30");
    world.run_until("2026-03-13T00:00");
    assert_eq!(world.sent[1..], ["2026-03-12 11:30 reminders/friendly R1"]);
}

#[test]
fn a_first_start_on_years_of_overdue_items_sends_nothing() {
    let mut world = World::new("2026-03-02T00:00", vec![reminders()]).seen_first("2026-03-02T00:00");
    for (n, due) in ["2023-05-01", "2024-01-15", "2025-12-01"].iter().enumerate() {
        world = world.with(invoice(&format!("R{n}"), due));
    }
    assert!(world.run_until("2026-06-01T00:00").sent.is_empty());
    assert_eq!(world.why("R0"), ["reminders: backlog", "reminders: backlog"]);
}

#[test]
fn the_backlog_enters_at_the_lowest_stage_when_the_next_one_comes() {
    // Friendly was reached before the rule; firm comes on the 12th.
    let mut world = world().seen_first("2026-03-09T12:00");
    world.now = at("2026-03-09T12:00");
    assert_eq!(
        world.run_until("2026-03-25T00:00").sent,
        ["2026-03-12 09:00 reminders/friendly R1", "2026-03-19 09:00 reminders/firm R1"]
    );
}

#[test]
fn backlog_start_enters_now() {
    let mut world = world().seen_first("2026-03-09T12:00");
    world.rules.rules[0].0.backlog = Backlog::Start;
    world.now = at("2026-03-09T12:00");
    assert_eq!(
        world.run_until("2026-03-17T00:00").sent,
        ["2026-03-09 12:00 reminders/friendly R1", "2026-03-16 09:00 reminders/firm R1"]
    );
}

#[test]
fn a_widened_audience_does_not_send_what_was_reached_before() {
    let mut world = world();
    let wide = world.rules.rules[0].0.audience();
    let mut narrow = wide.clone();
    narrow.r#where.kind = vec!["balance".to_owned()];
    let since = |when: &str| at(when);
    world.rules.rules[0].1 = Some(RuleSeen {
        audiences: vec![(narrow, since("2020-01-01T00:00")), (wide, since("2026-03-09T12:00"))],
    });
    world.now = at("2026-03-09T12:00");
    assert_eq!(world.run_until("2026-03-13T00:00").sent, ["2026-03-12 09:00 reminders/friendly R1"]);
}

#[test]
fn coming_due_lapses_with_the_due_date_and_too_near_to_the_paper() {
    let mut late = World::new("2026-03-02T10:00", vec![reminders()]).with(invoice("R1", DUE));
    late.run_until("2026-03-03T00:00");
    assert_eq!(late.sent, ["2026-03-02 10:00 reminders/due-today R1"]);
    let mut fresh = world();
    fresh.item("R1").issued_on = Some(date("2026-02-22"));
    fresh.run_until("2026-03-03T00:00");
    assert_eq!(fresh.sent, [WHOLE[1]]);
}

#[test]
fn a_letter_of_the_day_that_can_only_leave_tomorrow_lapses() {
    let mut world = World::new("2026-03-02T19:00", vec![reminders()]).with(invoice("R1", DUE));
    world.run_until("2026-03-04T00:00");
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    world.run_until("2026-03-06T00:00");
    assert_eq!(world.sent, ["2026-03-05 09:00 reminders/friendly R1"]);
}

#[test]
fn a_hold_stops_the_ladder_its_days_do_not_count_and_the_alarm_still_comes() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    world.item("R1").pauses.push(pause(PauseCause::Hold, "2026-03-06", Some("2026-03-15")));
    assert_eq!(
        world.run_until("2026-03-25T00:00").sent[3..],
        // Ten paused days: firm moves from the 12th to the 22nd, a Sunday.
        ["2026-03-23 09:00 reminders/firm R1"]
    );
    let mut open_ended = self::world();
    open_ended.run_until("2026-03-06T00:00");
    open_ended.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-06", None));
    assert_eq!(
        open_ended.run_until("2026-05-01T00:00").sent[3..],
        ["2026-04-16 09:00 reminders/hand-over R1"]
    );
    assert_eq!(
        open_ended.why("R1"),
        ["reminders/firm: disputed", "reminders/hand-over: spacing until 2026-05-18 09:00",]
    );
}

#[test]
fn a_part_payment_keeps_the_next_letter_for_three_working_days() {
    let mut world = world();
    world.run_until("2026-03-11T00:00");
    world.item("R1").payments.push(paid("P1", "400", "2026-03-11"));
    assert_eq!(world.run_until("2026-03-20T00:00").sent[3..], ["2026-03-16 09:00 reminders/firm R1"]);
}

#[test]
fn a_bounced_payment_resumes_the_ladder() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-06"));
    world.run_until("2026-03-17T00:00");
    world.item("R1").payments.push(paid("P2", "-1000", "2026-03-17"));
    assert_eq!(world.run_until("2026-03-25T00:00").sent[3..], ["2026-03-20 09:00 reminders/firm R1"]);
}

#[test]
fn what_is_over_stays_over() {
    for status in Status::ALL.iter().filter(|status| **status != Status::Open) {
        let mut world = world();
        world.item("R1").status = *status;
        world.run_until("2026-04-10T00:00");
        assert!(world.sent.is_empty(), "{status}: {:?}", world.sent);
    }
}

#[test]
fn without_an_address_only_the_owner_hears_on_the_alarms_own_date() {
    let mut world = world().without_address();
    assert_eq!(world.run_until("2026-05-01T00:00").sent, ["2026-04-16 09:00 reminders/hand-over R1"]);
    assert_eq!(world.why("R1")[0], "reminders/friendly: address missing");
}

#[test]
fn a_due_date_moved_to_the_future_starts_a_new_round() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    let moved = round_after(date(DUE), &[], date(DUE), date("2026-03-20"), date("2026-03-06"));
    assert!(moved.postponed);
    let item = world.item("R1");
    item.due_on = date("2026-03-20");
    item.round_on = moved.round_on;
    assert_eq!(
        world.run_until("2026-03-25T00:00").sent[3..],
        [
            "2026-03-13 09:00 reminders/coming-due R1",
            "2026-03-20 09:00 reminders/due-today R1",
            "2026-03-23 09:00 reminders/friendly R1",
        ]
    );
}

#[test]
fn a_due_date_moved_to_the_past_continues_the_round() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    let moved = round_after(date(DUE), &[], date(DUE), date("2026-02-20"), date("2026-03-06"));
    let item = world.item("R1");
    item.due_on = date("2026-02-20");
    item.round_on = moved.round_on;
    assert_eq!(item.round_on, date(DUE));
    // Friendly has been sent; firm keeps its seven days from it.
    assert_eq!(world.run_until("2026-03-13T00:00").sent[3..], ["2026-03-12 09:00 reminders/firm R1"]);
}

#[test]
fn a_due_date_moved_back_to_where_it_was_continues_its_own_round_although_that_day_is_past() {
    let (later, today) = (date("2026-03-20"), date("2026-03-09"));
    let moved = round_after(later, &[date(DUE)], later, date(DUE), today);
    assert_eq!((moved.round_on, moved.postponed), (date(DUE), false));
    let unsaid = round_after(later, &[], later, date(DUE), today);
    assert_eq!(unsaid.round_on, later);
}

#[test]
fn renaming_or_moving_a_stage_repeats_nothing() {
    let mut world = world();
    world.run_until("2026-03-06T00:00");
    let sent = world.sent.len();
    world.rules.rules[0].0.stages[2].name = "gentle".into();
    world.run_until("2026-03-11T00:00");
    assert_eq!(world.sent.len(), sent, "{:?}", world.sent);
    world.rules.rules[0].0.stages[2].at = "+9d".parse().expect("an offset");
    world.run_until("2026-03-12T00:00");
    assert_eq!(
        world.sent[sent..],
        ["2026-03-11 09:00 reminders/gentle R1"],
        "a rung after the last one sent"
    );
}

#[test]
fn an_approved_letter_waits_for_a_person_and_the_owner_is_told_on_time() {
    let mut world = world();
    world.rules.rules[0].0.stages[4].approve = true;
    world.run_until("2026-04-20T00:00");
    assert_eq!(world.sent[4..], ["2026-04-16 09:00 reminders/hand-over R1"]);
    assert_eq!(world.queue.len(), 1);
}

#[test]
fn a_schedule_decides_when_a_rule_looks_and_a_lost_tick_is_caught_up() {
    let mut world = world();
    world.run_until("2026-02-23T08:59");
    // The heartbeat of nine o'clock never comes.
    world.now = at("2026-02-23T14:20");
    world.run_until("2026-02-23T23:00");
    assert_eq!(world.sent, ["2026-02-23 14:20 reminders/coming-due R1"]);
    // What becomes known after the look waits for the next one.
    world = World::new("2026-03-10T10:00", vec![reminders()]).with(invoice("R1", "2026-09-01"));
    world.run_until("2026-03-10T12:00");
    let world = &mut world.with(invoice("R2", "2026-03-02"));
    world.run_until("2026-03-12T00:00");
    assert_eq!(world.sent, ["2026-03-11 09:00 reminders/friendly R2"]);
}

#[test]
fn repetitions_grow_end_with_their_event_and_go_to_the_owner_at_last() {
    let check_in = || {
        let repeat = Repeat {
            every: "14d".parse().expect("days"),
            growing: 1.5,
            until: Some("proficient".to_owned()),
            at_most: Some(3),
            then: Some(Then { to: vec![Recipient::Owner], template: "internal/silent".to_owned() }),
        };
        let stage = Stage { repeat: Some(repeat), ..stage("check-in", "+3d") };
        let mut rule =
            rule("onboarding", Class::Courtesy, Anchor::Event(vec!["delivery".to_owned()]), vec![stage]);
        rule.stale_after = Some(5);
        rule
    };
    let mut world = World::new("2026-03-02T00:00", vec![check_in()]);
    world.of().events.push(event("E1", "delivery", "2026-03-02T15:00"));
    assert_eq!(
        world.clone().run_until("2026-09-01T00:00").sent,
        [
            "2026-03-05 09:00 onboarding/check-in E1",
            "2026-03-19 09:00 onboarding/check-in E1",
            "2026-04-09 09:00 onboarding/check-in E1",
            // 14 x 1.5 x 1.5 = 31.5, rounded to 32 days after the 9th.
            "2026-05-11 09:00 onboarding/check-in/then E1",
        ]
    );
    world.run_until("2026-03-20T00:00");
    world.of().events.push(event("E2", "proficient", "2026-03-20T10:00"));
    assert_eq!(world.run_until("2026-09-01T00:00").sent.len(), 2);
    assert_eq!(world.why("E1"), ["onboarding: ended"]);
}

#[test]
fn an_event_ends_the_repetitions_about_a_claim_for_good_and_one_of_before_does_not() {
    let repeat = Repeat {
        every: "14d".parse().expect("days"),
        growing: 1.0,
        until: Some("agreed".to_owned()),
        at_most: Some(3),
        then: None,
    };
    let stage = Stage { repeat: Some(repeat), ..stage("overdue", "+3d") };
    let chase = rule("chase", Class::Dunning, Anchor::Receivable(ReceivableDate::DueOn), vec![stage]);
    let mut world = World::new("2026-03-02T00:00", vec![chase]).with(invoice("R1", "2026-03-02"));
    world.item("R1").issued_on = Some(date("2026-02-20"));
    world.of().events.push(event("E1", "agreed", "2026-02-19T10:00"));
    // What was agreed before the day it is due is agreed.
    let mut early = world.clone();
    early.of().events.push(event("E2", "agreed", "2026-02-20T10:00"));
    assert_eq!(early.run_until("2026-05-20T00:00").sent, [""; 0]);
    world.run_until("2026-03-20T00:00");
    assert_eq!(world.sent, ["2026-03-05 09:00 chase/overdue R1", "2026-03-19 09:00 chase/overdue R1"]);
    world.of().events.push(event("E2", "agreed", "2026-03-20T10:00"));
    assert_eq!(world.run_until("2029-03-20T00:00").sent.len(), 2);
    assert_eq!(world.why("R1"), ["chase: ended"]);
    // Three years later it is still among the facts that are read.
    let reach = plan::reach(&world.rules, &world.settings, world.now);
    assert!(reach.events_since < at("2026-03-20T10:00"), "{reach:?}");
}
