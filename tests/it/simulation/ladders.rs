//! The order of reminders and their distances, counted anew from the tables
//! in `edits` and the rules of tone: the next is the lowest one unsent, it
//! keeps its distance from the one really sent, and paused days don't count.

use jiff::Timestamp;
use jiff::civil::Date;

use super::calendar::{after, days};
use super::edits::{Rung, reminders_of};
use super::model::{Item, Said, unpaused_after};
use super::year::Year;

/// No two reminders of one claim come closer than this, unless the ladder
/// itself is steeper.
const GAP: i64 = 5;
/// After a pause or a payment, in working days.
const RESUME: u32 = 3;

impl Item {
    /// The rule that reminds of it now.
    pub fn rule(&self) -> Option<&'static str> {
        reminders_of(self.kind, self.postponements)
    }

    /// What was said of it in the present round by a rule, early letters
    /// aside.
    fn in_round<'a>(&'a self, rule: &'a str) -> impl Iterator<Item = &'a Said> {
        self.said.iter().filter(move |said| said.rule == rule && said.round == self.round && said.offset > 0)
    }

    pub fn last_said<'a>(&'a self, rule: &'a str, outside: bool) -> Option<&'a Said> {
        let of_track = self.in_round(rule).filter(|said| said.outside == outside);
        of_track.max_by_key(|said| (said.offset, said.letter))
    }

    /// The last day on which the customer was told that a promise was broken.
    fn scolded_on(&self) -> Option<Date> {
        let told = self.said.iter().filter(|said| said.rule == "broken-promise" && !said.dropped);
        told.map(|said| said.day).max()
    }

    /// Whether two rules keep their distance.
    pub fn min_gap(&self, rule: &str, round: Date, day: Date) -> Result<(), String> {
        let others = self.said.iter().filter(|said| said.outside && !said.dropped && said.is_dunning());
        let mut others = others.filter(|said| said.rule != rule || said.round != round);
        match others.find(|said| day < after(said.day, GAP)) {
            Some(said) => Err(format!("{}/{} was sent on {}", said.rule, said.stage, said.day)),
            None => Ok(()),
        }
    }

    pub fn is_said(&self, rule: &str, stage: &str) -> bool {
        self.said.iter().any(|said| said.rule == rule && said.round == self.round && said.stage == stage)
    }
}

impl Said {
    fn is_dunning(&self) -> bool {
        !self.rule.ends_with("-thanks")
    }
}

impl Year {
    /// The rung of a rule's ladder that is next for the customer, the early
    /// ones aside.
    pub fn next_rung(&self, item: &Item, rule: &str) -> Option<&'static Rung> {
        let last = item.last_said(rule, true);
        let later = self.edit.ladder(rule).iter().filter(|rung| rung.outside && rung.offset > 0);
        let mut unsent = later.filter(|rung| {
            last.is_none_or(|last| rung.offset > last.offset) && !item.is_said(rule, rung.name)
        });
        unsent.next()
    }

    /// The first day on which a rung may be reached.
    pub fn reached_on(&self, item: &Item, rule: &str, rung: &Rung, now: Timestamp) -> Option<Date> {
        let customer = self.business.of(item);
        let today = customer.today(now);
        let anchor = self.business.effective(item.due_on);
        let own = after(anchor, rung.offset);
        let pauses = item.standstills(customer);
        if rung.offset <= 0 {
            return Some(own);
        }
        let mut day = if rung.outside { unpaused_after(anchor, rung.offset, &pauses, today) } else { own };
        let scolded = item.scolded_on();
        let last = item.last_said(rule, true);
        match last {
            Some(last) => day = day.max(self.spaced(item, last, rung, today)),
            None => day = day.max(self.entered_on(item, rule, rung)?),
        }
        if rung.outside {
            day = day.max(scolded.map_or(Date::MIN, |scolded| after(scolded, GAP)));
            day = day.max(self.resumed_on(item, today));
        }
        Some(day)
    }

    /// At its distance from the last one.
    fn spaced(&self, item: &Item, last: &Said, rung: &Rung, today: Date) -> Date {
        let customer = self.business.of(item);
        let distance = rung.offset - last.offset;
        // A weekend between the plan and the letter does not add up.
        let in_time = last.day <= self.business.days.first(Some(customer.country), last.planned);
        let counted = if in_time { last.planned } else { last.day };
        let from = item.scolded_on().map_or(counted, |scolded| scolded.max(counted));
        let spaced = after(from, distance).max(after(last.day, distance.clamp(0, GAP)));
        if !rung.outside {
            return spaced;
        }
        unpaused_after(from, days(from, spaced), &item.standstills(customer), today)
    }

    /// What was reached before the rule was in force is entered when the next
    /// stage comes by its own date; never, where none is left.
    fn entered_on(&self, item: &Item, rule: &str, rung: &Rung) -> Option<Date> {
        let anchor = self.business.effective(item.due_on);
        let fresh = |day: Date| !self.is_backlog(item, rule, day);
        if fresh(after(anchor, rung.offset)) {
            return Some(Date::MIN);
        }
        let same_track = self.edit.ladder(rule).iter().filter(|other| other.outside == rung.outside);
        let mut own = same_track.filter(|other| other.offset > 0).map(|other| after(anchor, other.offset));
        own.find(|day| fresh(*day))
    }

    pub fn is_backlog(&self, item: &Item, rule: &str, day: Date) -> bool {
        let since = if rule == "payment-reminders" { self.reminders_since } else { self.rules_since };
        let zone = self.business.of(item).zone.clone();
        zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().expect("a day") < since
    }

    /// After a pause or a payment the next one waits.
    pub fn resumed_on(&self, item: &Item, today: Date) -> Date {
        let pauses = item.standstills(self.business.of(item));
        let ended = pauses.iter().filter_map(|pause| pause.until.filter(|until| *until < today));
        let paid = item.payments.iter().map(|paid| paid.on);
        ended.chain(paid).max().map_or(Date::MIN, |day| self.business.days.later(day, RESUME))
    }

    /// Whether a reminder to the customer comes in its turn, and not before
    /// its time; then the day it was planned for.
    pub fn in_turn(
        &self,
        item: &Item,
        (rule, stage): (&str, &str),
        day: Date,
        at: Timestamp,
    ) -> Result<(&'static Rung, Date), String> {
        if item.rule() != Some(rule) {
            return Err(format!("{:?} reminds of it", item.rule()));
        }
        let rung =
            self.edit.ladder(rule).iter().find(|rung| rung.name == stage).ok_or("nobody asks for it")?;
        let planned =
            self.reached_on(item, rule, rung, at).ok_or("it was reached before the rule was there")?;
        if day < planned {
            return Err(format!("it was planned for {planned}"));
        }
        if item.is_said(rule, stage) {
            return Err("it was said before".to_owned());
        }
        let anchor = self.business.effective(item.due_on);
        if rung.offset > 0 {
            let next = self.next_rung(item, rule).ok_or("everything was said")?;
            if next.name != stage {
                return Err(format!("{} comes before", next.name));
            }
        } else if rung.offset == 0 && day != anchor || rung.offset < 0 && day >= anchor {
            return Err(format!("it is due on {anchor}"));
        } else if rung.offset < 0 && item.issued_on.is_some_and(|issued| planned < after(issued, 3)) {
            return Err("the paper has only just come".to_owned());
        }
        Ok((rung, planned))
    }
}
