//! What became of a letter, and what becomes of a stage, in a line.

use jiff::Timestamp;
use jiff::civil::Date;
use owo_colors::OwoColorize;

use super::Account;
use crate::cli::explain::words;
use crate::cli::harmless::one_line;
use crate::domain::customer::Person;
use crate::domain::ids::StageName;
use crate::domain::notice::{Draft, LetterState, Line};
use crate::domain::plan::{Fate, Ladder, StageFate};
use crate::domain::recipients;
use crate::domain::stop::{Decision, Stop};
use crate::store::OutboxLetter;

impl Account<'_> {
    /// What became of a letter.
    pub(super) fn letter(&self, letter: &OutboxLetter, line: &Line) -> String {
        let id = letter.id;
        let at = self.moment(letter.finished_at.unwrap_or(letter.queued_at));
        let next = self.moment(letter.next_attempt_at);
        let mut said = match letter.state {
            LetterState::Sent => format!("{} {at}, letter {id}", "sent".green()),
            LetterState::Uncertain => {
                format!("{} {at}, letter {id}; `courtesy outbox resolve {id}`", "may have been sent".yellow())
            }
            LetterState::Assumed => format!("{} {at}, letter {id}", "assumed to be sent".green()),
            LetterState::Bounced => format!("{} {at}, letter {id}", "came back".yellow()),
            LetterState::Sending => format!("{}, letter {id}", "being sent".yellow()),
            LetterState::Queued => format!("{} as letter {id}, leaves {next}", "in the outbox".cyan()),
            LetterState::Retry => format!("{}: letter {id} is tried again {next}", "not sent yet".yellow()),
            LetterState::Held => {
                format!("{}: letter {id}; `courtesy outbox show {id}`", "waits for a person".yellow())
            }
            LetterState::Cancelled | LetterState::Rejected | LetterState::Expired => {
                format!("{} {at}: letter {id} was {}", "not sent".dimmed(), letter.state)
            }
        };
        if letter.draft.stage != line.key.stage {
            said = format!("{said}, within {}", letter.draft.stage);
        }
        let left = letter.finished_at.unwrap_or(letter.next_attempt_at);
        if self.day(left) != line.planned_on && letter.state.is_live() {
            said = format!("{said}, planned for {}", line.planned_on);
        }
        let reason = one_line(&letter.reason);
        if reason.is_empty() { said } else { format!("{said} ({reason})") }
    }

    /// What becomes of a stage; nothing where its letters say it all.
    pub(super) fn fate(&self, ladder: &Ladder, stage: &StageFate, fresh: bool) -> Option<String> {
        let by_itself = stage.own_day.filter(|day| *day > self.today);
        Some(match &stage.fate {
            Fate::Written => return None,
            // The letter that waits has been told of.
            Fate::Decided(Decision::Skipped { why: Stop::InOutbox | Stop::Done }) if !fresh => return None,
            Fate::Decided(Decision::Due) => self.due(ladder, &stage.stage),
            Fate::Decided(Decision::Waiting { until, why }) => {
                let until = if *until == Timestamp::MAX { "waits".into() } else { self.until(*until) };
                format!("{} {}", until.cyan(), words::stop(why))
            }
            Fate::Decided(Decision::Skipped { why }) => {
                format!("{} {}", "not:".dimmed(), words::stop(why).dimmed())
            }
            Fate::Follows { stage, days: 0 } => format!("after {stage}"),
            Fate::Follows { stage, days } => {
                let from = by_itself.map(|day| format!(", not before {day}")).unwrap_or_default();
                format!("{days} days after {stage}{from}")
            }
            Fate::Passed => "not: it was passed over".dimmed().to_string(),
        })
    }

    fn due(&self, ladder: &Ladder, stage: &StageName) -> String {
        let carries = |draft: &&Draft| {
            let is_it = |line: &Line| {
                line.key.rule == ladder.rule && line.key.subject == ladder.subject && line.key.stage == *stage
            };
            draft.lines.iter().any(is_it)
        };
        let Some(draft) = self.known.explanation.plan.letters.iter().find(carries) else {
            return "due now".green().to_string();
        };
        let when = if draft.not_before > self.known.at {
            format!("due; leaves {}", self.moment(draft.not_before))
        } else {
            "due now".to_owned()
        };
        let mut said = when.green().to_string();
        let people = recipients::people(draft, &self.known.facts, self.of, &self.known.config.settings);
        if let Ok(people) = people {
            let names = |people: &[Person]| {
                people.iter().map(|person| person.address.to_string()).collect::<Vec<_>>().join(", ")
            };
            said = format!("{said}, to {}", names(&people.to));
            if !people.cc.is_empty() {
                said = format!("{said}, copies to {}", names(&people.cc));
            }
        }
        if draft.stage != *stage {
            said = format!("{said}, within {}", draft.stage);
        }
        if draft.approve { format!("{said}; then a person must release it") } else { said }
    }

    /// A moment of ours.
    fn moment(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.known.config.settings.business.zone.clone()).strftime("%F %R").to_string()
    }

    /// "waits until" a moment; a day where it is the beginning of one.
    fn until(&self, at: Timestamp) -> String {
        let theirs = at.to_zoned_datetime(self.of.customer.zone.clone());
        let midnight = theirs.hour() == 0 && theirs.minute() == 0;
        let until = if midnight { theirs.date().to_string() } else { self.moment(at) };
        format!("waits until {until}:")
    }

    pub(super) fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.of.customer.zone.clone()).date()
    }
}
