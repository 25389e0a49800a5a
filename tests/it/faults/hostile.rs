//! Names, numbers, notes and addresses that want to be something else, on
//! their whole way through the real binary: file, store, letter, log, screen.

use std::fmt::Write as _;

use mail_parser::MessageParser;
use serde_json::Value;

use crate::black_box::courtesy::{Installation, Shown};

/// What a person or a program could put into a cell.
const TEXTS: [&str; 12] = [
    "Ann\r\nBcc: evil@x.example\r\n\r\nHello",
    "Ann\n2026-01-01 00:00:00+00:00  INFO sent letter=999 rule=\"forged\"",
    "\u{1b}[2J\u{1b}[31mred\u{1b}[0m\u{1b}]0;title\u{7}",
    "\u{9b}31mred",
    "\u{202e}gnitser\u{202c} \u{2066}Ltd\u{2069}",
    "Zero\u{200b}width\u{feff}",
    "{{ 7*7 }}{% for x in y %}{# c #}",
    "<script>alert(1)</script> **bold** [x](http://y.example) | a |",
    "'; DROP TABLE letters; --",
    "=cmd|' /C calc'!A0",
    "\"quoted\", (comment) <a@b.example>;",
    "line\u{2028}separator\u{85}next",
];

fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Whether a terminal would show it and nothing else.
fn is_harmless(shown: &str) -> bool {
    !shown.chars().any(|c| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })
}

/// What was said is harmless, and no line of it is forged.
fn assert_harmless(what: &str, shown: &Shown) {
    for said in [&shown.out, &shown.err] {
        assert!(is_harmless(said), "{what}: {said:?}");
        let forged = |line: &str| line.starts_with("2026-01-01") || line.starts_with("Bcc:");
        assert!(!said.lines().any(forged), "{what}: {said}");
    }
}

/// A shop in which everything that is written by others is hostile.
fn shop() -> Installation {
    let shop = Installation::with_a_customer();
    shop.chase_the_backlog();
    let mut customers =
        "id,name,email,contact_name,greeting,locale,segment,owner_name,owner_email\n".to_owned();
    let mut claims =
        "id,customer_id,kind,amount,currency,due_on,limitation_on,number,description,contract\n".to_owned();
    for (n, text) in TEXTS.iter().enumerate() {
        let cell = cell(text);
        let locale = if n % 2 == 0 { "en" } else { "zh-CN" };
        writeln!(
            customers,
            "H{n},{cell},h{n}@example.test,{cell},{cell},{locale},{cell},{cell},owner{n}@morningstar.example"
        )
        .expect("a String takes it");
        writeln!(claims, "R{n},H{n},invoice,500,CNY,2020-03-02,2099-12-31,{cell},{cell},{cell}")
            .expect("a String takes it");
    }
    shop.write("hostile.csv", &customers);
    shop.write("claims.csv", &claims);
    for (kind, file) in [("customers", "hostile.csv"), ("receivables", "claims.csv")] {
        let taken = shop.run(&["import", kind, file]);
        assert_eq!(taken.code, 0, "{taken:?}");
        assert_harmless(file, &taken);
    }
    shop
}

fn outbox(shop: &Installation) -> Vec<Value> {
    let shown = shop.run(&["outbox", "list", "--json", "--limit", "1000"]);
    serde_json::from_str(&shown.out).expect("JSON")
}

#[test]
fn hostile_words_stay_words_in_every_letter_log_line_and_table() {
    let shop = shop();
    for (n, text) in TEXTS.iter().enumerate() {
        let customer = format!("H{n}");
        let event = ["record", "event", customer.as_str(), "visit", "--outcome", "positive", "--note", *text];
        let hold = format!("R{n}");
        let acknowledged = ["record", "acknowledgement", hold.as_str(), "--reason", *text];
        for command in [&event[..], &acknowledged[..]] {
            let recorded = shop.run(command);
            assert_eq!(recorded.code, 0, "{recorded:?}");
            assert_harmless(text, &recorded);
        }
    }
    let ran = shop.run_with(("COURTESY_LOG", "courtesy=debug"), &["run", "--once"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_harmless("the log", &ran);
    let sent: Vec<Value> = outbox(&shop).into_iter().filter(|row| row["state"] == "sent").collect();
    assert!(sent.len() >= 2 * TEXTS.len(), "a letter of each kind for each: {}", sent.len());
    let lines = ran.out.lines().filter(|line| line.contains(" INFO sent ")).count();
    assert_eq!(lines, sent.len(), "one line a letter: {}", ran.out);

    let letters = shop.letters();
    assert_eq!(letters.len(), sent.len());
    for letter in &letters {
        let message = MessageParser::new().parse(letter.as_bytes()).expect("a message");
        let to = message.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("one recipient");
        let row = sent.iter().find(|row| row["message_id"] == message.message_id().unwrap_or_default());
        assert_eq!(row.expect("a letter of ours")["to"], to);
        assert!(message.bcc().is_none() && message.to().is_some_and(|to| to.iter().count() == 1), "{letter}");
        assert_eq!((message.text_body.len(), message.html_body.len(), message.attachment_count()), (1, 1, 0));
        let html = message.body_html(0).expect("HTML");
        assert!(
            !html.contains("<script") && !html.contains("href=\"http:") && !html.contains("49"),
            "{html}"
        );
    }

    for n in 0..TEXTS.len() {
        assert_harmless("history", &shop.run(&["history", &format!("H{n}")]));
    }
    assert_harmless("outbox", &shop.run(&["outbox", "list", "--limit", "1000"]));
    for row in sent.iter().take(TEXTS.len()) {
        let id = row["id"].to_string();
        assert_harmless("outbox show", &shop.run(&["outbox", "show", &id]));
        let held = shop.run(&["outbox", "cancel", &id, "--reason", TEXTS[1]]);
        assert_harmless("outbox cancel", &held);
    }
}

#[test]
fn hostile_ids_and_addresses_are_refused_by_line_and_without_their_tricks() {
    let shop = Installation::with_a_customer();
    let mut table = "id,name,email\n".to_owned();
    let ids = ["a\nb", "\u{1b}[31m1", "\u{202e}1", "1\u{200b}", "a\u{7}"];
    for id in ids {
        writeln!(table, "{},Somebody,a@example.test", cell(id)).expect("a String takes it");
    }
    shop.write("ids.csv", &table);
    let refused = shop.run(&["import", "customers", "ids.csv"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_harmless("ids", &refused);
    assert_eq!(
        refused.err.lines().filter(|line| line.contains("error:")).count(),
        ids.len(),
        "{}",
        refused.err
    );

    let mut table = "id,name,email\n".to_owned();
    let addresses = [
        "ann@example.test\r\nBcc: evil@x.example",
        "ann@example.test,evil@x.example",
        "\"ann\\\" evil\"@example.test",
        "ann@exam\u{200b}ple.test",
        "\u{202e}ann@example.test",
        "ann@example.test>\r\nRCPT TO:<evil@x.example",
        "<ann@example.test> SIZE=1",
        "ann @example.test",
        "ann@",
        "安@example.test",
    ];
    for (n, address) in addresses.iter().enumerate() {
        writeln!(table, "A{n},Somebody,{}", cell(address)).expect("a String takes it");
    }
    shop.write("addresses.csv", &table);
    let taken = shop.run(&["import", "customers", "addresses.csv"]);
    assert_harmless("addresses", &taken);
    shop.run(&["record", "event", "--everyone", "visit", "--outcome", "positive"]);
    let ran = shop.run_with(("COURTESY_LOG", "courtesy=debug"), &["run", "--once"]);
    assert_harmless("the log", &ran);
    // Only the good one of the shop's own customer was written to.
    let to: Vec<Value> = outbox(&shop).into_iter().map(|row| row["to"].clone()).collect();
    assert!(to.iter().all(|to| *to == "ann@example.test"), "{to:?}");
}
