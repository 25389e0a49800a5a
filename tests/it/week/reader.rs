//! Somebody who has nothing but the lines of the log, and the page that
//! explains their fields: what the daemon did, and what is to be done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A line of `--log json`.
pub struct Line {
    pub at: Timestamp,
    pub level: String,
    pub message: String,
    fields: Map<String, Value>,
}

impl Line {
    pub fn read(text: &str) -> Self {
        let mut fields: Map<String, Value> = serde_json::from_str(text).expect("one object");
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            other => panic!("`{name}` is {other:?} in {text}"),
        };
        let (at, level, message) = (take("timestamp"), take("level"), take("message"));
        Self { at: at.parse().expect("RFC 3339"), level, message, fields }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    /// A field as text; empty where it has none.
    pub fn field(&self, name: &str) -> String {
        match self.fields.get(name) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    fn number(&self, name: &str) -> u64 {
        self.field(name).parse().unwrap_or_else(|_| panic!("`{name}` of `{}` is a number", self.message))
    }
}

/// One life of the daemon.
#[derive(Debug, PartialEq, Eq)]
pub struct Life {
    pub started_at: Timestamp,
    /// What was different from the configuration of the life before.
    pub changes: String,
    pub ready_at: Option<Timestamp>,
    /// When it was told to stop.
    pub told_to_stop_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
}

impl Life {
    /// It was told to stop, and did.
    pub fn ended_in_order(&self) -> bool {
        self.told_to_stop_at.is_some() && self.stopped_at.is_some()
    }
}

/// What became of the files when they were read again.
#[derive(Debug, PartialEq, Eq)]
pub enum Reading {
    InForce(String),
    /// With every problem.
    Refused(Vec<String>),
}

/// From when to when something was wrong, and what.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble {
    pub why: String,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

/// A letter, as far as it was told of.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Letter {
    pub rule: String,
    pub stage: String,
    pub customer: String,
    pub about: String,
    pub message_ids: BTreeSet<String>,
    /// In which state it came when, oldest first.
    pub states: Vec<(Timestamp, String)>,
    /// Attempts that were told of.
    pub attempts: u32,
    /// Ended with the process, in the middle of an attempt.
    pub interrupted: u32,
}

impl Letter {
    pub fn state(&self) -> &str {
        self.states.last().map_or("", |(_, state)| state)
    }
}

/// Something that others did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    pub message: String,
    pub about: String,
    pub what: String,
    pub at: Timestamp,
}

/// The story.
#[derive(Debug, Default)]
pub struct Story {
    pub lives: Vec<Life>,
    pub readings: Vec<(Timestamp, Reading)>,
    /// Of the files that are being read.
    problems: Vec<String>,
    pub relay: Vec<Trouble>,
    pub holds: Vec<Trouble>,
    pub letters: BTreeMap<u64, Letter>,
    pub deeds: Vec<Deed>,
    /// How many letters the passes queued.
    pub queued: u64,
    /// How often the operator was told of trouble.
    pub alarms: usize,
}

/// Goes on, or begins anew.
fn trouble(troubles: &mut Vec<Trouble>, why: String, since: Timestamp) {
    match troubles.last() {
        Some(Trouble { until: None, .. }) => {}
        _ => troubles.push(Trouble { why, since, until: None }),
    }
}

fn over(troubles: &mut [Trouble], at: Timestamp) {
    let last = troubles.last_mut().expect("what is over was told of before");
    assert_eq!(last.until.replace(at), None, "it was not over already");
}

impl Story {
    pub fn told_by(lines: &[Line]) -> Self {
        let mut story = Self::default();
        for line in lines {
            story.hear(line);
        }
        story
    }

    fn hear(&mut self, line: &Line) {
        let at = line.at;
        match line.message.as_str() {
            "starting" => self.lives.push(Life {
                started_at: at,
                changes: line.field("changes"),
                ready_at: None,
                told_to_stop_at: None,
                stopped_at: None,
            }),
            "ready" => self.life().ready_at = Some(at),
            "stopping: finishing the letters in hand" => self.life().told_to_stop_at = Some(at),
            "stopped" => self.life().stopped_at = Some(at),
            "reloaded" => self.readings.push((at, Reading::InForce(line.field("changes")))),
            "not reloaded" => self.problems.push(line.field("problem")),
            "the last good configuration stays in force" => {
                self.readings.push((at, Reading::Refused(std::mem::take(&mut self.problems))));
            }
            "the relay can't be reached; letters wait"
            | "the relay is paused; a person must act. No letter is lost" => {
                trouble(&mut self.relay, line.field("reason"), at);
            }
            "the relay takes letters again" => over(&mut self.relay, at),
            hold if hold.starts_with("HOLD: nothing leaves: ") => {
                trouble(&mut self.holds, line.field("cause"), at);
            }
            "the HOLD is over" => over(&mut self.holds, at),
            "pass" => self.queued += line.number("queued"),
            "the operator was told of trouble" => self.alarms += 1,
            _ if !line.field("letter").is_empty() => self.letter(line),
            _ if !line.field("at").is_empty() => self.deed(line),
            "not sent"
            | "left alone: reached before the rule was first seen; `courtesy backlog list` shows it"
            | "the operator could not be told of trouble; tried again later" => {}
            other => panic!("nobody explained `{other}`"),
        }
    }

    fn life(&mut self) -> &mut Life {
        self.lives.last_mut().expect("it began with `starting`")
    }

    fn deed(&mut self, line: &Line) {
        self.deeds.push(Deed {
            message: line.message.clone(),
            about: line.field("about"),
            what: line.field("what"),
            at: line.field("at").parse().expect("a moment"),
        });
    }

    fn letter(&mut self, line: &Line) {
        if line.message == "a person decided" {
            self.deed(line);
        }
        let letter = self.letters.entry(line.number("letter")).or_default();
        for (known, name) in [
            (&mut letter.rule, "rule"),
            (&mut letter.stage, "stage"),
            (&mut letter.customer, "customer"),
            (&mut letter.about, "about"),
        ] {
            let told = line.field(name);
            if !told.is_empty() {
                *known = told;
            }
        }
        let message_id = line.field("message_id");
        letter.message_ids.extend((!message_id.is_empty()).then_some(message_id));
        letter.attempts += u32::from(!line.field("attempt").is_empty());
        let interrupted = matches!(
            line.message.as_str(),
            "uncertain" | "assumed to be sent" | "uncertain, to be tried again"
        ) && line.field("attempt").is_empty();
        letter.interrupted += u32::from(interrupted);
        if let Some(state) = state_after(line) {
            letter.states.push((line.at, state));
        }
    }

    /// What waits for a person, and the command that goes with it.
    pub fn to_do(&self) -> BTreeMap<u64, String> {
        let advice = |number: &u64, letter: &Letter| match letter.state() {
            "uncertain" => Some(format!("courtesy outbox resolve {number} --sent|--not-sent")),
            "held" => Some(format!("courtesy outbox release|cancel {number}")),
            _ => None,
        };
        self.letters.iter().filter_map(|(number, of)| Some((*number, advice(number, of)?))).collect()
    }
}

/// The state that a line leaves its letter in, as the page says it.
fn state_after(line: &Line) -> Option<String> {
    let state = match line.message.as_str() {
        "sent" => "sent",
        "uncertain" => "uncertain",
        "assumed to be sent" => "assumed",
        "not sent, to be tried again" | "uncertain, to be tried again" => "retry",
        "a person decided" => match line.field("what").as_str() {
            "released" => "queued",
            "cancelled" | "resolved as not sent" => "cancelled",
            "held" => "held",
            "uncertain" => "uncertain",
            "assumed" => "assumed",
            "resolved as sent" => "sent",
            "to be tried now" => return None,
            other => panic!("what is `{other}`?"),
        },
        "copy not sent" => return None,
        _ => return Some(line.field("state")),
    };
    Some(state.to_owned())
}
