//! Letters to our own people, and what keeps the customers' back meanwhile.

use super::build::{at, date, invoice, paid, person, reminders, rule, stage, visit_thanks};
use super::world::World;
use crate::domain::customer::Class;
use crate::domain::digest::{Digest, Finding, News, OUR_OWN, Rows, Told, colleague};
use crate::domain::ids::LetterId;
use crate::domain::notice::{LetterState, PastNotice, Priority};
use crate::domain::plan::{plan, reach};
use crate::domain::rule::{Anchor, Recipient, Rule};

/// Due on Monday, 2 March 2026.
fn world() -> World {
    World::new("2026-02-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"))
}

#[test]
fn a_letter_that_expires_again_and_again_does_not_keep_the_owner_from_hearing() {
    let mut world = world();
    world.run_until("2026-03-04T00:00");
    // The mailbox is full: every letter of the stage is free to be sent again.
    let mut key = world.facts.customers[0].notices[0].key.clone();
    key.stage = "friendly".into();
    world.of().expired.push(key);
    world.now = at("2026-04-16T09:00");
    let plan = plan(&world.rules, &world.settings, &world.facts, world.now);
    let letters: Vec<_> = plan.letters.iter().map(|draft| draft.stage.as_str()).collect();
    assert_eq!(letters, ["hand-over", "friendly"]);
    assert_eq!(plan.letters[0].passed_over, ["R1: friendly, firm, final (tried until its time ran out)"]);
}

#[test]
fn the_owner_hears_after_what_is_still_on_its_way_to_the_customer() {
    let mut world = world();
    world.run_until("2026-04-02T00:00");
    // The final notice is approved, and waits for a relay that is down.
    for notice in &mut world.of().notices {
        if notice.key.stage.as_str() == "final" {
            notice.state = LetterState::Retry;
        }
    }
    world.now = at("2026-05-20T09:00");
    assert_eq!(plan(&world.rules, &world.settings, &world.facts, world.now).letters, []);
    assert!(world.why("R1").iter().any(|why| why.starts_with("reminders/hand-over: spacing until")));
}

#[test]
fn nobody_is_reminded_while_payments_were_last_read_too_long_ago() {
    let mut world = World::new("2026-02-28T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"));
    world.settings.max_data_age = Some("3bd".parse().expect("days"));
    world.facts.payments_read_at = Some(at("2026-02-27T18:00"));
    // Three working days from Friday the 27th end on Wednesday the 4th.
    assert_eq!(world.run_until("2026-03-06T00:00").sent, ["2026-03-02 09:00 reminders/due-today R1"]);
    assert_eq!(world.why("R1")[0], "reminders/friendly: data too old");
    world.facts.payments_read_at = Some(at("2026-03-06T08:00"));
    assert_eq!(world.run_until("2026-03-07T00:00").sent[1..], ["2026-03-06 09:00 reminders/friendly R1"]);
}

fn findings(world: &World) -> Vec<String> {
    let plan = plan(&world.rules, &world.settings, &world.facts, world.now);
    plan.findings.into_iter().map(|Finding { subject, detail, .. }| format!("{subject}: {detail}")).collect()
}

#[test]
fn what_no_letter_can_settle_is_found_and_no_longer_when_it_is_mended() {
    let mut world = world().without_address();
    world.run_until("2026-03-04T00:00");
    assert_eq!(findings(&world), Vec::<String>::new(), "nothing is due yet");
    world.run_until("2026-03-06T00:00");
    assert_eq!(findings(&world), ["receivable:R1: address missing"]);
    let mut forgotten = world.clone();
    forgotten.of().customer.forgotten_at = Some(at("2026-02-01T00:00"));
    assert_eq!(findings(&forgotten), ["receivable:R1: customer forgotten"]);
    world.item("R1").payments.push(paid("P1", "1000", "2026-03-06"));
    assert_eq!(findings(&world), Vec::<String>::new());
}

#[test]
fn a_thank_you_that_went_stale_and_what_has_no_stage_left_are_found() {
    let mut world = World::new("2026-03-02T00:00", vec![visit_thanks()]);
    world.of().events.push(super::build::event("E1", "visit", "2026-03-02T10:00"));
    world.now = at("2026-03-09T10:00");
    assert_eq!(findings(&world), ["event:E1: stale"]);

    let mut old = World::new("2026-06-01T00:00", vec![reminders()]).seen_first("2026-06-01T00:00");
    let due_on = date("2026-03-02");
    old.of().receivables.push(invoice("R1", &due_on.to_string()));
    old.now = at("2026-06-01T09:00");
    assert_eq!(findings(&old), ["receivable:R1: backlog"]);
}

fn daily() -> Rule {
    let mut stage = stage("digest", "0d");
    stage.to = vec![Recipient::Owner, Recipient::Operator];
    let mut rule = rule("daily-digest", Class::Internal, Anchor::Calendar, vec![stage]);
    rule.schedule = Some("0 10 * * Mon-Fri".parse().expect("a schedule"));
    rule
}

/// Our own people, of whom the owner has something to read.
fn ours(start: &str) -> World {
    let mut world = World::new(start, vec![daily()]);
    world.facts.relationship = OUR_OWN.into();
    world.facts.customers.clear();
    let told = Told {
        letter: LetterId(7),
        customer: Some("C1".into()),
        customer_name: "Customer C1".into(),
        rule: "reminders".into(),
        stage: "final".into(),
        about: "R1".into(),
        state: LetterState::Held,
        reason: "approval".into(),
    };
    let digest = |person, overall, news| Digest {
        rule: "daily-digest".into(),
        person,
        overall,
        since: at("2026-03-03T10:00"),
        until: at("2026-03-04T10:00"),
        past: vec![],
        news,
    };
    let waiting = News { waiting: Rows { first: vec![told], all: 1 }, ..News::default() };
    world.facts.digests =
        vec![digest(person("Owner"), false, waiting), digest(person("Operator"), true, News::default())];
    world
}

#[test]
fn a_digest_goes_to_whom_there_is_something_to_tell() {
    let world = ours("2026-03-04T10:01");
    let plan = plan(&world.rules, &world.settings, &world.facts, world.now);
    let letters: Vec<_> = plan.letters.iter().map(|draft| draft.lines[0].key.to_string()).collect();
    assert_eq!(letters, ["daily-digest/digest/colleague:owner@ours.test/2026-03-04T10:00/0"]);
    assert_eq!(plan.letters[0].customer, None);
    assert_eq!(plan.wake_at, Some(at("2026-03-05T10:00")));
}

#[test]
fn what_begins_to_wait_after_the_occurrence_is_told_at_the_next() {
    let mut world = ours("2026-03-04T12:00");
    world.facts.looked_at = Some(at("2026-03-04T10:00"));
    assert_eq!(plan(&world.rules, &world.settings, &world.facts, world.now).letters, []);
    // A machine that was off at ten tells when it is on again.
    world.facts.looked_at = Some(at("2026-03-04T09:59"));
    assert_eq!(plan(&world.rules, &world.settings, &world.facts, world.now).letters.len(), 1);
}

#[test]
fn the_operator_is_told_of_all_and_owners_of_their_own_since_the_occurrence_before() {
    let world = ours("2026-03-04T10:01");
    let reach = reach(&world.rules, &world.settings, world.now);
    let order = &reach.digests[0];
    assert!(order.owners);
    assert_eq!(order.overall, [person("Operator")]);
    assert_eq!((order.previous, order.until), (at("2026-03-03T10:00"), at("2026-03-04T10:00")));
    assert_ne!(colleague(&person("Owner"), true), colleague(&person("Owner"), false));
}

#[test]
fn a_rule_that_is_new_today_tells_from_its_next_occurrence_on() {
    let world = ours("2026-03-04T10:01").seen_first("2026-03-04T10:01");
    assert!(plan(&world.rules, &world.settings, &world.facts, world.now).letters.is_empty());
}

#[test]
fn a_digest_that_waits_for_a_person_keeps_the_next_one_not_back() {
    let mut world = ours("2026-03-04T10:01");
    let planned = |world: &World| plan(&world.rules, &world.settings, &world.facts, world.now).letters;
    let line = planned(&world)[0].lines[0].clone();
    for (state, waits) in
        [(LetterState::Held, false), (LetterState::Queued, true), (LetterState::Retry, true)]
    {
        let mut key = line.key.clone();
        "2026-03-03T10:00".clone_into(&mut key.round);
        world.facts.digests[0].past = vec![PastNotice {
            letter: LetterId(1),
            key,
            offset: line.offset,
            planned_on: line.planned_on,
            state,
            class: Class::Internal,
            priority: Priority::STAGE,
            budget: None,
            to_customer: false,
            day: line.planned_on,
            dropped: false,
        }];
        assert_eq!(planned(&world).is_empty(), waits, "{state}");
    }
}
