//! One climb of a rule for one subject: which rung is next, and when.
//!
//! A ladder has two tracks. The customer's track carries the letters that
//! the customer sees; its tone rises rung by rung. The alarm track carries
//! letters to our own people, which no stop silences.

mod early;
mod outlook;
mod repetition;
mod spacing;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

pub use self::outlook::{Outlook, Step};
pub use self::repetition::then_name;
use super::calendar::{Calendar, day_begins};
use super::ids::StageName;
use super::notice::{LetterState, PastNotice};
use super::offset::Offset;
use super::receivable::Pause;
use super::rule::{Backlog, Recipient, Repeat, Stage};
use super::stop::Stop;

/// Which letters of a ladder are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Track {
    /// Those the customer sees.
    Customer,
    /// Those only our own people see.
    Alarm,
}

/// Everything a climb depends on.
pub struct Climb<'r, 'a> {
    /// The rule's stages, in order of their offsets.
    pub stages: &'r [Stage],
    /// The civil day counted from, with closed days already moved.
    pub anchor_day: Date,
    /// The moment counted from, where the anchor has one.
    pub anchor_at: Option<Timestamp>,
    /// Whether stages before the anchor, or on its day, lapse with it: due
    /// dates do.
    pub lapses: bool,
    /// The ledger of this round: live and dropped notices.
    pub past: &'a [&'a PastNotice],
    /// Every pause that stops the customer's track.
    pub pauses: &'a [Pause],
    /// A part payment or the end of a pause keeps the next rung until this
    /// day.
    pub resume_on: Option<Date>,
    /// The last day on which another rule said that a promise about the
    /// subject was broken: that counts as this ladder's last letter.
    pub reproached_on: Option<Date>,
    /// The least days between two letters, unless the ladder itself has less.
    pub gap_min: i32,
    /// The day of the paper, which stages before the due date stay clear of.
    pub issued_on: Option<Date>,
    /// Since when the rule, with an audience that holds the subject, is in
    /// force; `None` where the engine has not noted it yet.
    pub in_force_since: Option<Timestamp>,
    /// What the rule does with what was reached before that.
    pub backlog: Backlog,
    /// How many days after its time a first letter is still welcome.
    pub stale_after: Option<i32>,
    /// The customer's track can't go out at present, so alarms come on their
    /// own dates.
    pub customer_stopped: bool,
    /// Whether the event that ends this kind of repetition has come.
    pub ended: &'a dyn Fn(&Repeat) -> bool,
    /// The first day on which a letter may leave, from a day on.
    pub open_day: &'a dyn Fn(Date) -> Date,
    /// The day on which a letter decided now would leave.
    pub leaves_on: &'a dyn Fn() -> Date,
    /// The business's calendar, for offsets in working days.
    pub calendar: &'a Calendar,
    /// The zone whose days are counted.
    pub zone: &'a TimeZone,
    /// The moment.
    pub now: Timestamp,
}

/// A rung to stand on.
#[derive(Clone, PartialEq, Debug)]
pub struct Rung<'a> {
    /// The stage.
    pub stage: &'a Stage,
    /// The name in the notice key; for the letter after the last repetition,
    /// `<stage>/then`.
    pub name: StageName,
    /// 0 for the first letter, then 1, 2, …
    pub repetition: u32,
    /// To whom.
    pub to: &'a [Recipient],
    /// By which template.
    pub template: &'a str,
    /// The day the plan asks for.
    pub planned_on: Date,
    /// The moment it can be reached at.
    pub at: Timestamp,
}

/// Where a climb stands on one track.
#[derive(Clone, PartialEq, Debug)]
pub enum Next<'a> {
    /// Reached: the letter is wanted.
    Reached(Rung<'a>),
    /// Ahead; what it waits for is its own date, or the distance to another.
    Ahead(Rung<'a>, Stop),
    /// Nothing, and why.
    Nothing(Stop),
}

impl<'r, 'a> Climb<'r, 'a> {
    /// The next rung of a track.
    #[must_use]
    pub fn next(&self, track: Track) -> Next<'r> {
        if self.past.iter().any(|notice| on_track(notice, track) && pending(notice)) {
            return Next::Nothing(Stop::InOutbox);
        }
        let today = self.today();
        let before_due = self.lapses && today < self.anchor_day;
        let early = self.stages_of(track).filter(|stage| self.lapses && stage.at.count <= 0);
        let mut lapsed = None;
        let mut ahead: Option<Next<'r>> = None;
        let mut reached: Option<Next<'r>> = None;
        for stage in early {
            match self.early(stage, track, before_due) {
                rung @ Next::Reached(_) => reached = Some(rung),
                rung @ Next::Ahead(..) => {
                    ahead.get_or_insert(rung);
                }
                Next::Nothing(why) => lapsed = Some(why),
            }
        }
        if let Some(rung) = reached {
            return rung;
        }
        let later = match track {
            Track::Customer => self.later(track),
            Track::Alarm => self.alarm(),
        };
        match (ahead, later) {
            (Some(ahead), Next::Ahead(..) | Next::Nothing(_)) => ahead,
            (_, Next::Nothing(Stop::Done)) if !self.has_later(track) => {
                Next::Nothing(lapsed.unwrap_or(Stop::Done))
            }
            (_, later) => later,
        }
    }

    fn today(&self) -> Date {
        self.now.to_zoned_datetime(self.zone.clone()).date()
    }

    fn stages_of(&self, track: Track) -> impl DoubleEndedIterator<Item = &'r Stage> + use<'r, 'a> {
        self.stages.iter().filter(move |stage| track_of(stage) == track)
    }

    fn has_later(&self, track: Track) -> bool {
        self.stages_of(track).any(|stage| self.is_later(stage))
    }

    /// Whether the stage belongs to the part of the ladder that rises one
    /// rung at a time.
    fn is_later(&self, stage: &Stage) -> bool {
        !self.lapses || stage.at.count > 0
    }

    /// The next rung is the lowest one unsent, so that a month's outage is
    /// followed by one letter rather than four, and it keeps its distance
    /// from the one really sent.
    fn later(&self, track: Track) -> Next<'r> {
        let last = self.last_later(track);
        let mut missed = None;
        let mut next = None;
        for stage in self.stages_of(track).filter(|stage| self.is_later(stage)) {
            let unsent = last.is_none_or(|last| precedes(last.offset, stage.at))
                && !self.past.iter().any(|notice| notice.key.stage == stage.name);
            if !unsent {
                continue;
            }
            if stage.repeat.as_ref().is_some_and(|repeat| (self.ended)(repeat)) {
                return Next::Nothing(Stop::Ended);
            }
            match self.welcome(stage, last) {
                Ok(rung) => {
                    next = Some(rung);
                    break;
                }
                Err(why) => missed = Some(why),
            }
        }
        let repeated = last.and_then(|last| self.repetition(last));
        match (next, repeated) {
            (Some(next), Some(repeated)) if repeated.at < next.at => self.arrive(repeated),
            (Some(next), _) => self.enter(next, last.is_some()),
            (None, Some(repeated)) => self.arrive(repeated),
            (None, None) => Next::Nothing(missed.unwrap_or_else(|| self.why_over(last))),
        }
    }

    /// The rung of an unsent stage, if it is still welcome then; else why it
    /// was missed.
    fn welcome(&self, stage: &'r Stage, last: Option<&PastNotice>) -> Result<Rung<'r>, Stop> {
        let rung = self.spaced(stage, last);
        if !self.is_stale(&rung) {
            return Ok(rung);
        }
        // What was reached before the rule was not missed by it.
        let own = self.moment(stage.at, self.own_day(stage.at));
        let backlog = self.is_backlog(own);
        // A series goes on where its first letter was missed.
        let repeat = stage.repeat.as_ref().filter(|_| !backlog);
        repeat.and_then(|repeat| self.later_in(repeat, &rung)).ok_or(if backlog {
            Stop::Backlog
        } else {
            Stop::Stale
        })
    }

    /// An alarm comes on its own date where the customer's letters could not
    /// go out; otherwise it keeps its distance from the last of them, and
    /// waits while lower ones are unsent.
    fn alarm(&self) -> Next<'r> {
        let next = self.later(Track::Alarm);
        let (Next::Reached(rung) | Next::Ahead(rung, _)) = &next else { return next };
        if self.customer_stopped || rung.repetition > 0 || !self.has_later(Track::Customer) {
            return next;
        }
        let tomorrow = day_begins(self.today().saturating_add(1.day()), self.zone);
        let wait = |until: Timestamp| {
            Next::Ahead(Rung { at: rung.at.max(until).max(tomorrow), ..rung.clone() }, Stop::Spacing)
        };
        // Nobody has read what is still on its way.
        let on_its_way = |notice: &PastNotice| {
            on_track(notice, Track::Customer)
                && matches!(notice.state, LetterState::Queued | LetterState::Retry)
                && precedes(notice.offset, rung.stage.at)
        };
        if self.past.iter().any(|notice| on_its_way(notice)) {
            return wait(tomorrow);
        }
        if let Next::Reached(lower) | Next::Ahead(lower, _) = self.later(Track::Customer)
            && precedes(lower.stage.at, rung.stage.at)
        {
            return wait(lower.at);
        }
        let Some(last) = self.last_later(Track::Customer) else { return next };
        self.arrive(self.spaced(rung.stage, Some(last)))
    }

    /// What was reached before the rule was in force is entered at the
    /// lowest rung, when the next one comes by its own date.
    fn enter(&self, rung: Rung<'r>, climbing: bool) -> Next<'r> {
        let own_moment = self.moment(rung.stage.at, self.own_day(rung.stage.at));
        if climbing || self.backlog == Backlog::Start || !self.is_backlog(own_moment) {
            return self.arrive(rung);
        }
        let entry = self
            .stages
            .iter()
            .filter(|stage| self.is_later(stage) && track_of(stage) == track_of(rung.stage))
            .map(|stage| (self.own_day(stage.at), self.moment(stage.at, self.own_day(stage.at))))
            .find(|(_, moment)| !self.is_backlog(*moment));
        match entry {
            None => Next::Nothing(Stop::Backlog),
            Some((day, moment)) => {
                self.arrive(Rung { planned_on: rung.planned_on.max(day), at: rung.at.max(moment), ..rung })
            }
        }
    }

    fn arrive(&self, rung: Rung<'r>) -> Next<'r> {
        if rung.at <= self.now {
            return Next::Reached(rung);
        }
        let own = self.moment(rung.stage.at, self.own_day(rung.stage.at));
        let why = if rung.at > own { Stop::Spacing } else { Stop::NotReached };
        Next::Ahead(rung, why)
    }

    fn rung(stage: &'r Stage, repetition: u32, planned_on: Date, at: Timestamp) -> Rung<'r> {
        Rung {
            stage,
            name: stage.name.clone(),
            repetition,
            to: &stage.to,
            template: &stage.template,
            planned_on,
            at,
        }
    }

    fn consumed(&self, rung: &Rung<'_>) -> bool {
        self.past
            .iter()
            .any(|notice| notice.key.stage == rung.name && notice.key.repetition == rung.repetition)
    }

    fn last_sent(&self, track: Track) -> Option<&'a PastNotice> {
        self.past
            .iter()
            .copied()
            .filter(|notice| on_track(notice, track) && !pending(notice))
            .max_by_key(|notice| (notice.offset.roughly_minutes(), notice.key.repetition, notice.letter))
    }

    fn last_later(&self, track: Track) -> Option<&'a PastNotice> {
        self.last_sent(track).filter(|last| !self.lapses || last.offset.count > 0)
    }

    fn is_stale(&self, rung: &Rung<'_>) -> bool {
        self.stale_after.is_some_and(|days| {
            let reached = rung.at <= self.now;
            // Days on which nothing could leave make nothing stale.
            let welcome_from = (self.open_day)(rung.planned_on);
            let leaves_on = if reached { (self.leaves_on)() } else { welcome_from };
            leaves_on > welcome_from.saturating_add(days.days())
        })
    }

    fn is_backlog(&self, reached_at: Timestamp) -> bool {
        self.in_force_since.is_none_or(|since| reached_at < since)
    }

    /// The day an offset falls on by itself.
    fn own_day(&self, offset: Offset) -> Date {
        match (self.anchor_at, offset.exact()) {
            (Some(at), Some(span)) => {
                at.saturating_add(span).unwrap_or(at).to_zoned_datetime(self.zone.clone()).date()
            }
            _ => offset.from_date(self.anchor_day, self.calendar),
        }
    }

    fn moment(&self, offset: Offset, day: Date) -> Timestamp {
        match (self.anchor_at, offset.exact()) {
            (Some(at), Some(span)) => at.saturating_add(span).unwrap_or(at),
            // On the day itself a letter never precedes what it is about.
            (Some(at), None) => day_begins(day, self.zone).max(at),
            (None, _) => day_begins(day, self.zone),
        }
    }

    fn moment_of_day(&self, stage: &Stage, day: Date) -> Timestamp {
        self.moment(stage.at, day).max(day_begins(day, self.zone))
    }
}

fn track_of(stage: &Stage) -> Track {
    if stage.concerns_customer() { Track::Customer } else { Track::Alarm }
}

/// The letter after the last repetition belongs to the track of its stage.
fn on_track(notice: &PastNotice, track: Track) -> bool {
    let then_of_customer = notice.key.stage.as_str().ends_with("/then");
    (notice.to_customer || then_of_customer) == (track == Track::Customer)
}

fn is_of_stage(notice: &PastNotice, stage: &Stage) -> bool {
    notice.key.stage == stage.name
}

fn pending(notice: &PastNotice) -> bool {
    notice.state.is_waiting()
}

fn precedes(earlier: Offset, later: Offset) -> bool {
    earlier.roughly_minutes() < later.roughly_minutes()
}

/// Civil days from one date to another.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i32 {
    i32::try_from(from.duration_until(to).as_hours() / 24).unwrap_or(0)
}
