//! Bytes to and from a relay: commands out, whole replies in, every wait with
//! a deadline.
//!
//! Invariant: nothing here waits without a deadline or keeps more than one
//! reply's worth of what a relay sends.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

use crate::domain::delivery::{Obstacle, Reply};

use super::body::Body;
use super::reply::{self, Answer, Malformed};

/// How much of a body is offered to the system at once. A letter that fits
/// leaves in one write with its final dot; of a longer one only the last
/// piece holds the dot.
pub(super) const PIECE: usize = 64 * 1024;

/// Why a conversation can't go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The deadline passed.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The peer ended the connection.
    #[error("the connection was closed")]
    Closed,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Failed(io::Error),
    /// What came is no reply.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Something came although nothing was asked.
    #[error("the relay spoke out of turn")]
    OutOfTurn(Option<Reply>),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // So does rustls name an end without close_notify.
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

impl Broken {
    /// What it means for opening a session.
    pub fn obstacle(&self) -> Obstacle {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
        match self {
            _ if self.is_gone() => Obstacle::HungUp,
            Self::TimedOut(_) => Obstacle::Silence,
            Self::Closed => Obstacle::HungUp,
            Self::Malformed(_) | Self::OutOfTurn(_) => Obstacle::Nonsense,
            Self::Failed(error) => match error.kind() {
                ConnectionRefused => Obstacle::Refused,
                HostUnreachable | NetworkUnreachable => Obstacle::NoWay,
                TimedOut => Obstacle::Silence,
                _ => Obstacle::Other,
            },
        }
    }

    /// Whether the peer is gone, in whichever way the system says it.
    pub fn is_gone(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match self {
            Self::Closed => true,
            Self::Failed(error) => {
                matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
            }
            Self::OutOfTurn(said) => said.as_ref().is_some_and(|reply| reply.code == 421),
            Self::TimedOut(_) | Self::Malformed(_) => false,
        }
    }
}

/// A moment, and how long it was away when it was set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    within: Duration,
}

impl Deadline {
    /// From now on; a year is as good as for ever.
    pub fn within(within: Duration) -> Self {
        let year = Duration::from_hours(365 * 24);
        Self { at: Instant::now() + within.min(year), within }
    }

    /// Waits for `work` until then.
    pub async fn hold<T>(self, work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
        timeout_at(self.at, work).await.unwrap_or(Err(Broken::TimedOut(self.within)))
    }

    /// A part of what is left, for one of `tries` equal tries.
    pub fn share(self, tries: usize) -> Self {
        let left = self.at.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(tries).unwrap_or(u32::MAX).max(1);
        // In whole milliseconds, because people read it.
        Self::within(Duration::new(share.as_secs(), share.subsec_millis() * 1_000_000))
    }
}

/// How a body was not sent as a whole.
#[derive(Debug)]
pub(super) struct Unsent {
    /// Whether the final dot may be on its way.
    pub dot_begun: bool,
    /// What happened; `None` if the relay said something, which is still to
    /// be read.
    pub broken: Option<Broken>,
}

/// A connection in the clear or encrypted.
#[derive(Debug)]
pub(super) enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Encrypted, with a verified certificate.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection, and what was received and not yet read.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    received: Vec<u8>,
}

impl Wire {
    /// A fresh connection.
    pub fn new(stream: Stream) -> Self {
        Self { stream, received: Vec::with_capacity(4 * 1024) }
    }

    /// The connection in the clear, for a handshake; `None` if it is already
    /// encrypted, or if anything was received that nobody has asked for:
    /// that must never be taken for something said under encryption (RFC
    /// 3207 6, CVE-2011-0411).
    pub fn into_plain(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Plain(stream) if self.received.is_empty() => Some(stream),
            Stream::Plain(_) | Stream::Tls(_) => None,
        }
    }

    /// Whether everything received has been read.
    pub fn is_in_step(&self) -> bool {
        self.received.is_empty()
    }

    /// Writes whole command lines.
    pub async fn write(&mut self, lines: &str, deadline: Deadline) -> Result<(), Broken> {
        let stream = &mut self.stream;
        deadline
            .hold(async {
                stream.write_all(lines.as_bytes()).await?;
                Ok(stream.flush().await?)
            })
            .await
    }

    /// Waits for the next reply.
    pub async fn answer(&mut self, deadline: Deadline) -> Result<Answer, Broken> {
        let Self { stream, received } = self;
        deadline
            .hold(async {
                loop {
                    if let Some(answer) = reply::take(received)? {
                        return Ok(answer);
                    }
                    if stream.read_buf(received).await? == 0 {
                        return Err(Broken::Closed);
                    }
                }
            })
            .await
    }

    /// Sends one command line, without its end, and waits for its reply.
    pub async fn ask(&mut self, line: &str, deadline: Deadline) -> Result<Answer, Broken> {
        if !self.received.is_empty() {
            return Err(Broken::OutOfTurn(None));
        }
        self.write(&format!("{line}\r\n"), deadline).await?;
        self.answer(deadline).await
    }

    /// Looks, without waiting, whether the peer has closed the connection or
    /// said something unasked.
    pub async fn quiet(&mut self) -> Result<(), Broken> {
        let Self { stream, received } = self;
        let mut piece = [0; 1024];
        let came = poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut piece);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Pending => Poll::Ready(None),
                Poll::Ready(read) => Poll::Ready(Some(read.map(|()| buffer.filled().len()))),
            }
        })
        .await
        .transpose()?;
        match came {
            None if received.is_empty() => Ok(()),
            None => Err(Broken::OutOfTurn(None)),
            Some(0) => Err(Broken::Closed),
            Some(length) => {
                received.extend_from_slice(&piece[..length]);
                Err(Broken::OutOfTurn(reply::take(received)?.map(|answer| answer.reply)))
            }
        }
    }

    /// A reply that has already been received; never waits.
    pub fn already_answered(&mut self) -> Option<Answer> {
        reply::take(&mut self.received).ok().flatten()
    }

    /// Writes a body with its final dot, listening meanwhile: a relay that
    /// has seen enough says so and may stop reading. Each piece may take so
    /// long (RFC 5321 4.5.3.2.5 counts from block to block, so that a long
    /// letter over a slow line is not given up half-way).
    pub async fn send(&mut self, body: &Body, piece_within: Duration) -> Result<(), Unsent> {
        let mut written = 0;
        while written < body.bytes.len() {
            let end = body.bytes.len().min(written + PIECE);
            let piece = Deadline::within(piece_within).hold(self.send_until(body, end, &mut written)).await;
            match piece {
                Ok(true) => {}
                Ok(false) => return Err(Unsent { dot_begun: false, broken: None }),
                Err(broken) => return Err(Unsent { dot_begun: written > body.dot_at, broken: Some(broken) }),
            }
        }
        Ok(())
    }

    /// False if the relay spoke before the dot was offered to the system.
    /// `written` counts what may have left.
    async fn send_until(&mut self, body: &Body, end: usize, written: &mut usize) -> Result<bool, Broken> {
        let encrypted = matches!(self.stream, Stream::Tls(_));
        let (mut reading, mut writing) = tokio::io::split(&mut self.stream);
        if !self.received.is_empty() {
            return Ok(false);
        }
        while *written < end {
            tokio::select! {
                biased;
                read = reading.read_buf(&mut self.received) => {
                    return if read? == 0 { Err(Broken::Closed) } else { Ok(false) };
                }
                taken = writing.write(&body.bytes[*written..end]) => match taken {
                    Ok(0) => return Err(Broken::Closed),
                    Ok(length) => *written += length,
                    Err(error) => {
                        // A failed write(2) took nothing. A failed write under TLS may have
                        // encrypted and sent all of it.
                        *written = if encrypted { end } else { *written };
                        return Err(error.into());
                    }
                }
            }
        }
        // Under TLS a flush waits for a peer that may have stopped reading to say why:
        // only the last piece is worth it.
        if end == body.bytes.len() {
            writing.flush().await?;
        }
        Ok(true)
    }

    /// Ends the connection.
    pub async fn shut_down(&mut self, deadline: Deadline) -> Result<(), Broken> {
        let stream = &mut self.stream;
        deadline.hold(async { Ok(stream.shutdown().await?) }).await
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
