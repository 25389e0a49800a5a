//! From a draft and facts to a message: Tera templates over Markdown, then
//! MIME.
//!
//! Invariant: nothing here decides who gets what; it writes what a draft
//! says. Template contexts and `lettre` types stay in the modules below.

mod account;
pub mod alarm;
mod attachment;
pub mod catalogue;
mod check;
mod clean;
mod compose;
mod context;
mod engine;
mod fingerprint;
mod grid;
mod layout;
mod library;
mod markdown;
pub mod mime;
mod plain;
mod preview;
mod sample;
mod scan;
mod table;
mod terms;
mod words;

pub use attachment::Attachment;
pub use check::Named;
pub use compose::Composer;
pub use library::fingerprints;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::domain::address::Address;
use crate::domain::customer::{Class, Person};
use crate::domain::facts::Facts;
use crate::domain::figures::Peers;
use crate::domain::notice::Draft;
use crate::domain::settings::Settings;
use crate::domain::stop::Stop;

/// Who signs the letters, where answers go, and where the files are that go
/// along.
#[derive(Clone, PartialEq, Debug)]
pub struct MailSettings {
    /// Header `From` and envelope sender.
    pub from: Person,
    /// Where answers go.
    pub reply_to: ReplyTo,
    /// Everything goes to this one address while trying out.
    pub redirect_to: Option<Address>,
    /// How courtesies and news are unsubscribed from.
    pub unsubscribe: Unsubscribe,
    /// The folder of the files that receivables name as `attachment`; none
    /// outside it is ever read.
    pub attachments: PathBuf,
}

/// Where answers go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReplyTo {
    /// To the customer's owner, else the manager, else the operator.
    Owner,
    /// To one address.
    Fixed(Person),
}

/// What `List-Unsubscribe` offers (RFC 2369, RFC 8058).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unsubscribe {
    /// A mailbox that takes unsubscriptions.
    pub mailto: Address,
    /// An HTTPS address that takes a POST; `{customer}` in it is replaced by
    /// the customer's id. With it the one-click header is added.
    pub url: Option<String>,
}

/// A letter in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// The language it is written in, `zh-CN`.
    pub locale: String,
    /// One line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, whole, with its styles inlined.
    pub html: String,
    /// To whom; the first is the envelope's main recipient.
    pub to: Vec<Person>,
    /// Who else sees it.
    pub cc: Vec<Person>,
    /// Where answers go.
    pub reply_to: Person,
    /// What it is.
    pub class: Class,
    /// The Message-ID-like root that letters about the same thing share in
    /// `References`, so that they thread; without the angle brackets.
    pub thread: String,
    /// For `List-Unsubscribe`: the customer's id.
    pub customer: String,
    /// What goes along, in the order of the claims.
    pub attachments: Vec<Attachment>,
    /// A hash of everything above.
    pub fingerprint: String,
}

/// The most characters of what a customer says about us.
pub const QUOTE_CHARS_MAX: usize = clean::VALUE_CHARS_MAX;

/// What a customer says about us, to be shown to others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Testimonial {
    /// The words, without quotation marks.
    pub quote: String,
    /// Whose they are, as it may be shown.
    pub name: String,
    /// The trade or group to whom it says most; `None` is everybody.
    pub segment: Option<String>,
    /// The language it is written in; `None` goes into letters of any.
    pub locale: Option<String>,
}

/// Why a letter could not be made. It is held, and no other.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ComposeError {
    /// No template of this name in any language that would do.
    #[error("no template `{name}` in {tried}")]
    NoTemplate {
        /// Without locale and ending.
        name: String,
        /// The languages that were looked at.
        tried: String,
    },
    /// The template does not render with these facts.
    #[error("template `{template}`: {cause}")]
    Template {
        /// Path within the templates' folder.
        template: String,
        /// What and where, in words.
        cause: String,
    },
    /// The result is larger than a letter may be.
    #[error("the letter is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Nobody to write to.
    #[error("{0}")]
    Nobody(Stop),
    /// The facts do not have what the draft speaks of.
    #[error("{0}")]
    Incomplete(String),
    /// An attachment is missing, outside its folder, too large, or changed
    /// while it was read.
    #[error("attachment `{file}`: {cause}")]
    Attachment {
        /// As the receivable names it.
        file: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// What a letter is written from.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// What was decided.
    pub draft: &'a Draft,
    /// Everything about the relationship.
    pub facts: &'a Facts,
    /// The business.
    pub settings: &'a Settings,
    /// Who signs.
    pub mail: &'a MailSettings,
    /// What other customers do, where that is an example.
    pub peers: Option<Peers>,
    /// The moment it leaves; deadlines count from its day.
    pub now: Timestamp,
}
