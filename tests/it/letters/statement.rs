//! Statements of account at the edges that matter.

use courtesy::domain::money::Money;
use courtesy::domain::receivable::{Kind, Pause, PauseCause, Payment, Receivable, Status};
use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::golden::read;
use super::sample::{Sample, money, receivable};
use super::{LOCALES, compose};

/// The letter of a customer with two invoices on the first working day of
/// March: what was open before, what came, what is new.
pub(super) fn of_february(sample: &mut Sample) {
    sample.about_customer();
    sample.draft.rule = "monthly-statement".into();
    sample.draft.stage = "statement".into();
    let key = &mut sample.draft.lines[0].key;
    (key.rule, key.stage) = ("monthly-statement".into(), "statement".into());
    key.round = "2026-02-01..2026-02-28".into();
    sample.now = "2026-03-02T01:00:00Z".parse().expect("a moment");
    sample.item().payments.push(payment("P1", "2800", "CNY", date(2026, 2, 20)));
    let mut new = receivable("R2", Some("2026-0131"), "4500", "CNY", date(2026, 3, 26));
    new.issued_on = Some(date(2026, 2, 24));
    sample.facts.customers[0].receivables.push(new);
}

type Change = fn(Sample) -> Sample;

fn payment(id: &str, amount: &str, currency: &str, received_on: Date) -> Payment {
    Payment { id: id.into(), amount: money(amount, currency), received_on }
}

fn sample(locale: &str) -> Sample {
    let mut sample = Sample::new("statement/monthly", locale);
    of_february(&mut sample);
    sample
}

fn claims(sample: &mut Sample) -> &mut Vec<Receivable> {
    &mut sample.facts.customers[0].receivables
}

/// Euro and yen besides, a credit note, a claim paid twice, money on account,
/// an item in dispute, and what moved since.
fn everything(mut sample: Sample) -> Sample {
    let mut euro = receivable("R3", Some("2026-0118"), "900.5", "EUR", date(2026, 2, 10));
    euro.pauses.push(Pause {
        cause: PauseCause::Dispute,
        from: date(2026, 2, 15),
        until: None,
        reason: "two boxes were missing".into(),
    });
    let mut yen = receivable("R4", None, "99000", "JPY", date(2026, 2, 12));
    yen.status = Status::Returned;
    yen.closed_on = Some(date(2026, 2, 27));
    let mut credit = receivable("G1", Some("CN-3"), "-250", "CNY", date(2026, 2, 18));
    (credit.kind, credit.issued_on) = (Kind::CreditNote, Some(date(2026, 2, 18)));
    let mut twice = receivable("R5", Some("2026-0099"), "700", "EUR", date(2026, 1, 20));
    twice.issued_on = Some(date(2025, 12, 20));
    for (id, day) in [("P2", 10), ("P3", 11)] {
        twice.payments.push(payment(id, "700", "EUR", date(2026, 2, day)));
    }
    sample.item().payments.push(payment("P4", "1000", "CNY", date(2026, 3, 1)));
    claims(&mut sample).extend([euro, yen, credit, twice]);
    sample.facts.customers[0].on_account = vec![
        payment("P5", "500", "CNY", date(2026, 2, 25)),
        payment("P6", "80", "CNY", date(2026, 2, 26)),
        payment("P7", "-80", "CNY", date(2026, 2, 27)),
    ];
    sample
}

fn nothing_but_credit(mut sample: Sample) -> Sample {
    claims(&mut sample).clear();
    sample.facts.customers[0].on_account = vec![payment("P5", "500", "CNY", date(2026, 1, 25))];
    sample
}

/// Opened and paid within the month.
fn settled(mut sample: Sample) -> Sample {
    claims(&mut sample).remove(0);
    sample.item().payments.push(payment("P1", "4500", "CNY", date(2026, 2, 26)));
    sample
}

/// Open at the end of the month, and paid on the day after.
fn settled_since(mut sample: Sample) -> Sample {
    claims(&mut sample).truncate(1);
    sample.item().payments.push(payment("P8", "10000", "CNY", date(2026, 3, 1)));
    sample
}

/// More than two hundred claims of a hundred and one yuan, two a day.
fn two_hundred(mut sample: Sample) -> Sample {
    let claim = |n: i32| {
        let issued_on = date(2025, 10, 24).saturating_add((n / 2).days());
        let mut claim = receivable(
            &format!("R{n:03}"),
            Some(&format!("2025-{n:04}")),
            "101",
            "CNY",
            issued_on.saturating_add(30.days()),
        );
        claim.issued_on = Some(issued_on);
        claim
    };
    *claims(&mut sample) = (0..254).map(claim).collect();
    sample
}

#[test]
fn a_statement_reads_as_it_was_approved_at_every_edge() {
    for locale in LOCALES {
        let edges: [(&str, Change); 4] = [
            ("everything", everything),
            ("nothing but credit", nothing_but_credit),
            ("settled", settled),
            ("settled since", settled_since),
        ];
        let letters =
            edges.map(|(edge, change)| format!("=== {edge} ===\n{}", read(&change(sample(locale)))));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("statement.edges.{locale}"), letters.join("\n"));
        });
    }
}

/// The amounts at the ends of the rows of a statement's first table.
fn column(text: &str) -> Vec<Money> {
    let rows = text.lines().skip_while(|line| !line.starts_with("Date")).skip(1);
    let rows = rows.skip_while(|line| line.starts_with('-')).take_while(|line| !line.trim().is_empty());
    let last = |line: &str| line.rsplit("  ").next().map(|cell| cell.trim().replace([',', '*'], ""));
    rows.filter_map(last).map(|amount| money(&amount, "CNY")).collect()
}

#[test]
fn a_statement_of_very_many_entries_is_bounded_and_still_adds_up() {
    let content = compose(&two_hundred(sample("en")));
    // Beyond 100 kB, mail readers cut a letter off.
    let (text, html) = (content.text.len(), content.html.len());
    assert!(text < 16_000 && html < 100_000, "{text} {html}");
    let amounts = column(&content.text);
    let (closing, moved) = amounts.split_last().expect("a table");
    assert_eq!(moved.len(), 1 + 1 + 50, "brought forward, earlier ones, the last fifty\n{}", content.text);
    assert_eq!(moved.iter().map(|money| money.amount).sum::<rust_decimal::Decimal>(), closing.amount);
    assert_eq!(closing.amount, (101 * 254).into());
    assert!(content.text.contains("and 204 more, CNY 20,604.00 in all"), "{}", content.text);
}

#[test]
fn a_statement_of_everything_adds_up_too_and_asks_for_what_it_shows() {
    let content = compose(&everything(sample("en")));
    let amounts: Vec<String> = column(&content.text).iter().map(ToString::to_string).collect();
    assert_eq!(
        amounts,
        [
            "12800.00 CNY",
            "-250.00 CNY",
            "-2800.00 CNY",
            "4500.00 CNY",
            "-500.00 CNY",
            "-80.00 CNY",
            "80.00 CNY",
            "13750.00 CNY",
            "-1000.00 CNY",
            "12750.00 CNY",
        ]
    );
    for words in [
        "a balance of **CNY 13,750.00 and EUR 200.50** due to us",
        "2026-0118, loom parts, disputed",
        "- CN-3, 18 February 2026: CNY 250.00",
        "- 2026-0099, 11 February 2026: EUR 700.00",
        "- money on account, 27 February 2026: CNY 500.00",
    ] {
        let plain = words.replace("**", "");
        assert!(content.text.contains(&plain) || content.text.contains(words), "{words}\n{}", content.text);
    }
}

#[test]
fn what_is_time_barred_is_neither_listed_nor_asked_for() {
    let mut sample = sample("en");
    sample.item().payments.clear();
    sample.item().limitation_on = Some(date(2026, 1, 30));
    let content = compose(&sample);
    assert!(!content.text.contains("2026-0117"), "{}", content.text);
    assert!(content.text.contains("CNY 4,500.00 due to us"), "{}", content.text);
}

#[test]
fn nobody_is_thanked_for_what_only_left_the_list() {
    let mut sample = settled_since(sample("en"));
    assert!(compose(&sample).text.contains("settled since, with our thanks"));
    sample.item().payments.truncate(1);
    (sample.item().status, sample.item().closed_on) = (Status::Legal, Some(date(2026, 3, 1)));
    let text = compose(&sample).text;
    assert!(text.contains("No longer listed 2026-0117") && !text.contains("settled since"), "{text}");
}

#[test]
fn a_statement_says_how_to_confirm_and_lets_off_whoever_has_paid() {
    for (locale, words) in
        [("en", ["confirm", "disregard", "not a reminder"]), ("zh-CN", ["回函确认", "不必理会", "并非催款"])]
    {
        for change in [everything, nothing_but_credit, settled, two_hundred] {
            let content = compose(&change(sample(locale)));
            for word in words {
                assert!(content.text.contains(word) && content.html.contains(word), "{word} in {locale}");
            }
            assert!(
                !content.subject.contains("CNY") && !content.subject.contains('元'),
                "{}",
                content.subject
            );
        }
    }
}
