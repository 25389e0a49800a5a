//! The way out, and the mail server at its end, in a world that can stop
//! before and after each thing they do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use courtesy::domain::delivery::{Outcome, Parcel, Unreachable};
use courtesy::relay::Relay;
use tokio::runtime::Runtime;

use super::world::World;
use crate::faults::locked;
use crate::relay::script::{Act, Scripted, Taken, Turn, pipelining, polite, say};

pub struct Stepped<R> {
    pub world: World,
    pub inner: R,
}

impl<R: Relay> Relay for Stepped<R> {
    type Session = R::Session;

    async fn open(&self) -> Result<R::Session, Unreachable> {
        self.world.relay("open", false).await;
        self.inner.open().await
    }

    async fn ready(&self, session: &mut R::Session) {
        self.world.relay("ready", false).await;
        self.inner.ready(session).await;
    }

    async fn deliver(&self, session: &mut R::Session, parcel: &Parcel) -> Outcome {
        self.world.relay("deliver", false).await;
        let outcome = self.inner.deliver(session, parcel).await;
        self.world.relay("deliver", true).await;
        outcome
    }

    fn is_usable(&self, session: &R::Session) -> bool {
        self.inner.is_usable(session)
    }

    async fn close(&self, session: R::Session) {
        self.world.relay("close", false).await;
        self.inner.close(session).await;
    }
}

/// The mail server, which outlives the machine that writes to it.
pub struct MailServer {
    scripted: Scripted,
    runtime: Runtime,
}

impl MailServer {
    pub fn start(world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let manners = Manners { world, recipients: Mutex::default(), put_off: Mutex::default() };
        let scripted = {
            let _inside = runtime.enter();
            Scripted::start(move |turn| manners.answer(turn))
        };
        Self { scripted, runtime }
    }

    pub fn port(&self) -> u16 {
        self.scripted.port()
    }

    /// Everything it took, once nobody talks to it any more.
    pub fn taken(&self) -> Vec<Taken> {
        self.runtime.block_on(self.scripted.alone());
        self.scripted.taken()
    }
}

/// Each address has its own way of going wrong.
struct Manners {
    world: World,
    /// To whom the letter of a connection is.
    recipients: Mutex<BTreeMap<usize, String>>,
    put_off: Mutex<BTreeSet<String>>,
}

impl Manners {
    fn answer(&self, turn: Turn) -> Act {
        // The goodbye is not waited for, and comes at any time.
        if turn.verb != "QUIT" && !self.world.talk(known(turn.verb), false) {
            return Act::Close;
        }
        let act = self.usual(turn);
        if turn.verb == "." && !self.world.talk(".", true) {
            return if act.takes() { Act::TakeAndClose } else { Act::Close };
        }
        act
    }

    fn usual(&self, turn: Turn) -> Act {
        let mut recipients = locked(&self.recipients);
        if turn.verb == "RCPT" {
            recipients.insert(turn.connection, turn.line.to_owned());
        }
        let recipient = recipients.get(&turn.connection).map(String::as_str).unwrap_or_default();
        let is = |name: &str| recipient.contains(&format!("<{name}@"));
        match turn.verb {
            "RCPT" if is("gone") => say("550 5.1.1 no such user"),
            "RCPT" if is("busy") && locked(&self.put_off).insert(recipient.to_owned()) => {
                say("451 4.7.1 come back later")
            }
            "." if is("silent") => Act::TakeAndClose,
            _ if turn.connection.is_multiple_of(2) => polite(turn),
            _ => pipelining(turn),
        }
    }
}

/// The verb as the name of a step.
fn known(verb: &str) -> &'static str {
    let verbs = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "."];
    verbs.into_iter().find(|known| *known == verb).unwrap_or("another")
}
