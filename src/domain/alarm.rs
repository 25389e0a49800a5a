//! What the operator is told at once, and not only in the digest of the day:
//! troubles of the installation, each once and then again at long intervals.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::halt::{Halt, UNUSUAL};
use super::ids::{LetterId, RuleName, StageName};
use super::notice::LetterState;

/// How far apart letters of alarm are, whatever happens.
const APART: SignedDuration = SignedDuration::from_mins(15);
/// A mail server that is away for less is no news.
const MAIL_PATIENCE: SignedDuration = SignedDuration::from_mins(15);
/// How often a trouble that lasts is told again.
const AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// How often the end of a calendar is.
const CALENDAR_AGAIN: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A trouble.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Alarm {
    /// Nothing leaves.
    Hold(Halt),
    /// The mail server takes no letters, and why.
    MailServer(String),
    /// A reload was refused, and why.
    Config(Vec<String>),
    /// A letter that nobody expected to wait for a person.
    Letter(Parked),
    /// So many letters are held for being far more than usual.
    Unusual(u32),
    /// Reminders wait because payments were last read then, or never.
    StaleData(Option<Timestamp>),
    /// A calendar of working days ends.
    Calendar {
        /// Its file.
        file: String,
        /// Its last day.
        ends_on: jiff::civil::Date,
    },
}

/// A letter that waits for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parked {
    /// Which.
    pub letter: LetterId,
    /// Held or uncertain.
    pub state: LetterState,
    /// By which rule.
    pub rule: RuleName,
    /// At which stage.
    pub stage: StageName,
    /// Whose.
    pub customer: String,
    /// Why.
    pub reason: String,
}

impl Parked {
    /// Whether it waits because something is wrong, and not because somebody
    /// wanted it so.
    #[must_use]
    pub fn is_trouble(&self) -> bool {
        let wanted =
            ["approval", "awaiting approval", "held by "].iter().any(|why| self.reason.starts_with(why));
        self.state == LetterState::Uncertain || !(wanted || self.is_unusual())
    }

    /// Whether it waits because the day brings far more than usual.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.state == LetterState::Held && self.reason.starts_with(UNUSUAL)
    }
}

impl Alarm {
    /// What makes it the same one.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Hold(halt) => format!("HOLD {}", halt.name()),
            Self::MailServer(_) => "mail server".to_owned(),
            Self::Config(_) => "configuration".to_owned(),
            Self::Letter(parked) => format!("letter {}", parked.letter),
            Self::Unusual(_) => "unusual volume".to_owned(),
            Self::StaleData(_) => "stale data".to_owned(),
            Self::Calendar { file, .. } => format!("calendar {file}"),
        }
    }

    /// How long it must last to be told.
    fn patience(&self) -> SignedDuration {
        match self {
            Self::MailServer(_) => MAIL_PATIENCE,
            Self::Hold(_)
            | Self::Config(_)
            | Self::Letter(_)
            | Self::Unusual(_)
            | Self::StaleData(_)
            | Self::Calendar { .. } => SignedDuration::ZERO,
        }
    }

    /// After how long it is told again; the digest names each waiting letter
    /// anyway.
    fn again(&self) -> Option<SignedDuration> {
        match self {
            Self::Letter(_) => None,
            Self::Calendar { .. } => Some(CALENDAR_AGAIN),
            Self::Hold(_) | Self::MailServer(_) | Self::Config(_) | Self::Unusual(_) | Self::StaleData(_) => {
                Some(AGAIN)
            }
        }
    }
}

/// What was told, and when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Book {
    /// By [`Alarm::key`].
    pub told: BTreeMap<String, Timestamp>,
    since: BTreeMap<String, Timestamp>,
    tried_at: Option<Timestamp>,
}

impl Book {
    /// With what was told before.
    #[must_use]
    pub fn remembering(told: BTreeMap<String, Timestamp>) -> Self {
        Self { told, ..Self::default() }
    }

    /// Those of the troubles there are that are to be told now; asking counts
    /// as an attempt to tell them.
    pub fn due(&mut self, alarms: Vec<Alarm>, now: Timestamp) -> Vec<Alarm> {
        let keys: Vec<String> = alarms.iter().map(Alarm::key).collect();
        self.since.retain(|key, _| keys.contains(key));
        // What comes and goes is not told each time it comes.
        self.told.retain(|key, at| keys.contains(key) || distance(now, *at) < AGAIN);
        let due: Vec<Alarm> = alarms.into_iter().filter(|alarm| self.is_due(alarm, now)).collect();
        if due.is_empty() || self.tried_at.is_some_and(|tried| distance(now, tried) < APART) {
            return Vec::new();
        }
        self.tried_at = Some(now);
        due
    }

    fn is_due(&mut self, alarm: &Alarm, now: Timestamp) -> bool {
        let since = *self.since.entry(alarm.key()).or_insert(now);
        if distance(now, since) < alarm.patience() {
            return false;
        }
        match (self.told.get(&alarm.key()), alarm.again()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(told), Some(again)) => distance(now, *told) >= again,
        }
    }

    /// Notes that these were told.
    pub fn note(&mut self, alarms: &[Alarm], now: Timestamp) {
        self.told.extend(alarms.iter().map(|alarm| (alarm.key(), now)));
    }
}

/// A clock that goes back is one of the troubles.
fn distance(now: Timestamp, then: Timestamp) -> SignedDuration {
    now.duration_since(then).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    fn letter(number: i64, reason: &str) -> Parked {
        Parked {
            letter: LetterId(number),
            state: LetterState::Held,
            rule: "reminders".into(),
            stage: "firm".into(),
            customer: "Ann".to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn each_is_told_once_and_again_after_a_day_and_never_within_minutes_of_another() {
        let mut book = Book::default();
        let config = || Alarm::Config(vec!["a typo".to_owned()]);
        let stale = || Alarm::StaleData(None);
        assert_eq!(book.due(vec![config()], at(0)), [config()]);
        // Not told, as the mail server was away: tried again, but not at once.
        assert_eq!(book.due(vec![config()], at(1)), []);
        assert_eq!(book.due(vec![config()], at(15)), [config()]);
        book.note(&[config()], at(15));
        assert_eq!(book.due(vec![config(), stale()], at(16)), [], "one letter a while");
        assert_eq!(book.due(vec![config(), stale()], at(30)), [stale()]);
        book.note(&[stale()], at(30));
        // Gone and back within the day is no news.
        assert_eq!(book.due(vec![], at(60)), []);
        assert_eq!(book.due(vec![config()], at(90)), []);
        assert_eq!(book.due(vec![config()], at(15 + 24 * 60)), [config()]);
    }

    #[test]
    fn a_mail_server_that_is_back_soon_is_no_news_and_a_letter_is_told_of_once() {
        let mut book = Book::default();
        let mail = || Alarm::MailServer("refused".to_owned());
        assert_eq!(book.due(vec![mail()], at(0)), []);
        assert_eq!(book.due(vec![], at(5)), []);
        assert_eq!(book.due(vec![mail()], at(10)), []);
        assert_eq!(book.due(vec![mail()], at(25)), [mail()]);
        let parked = || Alarm::Letter(letter(7, "the template stumbles"));
        assert_eq!(book.due(vec![parked()], at(60)), [parked()]);
        book.note(&[parked()], at(60));
        assert_eq!(book.due(vec![parked()], at(60 * 24 * 100)), []);
    }

    #[test]
    fn what_somebody_wanted_to_wait_is_no_trouble() {
        for (reason, trouble) in [
            ("approval", false),
            ("awaiting approval", false),
            ("held by ann: a moment", false),
            ("unusual volume (2 letters in a day, 1 is the limit)", false),
            ("550 5.7.1 no", true),
        ] {
            assert_eq!(letter(1, reason).is_trouble(), trouble, "{reason}");
        }
    }
}
