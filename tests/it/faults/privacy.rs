//! What stays with its owner: files, addresses, letters, passwords.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use mail_parser::MessageParser;

use super::business::Relay;
use crate::black_box::courtesy::Installation;
use crate::relay::script::{Act, Turn, polite, say};

const PASSWORD: &str = "horse-battery-staple";
/// `\0accounts\0horse-battery-staple`
const PLAIN: &str = "AGFjY291bnRzAGhvcnNlLWJhdHRlcnktc3RhcGxl";

/// Asks for a login, refuses some by name, takes one without a word.
fn chatty(turn: Turn) -> Act {
    match (turn.verb, turn.line) {
        ("EHLO", _) => Act::Say("250-relay.test\r\n250 AUTH PLAIN\r\n".to_owned()),
        ("AUTH", line) if line.ends_with(PLAIN) => say("235 2.7.0 welcome"),
        ("AUTH", line) => say(&format!("535 5.7.8 what is {line}?")),
        ("RCPT", line) if line.contains("dead") => say("550 5.1.1 <dead@example.test>: no such user"),
        ("RCPT", line) if line.contains("busy") => say("451 4.2.1 busy@example.test is busy"),
        ("RCPT", line) if line.contains("owner") => say("550 5.1.1 no copy for owner@morningstar.test"),
        (".", _) if turn.letter == 1 => Act::TakeAndClose,
        _ => polite(turn),
    }
}

/// A shop with customers of every sort, on whose day everything happens.
fn busy_shop(port: u16) -> Installation {
    let shop = Installation::with_a_customer();
    let smtp = format!(
        "deliver: {{ smtp: {{ host: 127.0.0.1, port: {port}, tls: none, username: accounts, \
         password: {{ file: secret }} }} }}"
    );
    shop.edit("config/courtesy.yaml", "deliver: { files: outbox }", &smtp);
    shop.write("config/secret", PASSWORD);
    shop.chase_the_backlog();
    shop.edit(
        "config/rules/payment-reminders.yaml",
        "template: reminder/friendly }",
        "template: reminder/friendly, cc: [owner] }",
    );
    let (mut customers, mut claims) = (
        "id,name,email,contact_name,locale,owner_name,owner_email\n".to_owned(),
        "id,customer_id,kind,amount,currency,due_on,limitation_on\n".to_owned(),
    );
    for name in ["dead", "busy", "alice", "bernard", "charlotte", "dorothy"] {
        writeln!(
            customers,
            "{name},House of {name},{name}@example.test,Mx {name},en,Owner,owner@morningstar.test"
        )
        .expect("a String takes it");
        writeln!(claims, "R-{name},{name},invoice,500,CNY,2020-03-02,2099-12-31").expect("a String takes it");
    }
    shop.write("more.csv", &customers);
    shop.write("claims.csv", &claims);
    for (kind, file) in [("customers", "more.csv"), ("receivables", "claims.csv")] {
        assert_eq!(shop.run(&["import", kind, file]).code, 0);
    }
    for name in ["dead", "alice", "dorothy"] {
        let note = "The conversation about the lighthouse keeper was a pleasure.";
        let visit = ["record", "event", name, "visit", "--outcome", "positive", "--note", note];
        assert_eq!(shop.run(&visit).code, 0);
    }
    shop
}

#[test]
fn the_log_of_a_busy_day_tells_no_address_no_letter_and_no_password_at_any_level() {
    for form in ["text", "json"] {
        let relay = Relay::start(chatty);
        let shop = busy_shop(relay.port());
        let mut log = String::new();
        for _ in 0..3 {
            let ran = shop.run_with(("COURTESY_LOG", "trace"), &["--log", form, "run", "--once"]);
            log += &ran.out;
            log += &ran.err;
        }
        shop.write("config/secret", "wrong-horse");
        shop.run(&["outbox", "retry", "2"]);
        shop.run(&["record", "event", "bernard", "visit", "--outcome", "positive"]);
        let refused = shop.run_with(("COURTESY_LOG", "trace"), &["--log", form, "run", "--once"]);
        log = log + &refused.out + &refused.err;

        for word in ["sent", "copy not sent", "uncertain", "no such user", "busy", "535"] {
            assert!(log.contains(word), "a busy day has `{word}`: {log}");
        }
        for word in [PASSWORD, PLAIN, "wrong-horse", "lighthouse", "AGFjY291bnRz"] {
            assert!(!log.contains(word), "{form}: `{word}` in {}", around(&log, word));
        }
        for address in ["example.test", "owner@", "lina@", "it@morningstar"] {
            assert!(!log.contains(address), "{form}: `{address}` in {}", around(&log, address));
        }
        let taken = relay.taken();
        assert!(taken.len() >= 6, "{} letters", taken.len());
        for taken in taken {
            let message = MessageParser::new().parse(&taken.bytes).expect("a message");
            let text = message.body_text(0).expect("text").into_owned();
            let sentences = text.lines().filter(|line| line.len() > 30);
            for sentence in sentences {
                assert!(!log.contains(sentence), "{form}: {}", around(&log, sentence));
            }
        }
    }
}

/// The place of a word in a log.
fn around(log: &str, word: &str) -> String {
    let at = log.find(word).unwrap_or_default();
    log[..at]
        .chars()
        .rev()
        .take(300)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .chain(log[at..].chars().take(200))
        .collect()
}

fn assert_private(folder: &Path, seen: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            assert_private(&path, seen);
            continue;
        }
        let mode = fs::metadata(&path).expect("its mode").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        seen.push(path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned());
    }
}

#[test]
fn everything_that_is_kept_is_its_owners_alone() {
    let shop = Installation::with_a_customer();
    shop.record_visit();
    let mut daemon = crate::black_box::courtesy::Daemon::start(&shop);
    daemon.wait_for(" sent ");
    let mut seen = Vec::new();
    assert_private(&shop.path().join("data"), &mut seen);
    for ending in ["courtesy.db", "courtesy.db-wal", "courtesy.db-shm", "courtesy.lock", ".eml"] {
        assert!(seen.iter().any(|name| name.ends_with(ending)), "{ending} in {seen:?}");
    }
    assert_eq!(daemon.stop(), Some(0));
}
