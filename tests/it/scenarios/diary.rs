//! The days of a scenario, line by line: what people did, what the relay
//! accepted, what became of other letters, and what was not written and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use courtesy::domain::delivery::Parcel;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::LetterState;
use courtesy::store::OutboxLetter;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mail_parser::MessageParser;

use super::overheard::Said;
use super::script::Script;

/// Why a candidate is no news: nothing is asked of it, or not yet.
const NO_NEWS: [&str; 8] = [
    "not in audience",
    "excluded",
    "credit note",
    "no anchor",
    "done",
    "in outbox",
    "not reached",
    "schedule",
];

/// Customer, rule and subject.
type Candidate = (String, String, String);

pub struct Diary {
    /// The stages, by rule and name, of which the customer knows nothing:
    /// that they keep behind the others is no news.
    pub alarms: BTreeSet<(String, String)>,
    zone: TimeZone,
    with_text: bool,
    with_digests: bool,
    text: String,
    /// Where each letter stood when it was last looked at.
    states: BTreeMap<LetterId, (LetterState, String, Timestamp)>,
    /// What was last said of each subject, stage by stage, and whether aloud.
    said: BTreeMap<Candidate, BTreeMap<String, (String, bool)>>,
    /// The day of the last letter of a rule about a subject.
    written: BTreeMap<(String, String), Date>,
}

impl Diary {
    pub fn new(zone: TimeZone, script: &Script) -> Self {
        Self {
            alarms: BTreeSet::new(),
            zone,
            with_text: script.with_text,
            with_digests: script.with_digests,
            text: String::new(),
            states: BTreeMap::new(),
            said: BTreeMap::new(),
            written: BTreeMap::new(),
        }
    }

    pub fn into_text(self) -> String {
        self.text
    }

    /// What a person, the relay or the machine did.
    pub fn happened(&mut self, at: Timestamp, words: &str) {
        self.line(at, "·", words);
    }

    /// A letter that the relay accepted, for a customer who lives in `zone`.
    pub fn accepted(&mut self, at: Timestamp, parcel: &Parcel, row: &OutboxLetter, zone: &TimeZone) {
        if !self.shows(row) {
            return;
        }
        let mut words = format!("{}  to {}", about(row), parcel.to);
        if !parcel.cc.is_empty() {
            let copies: Vec<_> = parcel.cc.iter().map(ToString::to_string).collect();
            write!(words, "  cc {}", copies.join(" ")).expect("a String takes it");
        }
        let there = at.to_zoned_datetime(zone.clone());
        if there.offset() != at.to_zoned_datetime(self.zone.clone()).offset() {
            let city = zone.iana_name().and_then(|name| name.rsplit('/').next()).unwrap_or("?");
            write!(words, "  ({} in {})", there.strftime("%a %R"), city.replace('_', " "))
                .expect("a String takes it");
        }
        let subject = row.made.as_ref().map_or("", |made| made.subject.as_str());
        write!(words, "  \"{subject}\"").expect("a String takes it");
        self.line(at, row.state.as_str(), &words);
        self.states.insert(row.id, (row.state, row.reason.clone(), row.next_attempt_at));
        let day = at.to_zoned_datetime(self.zone.clone()).date();
        for line in &row.draft.lines {
            self.written.insert((line.key.rule.to_string(), line.key.subject.id().to_owned()), day);
        }
        if self.with_text {
            let message = MessageParser::default().parse(&parcel.bytes[..]).expect("a message");
            let text = message.body_text(0).expect("a text part");
            for line in text.lines() {
                let line = format!("    | {line}");
                writeln!(self.text, "{}", line.trim_end()).expect("a String takes it");
            }
        }
    }

    /// What became of letters that the relay has not just accepted.
    pub fn outbox(&mut self, at: Timestamp, rows: &[OutboxLetter]) {
        for row in rows {
            if !self.shows(row) {
                continue;
            }
            let now = (row.state, row.reason.clone(), row.next_attempt_at);
            if self.states.get(&row.id) == Some(&now) {
                continue;
            }
            self.states.insert(row.id, now);
            let mut words = about(row);
            if matches!(row.state, LetterState::Queued | LetterState::Retry) {
                let leaves = row.next_attempt_at.to_zoned_datetime(self.zone.clone());
                write!(words, "  leaves {}", leaves.strftime("%F %a %R")).expect("a String takes it");
            }
            if !row.reason.is_empty() {
                write!(words, "  {}", row.reason).expect("a String takes it");
            }
            self.line(at, row.state.as_str(), &words);
        }
    }

    /// What was not written, where that is news.
    pub fn not_written(&mut self, at: Timestamp, heard: Vec<Said>) {
        for said in heard {
            // What is stale is told aloud when it is found, once.
            if said.reason == "stale" && !said.aloud {
                continue;
            }
            let key = (said.customer.clone(), said.rule.clone(), said.about.clone());
            let of_subject = self.said.entry(key).or_default();
            // One verdict without a stage stands for all of them.
            // Of several promises, each has one of its own.
            let whole = !said.reason.starts_with("promise over");
            of_subject.retain(|stage, _| !whole || stage.is_empty() == said.stage.is_empty());
            let now = (said.reason.clone(), said.aloud);
            let before = of_subject.insert(said.stage.clone(), now.clone());
            if before.as_ref() == Some(&now) || !self.is_news(at, &said) {
                continue;
            }
            let stage = if said.stage.is_empty() { String::new() } else { format!("/{}", said.stage) };
            let subject = if said.kind == "customer" { String::new() } else { format!("  {}", said.about) };
            let words = format!("{}{stage}  {}{subject}  {}", said.rule, said.customer, said.reason);
            self.line(at, if said.aloud { "not sent" } else { "not due" }, &words);
        }
    }

    fn shows(&self, row: &OutboxLetter) -> bool {
        self.with_digests || row.draft.customer.is_some()
    }

    fn is_news(&self, at: Timestamp, said: &Said) -> bool {
        // The next letter keeps its distance from the one just sent, and an
        // alarm from all of them.
        let day = at.to_zoned_datetime(self.zone.clone()).date();
        let spaced = said.reason == "spacing"
            && (self.alarms.contains(&(said.rule.clone(), said.stage.clone()))
                || self.written.get(&(said.rule.clone(), said.about.clone())) == Some(&day));
        // Every payment in full is settled for the rule of part payments.
        let in_full = said.kind == "payment" && said.reason == "settled";
        !spaced && !in_full && !NO_NEWS.iter().any(|reason| said.reason.starts_with(reason))
    }

    fn line(&mut self, at: Timestamp, what: &str, words: &str) {
        let when = at.to_zoned_datetime(self.zone.clone()).strftime("%F %a %R");
        writeln!(self.text, "{when}  {what:<9}  {words}").expect("a String takes it");
    }
}

/// `payment-reminders/firm  C1  R1 R2 (R3 friendly)`.
fn about(row: &OutboxLetter) -> String {
    let draft = &row.draft;
    let mut words = format!("{}/{}  {}", draft.rule, draft.stage, draft.whose());
    if draft.customer.is_none() {
        return words;
    }
    words.push_str("  ");
    let subjects: Vec<String> = draft
        .lines
        .iter()
        .map(|line| {
            let id = line.key.subject.id();
            let again = if line.key.repetition > 0 {
                format!(" ×{}", line.key.repetition + 1)
            } else {
                String::new()
            };
            if line.leading { format!("{id}{again}") } else { format!("({id} {})", line.key.stage) }
        })
        .collect();
    words.push_str(&subjects.join(" "));
    words
}
