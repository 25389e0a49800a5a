//! Lines that nobody took: a log that is not read keeps no letter waiting, so
//! what finds no room is dropped here, counted, and told when there is room.

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tracing::warn;
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking};
use tracing_subscriber::fmt::MakeWriter;

use crate::clock::{Clock, SystemClock};

/// The log of this process is one, and so is what it lost.
pub static LOSSES: Losses = Losses(Mutex::new(Account { untold: None, total: 0 }));

thread_local! {
    // Whether the last line of this thread was dropped.
    static DROPPED: Cell<bool> = const { Cell::new(false) };
}

/// What was lost.
#[derive(Debug)]
pub struct Losses(Mutex<Account>);

#[derive(Debug)]
struct Account {
    /// What was lost since it was last told.
    untold: Option<Loss>,
    /// How many lines since the start.
    total: u64,
}

/// Lines that were lost one after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Loss {
    lines: u64,
    since: Timestamp,
    until: Timestamp,
}

impl Loss {
    fn and(self, later: Option<Self>) -> Self {
        let Some(later) = later else { return self };
        Self { lines: self.lines + later.lines, since: self.since, until: later.until }
    }
}

impl Losses {
    /// How many lines were lost since the start.
    pub fn total(&self) -> u64 {
        self.account().total
    }

    /// Tells the log what it lost since this was last told. Where that line is
    /// lost as well, it is told another time.
    pub fn tell(&self) {
        let Some(loss) = self.account().untold.take() else { return };
        DROPPED.set(false);
        let Loss { lines, since, until } = loss;
        warn!(
            lines,
            %since,
            %until,
            "lines of the log were lost, because nobody read it; `courtesy outbox` and `history` know what was sent"
        );
        if DROPPED.get() {
            let mut account = self.account();
            let later = account.untold.take();
            account.untold = Some(loss.and(later));
        }
    }

    fn note(&self, now: Timestamp) {
        let mut account = self.account();
        account.total += 1;
        let one = Loss { lines: 1, since: now, until: now };
        account.untold = Some(account.untold.map_or(one, |loss| loss.and(Some(one))));
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes lines to where a thread of their own takes them, or notes that it
/// could not.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    lines: NonBlocking,
    dropped: ErrorCounter,
}

impl Counted {
    pub(super) fn new(lines: NonBlocking) -> Self {
        Self { dropped: lines.error_counter(), lines }
    }
}

impl Write for Counted {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        // Nobody waits long for it: the line is copied, or dropped.
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.dropped.dropped_lines();
        let written = self.lines.write(line);
        let dropped = self.dropped.dropped_lines() > before;
        drop(alone);
        DROPPED.set(dropped);
        if dropped {
            LOSSES.note(SystemClock.now());
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

impl MakeWriter<'_> for Counted {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lost_before_and_after_are_one_loss() {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let losses = Losses(Mutex::new(Account { untold: None, total: 0 }));
        for second in [10, 20, 30] {
            losses.note(at(second));
        }
        let all = losses.account().untold;
        assert_eq!(all, Some(Loss { lines: 3, since: at(10), until: at(30) }));
        assert_eq!(losses.total(), 3);
    }
}
