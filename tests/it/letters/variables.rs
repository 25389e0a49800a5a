//! What stands for a name in a template.

use std::fs;

use courtesy::domain::promise::Promise;
use courtesy::domain::rule::Recipient;
use courtesy::letter::Composer;
use jiff::civil::date;

use super::sample::{Sample, money, receivable};

/// The text of a letter with this body.
fn written(body: &str, sample: &Sample) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("en")).expect("a folder");
    fs::write(dir.path().join("layout.html"), "<html><body>{{ content }}</body></html>").expect("a file");
    fs::write(dir.path().join("en/a.md"), format!("---\nsubject: x\n---\n{body}")).expect("a file");
    let composer = Composer::load(dir.path()).expect("it loads");
    composer.compose(&sample.occasion()).expect("it composes").text.trim_end().to_owned()
}

fn of_contract(id: &str, contract: Option<&str>, day: i8) -> courtesy::domain::receivable::Receivable {
    let mut item = receivable(id, Some(id), "100", "CNY", date(2026, 4, day));
    item.contract = contract.map(Into::into);
    item
}

#[test]
fn a_contracts_open_claims_are_listed_but_not_before_a_guarantor() {
    let body =
        "{% for item in contract_items %}{{ item.number }} {% endfor %}({{ contract_totals | money }})";
    let mut sample = Sample::new("a", "en");
    assert_eq!(written(body, &sample), "()", "a claim without a contract has no others");
    sample.item().contract = Some("K-7".into());
    let others = [("N3", Some("K-7"), 9), ("N2", Some("K-7"), 2), ("N4", Some("K-8"), 3), ("N5", None, 4)];
    let others = others.map(|(id, contract, day)| of_contract(id, contract, day));
    sample.facts.customers[0].receivables.extend(others);
    assert_eq!(written(body, &sample), "2026-0117 N2 N3 (CNY 13,000.00)");
    sample.draft.cc = vec![Recipient::Guarantor];
    sample.item().guarantor = Some(super::sample::person("Guarantor Ltd", "guarantor@surety.example"));
    assert_eq!(written(body, &sample), "()");
}

#[test]
fn a_promise_is_the_one_that_the_letter_is_about_else_the_last() {
    let body = "{% if promise %}{{ promise.number }}: {{ promise.amount | money }} {{ promise.promised_on }}{% else %}none{% endif %}";
    let mut sample = Sample::new("a", "en");
    assert_eq!(written(body, &sample), "none");
    sample.item().promises = [("400", 5), ("300", 9)]
        .map(|(amount, day)| Promise {
            made_on: date(2026, 3, day - 3),
            promised_on: date(2026, 3, day),
            until: date(2026, 3, day),
            amount: money(amount, "CNY"),
            binding: true,
            ended_on: None,
        })
        .to_vec();
    assert_eq!(written(body, &sample), "2: CNY 300.00 2026-03-09");
    sample.draft.lines[0].key.round = "2026-03-05".into();
    assert_eq!(written(body, &sample), "1: CNY 400.00 2026-03-05");
}

#[test]
fn limitation_says_what_it_is_counted_from() {
    let body = "{% if receivable.limitation_on %}{{ receivable.limitation_on }} {{ receivable.limitation_days_left }} {{ receivable.limitation_by }}{% if receivable.limitation_since %} {{ receivable.limitation_since }}{% endif %}{% else %}never{% endif %}";
    let mut sample = Sample::new("a", "en");
    assert_eq!(written(body, &sample), "never");
    let limitation = &mut sample.settings.limitation;
    limitation.periods = vec![(courtesy::domain::receivable::Kind::Invoice, "3y".parse().expect("a period"))];
    limitation.by_acknowledgement = true;
    assert_eq!(written(body, &sample), "2029-03-02 1086 due_on 2026-03-02");
    sample.item().acknowledged_on = vec![date(2026, 3, 10)];
    assert_eq!(written(body, &sample), "2029-03-10 1094 acknowledgement 2026-03-10");
    sample.item().limitation_on = Some(date(2026, 3, 1));
    assert_eq!(written(body, &sample), "2026-03-01 0 given");
}
