//! Mail that comes back, read as it arrives: reports of many makers, and
//! everything that only looks like one.

use courtesy::domain::returned::{Action, Alone, Mail, Says};
use courtesy::inbox::{READ_MAX, read};

use crate::support::repository;

const ID: &str = "1f0c@ours.example";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(repository(&format!("tests/it/inbox/mails/{name}.eml"))).expect("a mail")
}

/// Addresses, action, status and detail of each recipient.
fn fates(mail: &Mail) -> Vec<String> {
    let Says::Fates { message_id, fates } = &mail.says else { panic!("{:?}", mail.says) };
    assert_eq!(message_id, ID);
    let action = |action| match action {
        Action::Failed => "failed",
        Action::Delayed => "delayed",
        Action::Delivered => "delivered",
    };
    fates
        .iter()
        .map(|fate| {
            let status = fate.status.map_or("none".to_owned(), |(a, b, c)| format!("{a}.{b}.{c}"));
            format!("{} {} {status}: {}", fate.addresses.join("="), action(fate.action), fate.detail)
        })
        .collect()
}

#[test]
fn a_bounce_says_which_letter_and_which_address_whoever_made_it() {
    for (name, expected) in [
        (
            "postfix",
            vec![
                "gone@dead.example failed 5.1.1: 550 5.1.1 <gone@dead.example>: Recipient address rejected: User unknown",
            ],
        ),
        (
            "postfix-delayed",
            vec![
                "slow@far.example delayed 4.4.1: connect to far.example[192.0.2.7]:25: Connection timed out",
            ],
        ),
        ("headers-only", vec!["ann@full.example failed 5.2.2: 552 5.2.2 Mailbox full"]),
        (
            "two-recipients",
            vec![
                "gone@dead.example failed 5.1.1: 550 no such user",
                "zhao@guarantor.example delivered 2.0.0: 2.0.0",
            ],
        ),
        ("forwarded", vec!["ann@weaver.example=ann.old@elsewhere.example failed 5.1.1: 550 5.1.1 unknown"]),
        (
            "vague-status",
            vec!["gone@dead.example failed 5.1.10: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"],
        ),
        ("in-reply-to", vec!["gone@dead.example failed 5.1.1: 5.1.1"]),
        (
            "exim",
            vec![
                "gone@dead.example failed 5.1.1: host mx.dead.example [192.0.2.9] SMTP error from remote mail server after RCPT TO:<gone@dead.example>: 550 5.1.1 no such user here",
            ],
        ),
        ("qmail", vec!["gone@dead.example failed 5.1.1: Sorry, no mailbox here by that name. (#5.1.1)"]),
        ("base64", vec!["gone@dead.example failed 5.1.1: 550 5.1.1 unknown"]),
    ] {
        assert_eq!(fates(&read(&file(name))), expected, "{name}");
    }
}

#[test]
fn a_complaint_names_its_letter_and_an_unsubscription_its_customer() {
    let complaint = read(&file("complaint")).says;
    let expected = Says::Complaint { message_id: ID.into(), address: Some("ann@weaver.example".into()) };
    assert_eq!(complaint, expected);
    let unsubscribe = read(&file("unsubscribe")).says;
    assert_eq!(
        unsubscribe,
        Says::Unsubscribe { from: "ann@weaver.example".into(), customer: "C 1/五".into() }
    );
}

#[test]
fn everything_else_is_left_alone_with_its_reason() {
    let with =
        |headers: &str, body: &str| format!("From: Ann <ann@weaver.example>\r\n{headers}\r\n\r\n{body}");
    for (mail, why) in [
        (
            with("Subject: Automatic reply: Invoice\r\nAuto-Submitted: auto-replied", "I am away."),
            Alone::AutomaticReply,
        ),
        (with("Subject: Away\r\nX-Autoreply: yes", "I am away."), Alone::AutomaticReply),
        (with("Subject: Away\r\nPrecedence: auto_reply", "I am away."), Alone::AutomaticReply),
        (with("Subject: Re: Invoice\r\nAuto-Submitted: no", "We have paid."), Alone::Other),
        (with("Subject: Re: Invoice", "We have paid."), Alone::Other),
        (with("Subject: unsubscribe", "Please."), Alone::Other),
        (with("Subject: Please unsubscribe C1", "Please."), Alone::Other),
        (
            with(
                "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
                "--b\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual-action\r\n--b--\r\n",
            ),
            Alone::ReadReceipt,
        ),
        (
            with(
                "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
                "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n",
            ),
            Alone::NoMessageId,
        ),
        (String::new(), Alone::NoMail),
        ("hello\n".to_owned(), Alone::NoMail),
        ("\0\0\0".to_owned(), Alone::NoMail),
    ] {
        assert_eq!(read(mail.as_bytes()).says, Says::Nothing(why), "{mail}");
    }
}

#[test]
fn a_bounce_that_somebody_forwards_is_no_bounce() {
    let bounce = String::from_utf8(file("postfix")).expect("text");
    let forwarded = format!(
        "From: Chen Wei <chen@ours.example>\r\nSubject: Fwd\r\nContent-Type: multipart/mixed; boundary=zz\r\n\r\n\
         --zz\r\n\r\nLook at this.\r\n--zz\r\nContent-Type: message/rfc822\r\n\r\n{bounce}\r\n--zz--\r\n"
    );
    assert_eq!(read(forwarded.as_bytes()).says, Says::Nothing(Alone::Other));
}

#[test]
fn the_same_mail_is_the_same_whatever_way_it_came() {
    let mail = file("postfix");
    let other_way =
        [b"Received: from elsewhere\r\nDelivered-To: x@ours.example\r\n".as_slice(), &mail].concat();
    assert_eq!(read(&mail).id, read(&other_way).id);
    assert_ne!(read(&mail).id, read(&file("qmail")).id);
    assert_ne!(read(b"From: a@b.example\r\n\r\none").id, read(b"From: a@b.example\r\n\r\ntwo").id);
}

#[test]
fn a_hostile_mail_is_read_to_its_limit_and_no_further() {
    let nested = b"Content-Type: message/rfc822\r\n\r\n".repeat(20_000);
    assert_eq!(read(&nested).says, Says::Nothing(Alone::TooNested));
    let digests = b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n".repeat(5_000);
    assert_eq!(read(&digests).says, Says::Nothing(Alone::TooNested));
    // What stands behind a large letter is not missed: it is said before.
    let mut long = file("postfix");
    let end = long.windows(9).rposition(|window| window == b"Message-I").expect("the copy's headers");
    let end = end + long[end..].iter().position(|byte| *byte == b'\n').expect("a line") + 1;
    long.truncate(end);
    long.extend(b"\r\n".iter().chain(b"x".repeat(3 * READ_MAX).iter()));
    assert_eq!(fates(&read(&long)).len(), 1);
    let many =
        "Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(2_000);
    let mail = format!(
        "From: x@y.example\r\nIn-Reply-To: <{ID}>\r\nContent-Type: message/delivery-status\r\n\r\nX: y\r\n\r\n{many}"
    );
    assert_eq!(fates(&read(mail.as_bytes())).len(), 100);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: crate::faults::more(256), failure_persistence: None, ..proptest::prelude::ProptestConfig::default() })]

    #[test]
    fn no_mail_makes_it_stumble(
        name in "postfix|qmail|exim|complaint|headers-only",
        cuts in proptest::collection::vec((0_usize..4_000, 0_usize..40, "[\\x00-\\xff]{0,12}"), 0..8),
    ) {
        let mut mail = file(&name);
        for (at, length, put) in cuts {
            let at = at.min(mail.len());
            let end = (at + length).min(mail.len());
            mail.splice(at..end, put.bytes());
        }
        let said = read(&mail);
        if let Says::Fates { fates, .. } = said.says {
            for fate in fates {
                proptest::prop_assert!(fate.detail.chars().count() <= 200 && !fate.detail.contains(['\n', '\x1b']));
            }
        }
    }
}
