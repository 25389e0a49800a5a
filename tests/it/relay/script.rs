//! A relay of ours that follows a script: it can hang, cut, lie and dribble at
//! any step, and remembers what it was told and what it took.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// A moment at which the relay is to say something.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// Counts from 0.
    pub connection: usize,
    /// How many MAIL commands this connection has seen before this one's.
    pub letter: usize,
    /// `greeting`, the command in upper case, `AUTH` also for what follows
    /// it, `body` after the first piece of a message, `.` after the final dot.
    pub verb: &'a str,
    /// The whole line, where there is one.
    pub line: &'a str,
    /// How many recipients of this letter it has said yes to.
    pub recipients: usize,
}

/// What it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Says this and goes on. After the final dot, a 2xx takes the message.
    Say(String),
    /// Says nothing and goes on.
    Quiet,
    /// Says this after so long and goes on.
    SayLate(String, Duration),
    /// Says the one, and after so long, unasked, the other.
    SayTwice(&'static str, Duration, &'static str),
    /// Never says anything again, and stays.
    Hang,
    /// Says this, then never anything again, and stops reading.
    SayAndHang(String),
    /// Says this and closes.
    SayAndClose(String),
    /// Closes in an orderly way.
    Close,
    /// Resets the connection.
    Reset,
    /// Says this a byte at a time, with so long between them, for ever.
    Drip(&'static str, Duration),
    /// After the final dot: takes the message and closes without a word.
    TakeAndClose,
    /// Says nothing, and reads at most 64 KiB at a time from then on, with
    /// so long between them.
    SlowDown(Duration),
    /// Says this in the clear and encrypts from then on.
    SayAndEncrypt(String),
}

impl Act {
    /// Whether, after the final dot, it takes the message.
    pub fn takes(&self) -> bool {
        match self {
            Self::Say(text) | Self::SayAndClose(text) | Self::SayLate(text, _) => text.starts_with('2'),
            Self::SayTwice(text, ..) => text.starts_with('2'),
            Self::TakeAndClose => true,
            _ => false,
        }
    }
}

/// Says a line.
pub fn say(line: &str) -> Act {
    Act::Say(format!("{line}\r\n"))
}

/// What a well-behaved relay does, without any extension.
pub fn polite(turn: Turn) -> Act {
    match turn.verb {
        "greeting" => say("220 relay.test ESMTP"),
        "EHLO" => say("250 relay.test"),
        "HELO" | "NOOP" | "RSET" => say("250 ok"),
        "MAIL" => say("250 2.1.0 sender ok"),
        "RCPT" => say("250 2.1.5 recipient ok"),
        "DATA" if turn.recipients == 0 => say("554 5.5.1 no valid recipients"),
        "DATA" => say("354 go on"),
        "body" => Act::Quiet,
        "." => say("250 2.0.0 queued as Q1"),
        "QUIT" => Act::SayAndClose("221 bye\r\n".to_owned()),
        _ => say("502 5.5.1 what?"),
    }
}

/// The same with PIPELINING and SIZE.
pub fn pipelining(turn: Turn) -> Act {
    match turn.verb {
        "EHLO" => Act::Say("250-relay.test\r\n250-size 1000000\r\n250 pipelining\r\n".to_owned()),
        _ => polite(turn),
    }
}

/// A message that it took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Taken {
    /// As in MAIL, without the brackets.
    pub from: String,
    /// As in the RCPTs that it said yes to.
    pub to: Vec<String>,
    /// Without doubled dots and the final one.
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct Memory {
    connections: usize,
    lines: Vec<String>,
    offered: Vec<Vec<u8>>,
    taken: Vec<Taken>,
}

/// The relay while it runs; it ends with the test's runtime.
pub struct Scripted {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    /// How many it talks to.
    open: watch::Receiver<usize>,
}

/// What it says when.
pub type Script = Box<dyn Fn(Turn) -> Act + Send + Sync>;

impl Scripted {
    /// Listens on a free port of this machine.
    pub fn start(script: impl Fn(Turn) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(None, false, Arc::new(Box::new(script)))
    }

    /// The same on a socket that is bound already.
    pub fn start_on(socket: TcpSocket, script: impl Fn(Turn) -> Act + Send + Sync + 'static) -> Self {
        Self::listen_on(socket, None, false, Arc::new(Box::new(script)))
    }

    /// The same, able to encrypt: from the first byte if `implicit`.
    pub fn with_tls(
        acceptor: TlsAcceptor,
        implicit: bool,
        script: impl Fn(Turn) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(acceptor), implicit, Arc::new(Box::new(script)))
    }

    fn listen(acceptor: Option<TlsAcceptor>, implicit: bool, script: Arc<Script>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // Little room, so that a message that is not read stays with its sender.
        socket.set_recv_buffer_size(64 * 1024).expect("a live socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        Self::listen_on(socket, acceptor, implicit, script)
    }

    fn listen_on(
        socket: TcpSocket,
        acceptor: Option<TlsAcceptor>,
        implicit: bool,
        script: Arc<Script>,
    ) -> Self {
        let listener = socket.listen(64).expect("a bound socket");
        let address = listener.local_addr().expect("bound");
        let memory = Arc::new(Mutex::new(Memory::default()));
        let remembering = Arc::clone(&memory);
        let (talking, open) = watch::channel(0);
        let talking = Arc::new(talking);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = {
                    let mut memory = remembering.lock().expect("not poisoned");
                    memory.connections += 1;
                    memory.connections - 1
                };
                let talk = Talk {
                    connection,
                    letter: 0,
                    from: String::new(),
                    to: Vec::new(),
                    script: Arc::clone(&script),
                    memory: Arc::clone(&remembering),
                };
                let (acceptor, talking) = (acceptor.clone(), Arc::clone(&talking));
                talking.send_modify(|open| *open += 1);
                tokio::spawn(async move {
                    talk.serve(stream, acceptor, implicit).await;
                    talking.send_modify(|open| *open -= 1);
                });
            }
        });
        Self { address, memory, open }
    }

    /// Waits until nobody talks to it any more.
    pub async fn alone(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.expect("it listens");
    }

    /// Whether nobody talks to it.
    pub fn is_alone(&self) -> bool {
        *self.open.borrow() == 0
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it has had.
    pub fn connections(&self) -> usize {
        self.memory.lock().expect("not poisoned").connections
    }

    /// Every line it was told, without those of messages.
    pub fn lines(&self) -> Vec<String> {
        self.memory.lock().expect("not poisoned").lines.clone()
    }

    /// Every message that was read to its final dot, taken or not.
    pub fn offered(&self) -> Vec<Vec<u8>> {
        self.memory.lock().expect("not poisoned").offered.clone()
    }

    /// Every message it took.
    pub fn taken(&self) -> Vec<Taken> {
        self.memory.lock().expect("not poisoned").taken.clone()
    }
}

/// Whether a connection goes on after an act.
enum Next {
    On,
    Encrypt,
    End,
}

struct Talk {
    connection: usize,
    letter: usize,
    from: String,
    to: Vec<String>,
    script: Arc<Script>,
    memory: Arc<Mutex<Memory>>,
}

impl Talk {
    async fn serve(mut self, stream: TcpStream, acceptor: Option<TlsAcceptor>, implicit: bool) {
        stream.set_nodelay(true).expect("a live socket");
        let mut plain = Peer { stream, received: Vec::new(), reads_every: None };
        match acceptor {
            Some(acceptor) if implicit => self.encrypted(plain.stream, &acceptor, true).await,
            acceptor => {
                let wants_tls = self.converse(&mut plain, true).await;
                if let (true, Some(acceptor)) = (wants_tls, acceptor) {
                    self.encrypted(plain.stream, &acceptor, false).await;
                }
            }
        }
    }

    async fn encrypted(&mut self, stream: TcpStream, acceptor: &TlsAcceptor, greet: bool) {
        // A client that does not like our certificate breaks off here.
        if let Ok(stream) = acceptor.accept(stream).await {
            self.converse(&mut Peer { stream, received: Vec::new(), reads_every: None }, greet).await;
        }
    }

    /// True if the handshake is to follow.
    async fn converse<S: Socket>(&mut self, peer: &mut Peer<S>, greet: bool) -> bool {
        if greet && !matches!(self.act(peer, "greeting", "").await, Next::On) {
            return false;
        }
        let mut in_auth = false;
        while let Some(line) = peer.line().await {
            self.memory.lock().expect("not poisoned").lines.push(line.clone());
            let verb = match line.split(' ').next() {
                _ if in_auth => "AUTH".to_owned(),
                word => word.unwrap_or_default().to_uppercase(),
            };
            let said = (self.script)(self.turn(&verb, &line));
            let yes = |code: &str| match &said {
                Act::Say(text) | Act::SayLate(text, _) => text.starts_with(code),
                _ => false,
            };
            in_auth = yes("334");
            match verb.as_str() {
                "MAIL" => {
                    self.from = path(&line);
                    self.to.clear();
                }
                "RCPT" if yes("2") => self.to.push(path(&line)),
                _ => {}
            }
            let enters_data = verb == "DATA" && yes("354");
            match self.perform(peer, said).await {
                Next::On => {}
                Next::Encrypt => return true,
                Next::End => return false,
            }
            if verb == "MAIL" {
                self.letter += 1;
            }
            if enters_data && !self.message(peer).await {
                return false;
            }
        }
        false
    }

    /// Reads a message and says what the script says to it.
    async fn message<S: Socket>(&mut self, peer: &mut Peer<S>) -> bool {
        let mut stuffed = Vec::new();
        let mut asked = false;
        loop {
            let Some(line) = peer.raw_line().await else { return false };
            if line == b".\r\n" {
                break;
            }
            stuffed.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            if !asked {
                asked = true;
                if !matches!(self.act(peer, "body", "").await, Next::On) {
                    return false;
                }
            }
        }
        self.memory.lock().expect("not poisoned").offered.push(stuffed.clone());
        let said = (self.script)(self.turn(".", "."));
        if said.takes() {
            let taken = Taken { from: self.from.clone(), to: self.to.clone(), bytes: stuffed };
            self.memory.lock().expect("not poisoned").taken.push(taken);
        }
        matches!(self.perform(peer, said).await, Next::On)
    }

    fn turn<'a>(&self, verb: &'a str, line: &'a str) -> Turn<'a> {
        let letter = if verb == "MAIL" { self.letter } else { self.letter.saturating_sub(1) };
        Turn { connection: self.connection, letter, verb, line, recipients: self.to.len() }
    }

    async fn act<S: Socket>(&mut self, peer: &mut Peer<S>, verb: &str, line: &str) -> Next {
        let act = (self.script)(self.turn(verb, line));
        self.perform(peer, act).await
    }

    async fn perform<S: Socket>(&mut self, peer: &mut Peer<S>, act: Act) -> Next {
        match act {
            Act::Say(text) => peer.say(&text, Next::On).await,
            Act::Quiet => Next::On,
            Act::SlowDown(every) => {
                peer.reads_every = Some(every);
                Next::On
            }
            Act::SayLate(text, after) => {
                tokio::time::sleep(after).await;
                peer.say(&text, Next::On).await
            }
            Act::SayTwice(one, after, other) => {
                peer.say(one, Next::On).await;
                tokio::time::sleep(after).await;
                peer.say(other, Next::On).await
            }
            Act::SayAndEncrypt(text) => peer.say(&text, Next::Encrypt).await,
            Act::SayAndClose(text) => peer.say(&text, Next::End).await,
            Act::SayAndHang(text) => {
                peer.say(&text, Next::On).await;
                std::future::pending().await
            }
            Act::Hang => {
                while peer.raw_line().await.is_some() {}
                Next::End
            }
            Act::Close | Act::TakeAndClose => Next::End,
            Act::Reset => {
                peer.stream.reset();
                Next::End
            }
            Act::Drip(text, every) => {
                for byte in text.chars().chain(std::iter::repeat('x')) {
                    tokio::time::sleep(every).await;
                    if matches!(peer.say(byte.encode_utf8(&mut [0; 4]), Next::On).await, Next::End) {
                        break;
                    }
                }
                Next::End
            }
        }
    }
}

/// What the relay talks over.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the coming close a reset.
    fn reset(&self);
}

impl Socket for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().expect("a live socket");
    }
}

impl Socket for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

struct Peer<S> {
    stream: S,
    received: Vec<u8>,
    reads_every: Option<Duration>,
}

impl<S: Socket> Peer<S> {
    async fn raw_line(&mut self) -> Option<Vec<u8>> {
        let mut looked_at = 0;
        loop {
            if let Some(at) = self.received[looked_at..].iter().position(|byte| *byte == b'\n') {
                return Some(self.received.drain(..=looked_at + at).collect());
            }
            looked_at = self.received.len();
            let read = match self.reads_every {
                None => self.stream.read_buf(&mut self.received).await,
                Some(every) => {
                    tokio::time::sleep(every).await;
                    let piece = &mut (&mut self.stream).take(64 * 1024);
                    self.received.reserve(64 * 1024);
                    piece.read_buf(&mut self.received).await
                }
            };
            if !matches!(read, Ok(1..)) {
                return None;
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let line = self.raw_line().await?;
        Some(String::from_utf8(line).expect("commands are text").trim_end().to_owned())
    }

    async fn say(&mut self, text: &str, then: Next) -> Next {
        let said = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        };
        if said.await.is_ok() { then } else { Next::End }
    }
}

fn path(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
