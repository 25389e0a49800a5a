//! What holds for any facts and any sequence of ticks.

use jiff::{SignedDuration, ToSpan};
use proptest::prelude::*;

use super::build::{at, date, event, invoice, paid, reminders, shanghai, visit_thanks};
use super::world::World;
use crate::domain::notice::{LetterState, PastNotice};
use crate::domain::plan::plan;
use crate::domain::receivable::{Pause, PauseCause, Receivable};

fn rules() -> Vec<crate::domain::rule::Rule> {
    vec![reminders(), visit_thanks()]
}

/// A receivable around 1 March 2026, perhaps paid, perhaps paused.
fn receivable(n: usize) -> impl Strategy<Value = Receivable> {
    (
        -60..40_i32,
        proptest::option::of((1..60_i32, 1..=1_000_i32)),
        proptest::option::of((0..60_i32, 1..20_i32)),
    )
        .prop_map(move |(due, paid_part, paused)| {
            let start = date("2026-03-01");
            let mut item = invoice(&format!("R{n}"), &start.saturating_add(due.days()).to_string());
            if let Some((on, part)) = paid_part {
                let on = start.saturating_add((on - 20).days());
                item.payments.push(paid(&format!("P{n}"), &part.to_string(), &on.to_string()));
            }
            if let Some((from, days)) = paused {
                let from = start.saturating_add((from - 30).days());
                let until = from.saturating_add(days.days());
                let reason = String::new();
                item.pauses.push(Pause { cause: PauseCause::Hold, from, until: Some(until), reason });
            }
            item
        })
}

pub fn world() -> impl Strategy<Value = World> {
    (receivable(0), receivable(1), receivable(2), 0..40_i64).prop_map(|(one, two, three, visit)| {
        let mut world = World::new("2026-02-20T00:00", rules()).with(one).with(two).with(three);
        let mut event = event("E1", "visit", "2026-02-21T10:00");
        event.occurred_at += SignedDuration::from_hours(24 * visit);
        world.of().events.push(event);
        world
    })
}

/// Days between letters of one receivable's ladder, and their order.
fn check_ladder(notices: &[&PastNotice]) {
    let mut of_item: Vec<&&PastNotice> = notices.iter().filter(|notice| notice.to_customer).collect();
    of_item.sort_by_key(|notice| (notice.day, notice.letter));
    for pair in of_item.windows(2) {
        let [one, two] = pair else { unreachable!("windows of two") };
        assert!(
            one.offset.roughly_minutes() < two.offset.roughly_minutes(),
            "{} before {}",
            one.key,
            two.key
        );
    }
}

/// What was said when, notice by notice: two alarms queued on different days
/// of a weekend may leave on Monday in one letter or in two.
fn said(world: &World) -> Vec<String> {
    let mut said: Vec<String> = world
        .notices()
        .filter(|notice| notice.state == LetterState::Sent)
        .map(|notice| format!("{} {}", notice.day, notice.key))
        .collect();
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_paid_or_held_gets_no_reminder_and_the_rest_climbs_in_order(mut world in world()) {
        for _ in 0..100 {
            let before = world.sent.len();
            let next = world.tick();
            let today = world.now.to_zoned_datetime(shanghai()).date();
            for line in &world.sent[before..] {
                for item in &world.facts.customers[0].receivables {
                    let held = item.pauses.iter().any(|pause| pause.covers(today));
                    let silent = held || !item.balance().is_positive();
                    let named = line.contains(item.id.as_str()) && line.contains("reminders/");
                    prop_assert!(!(silent && named && !line.contains("hand-over")), "{line}");
                }
            }
            let Some(next) = next else { break };
            world.now = next.max(world.now + SignedDuration::from_mins(1));
            if world.now > at("2026-07-01T00:00") { break }
        }
        for item in &world.facts.customers[0].receivables {
            let notices: Vec<&PastNotice> =
                world.notices().filter(|notice| notice.key.subject.id() == item.id.as_str()).collect();
            check_ladder(&notices);
        }
    }

    #[test]
    fn at_most_one_letter_in_two_days(mut world in world()) {
        world.run_until("2026-06-01T00:00");
        let mut days: Vec<_> = world
            .notices()
            .filter(|notice| notice.to_customer && notice.key.rule.as_str() == "reminders")
            .map(|notice| (notice.letter, notice.day))
            .collect();
        days.sort_unstable();
        days.dedup();
        let mut days: Vec<_> = days.into_iter().map(|(_, day)| day).collect();
        days.sort_unstable();
        for pair in days.windows(2) {
            prop_assert!(pair[1] >= pair[0].saturating_add(2.days()), "{pair:?} in {:?}", world.sent);
        }
    }

    #[test]
    fn doubled_and_early_ticks_change_nothing(world in world(), extra in proptest::collection::vec(1..10_000_i64, 0..40)) {
        let mut calm = world.clone();
        calm.run_until("2026-05-01T00:00");
        let mut restless = world;
        for minutes in extra {
            let next = restless.tick();
            restless.tick();
            let sooner = restless.now + SignedDuration::from_mins(minutes);
            let next = next.map_or(sooner, |next| next.min(sooner)).max(restless.now);
            restless.now = next.min(at("2026-05-01T00:00"));
        }
        restless.run_until("2026-05-01T00:00");
        prop_assert_eq!(said(&calm), said(&restless));
    }

    #[test]
    fn the_order_of_facts_and_rules_does_not_matter(world in world()) {
        let mut turned = world.clone();
        turned.of().receivables.reverse();
        turned.rules.rules.reverse();
        let mut world = world;
        world.run_until("2026-05-01T00:00");
        turned.run_until("2026-05-01T00:00");
        prop_assert_eq!(world.sent, turned.sent);
    }

    #[test]
    fn planning_after_queueing_finds_nothing(mut world in world(), minutes in 0..60_000_i64) {
        world.now += SignedDuration::from_mins(minutes);
        world.tick();
        let again = plan(&world.rules, &world.settings, &world.facts, world.now);
        prop_assert_eq!(again.letters, vec![]);
    }
}
