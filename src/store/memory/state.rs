//! What an engine has written, as `sqlite/outbox.rs` would keep it.

mod ledger;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use self::ledger::{is_where, move_on, waits_by_itself};
use super::BusyDay;
use crate::domain::delivery::{AttemptContext, Outcome, Transition, transition};
use crate::domain::digest::{Finding, OUR_OWN};
use crate::domain::facts::Facts;
use crate::domain::ids::{CustomerId, LetterId, Relationship, RuleName};
use crate::domain::notice::{Draft, LetterState, NoticeKey};
use crate::domain::plan::Plan;
use crate::store::{Begun, Claim, Enqueued, OutboxFilter, OutboxLetter, SetAside, Volumes};

/// Letters, and what is known of each relationship.
#[derive(Debug)]
pub(super) struct State {
    relationships: BTreeMap<Relationship, Known>,
    whose: HashMap<CustomerId, Relationship>,
    letters: BTreeMap<LetterId, Row>,
    /// The notices that a live letter carries.
    taken: HashMap<NoticeKey, LetterId>,
    /// Which relationships are to be looked at, and when.
    waking: BTreeSet<(Timestamp, Relationship)>,
    /// Which letters wait by themselves, and until when.
    waiting: BTreeSet<(Timestamp, LetterId)>,
    last: LetterId,
    days: BTreeMap<Date, Day>,
}

/// What a day brought, and the busiest of the days before it.
#[derive(Debug, Default)]
struct Day {
    of_rules: BTreeMap<RuleName, u32>,
    busiest: u32,
}

impl Day {
    fn letters(&self) -> u32 {
        self.of_rules.values().sum()
    }
}

/// How many days the busiest is looked for in.
const LOOKED_BACK_DAYS: i32 = 45;

#[derive(Debug)]
struct Known {
    facts: Facts,
    wake_at: Option<Timestamp>,
    findings: BTreeSet<Finding>,
}

#[derive(Debug)]
struct Row {
    letter: OutboxLetter,
    /// The civil day it left, or may leave.
    day: Date,
}

impl State {
    /// With the letters of before that are not over. Those to our own people
    /// about many customers are left out: no rehearsal writes digests.
    pub(super) fn new(letters: Vec<OutboxLetter>) -> Self {
        let of_customers = letters.into_iter().filter(|letter| letter.draft.customer.is_some());
        // What is made in outline can't be compared with what was made in
        // earnest; it is taken to say the same.
        let of_customers = of_customers.map(|letter| OutboxLetter { maybe_sent: false, ..letter });
        let rows = of_customers.map(|letter| (letter.id, Row { letter, day: Date::ZERO }));
        let letters: BTreeMap<LetterId, Row> = rows.collect();
        Self {
            relationships: BTreeMap::new(),
            whose: HashMap::new(),
            taken: HashMap::new(),
            waking: BTreeSet::new(),
            waiting: BTreeSet::new(),
            last: letters.last_key_value().map_or(LetterId(0), |(id, _)| *id),
            letters,
            days: BTreeMap::new(),
        }
    }

    /// A relationship, which is to be looked at now.
    pub(super) fn take_in(&mut self, facts: Facts) {
        if facts.relationship.as_str() == OUR_OWN {
            return;
        }
        for of in &facts.customers {
            self.whose.insert(of.customer.id.clone(), facts.relationship.clone());
            for notice in &of.notices {
                self.taken.insert(notice.key.clone(), notice.letter);
                self.last = self.last.max(notice.letter);
                let Some(row) = self.letters.get_mut(&notice.letter) else { continue };
                row.day = notice.day;
                if waits_by_itself(row.letter.state) {
                    self.waiting.insert((row.letter.next_attempt_at, notice.letter));
                }
            }
        }
        let name = facts.relationship.clone();
        self.waking.insert((Timestamp::UNIX_EPOCH, name.clone()));
        let wake_at = Some(Timestamp::UNIX_EPOCH);
        self.relationships.insert(name, Known { facts, wake_at, findings: BTreeSet::new() });
    }

    /// The next relationships whose time has come, in order of their names.
    pub(super) fn due(&self, now: Timestamp, after: Option<&Relationship>, limit: usize) -> Vec<Facts> {
        let come = self.waking.iter().take_while(|(at, _)| *at <= now).map(|(_, name)| name);
        let mut names: Vec<&Relationship> =
            come.filter(|name| after.is_none_or(|after| *name > after)).collect();
        if names.len() > limit {
            names.select_nth_unstable(limit);
            names.truncate(limit);
        }
        names.sort_unstable();
        names
            .into_iter()
            .filter_map(|name| self.relationships.get(name))
            .map(|known| known.facts.clone())
            .collect()
    }

    /// How many letters a day has brought, with what it and others had
    /// brought before.
    pub(super) fn volumes(&mut self, day: Date, before: Volumes) -> Volumes {
        let since = day.saturating_sub(LOOKED_BACK_DAYS.days());
        let ours = self.days.range(since..day).map(|(_, day)| day.letters()).max().unwrap_or(0);
        let today = self.days.entry(day).or_insert_with(|| Day { of_rules: before.of_rules, busiest: 0 });
        today.busiest = before.busiest.max(ours);
        Volumes { of_rules: today.of_rules.clone(), held: 0, busiest: today.busiest, allowed: before.allowed }
    }

    pub(super) fn busy_days(&self) -> Vec<BusyDay> {
        let days = self.days.iter();
        let busy = days.map(|(on, day)| BusyDay { day: *on, letters: day.letters(), busiest: day.busiest });
        busy.filter(|day| day.letters > day.busiest).collect()
    }

    pub(super) fn enqueue(&mut self, plans: Vec<Plan>, day: Date, now: Timestamp) -> Enqueued {
        let mut enqueued = Enqueued::default();
        for plan in plans {
            for draft in plan.letters {
                let rule = draft.rule.clone();
                let Some(letter) = self.queue(draft, now) else { continue };
                enqueued.letters.push(letter);
                *self.days.entry(day).or_default().of_rules.entry(rule).or_default() += 1;
            }
            self.wake(&plan.relationship, plan.wake_at);
            let Some(known) = self.relationships.get_mut(&plan.relationship) else { continue };
            known.facts.looked_at = Some(now);
            let found: BTreeSet<Finding> = plan.findings.into_iter().collect();
            enqueued.found.extend(found.difference(&known.findings).cloned());
            known.findings = found;
        }
        enqueued
    }

    /// Queues one letter, unless one of its notices is taken.
    fn queue(&mut self, draft: Draft, now: Timestamp) -> Option<LetterId> {
        if draft.lines.iter().any(|line| self.taken.contains_key(&line.key)) {
            return None;
        }
        let day = self.civil_day(draft.customer.as_ref()?, draft.not_before)?;
        self.last = LetterId(self.last.0 + 1);
        let (state, reason) =
            if draft.approve { (LetterState::Held, "approval") } else { (LetterState::Queued, "") };
        let letter = OutboxLetter {
            id: self.last,
            next_attempt_at: draft.not_before,
            draft,
            state,
            reason: reason.to_owned(),
            attempts: 0,
            queued_at: now,
            first_attempt_at: None,
            finished_at: None,
            approved: false,
            maybe_sent: false,
            made: None,
        };
        self.letters.insert(self.last, Row { letter, day });
        self.settle(self.last);
        Some(self.last)
    }

    pub(super) fn claimable(&self, now: Timestamp, limit: usize) -> Vec<LetterId> {
        let come = self.waiting.iter().take_while(|(at, _)| *at <= now);
        let mut rows: Vec<&OutboxLetter> =
            come.filter_map(|(_, id)| self.letters.get(id)).map(|row| &row.letter).collect();
        rows.sort_by_key(|row| (Reverse(row.draft.priority), row.id));
        rows.into_iter().take(limit).map(|row| row.id).collect()
    }

    pub(super) fn next_due_at(&self) -> Option<Timestamp> {
        let letter = self.waiting.first().map(|(at, _)| *at);
        let relationship = self.waking.first().map(|(at, _)| *at);
        letter.into_iter().chain(relationship).min()
    }

    pub(super) fn letter_and_facts(&self, letter: LetterId) -> Option<(OutboxLetter, Facts)> {
        let row = &self.letters.get(&letter)?.letter;
        let facts = &self.relationships.get(self.whose.get(row.draft.customer.as_ref()?)?)?.facts;
        Some((row.clone(), facts.clone()))
    }

    pub(super) fn begin_attempt(&mut self, claim: Claim, now: Timestamp) -> Option<Begun> {
        let (letter, id) = (self.letters.get(&claim.letter)?, claim.letter);
        if !is_where(&letter.letter, claim.attempts) {
            return Some(Begun::Gone);
        }
        let facts = &self.relationships.get(self.whose.get(letter.letter.draft.customer.as_ref()?)?)?.facts;
        let another = |key: &NoticeKey| self.taken.get(key).is_some_and(|holder| *holder != id);
        let lines = claim.changed.iter().flat_map(|draft| &draft.lines);
        if !claim.facts.says_the_same(facts) || lines.into_iter().any(|line| another(&line.key)) {
            return Some(Begun::FactsChanged);
        }
        self.unsettle(id);
        let row = self.letters.get_mut(&id)?;
        row.day = claim.day;
        let letter = &mut row.letter;
        if let Some(draft) = claim.changed {
            letter.draft = draft;
        }
        letter.state = LetterState::Sending;
        letter.reason.clear();
        letter.attempts = claim.attempts + 1;
        letter.first_attempt_at.get_or_insert(now);
        letter.finished_at = None;
        letter.made = Some(claim.made);
        self.settle(id);
        Some(Begun::Attempt(claim.attempts + 1))
    }

    pub(super) fn finish_attempt(
        &mut self,
        letter: LetterId,
        attempt: u32,
        transition: Transition,
        now: Timestamp,
    ) -> Option<()> {
        let row = &self.letters.get(&letter)?.letter;
        if row.state == LetterState::Sending && row.attempts == attempt {
            let next = transition.next_attempt_at.filter(|_| transition.state.is_waiting());
            self.change(letter, |row| {
                row.maybe_sent |= transition.maybe_sent;
                move_on(row, transition.state, transition.reason, now);
            })?;
            if let Some(next) = next {
                self.put_off(letter, next)?;
            }
        }
        Some(())
    }

    pub(super) fn set_aside(
        &mut self,
        letter: LetterId,
        attempts: u32,
        what: &SetAside,
        why: String,
        now: Timestamp,
    ) -> Option<bool> {
        if !is_where(&self.letters.get(&letter)?.letter, attempts) {
            return Some(false);
        }
        match what {
            SetAside::Later(until) => {
                self.put_off(letter, *until)?;
                self.change(letter, |row| row.reason = why)?;
            }
            SetAside::Cancel => self.change(letter, |row| move_on(row, LetterState::Cancelled, why, now))?,
            SetAside::Park => self.change(letter, |row| move_on(row, LetterState::Uncertain, why, now))?,
            SetAside::Hold => self.change(letter, |row| {
                row.state = LetterState::Held;
                row.reason = why;
            })?,
        }
        Some(true)
    }

    pub(super) fn release(
        &mut self,
        letter: LetterId,
        approved: bool,
        why: String,
        now: Timestamp,
    ) -> Option<bool> {
        let held = self.letters.get(&letter)?.letter.state == LetterState::Held;
        if held {
            self.change(letter, |row| {
                row.state = LetterState::Queued;
                row.reason = why;
                row.next_attempt_at = now;
                row.approved |= approved && row.draft.approve;
            })?;
        }
        Some(held)
    }

    pub(super) fn withdraw(&mut self, letter: LetterId, why: String, now: Timestamp) -> Option<bool> {
        let row = &self.letters.get(&letter)?.letter;
        let held = row.state == LetterState::Held;
        if held {
            // What may have arrived at an earlier attempt frees nothing.
            let state = if row.maybe_sent { LetterState::Uncertain } else { LetterState::Cancelled };
            self.change(letter, |row| move_on(row, state, why, now))?;
        }
        Some(held)
    }

    pub(super) fn recover(&mut self, now: Timestamp) -> Vec<LetterId> {
        let sending = self.letters.values().filter(|row| row.letter.state == LetterState::Sending);
        let rows: Vec<OutboxLetter> = sending.map(|row| row.letter.clone()).collect();
        let lost = Outcome::Uncertain { cause: "the courier ended before the answer".to_owned() };
        let follow = |row: OutboxLetter| {
            let context = AttemptContext {
                attempt: row.attempts,
                class: row.draft.class,
                spread: row.id.spread(),
                first_attempt_at: row.first_attempt_at.unwrap_or(now),
                on_uncertain: row.draft.on_uncertain,
                maybe_sent: row.maybe_sent,
            };
            self.finish_attempt(row.id, row.attempts, transition(&lost, context, now), now).map(|()| row.id)
        };
        rows.into_iter().filter_map(follow).collect()
    }

    pub(super) fn findings(&self, what: &str) -> Vec<Finding> {
        let all = self.relationships.values().flat_map(|known| &known.findings);
        all.filter(|finding| finding.what == what).cloned().collect()
    }

    pub(super) fn list(&self, filter: &OutboxFilter) -> Vec<OutboxLetter> {
        let wanted = |letter: &&OutboxLetter| {
            filter.letter.is_none_or(|id| letter.id == id)
                && (filter.states.is_empty() || filter.states.contains(&letter.state))
                && filter.customer.as_ref().is_none_or(|id| letter.draft.customer.as_ref() == Some(id))
                && filter.rule.as_ref().is_none_or(|rule| letter.draft.rule == *rule)
        };
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        self.letters.values().rev().map(|row| &row.letter).filter(wanted).take(limit).cloned().collect()
    }
}
