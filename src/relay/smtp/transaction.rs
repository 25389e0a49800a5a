//! One letter over one session: MAIL, RCPT, DATA, body, final dot.
//!
//! Invariant: before the final dot is written every failure is certain not to
//! have delivered anything; from then on only a clear answer is certain (RFC
//! 1047). Nothing is ever sent in the letter's stead: an empty message could
//! reach whoever gets a copy.

use std::time::Duration;

use crate::domain::address::Address;
use crate::domain::delivery::{LeftOut, Outcome, Parcel, Reply, SmtpStage};
use crate::relay::Timeouts;

use super::body::Body;
use super::hello::Offers;
use super::reply::Answer;
use super::wire::{Broken, Deadline, Unsent, Wire};

/// With more copies than this the commands go one by one: RFC 2920 3.1 warns
/// of two sides that both write and do not read.
const COPIES_AHEAD_MAX: usize = 20;

/// How long a known outcome may wait for the session to be put in order.
const TIDY_MAX: Duration = Duration::from_secs(5);

/// Where a letter stands once its recipients are known.
enum Envelope {
    /// Its main recipient was taken; these copies were not.
    Taken(Vec<LeftOut>),
    /// Its main recipient was refused.
    Refused(Outcome),
}

/// One letter on its way. Every step's `Err` is an outcome after which the
/// connection must not be used again.
pub(super) struct Transaction<'a> {
    /// The connection.
    pub wire: &'a mut Wire,
    /// What it offers.
    pub offers: Offers,
    /// Whether it has carried a letter before.
    pub used_before: bool,
    /// The envelope.
    pub parcel: &'a Parcel,
    /// The message.
    pub body: &'a Body,
    /// One deadline per command.
    pub timeouts: &'a Timeouts,
    /// How many commands were written whose replies are still to be read.
    pub ahead: usize,
}

impl Transaction<'_> {
    /// Hands the letter over. `Ok` leaves the connection in step.
    pub async fn run(mut self) -> Result<Outcome, Outcome> {
        self.wire.quiet().await.map_err(|broken| idle(&broken))?;
        self.write_ahead().await?;
        match self.envelope().await? {
            Envelope::Refused(outcome) => self.back_out(outcome).await,
            Envelope::Taken(left_out) => {
                self.data().await?;
                self.message().await?;
                self.verdict(left_out).await
            }
        }
    }

    /// With PIPELINING (RFC 2920), the envelope in one write. DATA goes with
    /// it only where there are no copies: once it is answered with 354 there
    /// is no way back but to send something, and if the main recipient was
    /// refused that something would go to the copies.
    async fn write_ahead(&mut self) -> Result<(), Outcome> {
        let copies = &self.parcel.cc;
        if !self.offers.pipelining || copies.len() > COPIES_AHEAD_MAX {
            return Ok(());
        }
        let mut lines = vec![self.mail_line(), rcpt_line(&self.parcel.to)];
        lines.extend(copies.iter().map(rcpt_line));
        if copies.is_empty() {
            lines.push("DATA".to_owned());
        }
        self.ahead = lines.len();
        let deadline = Deadline::within(self.timeouts.command);
        let written = self.wire.write(&(lines.join("\r\n") + "\r\n"), deadline).await;
        written.map_err(|broken| self.broken(SmtpStage::Mail, &broken))
    }

    async fn envelope(&mut self) -> Result<Envelope, Outcome> {
        let line = self.mail_line();
        let mail = self.exchange(SmtpStage::Mail, &line, self.timeouts.command).await?;
        if !mail.is_yes() {
            return Err(refused(SmtpStage::Mail, mail.reply));
        }
        let parcel = self.parcel;
        let to = self.recipient(&parcel.to).await?.map(|reply| match refused(SmtpStage::Rcpt, reply) {
            Outcome::LetterRefused { reply, .. } => Outcome::RecipientRefused { reply },
            other => other,
        });
        let mut left_out = Vec::new();
        // Replies that are on their way must be read, wanted or not.
        if to.is_none() || self.ahead > 0 {
            for address in &parcel.cc {
                if let Some(reply) = self.recipient(address).await? {
                    left_out.push(LeftOut { address: address.clone(), reply });
                }
            }
        }
        Ok(to.map_or(Envelope::Taken(left_out), Envelope::Refused))
    }

    /// One RCPT; the reply if it was refused.
    async fn recipient(&mut self, address: &Address) -> Result<Option<Reply>, Outcome> {
        let answer = self.exchange(SmtpStage::Rcpt, &rcpt_line(address), self.timeouts.command).await?;
        if answer.is_yes() {
            Ok(None)
        } else if answer.is_no() {
            Ok(Some(answer.reply))
        } else {
            Err(refused(SmtpStage::Rcpt, answer.reply))
        }
    }

    async fn data(&mut self) -> Result<(), Outcome> {
        let answer = self.exchange(SmtpStage::Data, "DATA", self.timeouts.data).await?;
        if answer.reply.code == 354 { Ok(()) } else { Err(refused(SmtpStage::Data, answer.reply)) }
    }

    /// Writes the message. A relay that speaks or breaks off before the
    /// final dot has not taken it.
    async fn message(&mut self) -> Result<(), Outcome> {
        let sent = self.wire.send(self.body, self.timeouts.body).await;
        let Err(Unsent { dot_begun, broken }) = sent else { return Ok(()) };
        // It may have said why before it broke off; but nobody waits long for that.
        let said = match broken {
            None | Some(Broken::Failed(_)) => self.wire.answer(self.tidy()).await.ok(),
            Some(_) => None,
        };
        let cause =
            broken.map_or("the relay spoke before the letter was whole".to_owned(), |b| b.to_string());
        match said {
            Some(answer) if answer.is_no() => {
                let stage = if dot_begun { SmtpStage::FinalDot } else { SmtpStage::Body };
                Err(refused(stage, answer.reply))
            }
            Some(_) | None if dot_begun => {
                Err(Outcome::Uncertain { cause: format!("while the final dot was written: {cause}") })
            }
            Some(_) | None => Err(not_sent(SmtpStage::Body, cause)),
        }
    }

    /// The answer to the final dot.
    async fn verdict(&mut self, left_out: Vec<LeftOut>) -> Result<Outcome, Outcome> {
        let deadline = Deadline::within(self.timeouts.final_dot);
        let uncertain = |cause: String| Outcome::Uncertain { cause: format!("after the final dot: {cause}") };
        let answer = self.wire.answer(deadline).await.map_err(|broken| uncertain(broken.to_string()))?;
        if answer.is_yes() {
            return Ok(Outcome::Accepted { reply: answer.reply, left_out });
        }
        if !answer.is_no() {
            return Err(uncertain(format!("the relay said {}, which is no answer to it", answer.reply)));
        }
        // A no that is followed by a yes was perhaps said about half of the letter.
        match self.wire.already_answered() {
            Some(second) if second.is_yes() => {
                Err(uncertain(format!("the relay said {} and then {}", answer.reply, second.reply)))
            }
            Some(_) | None => Err(refused(SmtpStage::FinalDot, answer.reply)),
        }
    }

    /// After a refused main recipient: brings the session back to where MAIL
    /// may follow, or gives it up. The outcome is known whatever happens.
    async fn back_out(&mut self, outcome: Outcome) -> Result<Outcome, Outcome> {
        match self.reset().await {
            Ok(true) => Ok(outcome),
            Ok(false) | Err(_) => Err(outcome),
        }
    }

    async fn reset(&mut self) -> Result<bool, Broken> {
        let deadline = self.tidy();
        if self.ahead > 0 {
            // DATA was written ahead, so the only recipient is the refused one, and a
            // 354 is ended by a lone dot that can reach nobody (RFC 2920 3.1). A relay
            // that accepts it is not trusted with the next letter.
            self.ahead = 0;
            let mut answer = self.wire.answer(deadline).await?;
            if answer.reply.code == 354 {
                answer = self.wire.ask(".", deadline).await?;
            }
            if !answer.is_no() || answer.reply.code == 421 {
                return Ok(false);
            }
        }
        Ok(self.wire.ask("RSET", deadline).await?.is_yes())
    }

    fn tidy(&self) -> Deadline {
        Deadline::within(self.timeouts.command.min(TIDY_MAX))
    }

    /// One command and its reply. 421 ends the session wherever it comes.
    async fn exchange(&mut self, stage: SmtpStage, line: &str, within: Duration) -> Result<Answer, Outcome> {
        let deadline = Deadline::within(within);
        let answered = if self.ahead > 0 {
            self.ahead -= 1;
            self.wire.answer(deadline).await
        } else {
            self.wire.ask(line, deadline).await
        };
        let answer = answered.map_err(|broken| self.broken(stage, &broken))?;
        if answer.reply.code == 421 { Err(refused(stage, answer.reply)) } else { Ok(answer) }
    }

    fn broken(&self, stage: SmtpStage, broken: &Broken) -> Outcome {
        if stage == SmtpStage::Mail && self.used_before && broken.is_gone() {
            idle(broken)
        } else {
            not_sent(stage, broken.to_string())
        }
    }

    fn mail_line(&self) -> String {
        let size = if self.offers.size { format!(" SIZE={}", self.body.size) } else { String::new() };
        let eight_bit = if self.body.eight_bit { " BODY=8BITMIME" } else { "" };
        format!("MAIL FROM:<{}>{size}{eight_bit}", self.parcel.from.as_str())
    }
}

fn rcpt_line(address: &Address) -> String {
    format!("RCPT TO:<{}>", address.as_str())
}

fn not_sent(stage: SmtpStage, cause: String) -> Outcome {
    Outcome::NotSent { stage, cause, reply: None }
}

/// What a session that is out of step before MAIL means.
fn idle(broken: &Broken) -> Outcome {
    let cause = if broken.is_gone() { "connection closed while idle".to_owned() } else { broken.to_string() };
    let reply = match broken {
        Broken::OutOfTurn(said) => said.clone(),
        Broken::TimedOut(_) | Broken::Closed | Broken::Failed(_) | Broken::Malformed(_) => None,
    };
    Outcome::NotSent { stage: SmtpStage::Mail, cause, reply }
}

/// What anything but the wanted answer means, as long as it is certain that
/// the letter was not accepted: 5xx is for good, 4xx for now, 421 about the
/// session rather than the letter, the rest an answer to something else.
fn refused(stage: SmtpStage, reply: Reply) -> Outcome {
    match reply.code {
        421 => {
            Outcome::NotSent { stage, cause: "the relay ended the session".to_owned(), reply: Some(reply) }
        }
        400..600 if reply.is_permanent() => Outcome::LetterRefused { stage, reply },
        400..600 => {
            Outcome::NotSent { stage, cause: "the relay refused for now".to_owned(), reply: Some(reply) }
        }
        _ => not_sent(stage, format!("the relay said {reply}, which is no answer to {stage}")),
    }
}
