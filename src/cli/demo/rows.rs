//! What the sample business needed, and what showed that it got it. All of
//! it is read from the store and the letters that left.

use serde_json::json;

use super::seen::Seen;

/// One thing that a business needs.
pub struct Row {
    /// Its name in the list of what must work.
    pub id: &'static str,
    /// In plain words.
    pub need: &'static str,
    /// What shows it; each must, save for rules that have their season.
    pub shows: &'static [Show],
}

/// One thing that shows a need to be met.
pub enum Show {
    /// Letters of a rule.
    Rule(&'static str),
    /// Letters of a rule that comes once a year.
    InSeason(&'static str),
    /// Something counted, at least how often it must be, and the words for
    /// one and for more.
    Count(fn(&Seen) -> usize, usize, [&'static str; 2]),
    /// Something that must never be, with the words for it.
    Never(fn(&Seen) -> usize, &'static str),
}

use Show::{Count, InSeason, Never, Rule};

/// Every need, those of collecting first.
pub const ROWS: &[Row] = &[
    Row {
        id: "C1",
        need: "Every way of being paid has its reminders",
        shows: &[
            Rule("advance-reminders"),
            Rule("payment-reminders"),
            Count(Seen::kinds_reminded_of, 6, ["kind of claim", "kinds of claims"]),
        ],
    },
    Row {
        id: "C2",
        need: "Promissory notes, postponements, guarantors",
        shows: &[
            Rule("note-reminders"),
            Rule("note-reminders-postponed"),
            Count(Seen::postponements, 2, ["postponement", "postponements"]),
            Count(Seen::copies_to_guarantors, 1, ["copy to a guarantor", "copies to guarantors"]),
        ],
    },
    Row {
        id: "C3",
        need: "Reminders rise step by step until the hand-over",
        shows: &[
            Count(Seen::steps, 6, ["step", "steps"]),
            Count(Seen::deadlines, 1, ["final notice with a deadline", "final notices with a deadline"]),
        ],
    },
    Row {
        id: "C4",
        need: "Whoever pays is thanked, for a part as for all",
        shows: &[Rule("payment-thanks"), Rule("part-payment-thanks")],
    },
    Row {
        id: "C5",
        need: "A promise is waited for, a broken one has its own word",
        shows: &[
            Count(Seen::promises_kept, 1, ["promise kept", "promises kept"]),
            Rule("broken-promise"),
            Rule("broken-promise-again"),
        ],
    },
    Row {
        id: "C6",
        need: "What is disputed or on hold rests, and only that",
        shows: &[
            Count(Seen::pauses, 2, ["dispute or hold", "disputes and holds"]),
            Never(Seen::reminders_of_what_rests, "reminders of it meanwhile"),
            Count(Seen::reminders_of_the_rest, 1, ["reminder of the rest", "reminders of the rest"]),
        ],
    },
    Row {
        id: "C7",
        need: "An old debt becomes a plan, a missed instalment is seen",
        shows: &[
            Count(Seen::replaced, 1, ["debt replaced by instalments", "debts replaced by instalments"]),
            Rule("plan-missed"),
        ],
    },
    Row {
        id: "C8",
        need: "Returned, set off, in court, covered: no more letters",
        shows: &[
            Count(Seen::closed, 4, ["claim closed", "claims closed"]),
            Never(Seen::reminders_of_what_is_closed, "letters about them afterwards"),
            Count(Seen::covered_by_credit, 1, ["claim covered by credit", "claims covered by credit"]),
        ],
    },
    Row {
        id: "C9",
        need: "No claim becomes time-barred unseen",
        shows: &[
            Rule("limitation-watch"),
            Count(Seen::restarted, 1, ["period begun anew", "periods begun anew"]),
        ],
    },
    Row {
        id: "C10",
        need: "A statement of account, and the customer's confirmation",
        shows: &[
            Rule("monthly-statement"),
            Count(Seen::acknowledgements, 2, ["confirmation", "confirmations"]),
        ],
    },
    Row {
        id: "C11",
        need: "When letters no longer help, a person takes over",
        shows: &[Count(Seen::hand_overs, 2, ["hand-over", "hand-overs"])],
    },
    Row { id: "T1", need: "Thanks within minutes of a good visit", shows: &[Rule("visit-thanks")] },
    Row {
        id: "T2",
        need: "Thanks at the signing and after a purchase",
        shows: &[Rule("signing-thanks"), Rule("purchase-thanks")],
    },
    Row { id: "T3", need: "Thanks for a favour or a recommendation", shows: &[Rule("favour-thanks")] },
    Row {
        id: "T4",
        need: "Greetings to regular customers",
        shows: &[Rule("trip-greeting"), InSeason("regulars-greeting")],
    },
    Row {
        id: "T5",
        need: "Check-ins until the customer masters the product",
        shows: &[
            Rule("onboarding-check-in"),
            Count(Seen::proficient, 2, ["customer who masters it", "customers who master it"]),
        ],
    },
    Row { id: "T6", need: "A word in time about parts that wear out", shows: &[Rule("spare-part-due")] },
    Row { id: "T7", need: "The question how it is used", shows: &[Rule("usage-survey")] },
    Row { id: "T8", need: "News to those whom it concerns", shows: &[Rule("product-news")] },
    Row {
        id: "T9",
        need: "What others in the same trade say",
        shows: &[Count(Seen::with_testimonials, 1, ["letter that quotes them", "letters that quote them"])],
    },
    Row { id: "T10", need: "The request to recommend us, at the right time", shows: &[Rule("referral-ask")] },
];

/// What was seen of one thing.
pub struct Sight {
    /// In words.
    pub words: String,
    /// The rule whose letters it is.
    pub rule: Option<&'static str>,
    /// Whether it shows the need to be met.
    pub met: bool,
}

impl Show {
    /// What was seen of it.
    pub fn seen(&self, seen: &Seen) -> Sight {
        let (words, rule, met) = match self {
            Self::Rule(rule) => {
                let count = seen.letters_of(rule);
                (format!("{count} × {rule}"), Some(*rule), count > 0)
            }
            Self::InSeason(rule) => match seen.letters_of(rule) {
                0 => (format!("{rule} not in these months"), None, true),
                count => (format!("{count} × {rule}"), Some(*rule), true),
            },
            Self::Count(count, least, [one, more]) => {
                let count = count(seen);
                (format!("{count} {}", if count == 1 { one } else { more }), None, count >= *least)
            }
            Self::Never(count, what) => match count(seen) {
                0 => (format!("no {what}"), None, true),
                count => (format!("{count} {what}"), None, false),
            },
        };
        Sight { words, rule, met }
    }
}

impl Row {
    /// The row of the summary: the need with its id, and what showed it.
    pub fn line(&self, seen: &Seen) -> [String; 2] {
        let told = |sight: Sight| if sight.met { sight.words } else { format!("only {}", sight.words) };
        let sights: Vec<String> = self.shows.iter().map(|show| told(show.seen(seen))).collect();
        [format!("{} [{}]", self.need, self.id), sights.join(", ")]
    }

    /// The same for the page.
    pub fn as_json(&self, seen: &Seen) -> serde_json::Value {
        let sights = self.shows.iter().map(|show| show.seen(seen));
        let sights: Vec<_> =
            sights.map(|sight| json!({ "words": sight.words, "rule": sight.rule })).collect();
        json!({ "id": self.id, "need": self.need, "shown": sights })
    }
}
