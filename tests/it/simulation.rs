//! Virtual years of small businesses, each from a seed: invoices, deposits,
//! notes, instalment plans; payments in full, in part and back again, credit
//! notes, money on account; disputes, holds, promises, moved due dates;
//! visits, purchases, deliveries, trips, news; people who approve, drop and
//! resolve letters, block customers, mend addresses and edit the rules; a
//! relay that refuses, falls silent and forgets to answer; a machine that is
//! switched off, dies in the middle of an attempt, and wakes late. The shipped
//! rules and templates, the real planner, store and couriers.
//!
//! The checkers look from outside: into what the relay accepted, with a model
//! of the business that shares no code with the planner.
//!
//! `COURTESY_SEEDS=100..300 cargo test simulation` lives through others than
//! the usual ones.

mod acts;
mod calendar;
mod courtesies;
pub mod dice;
mod edits;
mod ladders;
mod mailbook;
mod mailbox;
mod model;
mod money;
mod relay;
mod statements;
mod why;
mod wishes;
mod year;

use std::collections::BTreeSet;
use std::num::NonZero;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;

/// Lived through by every `cargo test`.
const USUAL: Range<u64> = 1..9;

/// Seeds that found something, whatever `COURTESY_SEEDS` says.
const REGRESSIONS: &[u64] = &[];

#[test]
fn years_of_random_business_keep_every_promise() {
    let seeds: BTreeSet<u64> = seeds().chain(REGRESSIONS.iter().copied()).collect();
    tell(&format!("seeds {seeds:?}"));
    let waiting = Mutex::new(seeds.clone());
    let (sent, failed) = (Mutex::new(0), Mutex::new(Vec::new()));
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = take(&waiting) {
                    match live(seed) {
                        Some(letters) => *sent.lock().expect("a number") += letters,
                        None => failed.lock().expect("a list").push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("a list");
    assert!(failed.is_empty(), "found something: COURTESY_SEEDS={}..{}", failed[0], failed[0] + 1);
    // A simulation that writes nothing would keep every promise.
    let sent = sent.into_inner().expect("a number");
    assert!(sent > 60 * seeds.len(), "only {sent} letters in {} years", seeds.len());
}

fn take(waiting: &Mutex<BTreeSet<u64>>) -> Option<u64> {
    waiting.lock().expect("a list").pop_first()
}

/// One year on a thread of its own, so that a seed is the same year however
/// many are lived through at once.
fn live(seed: u64) -> Option<usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let lived = catch_unwind(AssertUnwindSafe(|| runtime.block_on(year::live(seed))));
    if lived.is_err() {
        tell(&format!("seed {seed} found something"));
    }
    lived.ok()
}

fn seeds() -> Range<u64> {
    let Ok(asked) = std::env::var("COURTESY_SEEDS") else { return USUAL };
    let range =
        asked.split_once("..").and_then(|(from, until)| Some(from.parse().ok()?..until.parse().ok()?));
    range.expect("COURTESY_SEEDS is a range like 1..9")
}

#[expect(clippy::print_stdout, reason = "seeds, and what was found, must be known")]
fn tell(what: &str) {
    println!("{what}");
}
