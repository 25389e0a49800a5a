//! How far rungs keep from each other, and from what interrupted them.

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Climb, Rung, Track, days_between, track_of};
use crate::domain::notice::PastNotice;
use crate::domain::rule::Stage;

impl<'r> Climb<'r, '_> {
    /// The rung of a stage at its distance from the last letter sent.
    pub(super) fn spaced(&self, stage: &'r Stage, last: Option<&PastNotice>) -> Rung<'r> {
        let own = self.own_day(stage.at);
        if stage.at.is_instant() {
            return Self::rung(stage, 0, own, self.moment(stage.at, own));
        }
        let customer = track_of(stage) == Track::Customer;
        let mut planned_on = if customer { self.without_pauses(self.anchor_day, own) } else { own };
        if let Some(last) = last {
            let distance = days_between(self.own_day(last.offset), own);
            let sent_on =
                self.reproached_on.map_or(self.counted_on(last), |day| day.max(self.counted_on(last)));
            // Counting a delayed letter as sent in time must not bring the next
            // one closer than any two reminders may be.
            let gap = self.gap_min.min(distance).max(0);
            let spaced = sent_on.saturating_add(distance.days()).max(last.day.saturating_add(gap.days()));
            let spaced = if customer { self.without_pauses(sent_on, spaced) } else { spaced };
            planned_on = planned_on.max(spaced);
        }
        if let Some(reproached) = self.reproached_on.filter(|_| customer) {
            planned_on = planned_on.max(reproached.saturating_add(self.gap_min.days()));
        }
        if let Some(resume) = self.resume_on.filter(|_| customer) {
            planned_on = planned_on.max(resume);
        }
        Self::rung(stage, 0, planned_on, self.moment_of_day(stage, planned_on))
    }

    /// A letter that left on the open day its planned day was moved to counts
    /// as sent on the planned day, so that weekends do not add up; only real
    /// lateness moves the next.
    pub(super) fn counted_on(&self, notice: &PastNotice) -> Date {
        if notice.day <= (self.open_day)(notice.planned_on) { notice.planned_on } else { notice.day }
    }

    /// Moves `end` later by every paused day between `start` and it.
    pub(super) fn without_pauses(&self, start: Date, end: Date) -> Date {
        if self.pauses.is_empty() {
            return end;
        }
        let today = self.today();
        let paused = |day: Date| {
            self.pauses.iter().any(|pause| pause.from <= day && day <= pause.until.unwrap_or(today))
        };
        let mut left = days_between(start, end);
        let mut day = start;
        // No pause of ten years is waited out.
        for _ in 0..3_650 {
            if left <= 0 {
                break;
            }
            day = day.saturating_add(1.day());
            left -= i32::from(!paused(day));
        }
        if days_between(start, end) <= 0 { end } else { day }
    }
}
