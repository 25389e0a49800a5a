//! From the keys of a stage to one that makes sense in its rule.

use super::forms::{Many, Spot};
use super::read::Reader;
use super::rule::whole_days;
use super::rule_shape::{RawRepeat, RawStage, RawThen};
use crate::domain::customer::Class;
use crate::domain::ids::StageName;
use crate::domain::offset::{Offset, Unit};
use crate::domain::rule::{Anchor, ReceivableDate, Recipient, Repeat, Stage, Then};

/// How much longer each interval may be than the one before.
const GROWING_MAX: f64 = 10.0;

/// The stage; problems are noted, and what is wrong falls back to something
/// harmless that is never used.
pub(super) fn checked(raw: &RawStage, class: Class, anchor: &Anchor, reader: &mut Reader<'_>) -> Stage {
    check_offset(raw, anchor, reader);
    for given in [&raw.to, &raw.cc].into_iter().flatten() {
        check_recipients(given, class, anchor, reader);
    }
    if raw.to.is_none() && class == Class::Internal {
        let message = format!("stage `{}` would go to the customer, and the class is internal", raw.stage.0);
        reader.error(&raw.stage.at, message, "say who of your own people gets it: `to: [owner]`");
    }
    let deadline = raw.deadline.as_ref().and_then(|span| whole_days(span, "`deadline`", reader));
    Stage {
        name: StageName::new(raw.stage.0.as_str()),
        at: raw.at.value,
        template: raw.template.0.clone(),
        to: raw.to.as_ref().map_or_else(|| vec![Recipient::Customer], recipients),
        cc: raw.cc.as_ref().map(recipients).unwrap_or_default(),
        deadline: deadline.map(Offset::days),
        approve: raw.approve.as_ref().is_some_and(|approve| approve.value),
        repeat: raw.repeat.as_ref().map(|repeat| checked_repeat(repeat, raw, class, anchor, reader)),
    }
}

fn recipients(given: &Many<Spot<Recipient>>) -> Vec<Recipient> {
    given.items.iter().map(|recipient| recipient.value.clone()).collect()
}

fn check_offset(raw: &RawStage, anchor: &Anchor, reader: &mut Reader<'_>) {
    let (at, offset) = (&raw.at.at, raw.at.value);
    let before = offset.count < 0;
    match anchor {
        Anchor::Calendar if offset != Offset::days(0) => {
            let message = format!("`{}`: the schedule says when a calendar rule writes", reader.text(at));
            reader.error(at, message, "write `at: 0d`");
        }
        Anchor::Receivable(_) | Anchor::Payment if offset.is_instant() => {
            let message = format!(
                "`{}` counts from a moment, and `{anchor}` is a day without an hour",
                reader.text(at)
            );
            reader.error(at, message, "count in d, bd, mo or y; minutes and hours are for event.… anchors");
        }
        Anchor::Receivable(ReceivableDate::SettledOn) | Anchor::Payment if before => {
            let message = format!("`{}` lies before the payment, which nobody knows ahead", reader.text(at));
            reader.error(at, message, "write 0d or later");
        }
        Anchor::Receivable(ReceivableDate::PromisedOn) if before => {
            let message =
                format!("`{}` lies before the day of a promise, which is not broken then", reader.text(at));
            reader.error(at, message, "write 0d or later");
        }
        Anchor::Event(_) if before => {
            let message =
                format!("`{}` lies before the event, which is recorded afterwards", reader.text(at));
            reader.error(at, message, "write 0d or later");
        }
        Anchor::Calendar | Anchor::Receivable(_) | Anchor::Payment | Anchor::Event(_) => {}
    }
}

fn check_recipients(given: &Many<Spot<Recipient>>, class: Class, anchor: &Anchor, reader: &mut Reader<'_>) {
    for (index, recipient) in given.items.iter().enumerate() {
        if given.items[..index].iter().any(|other| other.value == recipient.value) {
            reader.error(
                &recipient.at,
                format!("`{}` is named twice", recipient.value),
                "name everybody once",
            );
        }
        if class == Class::Internal && recipient.value == Recipient::Customer {
            let message = "class `internal` never writes to the customer";
            reader.error(
                &recipient.at,
                message,
                "name owner, manager or an address; or choose another class",
            );
        }
        if recipient.value == Recipient::Guarantor && matches!(anchor, Anchor::Event(_) | Anchor::Calendar) {
            let message = format!("only a receivable has a guarantor, and `{anchor}` is not about one");
            reader.error(&recipient.at, message, "name customer, owner, manager or an address");
        }
    }
}

fn checked_repeat(
    raw: &RawRepeat,
    stage: &RawStage,
    class: Class,
    anchor: &Anchor,
    reader: &mut Reader<'_>,
) -> Repeat {
    check_every(raw, anchor, reader);
    check_end(raw, stage, class, reader);
    let growing = raw.growing.as_ref().map_or(1.0, |growing| growing.value);
    if let Some(given) = raw.growing.as_ref().filter(|_| !(1.0..=GROWING_MAX).contains(&growing)) {
        let hint = "1 keeps the interval, 1.5 makes each half as long again";
        reader.error(&given.at, format!("`growing: {growing}` is not between 1 and {GROWING_MAX}"), hint);
    }
    Repeat {
        every: raw.every.value,
        growing,
        until: raw.until.as_ref().map(|until| until.0.clone()),
        at_most: raw.at_most.as_ref().map(|most| most.value),
        then: raw.then.as_ref().map(|then| checked_then(then, class, anchor, reader)),
    }
}

fn checked_then(raw: &RawThen, class: Class, anchor: &Anchor, reader: &mut Reader<'_>) -> Then {
    check_recipients(&raw.to, class, anchor, reader);
    Then { to: recipients(&raw.to), template: raw.template.0.clone() }
}

fn check_every(raw: &RawRepeat, anchor: &Anchor, reader: &mut Reader<'_>) {
    let every = &raw.every;
    let calendar_units = matches!(every.unit, Unit::Days | Unit::Months | Unit::Years);
    if !calendar_units || every.count < 1 {
        let message = format!("`every: {}` is not an interval between letters", reader.text(&every.at));
        reader.error(&every.at, message, "write days, months or years, like 14d, 1mo or 1y");
    } else if *anchor == Anchor::Calendar {
        let message = "a calendar rule repeats by its schedule";
        reader.error(&every.at, message, "leave `repeat` out");
    }
    if let Some(growing) = &raw.growing
        && every.unit != Unit::Days
    {
        let hint = "write `every` in d, or leave `growing` out";
        reader.error(&growing.at, "`growing` needs an interval in days", hint);
    }
}

/// A repetition must end somewhere, unless the claim's settlement ends it.
fn check_end(raw: &RawRepeat, stage: &RawStage, class: Class, reader: &mut Reader<'_>) {
    if let Some(at_most) = raw.at_most.as_ref().filter(|at_most| at_most.value == 0) {
        let hint = "it counts the first letter too; leave `repeat` out for one letter only";
        reader.error(&at_most.at, "`at_most: 0` would send nothing", hint);
    }
    if let (Some(then), None) = (&raw.then, &raw.at_most) {
        let hint = "add `at_most`, or leave `then` out";
        reader.error(
            &then.template.at,
            "`then` follows the last letter, and without `at_most` there is none",
            hint,
        );
    }
    let endless = raw.until.is_none() && raw.at_most.is_none();
    if endless && matches!(class, Class::Courtesy | Class::Marketing) {
        let message = format!("stage `{}` is repeated for ever", stage.stage.0);
        reader.warning(&raw.every.at, message, "add `until: event.…` or `at_most: …`");
    }
}
