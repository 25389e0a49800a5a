//! A mail server of ours that is switched off and on, and has its moods. While
//! it is off, its port stays its own, and whoever calls is refused.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

use crate::relay::script::{Act, Scripted, Taken, Turn, polite, say};

/// How it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mood {
    Polite,
    /// 451 after the final dot.
    NotNow,
    /// No login is good enough.
    RefusesLogin,
    /// Takes the next letter and closes without a word.
    ForgetsOne,
    /// Takes letters and never answers.
    Hangs,
}

pub struct Server {
    // Bound and never listening.
    port: TcpSocket,
    mood: Arc<Mutex<Mood>>,
    hanging: Arc<AtomicUsize>,
    on: Option<(Scripted, Runtime)>,
    taken: Vec<Taken>,
}

fn socket() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("a live socket");
    socket
}

impl Server {
    pub fn new() -> Self {
        let port = socket();
        port.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let mut server = Self {
            port,
            mood: Arc::new(Mutex::new(Mood::Polite)),
            hanging: Arc::default(),
            on: None,
            taken: Vec::new(),
        };
        server.on();
        server
    }

    pub fn port(&self) -> u16 {
        self.port.local_addr().expect("bound").port()
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().expect("no panic") = mood;
    }

    pub fn on(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listening = socket();
        listening.bind(self.port.local_addr().expect("bound")).expect("its own port");
        let (mood, hanging) = (Arc::clone(&self.mood), Arc::clone(&self.hanging));
        let scripted = {
            let _inside = runtime.enter();
            Scripted::start_on(listening, move |turn| act(&mood, &hanging, turn))
        };
        self.on = Some((scripted, runtime));
    }

    pub fn off(&mut self) {
        let (scripted, runtime) = self.on.take().expect("it is on");
        self.taken.extend(scripted.taken());
        drop(runtime);
    }

    /// How many wait for an answer that never comes.
    pub fn hanging(&self) -> usize {
        self.hanging.load(Ordering::SeqCst)
    }

    /// Every message that it took.
    pub fn taken(&self) -> Vec<Taken> {
        let now = self.on.as_ref().map(|(scripted, _)| scripted.taken()).unwrap_or_default();
        self.taken.iter().cloned().chain(now).collect()
    }

    /// Whether nobody talks to it.
    pub fn is_alone(&self) -> bool {
        self.on.as_ref().is_none_or(|(scripted, _)| scripted.is_alone())
    }
}

fn act(mood: &Mutex<Mood>, hanging: &AtomicUsize, turn: Turn) -> Act {
    let mut mood = mood.lock().expect("no panic");
    match (turn.verb, *mood) {
        ("EHLO", _) => Act::Say("250-relay.test\r\n250 AUTH PLAIN\r\n".to_owned()),
        ("AUTH", Mood::RefusesLogin) => say("535 5.7.8 the password has expired"),
        ("AUTH", _) => say("235 2.7.0 welcome"),
        (".", Mood::NotNow) => say("451 4.3.0 not now"),
        (".", Mood::ForgetsOne) => {
            *mood = Mood::Polite;
            Act::TakeAndClose
        }
        (".", Mood::Hangs) => {
            hanging.fetch_add(1, Ordering::SeqCst);
            Act::Hang
        }
        _ => polite(turn),
    }
}
