//! A relay that refuses, falls silent, forgets to answer and outlives the
//! process, and keeps what it accepted.
//!
//! What becomes of an attempt depends on the seed, the letter and how often
//! it was tried, so that several couriers live through the same year in any
//! order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::delivery::{Obstacle, Outcome, Parcel, Reply, SmtpStage, Unreachable};
use courtesy::relay::Relay;
use jiff::Timestamp;
use tokio::sync::Notify;

use super::dice::throw;

/// What the relay has seen.
#[derive(Default)]
pub struct Seen {
    pub accepted: Vec<(Timestamp, Parcel)>,
    /// Mailboxes to which something did not go smoothly since the last look.
    pub trouble: BTreeSet<String>,
    /// Whether a session was refused since the last look.
    pub was_down: bool,
    /// Mailboxes found dead.
    pub dead: BTreeSet<String>,
    attempts: BTreeMap<String, u32>,
    /// No session until then.
    down_until: Option<Timestamp>,
    /// Nothing goes wrong any more.
    calm: bool,
}

#[derive(Clone)]
pub struct Moody {
    seed: u64,
    clock: VirtualClock,
    // The checkers look into it while couriers come and go.
    seen: Arc<Mutex<Seen>>,
    death: Arc<Notify>,
}

impl Moody {
    pub fn new(seed: u64, clock: VirtualClock) -> Self {
        Self { seed: seed ^ 0xdead, clock, seen: Arc::default(), death: Arc::default() }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no panic while looking")
    }

    pub fn down_until(&self, until: Timestamp) {
        self.seen().down_until = Some(until);
    }

    pub fn calm_down(&self) {
        self.seen().calm = true;
    }

    /// Comes when the process is to die in the middle of an attempt.
    pub async fn death(&self) {
        self.death.notified().await;
    }

    fn accept(&self, parcel: &Parcel) {
        let now = self.clock.now();
        self.seen().accepted.push((now, parcel.clone()));
    }

    async fn die(&self) -> Outcome {
        self.death.notify_one();
        std::future::pending().await
    }
}

fn reply(code: u16, enhanced: (u8, u16, u16)) -> Reply {
    Reply { code, enhanced: Some(enhanced), text: "said the relay".to_owned() }
}

fn not_sent(stage: SmtpStage, reply: Option<Reply>) -> Outcome {
    Outcome::NotSent { stage, cause: "timed out".to_owned(), reply }
}

impl Relay for Moody {
    type Session = ();

    async fn open(&self) -> Result<(), Unreachable> {
        let now = self.clock.now();
        let mut seen = self.seen();
        let refused = throw(self.seed, &format!("open at {now}"), 100) < 2;
        if !seen.calm && (refused || seen.down_until.is_some_and(|until| now < until)) {
            seen.was_down = true;
            let cause = "connection refused".to_owned();
            let (stage, obstacle) = (SmtpStage::Connect, Obstacle::Refused);
            return Err(Unreachable { stage, cause, obstacle, needs_person: false });
        }
        Ok(())
    }

    async fn deliver(&self, _session: &mut (), parcel: &Parcel) -> Outcome {
        let (mood, gone) = {
            let mut seen = self.seen();
            let number = seen.attempts.entry(parcel.message_id.clone()).or_default();
            *number += 1;
            let about = format!("{} {number}", parcel.message_id);
            let mood = if seen.calm { 999 } else { throw(self.seed, &about, 1_000) };
            // A mailbox of this name never was.
            let gone = parcel.to.as_str().starts_with("gone");
            if gone {
                seen.dead.insert(parcel.to.as_str().to_lowercase());
            }
            if mood < 80 || gone {
                seen.trouble.insert(parcel.to.as_str().to_lowercase());
            }
            (mood, gone)
        };
        match mood {
            _ if gone => Outcome::RecipientRefused { reply: reply(550, (5, 1, 1)) },
            0..30 => not_sent(SmtpStage::Rcpt, Some(reply(451, (4, 7, 1)))),
            30..38 => not_sent(SmtpStage::Data, None),
            38..44 => not_sent(SmtpStage::FinalDot, Some(reply(452, (4, 3, 1)))),
            44..50 => Outcome::RecipientRefused { reply: reply(552, (5, 2, 2)) },
            50..54 => Outcome::RecipientRefused { reply: reply(550, (5, 7, 1)) },
            54..58 => Outcome::LetterRefused { stage: SmtpStage::FinalDot, reply: reply(554, (5, 6, 0)) },
            // Nobody knows: it may or may not have arrived.
            58..64 => {
                self.accept(parcel);
                Outcome::Uncertain { cause: "closed after the final dot".to_owned() }
            }
            64..70 => Outcome::Uncertain { cause: "closed after the final dot".to_owned() },
            70..75 => {
                self.accept(parcel);
                self.die().await
            }
            75..80 => self.die().await,
            _ => {
                self.accept(parcel);
                Outcome::Accepted { reply: reply(250, (2, 0, 0)), left_out: vec![] }
            }
        }
    }

    fn is_usable(&self, _session: &()) -> bool {
        true
    }

    async fn close(&self, _session: ()) {}
}
