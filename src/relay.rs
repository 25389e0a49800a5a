//! The way out: `trait Relay`, by SMTP or into files.
//!
//! Invariant: an outcome is a value. A relay never returns an error for a
//! letter, never retries by itself, and never claims more than it knows.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::delivery::{Outcome, Parcel, Unreachable};

/// Takes letters.
pub trait Relay: Send + Sync + 'static {
    /// A conversation with the relay, for one letter after the other.
    type Session: Send;

    /// Opens a session: connects, greets, encrypts, logs in. A failure costs
    /// no letter anything.
    fn open(&self) -> impl Future<Output = Result<Self::Session, Unreachable>> + Send;

    /// Hands over one letter. Afterwards [`Relay::is_usable`] says whether
    /// the session can take another.
    fn deliver(&self, session: &mut Self::Session, parcel: &Parcel) -> impl Future<Output = Outcome> + Send;

    /// Whether the session can take another letter: false after any error,
    /// and once it has been idle or used too long.
    fn is_usable(&self, session: &Self::Session) -> bool;

    /// Says goodbye; failures no longer matter.
    fn close(&self, session: Self::Session) -> impl Future<Output = ()> + Send;
}

/// Where letters are handed over, as configured under `mail.deliver`.
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
#[derive(Clone, Debug)]
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
    /// How many sessions at once.
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
    /// Writing the body.
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
