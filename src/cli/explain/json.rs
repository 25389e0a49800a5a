//! The same account for machines.

use serde_json::{Value, json};

use super::{Known, words};
use crate::domain::address::Address;
use crate::domain::ids::{ReceivableId, RuleName};
use crate::domain::notice::Line;
use crate::domain::plan::{Fate, Ladder, StageFate, idle};
use crate::domain::rule::BudgetKind;
use crate::domain::stop::{Decision, Stop};
use crate::store::OutboxLetter;

/// The customer, and every rule with everything it could write about.
pub fn of(known: &Known) -> Value {
    let Some(of) = known.facts.customer(&known.about.customer) else { return Value::Null };
    let customer = &of.customer;
    let today = known.at.to_zoned_datetime(customer.zone.clone()).date();
    let concerned = |ladder: &&Ladder| {
        ladder.customer == customer.id
            && known.about.claim.as_ref().is_none_or(|claim| ladder.claim.as_ref() == Some(claim))
    };
    let ladder = |ladder: &Ladder| {
        json!({
            "rule": ladder.rule.as_str(),
            "subject": ladder.subject.to_string(),
            "receivable": ladder.claim.as_ref().map(ReceivableId::as_str),
            "counted_from": ladder.counts_from.map(|day| day.to_string()),
            "round": ladder.round,
            "not": ladder.over.as_ref().map(stop),
            "silenced": ladder.silenced.as_ref().map(stop),
            "near": ladder.near.iter().map(|guard| words::near(guard, today)).collect::<Vec<_>>(),
            "stages": ladder.stages.iter().map(stage).collect::<Vec<_>>(),
            "letters": letters(known, ladder),
        })
    };
    let budgets = known.explanation.budgets.iter().map(|spent| {
        let budget = match spent.kind {
            BudgetKind::Customer => "per_customer",
            BudgetKind::Moments => "moments",
        };
        json!({ "budget": budget, "last": spent.last.to_string(), "room_from": spent.room_from.to_string() })
    });
    let idle = idle(&known.rules, &known.explanation.ladders, &customer.id);
    json!({
        "customer": customer.id.as_str(),
        "name": customer.name,
        "address": customer.address.as_ref().ok().map(Address::as_str),
        "blocked": customer.blocked,
        "forgotten_at": customer.forgotten_at.map(|at| at.to_string()),
        "receivable": known.about.claim.as_ref().map(ReceivableId::as_str),
        "out_of_reach": known.out_of_reach,
        "at": known.at.to_string(),
        "budgets": budgets.collect::<Vec<_>>(),
        "rules": known.explanation.ladders.iter().filter(concerned).map(ladder).collect::<Vec<_>>(),
        "nothing_to_write_about": idle.map(|rule| rule.name.as_str()).collect::<Vec<_>>(),
        "not_seen_yet": known.unseen.iter().map(RuleName::as_str).collect::<Vec<_>>(),
    })
}

fn stop(stop: &Stop) -> Value {
    json!({ "name": stop.name(), "detail": stop.to_string() })
}

fn stage(of: &StageFate) -> Value {
    let mut value = json!({ "stage": of.stage.as_str(), "own_day": of.own_day.map(|day| day.to_string()) });
    let (fate, more) = match &of.fate {
        Fate::Decided(Decision::Due) => ("due", json!({})),
        Fate::Decided(Decision::Waiting { until, why }) => {
            ("waiting", json!({ "until": until.to_string(), "why": stop(why) }))
        }
        Fate::Decided(Decision::Skipped { why }) => ("not", json!({ "why": stop(why) })),
        Fate::Follows { stage, days } => ("follows", json!({ "after": stage.as_str(), "days": days })),
        Fate::Passed => ("passed over", json!({})),
        Fate::Written => ("written", json!({})),
    };
    value["fate"] = fate.into();
    for (name, more) in more.as_object().into_iter().flatten() {
        value[name] = more.clone();
    }
    value
}

fn letters(known: &Known, ladder: &Ladder) -> Vec<Value> {
    let is_of = |line: &&Line| line.key.rule == ladder.rule && line.key.subject == ladder.subject;
    let of = |letter: &OutboxLetter| {
        let line = letter.draft.lines.iter().find(is_of)?;
        Some(json!({
            "letter": letter.id.0,
            "stage": line.key.stage.as_str(),
            "round": line.key.round,
            "repetition": line.key.repetition,
            "planned_on": line.planned_on.to_string(),
            "state": letter.state.as_str(),
            "reason": letter.reason,
            "at": letter.finished_at.unwrap_or(letter.queued_at).to_string(),
        }))
    };
    known.letters.iter().filter_map(of).collect()
}
