//! What others than the daemon did: commands that people and their programs
//! gave. Its log tells of them, so that the log alone says what happened.

use jiff::Timestamp;

use super::{Record, With};
use crate::domain::ids::LetterId;

/// Something that was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct News {
    /// Counts up; a later one is greater.
    pub number: i64,
    /// What kind of thing.
    pub deed: Deed,
    /// To which letter, if to one.
    pub letter: Option<LetterId>,
    /// What it is about: `receivable:ID`, `customer:ID`, the kind of a file.
    pub about: String,
    /// The rest, in words; may name an address.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// What kind of thing was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// A file was taken.
    Imported,
    /// A person told what the books do not know.
    Recorded,
    /// A person decided about a letter.
    Decided,
    /// An address is not written to any more.
    Suppressed,
    /// An address is written to again.
    Lifted,
    /// A mail about a letter came back.
    Returned,
    /// A HOLD was ended, or letters that were too many let go.
    Resumed,
    /// A rule may write about what was reached before it was first seen.
    Backlog,
    /// What is personal of a customer was erased.
    Forgotten,
}

impl Deed {
    const ALL: [Self; 9] = [
        Self::Imported,
        Self::Recorded,
        Self::Decided,
        Self::Suppressed,
        Self::Lifted,
        Self::Returned,
        Self::Resumed,
        Self::Backlog,
        Self::Forgotten,
    ];

    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Recorded => "recorded",
            Self::Decided => "decided",
            Self::Suppressed => "suppressed",
            Self::Lifted => "lifted",
            Self::Returned => "returned",
            Self::Resumed => "resumed",
            Self::Backlog => "backlog",
            Self::Forgotten => "forgotten",
        }
    }

    /// The inverse.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == word)
    }
}

impl Record {
    /// What it is about, as the log names it; empty for many customers.
    #[must_use]
    pub fn about(&self) -> String {
        let (receivable, customer) = match self {
            Self::Payment { receivable, customer, .. }
            | Self::Pause { receivable, customer, .. }
            | Self::Resume { receivable, customer, .. }
            | Self::Acknowledgement { receivable, customer, .. } => (receivable.as_ref(), customer.as_ref()),
            Self::Promise { receivable, .. } | Self::Status { receivable, .. } => (Some(receivable), None),
            Self::Event { with: With::Customer(customer), .. } => (None, Some(customer)),
            Self::Event { with: With::Segment(_) | With::Tag(_) | With::Everyone, .. } => (None, None),
        };
        match (receivable, customer) {
            (Some(id), _) => format!("receivable:{id}"),
            (None, Some(id)) => format!("customer:{id}"),
            (None, None) => String::new(),
        }
    }
}
