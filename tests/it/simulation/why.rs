//! What the planner has to say for itself, once a checker has found
//! something.

use std::sync::Arc;

use courtesy::domain::ids::LetterId;
use courtesy::domain::plan;
use courtesy::domain::rule::Rules;
use courtesy::store::{Record, Store as _, With};
use jiff::{SignedDuration, Timestamp};

use super::year::Year;

impl Year {
    /// A word about every customer that no rule is about: the planner looks
    /// at all of them.
    pub async fn wake_all(&mut self) {
        self.events += 1;
        let call = Record::Event {
            id: Some(format!("call-{}", self.events)),
            with: With::Everyone,
            kind: "telephone_call".to_owned(),
            occurred_at: self.now(),
            outcome: None,
            product: None,
            note: None,
        };
        self.record(call).await;
    }

    /// The verdicts about a subject, now and up to three days ago, as if a
    /// letter had not been queued.
    pub async fn why(&mut self, subject: &str, without: Option<LetterId>) -> String {
        self.wake_all().await;
        let office = self.engine.office();
        let mut seen = self.store().rules_seen().await.expect("the rules");
        let rules = office.rules.iter().map(|rule| (rule.clone(), seen.remove(&rule.name))).collect();
        let rules = Rules { rules };
        let now = self.now();
        let reach = plan::reach(&rules, &office.settings, now);
        let mut facts = self.store().facts(now, reach, None, 100).await.expect("the facts");
        for customer in facts.iter_mut().flat_map(|facts| &mut Arc::make_mut(facts).customers) {
            customer.notices.retain(|notice| Some(notice.letter) != without);
        }
        let at = |at: Timestamp| {
            let plans = facts.iter().map(|facts| plan::plan(&rules, &office.settings, facts, at));
            let verdicts =
                plans.flat_map(|plan| plan.verdicts).filter(|verdict| verdict.subject.id() == subject);
            let said = verdicts
                .map(|verdict| format!("{}/{:?}: {:?}", verdict.rule, verdict.stage, verdict.decision));
            format!("{at}:\n  {}", said.collect::<Vec<_>>().join("\n  "))
        };
        let hours = [0, 1, 24, 48, 72];
        let verdicts = hours.map(|hours| at(now - SignedDuration::from_hours(hours))).join("\n");
        format!("{}\n{verdicts}", self.letters_about(subject))
    }

    fn letters_about(&self, subject: &str) -> String {
        let letters = self.mail.letters.iter().filter(|(_, letter)| letter.is_about(subject));
        let told = letters.map(|(id, letter)| {
            let row = &letter.row;
            let (state, reason) = (row.state, &row.reason);
            let times = (row.queued_at, row.draft.not_before, row.next_attempt_at, row.finished_at);
            format!(
                "  letter {id} {:?}: {state} ({reason}), {} attempts, {times:?}",
                letter.keys(),
                row.attempts
            )
        });
        told.collect::<Vec<_>>().join("\n")
    }
}
