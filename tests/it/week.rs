//! A week on the virtual clock: the daemon itself, with the shipped rules, over
//! real sockets; a mail server that goes away, refuses and forgets; files that
//! are edited well and badly; people who import, record, decide, back up and
//! put back; stops that were ordered, and one that was not. Then somebody who
//! has the lines of the log and nothing else says what happened, and what is
//! left to do; and the store says whether it is so.

mod business;
mod reader;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use courtesy::clock::Clock as _;
use courtesy::domain::address::masked_in;
use courtesy::domain::notice::{Draft, LetterState};
use courtesy::store::OutboxLetter;
use jiff::civil::{DateTime, date};
use jiff::{Timestamp, ToSpan as _};

use self::business::Business;
use self::reader::{Deed, Line, Reading, Story};
use self::server::Mood;
use crate::support::repository;

const CUSTOMERS: i32 = 48;

/// Monday is 0.
fn on(day: i32, hour: i8, minute: i8) -> DateTime {
    date(2026, 3, 2).saturating_add(day.days()).at(hour, minute, 0, 0)
}

/// What really happened, as whoever made it happen wrote it down.
#[derive(Default)]
struct Diary {
    /// Starts, and whether the life ended in order.
    lives: Vec<(Timestamp, bool)>,
    /// When the files were read again, and whether they were taken.
    readings: Vec<(Timestamp, bool)>,
    /// From when to when the mail server was away, and what it would have said.
    outages: Vec<(Timestamp, Timestamp, &'static str)>,
    holds: Vec<(Timestamp, Timestamp, &'static str)>,
    /// The message, what it is about, when.
    deeds: Vec<(&'static str, String, Timestamp)>,
}

struct Week {
    business: Business,
    diary: Diary,
}

impl Week {
    fn now(&self) -> Timestamp {
        self.business.clock.now()
    }

    fn start(&mut self) {
        let now = self.now();
        self.diary.lives.push((now, false));
        self.business.start();
    }

    fn stop(&mut self) {
        self.business.stop();
        self.diary.lives.last_mut().expect("it began").1 = true;
    }

    fn reload(&mut self, taken: bool) {
        let now = self.now();
        self.diary.readings.push((now, taken));
        self.business.reload();
    }

    fn import(&mut self, kind: &str, table: &str) {
        let file = self.business.write(&format!("{kind}.csv"), table);
        self.business.command(&["import", kind, &file]);
        let now = self.now();
        self.diary.deeds.push(("a file was imported", kind.to_owned(), now));
    }

    fn record(&mut self, about: &str, words: &[&str]) {
        self.business.command(&[&["record"], words].concat());
        let now = self.now();
        self.diary.deeds.push(("a person recorded", about.to_owned(), now));
    }

    fn decide(&mut self, what: &[&str]) {
        self.business.command(&[&["outbox"], what].concat());
        let now = self.now();
        self.diary.deeds.push(("a person decided", String::new(), now));
    }

    /// The letters of a stage in a state, oldest first.
    fn letters(&self, are: LetterState, of: &str) -> Vec<String> {
        let rows = self.business.rows();
        let found = rows.iter().filter(|row| row.state == are && row.draft.stage.as_str() == of);
        found.map(|row| row.id.to_string()).collect()
    }
}

fn customers() -> String {
    let mut table = "id,name,email,contact_name,locale,owner_name,owner_email\n".to_owned();
    for n in 0..CUSTOMERS {
        let locale = if n % 3 == 0 { "zh-CN" } else { "en" };
        writeln!(table, "C{n:02},Workshop {n},c{n}@example.test,Mx {n},{locale},Wang,wang@morningstar.test")
            .expect("a String takes it");
    }
    table
}

/// Due a week before to two weeks after the Monday, some of each day.
fn receivables() -> String {
    let mut table = "id,customer_id,kind,amount,currency,due_on\n".to_owned();
    for n in 0..CUSTOMERS * 2 {
        let kind = ["invoice", "invoice", "instalment", "balance"][usize::try_from(n % 4).expect("small")];
        let due = date(2026, 2, 23).saturating_add((n % 21).days());
        writeln!(table, "R-{n},C{:02},{kind},{}.00,CNY,{due}", n % CUSTOMERS, 200 + n)
            .expect("a String takes it");
    }
    table
}

fn payments(of: &[i32], day: i32) -> String {
    let mut table = "id,receivable_id,amount,received_on\n".to_owned();
    for n in of {
        let on = date(2026, 3, 2).saturating_add(day.days());
        writeln!(table, "P-{n},R-{n},{}.00,{on}", 200 + n).expect("a String takes it");
    }
    table
}

const REMINDERS: &str = "config/rules/payment-reminders.yaml";
const FRIENDLY: &str = "  - { stage: friendly, ";
const NUDGE: &str = "  - { stage: nudge, at: +1d, template: reminder/friendly, approve: true }\n";

/// Everything arrives, and letters leave as they should; then nobody answers
/// at the mail server's port.
fn monday_and_tuesday(week: &mut Week) {
    week.import("customers", &customers());
    week.start();
    week.business.live_until(on(0, 8, 20));
    week.import("receivables", &receivables());
    week.business.live_until(on(0, 15, 0));
    week.import("payments", &payments(&[0, 1, 2, 3, 4], 0));
    week.business.live_until(on(0, 20, 0));
    week.business.server.off();
    week.business.live_until(on(1, 11, 0));
    week.business.server.on();
    week.diary.outages.push((
        week.business.moment(on(0, 20, 0)),
        week.business.moment(on(1, 11, 0)),
        "refused",
    ));
    week.business.live_until(on(1, 14, 0));
    week.business.edit(REMINDERS, FRIENDLY, &format!("{NUDGE}{FRIENDLY}"));
    week.reload(true);
    week.business.live_until(on(1, 16, 0));
    week.business.edit(REMINDERS, "summary:", "sumary:");
    week.reload(false);
}

/// The files are mended, the mail server says not now, people record what
/// they know; on Thursday no login is good enough.
fn wednesday_and_thursday_morning(week: &mut Week) {
    week.business.live_until(on(2, 8, 40));
    week.business.edit(REMINDERS, "sumary:", "summary:");
    week.reload(true);
    week.business.server.be(Mood::NotNow);
    week.business.live_until(on(2, 10, 30));
    week.business.server.be(Mood::Polite);
    week.business.live_until(on(2, 15, 0));
    let nudges = week.letters(LetterState::Held, "nudge");
    assert!(nudges.len() >= 3, "{nudges:?} wait for approval");
    week.decide(&["release", &nudges[0]]);
    week.decide(&["cancel", &nudges[1], "--reason", "paid in cash"]);
    week.business.live_until(on(2, 17, 0));
    week.record("receivable:R-30", &["dispute", "R-30", "--reason", "a machine arrived broken"]);
    week.record("receivable:R-31", &["promise", "R-31", "2026-03-12"]);
    week.record("customer:C07", &["hold", "--customer", "C07", "--reason", "the owner asked"]);
    week.record("receivable:R-32", &["payment", "R-32", "232"]);
    week.business.command(&["suppress", "add", "--customer", "C09", "--unsubscribed"]);
    let now = week.now();
    week.diary.deeds.push(("an address is not written to any more", String::new(), now));
    week.business.live_until(on(3, 8, 50));
    week.business.server.be(Mood::RefusesLogin);
    week.business.live_until(on(3, 9, 40));
    week.business.server.be(Mood::Polite);
    week.diary.outages.push((week.business.moment(on(3, 8, 50)), week.business.moment(on(3, 9, 40)), "535"));
}

/// The store is backed up, lost and put back; what was paid meanwhile arrives
/// while nothing runs.
fn thursday_noon(week: &mut Week) {
    week.business.live_until(on(3, 12, 0));
    week.stop();
    let backup = week.business.path("backup.db");
    week.business.command(&["backup", &backup]);
    week.business.live_until(on(3, 12, 30));
    week.business.command(&["restore", &backup]);
    week.import("payments", &payments(&[5, 6], 3));
    week.start();
    week.business.live_until(on(3, 13, 30));
    week.business.command(&["resume"]);
    let now = week.now();
    week.diary.deeds.push(("a person let letters go", String::new(), now));
    let held_since = week.business.moment(on(3, 12, 30));
    week.diary.holds.push((held_since, now, "restored backup"));
}

/// An answer is lost, a process is killed in the middle of a letter, and a
/// stop was ordered after a quiet weekend with thanks for visits.
fn friday_and_the_weekend(week: &mut Week) {
    week.business.live_until(on(4, 8, 50));
    week.business.server.be(Mood::ForgetsOne);
    week.business.live_until(on(4, 11, 0));
    week.business.live_until(on(4, 14, 0));
    week.record("customer:C40", &["event", "C40", "visit", "--outcome", "positive"]);
    week.business.live_until(on(4, 14, 9));
    week.business.server.be(Mood::Hangs);
    week.business.clock.set(week.business.moment(on(4, 14, 10)));
    week.business.crash_in_the_middle_of_a_letter();
    week.business.server.off();
    week.business.server.be(Mood::Polite);
    week.business.server.on();
    week.business.live_until(on(4, 14, 20));
    week.start();
    week.business.live_until(on(5, 10, 0));
    week.record("customer:C41", &["event", "C41", "visit", "--outcome", "positive"]);
    week.business.live_until(on(6, 20, 0));
    week.stop();
    week.business.edit(REMINDERS, "at: +1d", "at: +2d");
    week.business.live_until(on(6, 20, 10));
    week.start();
    week.business.live_until(on(7, 8, 0));
}

fn live() -> (Week, Vec<OutboxLetter>) {
    let mut week = Week { business: Business::at(on(0, 8, 0)), diary: Diary::default() };
    let listening = week.business.listen();
    monday_and_tuesday(&mut week);
    wednesday_and_thursday_morning(&mut week);
    thursday_noon(&mut week);
    friday_and_the_weekend(&mut week);
    let rows = week.business.rows();
    week.stop();
    drop(listening);
    (week, rows)
}

/// As the page says how it stands in the log.
fn about(draft: &Draft) -> String {
    let leading = draft.lines.iter().filter(|line| line.leading);
    let all: Vec<String> = leading.map(|line| line.key.subject.to_string()).collect();
    let shown = all.iter().take(5).cloned().collect::<Vec<_>>().join(",");
    if all.len() > 5 { format!("{shown},+{}", all.len() - 5) } else { shown }
}

fn the_lives_are_told(story: &Story, diary: &Diary) {
    let told: Vec<_> = story.lives.iter().map(|life| (life.started_at, life.ended_in_order())).collect();
    assert_eq!(told, diary.lives);
    assert!(story.lives.iter().all(|life| life.ready_at.is_some()), "{:?}", story.lives);
    let changes: Vec<&str> = story.lives.iter().map(|life| life.changes.as_str()).collect();
    let same = "no rule changed";
    assert_eq!(changes, ["first start", same, same, "payment-reminders changed"]);
}

fn the_files_are_told(story: &Story, diary: &Diary) {
    let told: Vec<_> =
        story.readings.iter().map(|(at, reading)| (*at, matches!(reading, Reading::InForce(_)))).collect();
    assert_eq!(told, diary.readings);
    let [(_, Reading::InForce(added)), (_, Reading::Refused(problems)), (_, Reading::InForce(mended))] =
        story.readings.as_slice()
    else {
        panic!("{:?}", story.readings);
    };
    assert_eq!(added, "payment-reminders changed");
    let of_line = |problem: &&String| problem.contains("payment-reminders.yaml:5:1: error:");
    assert!(
        problems.iter().find(of_line).is_some_and(|problem| problem.contains("`summary`")),
        "{problems:?}"
    );
    assert_eq!(mended, "no rule changed", "what was in force before is in force again");
}

fn the_troubles_are_told(story: &Story, diary: &Diary) {
    assert_eq!(story.relay.len(), diary.outages.len(), "{:#?}", story.relay);
    for (told, (since, until, why)) in story.relay.iter().zip(&diary.outages) {
        assert!(told.why.contains(why), "{told:?} says {why}");
        assert!((*since..*until).contains(&told.since), "{told:?} began between {since} and {until}");
        assert!(told.until.is_some_and(|over| over >= *until), "{told:?} ended after {until}");
    }
    assert_eq!(story.holds.len(), diary.holds.len(), "{:#?}", story.holds);
    for (told, (since, until, why)) in story.holds.iter().zip(&diary.holds) {
        assert_eq!((told.since, told.why.as_str()), (*since, *why));
        assert!(told.until.is_some_and(|over| over >= *until), "{told:?} ended after {until}");
    }
}

fn what_others_did_is_told(story: &Story, diary: &Diary) {
    let told = story.deeds.iter().map(|deed| (deed.message.as_str(), deed.about.clone(), deed.at));
    let told: Vec<_> = told.collect();
    assert_eq!(told, diary.deeds);
    let of = |word: &str| story.deeds.iter().find(|deed| deed.what.contains(word));
    let Some(Deed { what, .. }) = of("payments.csv") else { panic!("{:#?}", story.deeds) };
    assert_eq!(what, "payments.csv: 5 rows, 5 added, 0 changed, 0 closed, 0 bad");
    assert!(of("payment `").is_some_and(|deed| deed.what.contains("232")), "{:#?}", story.deeds);
}

/// Every letter of the ledger and every letter of the log is the same one, and
/// became the same at the same time.
fn the_letters_are_told(story: &Story, rows: &[OutboxLetter]) {
    assert_eq!(story.queued, rows.len() as u64, "as many as the passes queued");
    let mut untold: BTreeSet<u64> = story.letters.keys().copied().collect();
    for row in rows {
        let number = row.id.to_string().parse().expect("a number");
        let Some(letter) = story.letters.get(&number) else {
            let waits = row.state == LetterState::Queued && row.attempts == 0;
            assert!(waits, "nothing was told of {row:?}");
            continue;
        };
        untold.remove(&number);
        assert_eq!(letter.state(), row.state.as_str(), "{letter:?}");
        assert_eq!(letter.attempts + letter.interrupted, row.attempts, "{letter:?}");
        let draft = &row.draft;
        let told = [&letter.rule, &letter.stage, &letter.customer, &letter.about];
        let masked = |text: String| if draft.customer.is_some() { text } else { masked_in(&text) };
        let known = [draft.rule.to_string(), draft.stage.to_string(), draft.whose().to_owned(), about(draft)]
            .map(masked);
        assert_eq!(told.map(String::clone), known);
        if row.state == LetterState::Sent {
            assert_eq!(letter.states.last().map(|(at, _)| *at), row.finished_at, "{letter:?}");
        }
    }
    assert!(untold.is_empty(), "the store knows no letter {untold:?}");
}

/// What the mail server took, the log knows: each letter once, and the rest
/// are letters of alarm.
fn the_mailboxes_agree(story: &Story, week: &Week) {
    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    let mut alarms = 0;
    for taken in week.business.server.taken() {
        let text = String::from_utf8_lossy(&taken.bytes).into_owned();
        let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: <")).expect("a Message-ID");
        let id = id.trim_end_matches('>').to_owned();
        if story.letters.values().any(|letter| letter.message_ids.contains(&id)) {
            *copies.entry(id).or_default() += 1;
        } else {
            alarms += 1;
        }
    }
    assert_eq!(alarms, story.alarms, "every other mail is a letter of alarm that was told of");
    assert!(copies.values().all(|copies| *copies == 1), "{copies:?}");
    for letter in story.letters.values().filter(|letter| letter.state() == "sent") {
        assert!(letter.message_ids.iter().any(|id| copies.contains_key(id)), "{letter:?}");
    }
}

fn what_is_to_be_done_is_told(story: &Story, rows: &[OutboxLetter]) {
    let parked = rows.iter().filter(|row| matches!(row.state, LetterState::Held | LetterState::Uncertain));
    let parked: BTreeSet<u64> = parked.map(|row| row.id.to_string().parse().expect("a number")).collect();
    let told = story.to_do();
    assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), parked);
    assert!(told.values().any(|what| what.contains("resolve")), "{told:?}");
    assert!(told.values().any(|what| what.contains("release")), "{told:?}");
}

#[test]
fn whoever_has_only_the_log_of_a_week_knows_what_happened_and_what_is_to_be_done() {
    let (week, rows) = live();
    let text = week.business.json.lines();
    if let Ok(folder) = std::env::var("COURTESY_WEEK") {
        // For trying out what `docs/log.md` suggests.
        fs::write(format!("{folder}/week.json"), text.join("\n") + "\n").expect("written");
        fs::write(format!("{folder}/week.log"), week.business.text.lines().join("\n") + "\n")
            .expect("written");
    }
    let lines: Vec<Line> = text.iter().map(|line| Line::read(line)).collect();
    let story = Story::told_by(&lines);
    the_lives_are_told(&story, &week.diary);
    the_files_are_told(&story, &week.diary);
    the_troubles_are_told(&story, &week.diary);
    what_others_did_is_told(&story, &week.diary);
    the_letters_are_told(&story, &rows);
    the_mailboxes_agree(&story, &week);
    what_is_to_be_done_is_told(&story, &rows);
    assert!(rows.len() > 60, "{} letters are no week", rows.len());
    every_field_is_explained(&lines);
    both_forms_say_the_same(&lines, &week.business.text.lines());
    nothing_is_told_that_is_nobodys_business(&text.join("\n"));
}

fn every_field_is_explained(lines: &[Line]) {
    let page = fs::read_to_string(repository("docs/log.md")).expect("the page");
    let (_, fields) = page.split_once("## Fields").expect("the table");
    let fields = fields.split("\n## ").next().unwrap_or_default();
    let names: BTreeSet<&str> = lines.iter().flat_map(Line::names).collect();
    for name in names {
        assert!(fields.contains(&format!("`{name}`")), "docs/log.md does not explain the field `{name}`");
    }
}

fn both_forms_say_the_same(lines: &[Line], text: &[String]) {
    assert_eq!(lines.len(), text.len());
    for (line, text) in lines.iter().zip(text) {
        assert!(text.contains(&format!(" {} {}", line.level, line.message)), "{text}");
        for name in line.names() {
            assert!(text.contains(&format!(" {name}=")), "{name} in {text}");
        }
    }
}

fn nothing_is_told_that_is_nobodys_business(log: &str) {
    for word in
        ["@example.test", "it@", "wang@", "lina@", "horse-battery", "arrived broken", "paid in cash", "Dear "]
    {
        let shown = log.lines().find(|line| line.contains(word));
        assert_eq!(shown, None, "`{word}`");
    }
}
