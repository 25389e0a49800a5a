//! A scenario as it is written down, line by line.
//!
//! ```text
//! # C4: what the business needs, in a sentence
//! from 2026-03-02 08:00
//!
//! customers                          what is there when the daemon starts
//!   id, name, email                  a table as `courtesy import` takes it
//!   C1, Golden Lake Tools, pay@golden.example
//!
//! config rules/payment-reminders.yaml
//!   approve: true -> approve: false  words of a shipped file, replaced
//!   + backlog: start                 or a line added at its end
//!
//! 2026-03-05 10:00  record payment R1 500
//! 2026-03-06 09:00  outbox cancel @friendly:R1   `@` for the number of the newest such letter
//! 2026-03-06 10:00  report friendly R1 pay@golden.example failed 5.1.1 no such user
//! until 2026-03-20
//! with text                          the letters, word for word
//! with digests                       also what our own people are told each day
//! with statements                    also the monthly statements of account
//!
//! expect                             written by BLESS=1, read by people
//! ```

use courtesy::store::ImportKind;
use jiff::civil::{Date, DateTime};

/// What is played.
pub struct Script {
    pub from: DateTime,
    pub until: Date,
    /// Whether the letters are shown with their text.
    pub with_text: bool,
    /// Whether the digests are shown, which would else stand below every
    /// letter.
    pub with_digests: bool,
    /// Whether statements of account are sent, which would else stand below
    /// the letters of every month.
    pub with_statements: bool,
    /// What is there when the daemon starts.
    pub given: Vec<(ImportKind, String)>,
    /// What is changed in the shipped files before.
    pub edits: Vec<Edit>,
    pub steps: Vec<Step>,
    /// Everything before the expectation, as it stands.
    pub head: String,
    pub expected: String,
}

/// One thing that happens.
pub struct Step {
    pub at: DateTime,
    pub what: What,
    /// As it stands in the scenario.
    pub words: String,
}

pub enum What {
    /// A command of the program, with the table it reads.
    Command {
        words: Vec<String>,
        table: Option<String>,
    },
    /// A person lets the held letters about a subject go.
    Approve(String),
    /// The letter of a stage about a subject comes back from an address, by a
    /// report that somebody hands to `courtesy bounce`.
    Report(Report),
    /// The files change, and the daemon is told.
    Config(Edit),
    Relay(RelayMood),
    Machine {
        on: bool,
    },
}

/// What a mail server reports of a letter.
pub struct Report {
    pub stage: String,
    pub subject: String,
    pub address: String,
    /// `failed`, `delayed` or `delivered`.
    pub action: String,
    pub status: (u8, u16, u16),
    pub said: String,
}

/// How the relay is from now on.
pub enum RelayMood {
    Down,
    Up,
    /// Says no to an address: code, enhanced code where it gives one, words.
    Refuses(String, u16, Option<(u8, u16, u16)>, String),
    /// No longer.
    Accepts(String),
    /// Takes the next letter and closes the connection before it answers.
    ForgetsToAnswer,
    /// Closes the connection behind the next letter and has not taken it.
    Loses,
}

/// A change of one shipped file.
pub struct Edit {
    pub file: String,
    pub lines: Vec<String>,
}

/// Reads a scenario.
///
/// # Panics
/// Where it is not one, with the line.
pub fn read(text: &str) -> Script {
    let (head, expected) = match text.split_once("\nexpect\n") {
        Some((head, expected)) => (format!("{head}\n"), expected.to_owned()),
        None => panic!("no line `expect`"),
    };
    let mut script = Script {
        from: DateTime::MIN,
        until: Date::MIN,
        with_text: false,
        with_digests: false,
        with_statements: false,
        given: Vec::new(),
        edits: Vec::new(),
        steps: Vec::new(),
        head: head.clone(),
        expected,
    };
    let mut lines = head.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut block = Vec::new();
        while let Some(inner) = lines.next_if(|next| next.starts_with("  ")) {
            block.push(inner.trim().to_owned());
        }
        take(&mut script, line, block);
    }
    assert!(script.from > DateTime::MIN && script.until > script.from.date(), "`from` and `until` are said");
    assert!(script.steps.is_sorted_by_key(|step| step.at), "steps stand in order of time");
    script
}

fn take(script: &mut Script, line: &str, block: Vec<String>) {
    if let Some(kind) = ImportKind::ALL.into_iter().find(|kind| kind.as_str() == line) {
        script.given.push((kind, table(&block)));
    } else if let Some(moment) = line.strip_prefix("from ") {
        script.from = civil(moment);
    } else if let Some(day) = line.strip_prefix("until ") {
        script.until = day.parse().unwrap_or_else(|_| panic!("`{day}` is a date"));
    } else if line == "with text" {
        script.with_text = true;
    } else if line == "with digests" {
        script.with_digests = true;
    } else if line == "with statements" {
        script.with_statements = true;
    } else if let Some(file) = line.strip_prefix("config ") {
        script.edits.push(Edit { file: file.to_owned(), lines: block });
    } else {
        script.steps.push(step(line, block));
    }
}

fn civil(text: &str) -> DateTime {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is a day and an hour like 2026-03-02 10:00"))
}

fn step(line: &str, block: Vec<String>) -> Step {
    let (moment, words) = line
        .split_at_checked(16)
        .filter(|(moment, _)| moment.parse::<DateTime>().is_ok())
        .unwrap_or_else(|| panic!("`{line}` begins with a day and an hour"));
    let words = words.trim();
    let split = words_of(words);
    let named: Vec<&str> = split.iter().map(String::as_str).collect();
    let what = match named.as_slice() {
        ["relay", "down"] => What::Relay(RelayMood::Down),
        ["relay", "up"] => What::Relay(RelayMood::Up),
        ["relay", "forgets", "to", "answer"] => What::Relay(RelayMood::ForgetsToAnswer),
        ["relay", "loses", "the", "next"] => What::Relay(RelayMood::Loses),
        ["relay", "refuses", address, code, enhanced, said @ ..] => What::Relay(RelayMood::Refuses(
            (*address).to_owned(),
            code.parse().unwrap_or_else(|_| panic!("`{code}` is a code like 550")),
            (*enhanced != "-").then(|| enhanced_code(enhanced)),
            said.join(" "),
        )),
        ["relay", "accepts", address] => What::Relay(RelayMood::Accepts((*address).to_owned())),
        ["machine", "off"] => What::Machine { on: false },
        ["machine", "on"] => What::Machine { on: true },
        ["report", stage, subject, address, action, status, said @ ..] => What::Report(Report {
            stage: (*stage).to_owned(),
            subject: (*subject).to_owned(),
            address: (*address).to_owned(),
            action: (*action).to_owned(),
            status: enhanced_code(status),
            said: said.join(" "),
        }),
        ["approve", subject] => What::Approve((*subject).to_owned()),
        ["config", file] => What::Config(Edit { file: (*file).to_owned(), lines: block }),
        _ => What::Command { words: split.clone(), table: (!block.is_empty()).then(|| table(&block)) },
    };
    Step { at: civil(moment), what, words: words.to_owned() }
}

fn enhanced_code(text: &str) -> (u8, u16, u16) {
    let parts: Vec<u16> = text.split('.').filter_map(|part| part.parse().ok()).collect();
    match parts[..] {
        [class, subject, detail] => (u8::try_from(class).expect("2, 4 or 5"), subject, detail),
        _ => panic!("`{text}` is an enhanced code like 5.1.1"),
    }
}

/// Words as a shell splits them: by blanks, but for what stands in single
/// quotes.
fn words_of(line: &str) -> Vec<String> {
    let quoted = |(index, part): (usize, &str)| {
        if index % 2 == 1 {
            vec![part.to_owned()]
        } else {
            part.split_whitespace().map(str::to_owned).collect()
        }
    };
    line.split('\'').enumerate().flat_map(quoted).collect()
}

/// A table with blanks around its cells, as CSV.
fn table(lines: &[String]) -> String {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(std::io::Cursor::new(lines.join("\n")));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in reader.records() {
        writer.write_record(&row.expect("a row")).expect("memory takes it");
    }
    String::from_utf8(writer.into_inner().expect("memory takes it")).expect("UTF-8")
}

impl Edit {
    /// Changes the file's text.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for line in &self.lines {
            if let Some(added) = line.strip_prefix("+ ") {
                text = format!("{text}{added}\n");
            } else {
                let (from, to) = line.split_once(" -> ").unwrap_or_else(|| panic!("`{line}` has no ` -> `"));
                assert_eq!(text.matches(from).count(), 1, "`{from}` stands once in {}", self.file);
                text = text.replace(from, &to.replace("\\n", "\n"));
            }
        }
        text
    }
}
