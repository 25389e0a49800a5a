//! From `where` and `unless` to conditions that can hold for the anchor.

use std::collections::BTreeMap;

use super::forms::{Many, Spot, Table};
use super::read::{Complaint, Reader, Scalar as _, not_a_word};
use super::rule_shape::RawFilter;
use super::scalars::KindWord;
use super::source::At;
use crate::domain::event::EventOutcome;
use crate::domain::filter::{Filter, NO_OUTCOME};
use crate::domain::money::{Currency, Money};
use crate::domain::receivable::Kind;
use crate::domain::rule::{Anchor, ReceivableDate};
use crate::nearest::did_you_mean;

const ONLY_RECEIVABLES: &str = "it can stand only where the anchor is receivable.… or payment.…";

/// The conditions, checked against what the rule is about.
pub(super) fn checked(raw: Option<&RawFilter>, anchor: &Spot<Anchor>, reader: &mut Reader<'_>) -> Filter {
    let Some(raw) = raw else { return Filter::default() };
    check_meaning(raw, anchor, reader);
    check_kinds(raw.kind.as_ref(), &anchor.value, reader);
    Filter {
        kind: texts(raw.kind.as_ref(), |kind| kind.0.clone()),
        min_balance: min_balance(raw.min_balance.as_ref(), reader),
        currency: texts(raw.currency.as_ref(), |currency| currency.code().to_owned()),
        segment: texts(raw.segment.as_ref(), Clone::clone),
        tags: texts(raw.tags.as_ref(), Clone::clone),
        locale: texts(raw.locale.as_ref(), |locale| locale.0.clone()),
        owner: texts(raw.owner.as_ref(), Clone::clone),
        outcome: texts(raw.outcome.as_ref(), |outcome| {
            outcome.0.map_or(NO_OUTCOME, EventOutcome::as_str).to_owned()
        }),
        product: texts(raw.product.as_ref(), Clone::clone),
        purchases_at_least: raw.purchases_at_least.as_ref().map(|least| least.value),
        postponements_at_least: raw.postponements_at_least.as_ref().map(|least| least.value),
        broken_promises_at_least: raw.broken_promises_at_least.as_ref().map(|least| least.value),
        attributes: raw.attributes.as_ref().map(attributes).unwrap_or_default(),
    }
}

fn texts<T>(given: Option<&Many<Spot<T>>>, text: impl Fn(&T) -> String) -> Vec<String> {
    given.into_iter().flat_map(|many| &many.items).map(|item| text(&item.value)).collect()
}

fn attributes(table: &Table<Many<Spot<String>>>) -> BTreeMap<String, Vec<String>> {
    table.0.iter().map(|(name, values)| (name.value.clone(), texts(Some(values), Clone::clone))).collect()
}

fn min_balance(
    table: Option<&Table<Spot<String>>>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, rust_decimal::Decimal> {
    let mut least = BTreeMap::new();
    for (code, amount) in table.into_iter().flat_map(|table| &table.0) {
        let currency = match Currency::parse(code) {
            Ok(currency) => currency,
            Err(complaint) => {
                let hint = complaint.hint.unwrap_or_else(|| "the key is a currency: { CNY: 100 }".to_owned());
                reader.error(&code.at, complaint.message, hint);
                continue;
            }
        };
        match Money::parse(amount, currency) {
            Ok(money) if money.amount.is_sign_negative() => {
                reader.error(&amount.at, "a least balance can't be negative", "write 0 or more");
            }
            Ok(money) => {
                least.insert(currency.code().to_owned(), money.amount);
            }
            Err(error) => {
                let hint = "write it like { CNY: 100, EUR: 12.50 }";
                reader.error(&amount.at, error.to_string(), hint);
            }
        }
    }
    least
}

/// The kinds are those of receivables, or of the events the rule counts from.
fn check_kinds(given: Option<&Many<Spot<KindWord>>>, anchor: &Anchor, reader: &mut Reader<'_>) {
    for kind in given.into_iter().flat_map(|many| &many.items) {
        let complaint = match anchor {
            Anchor::Receivable(_) | Anchor::Payment => not_a_claim(&kind.0),
            Anchor::Event(kinds) => not_an_anchor(&kind.0, kinds),
            // That there can be none is said of the whole condition.
            Anchor::Calendar => None,
        };
        if let Some(Complaint { message, hint }) = complaint {
            reader.error(&kind.at, message, hint.unwrap_or_default());
        }
    }
}

fn not_a_claim(word: &str) -> Option<Complaint> {
    if word == Kind::CreditNote.as_str() {
        let message = "nobody is written to about a credit note: it only lessens what is owed";
        return Some(Complaint::new(message, "leave it out"));
    }
    let words = KindWord::of_claims();
    (!words.contains(&word)).then(|| not_a_word(word, "a kind of receivable", &words))
}

fn not_an_anchor(word: &str, kinds: &[String]) -> Option<Complaint> {
    let kinds = || kinds.iter().map(String::as_str);
    if kinds().any(|kind| kind == word) {
        return None;
    }
    if KindWord::of_claims().contains(&word) {
        let message = format!("`{word}` is a kind of receivable, and this rule is not about one");
        return Some(Complaint::new(message, ONLY_RECEIVABLES));
    }
    let hint = did_you_mean(word.strip_prefix("event.").unwrap_or(word), kinds()).unwrap_or_else(|| {
        format!(
            "`kind` asks about the rule's own events: write {}, or name event.{word} in `anchor` too",
            kinds().collect::<Vec<_>>().join(" or ")
        )
    });
    Some(Complaint::new(format!("`{word}` is not an event that this rule counts from"), hint))
}

/// A condition on something that the rule is not about would hold for
/// everybody or nobody, and neither is what was meant.
fn check_meaning(raw: &RawFilter, anchor: &Spot<Anchor>, reader: &mut Reader<'_>) {
    let kind = [("kind", raw.kind.as_ref().map(|given| &given.at))];
    let of_receivables: [(&str, Option<&At>); 4] = [
        ("min_balance", raw.min_balance.as_ref().and_then(|table| table.0.first()).map(|(key, _)| &key.at)),
        ("currency", raw.currency.as_ref().map(|given| &given.at)),
        ("postponements_at_least", raw.postponements_at_least.as_ref().map(|given| &given.at)),
        ("broken_promises_at_least", raw.broken_promises_at_least.as_ref().map(|given| &given.at)),
    ];
    let of_events = [
        ("outcome", raw.outcome.as_ref().map(|given| &given.at)),
        ("product", raw.product.as_ref().map(|given| &given.at)),
    ];
    let mut refuse = |conditions: &[(&str, Option<&At>)], what: &str, hint: &str| {
        for (name, at) in conditions {
            if let Some(at) = at {
                let message = format!("`{name}` asks about {what}, and `{}` is not about one", anchor.value);
                reader.error(at, message, hint);
            }
        }
    };
    let only_events = "it can stand only where the anchor is event.…";
    match anchor.value {
        Anchor::Receivable(ReceivableDate::SettledOn) => {
            refuse(&of_events, "an event", only_events);
            if let Some(at) = of_receivables[0].1 {
                let message = "`min_balance` asks what is still owed, and what is settled owes nothing";
                reader.error(at, message, "leave it out");
            }
        }
        Anchor::Receivable(_) | Anchor::Payment => refuse(&of_events, "an event", only_events),
        Anchor::Event(_) => refuse(&of_receivables, "a receivable", ONLY_RECEIVABLES),
        Anchor::Calendar => {
            refuse(&kind, "a receivable or an event", "it can stand only where the anchor is one of these");
            refuse(&of_receivables, "a receivable", ONLY_RECEIVABLES);
            refuse(&of_events, "an event", only_events);
        }
    }
}
