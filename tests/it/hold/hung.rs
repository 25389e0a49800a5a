//! What hangs is not told to be well: the service manager hears nothing of a
//! process whose passes or couriers do not go on.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use courtesy::domain::delivery::{Outcome, Parcel, Unreachable};
use courtesy::engine::daemon::{self, Outside, Signal};
use courtesy::engine::reload::{Configured, Consent, Loaded};
use courtesy::relay::MemorySession;
use courtesy::systemd::Manager;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::*;

/// The other end of `NOTIFY_SOCKET`.
struct Ear {
    socket: UnixDatagram,
    _folder: TempDir,
}

impl Ear {
    fn new() -> (Self, Manager) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        (Self { socket, _folder: folder }, Manager::at(path.as_os_str()).expect("an address"))
    }

    /// What is told within so long, if anything is.
    fn hears_within(&self, patience: Duration) -> Option<String> {
        self.socket.set_read_timeout(Some(patience)).expect("a timeout");
        let mut buffer = [0; 4096];
        match self.socket.recv(&mut buffer) {
            Ok(length) => Some(String::from_utf8(buffer[..length].to_vec()).expect("text")),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Everything up to and with the words that begin so.
    fn hears(&self, words: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let heard =
                self.hears_within(Duration::from_mins(1)).unwrap_or_else(|| panic!("`{words}`: {all:?}"));
            let done = heard.starts_with(words);
            all.push(heard);
            if done {
                return all;
            }
        }
    }
}

const ALIVE: &str = "WATCHDOG=1";

/// A daemon that looks whenever it is told to reload.
struct Running {
    ear: Ear,
    signals: mpsc::Sender<Signal>,
    // Never beats, and is not gone.
    _beat: mpsc::Sender<()>,
    ended: JoinHandle<Result<(), daemon::DaemonError>>,
}

impl Running {
    fn start<R: Relay, C: Clock>(engine: Engine<SqliteStore, R, C>) -> Self {
        let (ear, manager) = Ear::new();
        let (signals, received) = mpsc::channel(1);
        let (beat, beats) = mpsc::channel(1);
        let ended = tokio::spawn(async move {
            let outside = Outside {
                beats,
                reload: |_: &R| Ok(Loaded { office: office(), relay: None }),
                told: |_: &Configured| {},
                told_before: std::collections::BTreeMap::new(),
                remember: |_: &std::collections::BTreeMap<String, Timestamp>| {},
                looked: || {},
                signals: received,
                manager,
            };
            daemon::run(engine, outside).await
        });
        Self { ear, signals, ended, _beat: beat }
    }

    async fn look(&self) {
        self.signals.send(Signal::Reload(Consent::Missing)).await.expect("it listens");
    }

    async fn stop(self) {
        self.signals.send(Signal::Stop).await.expect("it listens");
        self.ended.await.expect("no panic").expect("it ends well");
    }
}

/// A clock at which everybody waits while it is stopped.
#[derive(Clone)]
struct StopWatch {
    clock: VirtualClock,
    state: Arc<(Mutex<Stopped>, Condvar)>,
}

#[derive(Default)]
struct Stopped {
    stopped: bool,
    waiting: usize,
}

impl StopWatch {
    fn change(&self, stopped: bool) {
        self.state.0.lock().expect("no panic").stopped = stopped;
        self.state.1.notify_all();
    }

    fn until_somebody_waits(&self) {
        let (state, changed) = &*self.state;
        let state = state.lock().expect("no panic");
        drop(changed.wait_while(state, |state| state.waiting == 0).expect("no panic"));
    }
}

impl Clock for StopWatch {
    fn now(&self) -> Timestamp {
        let (state, changed) = &*self.state;
        let mut state = state.lock().expect("no panic");
        state.waiting += 1;
        changed.notify_all();
        let mut state = changed.wait_while(state, |state| state.stopped).expect("no panic");
        state.waiting -= 1;
        self.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pass_that_hangs_is_not_told_to_be_well() {
    let shop = Shop::with(1).await;
    let clock = StopWatch { clock: shop.clock.clone(), state: Arc::default() };
    let engine = Engine::new(shop.open(), MemoryRelay::new().0, clock.clone(), office());
    let daemon = Running::start(engine);
    assert_eq!(daemon.ear.hears("STATUS=").first().map(String::as_str), Some("READY=1"));
    clock.change(true);
    daemon.look().await;
    clock.until_somebody_waits();
    while let Some(heard) = daemon.ear.hears_within(Duration::from_millis(500)) {
        assert_ne!(heard, ALIVE, "it hangs");
    }
    clock.change(false);
    daemon.ear.hears(ALIVE);
    daemon.stop().await;
}

/// Takes a letter and does not answer until it is told to.
struct Silent {
    reached: mpsc::Sender<()>,
    answer: Arc<Notify>,
    inner: MemoryRelay,
    patience: Duration,
}

impl Relay for Silent {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        self.inner.open().await
    }

    async fn deliver(&self, session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        self.reached.send(()).await.expect("the test waits");
        self.answer.notified().await;
        self.inner.deliver(session, parcel).await
    }

    fn is_usable(&self, session: &MemorySession) -> bool {
        self.inner.is_usable(session)
    }

    fn patience(&self, letter: Option<&Parcel>) -> Duration {
        letter.map_or(Duration::from_mins(10), |_| self.patience)
    }

    async fn close(&self, session: MemorySession) {
        self.inner.close(session).await;
    }
}

/// Whether a look is told of as being well while a letter is in hand that may
/// take so long.
async fn is_well_while_a_letter_may_take(patience: Duration) -> bool {
    let shop = Shop::with(1).await;
    let (reached, mut in_hand) = mpsc::channel(1);
    let answer = Arc::new(Notify::new());
    let (inner, mailbox) = MemoryRelay::new();
    let relay = Silent { reached, answer: Arc::clone(&answer), inner, patience };
    let daemon = Running::start(shop.engine_with(relay, office()));
    in_hand.recv().await.expect("a letter");
    daemon.ear.hears("STATUS=");
    daemon.look().await;
    let well = daemon.ear.hears("STATUS=").iter().any(|word| word == ALIVE);
    answer.notify_one();
    while mailbox.letters().is_empty() {
        tokio::task::yield_now().await;
    }
    // What goes on again is well again.
    loop {
        daemon.look().await;
        if daemon.ear.hears("STATUS=").iter().any(|word| word == ALIVE) {
            break;
        }
    }
    daemon.stop().await;
    well
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_courier_that_hangs_is_not_told_to_be_well_and_one_that_waits_is() {
    assert!(!is_well_while_a_letter_may_take(Duration::ZERO).await);
    assert!(is_well_while_a_letter_may_take(Duration::from_mins(30)).await);
}
