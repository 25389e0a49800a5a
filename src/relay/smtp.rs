//! A relay that speaks SMTP (RFC 5321) as a client.
//!
//! The conversation is our own, so that the stage of every failure is known:
//! `hello` opens a session, `transaction` carries one letter, `wire` moves
//! bytes against deadlines, `reply` and `body` are the two grammars, `pace`
//! keeps the rate.
//!
//! Invariant: credentials and letters cross a network only under a verified
//! certificate; `tls: none` reaches nothing but this machine, and there
//! credentials may be used, since whoever can read loopback can read us.
//!
//! Invariant: a session is out of step from the moment a letter is begun
//! until its conversation has ended cleanly, also if the caller stops
//! waiting. What is out of step is never used again, so a late reply to one
//! letter can't be taken for the next one's.

mod body;
mod hello;
mod pace;
mod reply;
mod tls;
mod transaction;
mod wire;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::domain::address::Address;
use crate::domain::delivery::{Outcome, Parcel, Reply, SmtpStage, Unreachable};

use super::{Credentials, Relay, RelayError, SmtpSettings, Timeouts, Tls};
use body::{Body, Flaw};
use hello::Offers;
use pace::Pace;
use tls::Encryption;
use transaction::Transaction;
use wire::{Deadline, Wire};

/// Many relays close a session after so many letters; a fresh one also sees
/// a changed address or certificate.
const LETTERS_MAX: u32 = 100;
/// After so long without a word the peer may have forgotten us.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// After so long without a word [`Relay::ready`] asks whether it is there.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// How long an answer to that, or to a goodbye, is waited for.
const COURTESY_MAX: Duration = Duration::from_secs(5);

/// An SMTP server.
pub struct SmtpRelay {
    settings: SmtpSettings,
    encryption: Option<Encryption>,
    pace: Pace,
}

/// A session with an SMTP server.
#[derive(Debug)]
pub struct SmtpSession {
    wire: Wire,
    offers: Offers,
    in_step: bool,
    letters: u32,
    last_word: Instant,
    /// Whether the rate has already allowed it the next letter.
    has_turn: bool,
}

impl SmtpRelay {
    /// Checks the settings and loads the certificates to trust; connects to
    /// nothing.
    ///
    /// `rate_per_min` is kept over all sessions of this value: letters begin
    /// evenly apart, and time without letters saves nothing up.
    ///
    /// # Errors
    /// [`RelayError`], where the settings can't be used.
    pub fn new(settings: SmtpSettings) -> Result<Self, RelayError> {
        check_hello(&settings.hello)?;
        if let Some(credentials) = &settings.credentials {
            check_credentials(credentials)?;
        }
        if settings.rate_per_min == Some(0) {
            return Err(RelayError::NoRate);
        }
        let host = hello::bare(&settings.host);
        let encryption = match settings.tls {
            Tls::Implicit | Tls::StartTls => Some(Encryption::new(host, settings.ca_file.as_deref())?),
            Tls::None if is_this_machine(host) => None,
            Tls::None => return Err(RelayError::PlainToElsewhere { host: settings.host }),
        };
        let pace = Pace::new(settings.rate_per_min);
        Ok(Self { settings, encryption, pace })
    }

    /// What it was made of.
    pub(super) fn settings(&self) -> &SmtpSettings {
        &self.settings
    }

    /// What the relay says against `from` as the sender of a letter, if
    /// anything. The letter is taken back before it has a recipient.
    ///
    /// # Errors
    /// Where the session ends meanwhile.
    pub async fn refusal_of(
        &self,
        session: &mut SmtpSession,
        from: &Address,
    ) -> Result<Option<Reply>, Unreachable> {
        session.in_step = false;
        let deadline = Deadline::within(self.settings.timeouts.command);
        let broken = hello::broken(SmtpStage::Mail);
        let line = format!("MAIL FROM:<{}>", from.as_str());
        let answer = session.wire.ask(&line, deadline).await.map_err(&broken)?;
        let taken_back = session.wire.ask("RSET", deadline).await.map_err(&broken)?;
        session.in_step = taken_back.is_yes() && session.wire.is_in_step();
        Ok(answer.is_no().then_some(answer.reply))
    }

    async fn probe(&self, session: &mut SmtpSession) {
        let asked = Instant::now();
        let alive = match session.wire.quiet().await {
            Ok(()) if session.last_word.elapsed() < PROBE_AFTER => true,
            Ok(()) => {
                session.last_word = asked;
                let deadline = Deadline::within(self.settings.timeouts.command.min(COURTESY_MAX));
                session.wire.ask("NOOP", deadline).await.is_ok_and(|answer| answer.is_yes())
            }
            Err(_) => false,
        };
        session.in_step = alive && session.wire.is_in_step();
    }
}

/// The name alone decides; [`hello::open`] looks at the address again.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_hello(hello: &str) -> Result<(), RelayError> {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let in_literal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':');
    let fits = match hello.strip_prefix('[').and_then(|hello| hello.strip_suffix(']')) {
        Some(literal) => !literal.is_empty() && literal.bytes().all(in_literal),
        None => !hello.is_empty() && hello.bytes().all(in_name),
    };
    if fits && hello.len() <= 255 { Ok(()) } else { Err(RelayError::Hello { hello: hello.to_owned() }) }
}

fn check_credentials(credentials: &Credentials) -> Result<(), RelayError> {
    let unfit = |text: &str| text.is_empty() || text.contains('\0');
    if unfit(&credentials.username) {
        Err(RelayError::Credentials { what: "user name" })
    } else if unfit(credentials.password.expose_secret()) {
        Err(RelayError::Credentials { what: "password" })
    } else {
        Ok(())
    }
}

/// The message as it goes over the wire to a relay that offers this much.
fn prepare(parcel: &Parcel, offers: Offers) -> Result<Body, Flaw> {
    let body = Body::new(&parcel.bytes)?;
    if body.eight_bit && !offers.eight_bit { Err(Flaw::EightBit) } else { Ok(body) }
}

impl Relay for SmtpRelay {
    type Session = SmtpSession;

    async fn open(&self) -> Result<SmtpSession, Unreachable> {
        let (wire, offers) = hello::open(&self.settings, self.encryption.as_ref()).await?;
        let in_step = wire.is_in_step();
        Ok(SmtpSession { wire, offers, in_step, letters: 0, last_word: Instant::now(), has_turn: false })
    }

    async fn ready(&self, session: &mut SmtpSession) {
        if !session.in_step {
            return;
        }
        if !session.has_turn {
            self.pace.wait().await;
            session.has_turn = true;
        }
        // Out of step until the probe has ended, also if nobody waits for its end.
        session.in_step = false;
        self.probe(session).await;
        if !session.in_step {
            session.has_turn = false;
            self.pace.give_back();
        }
    }

    async fn deliver(&self, session: &mut SmtpSession, parcel: &Parcel) -> Outcome {
        let body = match prepare(parcel, session.offers) {
            Ok(body) => body,
            Err(flaw) => return Outcome::LetterRefused { stage: SmtpStage::Body, reply: flaw.as_reply() },
        };
        if !session.in_step {
            let cause = "the session had ended before the letter was begun".to_owned();
            return Outcome::NotSent { stage: SmtpStage::Mail, cause, reply: None };
        }
        if !std::mem::take(&mut session.has_turn) {
            self.pace.wait().await;
        }
        session.in_step = false;
        let transaction = Transaction {
            wire: &mut session.wire,
            offers: session.offers,
            used_before: session.letters > 0,
            parcel,
            body: &body,
            timeouts: &self.settings.timeouts,
            ahead: 0,
        };
        session.letters += 1;
        let ended = transaction.run().await;
        session.last_word = Instant::now();
        match ended {
            Ok(outcome) => {
                session.in_step = session.wire.is_in_step();
                outcome
            }
            Err(outcome) => outcome,
        }
    }

    fn is_usable(&self, session: &SmtpSession) -> bool {
        session.in_step && session.letters < LETTERS_MAX && session.last_word.elapsed() < IDLE_MAX
    }

    fn patience(&self, letter: Option<&Parcel>) -> Duration {
        let Timeouts { connect, greeting, command, data, body, final_dot } = self.settings.timeouts;
        let connections = u32::try_from(self.settings.connections).unwrap_or(u32::MAX);
        let turn = self.pace.every().saturating_mul(connections.saturating_add(1));
        // With STARTTLS there are two handshakes, and EHLO comes twice.
        let opening = turn + 2 * connect + 3 * greeting + 2 * command + 2 * COURTESY_MAX;
        opening
            + letter.map_or(Duration::ZERO, |letter| {
                let lines = u32::try_from(letter.cc.len()).unwrap_or(u32::MAX).saturating_add(3);
                let pieces = u32::try_from(letter.bytes.len() / wire::PIECE + 1).unwrap_or(u32::MAX);
                command.saturating_mul(lines) + data + body.saturating_mul(pieces) + final_dot
            })
    }

    async fn close(&self, mut session: SmtpSession) {
        if session.has_turn {
            self.pace.give_back();
        }
        if !session.in_step {
            return;
        }
        let deadline = Deadline::within(self.settings.timeouts.command.min(COURTESY_MAX));
        let goodbye = match session.wire.ask("QUIT", deadline).await {
            Ok(_) => session.wire.shut_down(deadline).await,
            Err(broken) => Err(broken),
        };
        if let Err(broken) = goodbye {
            tracing::debug!(%broken, "the relay did not say goodbye");
        }
    }
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpRelay")
            .field("host", &self.settings.host)
            .field("port", &self.settings.port)
            .field("tls", &self.settings.tls)
            .finish_non_exhaustive()
    }
}
