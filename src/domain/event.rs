//! What happened with a customer: a visit, a signing, a delivery.

use jiff::Timestamp;

use super::ids::EventId;

/// How it went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventOutcome {
    /// Well.
    Positive,
    /// Neither way.
    Neutral,
    /// Badly; nobody is thanked for it.
    Negative,
}

impl EventOutcome {
    /// The word in CSV and store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Negative => "negative",
        }
    }

    /// The value of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Positive, Self::Neutral, Self::Negative].into_iter().find(|value| value.as_str() == word)
    }
}

/// Something that happened once, at a moment. Its kinds are open words; the
/// shipped rules use `visit`, `signing`, `purchase`, `delivery` and others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The business's own number.
    pub id: EventId,
    /// What happened, in lower case.
    pub kind: String,
    /// When.
    pub occurred_at: Timestamp,
    /// How it went, where anybody said.
    pub outcome: Option<EventOutcome>,
    /// What it was about.
    pub product: Option<String>,
    /// A person's own words; may be shown in a letter.
    pub note: Option<String>,
}
