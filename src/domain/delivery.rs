//! What an attempt taught us, and what follows from it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::address::Address;
use super::customer::Class;
use super::notice::LetterState;
use super::retry;

/// A relay's answer: code, enhanced code (RFC 3463) and text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Three digits, RFC 5321 4.2.
    pub code: u16,
    /// `5.1.1` as `(5, 1, 1)`, where the relay gave one.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The first line, at most 200 characters, without controls.
    pub text: String,
}

impl Reply {
    /// Whether the relay says no for good. The enhanced code goes before the
    /// basic one.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.enhanced.map_or(self.code / 100 == 5, |(class, _, _)| class == 5)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Where in the SMTP conversation something happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SmtpStage {
    /// Name look-up and TCP.
    Connect,
    /// The first 220.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS and the handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the 354.
    Data,
    /// The body, before its final dot.
    Body,
    /// After the final dot.
    FinalDot,
}

impl SmtpStage {
    /// The word in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::Tls => "TLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "body",
            Self::FinalDot => "final dot",
        }
    }
}

impl fmt::Display for SmtpStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What one SMTP transaction carries: envelope and bytes, made once and kept
/// for retries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parcel {
    /// MAIL FROM.
    pub from: Address,
    /// The person the letter is for.
    pub to: Address,
    /// Everybody else, without duplicates of `to` or each other.
    pub cc: Vec<Address>,
    /// Without the angle brackets; unique.
    pub message_id: String,
    /// The message with CRLF line ends, without the final dot and without
    /// dot-stuffing.
    pub bytes: Arc<[u8]>,
}

/// A copy that the relay would not take, while it took the letter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// Whose copy.
    pub address: Address,
    /// What the relay said.
    pub reply: Reply,
}

/// What one attempt taught us: a value and never an error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The final 2xx.
    Accepted {
        /// The relay's answer, with its queue id as a rule.
        reply: Reply,
        /// Copies it would not take.
        left_out: Vec<LeftOut>,
    },
    /// Certainly not accepted, for a reason that may pass: closed, timed out
    /// or answered 4xx before or at the final dot.
    NotSent {
        /// Where.
        stage: SmtpStage,
        /// What happened, in words.
        cause: String,
        /// The relay's answer, where it gave one.
        reply: Option<Reply>,
    },
    /// The relay will not take the letter for its main recipient, for good.
    RecipientRefused {
        /// What it said to RCPT.
        reply: Reply,
    },
    /// The relay will not take this letter, for good: refused at MAIL, DATA
    /// or the final dot.
    LetterRefused {
        /// Where.
        stage: SmtpStage,
        /// What it said.
        reply: Reply,
    },
    /// After the final dot there was no clear answer (RFC 1047), or the
    /// process died.
    Uncertain {
        /// What happened, in words.
        cause: String,
    },
}

/// What stands between us and a session, as far as it can be told apart, for
/// those who explain it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// No address is known for the host.
    UnknownHost,
    /// Nothing listens there.
    Refused,
    /// The network has no way there.
    NoWay,
    /// No answer in time.
    Silence,
    /// The peer ended the connection.
    HungUp,
    /// What came is no SMTP.
    Nonsense,
    /// It said no before anything was asked of it.
    Declined,
    /// `tls: none`, and the host is another machine.
    NotThisMachine,
    /// What answers does not speak TLS.
    NotTls,
    /// Only TLS that is no longer safe.
    OldTls,
    /// STARTTLS is not offered.
    NoStartTls,
    /// STARTTLS is offered and refused.
    StartTlsRefused,
    /// Something was said in the clear behind the go-ahead for TLS.
    Interference,
    /// The certificate does not verify.
    Certificate(BadCertificate),
    /// A user name is configured, and no way to log in is offered.
    NoLogin,
    /// User name or password is refused.
    LoginRefused,
    /// It can't be logged in now.
    LoginPostponed,
    /// Anything else; the words say it.
    Other,
}

/// Why a certificate does not verify.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BadCertificate {
    /// It is for other names; these, where they are known.
    WrongName(Vec<String>),
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// Nobody we trust has signed it.
    UnknownIssuer,
    /// Anything else.
    Other,
}

/// Why there is no session with the relay. It costs no letter an attempt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{stage}: {cause}")]
pub struct Unreachable {
    /// Where.
    pub stage: SmtpStage,
    /// What happened, in words a person can act on.
    pub cause: String,
    /// What it comes to.
    pub obstacle: Obstacle,
    /// Whether waiting will not help: refused credentials, a certificate
    /// that does not verify, STARTTLS not offered. The relay is paused and
    /// the operator told.
    pub needs_person: bool,
}

/// What becomes of a letter of which nobody can know whether it arrived
/// (RFC 1047).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnUncertain {
    /// It waits for a person or for evidence, and is never sent again by
    /// itself.
    Park,
    /// It counts as sent, and nobody is asked. It is no delivered demand.
    AssumeSent,
    /// The same bytes go again under the same Message-ID, so that most
    /// mailboxes show one copy. The customer may see two.
    ResendSameId,
}

impl OnUncertain {
    /// Every choice, in the order of caution.
    pub const ALL: [Self; 3] = [Self::Park, Self::AssumeSent, Self::ResendSameId];

    /// The word in YAML and store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Park => "park",
            Self::AssumeSent => "assume_sent",
            Self::ResendSameId => "resend_same_id",
        }
    }

    /// The choice of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.as_str() == word)
    }
}

/// The attempt an outcome belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AttemptContext {
    /// Counts from 1.
    pub attempt: u32,
    /// The letter's class, which decides how long it is tried.
    pub class: Class,
    /// 0 to 99, from the letter's id.
    pub spread: u8,
    /// When the first attempt began.
    pub first_attempt_at: Timestamp,
    /// What the letter does where nobody can know.
    pub on_uncertain: OnUncertain,
    /// Whether an earlier attempt may have been accepted.
    pub maybe_sent: bool,
}

/// What follows for the letter and its address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition {
    /// The letter's next state.
    pub state: LetterState,
    /// For `retry`: when.
    pub next_attempt_at: Option<Timestamp>,
    /// One line for log, `outbox` and `history`.
    pub reason: String,
    /// Whether the main recipient's address is dead.
    pub suppress: bool,
    /// Whether this attempt or an earlier one may have been accepted.
    pub maybe_sent: bool,
}

/// Decides what follows from an outcome (design section 6).
#[must_use]
pub fn transition(outcome: &Outcome, context: AttemptContext, now: Timestamp) -> Transition {
    let maybe_sent = context.maybe_sent || matches!(outcome, Outcome::Uncertain { .. });
    let next = by_itself(outcome, context, now);
    // What may have arrived is not free again because its time has run out.
    let state = match next.state {
        LetterState::Expired if maybe_sent => LetterState::Uncertain,
        state => state,
    };
    Transition { state, maybe_sent, ..next }
}

fn by_itself(outcome: &Outcome, context: AttemptContext, now: Timestamp) -> Transition {
    match outcome {
        Outcome::Accepted { reply, .. } => settled(LetterState::Sent, reply.to_string()),
        Outcome::NotSent { stage, cause, reply } => {
            let reason = match reply {
                Some(reply) => format!("{stage}: {reply}"),
                None => format!("{stage}: {cause}"),
            };
            retry_or_expire(context, now, reason)
        }
        Outcome::RecipientRefused { reply } => refused_recipient(reply, context, now),
        Outcome::LetterRefused { stage, reply } => settled(LetterState::Held, format!("{stage}: {reply}")),
        Outcome::Uncertain { cause } => match context.on_uncertain {
            OnUncertain::Park => settled(LetterState::Uncertain, cause.clone()),
            OnUncertain::AssumeSent => settled(LetterState::Assumed, cause.clone()),
            OnUncertain::ResendSameId => retry_or_expire(context, now, cause.clone()),
        },
    }
}

fn settled(state: LetterState, reason: String) -> Transition {
    Transition { state, next_attempt_at: None, reason, suppress: false, maybe_sent: false }
}

fn retry_or_expire(context: AttemptContext, now: Timestamp, reason: String) -> Transition {
    let next =
        retry::next_attempt(context.class, context.attempt, context.spread, context.first_attempt_at, now);
    waits_until(next, reason)
}

fn waits_until(next: Option<Timestamp>, reason: String) -> Transition {
    match next {
        Some(at) => Transition { next_attempt_at: Some(at), ..settled(LetterState::Retry, reason) },
        None => settled(LetterState::Expired, reason),
    }
}

fn retry_slowly(context: AttemptContext, now: Timestamp, reason: String) -> Transition {
    let next = retry::next_attempt_when_full(context.class, context.spread, context.first_attempt_at, now);
    waits_until(next, reason)
}

/// Whether an enhanced code (RFC 3463, RFC 7505) means that there is no such
/// mailbox: 5.1.1 to 5.1.3, 5.1.6, 5.1.10.
#[must_use]
pub fn is_dead_address(subject: u16, detail: u16) -> bool {
    subject == 1 && matches!(detail, 1 | 2 | 3 | 6 | 10)
}

/// A mailbox that is full is tried again, once a day; one that does not exist is
/// suppressed; a matter of policy is a person's.
fn refused_recipient(reply: &Reply, context: AttemptContext, now: Timestamp) -> Transition {
    let reason = format!("{}: {reply}", SmtpStage::Rcpt);
    match reply.enhanced {
        Some((_, 2, 2)) => retry_slowly(context, now, reason),
        None if reply.code == 552 => retry_slowly(context, now, reason),
        // Our own people's addresses are mended, not suppressed: an alarm that
        // reaches nobody must stay in sight.
        Some(_) | None if context.class == Class::Internal => settled(LetterState::Held, reason),
        Some((_, subject, detail)) if is_dead_address(subject, detail) => {
            Transition { suppress: true, ..settled(LetterState::Rejected, reason) }
        }
        None if matches!(reply.code, 550 | 551 | 553) => {
            Transition { suppress: true, ..settled(LetterState::Rejected, reason) }
        }
        Some(_) | None => settled(LetterState::Held, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, enhanced: Option<(u8, u16, u16)>) -> Reply {
        Reply { code, enhanced, text: "said so".into() }
    }

    const FIRST: AttemptContext = AttemptContext {
        attempt: 1,
        class: Class::Dunning,
        spread: 0,
        first_attempt_at: Timestamp::UNIX_EPOCH,
        on_uncertain: OnUncertain::Park,
        maybe_sent: false,
    };

    fn refused_for_now() -> Outcome {
        Outcome::NotSent { stage: SmtpStage::Rcpt, cause: String::new(), reply: Some(reply(451, None)) }
    }

    #[test]
    fn every_outcome_has_one_consequence() {
        let refused = |code, enhanced| Outcome::RecipientRefused { reply: reply(code, enhanced) };
        for (outcome, state, suppress) in [
            (Outcome::Accepted { reply: reply(250, None), left_out: vec![] }, LetterState::Sent, false),
            (
                Outcome::NotSent { stage: SmtpStage::Mail, cause: "timed out".into(), reply: None },
                LetterState::Retry,
                false,
            ),
            (
                Outcome::NotSent {
                    stage: SmtpStage::FinalDot,
                    cause: String::new(),
                    reply: Some(reply(451, None)),
                },
                LetterState::Retry,
                false,
            ),
            (refused(550, Some((5, 1, 1))), LetterState::Rejected, true),
            (refused(550, Some((5, 2, 1))), LetterState::Held, false),
            (refused(550, None), LetterState::Rejected, true),
            (refused(551, None), LetterState::Rejected, true),
            (refused(553, None), LetterState::Rejected, true),
            (refused(552, None), LetterState::Retry, false),
            (refused(550, Some((5, 2, 2))), LetterState::Retry, false),
            (refused(550, Some((5, 7, 1))), LetterState::Held, false),
            (refused(554, None), LetterState::Held, false),
            (
                Outcome::LetterRefused { stage: SmtpStage::FinalDot, reply: reply(554, None) },
                LetterState::Held,
                false,
            ),
            (Outcome::Uncertain { cause: "closed".into() }, LetterState::Uncertain, false),
        ] {
            let next = transition(&outcome, FIRST, Timestamp::UNIX_EPOCH);
            assert_eq!((next.state, next.suppress), (state, suppress), "{outcome:?}");
            assert_eq!(next.next_attempt_at.is_some(), state == LetterState::Retry, "{outcome:?}");
        }
    }

    #[test]
    fn what_was_tried_for_five_days_expires() {
        let context = AttemptContext { attempt: 30, ..FIRST };
        let later = Timestamp::from_second(5 * 86_400).expect("an instant");
        assert_eq!(transition(&refused_for_now(), context, later).state, LetterState::Expired);
    }

    #[test]
    fn nobody_can_know_and_the_letter_does_as_its_rule_says() {
        let lost = Outcome::Uncertain { cause: "closed".into() };
        for (on_uncertain, state) in [
            (OnUncertain::Park, LetterState::Uncertain),
            (OnUncertain::AssumeSent, LetterState::Assumed),
            (OnUncertain::ResendSameId, LetterState::Retry),
        ] {
            let next = transition(&lost, AttemptContext { on_uncertain, ..FIRST }, Timestamp::UNIX_EPOCH);
            assert_eq!((next.state, next.maybe_sent), (state, true), "{}", on_uncertain.as_str());
            assert_eq!(next.next_attempt_at.is_some(), state == LetterState::Retry);
            assert!(state == LetterState::Retry || state.counts_as_sent());
        }
    }

    #[test]
    fn what_may_have_arrived_never_expires_into_freedom() {
        let context = AttemptContext {
            attempt: 30,
            on_uncertain: OnUncertain::ResendSameId,
            maybe_sent: true,
            ..FIRST
        };
        let later = Timestamp::from_second(5 * 86_400).expect("an instant");
        for outcome in [refused_for_now(), Outcome::Uncertain { cause: "closed".into() }] {
            let next = transition(&outcome, context, later);
            assert_eq!((next.state, next.maybe_sent), (LetterState::Uncertain, true), "{outcome:?}");
        }
        let sent = Outcome::Accepted { reply: reply(250, None), left_out: vec![] };
        assert_eq!(transition(&sent, context, later).state, LetterState::Sent);
    }
}
