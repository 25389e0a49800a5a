//! Names, numbers and notes that want to be something else.

use courtesy::domain::address::Address;
use courtesy::domain::notice::{Draft, Line, Subject};
use courtesy::domain::receivable::Payment;
use courtesy::domain::recipients::receivables_of;
use courtesy::domain::rule::Recipient;
use courtesy::letter::{Content, mime};
use jiff::civil::date;
use proptest::prelude::*;

use super::sample::{Sample, TODAY, line, money, person, receivable};
use super::{MESSAGE_ID, build, compose, header, is_reminder, parse};

/// Puts a text wherever data comes from outside.
fn everywhere(text: &str, template: &str, locale: &str) -> Sample {
    let mut sample = Sample::new(template, locale);
    let some = || Some(text.to_owned());
    let customer = sample.customer();
    customer.name = text.into();
    customer.contact_name = some();
    customer.greeting = some();
    customer.segment = some();
    customer.attributes.insert(text.into(), text.into());
    customer.owner = Some(person(text, "owner@morningstar.example"));
    customer.cc = vec![Address::parse("copy@weaver.example").expect("an address")];
    let item = sample.item();
    item.number = some();
    item.description = some();
    item.contract = some();
    item.pay_url = some();
    item.guarantor = Some(person(text, "guarantor@surety.example"));
    if !is_reminder(template) && !template.contains("payment") {
        sample.about_event(text, Some(text), Some(text));
    }
    let mut second = receivable("R2", Some(text), "10", "EUR", date(2026, 3, 1));
    second.description = some();
    if is_reminder(template) {
        sample.add(second, true);
        sample.draft.cc = vec![Recipient::Owner];
    }
    sample.draft.passed_over = vec![text.into()];
    sample
}

/// One message, to the people it is meant for, with the headers that were
/// meant, in lines that every relay takes.
fn assert_intended(sample: &Sample) -> Content {
    let content = compose(sample);
    let parcel = mime::build(&content, &sample.mail, MESSAGE_ID, sample.now).expect("the message is built");
    let internal = sample.draft.to == [Recipient::Owner];
    let to = if internal { "owner@morningstar.example" } else { "ann@weaver.example" };
    assert_eq!(parcel.to.as_str(), to);
    let raw = String::from_utf8(parcel.bytes.to_vec()).expect("seven bits");
    assert!(raw.is_ascii());
    assert!(raw.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n', '\0'])), "{raw}");
    let (head, body) = raw.split_once("\r\n\r\n").expect("a head");
    assert!(body.split("\r\n").all(|line| line.len() <= 76), "{body}");
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split(':').next())
        .collect();
    for name in &names {
        let known = [
            "From",
            "To",
            "Cc",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "MIME-Version",
            "Content-Type",
            "Auto-Submitted",
            "References",
            "In-Reply-To",
            "List-Unsubscribe",
            "List-Unsubscribe-Post",
        ];
        assert!(known.contains(name), "{name}");
        assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name} stands twice");
    }
    let message = parse(&parcel);
    assert_eq!(message.to().and_then(|to| to.first()).and_then(|one| one.address()), Some(to));
    assert_eq!(message.to().map(|to| to.iter().count()), Some(1));
    assert_eq!(message.message_id(), Some(MESSAGE_ID));
    assert_eq!((message.text_body.len(), message.html_body.len()), (1, 1));
    assert_eq!(message.attachment_count(), 0);
    assert!(message.bcc().is_none());
    assert!(header(&message, "From").expect("a sender").ends_with("<accounts@morningstar.example>"));
    let copies: Vec<&str> = parcel.cc.iter().map(Address::as_str).collect();
    assert!(copies.iter().all(|copy| ["copy@weaver.example", "owner@morningstar.example"].contains(copy)));
    content
}

const TEMPLATES: [&str; 10] = [
    "reminder/firm",
    "reminder/final-notice",
    "thanks/visit",
    "check-in/onboarding",
    "internal/silent-customer",
    "internal/hand-over",
    "reminder/broken-promise",
    "note/dishonoured",
    "thanks/favour",
    "news/product",
];

#[test]
fn hostile_values_stay_words() {
    // What is written, and what stands in the letter for it.
    for (text, literal) in [
        ("Ann\r\nBcc: evil@x.example\r\n\r\nHello", "Ann Bcc: evil@x.example Hello"),
        ("Ann\0Lee", "Ann Lee"),
        ("{{ 7*7 }}{% for x in y %}{# c #}", "{{ 7*7 }}{% for x in y %}{# c #}"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        (
            "**Bold** [x](http://y.example) <http://z.example>",
            "**Bold** [x](http://y.example) <http://z.example>",
        ),
        ("# Head", "# Head"),
        ("1. one", "1. one"),
        ("| a | b |", "| a | b |"),
        ("&lt;b&gt; &#42;", "&lt;b&gt; &#42;"),
        ("![i](http://x.example/p.png)", "![i](http://x.example/p.png)"),
        ("`code` ~~no~~ _em_ \\ $1", "`code` ~~no~~ _em_ \\ $1"),
        ("\u{202e}gnitser\u{202c} Ltd", "gnitser Ltd"),
        ("Zero\u{200b}width\u{feff}", "Zerowidth"),
        ("emoji 🎉🏽 “quotes”", "emoji 🎉🏽 “quotes”"),
        ("\"quoted\", (comment) ; a@b.example", "\"quoted\", (comment) ; a@b.example"),
        ("=?UTF-8?Q?=0D=0ABcc:_x?=", "=?UTF-8?Q?=0D=0ABcc:_x?="),
        ("--=_boundary", "--=_boundary"),
    ] {
        for template in TEMPLATES {
            for locale in ["en", "zh-CN"] {
                let sample = everywhere(text, template, locale);
                let content = assert_intended(&sample);
                assert!(content.text.contains(literal), "{text:?} in {template} {locale}:\n{}", content.text);
                let mut escaped = String::new();
                for c in literal.chars() {
                    match c {
                        '&' => escaped.push_str("&amp;"),
                        '<' => escaped.push_str("&lt;"),
                        '>' => escaped.push_str("&gt;"),
                        '"' => escaped.push_str("&quot;"),
                        c => escaped.push(c),
                    }
                }
                assert!(
                    content.html.contains(&escaped),
                    "{text:?} in {template} {locale}:\n{}",
                    content.html
                );
                for active in ["<script", "<img", "<h1", "<ol", "href=\"http:"] {
                    assert!(!content.html.contains(active), "{text:?} became {active} in {template}");
                }
            }
        }
    }
}

#[test]
fn a_name_of_ten_thousand_characters_is_cut_and_said_to_be() {
    for text in ["x".repeat(10_000), "名".repeat(10_000), "x y ".repeat(2_500)] {
        for template in TEMPLATES {
            let sample = everywhere(&text, template, "en");
            let content = assert_intended(&sample);
            assert!(content.text.contains('…') && content.text.len() < 40_000);
            assert!(content.subject.chars().count() <= 201);
        }
    }
}

#[test]
fn a_value_of_nothing_visible_counts_as_missing() {
    for text in ["", " ", "\u{200b}\u{202e}", "\r\n"] {
        for template in TEMPLATES {
            let sample = everywhere(text, template, "en");
            let content = assert_intended(&sample);
            assert!(!content.text.contains("Dear ,") && !content.text.contains("()"), "{}", content.text);
            if is_reminder(template) {
                assert!(content.text.starts_with("Dear Sir or Madam,"));
                assert!(content.text.contains("R1"), "the id stands for the number");
            }
        }
    }
}

#[test]
fn ten_thousand_claims_make_one_letter_of_bounded_size() {
    for template in ["reminder/firm", "internal/hand-over"] {
        let mut sample = Sample::new(template, "en");
        for n in 2..=10_000 {
            let currency = if n % 2 == 0 { "CNY" } else { "EUR" };
            sample.add(receivable(&format!("R{n}"), None, "1", currency, date(2026, 3, 3)), true);
        }
        let content = compose(&sample);
        assert!(content.text.contains("and 9950 more, CNY 4,9"), "{}", content.text);
        assert!(content.text.contains("CNY 17,800.00") && content.text.contains("EUR 4,999.00"));
        assert!(content.text.lines().count() < 100 && content.html.len() < 100_000);
        assert!(build(&sample).bytes.len() < 200_000);
    }
}

#[test]
fn many_claims_are_found_as_each_alone_is() {
    let mut sample = Sample::new("reminder/firm", "en");
    for n in 2..=20 {
        sample.add(receivable(&format!("R{n}"), None, "1", "CNY", date(2026, 3, 3)), n % 3 > 0);
        let id = format!("P{n}");
        let amount = money("1", "CNY");
        let items = &mut sample.facts.customers[0].receivables;
        items[n / 2].payments.push(Payment { id: id.as_str().into(), amount, received_on: TODAY });
        sample.draft.lines.push(line(Subject::Payment(id.as_str().into()), n % 2 > 0));
    }
    let unknown = ["R0".into(), "R21".into()].map(Subject::Receivable);
    let others = [Subject::Event("R2".into()), Subject::Customer("R2".into()), Subject::Payment("R2".into())];
    sample.draft.lines.extend(unknown.into_iter().chain(others).map(|subject| line(subject, true)));
    let customer = &sample.facts.customers[0];
    let together = receivables_of(&sample.draft, customer);
    let alone = |line: &Line| {
        let draft = Draft { lines: vec![line.clone()], ..sample.draft.clone() };
        receivables_of(&draft, customer)
    };
    let one_by_one: Vec<_> = sample.draft.lines.iter().flat_map(alone).collect();
    assert_eq!(together, one_by_one);
    assert_eq!(together.len(), 39);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::faults::more(64), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_a_name_gives_one_message_with_the_intended_headers(
        text in prop_oneof![any::<String>(), "[\\PC\r\n\0\u{202e}]{0,200}", "([*_`<>\\[\\](){}|#&;:@!\"'\\\\~=+.-]|a| ){0,60}"],
        template in proptest::sample::select(TEMPLATES.to_vec()),
    ) {
        assert_intended(&everywhere(&text, template, "en"));
    }
}
