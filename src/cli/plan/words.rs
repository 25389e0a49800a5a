//! What a plan says of a letter, in words.

use std::io;

use jiff::civil::Date;

use super::Days;
use crate::cli::screen::Screen;
use crate::cli::table::wrapped;
use crate::domain::ids::CustomerId;
use crate::domain::money::Totals;
use crate::domain::rule::Recipient;
use crate::domain::stop::Stop;
use crate::engine::rehearsal::foreseen::{Because, Fate, Foreseen};

/// How many claims are named of a letter.
const NAMED: usize = 3;

/// A sentence, kept to the width of a terminal.
pub(super) fn say(text: &str, screen: &mut Screen) -> io::Result<()> {
    let room = screen.width().unwrap_or(usize::MAX);
    wrapped(text, room).into_iter().try_for_each(|line| screen.say(line))
}

/// What the plan is about.
pub(super) fn heading(days: &Days) -> String {
    let began = days.began_at.to_zoned_datetime(days.zone.clone());
    let count =
        if days.count == 1 { "one day".to_owned() } else { format!("{} days", number(days.count.into())) };
    format!(
        "From {} on, {count}, to {}: if nobody pays, nothing new happens and nobody releases what waits.",
        began.strftime("%a %F %R %Q"),
        day(days.last()),
    )
}

/// `Sat 2026-11-28`.
pub(super) fn day(date: Date) -> String {
    date.strftime("%a %F").to_string()
}

/// `payment-reminders/firm`.
pub(super) fn rule_and_stage(letter: &Foreseen) -> String {
    format!("{}/{}", letter.rule, letter.stage)
}

/// `C001 Ann's Bakery`; for a letter to others, to whom about whom.
pub(super) fn to(letter: &Foreseen) -> String {
    let customer = letter.customer.as_ref().map(CustomerId::as_str);
    let about = customer.map_or_else(String::new, |id| format!("{id} {}", letter.name));
    if letter.roles.contains(&Recipient::Customer) {
        return about;
    }
    let people: Vec<String> = if letter.to.is_empty() {
        letter.roles.iter().map(ToString::to_string).collect()
    } else {
        letter.to.iter().map(ToString::to_string).collect()
    };
    let people = people.join(", ");
    if about.is_empty() { people } else { format!("{people}, about {about}") }
}

/// `INV-1, INV-2, +3`: what it is about.
pub(super) fn about(letter: &Foreseen) -> String {
    let subjects: Vec<&str> = letter.leading().map(|notice| notice.key.subject.id()).collect();
    let mut said = subjects.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if subjects.len() > NAMED {
        said.push_str(", +");
        said.push_str(&number(subjects.len() - NAMED));
    }
    said
}

/// One line that says why it falls on its day.
pub(super) fn why(letter: &Foreseen) -> String {
    let mut parts = Vec::new();
    if letter.because.is_empty() {
        parts.push(format!("on its day ({})", letter.offset));
    } else if letter.day == letter.planned_on {
        parts.push(letter.offset.to_string());
    } else {
        parts.push(format!("planned for {} ({})", day(letter.planned_on), letter.offset));
    }
    parts.extend(letter.because.iter().map(reason));
    if let Fate::Waits(why) = &letter.fate {
        parts.push(format!("waits for a person: {why}"));
    }
    parts.join("; ")
}

/// What moved it.
fn reason(because: &Because) -> String {
    match because {
        Because::InOutbox(since) => format!("in the outbox since {}", day(*since)),
        Because::CatchingUp => "that day had passed".to_owned(),
        Because::Closed(on) => format!("no letters leave on {}", day(*on)),
        Because::Hours => "after the hours of that day".to_owned(),
        Because::Kept(why, until) => {
            let until = until.map(|until| format!(" until {}", day(until))).unwrap_or_default();
            match why {
                Stop::Spacing => format!("keeps its distance from what went before{until}"),
                Stop::Budget => format!("the customer's budget was used{until}"),
                Stop::RuleCap => format!("the rule's `per_customer` was used{until}"),
                Stop::MinGap(rule) => format!("`min_gap` to a letter of {rule}{until}"),
                Stop::NotLooking => format!("its schedule did not look{until}"),
                Stop::PassCap => "more were due than a day may bring (`letters.per_rule`)".to_owned(),
                Stop::OnHold(_) => format!("on hold{until}"),
                Stop::Promised(_) => format!("promised{until}"),
                other => format!("{other}{until}"),
            }
        }
    }
}

/// `1200.00 CNY + 30.00 EUR`.
pub(super) fn money(totals: &Totals) -> String {
    totals.iter().map(|money| money.to_string()).collect::<Vec<_>>().join(" + ")
}

/// `12,345`.
pub(super) fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        let shown: Vec<String> = [0, 7, 123, 1_234, 12_345, 123_456, 1_234_567].map(number).into();
        assert_eq!(shown, ["0", "7", "123", "1,234", "12,345", "123,456", "1,234,567"]);
    }
}
