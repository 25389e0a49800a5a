//! What differs between two rehearsals of the same days.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;

use super::Foresight;
use super::foreseen::{Fate, Foreseen, ForeseenNotice};
use crate::domain::notice::NoticeKey;

/// Letters, or parts of them, that are not as they were.
#[derive(Clone, PartialEq, Debug)]
pub struct Changes<'a> {
    /// In the order of their days.
    pub changes: Vec<Change<'a>>,
    /// Letters that stay as they are.
    pub same: usize,
}

/// The notices that one letter shares with another, or with none.
#[derive(Clone, PartialEq, Debug)]
pub struct Change<'a> {
    /// What becomes of them.
    pub what: What,
    /// Their letter by the other configuration; where they have none there,
    /// by the first.
    pub letter: &'a Foreseen,
    /// Which.
    pub notices: Vec<&'a ForeseenNotice>,
}

/// What becomes of notices.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// They are said by the other configuration alone.
    Appears,
    /// They are said by the first alone.
    Vanishes,
    /// They move to another day.
    Moves {
        /// From this one.
        from: Date,
        /// To that one.
        to: Date,
    },
    /// They move beyond the last day.
    MovesOut {
        /// From this one.
        from: Date,
        /// When they are looked at again.
        not_before: Timestamp,
    },
    /// They move in from beyond the last day.
    MovesIn {
        /// When they would have been looked at.
        not_before: Timestamp,
        /// To that one.
        to: Date,
    },
    /// They keep their day, and are said otherwise.
    Differs(Vec<Difference>),
}

/// What is otherwise about a letter of the same day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What.
    pub what: &'static str,
    /// As it was.
    pub from: String,
    /// As it is.
    pub to: String,
}

/// Finds what differs, notice by notice; those that share their letters on
/// both sides are one change.
#[must_use]
pub fn compare<'a>(one: &'a Foresight, other: &'a Foresight) -> Changes<'a> {
    let (before, after) = (index(&one.letters), index(&other.letters));
    let mut groups: BTreeMap<Pair, Vec<&ForeseenNotice>> = BTreeMap::new();
    for (letter, notice) in notices(&one.letters) {
        groups.entry((Some(letter), after.get(&notice.key).copied())).or_default().push(notice);
    }
    for (letter, notice) in notices(&other.letters).filter(|(_, notice)| !before.contains_key(&notice.key)) {
        groups.entry((None, Some(letter))).or_default().push(notice);
    }
    let mut found = Changes { changes: Vec::new(), same: 0 };
    for (pair, notices) in groups {
        match change(one, other, pair, notices) {
            Some(change) => found.changes.push(change),
            None => found.same += 1,
        }
    }
    found.changes.sort_by_cached_key(|change| {
        let letter = change.letter;
        (change.day(), letter.customer.clone(), letter.rule.clone(), letter.stage.clone())
    });
    found
}

/// A letter of either side, by its place.
type Pair = (Option<usize>, Option<usize>);

fn notices(letters: &[Foreseen]) -> impl Iterator<Item = (usize, &ForeseenNotice)> {
    letters
        .iter()
        .enumerate()
        .flat_map(|(place, letter)| letter.notices.iter().map(move |notice| (place, notice)))
}

fn index(letters: &[Foreseen]) -> HashMap<&NoticeKey, usize> {
    notices(letters).map(|(place, notice)| (&notice.key, place)).collect()
}

fn change<'a>(
    one: &'a Foresight,
    other: &'a Foresight,
    pair: Pair,
    notices: Vec<&'a ForeseenNotice>,
) -> Option<Change<'a>> {
    let later = |side: &Foresight| notices.iter().filter_map(|notice| side.after(&notice.key)).min();
    let (what, letter) =
        match (pair.0.map(|place| &one.letters[place]), pair.1.map(|place| &other.letters[place])) {
            (Some(before), Some(after)) if before.day != after.day => {
                (What::Moves { from: before.day, to: after.day }, after)
            }
            (Some(before), Some(after)) => {
                let differences = differences(before, after);
                if differences.is_empty() {
                    return None;
                }
                (What::Differs(differences), after)
            }
            (Some(before), None) => match later(other) {
                Some(not_before) => (What::MovesOut { from: before.day, not_before }, before),
                None => (What::Vanishes, before),
            },
            (None, Some(after)) => match later(one) {
                Some(not_before) => (What::MovesIn { not_before, to: after.day }, after),
                None => (What::Appears, after),
            },
            (None, None) => return None,
        };
    Some(Change { what, letter, notices })
}

fn differences(before: &Foreseen, after: &Foreseen) -> Vec<Difference> {
    let fate = |letter: &Foreseen| match letter.fate {
        Fate::Leaves => "leaves by itself".to_owned(),
        Fate::Waits(_) => "waits for a person".to_owned(),
    };
    let days = |letter: &Foreseen| letter.deadline.map_or_else(|| "none".to_owned(), |days| days.to_string());
    let sides = [
        ("words", before.stage.to_string(), after.stage.to_string()),
        ("template", before.template.clone(), after.template.clone()),
        ("to", joined(&before.to, &before.roles), joined(&after.to, &after.roles)),
        ("copies", joined(&before.cc, &before.copies), joined(&after.cc, &after.copies)),
        ("class", before.class.to_string(), after.class.to_string()),
        ("deadline", days(before), days(after)),
        ("approval", fate(before), fate(after)),
    ];
    sides
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(what, from, to)| Difference { what, from, to })
        .collect()
}

/// The addresses, or the roles where no address is known yet.
fn joined<A: ToString, R: ToString>(addresses: &[A], roles: &[R]) -> String {
    let words: Vec<String> = if addresses.is_empty() {
        roles.iter().map(R::to_string).collect()
    } else {
        addresses.iter().map(A::to_string).collect()
    };
    if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
}

impl Change<'_> {
    /// The day that it is listed under: where it comes to, or from where it
    /// goes.
    #[must_use]
    pub fn day(&self) -> Date {
        match self.what {
            What::Appears | What::Vanishes | What::Differs(_) => self.letter.day,
            What::Moves { to, .. } => to,
            What::MovesOut { from: day, .. } | What::MovesIn { to: day, .. } => day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::customer::Class;
    use crate::domain::notice::Subject;
    use crate::domain::offset::Offset;
    use crate::domain::rule::Recipient;
    use crate::domain::stop::Stop;
    use crate::engine::observer::candidate;
    use crate::engine::rehearsal::foreseen::Wait;

    fn key(stage: &str, receivable: &str) -> NoticeKey {
        NoticeKey {
            rule: "reminders".into(),
            stage: stage.into(),
            subject: Subject::Receivable(receivable.into()),
            round: "2026-05-01".to_owned(),
            repetition: 0,
        }
    }

    /// A letter of a day in May about some receivables.
    fn letter(on: i8, stage: &str, receivables: &[&str]) -> Foreseen {
        let day = jiff::civil::date(2026, 5, on);
        Foreseen {
            at: Timestamp::UNIX_EPOCH,
            day,
            fate: Fate::Leaves,
            number: None,
            customer: Some("C1".into()),
            name: "Ann".to_owned(),
            to: vec![],
            cc: vec![],
            roles: vec![Recipient::Customer],
            copies: vec![],
            rule: "reminders".into(),
            stage: stage.into(),
            class: Class::Dunning,
            template: stage.to_owned(),
            deadline: None,
            notices: receivables
                .iter()
                .map(|id| ForeseenNotice { key: key(stage, id), leading: true, amount: None })
                .collect(),
            offset: Offset::days(3),
            planned_on: day,
            because: vec![],
        }
    }

    fn foresight(letters: Vec<Foreseen>, later: &[NoticeKey]) -> Foresight {
        let until = Timestamp::UNIX_EPOCH;
        let wait = Wait { why: Stop::NotReached, until: Some(LATER) };
        let waits = later.iter().map(|key| (candidate(key), vec![wait.clone()])).collect();
        Foresight { letters, uncertain: vec![], cancelled: vec![], until, waits }
    }

    const LATER: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn said(one: &Foresight, other: &Foresight) -> Vec<(What, Vec<String>)> {
        let found = compare(one, other);
        let ids =
            |change: &Change<'_>| change.notices.iter().map(|n| n.key.subject.id().to_owned()).collect();
        found.changes.iter().map(|change| (change.what.clone(), ids(change))).collect()
    }

    #[test]
    fn letters_appear_vanish_move_and_differ_notice_by_notice() {
        let day = |on| jiff::civil::date(2026, 5, on);
        let one = foresight(
            vec![
                letter(4, "friendly", &["R1", "R2", "R3"]),
                letter(6, "firm", &["R4"]),
                letter(8, "firm", &["R5"]),
            ],
            &[key("firm", "R6")],
        );
        let mut firm = letter(6, "firm", &["R4"]);
        firm.copies = vec![Recipient::Owner];
        let other = foresight(
            vec![
                letter(4, "friendly", &["R1"]),
                letter(5, "friendly", &["R2", "R3"]),
                firm,
                letter(9, "firm", &["R6"]),
                letter(9, "firm", &["R7"]),
            ],
            &[key("firm", "R5")],
        );
        let copies = Difference { what: "copies", from: "nobody".to_owned(), to: "owner".to_owned() };
        assert_eq!(
            said(&one, &other),
            [
                (What::Moves { from: day(4), to: day(5) }, vec!["R2".to_owned(), "R3".to_owned()]),
                (What::Differs(vec![copies]), vec!["R4".to_owned()]),
                (What::MovesOut { from: day(8), not_before: LATER }, vec!["R5".to_owned()]),
                (What::MovesIn { not_before: LATER, to: day(9) }, vec!["R6".to_owned()]),
                (What::Appears, vec!["R7".to_owned()]),
            ]
        );
        assert_eq!(compare(&one, &other).same, 1);
        assert_eq!(said(&one, &one), []);
        assert!(said(&other, &one).contains(&(What::Vanishes, vec!["R7".to_owned()])));
    }
}
