//! Two plans of the same days, in the manner of a diff.

use std::collections::BTreeMap;

use jiff::Timestamp;
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::words::{self, day, money, number};
use super::{Days, page};
use crate::cli::screen::Screen;
use crate::cli::table::{Cell, Tone};
use crate::domain::money::Totals;
use crate::engine::rehearsal::Foresight;
use crate::engine::rehearsal::changes::{Change, Changes, What, compare};

/// The two, and what they were made by.
pub(super) struct Page<'a> {
    pub(super) one: &'a Foresight,
    pub(super) two: &'a Foresight,
    /// The configuration of each.
    pub(super) files: [String; 2],
    /// Which rules differ.
    pub(super) rules: String,
    pub(super) days: &'a Days,
    pub(super) limit: usize,
    pub(super) notes: Vec<String>,
}

impl Page<'_> {
    /// The summary, then the changes, at most as many as are asked for.
    pub(super) fn show(&self, screen: &mut Screen) -> anyhow::Result<()> {
        let found = compare(self.one, self.two);
        words::say(&words::heading(self.days), screen)?;
        screen.say("")?;
        screen.result(format_args!("{} {}", "---".red(), self.files[0]))?;
        screen.result(format_args!("{} {}", "+++".green(), self.files[1]))?;
        screen.result(format_args!("{}\n", self.rules))?;
        if !found.changes.is_empty() {
            screen.table(["rule/stage", "+", "-", "~", "*"], by_stage(&found))?;
            screen.result("")?;
            let rows = found.changes.iter().take(self.limit).map(|change| self.row(change)).collect();
            screen.table(["", "day", "to", "rule/stage", "amount", "what"], rows)?;
        }
        screen.say(total(&found, self.limit))?;
        for note in &self.notes {
            screen.note(format_args!("note: {note}"))?;
        }
        Ok(())
    }

    fn row(&self, change: &Change<'_>) -> [Cell; 6] {
        let letter = change.letter;
        let amounts: Totals = change.notices.iter().filter_map(|notice| notice.amount).collect();
        let (on, what) = match &change.what {
            What::Appears | What::Vanishes => (day(letter.day), words::why(letter)),
            What::Moves { from, to } => (day(*to), format!("from {}: {}", day(*from), words::why(letter))),
            What::MovesOut { from, not_before } => {
                (day(*from), format!("beyond the last day, not before {}", self.day_of(*not_before)))
            }
            What::MovesIn { not_before, to } => {
                (day(*to), format!("from beyond the last day, not before {}", self.day_of(*not_before)))
            }
            What::Differs(differences) => {
                let said: Vec<String> = differences
                    .iter()
                    .map(|difference| {
                        format!("{}: {} -> {}", difference.what, difference.from, difference.to)
                    })
                    .collect();
                (day(letter.day), said.join("; "))
            }
        };
        let tone = match sign(&change.what) {
            '+' => Tone::Good,
            '-' => Tone::Bad,
            _ => Tone::Warning,
        };
        [
            sign(&change.what).to_string(),
            on,
            words::to(letter),
            words::rule_and_stage(letter),
            money(&amounts),
            what,
        ]
        .map(|text| Cell::new(&text, tone))
    }

    fn day_of(&self, at: Timestamp) -> String {
        day(at.to_zoned_datetime(self.days.zone.clone()).date())
    }

    /// Everything.
    pub(super) fn as_json(&self) -> Value {
        let found = compare(self.one, self.two);
        json!({
            "from": self.days.began_at.to_string(),
            "first_day": self.days.first().to_string(),
            "last_day": self.days.last().to_string(),
            "assumes": ["nobody pays", "nothing new happens", "nobody releases what waits"],
            "one": self.files[0],
            "other": self.files[1],
            "rules": self.rules,
            "changes": found.changes.iter().map(as_json).collect::<Vec<_>>(),
            "same": found.same,
            "notes": self.notes,
        })
    }
}

/// `+` appears, `-` vanishes, `~` moves, `*` is said otherwise.
fn sign(what: &What) -> char {
    match what {
        What::Appears => '+',
        What::Vanishes => '-',
        What::Moves { .. } | What::MovesOut { .. } | What::MovesIn { .. } => '~',
        What::Differs(_) => '*',
    }
}

const SIGNS: [char; 4] = ['+', '-', '~', '*'];

fn by_stage(found: &Changes<'_>) -> Vec<[String; 5]> {
    let mut stages: BTreeMap<String, [usize; 4]> = BTreeMap::new();
    for change in &found.changes {
        let counts = stages.entry(words::rule_and_stage(change.letter)).or_default();
        for (count, _) in counts.iter_mut().zip(SIGNS).filter(|(_, of)| *of == sign(&change.what)) {
            *count += 1;
        }
    }
    let shown = |count: usize| if count == 0 { String::new() } else { number(count) };
    let row = |(stage, [plus, minus, moved, other]): (String, [usize; 4])| {
        [stage, shown(plus), shown(minus), shown(moved), shown(other)]
    };
    stages.into_iter().map(row).collect()
}

fn total(found: &Changes<'_>, limit: usize) -> String {
    let same = number(found.same);
    if found.changes.is_empty() {
        return format!("Nothing changes in these days; letters that stay as they are: {same}");
    }
    let of =
        |wanted: char| number(found.changes.iter().filter(|change| sign(&change.what) == wanted).count());
    let said = format!(
        "\nappear: {}, vanish: {}, move: {}, are said otherwise: {}; stay as they are: {same}",
        of('+'),
        of('-'),
        of('~'),
        of('*')
    );
    if found.changes.len() > limit {
        let all = number(found.changes.len());
        return format!(
            "{said}\nThese are the first {} of {all} changes; --limit 0 lists all, --customer and --rule fewer.",
            number(limit)
        );
    }
    said
}

fn as_json(change: &Change<'_>) -> Value {
    let (what, before, after, not_before) = match &change.what {
        What::Appears => ("appears", None, Some(change.letter.day), None),
        What::Vanishes => ("vanishes", Some(change.letter.day), None, None),
        What::Moves { from, to } => ("moves", Some(*from), Some(*to), None),
        What::MovesOut { from, not_before } => ("moves out", Some(*from), None, Some(*not_before)),
        What::MovesIn { not_before, to } => ("moves in", None, Some(*to), Some(*not_before)),
        What::Differs(_) => ("differs", Some(change.letter.day), Some(change.letter.day), None),
    };
    let differences: Vec<Value> = match &change.what {
        What::Differs(differences) => differences
            .iter()
            .map(|one| json!({ "what": one.what, "from": one.from, "to": one.to }))
            .collect(),
        What::Appears
        | What::Vanishes
        | What::Moves { .. }
        | What::MovesOut { .. }
        | What::MovesIn { .. } => vec![],
    };
    json!({
        "change": what,
        "before": before.map(|day| day.to_string()),
        "after": after.map(|day| day.to_string()),
        "not_before": not_before.map(|at| at.to_string()),
        "differences": differences,
        "notices": change.notices.iter().map(|notice| notice.key.to_string()).collect::<Vec<_>>(),
        "letter": page::as_json(change.letter),
    })
}
