//! Who hears, in a rehearsal, what the engine decides: what keeps each letter,
//! and the letter when it leaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Office;
use super::ready::Ready;
use super::rehearsal::foreseen::{Foreseen, Setting, Wait};
use crate::domain::ids::{RuleName, StageName};
use crate::domain::notice::{Line, NoticeKey, Subject};
use crate::domain::plan::{Plan, Verdict};
use crate::domain::rule::Rules;
use crate::domain::stop::{Decision, Stop};

/// Shared and locked, because passes and couriers are different tasks.
#[derive(Clone, Debug)]
pub(super) struct Observer(Arc<Mutex<Heard>>);

/// What was heard so far.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) began_at: Timestamp,
    /// Letters that left, in that order.
    pub(super) letters: Vec<Foreseen>,
    /// What keeps each candidate since its last letter.
    pub(super) waits: Waits,
}

/// What keeps each candidate, since its last letter.
pub(super) type Waits = HashMap<(RuleName, Subject, StageName), Vec<Wait>>;

impl Observer {
    pub(super) fn new(began_at: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Heard { began_at, letters: Vec::new(), waits: HashMap::new() })))
    }

    /// A relationship was looked at.
    pub(super) fn planned(&self, plan: &Plan, now: Timestamp) {
        let mut heard = self.lock();
        plan.verdicts.iter().for_each(|verdict| heard.note(verdict, now));
    }

    /// A letter left. What only our own people are told is no part of a plan.
    pub(super) fn sent(&self, office: &Office, rules: &Rules, ready: &Ready, now: Timestamp) {
        if ready.draft.customer.is_none() {
            return;
        }
        let mut heard = self.lock();
        let setting = Setting { settings: &office.settings, rules, began_at: heard.began_at };
        let mut row = ready.row.clone();
        row.made = Some(ready.made.clone());
        let letter = setting.foresee((&row, &ready.draft, &ready.facts), now, &|line| heard.waits_of(line));
        heard.letters.push(letter);
        for line in &ready.draft.lines {
            heard.waits.remove(&candidate(&line.key));
        }
    }

    /// Everything that was heard.
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    fn note(&mut self, verdict: &Verdict, now: Timestamp) {
        let Some(stage) = &verdict.stage else { return };
        let wait = match &verdict.decision {
            Decision::Waiting { until, why } => Wait { why: why.clone(), until: Some(*until) },
            Decision::Skipped { why } if why.is_pause() => Wait { why: why.clone(), until: None },
            Decision::Skipped { .. } => return,
            // Due, and not queued unless there is room for it.
            Decision::Due => Wait { why: Stop::PassCap, until: Some(now) },
        };
        let key = (verdict.rule.clone(), verdict.subject.clone(), stage.clone());
        let waits = self.waits.entry(key).or_default();
        match waits.iter_mut().find(|other| other.why.name() == wait.why.name()) {
            Some(_) if wait.why == Stop::PassCap => {}
            Some(same) => *same = wait,
            None => waits.push(wait),
        }
    }

    /// What kept a line's candidate; that its day had not come is no reason.
    pub(super) fn waits_of(&self, line: &Line) -> Vec<Wait> {
        let waits = self.waits.get(&candidate(&line.key)).map(Vec::as_slice).unwrap_or_default();
        waits.iter().filter(|wait| wait.why != Stop::NotReached).cloned().collect()
    }
}

/// What verdicts tell apart: they know of no rounds.
pub(super) fn candidate(key: &NoticeKey) -> (RuleName, Subject, StageName) {
    (key.rule.clone(), key.subject.clone(), key.stage.clone())
}
