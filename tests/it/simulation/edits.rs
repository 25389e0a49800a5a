//! What people make of the shipped rules in mid-year, and the ladders as
//! every edit leaves them, written down by hand.

use std::fs;
use std::sync::{Arc, OnceLock};

use courtesy::cli::{init, load};
use courtesy::engine::Office;

/// How the rules stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edit {
    /// As they come.
    Shipped,
    /// `firm` four days later.
    Patient,
    /// `friendly` under another name.
    Renamed,
    /// One more stage before the final notice.
    Inserted,
    /// No `payment-reminders` at all.
    Without,
}

/// A stage after or before the due date.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    pub name: &'static str,
    pub offset: i64,
    /// Whether the customer sees it; else our own people alone.
    pub outside: bool,
    pub approve: bool,
    /// Whether it counts as a firm word: the second stage after the due date
    /// or a later one.
    pub firm: bool,
    /// Days between repetitions, and how many letters there may be.
    pub again: Option<(i64, u32)>,
    pub cc: &'static [Whom],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whom {
    Owner,
    Guarantor,
    Manager,
}

use Whom::{Guarantor, Manager, Owner};

const fn letter(name: &'static str, offset: i64, cc: &'static [Whom]) -> Rung {
    Rung { name, offset, outside: true, approve: false, firm: false, again: None, cc }
}

const fn firm(name: &'static str, offset: i64, cc: &'static [Whom]) -> Rung {
    Rung { firm: true, ..letter(name, offset, cc) }
}

const fn last(name: &'static str, offset: i64, cc: &'static [Whom]) -> Rung {
    Rung { approve: true, ..firm(name, offset, cc) }
}

const fn alarm(name: &'static str, offset: i64, again: Option<(i64, u32)>, cc: &'static [Whom]) -> Rung {
    Rung { outside: false, again, ..letter(name, offset, cc) }
}

const COMING: Rung = letter("coming-due", -7, &[]);
const TODAY: Rung = letter("due-today", 0, &[]);
const FRIENDLY: Rung = letter("friendly", 3, &[]);
const FIRM: Rung = firm("firm", 10, &[Owner]);
const FINAL: Rung = last("final-notice", 30, &[Owner, Guarantor]);
const HAND_OVER: Rung = alarm("hand-over", 45, Some((30, u32::MAX)), &[]);

const SHIPPED: &[Rung] = &[COMING, TODAY, FRIENDLY, FIRM, FINAL, HAND_OVER];
const PATIENT: &[Rung] = &[COMING, TODAY, FRIENDLY, firm("firm", 14, &[Owner]), FINAL, HAND_OVER];
const RENAMED: &[Rung] = &[COMING, TODAY, letter("gentle", 3, &[]), FIRM, FINAL, HAND_OVER];
const INSERTED: &[Rung] = &[COMING, TODAY, FRIENDLY, FIRM, firm("firmer", 20, &[Owner]), FINAL, HAND_OVER];

const ADVANCE: &[Rung] = &[
    letter("coming-due", -3, &[]),
    TODAY,
    letter("friendly", 5, &[]),
    alarm("owner", 14, Some((30, 3)), &[]),
];
const NOTE: &[Rung] = &[
    COMING,
    TODAY,
    letter("dishonoured", 3, &[Owner]),
    last("final-notice", 10, &[Owner, Guarantor]),
    alarm("hand-over", 21, Some((30, u32::MAX)), &[Manager]),
];
const POSTPONED: &[Rung] = &[
    letter("coming-due", -7, &[Owner]),
    letter("due-today", 0, &[Owner]),
    letter("dishonoured", 1, &[Owner, Guarantor]),
    last("final-notice", 7, &[Owner, Guarantor]),
    alarm("hand-over", 14, Some((14, u32::MAX)), &[Manager]),
];

impl Edit {
    pub const ALL: [Self; 5] = [Self::Shipped, Self::Patient, Self::Renamed, Self::Inserted, Self::Without];

    /// The ladder of a rule that counts from due dates.
    pub fn ladder(self, rule: &str) -> &'static [Rung] {
        match rule {
            "payment-reminders" => match self {
                Self::Shipped => SHIPPED,
                Self::Patient => PATIENT,
                Self::Renamed => RENAMED,
                Self::Inserted => INSERTED,
                Self::Without => &[],
            },
            "advance-reminders" => ADVANCE,
            "note-reminders" => NOTE,
            "note-reminders-postponed" => POSTPONED,
            _ => &[],
        }
    }

    /// The rules as the program reads them, read once.
    pub fn office(self) -> Arc<Office> {
        static OFFICES: [OnceLock<Arc<Office>>; Edit::ALL.len()] =
            [const { OnceLock::new() }; Edit::ALL.len()];
        let index = Self::ALL.iter().position(|edit| *edit == self).expect("one of all");
        Arc::clone(OFFICES[index].get_or_init(|| Arc::new(self.read())))
    }

    fn read(self) -> Office {
        let folder = tempfile::tempdir().expect("a folder");
        init::write_shipped(folder.path()).expect("the shipped files");
        let file = folder.path().join("config/rules/payment-reminders.yaml");
        let text = fs::read_to_string(&file).expect("a rule");
        let (from, to) = match self {
            Self::Shipped | Self::Without => ("", String::new()),
            Self::Patient => ("at: +10d", "at: +14d".to_owned()),
            Self::Renamed => ("stage: friendly,", "stage: gentle,".to_owned()),
            Self::Inserted => {
                let after = "template: reminder/firm, cc: [owner] }\n";
                let more = "  - { stage: firmer, at: +20d, template: reminder/firm, cc: [owner] }\n";
                (after, format!("{after}{more}"))
            }
        };
        assert!(text.contains(from), "{self:?} finds its place");
        match self {
            Self::Without => fs::remove_file(&file).expect("it can be removed"),
            _ => fs::write(&file, text.replacen(from, &to, 1)).expect("it can be written"),
        }
        let config = load::config_at(&folder.path().join("config/courtesy.yaml")).expect("it is clean");
        load::office(config).expect("the templates are clean")
    }
}

/// The rule that reminds of a claim of this kind.
pub fn reminders_of(kind: &str, postponements: u32) -> Option<&'static str> {
    match kind {
        "invoice" | "instalment" | "balance" => Some("payment-reminders"),
        "prepayment" | "deposit" => Some("advance-reminders"),
        "promissory_note" if postponements >= 2 => Some("note-reminders-postponed"),
        "promissory_note" => Some("note-reminders"),
        _ => None,
    }
}
