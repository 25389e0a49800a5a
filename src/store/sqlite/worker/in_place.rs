//! A store in memory: whoever asks runs the request.
//!
//! Nobody else can see its one connection, so that nobody waits for a commit:
//! one ends a group of requests only to keep its journal small. What an answer
//! promised is lost only if the database gives up a whole transaction for want
//! of memory, which the request that met it is told.

use super::{Desk, Request, Trouble, run};

/// A commit looks through all pages in memory, and there may be a million.
const GROUP_MAX: usize = 8_192;

/// A store in memory, and how many requests share the open transaction.
#[derive(Debug)]
pub(super) struct InPlace {
    desk: Desk,
    shared: usize,
}

impl InPlace {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk, shared: 0 }
    }

    /// Runs a request and answers it at once.
    pub(super) fn run(&mut self, request: Request) {
        match request {
            Request::Shared(work) => {
                let reply = match self.begin() {
                    Ok(()) => work(Ok(&mut self.desk)),
                    Err(trouble) => work(Err(trouble)),
                };
                self.shared += 1;
                let lost = self.desk.conn.is_autocommit();
                if lost {
                    self.desk.drop_readings();
                }
                let full = self.shared >= GROUP_MAX;
                reply(if lost {
                    Err(Trouble::rolled_back())
                } else if full {
                    self.end()
                } else {
                    Ok(())
                });
            }
            Request::Alone(work) => match self.end() {
                Ok(()) => work(Ok(&mut self.desk))(Ok(())),
                Err(trouble) => work(Err(trouble))(Ok(())),
            },
        }
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        if !self.desk.conn.is_autocommit() {
            return Ok(());
        }
        self.shared = 0;
        run(&self.desk.conn, "BEGIN IMMEDIATE").map_err(|error| Trouble::of(&error))
    }

    fn end(&mut self) -> Result<(), Trouble> {
        if self.desk.conn.is_autocommit() {
            return Ok(());
        }
        self.desk.settle().inspect_err(|_| self.desk.drop_readings())
    }
}
