//! The world that stops, or whose disk fails, at a chosen step.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use courtesy::store::StoreError;
use tokio::sync::Notify;

/// Of whom something is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    Store,
    Relay,
    /// The mail server, inside a conversation.
    Talk,
}

/// A moment before or after something is done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Step {
    pub part: Part,
    pub what: &'static str,
    pub done: bool,
}

impl Step {
    fn is_of_couriers(self) -> bool {
        let asked = ["letter_and_facts", "begin_attempt", "finish_attempt", "set_aside"];
        self.part == Part::Relay || asked.contains(&self.what)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// The machine stops at this step.
    Stop(usize),
    /// The same, with none but the steps of couriers counted.
    StopCouriers(usize),
    /// The store fails at this step of its own, and so many in a row.
    Fail {
        at: usize,
        times: usize,
    },
}

/// How it goes on at a step.
enum Turn {
    On,
    Stops,
    Fails,
}

struct State {
    fault: Fault,
    counted: usize,
    stopped: bool,
    reached: Option<Step>,
}

/// Shared by the program, which asks, and the mail server, which answers on a
/// thread of its own.
#[derive(Clone)]
pub struct World(Arc<(Mutex<State>, Notify)>);

impl World {
    pub fn new(fault: Fault) -> Self {
        let state = State { fault, counted: 0, stopped: false, reached: None };
        Self(Arc::new((Mutex::new(state), Notify::new())))
    }

    /// The step at which it went wrong.
    pub fn reached(&self) -> Option<Step> {
        self.state().reached
    }

    /// Comes when the machine stops.
    pub async fn death(&self) {
        self.0.1.notified().await;
    }

    /// The machine is started again.
    pub fn revive(&self) {
        self.state().stopped = false;
    }

    /// Nothing goes wrong any more.
    pub fn calm(&self) {
        self.state().fault = Fault::None;
    }

    /// A step of the store: it comes back, fails, or never comes back.
    pub async fn store(&self, what: &'static str, done: bool) -> Result<(), StoreError> {
        match self.turn(Step { part: Part::Store, what, done }) {
            Turn::On => Ok(()),
            Turn::Stops => pending().await,
            Turn::Fails => Err(StoreError::Failed { doing: what, cause: "disk I/O error".to_owned() }),
        }
    }

    /// A step of the relay: it comes back, or never does.
    pub async fn relay(&self, what: &'static str, done: bool) {
        if matches!(self.turn(Step { part: Part::Relay, what, done }), Turn::Stops) {
            pending::<()>().await;
        }
    }

    /// A step of the mail server: whether the machine is still there.
    pub fn talk(&self, what: &'static str, done: bool) -> bool {
        !matches!(self.turn(Step { part: Part::Talk, what, done }), Turn::Stops)
    }

    fn turn(&self, step: Step) -> Turn {
        let mut state = self.state();
        if state.stopped {
            return Turn::Stops;
        }
        let counts = match state.fault {
            Fault::None | Fault::Stop(_) => true,
            Fault::StopCouriers(_) => step.is_of_couriers(),
            Fault::Fail { .. } => step.part == Part::Store,
        };
        if !counts {
            return Turn::On;
        }
        let number = state.counted;
        state.counted += 1;
        let turn = match state.fault {
            Fault::Stop(at) | Fault::StopCouriers(at) if at == number => Turn::Stops,
            Fault::Fail { at, times } if (at..at + times).contains(&number) => Turn::Fails,
            Fault::None | Fault::Stop(_) | Fault::StopCouriers(_) | Fault::Fail { .. } => return Turn::On,
        };
        state.reached.get_or_insert(step);
        if matches!(turn, Turn::Stops) {
            state.stopped = true;
            self.0.1.notify_one();
        }
        turn
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().expect("no panic while it is locked")
    }
}
