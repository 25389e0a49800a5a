//! What the whole business decided once: who it is, when it writes, how
//! often.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::calendar::{Calendars, Days, Hours, day_begins};
use super::customer::{Class, Person};
use super::delivery::OnUncertain;
use super::offset::Offset;
use super::receivable::Kind;

/// At most `letters` in any `days` civil days.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// How many letters.
    pub letters: u32,
    /// In how many days, today included.
    pub days: i32,
}

/// What a due date on a closed day means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DueOnClosedDay {
    /// It is effective on the next working day.
    #[default]
    Next,
    /// It stays.
    Same,
}

/// Who the business is.
#[derive(Clone, PartialEq, Debug)]
pub struct Business {
    /// Its name, as it signs.
    pub name: String,
    /// The language of a customer who has none.
    pub locale: String,
    /// Where it is.
    pub zone: TimeZone,
    /// Working days, here and at the customers'.
    pub calendars: Calendars,
    /// Who is told where a customer has no owner.
    pub manager: Option<Person>,
    /// Who looks after the installation.
    pub operator: Person,
}

impl Business {
    /// The civil day of a moment where the business is.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Date {
        at.to_zoned_datetime(self.zone.clone()).date()
    }
}

/// When and how often letters leave.
#[derive(Clone, PartialEq, Debug)]
pub struct LetterSettings {
    /// The decent hours.
    pub hours: Hours,
    /// One budget for all classes but internal.
    pub per_customer: Budget,
    /// For thanks that answer the customer's own act.
    pub moments: Budget,
    /// At most so many letters are queued in one pass.
    pub per_pass: u32,
    /// At most so many letters of one rule are queued in one day.
    pub per_rule: u32,
    /// When a day's letters are so many that a person is asked first.
    pub unusual: Unusual,
}

/// More letters in a day than both of these is not what the business does,
/// and more likely a mistake: half an import, a wrong clock, a first start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unusual {
    /// So many letters in a day are never unusual.
    pub above: u32,
    /// As many times the busiest of the last 45 days.
    pub times: u32,
}

impl Unusual {
    /// The most letters of a day that need no person's word, by those of the
    /// busiest day.
    #[must_use]
    pub fn limit(self, busiest: u32) -> u32 {
        self.above.max(busiest.saturating_mul(self.times))
    }
}

/// What must be so before anything leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Guards {
    /// Without a sign of life for more days than this, by the clock, a person
    /// says whether the clock is right.
    pub away_days: u32,
    /// Where fewer bytes than this are free on the store's disk, nothing is
    /// begun.
    pub free_space: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Self { away_days: 60, free_space: 256 * 1024 * 1024 }
    }
}

/// How reminders keep their distance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DunningSettings {
    /// Between two rules about one receivable, in days.
    pub min_gap: Offset,
    /// After a promise, hold, dispute, part payment or bounced payment.
    pub resume_after: Offset,
    /// What a due date on a closed day means.
    pub due_on_closed_day: DueOnClosedDay,
}

/// How far a promise carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromiseSettings {
    /// How many promises per receivable pause the ladder.
    pub at_most: u32,
    /// How far away a promised date may lie.
    pub longest: Offset,
    /// How long after the date the money may arrive.
    pub grace: Offset,
}

/// After how long claims become time-barred, and what starts that anew.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct LimitationSettings {
    /// The period of each kind that has one, in months or years.
    pub periods: Vec<(Kind, Offset)>,
    /// Whether the customer's acknowledgement starts it anew.
    pub by_acknowledgement: bool,
    /// Whether a part payment does.
    pub by_part_payment: bool,
    /// Whether a reminder does that is known to have been delivered.
    pub by_demand: bool,
}

/// What becomes of a letter of which nobody can know whether it arrived, by
/// its class, where its rule does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UncertainSettings {
    /// Reminders: a person decides.
    pub dunning: OnUncertain,
    /// Thanks and care: a second copy would be odd, and a lost one is no harm.
    pub courtesy: OnUncertain,
    /// News and invitations.
    pub marketing: OnUncertain,
    /// Letters to our own people.
    pub internal: OnUncertain,
}

impl Default for UncertainSettings {
    fn default() -> Self {
        Self {
            dunning: OnUncertain::Park,
            courtesy: OnUncertain::AssumeSent,
            marketing: OnUncertain::AssumeSent,
            internal: OnUncertain::Park,
        }
    }
}

impl UncertainSettings {
    /// What holds for letters of a class.
    #[must_use]
    pub fn of(&self, class: Class) -> OnUncertain {
        match class {
            Class::Dunning => self.dunning,
            Class::Courtesy => self.courtesy,
            Class::Marketing => self.marketing,
            Class::Internal => self.internal,
        }
    }
}

/// Everything the planner needs to know of the configuration besides rules.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Who the business is.
    pub business: Business,
    /// When and how often letters leave.
    pub letters: LetterSettings,
    /// How reminders keep their distance.
    pub dunning: DunningSettings,
    /// How far a promise carries.
    pub promises: PromiseSettings,
    /// When claims become time-barred.
    pub limitation: LimitationSettings,
    /// How old what is known of payments may be while reminders leave;
    /// `None` is any age.
    pub max_data_age: Option<Offset>,
    /// What must be so before anything leaves.
    pub guards: Guards,
    /// What becomes of letters of which nobody can know whether they arrived.
    pub on_uncertain: UncertainSettings,
    /// How long the text of a letter is kept that is over; `None` is for
    /// good.
    pub bodies_kept: Option<Offset>,
}

impl Settings {
    /// The first day from `day` on when a letter of these days may leave to a
    /// customer in `country`.
    #[must_use]
    pub fn open_day(&self, days: Days, country: Option<&str>, day: Date) -> Date {
        match days {
            Days::Any => day,
            Days::Business => self.business.calendars.first_shared_day(country, day),
            Days::Weekdays => match day.weekday() {
                Weekday::Saturday => day.saturating_add(2.days()),
                Weekday::Sunday => day.saturating_add(1.day()),
                _ => day,
            },
        }
    }

    /// The moment up to which the texts of letters have been kept for long
    /// enough, if any have. Days count at the business.
    #[must_use]
    pub fn bodies_kept_since(&self, now: Timestamp) -> Option<Timestamp> {
        let kept = self.bodies_kept?;
        let back = Offset { count: -kept.count, ..kept };
        let business = &self.business;
        let first = back.from_date(business.day(now), &business.calendars.business);
        Some(day_begins(first, &business.zone))
    }

    /// Whether payments were last read longer ago than they may, so that
    /// somebody may have paid without our knowing. Days count at the business.
    #[must_use]
    pub fn is_too_old(&self, payments_read_at: Option<Timestamp>, now: Timestamp) -> bool {
        let Some(age_max) = self.max_data_age else { return false };
        let Some(read_at) = payments_read_at else { return true };
        if let Some(age) = age_max.exact() {
            return read_at.saturating_add(age).is_ok_and(|last| last < now);
        }
        let business = &self.business;
        age_max.from_date(business.day(read_at), &business.calendars.business) < business.day(now)
    }
}
