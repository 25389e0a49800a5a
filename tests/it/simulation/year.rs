//! One year, day by day: the machine runs, is switched off, dies and comes
//! back; the relay has its moods; people act; and after each stretch the
//! checkers look at what arrived.

use std::collections::{BTreeMap, BTreeSet};

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::ids::LetterId;
use courtesy::engine::{Engine, daemon};
use courtesy::store::Store as _;
use courtesy::store::sqlite::{OpenOptions, SqliteStore};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::acts::Planned;
use super::calendar::after;
use super::dice::Dice;
use super::edits::Edit;
use super::mailbook::Mailbook;
use super::model::{Business, OURS, our_day};
use super::relay::Moody;

const FIRST_DAY: Date = date(2026, 1, 1);
const LAST_DAY: Date = date(2026, 12, 31);

pub struct Year {
    pub engine: Engine<SqliteStore, Moody, VirtualClock>,
    pub relay: Moody,
    pub clock: VirtualClock,
    pub business: Business,
    pub dice: Dice,
    pub folder: tempfile::TempDir,
    pub edit: Edit,
    /// Since when `payment-reminders` is in force, and all other rules.
    pub reminders_since: Timestamp,
    pub rules_since: Timestamp,
    pub agenda: BTreeMap<Date, Vec<Planned>>,
    pub mail: Mailbook,
    /// The last day on which anything but the passing of time happened to a
    /// mailbox; and to all.
    pub restless: BTreeMap<String, Date>,
    pub all_restless: Date,
    /// How often a wish could have been granted and was not.
    pub misses: BTreeMap<String, u32>,
    pub events: u32,
    /// Whether the last delivery went to its end.
    pub delivers: bool,
}

/// Lives through a year and returns how many letters the relay accepted.
pub async fn live(seed: u64) -> usize {
    let mut year = Year::begin(seed).await;
    let mut day = FIRST_DAY;
    let mut off_until = None;
    while day <= LAST_DAY {
        if off_until.is_some_and(|until| day >= until) {
            off_until = None;
            year.clock.set(moment(day, year.dice.between(0, 600)).max(year.clock.now()));
            year.restart().await;
        } else if off_until.is_none() && year.dice.below(1_000) < 12 {
            let days = if year.dice.chance(10) { 30 } else { year.dice.between(1, 6) };
            off_until = Some(after(day, days));
        }
        if off_until.is_some() {
            year.a_day_off(day).await;
        } else {
            year.a_day(day).await;
        }
        day = after(day, 1);
    }
    year.relay.calm_down();
    while day <= after(LAST_DAY, 12) {
        year.a_calm_day(day).await;
        day = after(day, 1);
    }
    year.check_the_end();
    year.mail.accepted
}

/// So many minutes after a day of ours begins.
pub fn moment(day: Date, minutes: i64) -> Timestamp {
    let zone = TimeZone::get(OURS).expect("a zone");
    let midnight = zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().expect("a day");
    midnight + SignedDuration::from_mins(minutes)
}

impl Year {
    async fn begin(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let start = moment(FIRST_DAY, dice.between(0, 1_000));
        let clock = VirtualClock::new(start);
        let zone = TimeZone::get(OURS).expect("a zone");
        let store = SqliteStore::open_in_memory(OpenOptions { business_zone: zone }).expect("a store");
        let relay = Moody::new(seed, clock.clone());
        let engine = Engine::new(store, relay.clone(), clock.clone(), Edit::Shipped.office());
        let mut year = Self {
            engine,
            relay,
            clock,
            business: Business::open(&mut dice),
            dice,
            folder: tempfile::tempdir().expect("a folder"),
            edit: Edit::Shipped,
            reminders_since: start,
            rules_since: start,
            agenda: BTreeMap::new(),
            mail: Mailbook::default(),
            restless: BTreeMap::new(),
            all_restless: FIRST_DAY,
            misses: BTreeMap::new(),
            events: 0,
            delivers: true,
        };
        year.open_the_books().await;
        year.engine.pass().await.expect("the store works");
        year
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn today(&self) -> Date {
        our_day(self.now())
    }

    pub fn store(&self) -> &SqliteStore {
        self.engine.store()
    }

    /// The process begins anew, on what it left behind.
    pub async fn restart(&mut self) {
        let (store, relay, clock) = (self.store().clone(), self.relay.clone(), self.clock.clone());
        self.engine = Engine::new(store, relay, clock, self.edit.office());
        daemon::recover(&self.engine).await.expect("the store works");
        self.all_restless = self.today();
    }

    async fn a_day(&mut self, day: Date) {
        let mut minutes = [self.dice.between(0, 1_430), self.dice.between(0, 1_430)];
        minutes.sort_unstable();
        if self.dice.below(1_000) < 10 {
            let hours = self.dice.between(1, 40);
            self.relay.down_until(moment(day, minutes[0]) + SignedDuration::from_hours(hours));
        }
        self.run_until(moment(day, minutes[0])).await;
        self.keep_the_agenda(day).await;
        self.something_happens().await;
        if self.dice.below(1_000) < 10 {
            self.edit_the_rules().await;
        }
        if self.dice.chance(2) {
            self.restart().await;
        }
        self.run_until(moment(day, minutes[1])).await;
        self.something_happens().await;
        self.read_the_outbox().await;
        if self.dice.chance(15) {
            self.run_until(self.now()).await;
            self.nothing_sleeps().await;
        }
        self.run_until(moment(day, 1_439)).await;
        self.look_back(day).await;
    }

    async fn a_day_off(&mut self, day: Date) {
        let minutes = self.dice.between(0, 1_430);
        self.clock.set(moment(day, minutes).max(self.now()));
        self.keep_the_agenda(day).await;
        self.something_happens().await;
        self.clock.set(moment(day, 1_439));
        self.all_restless = day;
    }

    /// Panics over what was forgotten, with what the planner has to say.
    async fn look_back(&mut self, day: Date) {
        if let Err((subject, what)) = self.check_the_day(day) {
            panic!("{what}\n{}", self.why(&subject, None).await);
        }
    }

    /// Nobody does anything any more.
    async fn a_calm_day(&mut self, day: Date) {
        self.run_until(moment(day, 1_439)).await;
        self.look_back(day).await;
    }

    /// As the daemon does, from one thing to do to the next, with ticks that
    /// come late, twice, or not at all.
    async fn run_until(&mut self, until: Timestamp) {
        loop {
            let mut down = false;
            if self.is_due().await || self.dice.chance(5) {
                down = self.beat().await;
            }
            let now = self.now();
            if now >= until {
                break;
            }
            let step = if down { 20 } else { 1 };
            let next = self.store().next_due_at().await.expect("the store works");
            let beat = now + SignedDuration::from_mins(step);
            let late = if self.dice.chance(3) { self.dice.between(0, 90) } else { 0 };
            let next = next.map_or(until, |due| due.max(beat) + SignedDuration::from_mins(late));
            self.clock.set(next.min(until));
        }
        self.look().await;
    }

    /// Whether a heartbeat would find anything to do.
    async fn is_due(&self) -> bool {
        let next = self.store().next_due_at().await.expect("the store works");
        next.is_some_and(|due| due <= self.now())
    }

    /// One pass and one delivery, which the process may not survive. Whether
    /// the relay could not be reached.
    async fn beat(&mut self) -> bool {
        let report = self.engine.pass().await.expect("the store works");
        if report.queued > 0 {
            let again = self.engine.pass().await.expect("the store works");
            assert_eq!(again.queued, 0, "planning right after queueing finds nothing (I7)");
        }
        let relay = self.relay.clone();
        let delivered = tokio::select! {
            delivered = self.engine.deliver() => Some(delivered.expect("the store works")),
            () = relay.death() => None,
        };
        if let Some(report) = delivered {
            self.delivers = report.relay_down.is_none();
            return report.relay_down.is_some();
        }
        self.delivers = false;
        self.restart().await;
        false
    }

    /// Nothing that is due has slept.
    async fn nothing_sleeps(&mut self) {
        // A letter that was cancelled as it was to leave makes room for
        // another, which comes at the next heartbeat.
        for _ in 0..3 {
            if self.is_due().await {
                self.beat().await;
            }
        }
        self.wake_all().await;
        let report = self.engine.pass().await.expect("the store works");
        self.look().await;
        // What can't leave before tomorrow may be queued tomorrow.
        let now = self.now();
        let new = self.mail.letters.iter().rev().take(usize::try_from(report.queued).expect("few"));
        let mut late = new.filter(|(_, letter)| letter.row.draft.not_before <= now);
        if let Some((id, letter)) = late.next() {
            let id = *id;
            let subject = letter.row.draft.lines[0].key.subject.id().to_owned();
            let name = format!("letter {id} {:?}", letter.keys());
            panic!(
                "{}: {name} was due, and not looked at:\n{}",
                self.now(),
                self.why(&subject, Some(id)).await
            );
        }
    }

    /// Something happened to a mailbox.
    pub fn disturb(&mut self, mailbox: String) {
        let today = self.today();
        self.restless.insert(mailbox, today);
    }

    /// Whether nothing but time has passed for a mailbox since a day.
    pub fn is_quiet_since(&self, mailbox: &str, day: Date) -> bool {
        self.all_restless < day && self.restless.get(mailbox).is_none_or(|last| *last < day)
    }

    /// What must hold over the whole year.
    fn check_the_end(&self) {
        let mut carried = BTreeSet::new();
        for (id, letter) in &self.mail.letters {
            letter.check_the_end(*id);
            if letter.state().counts_as_sent() {
                for key in letter.keys() {
                    assert!(carried.insert(key.clone()), "{key} twice (I1)");
                }
            }
        }
        let known: BTreeSet<LetterId> = self.mail.letters.keys().copied().collect();
        assert_eq!(known.len(), self.mail.letters.len());
    }
}
