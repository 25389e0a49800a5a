//! A disk that fills up between the two commits of an attempt, on a
//! small file system of its own.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use courtesy::domain::delivery::{Outcome, Parcel, Unreachable};
use courtesy::domain::halt::Halt;
use courtesy::domain::notice::LetterState;
use courtesy::relay::MemorySession;
use tokio::sync::Barrier;

use super::*;

/// A file system in memory, gone when it is dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = format!("size={size}");
        done(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()));
        Self(folder)
    }

    /// Takes all the room there is.
    fn fill(&self) -> PathBuf {
        let file = self.0.path().join("filler");
        let mut filler = std::fs::File::create(&file).expect("a file");
        let block = [0_u8; 4096];
        while std::io::Write::write_all(&mut filler, &block).is_ok() {}
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().ok();
    }
}

fn done(command: &mut Command) {
    let status = command.status().expect("the program is there");
    assert!(status.success(), "{command:?}: this needs root");
}

/// How many couriers have a letter in their hands when the disk fills up.
const COURIERS: usize = 4;

/// Fills the disk while every courier has a letter in its hands.
struct Fills {
    disk: Arc<SmallDisk>,
    filler: Arc<Mutex<Option<PathBuf>>>,
    in_hand: AtomicUsize,
    all: Barrier,
    inner: MemoryRelay,
}

impl Relay for Fills {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        self.inner.open().await
    }

    async fn deliver(&self, session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        if self.in_hand.fetch_add(1, Ordering::SeqCst) < COURIERS {
            self.all.wait().await;
            self.filler.lock().expect("no panic").get_or_insert_with(|| self.disk.fill());
        }
        self.inner.deliver(session, parcel).await
    }

    fn is_usable(&self, session: &MemorySession) -> bool {
        self.inner.is_usable(session)
    }

    async fn close(&self, session: MemorySession) {
        self.inner.close(session).await;
    }
}

/// Stands still; somebody makes room after we have waited a few times.
#[derive(Clone)]
struct Patient {
    waited: Arc<Mutex<u32>>,
    filler: Arc<Mutex<Option<PathBuf>>>,
    mailbox: Mailbox,
    sent_while_full: Arc<Mutex<usize>>,
}

impl Clock for Patient {
    fn now(&self) -> Timestamp {
        at(MONDAY)
    }

    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
        // Some may wait while others still hand their letter over.
        if self.mailbox.letters().len() < COURIERS {
            return;
        }
        let mut waited = self.waited.lock().expect("no panic");
        *waited += 1;
        if *waited == 50 {
            *self.sent_while_full.lock().expect("no panic") = self.mailbox.letters().len();
            let filler = self.filler.lock().expect("no panic").clone();
            std::fs::remove_file(filler.expect("the disk is full")).expect("room again");
        }
    }
}

/// Four couriers, each with a letter that has just left, on a disk on which
/// that can't be written down.
async fn nothing_else_is_sent_until_it_is_written_down(disk: Arc<SmallDisk>, folder: &Path) {
    let store = open(&folder.join("courtesy.db"));
    let elsewhere = tempfile::tempdir().expect("a folder");
    fill(&store, elsewhere.path(), 0..12).await;
    let (inner, mailbox) = MemoryRelay::new();
    let filler = Arc::default();
    let clock = Patient {
        waited: Arc::default(),
        filler: Arc::clone(&filler),
        mailbox: mailbox.clone(),
        sent_while_full: Arc::default(),
    };
    let relay = Fills { disk, filler, in_hand: AtomicUsize::new(0), all: Barrier::new(COURIERS), inner };
    let mut office = office();
    office.connections = COURIERS;
    let engine = Engine::new(store.clone(), relay, clock.clone(), office);
    engine.pass().await.expect("there is room");
    let delivered = engine.deliver().await;
    let sent_while_full = *clock.sent_while_full.lock().expect("no panic");
    assert_eq!(sent_while_full, COURIERS, "the letters in hand, and no other");
    // Where a courier's next claim did not fit either, the next heartbeat goes on.
    drop(delivered);
    beat(&engine).await;
    let mut to: Vec<_> = mailbox.letters().iter().map(|parcel| parcel.to.to_string()).collect();
    to.sort();
    to.dedup();
    assert_eq!((to.len(), mailbox.letters().len()), (12, 12), "each once");
    assert_eq!(in_state(&store, LetterState::Sent).await.len(), 12);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root, for a file system of its own"]
async fn an_outcome_that_does_not_fit_is_tried_again_and_nothing_else_is_sent_meanwhile() {
    let disk = Arc::new(SmallDisk::mount("6m"));
    nothing_else_is_sent_until_it_is_written_down(Arc::clone(&disk), disk.0.path()).await;
}

#[tokio::test]
#[ignore = "needs root, for a file system of its own"]
async fn with_too_little_room_nothing_is_begun_and_with_room_it_goes_on() {
    let disk = SmallDisk::mount("6m");
    let store = open(&disk.0.path().join("courtesy.db"));
    let elsewhere = tempfile::tempdir().expect("a folder");
    fill(&store, elsewhere.path(), 0..2).await;
    let (relay, mailbox) = MemoryRelay::new();
    let mut office = office();
    office.settings.guards.free_space = 1024 * 1024;
    let engine = Engine::new(store, relay, VirtualClock::new(at(MONDAY)), office);
    engine.pass().await.expect("there is room");
    let filler = disk.fill();
    let (pass, delivery) = beat(&engine).await;
    assert!(matches!(pass.halt, Some(Halt::LowSpace { free: 0, .. })), "{pass:?}");
    assert_eq!((delivery.halt, mailbox.letters().len()), (pass.halt, 0));
    std::fs::remove_file(filler).expect("room");
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 2);
}
