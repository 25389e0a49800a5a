//! What comes back about letters that had left: bounces, complaints,
//! unsubscriptions; and what follows from each.
//!
//! Who knows a letter's Message-ID can forge all of it. So nothing here ever
//! sends a letter again to an address that is not mended, nothing silences a
//! claim, and our own people are told.

use std::fmt;

use super::customer::Class;
use super::delivery;
use super::notice::LetterState;

/// The classes that a complaint or an unsubscription stops. A claim is not
/// unsubscribed from.
pub const UNWANTED: [Class; 2] = [Class::Courtesy, Class::Marketing];

/// A mail that was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// What makes two copies of it the same one.
    pub id: String,
    /// What it says.
    pub says: Says,
}

/// What a mail says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Says {
    /// What became of a message on its way (RFC 3464).
    Fates {
        /// The Message-ID of the letter, without angle brackets.
        message_id: String,
        /// One for each recipient that it names.
        fates: Vec<Fate>,
    },
    /// Somebody called a letter unwanted (RFC 5965).
    Complaint {
        /// The Message-ID of the letter.
        message_id: String,
        /// Who did, where it is said.
        address: Option<String>,
    },
    /// Somebody wants no more of what can be unsubscribed from.
    Unsubscribe {
        /// Who wrote, in lower case.
        from: String,
        /// The customer's id, as the letter's link had it.
        customer: String,
    },
    /// Nothing about a letter of ours.
    Nothing(Alone),
}

/// What became of a message for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    /// The recipient's addresses in lower case: as we wrote it, and as the
    /// last server saw it. Empty where none is named.
    pub addresses: Vec<String>,
    /// What happened.
    pub action: Action,
    /// The enhanced status code (RFC 3463).
    pub status: Option<(u8, u16, u16)>,
    /// What was said about it, on one line.
    pub detail: String,
}

/// What happened to a message for one recipient (RFC 3464 2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It was not delivered, and is not tried again.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It was delivered, or passed on to where nothing is reported.
    Delivered,
}

impl Fate {
    /// Whether the address itself is dead.
    #[must_use]
    pub fn names_dead_address(&self) -> bool {
        let dead = |(class, subject, detail)| class == 5 && delivery::is_dead_address(subject, detail);
        self.action == Action::Failed && self.status.is_some_and(dead)
    }
}

/// Why a mail is left alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Alone {
    /// It is no mail.
    NoMail,
    /// Parts within parts within parts.
    TooNested,
    /// An answering machine: the letter arrived.
    AutomaticReply,
    /// A receipt for having been read.
    ReadReceipt,
    /// It is about a message, but says not which.
    NoMessageId,
    /// It is about a message that is none of ours.
    NoLetter(String),
    /// A complaint about a letter to our own people.
    OurOwn,
    /// It names a customer whom we don't know.
    NoCustomer(String),
    /// It unsubscribes a customer, but comes from somebody else.
    Stranger {
        /// The customer.
        customer: String,
        /// Who wrote.
        from: String,
    },
    /// Whatever else people write.
    Other,
}

impl fmt::Display for Alone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMail => f.write_str("not a mail"),
            Self::TooNested => f.write_str("too many parts within parts"),
            Self::AutomaticReply => f.write_str("an automatic reply"),
            Self::ReadReceipt => f.write_str("a receipt for having been read"),
            Self::NoMessageId => f.write_str("a report that does not say about which message it is"),
            Self::NoLetter(id) => write!(f, "about <{id}>, which is no letter of ours"),
            Self::OurOwn => f.write_str("a complaint about a letter to our own people"),
            Self::NoCustomer(id) => write!(f, "unsubscribes `{id}`, and there is no such customer"),
            Self::Stranger { customer, from } => write!(
                f,
                "unsubscribes {customer}, but comes from {from}, which is no address of theirs; if it is \
                 meant: courtesy suppress add --customer {customer} --unsubscribed"
            ),
            Self::Other => f.write_str("neither a bounce nor a complaint nor an unsubscription"),
        }
    }
}

/// What came back, as it is kept and told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It was not delivered.
    Bounced,
    /// It is still being tried.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was called unwanted.
    Complaint,
    /// No more of its kind, please.
    Unsubscribed,
    /// The relay would not take a copy, while it took the letter.
    Refused,
}

impl What {
    /// Every sort.
    pub const ALL: [Self; 6] =
        [Self::Bounced, Self::Delayed, Self::Delivered, Self::Complaint, Self::Unsubscribed, Self::Refused];

    /// The word in store and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bounced => "bounced",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Complaint => "complaint",
            Self::Unsubscribed => "unsubscribed",
            Self::Refused => "refused",
        }
    }

    /// The sort of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.as_str() == word)
    }
}

impl From<Action> for What {
    fn from(action: Action) -> Self {
        match action {
            Action::Failed => Self::Bounced,
            Action::Delayed => Self::Delayed,
            Action::Delivered => Self::Delivered,
        }
    }
}

/// Whose part of a letter a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The person the letter is for, by the address we wrote to.
    Recipient,
    /// Somebody who got a copy.
    Copy,
    /// An address that we did not write to: one that the recipient forwards
    /// to, as a rule.
    Elsewhere,
}

/// The letter that a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reported {
    /// Where it stands.
    pub state: LetterState,
    /// What it is.
    pub class: Class,
    /// Whether it is a digest, which nobody sends again.
    pub digest: bool,
}

/// What follows from a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Follows {
    /// The letter's next state, where it changes.
    pub state: Option<LetterState>,
    /// Whether its notices are free, to be sent again once the address is
    /// mended.
    pub frees: bool,
    /// Whether the recipient's address is not written to any more.
    pub suppress: bool,
}

/// Decides what follows from a report about a letter.
///
/// Whatever the report says, the relay had the letter. One that came back is
/// `bounced`: no delivered demand. If the address is dead its stage is free
/// again, as if the relay had refused the address at once; otherwise the
/// stage counts, because the same letter would only come back again. An
/// alarm to our own people waits for a person.
#[must_use]
pub fn follows(fate: &Fate, whose: Whose, letter: Reported) -> Follows {
    use LetterState::{
        Assumed, Bounced, Cancelled, Expired, Held, Queued, Rejected, Retry, Sending, Sent, Uncertain,
    };
    let failed = fate.action == Action::Failed && whose != Whose::Copy;
    let ours = letter.class == Class::Internal;
    let dead = failed && whose == Whose::Recipient && fate.names_dead_address() && !ours;
    let came_back = if ours && !letter.digest { Held } else { Bounced };
    let state = match letter.state {
        // A waiting one had been accepted after all, against the relay's word.
        Queued | Retry | Uncertain | Assumed => Some(if failed { came_back } else { Sent }),
        Sending | Sent => failed.then_some(came_back),
        Bounced => dead.then_some(Bounced),
        Held | Rejected | Cancelled | Expired => None,
    };
    Follows { state, frees: dead && state.is_some(), suppress: dead }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(action: Action, status: (u8, u16, u16)) -> Fate {
        Fate { addresses: vec![], action, status: Some(status), detail: String::new() }
    }

    const DEAD: (u8, u16, u16) = (5, 1, 1);
    const FULL: (u8, u16, u16) = (5, 2, 2);

    fn after(state: LetterState, action: Action, status: (u8, u16, u16)) -> Follows {
        let letter = Reported { state, class: Class::Dunning, digest: false };
        follows(&fate(action, status), Whose::Recipient, letter)
    }

    #[test]
    fn a_letter_that_came_back_is_bounced_and_its_stage_is_free_only_where_the_address_is_dead() {
        use LetterState::{Assumed, Bounced, Retry, Sending, Sent, Uncertain};
        for state in [Sent, Uncertain, Assumed, Sending, Retry] {
            let dead = after(state, Action::Failed, DEAD);
            assert_eq!(dead, Follows { state: Some(Bounced), frees: true, suppress: true }, "{state}");
            let full = after(state, Action::Failed, FULL);
            assert_eq!(full, Follows { state: Some(Bounced), frees: false, suppress: false }, "{state}");
        }
        // A code of the class 4 is given up on, and says nothing of the address.
        assert!(!after(Sent, Action::Failed, (4, 1, 1)).suppress);
        assert_eq!(after(Bounced, Action::Failed, FULL), Follows::default(), "said already");
        assert!(after(Bounced, Action::Failed, DEAD).frees);
    }

    #[test]
    fn any_report_shows_that_an_uncertain_letter_had_been_accepted() {
        use LetterState::{Assumed, Queued, Retry, Sent, Uncertain};
        for action in [Action::Delayed, Action::Delivered] {
            for state in [Uncertain, Assumed, Retry, Queued] {
                assert_eq!(after(state, action, (4, 4, 1)).state, Some(Sent), "{state}");
            }
            assert_eq!(after(Sent, action, (4, 4, 1)), Follows::default());
        }
        let letter = Reported { state: Uncertain, class: Class::Dunning, digest: false };
        let copy = follows(&fate(Action::Failed, DEAD), Whose::Copy, letter);
        assert_eq!(copy, Follows { state: Some(Sent), frees: false, suppress: false });
    }

    #[test]
    fn what_is_over_or_waits_for_a_person_stays_and_a_dead_address_is_dead_all_the_same() {
        for state in [LetterState::Held, LetterState::Rejected, LetterState::Cancelled, LetterState::Expired]
        {
            let dead = after(state, Action::Failed, DEAD);
            assert_eq!(dead, Follows { state: None, frees: false, suppress: true }, "{state}");
            assert_eq!(after(state, Action::Delivered, (2, 0, 0)), Follows::default(), "{state}");
        }
    }

    #[test]
    fn an_alarm_that_came_back_waits_for_a_person_and_a_digest_for_the_next() {
        let alarm = Reported { state: LetterState::Sent, class: Class::Internal, digest: false };
        let follow = |letter| follows(&fate(Action::Failed, DEAD), Whose::Recipient, letter);
        let held = Follows { state: Some(LetterState::Held), frees: false, suppress: false };
        assert_eq!(follow(alarm), held);
        let bounced = Follows { state: Some(LetterState::Bounced), frees: false, suppress: false };
        assert_eq!(follow(Reported { digest: true, ..alarm }), bounced);
    }

    #[test]
    fn an_address_that_we_did_not_write_to_is_never_suppressed() {
        let letter = Reported { state: LetterState::Sent, class: Class::Dunning, digest: false };
        let elsewhere = follows(&fate(Action::Failed, DEAD), Whose::Elsewhere, letter);
        let bounced = Follows { state: Some(LetterState::Bounced), frees: false, suppress: false };
        assert_eq!(elsewhere, bounced);
    }
}
