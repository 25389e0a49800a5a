//! Stages before the due date and on its day.

use jiff::ToSpan;

use super::{Climb, Next, Track, precedes};
use crate::domain::calendar::day_begins;
use crate::domain::rule::{Backlog, Stage};
use crate::domain::stop::Stop;

impl<'r> Climb<'r, '_> {
    /// A stage before the due date lapses when the date has come; a stage on
    /// the day goes on that day or not at all.
    pub(super) fn early(&self, stage: &'r Stage, track: Track, before_due: bool) -> Next<'r> {
        let planned_on = self.own_day(stage.at);
        let mut rung = Self::rung(stage, 0, planned_on, self.moment(stage.at, planned_on));
        if self.consumed(&rung) || self.last_sent(track).is_some_and(|last| !precedes(last.offset, stage.at))
        {
            return Next::Nothing(Stop::Done);
        }
        let on_the_day = stage.at.count == 0;
        let today = self.today();
        if today > self.anchor_day || (!on_the_day && !before_due) {
            return Next::Nothing(Stop::Lapsed);
        }
        if !on_the_day && self.issued_on.is_some_and(|issued| planned_on < issued.saturating_add(3.days())) {
            return Next::Nothing(Stop::TooSoonAfterIssue);
        }
        if rung.at > self.now {
            return Next::Ahead(rung, Stop::NotReached);
        }
        if let Some(resume) = self.resume_on.filter(|resume| *resume > today && track == Track::Customer) {
            rung.at = day_begins(resume, self.zone);
            return Next::Ahead(rung, Stop::Spacing);
        }
        if self.is_backlog(rung.at) && self.backlog == Backlog::Skip {
            return Next::Nothing(Stop::Backlog);
        }
        // A letter to the customer that could only leave once it is pointless
        // does not leave.
        let leaves_on = (self.leaves_on)();
        let pointless = track == Track::Customer
            && if on_the_day { leaves_on > self.anchor_day } else { leaves_on >= self.anchor_day };
        if pointless { Next::Nothing(Stop::Lapsed) } else { Next::Reached(rung) }
    }
}
