//! The machine that the program runs on: it dies with everything that was
//! under way, is started again, and looks at its clock once a minute.

use std::path::PathBuf;
use std::sync::Arc;

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::engine::{Engine, Office, PassReport, daemon};
use courtesy::relay::SmtpRelay;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{Store as _, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Runtime;

use super::relay::{MailServer, Stepped as SteppedRelay};
use super::store::Stepped as SteppedStore;
use super::world::World;
use crate::relay::{plain, smtp};
use crate::store::world::options;

type Program = Engine<SteppedStore<SqliteStore>, SteppedRelay<SmtpRelay>, VirtualClock>;

pub struct Machine {
    pub clock: VirtualClock,
    pub server: MailServer,
    /// How often the program said that something failed.
    pub told: usize,
    world: World,
    file: PathBuf,
    office: Arc<Office>,
    life: Option<Life>,
}

/// From a start to its end. With its runtime goes everything that is under
/// way, as a process takes its threads with it; what the store was asked for
/// by then, it does.
struct Life {
    program: Program,
    /// The same file, as another process sees it.
    store: SqliteStore,
    runtime: Runtime,
}

impl Machine {
    pub fn new(world: World, file: PathBuf, office: Arc<Office>, now: Timestamp) -> Self {
        let server = MailServer::start(world.clone());
        Self { clock: VirtualClock::new(now), server, told: 0, world, file, office, life: None }
    }

    /// Lets time pass until a moment, with a heartbeat whenever there is
    /// something to do, until it has come to its end.
    pub fn live_until(&mut self, until: Timestamp) {
        loop {
            while self.life.is_none() || self.next_due_at().is_some_and(|due| due <= self.clock.now()) {
                self.beat();
                self.clock.advance(SignedDuration::from_mins(1));
            }
            if self.clock.now() >= until {
                break;
            }
            self.clock.set(self.next_due_at().map_or(until, |due| due.min(until)));
        }
    }

    fn next_due_at(&self) -> Option<Timestamp> {
        self.ask(async |store, _| store.next_due_at().await.expect("it can be read"))
    }

    /// One heartbeat: what the pass came to, unless something went wrong.
    pub fn beat(&mut self) -> Option<PassReport> {
        let (life, begins) = match self.life.take() {
            Some(life) => (life, false),
            None => (self.start(), true),
        };
        let work = async {
            if begins {
                daemon::recover(&life.program).await.map_err(|error| vec![error])?;
            }
            // As in the daemon, what can't be planned keeps nothing back.
            match (life.program.pass().await, life.program.deliver().await) {
                (Ok(pass), Ok(_)) => Ok(pass),
                (pass, delivery) => Err(pass.err().into_iter().chain(delivery.err()).collect::<Vec<_>>()),
            }
        };
        let came = life.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.world.death() => None,
                came = work => Some(came),
            }
        });
        match came {
            Some(Ok(pass)) => {
                self.life = Some(life);
                Some(pass)
            }
            Some(Err(errors)) => {
                self.told += told(&errors);
                self.life = Some(life).filter(|_| !begins);
                None
            }
            None => {
                drop(life);
                self.world.revive();
                None
            }
        }
    }

    /// What another process does with the same file at this moment.
    pub fn ask<T>(&self, work: impl AsyncFnOnce(SqliteStore, Timestamp) -> T) -> T {
        let life = self.life.as_ref().expect("it runs");
        life.runtime.block_on(work(life.store.clone(), self.clock.now()))
    }

    fn start(&self) -> Life {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = SqliteStore::open(&self.file, options()).expect("a store");
        let relay = {
            let _inside = runtime.enter();
            smtp(plain(self.server.port()))
        };
        let program = Engine::new(
            SteppedStore { world: self.world.clone(), inner: store.clone() },
            SteppedRelay { world: self.world.clone(), inner: relay },
            self.clock.clone(),
            Arc::clone(&self.office),
        );
        Life { program, store, runtime }
    }
}

/// How many failures of the disk were told; any other is a fault.
fn told(errors: &[StoreError]) -> usize {
    for error in errors {
        assert!(error.to_string().ends_with("disk I/O error"), "{error}");
    }
    errors.len()
}
