//! The plan with what led to it, for a person who asks why.
//!
//! Invariant: it is the planner that answers. Everything here is noted while
//! a plan is made, by the same steps; nothing is decided again.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::asked::Asked;
use super::near::Near;
use super::subjects::{Anchored, Item};
use super::{Found, Plan, Question, Verdict, decide};
use crate::domain::facts::Facts;
use crate::domain::ids::{CustomerId, ReceivableId, RuleName, StageName};
use crate::domain::ladder::{Climb, Next, Outlook, Step, Track};
use crate::domain::notice::Subject;
use crate::domain::rule::{BudgetKind, Rule, Rules};
use crate::domain::settings::Settings;
use crate::domain::stop::{Decision, Stop};

/// A plan, and how it came to be.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// What is decided.
    pub plan: Plan,
    /// Every rule and everything it could write about, in the order in which
    /// they were asked.
    pub ladders: Vec<Ladder>,
    /// The last letters that count against the budgets.
    pub budgets: Vec<Spent>,
}

/// One rule, and one thing it could write about.
#[derive(Clone, PartialEq, Debug)]
pub struct Ladder {
    /// Whose.
    pub customer: CustomerId,
    /// By which rule.
    pub rule: RuleName,
    /// About what.
    pub subject: Subject,
    /// The claim that is concerned, where one is.
    pub claim: Option<ReceivableId>,
    /// The day its stages count from, closed days moved.
    pub counts_from: Option<Date>,
    /// What names the round in the notice keys.
    pub round: Option<String>,
    /// Why there is nothing to climb.
    pub over: Option<Stop>,
    /// What silences every letter to the customer about it.
    pub silenced: Option<Stop>,
    /// Every stage; empty where there is nothing to climb.
    pub stages: Vec<StageFate>,
    /// Guards that nearly apply.
    pub near: Vec<Near>,
}

/// One stage of a ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StageFate {
    /// As in the notice key.
    pub stage: StageName,
    /// The day its offset falls on by itself.
    pub own_day: Option<Date>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The planner has decided about it.
    Decided(Decision),
    /// So many days after the letter of another stage; 0 where the distance
    /// is counted otherwise.
    Follows {
        /// Which.
        stage: StageName,
        /// How many.
        days: i32,
    },
    /// Never in this round: the ladder has gone past it.
    Passed,
    /// Its letter is written, and it does not come again.
    Written,
}

/// What is used up of a budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// Which budget.
    pub kind: BudgetKind,
    /// The day of the last letter that counts.
    pub last: Date,
    /// From which day on there is room for another.
    pub room_from: Date,
}

/// Decides as [`super::plan`] does, and says how.
#[must_use]
pub fn explain(rules: &Rules, settings: &Settings, facts: &Facts, now: Timestamp) -> Explanation {
    let mut found = Found { seen: Some(Seen::default()), ..Found::default() };
    let plan = decide(rules, settings, facts, now, Question::Everything, &mut found);
    let Seen { ladders, budgets } = found.seen.unwrap_or_default();
    let mut verdicts: HashMap<(&RuleName, &Subject), Vec<&Verdict>> = HashMap::new();
    for verdict in &plan.verdicts {
        verdicts.entry((&verdict.rule, &verdict.subject)).or_default().push(verdict);
    }
    let settled = |(ladder, steps): (Ladder, Vec<Step>)| {
        let found = verdicts.get(&(&ladder.rule, &ladder.subject)).map_or(&[][..], Vec::as_slice);
        Ladder { stages: ladder.fates(found, steps), ..ladder }
    };
    let ladders = ladders.into_iter().map(settled).collect();
    Explanation { plan, ladders, budgets }
}

/// What was noted while a plan was made.
#[derive(Default)]
pub struct Seen {
    ladders: Vec<(Ladder, Vec<Step>)>,
    pub budgets: Vec<Spent>,
}

impl Seen {
    /// Notes a rule that has nothing to climb about an item, and why.
    pub fn over(&mut self, asked: &Asked<'_>, item: &Item<'_>, why: &Stop) {
        // What nearly applies to a rule that is not about it concerns nobody.
        let near = if *why == Stop::BelowMinimum { asked.near(item) } else { Vec::new() };
        let ladder = Ladder { over: Some(why.clone()), near, ..Ladder::of(asked, item) };
        self.ladders.push((ladder, Vec::new()));
    }

    /// Notes where a climb stands on its tracks.
    pub fn climb<'a>(
        &mut self,
        asked: &Asked<'_>,
        item: &Item<'_>,
        silenced: Option<&Stop>,
        climb: &Climb<'a, '_>,
        tracks: [(Track, Option<&Next<'a>>); 2],
    ) {
        let steps = tracks.into_iter().filter_map(|(track, next)| Some(climb.steps(track, next?)));
        let ladder =
            Ladder { silenced: silenced.cloned(), near: asked.near(item), ..Ladder::of(asked, item) };
        self.ladders.push((ladder, steps.flatten().collect()));
    }
}

impl Ladder {
    fn of(asked: &Asked<'_>, item: &Item<'_>) -> Self {
        let anchor: Option<&Anchored> = item.anchor.as_ref().ok();
        Self {
            customer: asked.view.of.customer.id.clone(),
            rule: asked.rule.name.clone(),
            subject: item.subject.clone(),
            claim: item.receivable.map(|claim| claim.id.clone()),
            counts_from: anchor.map(|anchor| anchor.day),
            round: anchor.map(|anchor| anchor.round.text()),
            over: None,
            silenced: None,
            stages: Vec::new(),
            near: Vec::new(),
        }
    }

    /// What becomes of its stages, by the decisions that fell after they were
    /// noted: the budget comes last.
    fn fates(&self, verdicts: &[&Verdict], steps: Vec<Step>) -> Vec<StageFate> {
        let of_stage = |stage: &StageName| {
            let is_it = |verdict: &&&Verdict| {
                verdict.customer == self.customer && verdict.stage.as_ref() == Some(stage)
            };
            verdicts.iter().find(is_it).map(|verdict| Fate::Decided(verdict.decision.clone()))
        };
        let skipped = |why| Fate::Decided(Decision::Skipped { why });
        steps
            .into_iter()
            .map(|step| StageFate {
                fate: match step.outlook {
                    Outlook::Here => of_stage(&step.stage).unwrap_or_else(|| skipped(Stop::InOutbox)),
                    Outlook::Waits { at, why } => Fate::Decided(Decision::Waiting { until: at, why }),
                    Outlook::Not(why) => skipped(why),
                    Outlook::Follows { stage, days } => Fate::Follows { stage, days },
                    Outlook::Passed => Fate::Passed,
                    Outlook::Written => Fate::Written,
                },
                stage: step.stage,
                own_day: step.own_day,
            })
            .collect()
    }
}

/// The rules of these that have nothing to write about at all for a customer,
/// digests aside.
pub fn idle<'a>(
    rules: &'a Rules,
    ladders: &'a [Ladder],
    customer: &'a CustomerId,
) -> impl Iterator<Item = &'a Rule> + 'a {
    let has = move |rule: &&Rule| {
        ladders.iter().any(|ladder| ladder.rule == rule.name && ladder.customer == *customer)
    };
    rules.iter().filter(|rule| !rule.is_digest()).filter(move |rule| !has(rule))
}
