//! The same as JSON, with words.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Figures, is_ready};
use crate::domain::address::masked_in;
use crate::domain::halt::Halt;
use crate::domain::notice::LetterState;
use crate::engine::condition::Condition;
use crate::store::sqlite::Overview;

/// The page.
pub(super) fn of(condition: &Condition, figures: &Figures, now: Timestamp) -> String {
    let at = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let configured = &condition.configured;
    let refused = configured.refused.as_ref();
    let status = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "process": std::process::id(),
        "now": now.to_string(),
        "started_at": condition.started_at.to_string(),
        "alive": condition.lives,
        "ready": is_ready(condition, now),
        "hindrances": condition.hindrances(now),
        "last_pass": condition.last_pass.as_ref().map(|pass| json!({
            "ended_at": pass.ended_at.to_string(),
            "seconds": pass.took.as_secs_f64(),
            "queued": pass.queued,
            "hold": pass.halt.as_ref().map(Halt::name),
            "failed": pass.failed,
        })),
        "last_complete_pass_at": at(condition.complete_at),
        "mail_server": condition.relay.as_ref().map(|(why, until)| json!({
            "trouble": masked_in(why),
            "tried_again_at": at(*until),
        })),
        "config": {
            "since": configured.since.to_string(),
            "rules": configured.in_force.rules.len(),
            "refused_at": refused.map(|(at, _)| at.to_string()),
            "refused_for": refused.map(|(_, why)| why),
        },
        "store": match &figures.overview {
            Ok(overview) => of_store(overview),
            Err(cause) => json!({ "failed": cause }),
        },
        "last_backup_at": at(figures.overview.as_ref().ok().and_then(|overview| overview.backed_up_at)),
    });
    format!("{status:#}\n")
}

fn of_store(overview: &Overview) -> Value {
    let at = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let states = |count: &dyn Fn(LetterState) -> u64| -> Map<String, Value> {
        LetterState::ALL
            .iter()
            .map(|state| (state.as_str().to_owned(), count(*state)))
            .filter(|(_, count)| *count > 0)
            .map(|(state, count)| (state, count.into()))
            .collect()
    };
    let of_rules: Map<String, Value> = overview
        .of_rules
        .iter()
        .map(|(rule, letters)| {
            let of_rule = states(&|state| letters.get(&state).copied().unwrap_or_default());
            (rule.to_string(), of_rule.into())
        })
        .collect();
    json!({
        "customers": overview.customers,
        "open_receivables": overview.open_receivables,
        "payments_read_at": at(overview.payments_read_at),
        "last_sent_at": at(overview.last_sent_at),
        "oldest_due_at": at(overview.oldest_due_at),
        "letters": states(&|state| overview.letters(state)),
        "rules": of_rules,
    })
}
