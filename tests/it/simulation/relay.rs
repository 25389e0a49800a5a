//! A relay that refuses, falls silent and forgets to answer, and keeps what
//! it accepted.

use std::sync::{Arc, Mutex};

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::delivery::{Obstacle, Outcome, Parcel, Reply, SmtpStage, Unreachable};
use courtesy::relay::Relay;
use jiff::Timestamp;

use super::model::Dice;

/// What the relay has accepted, and when; shared with the checkers.
pub type Accepted = Arc<Mutex<Vec<(Timestamp, Parcel)>>>;

#[derive(Clone)]
pub struct Moody {
    pub accepted: Accepted,
    dice: Arc<Mutex<Dice>>,
    clock: VirtualClock,
}

impl Moody {
    pub fn new(seed: u64, clock: VirtualClock) -> Self {
        Self { accepted: Accepted::default(), dice: Arc::new(Mutex::new(Dice::new(seed))), clock }
    }

    fn roll(&self) -> u64 {
        self.dice.lock().expect("no panic while rolling").below(1_000)
    }

    fn accept(&self, parcel: &Parcel) {
        self.accepted.lock().expect("no panic while accepting").push((self.clock.now(), parcel.clone()));
    }
}

fn reply(code: u16, enhanced: Option<(u8, u16, u16)>) -> Reply {
    Reply { code, enhanced, text: "said the relay".to_owned() }
}

impl Relay for Moody {
    type Session = ();

    async fn open(&self) -> Result<(), Unreachable> {
        if self.roll() < 20 {
            let cause = "connection refused".to_owned();
            let (stage, obstacle) = (SmtpStage::Connect, Obstacle::Refused);
            return Err(Unreachable { stage, cause, obstacle, needs_person: false });
        }
        Ok(())
    }

    async fn deliver(&self, _session: &mut (), parcel: &Parcel) -> Outcome {
        match self.roll() {
            0..30 => Outcome::NotSent {
                stage: SmtpStage::Rcpt,
                cause: String::new(),
                reply: Some(reply(451, Some((4, 7, 1)))),
            },
            30..40 => Outcome::NotSent { stage: SmtpStage::Data, cause: "timed out".to_owned(), reply: None },
            // Nobody knows: it may or may not have arrived.
            40..44 => {
                self.accept(parcel);
                Outcome::Uncertain { cause: "closed after the final dot".to_owned() }
            }
            44..48 => Outcome::Uncertain { cause: "closed after the final dot".to_owned() },
            48..50 => {
                Outcome::LetterRefused { stage: SmtpStage::FinalDot, reply: reply(554, Some((5, 6, 0))) }
            }
            _ => {
                self.accept(parcel);
                Outcome::Accepted { reply: reply(250, None), left_out: vec![] }
            }
        }
    }

    fn is_usable(&self, _session: &()) -> bool {
        true
    }

    async fn close(&self, _session: ()) {}
}
