//! Letters of which nobody may say that the customer has them.

use super::build::*;
use super::world::World;
use crate::domain::customer::{Class, Suppression};
use crate::domain::limitation::{self, Since};
use crate::domain::notice::LetterState;
use crate::domain::offset::Offset;
use crate::domain::plan::plan;
use crate::domain::receivable::Kind;
use crate::domain::rule::{Anchor, ReceivableDate, Recipient};
use crate::domain::settings::LimitationSettings;

fn dunned() -> World {
    let mut world = World::new("2026-03-01T00:00", vec![reminders()]).with(invoice("R1", "2026-03-02"));
    world.run_until("2026-03-06T00:00");
    assert_eq!(world.sent.last().map(String::as_str), Some("2026-03-05 09:00 reminders/friendly R1"));
    world
}

/// Turns the last letter into one of another state.
fn last_becomes(world: &mut World, state: LetterState) {
    let last = world.of().notices.iter().map(|notice| notice.letter).max().expect("a letter");
    world
        .of()
        .notices
        .iter_mut()
        .filter(|notice| notice.letter == last)
        .for_each(|notice| notice.state = state);
}

#[test]
fn only_a_demand_that_is_known_to_have_arrived_starts_the_period_anew() {
    let settings = LimitationSettings {
        periods: vec![(Kind::Invoice, "3y".parse::<Offset>().expect("a period"))],
        by_demand: true,
        ..LimitationSettings::default()
    };
    let since = |state| {
        let mut world = dunned();
        last_becomes(&mut world, state);
        let calendar = world.settings.business.calendars.business.clone();
        let of = world.of();
        limitation::of(&of.receivables[0], of.notices.iter(), &settings, &calendar).map(|limit| limit.since)
    };
    for state in LetterState::ALL {
        let expected = if state == LetterState::Sent {
            Since::Demand(date("2026-03-05"))
        } else {
            Since::DueOn(date("2026-03-02"))
        };
        assert_eq!(since(state), Some(expected), "{state}");
    }
}

#[test]
fn the_hand_over_names_what_came_back_and_what_may_not_have_arrived() {
    for (state, word) in [
        (LetterState::Bounced, "bounced"),
        (LetterState::Uncertain, "uncertain"),
        (LetterState::Assumed, "uncertain"),
    ] {
        let mut world = dunned();
        last_becomes(&mut world, state);
        let mut passed_over = Vec::new();
        while passed_over.is_empty() && world.now < at("2026-06-01T00:00") {
            let planned = plan(&world.rules, &world.settings, &world.facts, world.now);
            passed_over = planned.letters.into_iter().flat_map(|draft| draft.passed_over).collect();
            let next = world.tick().expect("something follows");
            world.now = next.max(world.now);
        }
        assert_eq!(passed_over, [format!("R1: friendly ({word})")]);
    }
}

#[test]
fn the_next_stage_follows_a_letter_that_came_back_and_repeats_it_not() {
    let mut world = dunned();
    last_becomes(&mut world, LetterState::Bounced);
    world.run_until("2026-03-20T00:00");
    assert_eq!(world.sent.last().map(String::as_str), Some("2026-03-12 09:00 reminders/firm R1"));
}

#[test]
fn a_suppressed_guarantor_is_not_written_to() {
    let mut stage = stage("tell", "+3d");
    stage.to = vec![Recipient::Guarantor];
    let to_guarantor =
        rule("to-guarantor", Class::Dunning, Anchor::Receivable(ReceivableDate::DueOn), vec![stage]);
    let mut item = invoice("R1", "2026-03-02");
    item.guarantor = Some(person("Guarantor"));
    let mut world = World::new("2026-03-01T00:00", vec![to_guarantor]).with(item);
    world.facts.suppressions = vec![Suppression {
        address: person("Guarantor").address.folded(),
        classes: vec![],
        cause: "came back".into(),
    }];
    world.run_until("2026-03-20T00:00");
    assert_eq!(world.sent, Vec::<String>::new());
    assert_eq!(world.why("R1")[0], "to-guarantor/tell: address suppressed (came back)");
}
