//! What only shows when a rule is read as a whole, beside the other rules
//! and the settings: that it can never write, that its letters always come
//! too late, that two write to the same people on the same day.

use jiff::civil::Date;

use super::read::Reader;
use super::rule::LoadedRule;
use crate::domain::customer::Class;
use crate::domain::overlap;
use crate::domain::rule::{Anchor, ReceivableDate, Stage};
use crate::domain::settings::Settings;
use crate::problem::Problem;

/// Notes what is odd about each rule under these settings, and about every
/// two of them.
pub(super) fn check(rules: &[LoadedRule], settings: &Settings, problems: &mut Vec<Problem>) {
    for (index, loaded) in rules.iter().enumerate() {
        let reader = &mut Reader { source: &loaded.source, problems };
        check_promises(loaded, settings, reader);
        check_looks(loaded, settings, reader);
        for other in &rules[..index] {
            check_pair(other, loaded, reader);
        }
    }
}

/// Promises beyond the limits count as none, so none of them is broken.
fn check_promises(loaded: &LoadedRule, settings: &Settings, reader: &mut Reader<'_>) {
    let at_most = settings.promises.at_most;
    let asked = loaded.rule.audience.broken_promises_at_least.unwrap_or_default();
    let about_promises = loaded.rule.anchor == Anchor::Receivable(ReceivableDate::PromisedOn);
    let (key, least): (&[&str], u32) = if asked > at_most {
        (&["where", "broken_promises_at_least"], asked)
    } else if about_promises && at_most == 0 {
        (&["anchor"], 1)
    } else {
        return;
    };
    let broken = if least == 1 { "a broken promise".to_owned() } else { format!("{least} broken promises") };
    let message =
        format!("the rule writes to nobody: no claim has {broken} where `promises.at_most` is {at_most}");
    reader.warning(&loaded.at(key), message, "ask for less here, or raise it in courtesy.yaml");
}

/// A rule that looks seldom, or after hours, comes too late.
fn check_looks(loaded: &LoadedRule, settings: &Settings, reader: &mut Reader<'_>) {
    let rule = &loaded.rule;
    let Some(schedule) = rule.schedule.as_ref().filter(|_| rule.anchor != Anchor::Calendar) else { return };
    let at = loaded.at(&["schedule"]);
    let days = schedule.days();
    let apart = |(one, other): (&Date, &Date)| other.duration_since(*one).as_hours() / 24;
    let gap = days.iter().zip(days.iter().skip(1)).map(apart).max().unwrap_or_default();
    if let Some(stale_after) = rule.stale_after.filter(|stale_after| gap > i64::from(*stale_after)) {
        let message = format!(
            "the rule looks up to {gap} days apart, and its letters are stale after {stale_after}: some are never sent"
        );
        reader.warning(&at, message, "let it look more often, or raise `stale_after`");
    }
    let on_the_day = |stage: &&Stage| stage.at.count == 0 && stage.concerns_customer();
    let due_on = rule.anchor == Anchor::Receivable(ReceivableDate::DueOn);
    if let Some(stage) = rule.stages.iter().find(on_the_day).filter(|_| due_on)
        && let (Some(until), Some(looks)) = (settings.letters.hours.until, schedule.earliest())
        && looks >= until
    {
        let time = |time: jiff::civil::Time| time.strftime("%H:%M").to_string();
        let message = format!(
            "stage `{}` is for the day itself, and the rule looks at {}, when the hours of that day are over ({})",
            stage.name,
            time(looks),
            time(until)
        );
        reader.warning(&at, message, "let it look earlier, or open `letters.hours` longer");
    }
}

fn check_pair(first: &LoadedRule, second: &LoadedRule, reader: &mut Reader<'_>) {
    let pairs = overlap::on_the_same_day(&first.rule, &second.rule);
    let Some((one, other)) = pairs.first() else { return };
    let more = match pairs.len() - 1 {
        0 => String::new(),
        1 => ", and one stage more".to_owned(),
        more => format!(", and {more} stages more"),
    };
    let message = format!(
        "stage `{}` writes to the same customers on the same day as `{}/{}`{more}",
        other.name, first.rule.name, one.name
    );
    let dunning = [first, second].iter().all(|loaded| loaded.rule.class == Class::Dunning);
    let follows = if dunning { "`dunning.min_gap`" } else { "the budget" };
    let line = first.source.line(first.stage_at(&one.name).start);
    let hint = format!(
        "{follows} lets one of them go and keeps the other back. Tell them apart by `where` and `unless`, or move \
         one; the first is in {}, line {line}",
        first.source.file.display()
    );
    reader.warning(&second.stage_at(&other.name), message, hint);
}
