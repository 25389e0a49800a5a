//! Stages that come again, until something happens or it has been said
//! often enough.

use super::{Climb, Rung, Track, is_of_stage, track_of};
use crate::domain::calendar::day_begins;
use crate::domain::ids::StageName;
use crate::domain::notice::PastNotice;
use crate::domain::offset::{Offset, Unit};
use crate::domain::rule::{Repeat, Stage};
use crate::domain::stop::Stop;

impl<'r> Climb<'r, '_> {
    /// The stage that a letter was of, also after it was renamed.
    fn stage_of(&self, notice: &PastNotice) -> Option<&'r Stage> {
        let by_name = self.stages.iter().find(|stage| is_of_stage(notice, stage));
        let renamed = || {
            let then = notice.key.stage.as_str().ends_with("/then");
            self.stages.iter().find(|stage| !then && stage.at == notice.offset)
        };
        by_name.or_else(renamed)
    }

    /// The next repetition after `last`, or the letter that follows the last
    /// one.
    pub(super) fn repetition(&self, last: &PastNotice) -> Option<Rung<'r>> {
        let stage = self.stage_of(last)?;
        let repeat = stage.repeat.as_ref()?;
        if (self.ended)(repeat) {
            return None;
        }
        let sent = self
            .past
            .iter()
            .filter(|notice| notice.key.stage == stage.name || notice.key.stage == last.key.stage)
            .map(|notice| notice.key.repetition + 1)
            .max()?;
        let start = self.counted_on(last);
        let planned_on = interval(repeat, sent).from_date(start, self.calendar);
        let planned_on = match track_of(stage) {
            Track::Customer => self.without_pauses(start, planned_on),
            Track::Alarm => planned_on,
        };
        let at = day_begins(planned_on, self.zone);
        let rung = Self::rung(stage, sent, planned_on, at);
        if repeat.at_most.is_none_or(|most| sent < most) {
            return Some(rung);
        }
        let then = repeat.then.as_ref()?;
        let name = then_name(&stage.name);
        let said = self.past.iter().any(|notice| notice.key.stage == name);
        (!said).then_some(Rung { name, repetition: 0, to: &then.to, template: &then.template, ..rung })
    }

    /// The first letter of a series at the first of its later times at which
    /// it is still welcome: missed repetitions are one.
    pub(super) fn later_in(&self, repeat: &Repeat, first: &Rung<'r>) -> Option<Rung<'r>> {
        let most = repeat.at_most.unwrap_or(LATER_MAX).min(LATER_MAX);
        let mut planned_on = first.planned_on;
        for k in 1..most {
            planned_on = interval(repeat, k).from_date(planned_on, self.calendar);
            let rung = Rung { planned_on, at: day_begins(planned_on, self.zone), ..first.clone() };
            if !self.is_stale(&rung) {
                return Some(rung);
            }
        }
        None
    }

    /// Why nothing follows the last letter.
    pub(super) fn why_over(&self, last: Option<&PastNotice>) -> Stop {
        let ended = last
            .and_then(|last| self.stage_of(last))
            .and_then(|stage| stage.repeat.as_ref())
            .is_some_and(|repeat| (self.ended)(repeat));
        if ended { Stop::Ended } else { Stop::Done }
    }
}

/// `<stage>/then`, the name of the letter after the last repetition.
#[must_use]
pub fn then_name(stage: &StageName) -> StageName {
    StageName::new(format!("{stage}/then"))
}

/// A series of which so many letters in a row were missed is over.
const LATER_MAX: u32 = 100;

/// Interval k, counted from 1: round(every × growing^(k-1)).
fn interval(repeat: &Repeat, k: u32) -> Offset {
    let factor = repeat.growing.powi(i32::try_from(k).unwrap_or(i32::MAX).saturating_sub(1));
    let count = (f64::from(repeat.every.count) * factor).round().clamp(1.0, 36_525.0);
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a century of days above")]
    let count = count as i32;
    let unit = match repeat.every.unit {
        Unit::Minutes | Unit::Hours | Unit::Days => Unit::Days,
        Unit::BusinessDays => Unit::BusinessDays,
        Unit::Months => Unit::Months,
        Unit::Years => Unit::Years,
    };
    Offset { count, unit }
}
