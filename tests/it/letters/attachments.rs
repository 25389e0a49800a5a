//! Files that go along: whose letter takes which, and what arrives.

use std::fs;
use std::path::Path;

use courtesy::domain::customer::Class;
use courtesy::domain::notice::Subject;
use courtesy::domain::rule::Recipient;
use courtesy::letter::{ComposeError, mime};
use jiff::civil::date;
use mail_parser::{MessagePart, MimeHeaders as _, PartType};
use tempfile::TempDir;

use super::sample::{Sample, line, person, receivable};
use super::{COMPOSER, MESSAGE_ID, build, compose, parse};

/// Every byte there is, and line ends of all kinds.
fn bytes() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(5_000).chain(*b"\r\n.\r\n--=_x\r\nFrom \n\n").collect()
}

/// A reminder whose folder of attachments has these files, beside a secret.
fn reminder(files: &[(&str, &[u8])]) -> (Sample, TempDir) {
    let outer = tempfile::tempdir().expect("a folder");
    let folder = outer.path().join("attachments");
    fs::create_dir(&folder).expect("a folder");
    fs::write(outer.path().join("secret"), "secret").expect("a file");
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("a file");
    }
    let mut sample = Sample::new("reminder/firm", "en");
    sample.mail.attachments = folder;
    (sample, outer)
}

fn refused(sample: &Sample) -> String {
    match COMPOSER.compose(&sample.occasion()) {
        Err(error @ ComposeError::Attachment { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// The names of what goes along.
fn names(sample: &Sample) -> Vec<String> {
    compose(sample).attachments.into_iter().map(|file| file.name).collect()
}

/// The media type of a part, and the name it would be saved by.
fn told<'m>(part: &'m MessagePart<'_>) -> (String, Option<&'m str>) {
    let kind = part.content_type().expect("a type");
    (format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()), part.attachment_name())
}

#[test]
fn text_comes_first_then_html_then_the_files_as_they_are() {
    let everything = bytes();
    let (mut sample, _folder) =
        reminder(&[("发票-2026-0117.pdf", &everything), ("plain.txt", b"one\ntwo\n")]);
    sample.item().attachment = Some("发票-2026-0117.pdf".into());
    let mut second = receivable("R2", None, "10", "EUR", date(2026, 3, 4));
    second.attachment = Some("plain.txt".into());
    sample.add(second, true);
    let parcel = build(&sample);
    let message = parse(&parcel);
    let order: Vec<(String, Option<&str>)> = message.parts.iter().map(told).collect();
    let expected = [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("text/html", None),
        ("application/pdf", Some("发票-2026-0117.pdf")),
        ("text/plain", Some("plain.txt")),
    ];
    assert_eq!(order, expected.map(|(kind, name)| (kind.to_owned(), name)));
    assert_eq!(
        (message.text_body.as_slice(), message.html_body.as_slice()),
        ([2].as_slice(), [3].as_slice())
    );
    assert!(matches!(&message.parts[1].body, PartType::Multipart(parts) if *parts == [2, 3]));
    let content = compose(&sample);
    assert_eq!(message.body_text(0).expect("a text").replace("\r\n", "\n").trim(), content.text.trim());
    assert_eq!(message.attachment_count(), 2);
    assert_eq!(message.attachment(0).expect("the first").contents(), everything);
    assert_eq!(message.attachment(1).expect("the second").contents(), b"one\ntwo\n");
    let raw = String::from_utf8(parcel.bytes.to_vec()).expect("seven bits");
    assert!(raw.is_ascii() && raw.split("\r\n").skip(20).all(|line| line.len() <= 78), "{raw}");
    assert_eq!(build(&sample), parcel, "the same letter is the same bytes");
}

#[test]
fn names_that_want_to_be_headers_stay_names() {
    let long = format!("{}.pdf", "名".repeat(80));
    let hostile = "a\"; name=\"b\r\nBcc: x@y.example\r\n\r\n%0D%0A'utf-8''.exe";
    let path = "200% of \\ it; x=y.docx";
    for (named, shown) in [
        (long.as_str(), long.as_str()),
        (hostile, "a_; name=_b Bcc_ x@y.example %0D%0A'utf-8''.exe"),
        (path, "200% of _ it; x=y.docx"),
        ("x y .jpg", "x y .jpg"),
    ] {
        let (mut sample, _folder) = reminder(&[(named, b"content")]);
        sample.item().attachment = Some(named.into());
        let parcel = build(&sample);
        let message = parse(&parcel);
        let file = message.attachment(0).expect("a file");
        assert_eq!(file.attachment_name(), Some(shown), "{named}");
        assert_eq!(file.contents(), b"content");
        assert!(message.bcc().is_none() && message.parts.len() == 5);
    }
}

#[test]
fn what_cannot_go_along_holds_the_letter_and_says_what_to_do() {
    let (mut sample, folder) = reminder(&[("here.pdf", b"x")]);
    sample.item().attachment = Some("missing.pdf".into());
    let files = folder.path().join("attachments").display().to_string();
    assert_eq!(
        refused(&sample),
        format!(
            "attachment `missing.pdf`: is not in {files}; put it there, or take it off the claim, \
             then release the letter"
        )
    );
    let outside = folder.path().join("secret").display().to_string();
    for named in ["../secret", "./../attachments/../secret", outside.as_str()] {
        sample.item().attachment = Some(named.into());
        assert!(refused(&sample).contains("leads out of the folder of attachments"), "{named}");
    }
    sample.item().attachment = Some("missing\r\n\u{202e}.pdf".into());
    assert!(refused(&sample).starts_with("attachment `missing .pdf`: is not in "));
    fs::write(folder.path().join("attachments/large"), vec![0; 10 * 1024 * 1024 + 1]).expect("a file");
    sample.item().attachment = Some("large".into());
    assert!(refused(&sample).contains("larger than 10 MiB; make it smaller"));
    sample.item().attachment = Some("here.pdf".into());
    assert_eq!(names(&sample), ["here.pdf"]);
    sample.mail.attachments = Path::new("").into();
    assert!(refused(&sample).contains("correct `attachments`"));
}

#[test]
fn files_are_counted_and_weighed_together() {
    let mebibyte = vec![7; 1024 * 1024];
    let (mut sample, folder) = reminder(&[]);
    for n in 2..=12 {
        let mut item = receivable(&format!("R{n}"), None, "1", "CNY", date(2026, 3, 31 - n));
        item.attachment = Some(format!("{n}.pdf"));
        fs::write(folder.path().join(format!("attachments/{n}.pdf")), &mebibyte).expect("a file");
        sample.add(item, true);
    }
    // Eleven of them, of which the oldest ten go along: exactly ten MiB.
    assert_eq!(
        names(&sample),
        ["12", "11", "10", "9", "8", "7", "6", "5", "4", "3"].map(|n| format!("{n}.pdf"))
    );
    fs::write(folder.path().join("attachments/3.pdf"), [mebibyte, vec![7]].concat()).expect("a file");
    assert!(refused(&sample).starts_with("attachment `3.pdf`: with it the files are larger than 10 MiB"));
}

#[test]
fn a_file_that_several_claims_name_goes_along_once() {
    let (mut sample, _folder) = reminder(&[("contract.pdf", b"x")]);
    sample.item().attachment = Some("contract.pdf".into());
    for (id, named) in [("R2", "./contract.pdf"), ("R3", "contract.pdf"), ("R4", "")] {
        let mut item = receivable(id, None, "1", "CNY", date(2026, 3, 3));
        item.attachment = Some(named.into());
        sample.add(item, true);
    }
    assert_eq!(names(&sample), ["contract.pdf"]);
}

#[test]
fn only_the_claims_that_the_letter_is_about_bring_their_files() {
    let (mut sample, _folder) = reminder(&[("leading.pdf", b"x")]);
    sample.item().attachment = Some("leading.pdf".into());
    let mut below = receivable("R2", None, "1", "CNY", date(2026, 3, 3));
    below.attachment = Some("below.pdf".into());
    sample.add(below, false);
    let mut other = receivable("R3", None, "1", "CNY", date(2026, 3, 3));
    other.attachment = Some("other.pdf".into());
    sample.facts.customers[0].receivables.push(other);
    assert_eq!(names(&sample), ["leading.pdf"]);
}

#[test]
fn letters_to_guarantors_and_our_own_people_take_nothing_along() {
    // The file does not exist: it is not even looked for.
    let (mut sample, _folder) = reminder(&[]);
    sample.item().attachment = Some("missing.pdf".into());
    sample.item().guarantor = Some(person("Surety", "guarantor@surety.example"));
    for to in [Recipient::Owner, Recipient::Manager, Recipient::Guarantor] {
        sample.draft.to = vec![to];
        assert_eq!(compose(&sample).attachments, []);
        assert_eq!(parse(&build(&sample)).attachment_count(), 0);
    }
    sample.draft.to = vec![Recipient::Customer];
    sample.draft.class = Class::Internal;
    assert_eq!(compose(&sample).attachments, []);
    sample.draft.class = Class::Dunning;
    assert!(refused(&sample).contains("missing.pdf"));
}

#[test]
fn the_fingerprint_follows_the_bytes_and_the_name_of_a_file() {
    let (mut sample, folder) = reminder(&[("a.pdf", b"one"), ("b.pdf", b"one")]);
    let without = compose(&sample).fingerprint;
    sample.item().attachment = Some("a.pdf".into());
    let one = compose(&sample);
    assert_ne!(one.fingerprint, without);
    assert_eq!(one.attachments[0].sha256, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    sample.item().attachment = Some("b.pdf".into());
    assert_ne!(compose(&sample).fingerprint, one.fingerprint);
    sample.item().attachment = Some("a.pdf".into());
    assert_eq!(compose(&sample).fingerprint, one.fingerprint);
    fs::write(folder.path().join("attachments/a.pdf"), "two").expect("a file");
    assert_ne!(compose(&sample).fingerprint, one.fingerprint);
    // What was composed is what is sent, whatever becomes of the file.
    fs::remove_file(folder.path().join("attachments/a.pdf")).expect("a file");
    let parcel = mime::build(&one, &sample.mail, MESSAGE_ID, sample.now).expect("a message");
    assert_eq!(parse(&parcel).attachment(0).expect("a file").contents(), b"one");
}

#[test]
fn ten_thousand_claims_with_a_file_each_make_one_bounded_letter() {
    let (mut sample, folder) = reminder(&[]);
    for n in 2..=10_000 {
        let mut item = receivable(&format!("R{n:05}"), None, "1", "CNY", date(2026, 3, 3));
        item.attachment = Some(format!("{n}.pdf"));
        sample.add(item, true);
    }
    for n in 2..=11 {
        fs::write(folder.path().join(format!("attachments/{n}.pdf")), "x").expect("a file");
    }
    assert_eq!(names(&sample).len(), 10);
    assert!(build(&sample).bytes.len() < 200_000);
}

#[test]
fn ten_thousand_payments_make_one_bounded_letter() {
    let mut sample = Sample::new("thanks/part-payment", "en");
    sample.about_payment("1");
    for n in 2..=10_000 {
        let mut item = receivable(&format!("R{n}"), None, "2", "CNY", date(2026, 3, 3));
        item.payments = sample.item().payments.clone();
        let id = format!("P{n}");
        item.payments[0].id = id.as_str().into();
        sample.draft.lines.push(line(Subject::Payment(id.as_str().into()), true));
        sample.facts.customers[0].receivables.push(item);
    }
    let content = compose(&sample);
    assert!(content.text.len() < 100_000 && content.html.len() < 100_000);
}
