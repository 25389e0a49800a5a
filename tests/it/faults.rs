//! Faults, tried on the real binary over real sockets: killed, stopped and
//! told to end at every moment, with relays that refuse, fall silent and lie,
//! with a real Postfix, and with input that wants to be something else.

mod business;
mod hostile;
mod interrupted;
mod kills;
mod moods;
mod network;
mod postfix;
mod privacy;
mod signals;
mod unread;
mod volume;

use std::process::Command;
use std::sync::{Mutex, MutexGuard};

/// A number from the environment, so that a night can run more than CI does.
fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{variable}={text}")))
}

/// How many cases a property is tried with: `COURTESY_MORE` times the usual.
pub fn more(usual: u32) -> u32 {
    usual.saturating_mul(u32::try_from(number("COURTESY_MORE", 1)).unwrap_or(u32::MAX))
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while it is locked")
}

/// Sends a signal by its name without `SIG`.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status().expect("kill is there");
    assert!(sent.success(), "SIG{name}");
}
