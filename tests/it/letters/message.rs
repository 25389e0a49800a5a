//! Envelope and headers: who gets a letter, and what machines make of it.

use courtesy::domain::address::Address;
use courtesy::domain::customer::Class;
use courtesy::domain::rule::Recipient;
use courtesy::letter::{ComposeError, ReplyTo, mime};

use super::sample::{Sample, person};
use super::{MESSAGE_ID, build, compose, header, parse};

fn visit() -> Sample {
    let mut sample = Sample::new("thanks/visit", "en");
    sample.about_event("visit", None, None);
    sample
}

#[test]
fn text_comes_first_and_both_parts_are_encoded_for_seven_bits() {
    for (locale, encoding) in [("en", "quoted-printable"), ("zh-CN", "base64")] {
        let parcel = build(&Sample::new("reminder/firm", locale));
        let raw = String::from_utf8_lossy(&parcel.bytes);
        let text = raw.find("text/plain; charset=utf-8").expect("a text part");
        let html = raw.find("text/html; charset=utf-8").expect("an HTML part");
        assert!(text < html);
        assert!(raw[text..].contains(&format!("Content-Transfer-Encoding: {encoding}")));
        assert!(raw.contains("multipart/alternative"));
    }
}

#[test]
fn the_same_letter_is_the_same_bytes() {
    let sample = Sample::new("reminder/firm", "en");
    assert_eq!(build(&sample), build(&sample));
    let other = mime::build(&compose(&sample), &sample.mail, "other@x.example", sample.now);
    assert_ne!(build(&sample).bytes, other.expect("a message").bytes);
}

#[test]
fn the_fingerprint_changes_with_what_the_letter_shows_and_with_nothing_else() {
    let base = Sample::new("reminder/firm", "en");
    let before = compose(&base).fingerprint;
    let mut later_that_day = base.clone();
    later_that_day.now = "2026-03-12T08:00:00Z".parse().expect("a moment");
    later_that_day.customer().tags = vec!["unseen".into()];
    assert_eq!(compose(&later_that_day).fingerprint, before);
    let changes: [fn(&mut Sample); 5] = [
        |sample| sample.about_payment("1"),
        |sample| sample.customer().contact_name = None,
        |sample| sample.customer().cc = vec![Address::parse("x@y.example").expect("an address")],
        |sample| sample.now = "2026-03-13T05:00:00Z".parse().expect("a moment"),
        |sample| sample.mail.reply_to = ReplyTo::Fixed(person("Desk", "desk@morningstar.example")),
    ];
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        assert_ne!(compose(&other).fingerprint, before);
    }
}

#[test]
fn courtesies_can_be_unsubscribed_from_and_reminders_cannot() {
    let parcel = build(&visit());
    let message = parse(&parcel);
    let list = String::from_utf8_lossy(&parcel.bytes).replace("\r\n ", " ");
    assert!(
        list.contains(
            "List-Unsubscribe: <https://morningstar.example/leave/C1>, \
         <mailto:leave@morningstar.example?subject=unsubscribe%20C1>"
        ),
        "{list}"
    );
    assert!(header(&message, "List-Unsubscribe-Post").is_some());
    for template in ["reminder/firm", "internal/hand-over"] {
        let parcel = build(&Sample::new(template, "en"));
        assert!(header(&parse(&parcel), "List-Unsubscribe").is_none(), "{template}");
    }
}

#[test]
fn a_customer_id_cannot_write_into_the_unsubscribe_links() {
    let mut sample = visit();
    let hostile = "C1>\r\nBcc: x@y.example, <é";
    sample.customer().id = hostile.into();
    sample.draft.customer = Some(hostile.into());
    let parcel = build(&sample);
    let raw = String::from_utf8_lossy(&parcel.bytes).replace("\r\n ", "");
    assert!(raw.contains("C1%3E%20Bcc%3A%20x%40y.example%2C%20%3C%C3%A9"), "{raw}");
    assert!(!raw.contains("\r\nBcc:"));
}

#[test]
fn reminders_about_one_claim_share_a_root_and_others_do_not() {
    let friendly = Sample::new("reminder/friendly", "en");
    let mut firm = Sample::new("reminder/firm", "en");
    assert_eq!(compose(&friendly).thread, compose(&firm).thread);
    firm.item().id = "R9".into();
    firm.draft.lines[0].key.subject = courtesy::domain::notice::Subject::Receivable("R9".into());
    assert_ne!(compose(&friendly).thread, compose(&firm).thread);
    let parcel = build(&friendly);
    let message = parse(&parcel);
    let root = compose(&friendly).thread;
    assert_eq!(header(&message, "References").as_deref(), Some(root.as_str()));
    assert_eq!(header(&message, "In-Reply-To").as_deref(), Some(root.as_str()));
    assert_eq!(header(&message, "Auto-Submitted").as_deref(), Some("auto-generated"));
}

#[test]
fn while_trying_out_everything_goes_to_one_address_and_says_so() {
    let mut sample = visit();
    sample.draft.cc = vec![Recipient::Owner];
    sample.mail.redirect_to = Some(Address::parse("trial@morningstar.example").expect("an address"));
    let parcel = build(&sample);
    let message = parse(&parcel);
    assert_eq!(parcel.to.as_str(), "trial@morningstar.example");
    assert!(parcel.cc.is_empty());
    assert!(header(&message, "Cc").is_none() && header(&message, "List-Unsubscribe").is_none());
    assert_eq!(
        header(&message, "Subject").as_deref(),
        Some("[to ann@weaver.example; copy to wang.wei@morningstar.example] Thank you for your time")
    );
    assert_eq!(
        header(&message, "X-Courtesy-Redirected-From").as_deref(),
        Some("ann@weaver.example, wang.wei@morningstar.example")
    );
}

#[test]
fn bytes_made_for_one_of_us_are_not_those_for_the_customer_so_that_no_later_attempt_takes_them() {
    let mut sample = visit();
    let meant = compose(&sample).fingerprint;
    let mut redirected = |address: &str| {
        sample.mail.redirect_to = Some(Address::parse(address).expect("an address"));
        compose(&sample).fingerprint
    };
    let (one, other) = (redirected("trial@morningstar.example"), redirected("else@morningstar.example"));
    assert!(meant != one && meant != other && one != other);
}

#[test]
fn a_redirected_letter_to_many_says_in_its_header_who_they_are() {
    let mut sample = visit();
    sample.draft.cc = vec![Recipient::Owner];
    let further =
        (1..=9).map(|n| Address::parse(&format!("colleague-{n}@weaver.example")).expect("an address"));
    sample.customer().cc = further.collect();
    sample.mail.redirect_to = Some(Address::parse("trial@morningstar.example").expect("an address"));
    let parcel = build(&sample);
    let message = parse(&parcel);
    assert_eq!((parcel.to.as_str(), parcel.cc.len()), ("trial@morningstar.example", 0));
    assert_eq!(
        header(&message, "Subject").as_deref(),
        Some("[to ann@weaver.example; 10 copies] Thank you for your time")
    );
    let meant = header(&message, "X-Courtesy-Redirected-From").expect("a header");
    assert_eq!(meant.split(',').count(), 11, "{meant}");
    assert!(header(&message, "To").is_some_and(|to| to.contains("trial@") && !to.contains("weaver")));
}

#[test]
fn a_test_letter_goes_to_one_of_us_alone_marked_in_subject_and_header_whatever_is_redirected() {
    let mut sample = visit();
    sample.draft.cc = vec![Recipient::Owner];
    let me = Address::parse("me@morningstar.example").expect("an address");
    for redirect_to in [None, Some(Address::parse("trial@morningstar.example").expect("an address"))] {
        sample.mail.redirect_to = redirect_to;
        let parcel = mime::build_test(&compose(&sample), &sample.mail, &me, MESSAGE_ID, sample.now);
        let parcel = parcel.expect("the message is built");
        let message = parse(&parcel);
        assert_eq!((parcel.to.as_str(), parcel.cc.len()), ("me@morningstar.example", 0));
        let subject = header(&message, "Subject").expect("a subject");
        assert!(subject.starts_with("[test, to ann@weaver.example; copy to wang.wei@"), "{subject}");
        assert_eq!(header(&message, "X-Courtesy-Test").as_deref(), Some("yes"));
        assert!(header(&message, "Cc").is_none() && header(&message, "List-Unsubscribe").is_none());
    }
}

#[test]
fn a_letter_to_our_own_people_is_internal_and_in_our_language() {
    let mut sample = Sample::new("internal/silent-customer", "zh-CN");
    sample.about_event("delivery", None, None);
    sample.draft.class = Class::Courtesy;
    sample.settings.business.locale = "en".into();
    let content = compose(&sample);
    assert_eq!((content.class, content.locale.as_str()), (Class::Internal, "en"));
    assert_eq!(content.to[0].address.as_str(), "wang.wei@morningstar.example");
}

#[test]
fn what_cannot_be_written_is_refused_with_its_reason() {
    let mut sample = Sample::new("reminder/firm", "en");
    sample.draft.template = "reminder/unknown".into();
    let refused = super::COMPOSER.compose(&sample.occasion()).expect_err("no such template");
    assert_eq!(refused.to_string(), "no template `reminder/unknown` in en");
    let mut sample = Sample::new("reminder/firm", "en");
    sample.customer().address = Address::parse("");
    let refused = super::COMPOSER.compose(&sample.occasion());
    assert!(matches!(refused, Err(ComposeError::Nobody(_))));
    let mut sample = Sample::new("reminder/firm", "en");
    sample.facts.customers[0].receivables.clear();
    let refused = super::COMPOSER.compose(&sample.occasion());
    assert!(matches!(refused, Err(ComposeError::Incomplete(_))));
    let sample = Sample::new("reminder/firm", "en");
    for bad in ["", "x", "a@b>\r\nBcc: c", "a b@c"] {
        assert!(mime::build(&compose(&sample), &sample.mail, bad, sample.now).is_err(), "{bad}");
    }
    assert!(mime::build(&compose(&sample), &sample.mail, MESSAGE_ID, sample.now).is_ok());
}

#[test]
fn a_deadline_on_a_closed_day_moves_to_the_next_working_one() {
    let mut sample = Sample::new("reminder/final-notice", "en");
    // Saturday, 21 March.
    sample.draft.deadline = Some(courtesy::domain::offset::Offset::days(9));
    assert!(compose(&sample).text.contains("by 23 March 2026"));
}
