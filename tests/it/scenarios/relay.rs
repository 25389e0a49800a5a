//! A relay that does what the scenario says, and keeps what it accepted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use courtesy::clock::{Clock as _, VirtualClock};
use courtesy::domain::delivery::{Obstacle, Outcome, Parcel, Reply, SmtpStage, Unreachable};
use courtesy::relay::Relay;
use jiff::Timestamp;

use super::script::RelayMood;

#[derive(Clone)]
pub struct Told {
    clock: VirtualClock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    down: bool,
    forgetful: bool,
    losing: bool,
    refused: BTreeMap<String, Reply>,
    accepted: Vec<(Timestamp, Parcel)>,
}

impl Told {
    pub fn new(clock: VirtualClock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// From now on it is like this.
    pub fn be(&self, mood: &RelayMood) {
        let mut state = self.state();
        match mood {
            RelayMood::Down => state.down = true,
            RelayMood::Up => state.down = false,
            RelayMood::ForgetsToAnswer => state.forgetful = true,
            RelayMood::Loses => state.losing = true,
            RelayMood::Accepts(address) => {
                state.refused.remove(address);
            }
            RelayMood::Refuses(address, code, enhanced, text) => {
                let reply = Reply { code: *code, enhanced: *enhanced, text: text.clone() };
                state.refused.insert(address.clone(), reply);
            }
        }
    }

    /// What it has accepted since it was last asked, and when.
    pub fn take(&self) -> Vec<(Timestamp, Parcel)> {
        std::mem::take(&mut self.state().accepted)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while it is locked")
    }
}

impl Relay for Told {
    type Session = ();

    async fn open(&self) -> Result<(), Unreachable> {
        if self.state().down {
            let cause = "connection refused".to_owned();
            let (stage, obstacle) = (SmtpStage::Connect, Obstacle::Refused);
            return Err(Unreachable { stage, cause, obstacle, needs_person: false });
        }
        Ok(())
    }

    async fn deliver(&self, _session: &mut (), parcel: &Parcel) -> Outcome {
        let mut state = self.state();
        if let Some(reply) = state.refused.get(parcel.to.as_str()) {
            let reply = reply.clone();
            return if reply.is_permanent() {
                Outcome::RecipientRefused { reply }
            } else {
                Outcome::NotSent { stage: SmtpStage::Rcpt, cause: String::new(), reply: Some(reply) }
            };
        }
        if std::mem::take(&mut state.losing) {
            return Outcome::Uncertain { cause: "closed after the final dot".to_owned() };
        }
        state.accepted.push((self.clock.now(), parcel.clone()));
        if std::mem::take(&mut state.forgetful) {
            return Outcome::Uncertain { cause: "closed after the final dot".to_owned() };
        }
        let reply = Reply { code: 250, enhanced: Some((2, 0, 0)), text: "2.0.0 queued".to_owned() };
        Outcome::Accepted { reply, left_out: vec![] }
    }

    fn is_usable(&self, _session: &()) -> bool {
        true
    }

    async fn close(&self, _session: ()) {}
}
