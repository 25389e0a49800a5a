//! A scenario on the real program: the shipped files, its own commands, the
//! store in a file, a virtual clock, and a relay that does as it is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use courtesy::cli::screen::Screen;
use courtesy::cli::{self, Cli, Surroundings, Verdict, init, load};
use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::facts::Reach;
use courtesy::domain::notice::LetterState;
use courtesy::domain::rule::Rule;
use courtesy::engine::{Engine, Office, rehearsal};
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, OutboxFilter, OutboxLetter, Store as _};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use tempfile::TempDir;

use super::diary::Diary;
use super::overheard;
use super::relay::Told;
use super::script::{Edit, Report, Script, Step, What};
use crate::support::quick_folder;

/// Plays a scenario to its end and returns its diary.
pub async fn play(script: &Script) -> String {
    let mut stage = Box::pin(Stage::set(script)).await;
    for step in &script.steps {
        stage.live_until(step.at).await;
        stage.perform(step).await;
    }
    stage.live_until(script.until.at(23, 59, 0, 0)).await;
    stage.diary.into_text()
}

struct Stage {
    folder: TempDir,
    zone: TimeZone,
    clock: VirtualClock,
    relay: Told,
    store: SqliteStore,
    /// `None` while the machine is off.
    engine: Option<Engine<SqliteStore, Told, VirtualClock>>,
    diary: Diary,
    /// The notices of every letter that the relay has accepted.
    accepted: BTreeSet<String>,
}

impl Stage {
    async fn set(script: &Script) -> Self {
        overheard::listen();
        let folder = quick_folder();
        init::write_shipped(folder.path()).expect("the shipped files");
        if !script.with_statements {
            let rule = folder.path().join("config/rules/monthly-statement.yaml");
            fs::remove_file(rule).expect("the shipped rule");
        }
        for edit in &script.edits {
            apply(folder.path(), edit);
        }
        let config = load::config_at(&config_file(&folder)).expect("the configuration is clean");
        let zone = config.settings.business.zone.clone();
        let store = load::store(&config).expect("a store");
        let clock = VirtualClock::new(moment(script.from, &zone));
        let mut stage = Self {
            diary: Diary::new(zone.clone(), script),
            relay: Told::new(clock.clone()),
            folder,
            zone,
            clock,
            store,
            engine: None,
            accepted: BTreeSet::new(),
        };
        for (kind, table) in &script.given {
            stage.import(*kind, table).await;
        }
        stage.start().await;
        stage
    }

    /// As `courtesy run` does.
    async fn start(&mut self) {
        let config = load::config_at(&config_file(&self.folder)).expect("the configuration is clean");
        let office = load::office(config).expect("the templates are clean");
        self.diary.alarms = alarms(&office);
        let engine = Engine::new(self.store.clone(), self.relay.clone(), self.clock.clone(), office);
        courtesy::engine::daemon::recover(&engine).await.expect("the store works");
        self.engine = Some(engine);
    }

    /// Lets days pass until a moment, and looks at the end of each.
    async fn live_until(&mut self, until: DateTime) {
        let until = moment(until, &self.zone);
        loop {
            let evening = moment(self.today().at(23, 59, 0, 0), &self.zone);
            self.run_until(evening.min(until)).await;
            if until <= evening {
                break;
            }
            self.clock.set(moment(self.today().saturating_add(1.day()).at(0, 0, 0, 0), &self.zone));
        }
    }

    /// From one thing to do to the next, with a look after each.
    async fn run_until(&mut self, until: Timestamp) {
        let Some(engine) = self.engine.clone() else {
            self.clock.set(until);
            return;
        };
        loop {
            let heartbeat = self.clock.now() + SignedDuration::from_mins(1);
            let next = self.store.next_due_at().await.expect("the store works");
            let next = next.map_or(until, |next| next.max(heartbeat)).min(until);
            rehearsal::run_until(&engine, next).await.expect("the store works");
            self.look().await;
            if next == until {
                break;
            }
        }
        let again = engine.pass().await.expect("the store works");
        assert_eq!(again.queued, 0, "planning right after queueing finds nothing (I7)");
        self.look().await;
    }

    async fn perform(&mut self, step: &Step) {
        self.diary.happened(self.clock.now(), &step.words);
        match &step.what {
            What::Command { words, table } => {
                let mut words = self.numbered(words).await;
                if let Some(table) = table {
                    words.push(self.write("table.csv", table));
                }
                if let Err(why) = self.command(&words).await {
                    self.diary.happened(self.clock.now(), &format!("  refused: {why}"));
                }
            }
            What::Approve(subject) => self.approve(subject).await,
            What::Report(report) => self.report(report).await,
            What::Relay(mood) => self.relay.be(mood),
            What::Machine { on: true } => self.start().await,
            What::Machine { on: false } => self.engine = None,
            What::Config(edit) => {
                apply(self.folder.path(), edit);
                let read = load::config_at(&config_file(&self.folder)).and_then(load::office);
                let office = read.expect("the files are clean");
                self.engine.as_ref().expect("the machine is on").replace_office(office);
            }
        }
        let now = self.clock.now();
        self.run_until(now).await;
    }

    /// With the number of the newest letter of a stage about a subject for
    /// `@stage:subject`; any subject for `@stage:`.
    async fn numbered(&self, words: &[String]) -> Vec<String> {
        let rows = self.rows().await;
        let number = |word: &String| {
            let Some((stage, subject)) = word.strip_prefix('@').and_then(|word| word.split_once(':')) else {
                return word.clone();
            };
            let about = |row: &&OutboxLetter| {
                row.draft.lines.iter().any(|line| {
                    line.key.stage.as_str() == stage
                        && (subject.is_empty() || line.key.subject.id() == subject)
                })
            };
            rows.iter().rev().find(about).expect("a letter of the stage about the subject").id.to_string()
        };
        words.iter().map(number).collect()
    }

    /// As a person types it.
    async fn command(&self, words: &[String]) -> Result<(), String> {
        let config = config_file(&self.folder);
        let config = ["--quiet", "--config", config.to_str().expect("UTF-8")];
        let line = ["courtesy"].into_iter().chain(words.iter().map(String::as_str)).chain(config);
        let command = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let around = Surroundings { user: "Lin".to_owned() };
        let mut screen = Screen::standard(true);
        match cli::run(command, &around, self.clock.clone(), &mut screen).await {
            Ok(Verdict::Done) => Ok(()),
            Ok(verdict) => Err(format!("{verdict:?}")),
            Err(why) => Err(why.to_string()),
        }
    }

    async fn import(&self, kind: ImportKind, table: &str) {
        let file = self.write("table.csv", table);
        let words = ["import", kind.as_str(), &file].map(str::to_owned);
        self.command(&words).await.expect("the given tables are taken");
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("a file can be written");
        file.to_str().expect("UTF-8").to_owned()
    }

    async fn approve(&mut self, subject: &str) {
        let about = |row: &&OutboxLetter| row.draft.lines.iter().any(|line| line.key.subject.id() == subject);
        let rows = self.rows().await;
        let held: Vec<_> = rows.iter().filter(about).filter(|row| row.state == LetterState::Held).collect();
        if held.is_empty() {
            self.diary.happened(self.clock.now(), "  nothing is held");
        }
        for row in held {
            let words = ["outbox", "release", &row.id.to_string()].map(str::to_owned);
            self.command(&words).await.expect("a held letter can be released");
        }
    }

    /// A mail server's report about the newest letter of a stage about a
    /// subject, as a file that is handed to the program.
    async fn report(&mut self, report: &Report) {
        let about = |row: &&OutboxLetter| {
            row.draft.lines.iter().any(|line| {
                line.key.stage.as_str() == report.stage && line.key.subject.id() == report.subject
            })
        };
        let rows = self.rows().await;
        let row = rows.iter().rev().find(about).expect("a letter of the stage about the subject");
        let made = row.made.as_ref().expect("it was made");
        let (class, subject, detail) = report.status;
        let mail = format!(
            "From: MAILER-DAEMON@relay.example\r\nMessage-ID: <{}@relay.example>\r\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n\
             Final-Recipient: rfc822; {}\r\nAction: {}\r\nStatus: {class}.{subject}.{detail}\r\n\
             Diagnostic-Code: smtp; {}\r\n\r\n\
             --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{}>\r\n--b--\r\n",
            [&report.stage, &report.subject, &report.action].map(String::as_str).join("."),
            report.address,
            report.action,
            report.said,
            made.parcel.message_id
        );
        let words = ["bounce".to_owned(), self.write("report.eml", &mail)];
        self.command(&words).await.expect("the report is understood");
        let came_back = self.rows().await.into_iter().find(|other| other.id == row.id);
        // What came back from a dead address may go again to another, and an
        // alarm when a person lets it.
        let again = came_back.is_some_and(|row| match row.state {
            LetterState::Bounced => report.status.1 == 1,
            state => state == LetterState::Held,
        });
        if again {
            for line in &row.draft.lines {
                self.accepted.remove(&line.key.to_string());
            }
        }
    }

    /// Writes down what has become of letters since the last look.
    async fn look(&mut self) {
        let rows = self.rows().await;
        for (at, parcel) in self.relay.take() {
            let made = |row: &&OutboxLetter| {
                row.made.as_ref().is_some_and(|made| made.parcel.message_id == parcel.message_id)
            };
            let row = rows.iter().find(made).expect("the outbox knows what was sent (I4)");
            for line in &row.draft.lines {
                assert!(self.accepted.insert(line.key.to_string()), "{} went twice (I1)", line.key);
            }
            let everything =
                Reach { events_since: Timestamp::MIN, settled_since: Date::MIN, digests: [].into() };
            let (_, facts) = self.store.letter_and_facts(row.id, everything).await.expect("it is there");
            let customer = row.draft.customer.as_ref().and_then(|id| facts.customer(id));
            let zone = customer.map_or_else(|| self.zone.clone(), |facts| facts.customer.zone.clone());
            self.diary.accepted(at, &parcel, row, &zone);
        }
        for row in rows.iter().filter(|row| row.state == LetterState::Sent) {
            let known = row.draft.lines.iter().all(|line| self.accepted.contains(&line.key.to_string()));
            assert!(known, "letter {} is `sent`, and the relay has never seen it (I4)", row.id);
        }
        self.diary.outbox(self.clock.now(), &rows);
        self.diary.not_written(self.clock.now(), overheard::take());
    }

    /// The outbox, oldest first.
    async fn rows(&self) -> Vec<OutboxLetter> {
        let all = OutboxFilter { limit: usize::MAX, ..OutboxFilter::default() };
        let mut rows = self.store.outbox(all).await.expect("the outbox");
        rows.sort_by_key(|row| row.id);
        rows
    }

    fn today(&self) -> Date {
        self.clock.now().to_zoned_datetime(self.zone.clone()).date()
    }
}

/// The stages of which the customer knows nothing.
fn alarms(office: &Office) -> BTreeSet<(String, String)> {
    let of_rule = |rule: &Rule| -> Vec<(String, String)> {
        let alarms = rule.stages.iter().filter(|stage| !stage.concerns_customer());
        alarms.map(|stage| (rule.name.to_string(), stage.name.to_string())).collect()
    };
    office.rules.iter().flat_map(of_rule).collect()
}

fn config_file(folder: &TempDir) -> PathBuf {
    folder.path().join("config/courtesy.yaml")
}

fn apply(folder: &Path, edit: &Edit) {
    let file = folder.join("config").join(&edit.file);
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", edit.file));
    fs::write(&file, edit.apply(&text)).expect("a file can be written");
}

fn moment(civil: DateTime, zone: &TimeZone) -> Timestamp {
    courtesy::domain::calendar::instant_at(civil, zone)
}
