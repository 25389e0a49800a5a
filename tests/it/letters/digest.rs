//! Digests: letters to one of our own people about many customers.

use courtesy::domain::digest::{Digest, MAIL_SERVER, Matter, News, Returned, Rows, Told, Trouble};
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::LetterState;
use courtesy::domain::returned::What;
use courtesy::domain::rule::Recipient;
use courtesy::letter::ComposeError;

use super::golden::read;
use super::sample::{Sample, person};
use super::{COMPOSER, LOCALES, compose};

/// Every matter that is told, as the planner names it.
const MATTERS: [(&str, &str); 10] = [
    ("address missing", "address missing"),
    ("address suppressed", "address suppressed (550 no such user)"),
    ("address unusable", "address unusable (`info@` has no domain)"),
    ("backlog", "backlog"),
    ("covered by credit", "covered by credit (CNY)"),
    ("data too old", "data too old"),
    ("promise over", "promise over (beyond the limits)"),
    ("recipient missing", "recipient missing (guarantor)"),
    ("stale", "stale"),
    ("time-barred", "time-barred (since 2026-03-01)"),
];

fn matter(index: usize, (what, detail): (&str, &str)) -> Matter {
    Matter {
        customer: "C1".into(),
        customer_name: "Weaver & Sons Ltd".into(),
        what: what.into(),
        detail: detail.into(),
        about: if index == 0 { "2026-0117".into() } else { format!("2026-02{index:02}") },
        count: if index == 0 { 3 } else { 1 },
    }
}

fn told(letter: i64, name: &str, state: LetterState, reason: &str) -> Told {
    Told {
        letter: LetterId(letter),
        customer: Some("C2".into()),
        customer_name: "Spindle | Loom".into(),
        rule: "payment-reminders".into(),
        stage: name.into(),
        about: "2026-0121, 2026-0125".into(),
        state,
        reason: reason.into(),
    }
}

fn returned(what: What, copy: bool, address: &str, detail: &str) -> Returned {
    Returned {
        customer: Some("C2".into()),
        customer_name: "Spindle | Loom".into(),
        letter: Some((LetterId(5), "payment-reminders".into(), "firm".into())),
        what,
        address: address.into(),
        copy,
        ours: false,
        detail: detail.into(),
    }
}

/// Everything that can come back.
fn all_returned() -> Vec<Returned> {
    let unsubscribed = returned(What::Unsubscribed, false, "ann@spindle.example", "unsubscribed");
    let digest = Returned {
        customer: None,
        customer_name: "wang.wei@morningstar.example".into(),
        letter: Some((LetterId(6), "daily-digest".into(), "digest".into())),
        ours: true,
        ..returned(What::Bounced, false, "wang.wei@morningstar.example", "550 5.1.1 no such user")
    };
    vec![
        returned(What::Bounced, false, "ann@spindle.example", "552 5.2.2 mailbox full"),
        returned(What::Bounced, true, "zhao@guarantor.example", "550 5.1.1 no such user"),
        returned(What::Refused, true, "", "zhao@guarantor.example: 550 5.7.1 no"),
        returned(What::Complaint, false, "ann@spindle.example", "complaint"),
        Returned { letter: None, ..unsubscribed },
        digest,
    ]
}

fn rows<T>(first: Vec<T>, all: u32) -> Rows<T> {
    Rows { first, all }
}

fn full() -> News {
    let thanks = Told {
        rule: "visit-thanks".into(),
        about: String::new(),
        ..told(9, "thanks", LetterState::Sent, "250 ok")
    };
    News {
        sent: rows(vec![told(5, "friendly", LetterState::Sent, "250 ok"), thanks], 2),
        unsent: rows(
            vec![
                told(3, "firm", LetterState::Cancelled, "settled"),
                told(4, "firm", LetterState::Rejected, "550 5.1.1 no such user"),
            ],
            2,
        ),
        waiting: rows(
            vec![
                told(7, "final-notice", LetterState::Held, "approval"),
                told(
                    8,
                    "firm",
                    LetterState::Uncertain,
                    "the connection was lost after the message was handed over",
                ),
            ],
            2,
        ),
        matters: rows(MATTERS.into_iter().enumerate().map(|(index, of)| matter(index, of)).collect(), 10),
        returned: rows(all_returned(), 6),
        troubles: vec![
            trouble("clock went back", "", Some("2026-03-11T06:30:00Z")),
            trouble(MAIL_SERVER, "connect: connection refused", None),
        ],
    }
}

fn trouble(what: &str, detail: &str, until: Option<&str>) -> Trouble {
    Trouble {
        what: what.into(),
        detail: detail.into(),
        since: "2026-03-11T05:00:00Z".parse().expect("a moment"),
        until: until.map(|text| text.parse().expect("a moment")),
    }
}

/// More than is listed, of every sort.
fn many() -> News {
    let News { sent, unsent, waiting, matters, returned, troubles } = full();
    News {
        sent: rows(sent.first, 200),
        unsent: rows(unsent.first, 51),
        waiting: rows(waiting.first, 60),
        matters: rows(matters.first, 70),
        returned: rows(returned.first, 80),
        troubles,
    }
}

/// The letter of a digest to the salesperson, or about all customers.
fn sample(locale: &str, overall: bool, news: News) -> Sample {
    let mut sample = Sample::new("internal/digest", locale);
    let chinese = locale == "zh-CN";
    let digest = Digest {
        rule: "daily-digest".into(),
        person: if overall {
            sample.settings.business.operator.clone()
        } else {
            person(if chinese { "王伟" } else { "Wang Wei" }, "wang.wei@morningstar.example")
        },
        overall,
        since: "2026-03-11T02:00:00Z".parse().expect("a moment"),
        until: "2026-03-12T02:00:00Z".parse().expect("a moment"),
        past: vec![],
        news,
    };
    sample.draft.customer = None;
    sample.draft.rule = "daily-digest".into();
    sample.draft.to = vec![Recipient::Other(digest.person.address.clone())];
    sample.draft.lines[0].key.rule = "daily-digest".into();
    sample.draft.lines[0].key.subject = digest.subject();
    sample.facts.customers.clear();
    sample.facts.digests = vec![digest];
    sample
}

#[test]
fn a_digest_reads_as_it_was_approved() {
    let stale = || News { matters: rows(vec![matter(1, ("stale", "stale"))], 1), ..News::default() };
    for locale in LOCALES {
        let edges = [("usual", false, full()), ("many", true, many()), ("one matter alone", true, stale())];
        let letters = edges
            .map(|(edge, overall, news)| format!("=== {edge} ===\n{}", read(&sample(locale, overall, news))));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("internal.digest.{locale}"), letters.join("\n"));
        });
    }
}

#[test]
fn every_matter_says_in_both_languages_what_to_do() {
    for (locale, unknown) in [("en", "Please look into it"), ("zh-CN", "请予查看")] {
        let text = compose(&sample(locale, false, full())).text;
        assert!(!text.contains(unknown), "{text}");
        let odd = News { matters: rows(vec![matter(1, ("odd", "odd (new)"))], 1), ..News::default() };
        let text = compose(&sample(locale, false, odd)).text;
        assert!(text.contains("odd (new)") && text.contains(unknown), "{text}");
    }
}

#[test]
fn a_digest_goes_to_its_reader_alone_in_the_language_of_the_business() {
    let mut sample = sample("en", true, full());
    sample.settings.business.locale = "zh-CN".into();
    let content = compose(&sample);
    assert_eq!((content.locale.as_str(), content.to.len(), content.cc.len()), ("zh-CN", 1, 0));
    assert_eq!(content.to[0], person("IT", "it@morningstar.example"));
    assert_eq!(content.attachments, []);
}

#[test]
fn a_digest_that_is_no_longer_in_the_facts_is_not_written() {
    let mut sample = sample("en", false, full());
    // The same person is now told of all.
    sample.facts.digests[0].overall = true;
    let refused = COMPOSER.compose(&sample.occasion());
    let expected = "what wang.wei@morningstar.example is to be told is not known any more";
    assert_eq!(refused, Err(ComposeError::Incomplete(expected.into())));
}
