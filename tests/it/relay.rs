//! The relay against a scripted one over real sockets, and against Postfix'
//! `smtp-sink`.

mod explained;
mod patience;
pub mod script;
mod sessions;
mod sink;
mod stages;
pub mod tls;

use std::time::Duration;

use courtesy::domain::address::Address;
use courtesy::domain::delivery::{Outcome, Parcel, SmtpStage};
use courtesy::relay::{Relay, SmtpRelay, SmtpSession, SmtpSettings, Timeouts, Tls};

/// Long enough never to pass in a test that is not about silence.
pub const PATIENT: Timeouts = {
    let long = Duration::from_mins(1);
    Timeouts { connect: long, greeting: long, command: long, data: long, body: long, final_dot: long }
};

/// How long a test about silence waits.
pub const SHORT: Duration = Duration::from_millis(300);

const MESSAGE: &str = "Subject: Invoice 4711\r\nDate: Sun, 1 Mar 2026 09:00:00 +0000\r\n\r\n.Dear Ann,\r\n.\r\n..\r\nthe end.\r\n";

pub fn plain(port: u16) -> SmtpSettings {
    SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        ca_file: None,
        credentials: None,
        hello: "courtesy.test".to_owned(),
        connections: 1,
        rate_per_min: None,
        timeouts: PATIENT,
    }
}

pub fn smtp(settings: SmtpSettings) -> SmtpRelay {
    SmtpRelay::new(settings).expect("settings that can be used")
}

async fn open(relay: &SmtpRelay) -> SmtpSession {
    relay.open().await.expect("a relay that answers")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

fn letter(to: &str, cc: &[&str], bytes: impl AsRef<[u8]>) -> Parcel {
    Parcel {
        from: address("accounts@morningstar.test"),
        to: address(to),
        cc: cc.iter().map(|cc| address(cc)).collect(),
        message_id: format!("{to}.1@morningstar.test"),
        bytes: bytes.as_ref().into(),
    }
}

pub fn ann() -> Parcel {
    letter("ann@example.test", &[], MESSAGE)
}

/// What matters about an outcome in a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    Sent,
    NotSent(SmtpStage),
    RecipientRefused(u16),
    LetterRefused(SmtpStage, u16),
    Uncertain,
}

pub fn ends(outcome: &Outcome) -> Ends {
    match outcome {
        Outcome::Accepted { .. } => Ends::Sent,
        Outcome::NotSent { stage, .. } => Ends::NotSent(*stage),
        Outcome::RecipientRefused { reply } => Ends::RecipientRefused(reply.code),
        Outcome::LetterRefused { stage, reply } => Ends::LetterRefused(*stage, reply.code),
        Outcome::Uncertain { .. } => Ends::Uncertain,
    }
}
