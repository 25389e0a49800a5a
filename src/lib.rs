//! Courtesy sends staged payment reminders, thank-yous and check-ins by
//! rules, unattended, on a business's own server.
//!
//! This page is the architecture. It says what belongs where and what must
//! stay true; a test stands behind every line that begins with "Invariant".
//!
//! # One way through
//!
//! ```text
//! config + rules -> facts -> plan -> outbox -> letter -> relay -> record -> report
//!     files         store    pure    durable   bytes     SMTP     durable    people
//! ```
//!
//! | step | code | in -> out | pure? |
//! |---|---|---|---|
//! | load | [`config::load`], [`letter::Composer::load`] | files -> settings, rules, templates, or every [`problem::Problem`] | no |
//! | observe | [`store::Store::facts`] | what rules can reach now, relationship by relationship -> [`domain::facts::Facts`] | no |
//! | plan | [`domain::plan::plan`] | rules, settings, facts, now -> [`domain::plan::Plan`] | **yes** |
//! | queue | [`store::Store::enqueue`] | drafts -> letters of the outbox, one live letter a notice | no, one transaction |
//! | ask again | [`domain::plan::recheck`] | the same decision on fresh facts, as if the letter were not queued | **yes** |
//! | letter | [`letter::Composer::compose`], [`letter::mime`] | draft, facts, templates, files that go along -> bytes | yes, once loaded, but for those files |
//! | claim | [`store::Store::begin_attempt`] | reads the facts again; unless they are the same, no attempt | no, one transaction |
//! | deliver | [`relay::Relay::deliver`] | bytes -> [`domain::delivery::Outcome`], a value and never an error | no |
//! | record | [`store::Store::finish_attempt`] | outcome, by [`domain::delivery::transition`] -> next state | no, one transaction |
//!
//! A letter is asked about twice. The planner decides when it is queued, and
//! the same function decides again when it is about to leave. What was decided
//! then holds for the attempt because `begin_attempt` compares the facts it
//! was decided on with those of its own transaction: the decision is pure, so
//! equal facts are an equal decision.
//!
//! # When it stops
//!
//! Before each pass and each round of deliveries [`store::Store::watch`] says
//! whether anything may leave: the store knows every attempt that the record
//! beside it tells of, the clock is near the latest moment that was seen, and
//! there is room on the disk. If not, there is a [`domain::halt::Halt`], HOLD:
//! nothing is planned and nothing leaves until its cause is gone or a person
//! says `courtesy resume`. `begin_attempt` asks for the record once more, in
//! its own transaction.
//!
//! # What wakes
//!
//! Customers who share an address are one *relationship*: one budget, one
//! page of facts. Each has a `wake_at`, a lower bound of the moment at which
//! something can become due. A plan returns the next one; every write about a
//! relationship sets it to zero, by triggers, so that no code can forget;
//! changed rules reset them all. A heartbeat every minute asks whose time has
//! come, so that a tick lost, doubled or late changes nothing.
//!
//! # Rooms, in reading order
//!
//! - [`domain`]: what is known and decided. No I/O, no clock, no logging.
//! - [`store`]: durable state. [`letter`]: words and bytes. [`relay`]: the way
//!   out. [`inbox`]: what comes back. Neighbours that do not know each other.
//! - [`engine`]: passes, couriers, the daemon, the rehearsal.
//! - [`config`]: YAML. [`cli`]: the commands, the only room that prints.
//! - [`systemd`]: what the service manager is told. [`web`]: pages for those
//!   who watch.
//! - [`clock`]: the only place that reads the time. [`problem`]: what is wrong
//!   in a person's file, and where. [`nearest`]: the word that was meant.
//!   `hands`: work that all processors share.
//!
//! Invariant: dependencies point one way: `main -> cli -> engine -> {store,
//! letter, relay} -> domain`; nobody but `main` and `cli` knows `config`.
//!
//! There are three traits of ours that the engine stands on,
//! [`store::Store`], [`relay::Relay`] and [`clock::Clock`], and it takes them
//! as type parameters.
//!
//! # What is promised
//!
//! Held after every test and every simulated year; `tests/it` names them.
//!
//! - I1: the relay accepts at most one copy per notice key, except where a
//!   person or a rule asks for another (`resolve --not-sent`,
//!   `resend_same_id`), or the first came back from a dead address.
//! - I2: nothing goes out for what a visible payment, dispute, hold or
//!   suppression covers.
//! - I3: every due notice ends in a final state, or is listed as waiting,
//!   uncertain or held.
//! - I4: `sent` in the store means that the relay accepted it.
//! - I5: no wrong recipient, amount, currency or language.
//! - I6: what happened is visible: log, `outbox`, figures.
//! - I7: planning right after queueing finds nothing but what the caps named
//!   as waiting.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
mod hands;
pub mod inbox;
pub mod letter;
pub mod nearest;
pub mod problem;
pub mod relay;
pub mod store;
pub mod systemd;
pub mod web;
