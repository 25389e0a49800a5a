//! From the keys of `courtesy.yaml` to the settings of those who use them.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::courtesy_shape::{
    RawBusiness, RawDunning, RawHours, RawLetters, RawLimitation, RawOnUncertain, RawPeople, RawPromises,
    Restart, WhoseClock,
};
use super::forms::Spot;
use super::guards;
use super::read::Reader;
use crate::domain::calendar::{Calendars, Hours};
use crate::domain::offset::{Offset, Unit};
use crate::domain::receivable::Kind;
use crate::domain::settings::{
    Budget, Business, DunningSettings, LetterSettings, LimitationSettings, PromiseSettings, UncertainSettings,
};

/// A pass of more would hold the store for too long.
const PER_PASS_MAX: u32 = 1_000_000;

/// The value, or what stands for it where nothing was said.
pub(super) fn or<T: Clone>(given: Option<&Spot<T>>, default: T) -> T {
    given.map_or(default, |spot| spot.value.clone())
}

/// Who the business is; the calendars come from files of their own.
pub(super) fn business(raw: &RawBusiness, people: &RawPeople, calendars: Calendars) -> Business {
    Business {
        name: raw.name.value.clone(),
        locale: raw.locale.as_ref().map_or_else(|| "en".to_owned(), |locale| locale.0.clone()),
        zone: or(raw.timezone.as_ref(), TimeZone::UTC),
        calendars,
        manager: people.manager.as_ref().map(|manager| manager.value.clone()),
        operator: people.operator.value.clone(),
    }
}

/// When and how often letters leave.
pub(super) fn letters(raw: Option<&RawLetters>, reader: &mut Reader<'_>) -> LetterSettings {
    let per_pass = raw.and_then(|raw| raw.per_pass.as_ref());
    if let Some(given) = per_pass.filter(|given| !(1..=PER_PASS_MAX).contains(&given.value)) {
        let message = format!("`per_pass: {}` is not between 1 and {PER_PASS_MAX}", given.value);
        reader.error(&given.at, message, "500 is a good start");
    }
    LetterSettings {
        hours: hours(raw.and_then(|raw| raw.hours.as_ref()), reader),
        per_customer: or(raw.and_then(|raw| raw.per_customer.as_ref()), Budget { letters: 1, days: 2 }),
        moments: or(raw.and_then(|raw| raw.moments.as_ref()), Budget { letters: 1, days: 1 }),
        per_pass: or(per_pass, 500),
        per_rule: guards::per_rule(raw.and_then(|raw| raw.per_rule.as_ref()), reader),
        unusual: guards::unusual(raw.and_then(|raw| raw.unusual.as_ref()), reader),
    }
}

fn hours(raw: Option<&RawHours>, reader: &mut Reader<'_>) -> Hours {
    let from = raw.and_then(|raw| raw.from.as_ref());
    let until = raw.and_then(|raw| raw.until.as_ref());
    if let Some(given) = from.filter(|given| given.0.is_none()) {
        reader.error(&given.at, "`from: 24:00` leaves no hour to write in", "write a time before `until`");
    }
    let start = from.map_or(Some(Time::constant(9, 0, 0, 0)), |given| given.0).unwrap_or(Time::midnight());
    let end = until.map_or(Some(Time::constant(18, 0, 0, 0)), |given| given.0);
    if let (Some(place), Some(end)) = (until.map(|given| &given.at).or(from.map(|given| &given.at)), end)
        && start >= end
    {
        let shown = |time: Time| time.strftime("%H:%M").to_string();
        let message = format!("the hours end ({}) before they begin ({})", shown(end), shown(start));
        reader.error(place, message, "`until` must be later than `from`; \"24:00\" is the end of the day");
    }
    Hours {
        from: start,
        until: end,
        days: or(raw.and_then(|raw| raw.days.as_ref()), crate::domain::calendar::Days::Business),
        of_customer: or(raw.and_then(|raw| raw.timezone.as_ref()), WhoseClock::Customer)
            == WhoseClock::Customer,
    }
}

/// How reminders keep their distance.
pub(super) fn dunning(raw: Option<&RawDunning>, reader: &mut Reader<'_>) -> DunningSettings {
    let min_gap = raw.and_then(|raw| raw.min_gap.as_ref());
    let resume_after = raw.and_then(|raw| raw.resume_after.as_ref());
    check_span(min_gap, "`min_gap`", &[Unit::Days], "5d, in whole days", reader);
    check_span(resume_after, "`resume_after`", &[Unit::Days, Unit::BusinessDays], "3d or 3bd", reader);
    DunningSettings {
        min_gap: or(min_gap, Offset::days(5)),
        resume_after: or(resume_after, Offset { count: 3, unit: Unit::BusinessDays }),
        due_on_closed_day: raw
            .and_then(|raw| raw.due_on_closed_day.as_ref())
            .map(|given| given.value)
            .unwrap_or_default(),
    }
}

/// How far a promise carries.
pub(super) fn promises(raw: Option<&RawPromises>, reader: &mut Reader<'_>) -> PromiseSettings {
    let longest = raw.and_then(|raw| raw.longest.as_ref());
    let grace = raw.and_then(|raw| raw.grace.as_ref());
    let units = [Unit::Days, Unit::BusinessDays, Unit::Months];
    check_span(longest, "`longest`", &units, "30d or 1mo", reader);
    check_span(grace, "`grace`", &units[..2], "2d or 2bd", reader);
    PromiseSettings {
        at_most: or(raw.and_then(|raw| raw.at_most.as_ref()), 2),
        longest: or(longest, Offset::days(30)),
        grace: or(grace, Offset { count: 2, unit: Unit::BusinessDays }),
    }
}

/// After how long claims become time-barred.
pub(super) fn limitation(raw: Option<&RawLimitation>, reader: &mut Reader<'_>) -> LimitationSettings {
    let Some(raw) = raw else { return LimitationSettings::default() };
    let given = [
        (Kind::Invoice, &raw.invoice),
        (Kind::Prepayment, &raw.prepayment),
        (Kind::Deposit, &raw.deposit),
        (Kind::Balance, &raw.balance),
        (Kind::Instalment, &raw.instalment),
        (Kind::PromissoryNote, &raw.promissory_note),
    ];
    let mut periods = Vec::new();
    for (kind, period) in given.into_iter().filter_map(|(kind, given)| Some((kind, given.as_ref()?))) {
        check_span(Some(period), "a period of limitation", &[Unit::Months, Unit::Years], "3y or 6mo", reader);
        periods.push((kind, period.value));
    }
    let by =
        |what: Restart| raw.restart_by.iter().flat_map(|many| &many.items).any(|word| word.value == what);
    LimitationSettings {
        periods,
        by_acknowledgement: by(Restart::Acknowledgement),
        by_part_payment: by(Restart::PartPayment),
        by_demand: by(Restart::Demand),
    }
}

/// What becomes of letters of which nobody can know whether they arrived.
pub(super) fn on_uncertain(raw: Option<&RawOnUncertain>) -> UncertainSettings {
    let default = UncertainSettings::default();
    let Some(raw) = raw else { return default };
    UncertainSettings {
        dunning: or(raw.dunning.as_ref(), default.dunning),
        courtesy: or(raw.courtesy.as_ref(), default.courtesy),
        marketing: or(raw.marketing.as_ref(), default.marketing),
        internal: or(raw.internal.as_ref(), default.internal),
    }
}

/// How old the data may be.
pub(super) fn max_data_age(raw: Option<&Spot<Offset>>, reader: &mut Reader<'_>) -> Option<Offset> {
    let units = [Unit::Hours, Unit::Days, Unit::BusinessDays];
    check_span(raw, "`max_data_age`", &units, "24h, 3d or 3bd", reader);
    raw.filter(|given| given.count > 0).map(|given| given.value)
}

/// The share that an import may change.
pub(super) fn import_share(raw: Option<&Spot<f64>>, reader: &mut Reader<'_>) -> f64 {
    if let Some(given) = raw.filter(|given| !(given.value > 0.0 && given.value <= 1.0)) {
        let message = format!("`share: {}` is not a share", given.value);
        reader.error(&given.at, message, "write more than 0 and at most 1, like 0.3 for 30 %");
    }
    or(raw, 0.3)
}

fn check_span(given: Option<&Spot<Offset>>, what: &str, units: &[Unit], like: &str, reader: &mut Reader<'_>) {
    if let Some(span) = given.filter(|span| span.count < 0 || !units.contains(&span.unit)) {
        let message = format!("{what} can't be `{}`", reader.text(&span.at));
        reader.error(&span.at, message, format!("write it like {like}"));
    }
}
