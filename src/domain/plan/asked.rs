//! One rule asked about one customer.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::budget::Upcoming;
use super::drafts::{self, Due};
use super::guards::{self, pauses, silenced, stopped};
use super::subjects::{self, Anchored, Item};
use super::view::{self, View};
use super::{Found, Verdict};
use crate::domain::calendar::day_begins;
use crate::domain::customer::Class;
use crate::domain::event::Event;
use crate::domain::ids::StageName;
use crate::domain::ladder::{Climb, Next, Rung, Track};
use crate::domain::notice::{LetterState, Line, PastNotice};
use crate::domain::rule::{Anchor, Backlog, ReceivableDate, Repeat, Rule, RuleSeen};
use crate::domain::stop::{Decision, Stop};

/// One rule asked about one customer.
pub struct Asked<'a> {
    pub view: &'a View<'a>,
    pub others: &'a [&'a View<'a>],
    pub rule: &'a Rule,
    /// Only about these subjects; `None` is all.
    pub only: Option<&'a [Line]>,
    pub seen: Option<&'a RuleSeen>,
}

impl<'a> Asked<'a> {
    /// The items whose rung is reached and which nothing stops; the rest is
    /// noted with its reason.
    pub fn due(&self, already: bool, found: &mut Found) -> Vec<Due<'a>> {
        if self.rule.anchor == Anchor::Calendar
            && let Some(schedule) = &self.rule.schedule
            && let Some(next) = schedule.next_after(self.view.now, &self.view.settings.business.zone)
        {
            found.wake(next);
        }
        let mut due = Vec::new();
        let wanted = |item: &Item<'_>| {
            self.only.is_none_or(|lines| lines.iter().any(|line| line.key.subject == item.subject))
        };
        for item in subjects::of_rule(self.view, self.rule).into_iter().filter(wanted) {
            self.consider(&item, already, found, &mut due);
        }
        due
    }

    fn consider(&self, item: &Item<'a>, already: bool, found: &mut Found, due: &mut Vec<Due<'a>>) {
        if let Some(why) = guards::over(self.view, self.rule, item) {
            // A broken promise may bring it into the audience.
            if let (Stop::NotInAudience(_), Some(day)) = (&why, guards::next_change(self.view, item)) {
                found.wake(day_begins(day, self.view.zone()));
            }
            return self.pass_by(item, &why, Decision::Skipped { why: why.clone() }, found);
        }
        let anchor = match &item.anchor {
            Ok(anchor) => anchor.clone(),
            Err(why) => return self.pass_by(item, why, stopped(self.view, why.clone()), found),
        };
        let round = anchor.round.text();
        let past: Vec<&PastNotice> = self
            .view
            .past(&item.subject)
            .iter()
            .copied()
            .filter(|notice| notice.key.rule == self.rule.name)
            .filter(|notice| notice.key.round == round || self.is_said(notice, &anchor))
            .collect();
        let stop = silenced(self.view, self.rule, item);
        let parked = self.parked(item, &round, &past);
        let (pauses, resume_on) = pauses(self.view, self.rule, item);
        if let Some(day) = guards::next_change(self.view, item) {
            found.wake(day_begins(day, self.view.zone()));
        }
        let days = self.view.days_of(self.rule);
        // Warnings that time runs out come on any day before it has, those
        // passed meanwhile included, whenever the rule was first seen.
        let limitation = self.rule.anchor == Anchor::Receivable(ReceivableDate::LimitationOn);
        let climb = Climb {
            stages: &self.rule.stages,
            anchor_day: anchor.day,
            anchor_at: anchor.at,
            lapses: limitation || self.rule.anchor == Anchor::Receivable(ReceivableDate::DueOn),
            past: &past,
            pauses: &pauses,
            resume_on,
            gap_min: if self.rule.class == Class::Dunning {
                self.view.settings.dunning.min_gap.count
            } else {
                0
            },
            reproached_on: guards::reproached_on(self.view, self.rule, item),
            issued_on: item.receivable.and_then(|receivable| receivable.issued_on).filter(|_| !limitation),
            in_force_since: subjects::in_force_since(self.seen, item.candidate(self.view)),
            backlog: if limitation { Backlog::Start } else { self.rule.backlog },
            stale_after: self.rule.stale_after,
            customer_stopped: stop.is_some() || parked.is_some(),
            ended: &|repeat| self.ended(repeat, item, anchor.day),
            open_day: &|day| self.view.open_day(days, day),
            leaves_on: &|| self.view.day(self.view.leaves_at(days, true)),
            calendar: &self.view.settings.business.calendars.business,
            zone: self.view.zone(),
            now: self.view.now,
        };
        let has =
            |track| self.rule.stages.iter().any(|s| s.concerns_customer() == (track == Track::Customer));
        let customer = has(Track::Customer).then(|| climb.next(Track::Customer));
        let alarm = has(Track::Alarm).then(|| climb.next(Track::Alarm));
        found.note(|seen| {
            let tracks = [(Track::Customer, customer.as_ref()), (Track::Alarm, alarm.as_ref())];
            seen.climb(self, item, stop.as_ref(), &climb, tracks);
        });
        for (track, next) in [(Track::Customer, customer), (Track::Alarm, alarm)] {
            let Some(next) = next else { continue };
            let Some(rung) = self.admit(item, track, stop.as_ref(), next, already, found) else { continue };
            let customer_stop = stop.as_ref().map(Stop::to_string).or_else(|| parked.map(str::to_owned));
            let candidate = Due { item: item.clone(), round: round.clone(), rung, track, customer_stop };
            due.extend(self.reachable(candidate, found));
        }
    }

    /// Notes that there is nothing to climb about an item.
    fn pass_by(&self, item: &Item<'_>, why: &Stop, decision: Decision, found: &mut Found) {
        found.note(|seen| seen.over(self, item, why));
        found.say(self.verdict(item, None, decision));
    }

    /// What is due, if its recipients can be written to; else notes why not.
    fn reachable(&self, candidate: Due<'a>, found: &mut Found) -> Option<Due<'a>> {
        let Err(why) = drafts::reachable(self.view, self.rule, &candidate) else { return Some(candidate) };
        let stage = Some(candidate.rung.name.clone());
        found.say(self.verdict(&candidate.item, stage, Decision::Skipped { why }));
        None
    }

    /// Why a letter to the customer that was decided upon does not leave by
    /// itself, where one doesn't.
    fn parked(&self, item: &Item<'_>, round: &str, past: &[&PastNotice]) -> Option<&'static str> {
        // One that waits for approval is a person's already, who hears of it
        // daily: the alarm keeps its distance from the last letter sent.
        let approved_first = |notice: &PastNotice| {
            self.rule.stages.iter().any(|stage| stage.name == notice.key.stage && stage.approve)
        };
        let held = |notice: &&&PastNotice| notice.to_customer && notice.state == LetterState::Held;
        if past.iter().filter(held).any(|notice| !approved_first(notice)) {
            return Some("held");
        }
        let expired = self.view.of.expired.iter().any(|key| {
            key.rule == self.rule.name
                && key.subject == item.subject
                && key.round == round
                && !past.iter().any(|notice| notice.key.stage == key.stage)
        });
        expired.then_some("tried until its time ran out")
    }

    /// Lets a rung through to the letters, or notes why not.
    fn admit(
        &self,
        item: &Item<'a>,
        track: Track,
        stop: Option<&Stop>,
        next: Next<'a>,
        already: bool,
        found: &mut Found,
    ) -> Option<Rung<'a>> {
        // The letter after the last repetition goes to our own people.
        let to_customer = |rung: &Rung<'_>| track == Track::Customer && rung.name == rung.stage.name;
        let (rung, decision) = match next {
            Next::Nothing(why) => {
                found.say(self.verdict(item, None, Decision::Skipped { why }));
                return None;
            }
            Next::Ahead(rung, why) => {
                let until = drafts::next_look(self.view, self.rule, rung.at);
                if to_customer(&rung) && stop.is_none() {
                    self.note_upcoming(&rung, until, found);
                }
                let decision = match stop.filter(|_| to_customer(&rung)) {
                    // A pause is why it is ahead.
                    Some(stop) if stop.is_pause() => stopped(self.view, stop.clone()),
                    Some(stop) => Decision::Waiting { until, why: stop.clone() },
                    None => Decision::Waiting { until, why },
                };
                (rung, Some(decision))
            }
            Next::Reached(rung) => {
                let decision = match stop.filter(|_| to_customer(&rung)) {
                    Some(stop) => Some(stopped(self.view, stop.clone())),
                    None if to_customer(&rung) => guards::waits(self.view, self.others, self.rule, item),
                    None => None,
                };
                (rung, decision)
            }
        };
        let decision = decision.or_else(|| {
            drafts::looked(self.view, self.rule, rung.at, already).err().map(|next| {
                let until = next.unwrap_or(Timestamp::MAX);
                if to_customer(&rung) {
                    self.note_upcoming(&rung, until, found);
                }
                Decision::Waiting { until, why: Stop::NotLooking }
            })
        });
        match decision {
            None => Some(rung),
            Some(decision) => {
                found.say(self.verdict(item, Some(rung.name.clone()), decision));
                None
            }
        }
    }

    /// A letter that will be due within days keeps its place.
    fn note_upcoming(&self, rung: &Rung<'_>, at: Timestamp, found: &mut Found) {
        if at > self.view.now + SignedDuration::from_hours(24 * 60) {
            return;
        }
        found.upcoming.push(Upcoming {
            priority: view::priority(self.rule, rung.stage),
            day: self.view.open_day(self.view.days_of(self.rule), self.view.day(at)),
            budget: self.rule.budget,
        });
    }

    fn verdict(&self, item: &Item<'_>, stage: Option<StageName>, decision: Decision) -> Verdict {
        Verdict {
            customer: self.view.of.customer.id.clone(),
            rule: self.rule.name.clone(),
            stage,
            subject: item.subject.clone(),
            decision,
        }
    }

    /// Whether a letter has thanked for the same settlement under another
    /// name: the books said `paid` before the payment itself was known.
    fn is_said(&self, notice: &PastNotice, anchor: &Anchored) -> bool {
        self.rule.anchor == Anchor::Receivable(ReceivableDate::SettledOn) && notice.day >= anchor.day
    }

    /// Whether the event that ends a repetition has come: after the one it
    /// counts from, and for the same product where both name one; or since
    /// there was the claim, as its stages may come before its day.
    fn ended(&self, repeat: &Repeat, item: &Item<'_>, anchor_day: Date) -> bool {
        let Some(until) = &repeat.until else { return false };
        let since = item.receivable.map_or(anchor_day, |receivable| receivable.begins_on().min(anchor_day));
        let comes_after = |event: &Event| match item.event {
            Some(anchor) => event.occurred_at > anchor.occurred_at,
            // A day has no moment: what happens on it happens after it.
            None => self.view.day(event.occurred_at) >= since,
        };
        let product = item.event.and_then(|event| event.product.as_deref());
        let ends = |event: &Event| {
            event.kind == *until
                && comes_after(event)
                && (product.is_none() || event.product.is_none() || event.product.as_deref() == product)
        };
        self.view.of.events.iter().any(ends)
    }
}
