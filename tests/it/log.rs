//! The page on the log, `docs/log.md`, knows every message that an operator
//! can read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// A string literal that begins here, and how many bytes it takes.
fn literal(text: &str) -> Option<(String, usize)> {
    let mut said = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((said, at + 1)),
            '\\' => match chars.next() {
                // The line goes on after its indentation.
                Some((_, '\n')) => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some((_, escaped)) => said.push(escaped),
                None => return None,
            },
            c => said.push(c),
        }
    }
    None
}

/// The last literal of a macro's call that begins here: the message.
fn message(call: &str) -> Option<String> {
    let (mut at, mut depth, mut last) = (0, 1, None);
    while depth > 0 {
        match call[at..].chars().next()? {
            '"' => {
                let (said, length) = literal(&call[at..])?;
                last = Some(said);
                at += length;
            }
            c => {
                depth += i32::from(c == '(') - i32::from(c == ')');
                at += c.len_utf8();
            }
        }
    }
    last
}

/// Everything that is said aloud, up to what differs from line to line.
fn messages() -> Vec<String> {
    let mut found = Vec::new();
    for file in sources(&repository("src")) {
        let text = fs::read_to_string(&file).expect("source text");
        for level in ["error!(", "warn!(", "info!("] {
            let calls = text.match_indices(level).map(|(at, _)| &text[at + level.len()..]);
            found.extend(calls.filter_map(message));
        }
    }
    found.iter().map(|said| said.split('{').next().unwrap_or_default().trim().to_owned()).collect()
}

#[test]
fn every_message_of_the_log_is_explained() {
    let page = fs::read_to_string(repository("docs/log.md")).expect("the page").replace('`', "");
    let messages = messages();
    assert!(messages.len() > 35, "the program says more than {messages:?}");
    for message in messages {
        assert!(page.contains(&message.replace('`', "")), "docs/log.md does not explain `{message}`");
    }
}
