//! One pass: observe, plan, queue.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tokio::task::JoinHandle;

use super::poison::contained;
use super::{Engine, LastRules, Office, PassReport, caps, journal};
use crate::clock::Clock;
use crate::domain::calendar::day_begins;
use crate::domain::facts::{Facts, Reach};
use crate::domain::halt::UNUSUAL;
use crate::domain::ids::LetterId;
use crate::domain::notice::LetterState;
use crate::domain::plan::{self, Plan, Recheck};
use crate::domain::rule::{Anchor, Rule, Rules};
use crate::domain::stop::{Decision, Stop};
use crate::hands::shared_out;
use crate::relay::Relay;
use crate::store::{Enqueued, OutboxFilter, RuleInForce, SetAside, Store, StoreError, Volumes};

/// How many relationships are read, planned and queued together.
const PAGE: usize = 2_000;
/// So many are planned before another thread would have begun.
const FEW: usize = 100;

impl<S: Store, R: Relay, C: Clock> Engine<S, R, C> {
    /// Looks at every relationship whose time has come, and queues the
    /// letters that are due, within the caps of a pass and a day, those that
    /// were due first before the others. In a HOLD it looks at nothing.
    ///
    /// # Errors
    /// What the store could not do. What was queued before stays queued.
    pub async fn pass(&self) -> Result<PassReport, StoreError> {
        let now = self.clock.now();
        let standing = self.standing(now).await?;
        if let Some(halt) = standing.halt {
            return Ok(PassReport { halt: Some(halt), ..PassReport::default() });
        }
        self.end_trial(now).await?;
        self.look(&standing.volumes, now).await
    }

    /// Without `mail.redirect_to`, what it kept from the customers is not
    /// sent yet. Asked before planning and before sending: a letter that
    /// waited would else follow on one that its customer never got.
    pub(super) async fn end_trial(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.office().mail.redirect_to.is_none() {
            let freed = self.store.end_trial(now).await?;
            journal::trial_ended(&freed);
        }
        Ok(())
    }

    /// A pass, whether or not anything may leave.
    pub(super) async fn look(&self, volumes: &Volumes, now: Timestamp) -> Result<PassReport, StoreError> {
        let office = self.office();
        let rules = self.see_rules(&office, now).await?;
        let reach = plan::reach(&rules, &office.settings, now);
        let mut report = PassReport::default();
        let mut with_letters: Vec<Plan> = Vec::new();
        let mut parked: BTreeSet<LetterId> = BTreeSet::new();
        let mut page = self.store.facts(now, reach.clone(), None, PAGE).await?;
        let mut written: Option<JoinHandle<Result<Enqueued, StoreError>>> = None;
        while let Some(last) = page.last() {
            // The next page is read, and that of before written, while this
            // one is planned.
            let (store, after) = (self.store.clone(), Some(last.relationship.clone()));
            let reach = reach.clone();
            let next = tokio::spawn(async move { store.facts(now, reach, after, PAGE).await });
            report.relationships += page.len() as u64;
            let mut quiet = Vec::new();
            let planned = shared_out(&page, FEW, |facts| {
                contained(|| plan::plan(&rules, &office.settings, facts, now))
            });
            for (facts, planned) in page.iter().zip(planned) {
                let mut plan = planned.unwrap_or_else(|_| faulty(facts, &mut report, now));
                let notices = facts.customers.iter().flat_map(|customer| &customer.notices);
                let notices = notices.chain(facts.digests.iter().flat_map(|digest| &digest.past));
                parked.extend(notices.filter(|n| n.state == LetterState::Held).map(|n| n.letter));
                note(&mut report, &plan, &rules, &office);
                if let Some(observer) = &self.observer {
                    observer.planned(&plan, now);
                }
                plan.verdicts = Vec::new();
                if plan.letters.is_empty() { quiet.push(plan) } else { with_letters.push(plan) }
            }
            if let Some(before) = written.take() {
                tell(&finished(before).await??, &mut report);
            }
            let store = self.store.clone();
            written = Some(tokio::spawn(async move { store.enqueue(quiet, now).await }));
            self.pulse.page();
            page = finished(next).await??;
        }
        if let Some(last) = written {
            tell(&finished(last).await??, &mut report);
        }
        self.queue_within_caps(with_letters, &office, volumes, &mut report, now).await?;
        self.withdraw(&rules, &office, reach, parked).await?;
        journal::pass(&report);
        Ok(report)
    }

    async fn queue_within_caps(
        &self,
        plans: Vec<Plan>,
        office: &Office,
        volumes: &Volumes,
        report: &mut PassReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (plans, why) = match caps::apply(plans, &office.settings, volumes, report) {
            caps::Verdict::Queue { plans, tomorrow } => {
                self.look_again_tomorrow(&tomorrow, office, now).await?;
                (plans, None)
            }
            caps::Verdict::Hold(plans, why) => (plans, Some(why)),
        };
        if let Some(why) = &why {
            journal::unusual(report.unusual, why);
        }
        let mut plans = plans.into_iter().peekable();
        while plans.peek().is_some() {
            let page: Vec<Plan> = plans.by_ref().take(PAGE).collect();
            self.queue(page, why.clone(), report, now).await?;
            self.pulse.page();
        }
        Ok(())
    }

    /// Thousands may wait for the day's end, and need no look at each
    /// heartbeat; whatever else comes due for one of them before is seen.
    async fn look_again_tomorrow(
        &self,
        plans: &[Plan],
        office: &Office,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let business = &office.settings.business;
        let tomorrow = day_begins(business.day(now).saturating_add(1.day()), &business.zone);
        let at = |plan: &Plan| plan.wake_at.map_or(tomorrow, |at| at.min(tomorrow));
        let until: Vec<_> = plans.iter().map(|plan| (plan.relationship.clone(), at(plan))).collect();
        if until.is_empty() { Ok(()) } else { self.store.postpone(until).await }
    }

    /// Queues the letters of plans, held where there is a reason to.
    async fn queue(
        &self,
        plans: Vec<Plan>,
        held: Option<String>,
        report: &mut PassReport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let unusual = held.is_some();
        let enqueued = match held {
            None => self.store.enqueue(plans, now).await?,
            Some(why) => self.store.enqueue_held(plans, why, now).await?,
        };
        tell(&enqueued, report);
        report.held += enqueued.to_approve.len() as u64;
        let mask = self.office().mask_addresses;
        for letter in if unusual { enqueued.letters } else { enqueued.to_approve } {
            for row in self.store.outbox(OutboxFilter::one(letter)).await? {
                if row.reason.starts_with(UNUSUAL) {
                    journal::set_aside(mask, &row, &SetAside::Hold, &row.reason);
                } else if row.state == LetterState::Held {
                    journal::awaits_approval(mask, &row);
                }
            }
            self.pulse.page();
        }
        Ok(())
    }

    /// Cancels letters that wait for a person and are no longer due: nobody
    /// should be asked to agree to a reminder of what is paid.
    async fn withdraw(
        &self,
        rules: &Rules,
        office: &Office,
        reach: Reach,
        parked: BTreeSet<LetterId>,
    ) -> Result<(), StoreError> {
        for letter in parked {
            self.pulse.page();
            let now = self.clock.now();
            let (row, facts) = self.store.letter_and_facts(letter, reach.clone()).await?;
            let asked = contained(|| plan::recheck(rules, &office.settings, &facts, letter, &row.draft, now));
            // What this program stumbles over goes on waiting for its person.
            let Ok(Recheck::Cancel { why }) = asked else { continue };
            // Why a digest could not leave is news of its own.
            let why = match row.draft.customer {
                Some(_) => why,
                None => format!("{}; the next one tells of it", row.reason),
            };
            if self.store.withdraw(letter, why.clone(), now).await? {
                let what = if row.maybe_sent { SetAside::Park } else { SetAside::Cancel };
                journal::set_aside(office.mask_addresses, &row, &what, &why);
            }
        }
        Ok(())
    }

    /// The rules of the office, with what the store knows of them; those of
    /// the last time where nothing changed, as hardly ever anything does.
    ///
    /// # Errors
    /// What the store could not do.
    pub(super) async fn see_rules(
        &self,
        office: &Arc<Office>,
        now: Timestamp,
    ) -> Result<Arc<Rules>, StoreError> {
        // What is decided hangs on the settings as much as on the rule.
        let fingerprint = |rule: &Rule| {
            let own = office.in_force.rules.get(&rule.name).map_or("", String::as_str);
            format!("{own} {}", office.in_force.settings)
        };
        let in_force = office
            .rules
            .iter()
            .map(|rule| RuleInForce {
                name: rule.name.clone(),
                audience: rule.audience(),
                fingerprint: fingerprint(rule),
                needs_receivables: matches!(rule.anchor, Anchor::Receivable(_) | Anchor::Payment),
            })
            .collect();
        let seen = self.store.see_rules(in_force, now).await?;
        let mut last = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = &*last
            && Arc::ptr_eq(&last.office, office)
            && last.seen == seen
        {
            return Ok(Arc::clone(&last.rules));
        }
        let rules = Arc::new(office.rules_in_force(seen.clone()));
        *last = Some(LastRules { office: Arc::clone(office), seen, rules: Arc::clone(&rules) });
        Ok(rules)
    }
}

/// Where this program stumbles over one relationship, the others go on: it is
/// looked at again in an hour, and told.
fn faulty(facts: &Facts, report: &mut PassReport, now: Timestamp) -> Plan {
    report.faulty += 1;
    journal::faulty(facts);
    Plan {
        relationship: facts.relationship.clone(),
        letters: Vec::new(),
        verdicts: Vec::new(),
        findings: Vec::new(),
        wake_at: Some(now + SignedDuration::from_hours(1)),
    }
}

/// What a task has brought.
async fn finished<T>(task: JoinHandle<T>) -> Result<T, StoreError> {
    task.await.map_err(|panic| StoreError::Failed { doing: "looking at customers", cause: panic.to_string() })
}

/// Counts what was queued, and tells what was found for the first time.
fn tell(enqueued: &Enqueued, report: &mut PassReport) {
    report.queued += enqueued.letters.len() as u64;
    let backlog = enqueued.found.iter().filter(|finding| finding.what == Stop::Backlog.name());
    report.left_alone += backlog.count() as u64;
    enqueued.found.iter().for_each(journal::found);
}

fn note(report: &mut PassReport, plan: &Plan, rules: &Rules, office: &Office) {
    for verdict in &plan.verdicts {
        match &verdict.decision {
            Decision::Due => {}
            Decision::Waiting { why, .. } => *report.waiting.entry(why.name()).or_default() += 1,
            Decision::Skipped { why } => *report.skipped.entry(why.name()).or_default() += 1,
        }
        journal::verdict(office.mask_addresses, verdict, rules);
    }
}
