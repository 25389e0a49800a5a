//! The plan explained: every stage has its fate, and it is the plan's own.

use std::collections::BTreeSet;

use jiff::{SignedDuration, ToSpan as _};
use proptest::prelude::*;

use super::build::{at, cny, date, invoice, paid, pause, reminders, rule, shanghai, stage, visit_thanks};
use super::properties::world;
use super::world::World;
use crate::domain::customer::Class;
use crate::domain::plan::{Explanation, Fate, Near, Sought, as_if, explain, plan};
use crate::domain::promise::Promise;
use crate::domain::receivable::{PauseCause, Status};
use crate::domain::rule::{Anchor, ReceivableDate};
use crate::domain::stop::Decision;

fn explained(world: &World) -> Explanation {
    explain(&world.rules, &world.settings, &world.facts, world.now)
}

/// `rule/stage: fate`, stage by stage, of one subject.
fn fates(world: &World, id: &str) -> Vec<String> {
    let of = explained(world).ladders.into_iter().filter(|ladder| ladder.subject.id() == id);
    of.flat_map(|ladder| {
        let over = ladder.over.iter().map(|why| format!("{}: {why}", ladder.rule)).collect::<Vec<_>>();
        let stages = ladder.stages.iter().map(|stage| {
            let fate = match &stage.fate {
                Fate::Decided(Decision::Due) => "due".to_owned(),
                Fate::Decided(Decision::Waiting { until, why }) => {
                    format!("{why} until {}", until.to_zoned_datetime(shanghai()).strftime("%F %R"))
                }
                Fate::Decided(Decision::Skipped { why }) => why.to_string(),
                Fate::Follows { stage, days } => format!("{days} days after {stage}"),
                Fate::Passed => "passed".to_owned(),
                Fate::Written => "written".to_owned(),
            };
            format!("{}: {fate}", stage.stage)
        });
        over.into_iter().chain(stages).collect::<Vec<_>>()
    })
    .collect()
}

fn near(world: &World, id: &str) -> Vec<Near> {
    let of = explained(world).ladders.into_iter().filter(|ladder| ladder.subject.id() == id);
    of.flat_map(|ladder| ladder.near).collect()
}

#[test]
fn every_stage_of_a_ladder_has_its_fate() {
    let mut world = World::new("2026-03-01T08:00", vec![reminders()]).with(invoice("R1", "2026-03-10"));
    let before = [
        "coming-due: not reached until 2026-03-03 09:00",
        "due-today: not reached until 2026-03-10 00:00",
        "friendly: not reached until 2026-03-13 00:00",
        "firm: 7 days after friendly",
        "final: 20 days after firm",
        "hand-over: spacing until 2026-04-24 09:00",
    ];
    assert_eq!(fates(&world, "R1"), before);
    world.run_until("2026-03-16T08:00");
    let climbing = [
        "coming-due: written",
        "due-today: written",
        "friendly: written",
        "firm: not reached until 2026-03-20 09:00",
        "final: 20 days after firm",
        "hand-over: spacing until 2026-04-24 09:00",
    ];
    assert_eq!(fates(&world, "R1"), climbing);
    world.item("R1").pauses.push(pause(PauseCause::Dispute, "2026-03-16", None));
    assert_eq!(fates(&world, "R1")[3..5], ["firm: disputed", "final: 20 days after firm"]);
    world.item("R1").status = Status::WrittenOff;
    assert_eq!(fates(&world, "R1"), ["reminders: closed (written_off)"]);
}

#[test]
fn what_was_reached_before_the_rule_is_its_backlog_stage_by_stage() {
    let world = World::new("2026-06-01T10:00", vec![reminders()])
        .with(invoice("R1", "2026-01-10"))
        .seen_first("2026-05-01T00:00");
    let fates = fates(&world, "R1");
    assert_eq!(fates[..2], ["coming-due: lapsed", "due-today: lapsed"]);
    assert!(fates[2..].iter().all(|fate| fate.ends_with(": backlog")), "{fates:?}");
}

#[test]
fn guards_that_nearly_apply_are_told_with_their_days() {
    let mut rule = reminders();
    rule.audience.min_balance.insert("CNY".to_owned(), "900".parse().expect("a number"));
    let mut world = World::new("2026-03-20T08:00", vec![rule]).with(invoice("R1", "2026-03-10"));
    let over = pause(PauseCause::Hold, "2026-03-01", Some("2026-03-18"));
    let ahead = pause(PauseCause::Dispute, "2026-03-25", None);
    let promise = Promise {
        made_on: date("2026-03-11"),
        promised_on: date("2026-03-15"),
        until: date("2026-03-17"),
        amount: cny("1000"),
        binding: true,
        ended_on: None,
    };
    let item = world.item("R1");
    item.pauses = vec![over.clone(), ahead.clone()];
    item.promises = vec![promise.clone()];
    item.payments = vec![paid("P1", "50", "2026-03-12")];
    let least = Near::Least { least: cny("900"), balance: cny("950") };
    let expected = [
        Near::PauseOver(over),
        Near::PauseAhead(ahead),
        Near::Promise(promise, crate::domain::promise::Standing::Broken),
        Near::Payment { amount: cny("50"), on: date("2026-03-12") },
        Near::Resumes(date("2026-03-23")),
        least,
    ];
    assert_eq!(near(&world, "R1"), expected);
    // Below the least, what is asked for is told as well.
    world.item("R1").payments.push(paid("P2", "100", "2026-03-19"));
    assert_eq!(fates(&world, "R1"), ["reminders: below minimum"]);
    assert!(near(&world, "R1").contains(&Near::Least { least: cny("900"), balance: cny("850") }));
}

#[test]
fn the_budget_tells_its_last_letter_and_when_there_is_room_again() {
    let mut world = World::new("2026-03-13T08:00", vec![reminders()]).with(invoice("R1", "2026-03-10"));
    world.run_until("2026-03-13T12:00");
    let budgets = explained(&world).budgets;
    let [spent] = budgets.as_slice() else { panic!("{budgets:?}") };
    assert_eq!((spent.last, spent.room_from), (date("2026-03-13"), date("2026-03-15")));
}

#[test]
fn a_letter_as_if_it_were_due_is_about_what_it_would_be_about() {
    let promised = rule(
        "broken",
        Class::Dunning,
        Anchor::Receivable(ReceivableDate::PromisedOn),
        vec![stage("broken", "+0d")],
    );
    let mut settled = invoice("R2", "2026-03-12");
    settled.payments.push(paid("P1", "1000", "2026-03-12"));
    let world = World::new("2026-03-01T08:00", vec![reminders(), visit_thanks(), promised])
        .with(invoice("R1", "2026-03-10"))
        .with(settled)
        .with(invoice("R3", "2026-03-14"));
    let about = |name: &str, stage: &str, claim: Option<&str>| {
        let (rule, _) = world.rules.rules.iter().find(|(rule, _)| rule.name.as_str() == name).expect(name);
        let letters = rule.letters();
        let letter = letters.iter().find(|letter| letter.name.as_str() == stage).expect(stage);
        let claim = claim.map(Into::into);
        let sought = Sought { rule, letter, customer: &"C1".into(), claim: claim.as_ref() };
        let draft = as_if(&world.rules, &world.settings, &world.facts, world.now, sought)?;
        Some(draft.lines.iter().map(|line| line.key.subject.id().to_owned()).collect::<Vec<_>>())
    };
    let ids = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
    assert_eq!(about("reminders", "firm", None), ids(&["R1", "R3"]), "what is open");
    assert_eq!(about("reminders", "firm", Some("R3")), ids(&["R3"]));
    assert_eq!(about("reminders", "firm", Some("R2")), ids(&["R2"]), "what is over, if it is asked for");
    assert_eq!(about("visit-thanks", "thanks", None), None, "no visit");
    assert_eq!(about("broken", "broken", None), None, "no promise");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_is_the_plan_and_no_second_opinion(mut world in world(), ticks in 0..40_usize) {
        for _ in 0..ticks {
            let Some(next) = world.tick() else { break };
            world.now = next.max(world.now + SignedDuration::from_mins(1)).min(at("2026-07-01T00:00"));
        }
        let told = explained(&world);
        prop_assert_eq!(&told.plan, &plan(&world.rules, &world.settings, &world.facts, world.now));
        let due: BTreeSet<String> = told.ladders.iter().flat_map(|ladder| {
            let due = ladder.stages.iter().filter(|stage| stage.fate == Fate::Decided(Decision::Due));
            due.map(|stage| format!("{}/{}/{}", ladder.rule, stage.stage, ladder.subject))
        }).collect();
        let planned: BTreeSet<String> = told.plan.letters.iter().flat_map(|draft| &draft.lines)
            .map(|line| format!("{}/{}/{}", line.key.rule, line.key.stage, line.key.subject)).collect();
        prop_assert_eq!(due, planned);
        for ladder in told.ladders.iter().filter(|ladder| ladder.over.is_none()) {
            let rule = world.rules.get(&ladder.rule).expect("a rule");
            let told: BTreeSet<_> = ladder.stages.iter().map(|stage| stage.stage.clone()).collect();
            let all: BTreeSet<_> = rule.letters().into_iter().map(|letter| letter.name).collect();
            prop_assert_eq!(told.len(), ladder.stages.len());
            prop_assert_eq!(told, all);
        }
    }

    // An alarm may come sooner: once a stop begins that silences the letters it waited for.
    #[test]
    fn a_letter_to_the_customer_never_leaves_before_the_day_it_was_said_to_wait_for(mut world in world(), days in 1..60_i64) {
        world.now += SignedDuration::from_hours(24 * days);
        let waits = |world: &World| -> Vec<(String, jiff::Timestamp)> {
            explained(world).ladders.iter().flat_map(|ladder| {
                ladder.stages.iter().filter_map(|stage| match &stage.fate {
                    Fate::Decided(Decision::Waiting { until, .. }) => {
                        Some((format!("{}/{}/{}", ladder.rule, stage.stage, ladder.subject), *until))
                    }
                    _ => None,
                })
            }).collect()
        };
        world.tick();
        let until = world.now.to_zoned_datetime(shanghai()).date().saturating_add(30.days());
        let before = waits(&world);
        let had = world.notices().count();
        world.run_until(&format!("{until}T00:00"));
        for notice in world.notices().skip(had).filter(|notice| notice.to_customer) {
            let name = format!("{}/{}/{}", notice.key.rule, notice.key.stage, notice.key.subject);
            let promised = before.iter().filter(|(waiting, _)| *waiting == name).map(|(_, until)| *until).min();
            let first = promised.map(|until| until.to_zoned_datetime(shanghai()).date());
            prop_assert!(first.is_none_or(|first| first <= notice.day), "{name} on {}, not before {first:?}", notice.day);
        }
    }
}
