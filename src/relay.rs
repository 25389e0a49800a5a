//! The way out: `trait Relay`, by SMTP or into files.
//!
//! Invariant: an outcome is a value. A relay never returns an error for a
//! letter, never retries by itself, and never claims more than it knows.

mod any;
mod files;
mod memory;
mod nowhere;
mod smtp;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::domain::delivery::{Outcome, Parcel, Unreachable};

pub use any::{AnyRelay, AnySession};
pub use files::{FilesRelay, FilesSession};
pub use memory::{Mailbox, MemoryRelay, MemorySession};
pub use nowhere::{NowhereRelay, NowhereSession};
pub use smtp::{SmtpRelay, SmtpSession};

/// Takes letters.
pub trait Relay: Send + Sync + 'static {
    /// A conversation with the relay, for one letter after the other.
    type Session: Send;

    /// Opens a session: connects, greets, encrypts, logs in. A failure costs
    /// no letter anything.
    fn open(&self) -> impl Future<Output = Result<Self::Session, Unreachable>> + Send;

    /// To be called before an attempt begins: waits until the rate allows the
    /// session a letter, and finds out whether the peer is still there.
    /// Afterwards [`Relay::is_usable`] says whether the session can be used.
    /// Leaving it out is safe: [`Relay::deliver`] keeps to the rate as well,
    /// but a connection that was closed meanwhile then costs the letter an
    /// attempt.
    fn ready(&self, _session: &mut Self::Session) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Hands over one letter. Afterwards [`Relay::is_usable`] says whether
    /// the session can take another.
    fn deliver(&self, session: &mut Self::Session, parcel: &Parcel) -> impl Future<Output = Outcome> + Send;

    /// Whether the session can take another letter: false after any error,
    /// and once it has been idle or used too long.
    fn is_usable(&self, session: &Self::Session) -> bool;

    /// The longest that opening a session, and then handing over this letter,
    /// may take as long as each step keeps to its own deadline. Whoever waits
    /// for longer waits for something that has hung.
    fn patience(&self, _letter: Option<&Parcel>) -> Duration {
        Duration::from_mins(10)
    }

    /// Says goodbye; failures no longer matter.
    fn close(&self, session: Self::Session) -> impl Future<Output = ()> + Send;
}

/// Why a relay can't be used as configured. A person must act.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Letters would cross the network in the clear.
    #[error(
        "`tls: none` is only for a relay on this machine, and `{host}` is not; use `implicit` or `starttls`"
    )]
    PlainToElsewhere {
        /// As configured.
        host: String,
    },
    /// No certificate can be for it.
    #[error("`{host}` is neither the name of a host nor an address")]
    Host {
        /// As configured.
        host: String,
    },
    /// RFC 5321 4.1.4 wants a domain or an address literal.
    #[error("`{hello}` can't be greeted with; use this machine's full name, or its address as `[192.0.2.1]`")]
    Hello {
        /// As configured.
        hello: String,
    },
    /// No letter could ever leave.
    #[error("a rate of no letters a minute; leave it out for no limit")]
    NoRate,
    /// User name or password is empty or has a NUL in it, which AUTH PLAIN
    /// can't carry (RFC 4616).
    #[error("the {what} for the relay is empty or has a NUL character in it")]
    Credentials {
        /// `user name` or `password`.
        what: &'static str,
    },
    /// The file of certificates can't be used.
    #[error("the certificates in {}: {cause}", file.display())]
    CaFile {
        /// As configured.
        file: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Nothing to verify a relay's certificate against.
    #[error(
        "the system has no trusted certificates ({cause}); install them (`ca-certificates`) or set `ca_file`"
    )]
    NoRoots {
        /// What went wrong while looking.
        cause: String,
    },
}

/// Where letters are handed over, as configured under `mail.deliver`.
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
#[derive(Clone, Debug)]
pub enum Deliver {
    /// One `.eml` per letter into this folder.
    Files(PathBuf),
    /// To an SMTP server.
    Smtp(SmtpSettings),
}

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tls {
    /// From the first byte (RFC 8314 3.3), as a rule on port 465.
    Implicit,
    /// After STARTTLS (RFC 3207), which is required, never optional.
    StartTls,
    /// Not at all; only to a loopback address.
    None,
}

/// An SMTP server and how to treat it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SmtpSettings {
    /// Name or address; the certificate must be for it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// A file of PEM certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// User name and password, where the server asks for them.
    pub credentials: Option<Credentials>,
    /// The name we greet with; must be a domain or an address literal.
    pub hello: String,
    /// How many sessions at once; kept by whoever opens them.
    pub connections: usize,
    /// At most so many letters per minute over all sessions; `None` is
    /// unlimited.
    pub rate_per_min: Option<u32>,
    /// One deadline per command.
    pub timeouts: Timeouts,
}

/// User name and password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub username: String,
    /// Never shown, not even by `Debug`.
    pub password: secrecy::SecretString,
}

impl PartialEq for Credentials {
    /// Both are our own, so that the time it takes tells nobody anything.
    fn eq(&self, other: &Self) -> bool {
        self.username == other.username && self.password.expose_secret() == other.password.expose_secret()
    }
}

impl Eq for Credentials {}

/// One deadline per command (RFC 5321 4.5.3.2), over the whole exchange of
/// it, so that a byte now and then buys no time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// Name look-up, TCP and TLS.
    pub connect: Duration,
    /// The greeting and EHLO.
    pub greeting: Duration,
    /// AUTH, MAIL, RCPT.
    pub command: Duration,
    /// DATA until its 354.
    pub data: Duration,
    /// Writing each 64 KiB of the body.
    pub body: Duration,
    /// The final dot until its answer.
    pub final_dot: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            connect: minutes(1),
            greeting: minutes(5),
            command: minutes(5),
            data: minutes(2),
            body: minutes(3),
            final_dot: minutes(10),
        }
    }
}
