//! Every shipped letter in every language and at the edges that matter, word
//! for word.

use courtesy::domain::figures::Peers;
use courtesy::domain::promise::Promise;
use courtesy::domain::receivable::{Kind, Status};
use courtesy::domain::rule::Recipient;
use courtesy::domain::settings::LimitationSettings;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::sample::{Sample, TODAY, money, receivable};
use super::{LOCALES, TEMPLATES, build, compose, is_reminder, parse, shown};

/// The letter as a mail reader shows it: envelope, headers, the text part.
pub(super) fn read(sample: &Sample) -> String {
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

/// What the letter is about at each template.
fn usual(template: &str, locale: &str) -> Sample {
    let mut sample = Sample::new(template, locale);
    if template == "statement/monthly" {
        super::statement::of_february(&mut sample);
    } else if is_reminder(template) || template.starts_with("internal/") {
        about_claim(&mut sample, template, locale);
    } else {
        about_event(&mut sample, template, locale);
    }
    sample
}

fn about_claim(sample: &mut Sample, template: &str, locale: &str) {
    let chinese = locale == "zh-CN";
    match template.split_once('/').unwrap_or_default() {
        (folder @ ("reminder" | "advance" | "note"), stage) => {
            match stage {
                "coming-due" => sample.item().due_on = date(2026, 3, 19),
                "due-today" | "due" => sample.item().due_on = TODAY,
                "friendly" => sample.peers = Peers::of(86, 100),
                "broken-promise" => promised(sample, date(2026, 3, 9)),
                _ => {}
            }
            match folder {
                "advance" => sample.item().kind = Kind::Deposit,
                "note" => sample.item().kind = Kind::PromissoryNote,
                _ => {}
            }
        }
        (_, "hand-over") => {
            sample.draft.passed_over = vec!["friendly: address suppressed (bounced)".into()];
        }
        (_, "advance-unpaid") => {
            sample.item().kind = Kind::Deposit;
            of_contract(sample, Kind::Balance);
        }
        (_, "plan-missed") => {
            sample.item().kind = Kind::Instalment;
            of_contract(sample, Kind::Instalment);
        }
        (_, "broken-promise") => {
            promised(sample, date(2026, 3, 4));
            promised(sample, date(2026, 3, 9));
        }
        (_, "limitation-watch") => {
            sample.item().due_on = date(2023, 6, 10);
            let period = "3y".parse().expect("a period");
            sample.settings.limitation = LimitationSettings {
                periods: vec![(Kind::Invoice, period)],
                ..LimitationSettings::default()
            };
        }
        (_, "silent-customer") => {
            sample.about_event("delivery", Some(if chinese { "经编机" } else { "HKS 3" }), None);
        }
        _ => {}
    }
}

/// The customer said so much by that day; and the day has passed.
fn promised(sample: &mut Sample, promised_on: Date) {
    let item = sample.item();
    item.promises.push(Promise {
        made_on: promised_on.saturating_sub(5.days()),
        promised_on,
        until: promised_on,
        amount: money("6000", "CNY"),
        binding: true,
        ended_on: None,
    });
    sample.draft.lines[0].key.round = promised_on.to_string();
}

/// Two more claims of the same contract, and one of another.
fn of_contract(sample: &mut Sample, kind: Kind) {
    sample.item().contract = Some("K-7".into());
    for (id, contract, month) in [("R21", "K-7", 4), ("R22", "K-7", 5), ("R23", "K-8", 4)] {
        let mut item = receivable(id, Some(&format!("2026-{id}")), "12800", "CNY", date(2026, month, 2));
        (item.kind, item.contract) = (kind, Some(contract.into()));
        sample.facts.customers[0].receivables.push(item);
    }
}

fn about_event(sample: &mut Sample, template: &str, locale: &str) {
    let chinese = locale == "zh-CN";
    let said = |en: &'static str, zh: &'static str| Some(if chinese { zh } else { en });
    let product = said("the HKS 3", "经编机 HKS 3");
    match template {
        "thanks/payment" => {
            sample.about_payment("12800");
            sample.item().status = Status::Paid;
            sample.item().closed_on = Some(TODAY);
        }
        "thanks/part-payment" => sample.about_payment("5000"),
        "thanks/visit" | "thanks/signing" => {
            let note =
                said("The drawings you asked for follow by Friday.", "您问起的图纸，我周五之前寄给您。");
            sample.about_event(template.rsplit('/').next().unwrap_or_default(), product, note);
        }
        "thanks/favour" => {
            let note = said("Mr Brown called me this morning.", "布朗先生今早已与我通了电话。");
            sample.about_event("referral", None, note);
        }
        "greeting/season" => sample.about_customer(),
        "greeting/trip" => {
            let note = said(
                "The new warping machines are quieter than anything I have seen; I have kept the leaflets for you.",
                "这里展出的新型整经机，声音之小前所未见，资料我替您留了一份。",
            );
            sample.about_event("trip", said("the fair in Hanover", "汉诺威工业展"), note);
        }
        "news/product" => {
            let note = said(
                "It changes over in twenty minutes, and from May it stands in our hall to be tried.",
                "换型只需二十分钟，五月起可在我公司展厅试机。",
            );
            sample.about_event("announcement", product, note);
            sample.customer().segment = Some("machining".into());
        }
        "check-in/onboarding" => sample.about_event("delivery", said("HKS 3", "经编机"), None),
        "care/spare-part" => sample.about_event("delivery", product, None),
        "thanks/purchase" | "care/usage-survey" => sample.about_event("purchase", product, None),
        _ => sample.about_event("proficient", product, None),
    }
}

/// Nothing is known that can be unknown.
fn bare(mut sample: Sample) -> Sample {
    let customer = sample.customer();
    customer.contact_name = None;
    customer.owner = None;
    sample.settings.business.manager = None;
    let item = sample.item();
    (item.number, item.issued_on, item.description, item.pay_url) = (None, None, None, None);
    sample.item().promises.clear();
    sample.peers = None;
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

/// A letter to our own people about claims.
fn of_our_own(template: &str) -> bool {
    template.starts_with("internal/") && template != "internal/silent-customer"
}

/// The other kind of event that the letter answers.
fn other_event(template: &str) -> Option<&'static str> {
    match template {
        "thanks/favour" => Some("favour"),
        "care/spare-part" => Some("part_replaced"),
        "care/referral-ask" => Some("survey"),
        _ => None,
    }
}

fn answering(mut sample: Sample, kind: &str) -> Sample {
    kind.clone_into(&mut sample.facts.customers[0].events[0].kind);
    sample
}

fn postponed(mut sample: Sample) -> Sample {
    sample.item().postponements = 2;
    sample
}

#[test]
fn every_letter_reads_as_it_was_approved() {
    for template in TEMPLATES {
        for locale in LOCALES {
            let sample = usual(template, locale);
            let mut edges = vec![("usual", sample.clone()), ("bare", bare(sample.clone()))];
            edges.extend(other_event(template).map(|kind| (kind, answering(sample.clone(), kind))));
            if template.starts_with("note/") {
                edges.push(("postponed", postponed(sample.clone())));
            }
            if is_reminder(template) || of_our_own(template) {
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
    for template in TEMPLATES.iter().filter(|template| is_reminder(template)) {
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
