//! The names by which things are told apart.

use std::fmt;
use std::sync::Arc;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; the border has already checked it.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

id!(
    /// A customer, by the business's own number.
    CustomerId
);
id!(
    /// A receivable, by the business's own number.
    ReceivableId
);
id!(
    /// A payment, by the business's own number.
    PaymentId
);
id!(
    /// An event, by the business's own number.
    EventId
);
id!(
    /// The identity of a rule: its `rule:` key, never its file name.
    RuleName
);
id!(
    /// The name of a stage within its rule.
    StageName
);
id!(
    /// The customers who share one address, by that address in lower case;
    /// `customer:<id>` for one without a usable address. One relationship is
    /// one budget.
    Relationship
);

/// A row of the outbox: one letter, one SMTP transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LetterId(pub i64);

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl LetterId {
    /// 0 to 99, so that letters refused together do not return together.
    #[must_use]
    pub fn spread(self) -> u8 {
        u8::try_from(self.0.rem_euclid(100)).unwrap_or(0)
    }
}
