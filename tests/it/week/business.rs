//! The business whose week it is: the shipped files, some dozens of customers,
//! a daemon that lives in this process on a virtual clock, and the people who
//! give it commands. What the daemon logs is kept, as the journal would.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use courtesy::cli::logging::{OF_DAEMON, Onto, lines};
use courtesy::cli::run::{Daemon, Driver};
use courtesy::cli::screen::Screen;
use courtesy::cli::{self, Cli, LogForm, Surroundings, Verdict, init, load};
use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::calendar::instant_at;
use courtesy::engine::Engine;
use courtesy::engine::condition::Passes;
use courtesy::engine::daemon::Signal;
use courtesy::engine::reload::Consent;
use courtesy::relay::AnyRelay;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{OutboxFilter, OutboxLetter, Store as _};
use courtesy::systemd::Manager;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::server::Server;
use crate::support::quick_folder;

/// How long the daemon is left alone at most; a heartbeat that finds nothing
/// to do changes nothing.
const STEP: SignedDuration = SignedDuration::from_mins(30);
/// How often it is asked whether it is done before it must be stuck.
const ASKED_MAX: usize = 2_000_000;

/// Lines in one form, as they would stand in the journal.
#[derive(Clone, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    pub fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text");
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Captured {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A daemon while it lives.
struct Life {
    engine: Engine<SqliteStore, AnyRelay, VirtualClock>,
    beats: mpsc::Sender<()>,
    signals: mpsc::Sender<Signal>,
    ended: JoinHandle<anyhow::Result<()>>,
    // Its end is the end of all that runs in it, as of a process.
    runtime: Runtime,
}

pub struct Business {
    pub clock: VirtualClock,
    pub server: Server,
    pub text: Captured,
    pub json: Captured,
    folder: TempDir,
    zone: TimeZone,
    life: Option<Life>,
}

impl Business {
    /// With the shipped files, and mail that goes to a server of its own.
    pub fn at(begin: DateTime) -> Self {
        let folder = quick_folder();
        init::write_shipped(folder.path()).expect("the shipped files");
        let zone = TimeZone::get("Asia/Shanghai").expect("the zone of the shipped files");
        let business = Self {
            clock: VirtualClock::new(instant_at(begin, &zone)),
            server: Server::new(),
            text: Captured::default(),
            json: Captured::default(),
            folder,
            zone,
            life: None,
        };
        let smtp = format!(
            "deliver: {{ smtp: {{ host: 127.0.0.1, port: {}, tls: none, connections: 1, username: accounts, \
             password: {{ file: secret }} }} }}",
            business.server.port()
        );
        business.edit("config/courtesy.yaml", "deliver: { files: outbox }", &smtp);
        business.write("config/secret", "horse-battery-staple");
        business
    }

    pub fn moment(&self, civil: DateTime) -> Timestamp {
        instant_at(civil, &self.zone)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config/courtesy.yaml")
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let file = self.folder.path().join(name);
        fs::write(&file, text).expect("written");
        file.to_str().expect("UTF-8").to_owned()
    }

    /// Replaces a word in a file that has it.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.folder.path().join(name)).expect("a text file");
        assert!(text.contains(from), "{name} has `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// As a person types it, in a process of its own: what it logs does not
    /// stand in the journal.
    pub fn command(&self, words: &[&str]) {
        let config = self.config();
        let config = ["--quiet", "--config", config.to_str().expect("UTF-8")];
        let line = ["courtesy"].into_iter().chain(words.iter().copied()).chain(config);
        let command = Cli::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
        let around = Surroundings { user: "Lin".to_owned() };
        let mut screen = Screen::standard(true);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _elsewhere = tracing::subscriber::set_default(NoSubscriber::default());
        let done = runtime.block_on(cli::run(command, &around, self.clock.clone(), &mut screen));
        assert!(matches!(done, Ok(Verdict::Done)), "{words:?}: {done:?}");
    }

    /// A file of the folder, for a command that writes one.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Sees what happens on this thread, and writes it down in both forms.
    pub fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let (text, json) = (self.text.clone(), self.json.clone());
        let log = tracing_subscriber::registry()
            .with(EnvFilter::new(OF_DAEMON))
            .with(lines(LogForm::Text, Onto::Pipe, text, self.clock.clone()))
            .with(lines(LogForm::Json, Onto::Pipe, json, self.clock.clone()));
        tracing::subscriber::set_default(log)
    }

    /// As `courtesy run` does.
    pub fn start(&mut self) {
        let config = load::config_at(&self.config()).expect("the configuration is clean");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (beats, heard) = mpsc::channel(1);
        let (signals, received) = mpsc::channel(1);
        let daemon = Daemon::prepare(config, self.clock.clone()).expect("it can begin");
        let engine = daemon.engine.clone();
        let driver = Driver { beats: heard, signals: received, manager: Manager::none() };
        let ended = runtime.spawn(daemon.run(driver));
        let life = Life { engine, beats, signals, ended, runtime };
        life.settle(0, &self.clock);
        self.life = Some(life);
    }

    /// As SIGTERM does.
    pub fn stop(&mut self) {
        let Life { engine: _, beats: _beats, signals, ended, runtime } = self.life.take().expect("it runs");
        runtime.block_on(async {
            signals.send(Signal::Stop).await.expect("it listens");
            ended.await.expect("no panic").expect("it ends well");
        });
    }

    /// As SIGHUP does.
    pub fn reload(&self) {
        let life = self.life.as_ref().expect("it runs");
        let before = life.looks();
        let signal = Signal::Reload(Consent::Missing);
        life.runtime.block_on(life.signals.send(signal)).expect("it listens");
        life.settle(before, &self.clock);
    }

    /// As SIGKILL does, while a letter is handed over.
    pub fn crash_in_the_middle_of_a_letter(&mut self) {
        let life = self.life.take().expect("it runs");
        let before = self.server.hanging();
        life.runtime.block_on(life.beats.send(())).expect("it listens");
        life.let_it(|| self.server.hanging() > before);
        drop(life);
    }

    /// Lets time pass, with a heartbeat whenever there is something to do.
    pub fn live_until(&mut self, until: DateTime) {
        let until = self.moment(until);
        let Some(life) = &self.life else {
            self.clock.set(until);
            return;
        };
        while self.clock.now() < until {
            let next = life.next(&self.clock).min(until);
            self.clock.set(next);
            let before = life.looks();
            life.runtime.block_on(life.beats.send(())).expect("it listens");
            life.settle(before, &self.clock);
            life.let_it(|| self.server.is_alone());
        }
    }

    /// The outbox, oldest first.
    pub fn rows(&self) -> Vec<OutboxLetter> {
        let life = self.life.as_ref().expect("it runs");
        let all = OutboxFilter { limit: usize::MAX, ..OutboxFilter::default() };
        let mut rows = life.runtime.block_on(life.engine.store().outbox(all)).expect("the store works");
        rows.sort_by_key(|row| row.id);
        rows
    }
}

impl Life {
    /// How often it has looked.
    fn looks(&self) -> u64 {
        let Passes { complete, held, failed } = self.engine.condition().passes;
        complete + held + failed
    }

    /// The next full minute at which it may have something to do.
    fn next(&self, clock: &VirtualClock) -> Timestamp {
        let now = clock.now();
        let due = self.runtime.block_on(self.engine.store().next_due_at()).expect("the store works");
        let relay = self.engine.condition().relay.and_then(|(_, until)| until);
        let next = [due, relay].into_iter().flatten().min().unwrap_or(Timestamp::MAX).min(now + STEP);
        let minute = |at: i64| at.div_euclid(60) * 60;
        let full = Timestamp::from_second(minute(next.as_second() + 59)).expect("a moment");
        full.max(Timestamp::from_second(minute(now.as_second()) + 60).expect("a moment"))
    }

    /// Lets it work until it has looked once more and nothing is on its way.
    fn settle(&self, looks: u64, clock: &VirtualClock) {
        self.runtime.block_on(async {
            for _ in 0..ASKED_MAX {
                tokio::task::yield_now().await;
                if self.looks() > looks && self.is_done(clock.now()).await {
                    return;
                }
                assert!(!self.ended.is_finished(), "it has ended by itself");
            }
            panic!("it does not come to rest: {:?}", self.engine.condition());
        });
    }

    /// Lets it work until something is so.
    fn let_it(&self, is_so: impl Fn() -> bool) {
        self.runtime.block_on(async {
            for _ in 0..ASKED_MAX {
                if is_so() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            panic!("it never comes to that: {:?}", self.engine.condition());
        });
    }

    async fn is_done(&self, now: Timestamp) -> bool {
        let condition = self.engine.condition();
        let paused = condition.relay.is_some_and(|(_, until)| until.is_some_and(|until| now < until));
        let halted = condition.last_pass.is_some_and(|pass| pass.halt.is_some());
        if condition.delivers {
            return false;
        }
        paused || halted || self.engine.store().claimable(now, 1).await.expect("the store works").is_empty()
    }
}
