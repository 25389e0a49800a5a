//! Whom we write to.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::address::{Address, AddressError};
use super::ids::CustomerId;

/// A person with a name to show and an address to write to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// As it stands in a header; never empty.
    pub name: String,
    /// Where letters go.
    pub address: Address,
}

/// A customer, as the business knows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Customer {
    /// The business's own number.
    pub id: CustomerId,
    /// The company, or the person where there is none.
    pub name: String,
    /// Where letters go, or why none can.
    pub address: Result<Address, AddressError>,
    /// The person there.
    pub contact_name: Option<String>,
    /// How the person is addressed, where the business has said so: what
    /// stands behind "Dear", or the whole of a Chinese 称呼.
    pub greeting: Option<String>,
    /// Further addresses at the customer's, copied on every letter.
    pub cc: Vec<Address>,
    /// A language tag such as `zh-CN`; `None` is the business's.
    pub locale: Option<String>,
    /// Lower-case ISO 3166 code.
    pub country: Option<String>,
    /// Where the customer lives; the business's zone if not said.
    pub zone: TimeZone,
    /// The trade or group it belongs to.
    pub segment: Option<String>,
    /// Free marks.
    pub tags: Vec<String>,
    /// Our salesperson who answers for it.
    pub owner: Option<Person>,
    /// Whatever else the business wants to filter by or write.
    pub attributes: BTreeMap<String, String>,
    /// Set where nobody may write to the customer at all.
    pub blocked: bool,
    /// Since when it is forgotten: nothing personal is known any more, and
    /// nobody writes to it.
    pub forgotten_at: Option<Timestamp>,
    /// How many events `purchase` are known.
    pub purchases: u32,
}

/// What a rule's letter can be for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// Claims: reminders and notices.
    Dunning,
    /// Thanks and care.
    Courtesy,
    /// News and invitations.
    Marketing,
    /// To our own people.
    Internal,
}

impl Class {
    /// Every class, in the order of their names in YAML.
    pub const ALL: [Self; 4] = [Self::Dunning, Self::Courtesy, Self::Marketing, Self::Internal];

    /// The word in YAML, store and log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dunning => "dunning",
            Self::Courtesy => "courtesy",
            Self::Marketing => "marketing",
            Self::Internal => "internal",
        }
    }

    /// The class of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An address that must not be written to, and for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suppression {
    /// In lower case.
    pub address: String,
    /// The classes it covers; empty means all.
    pub classes: Vec<Class>,
    /// Why: the relay's reply, a complaint, an unsubscription.
    pub cause: String,
}

impl Suppression {
    /// Whether it stops a letter of `class` to `address`.
    #[must_use]
    pub fn covers(&self, address: &Address, class: Class) -> bool {
        self.address == address.folded() && (self.classes.is_empty() || self.classes.contains(&class))
    }
}
