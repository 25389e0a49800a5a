//! What becomes of every stage of a climb, for a person who asks.

use jiff::Timestamp;
use jiff::civil::Date;

use super::repetition::then_name;
use super::{Climb, Next, Track, days_between, is_of_stage, on_track, pending, precedes};
use crate::domain::ids::StageName;
use crate::domain::offset::Offset;
use crate::domain::rule::Stage;
use crate::domain::stop::Stop;

/// What becomes of one stage.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outlook {
    /// The climb stands here.
    Here,
    /// At its own time, at the earliest.
    Waits {
        /// When it can be reached.
        at: Timestamp,
        /// What it waits for.
        why: Stop,
    },
    /// So many days after another letter, and not before its own day.
    Follows {
        /// Which stage's letter.
        stage: StageName,
        /// The distance; 0 where it is counted in minutes or hours.
        days: i32,
    },
    /// Not, and why.
    Not(Stop),
    /// Never in this round: the climb has gone past it.
    Passed,
    /// Its letter is written, and it does not come again.
    Written,
}

/// One stage of a climb; the letter after the last repetition is one of its
/// own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// As in the notice key.
    pub stage: StageName,
    /// The day its offset falls on by itself; `None` for the letter after
    /// the last repetition.
    pub own_day: Option<Date>,
    /// What becomes of it.
    pub outlook: Outlook,
}

impl<'r> Climb<'r, '_> {
    /// Every stage of a track, in order, `next` being where it stands.
    #[must_use]
    pub fn steps(&self, track: Track, next: &Next<'r>) -> Vec<Step> {
        let later = match track {
            Track::Customer => self.later(track),
            Track::Alarm => self.alarm(),
        };
        let mut steps = Vec::new();
        for stage in self.stages_of(track) {
            let outlook = self.outlook(stage, track, next, &later);
            steps.push(Step { stage: stage.name.clone(), own_day: Some(self.own_day(stage.at)), outlook });
            if stage.repeat.as_ref().is_some_and(|repeat| repeat.then.is_some()) {
                let stage = then_name(&stage.name);
                let outlook = self.outlook_of_then(&stage, next);
                steps.push(Step { stage, own_day: None, outlook });
            }
        }
        steps
    }

    fn outlook(&self, stage: &'r Stage, track: Track, next: &Next<'r>, later: &Next<'r>) -> Outlook {
        if stands_at(next, &stage.name) {
            return Outlook::Here;
        }
        if self.past.iter().any(|notice| is_of_stage(notice, stage)) {
            let ended = stage.repeat.as_ref().is_some_and(|repeat| (self.ended)(repeat));
            return if ended { Outlook::Not(Stop::Ended) } else { Outlook::Written };
        }
        if self.is_later(stage) {
            return self.outlook_later(stage, track, later);
        }
        let before_due = self.today() < self.anchor_day;
        match self.early(stage, track, before_due) {
            Next::Nothing(Stop::Done) | Next::Reached(_) => Outlook::Passed,
            Next::Nothing(why) => Outlook::Not(why),
            Next::Ahead(rung, why) => Outlook::Waits { at: rung.at, why },
        }
    }

    fn outlook_later(&self, stage: &'r Stage, track: Track, later: &Next<'r>) -> Outlook {
        let last = self.last_later(track);
        if last.is_some_and(|last| !precedes(last.offset, stage.at)) {
            return Outlook::Passed;
        }
        let waiting = self.past.iter().filter(|notice| on_track(notice, track) && pending(notice));
        let waiting = waiting.map(|notice| notice.offset).max_by_key(Offset::roughly_minutes);
        if waiting.is_some_and(|offset| !precedes(offset, stage.at)) {
            return Outlook::Passed;
        }
        match later {
            _ if waiting.is_some() => self.follows(stage, track),
            Next::Nothing(why) => Outlook::Not(why.clone()),
            Next::Reached(rung) | Next::Ahead(rung, _) if precedes(rung.stage.at, stage.at) => {
                self.follows(stage, track)
            }
            Next::Ahead(rung, why) if rung.name == stage.name => {
                Outlook::Waits { at: rung.at, why: why.clone() }
            }
            Next::Reached(_) | Next::Ahead(..) => {
                self.welcome(stage, last).map_or_else(Outlook::Not, |_| Outlook::Passed)
            }
        }
    }

    fn follows(&self, stage: &'r Stage, track: Track) -> Outlook {
        let below = self.stages_of(track).take_while(|below| precedes(below.at, stage.at)).last();
        below.map_or(Outlook::Passed, |below| Outlook::Follows {
            stage: below.name.clone(),
            days: days_between(self.own_day(below.at), self.own_day(stage.at)),
        })
    }

    fn outlook_of_then(&self, name: &StageName, next: &Next<'r>) -> Outlook {
        if stands_at(next, name) {
            return Outlook::Here;
        }
        if self.past.iter().any(|notice| notice.key.stage == *name) {
            return Outlook::Written;
        }
        match next {
            Next::Nothing(Stop::InOutbox) | Next::Reached(_) | Next::Ahead(..) => {
                Outlook::Follows { stage: StageName::new(name.as_str().trim_end_matches("/then")), days: 0 }
            }
            Next::Nothing(why) => Outlook::Not(why.clone()),
        }
    }
}

fn stands_at(next: &Next<'_>, name: &StageName) -> bool {
    match next {
        Next::Reached(rung) | Next::Ahead(rung, _) => rung.name == *name,
        Next::Nothing(_) => false,
    }
}
