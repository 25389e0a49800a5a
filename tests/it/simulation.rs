//! A virtual year of a small business, from a seed: invoices, payments in
//! full and in part, payments that bounce, disputes, holds, promises, moved
//! due dates, visits and deliveries; a relay that refuses, falls silent and
//! forgets to answer; downtime and restarts. The shipped rules and templates,
//! the real planner, store and couriers.
//!
//! The checkers look from outside: into what the relay accepted, with a model
//! of the business that shares no code with the planner.
//!
//! `COURTESY_SEEDS=100..300 cargo test --release simulation` runs more.

pub mod model;
mod relay;
mod year;

#[expect(clippy::print_stdout, reason = "the seed that found something must be known")]
#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_random_business_keeps_every_promise() {
    let seeds = std::env::var("COURTESY_SEEDS").unwrap_or_else(|_| "1..7".to_owned());
    let (from, until) = seeds.split_once("..").expect("COURTESY_SEEDS is a range like 1..7");
    let (from, until): (u64, u64) = (from.parse().expect("a number"), until.parse().expect("a number"));
    let mut sent = 0;
    for seed in from..until {
        println!("seed {seed}");
        sent += year::live(seed).await;
    }
    // A simulation that writes nothing would keep every promise.
    let years = usize::try_from(until - from).expect("a few years");
    assert!(sent > 60 * years, "only {sent} letters in {years} years");
}
