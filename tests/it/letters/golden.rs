//! Every shipped letter in every language and at the edges that matter, word
//! for word.

use courtesy::domain::receivable::{Kind, Status};
use courtesy::domain::rule::Recipient;
use jiff::civil::date;

use super::sample::{Sample, TODAY, money, receivable};
use super::{LOCALES, TEMPLATES, build, compose, parse, shown};

/// The letter as a mail reader shows it: envelope, headers, the text part.
fn read(sample: &Sample) -> String {
    let parcel = build(sample);
    let message = parse(&parcel);
    let mut out = format!("{} -> {}", parcel.from, parcel.to);
    for copy in &parcel.cc {
        out.extend([" + ", copy.as_str()]);
    }
    out.push('\n');
    for header in message.headers() {
        if !["Content-Type", "MIME-Version", "Content-Transfer-Encoding"].contains(&header.name()) {
            out.extend([header.name(), ": ", &shown(header.value()), "\n"]);
        }
    }
    format!("{out}\n{}", message.body_text(0).expect("a text part").replace("\r\n", "\n"))
}

/// What the subject and the date are at each template.
fn usual(template: &str, locale: &str) -> Sample {
    let mut sample = Sample::new(template, locale);
    let chinese = locale == "zh-CN";
    match template {
        "reminder/coming-due" => sample.item().due_on = date(2026, 3, 19),
        "reminder/due-today" => sample.item().due_on = TODAY,
        "thanks/payment" => {
            sample.about_payment("12800");
            sample.item().status = Status::Paid;
            sample.item().closed_on = Some(TODAY);
        }
        "thanks/part-payment" => sample.about_payment("5000"),
        "internal/hand-over" => {
            sample.draft.passed_over = vec!["friendly: address suppressed (bounced)".into()];
        }
        "thanks/visit" | "thanks/signing" => {
            let product = if chinese { "经编机 HKS 3" } else { "the HKS 3" };
            let note = if chinese {
                "您问起的图纸，我周五之前寄给您。"
            } else {
                "The drawings you asked for follow by Friday."
            };
            sample.about_event(template.rsplit('/').next().unwrap_or_default(), Some(product), Some(note));
        }
        "check-in/onboarding" | "internal/silent-customer" => {
            sample.about_event("delivery", Some(if chinese { "经编机" } else { "HKS 3" }), None);
        }
        _ => {}
    }
    sample
}

/// Nothing is known that can be unknown.
fn bare(mut sample: Sample) -> Sample {
    let customer = sample.customer();
    customer.contact_name = None;
    customer.owner = None;
    sample.settings.business.manager = None;
    let item = sample.item();
    (item.number, item.issued_on, item.description, item.pay_url) = (None, None, None, None);
    for event in &mut sample.facts.customers[0].events {
        (event.product, event.note, event.outcome) = (None, None, None);
    }
    sample
}

/// Three claims in three currencies, one of them partly paid, two at lower
/// stages, a credit note, and a guarantor's copy.
fn several(mut sample: Sample) -> Sample {
    let due_on = sample.item().due_on;
    let mut part = receivable("R2", Some("2026-0118"), "4500.5", "EUR", due_on);
    part.payments = vec![courtesy::domain::receivable::Payment {
        id: "P2".into(),
        amount: money("500.5", "EUR"),
        received_on: date(2026, 3, 1),
    }];
    part.guarantor = Some(super::sample::person("Guarantor Ltd", "guarantor@surety.example"));
    part.postponements = 2;
    part.limitation_on = Some(date(2029, 3, 2));
    sample.add(part, true);
    let mut last = receivable("R3", None, "99000", "JPY", due_on);
    last.pay_url = None;
    sample.add(last, true);
    sample.add(receivable("R4", Some("2026-0121"), "700", "CNY", date(2026, 3, 10)), false);
    sample.add(receivable("R5", Some("2026-0125"), "80", "CNY", date(2026, 3, 17)), false);
    let mut credit = receivable("G1", Some("CN-3"), "-250", "CNY", date(2026, 3, 1));
    credit.kind = Kind::CreditNote;
    sample.facts.customers[0].receivables.push(credit);
    sample.facts.customers[0].receivables.push(receivable(
        "R6",
        Some("2026-0130"),
        "60",
        "CNY",
        date(2026, 5, 1),
    ));
    if sample.draft.to.contains(&Recipient::Customer) {
        sample.draft.cc = vec![Recipient::Owner, Recipient::Guarantor];
    }
    sample
}

#[test]
fn every_letter_reads_as_it_was_approved() {
    for template in TEMPLATES {
        for locale in LOCALES {
            let sample = usual(template, locale);
            let mut edges = vec![("usual", sample.clone()), ("bare", bare(sample.clone()))];
            if template.starts_with("reminder/") || template == "internal/hand-over" {
                edges.push(("several", several(sample)));
            }
            let letters: Vec<String> =
                edges.iter().map(|(edge, sample)| format!("=== {edge} ===\n{}", read(sample))).collect();
            let name = format!("{}.{locale}", template.replace('/', "."));
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(name, letters.join("\n"));
            });
        }
    }
}

#[test]
fn the_html_part_carries_its_styles_on_every_element() {
    for locale in LOCALES {
        let html = compose(&several(usual("reminder/firm", locale))).html;
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("html.reminder.firm.{locale}"), html);
        });
    }
}

#[test]
fn no_letter_loads_anything_from_outside() {
    for template in TEMPLATES {
        for locale in LOCALES {
            let html = compose(&usual(template, locale)).html;
            for forbidden in ["<img", "<script", "<link", "url(", "@import", " src=", "@font-face"] {
                assert!(!html.contains(forbidden), "{template} in {locale} has {forbidden}");
            }
        }
    }
}

#[test]
fn every_reminder_lets_off_whoever_has_paid_meanwhile() {
    for template in TEMPLATES.iter().filter(|template| template.starts_with("reminder/")) {
        for (locale, words) in [("en", "disregard"), ("zh-CN", "不必理会")] {
            let sample = usual(template, locale);
            for edge in [sample.clone(), bare(sample.clone()), several(sample)] {
                let content = compose(&edge);
                assert!(content.text.contains(words), "{template} in {locale}");
                assert!(content.html.contains(words), "{template} in {locale}");
            }
        }
    }
}
