//! The relay that the configuration names, chosen once and without `dyn`.

use std::time::Duration;

use crate::domain::delivery::{Outcome, Parcel, SmtpStage, Unreachable};

use super::files::{FilesRelay, FilesSession};
use super::smtp::{SmtpRelay, SmtpSession};
use super::{Deliver, Relay, RelayError};

/// Files or SMTP.
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
#[derive(Debug)]
pub enum AnyRelay {
    /// One `.eml` per letter.
    Files(FilesRelay),
    /// A server.
    Smtp(SmtpRelay),
}

/// A session of [`AnyRelay`].
#[derive(Debug)]
pub enum AnySession {
    /// Of the files.
    Files(FilesSession),
    /// Of the server.
    Smtp(SmtpSession),
}

impl AnyRelay {
    /// The relay of `mail.deliver`.
    ///
    /// # Errors
    /// [`RelayError`], where it can't be used as configured.
    pub fn new(deliver: &Deliver) -> Result<Self, RelayError> {
        match deliver {
            Deliver::Files(folder) => Ok(Self::Files(FilesRelay::new(folder.clone()))),
            Deliver::Smtp(settings) => SmtpRelay::new(settings.clone()).map(Self::Smtp),
        }
    }

    /// Whether it was made of the same settings.
    #[must_use]
    pub fn is_of(&self, deliver: &Deliver) -> bool {
        match (self, deliver) {
            (Self::Files(relay), Deliver::Files(folder)) => relay.folder() == folder,
            (Self::Smtp(relay), Deliver::Smtp(settings)) => relay.settings() == settings,
            (Self::Files(_), Deliver::Smtp(_)) | (Self::Smtp(_), Deliver::Files(_)) => false,
        }
    }
}

impl Relay for AnyRelay {
    type Session = AnySession;

    async fn open(&self) -> Result<AnySession, Unreachable> {
        match self {
            Self::Files(relay) => relay.open().await.map(AnySession::Files),
            Self::Smtp(relay) => relay.open().await.map(AnySession::Smtp),
        }
    }

    async fn ready(&self, session: &mut AnySession) {
        match (self, session) {
            (Self::Files(relay), AnySession::Files(session)) => relay.ready(session).await,
            (Self::Smtp(relay), AnySession::Smtp(session)) => relay.ready(session).await,
            (Self::Files(_), AnySession::Smtp(_)) | (Self::Smtp(_), AnySession::Files(_)) => {}
        }
    }

    async fn deliver(&self, session: &mut AnySession, parcel: &Parcel) -> Outcome {
        match (self, session) {
            (Self::Files(relay), AnySession::Files(session)) => relay.deliver(session, parcel).await,
            (Self::Smtp(relay), AnySession::Smtp(session)) => relay.deliver(session, parcel).await,
            (Self::Files(_), AnySession::Smtp(_)) | (Self::Smtp(_), AnySession::Files(_)) => {
                Outcome::NotSent {
                    stage: SmtpStage::Connect,
                    cause: "the session belongs to another relay".to_owned(),
                    reply: None,
                }
            }
        }
    }

    fn is_usable(&self, session: &AnySession) -> bool {
        match (self, session) {
            (Self::Files(relay), AnySession::Files(session)) => relay.is_usable(session),
            (Self::Smtp(relay), AnySession::Smtp(session)) => relay.is_usable(session),
            (Self::Files(_), AnySession::Smtp(_)) | (Self::Smtp(_), AnySession::Files(_)) => false,
        }
    }

    fn patience(&self, letter: Option<&Parcel>) -> Duration {
        match self {
            Self::Files(relay) => relay.patience(letter),
            Self::Smtp(relay) => relay.patience(letter),
        }
    }

    async fn close(&self, session: AnySession) {
        match (self, session) {
            (Self::Files(relay), AnySession::Files(session)) => relay.close(session).await,
            (Self::Smtp(relay), AnySession::Smtp(session)) => relay.close(session).await,
            (Self::Files(_), AnySession::Smtp(_)) | (Self::Smtp(_), AnySession::Files(_)) => {}
        }
    }
}
