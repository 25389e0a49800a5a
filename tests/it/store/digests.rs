//! What our own people are told of, put together over many customers.

use std::sync::Arc;

use courtesy::domain::address::Address;
use courtesy::domain::customer::{Class, Person};
use courtesy::domain::delivery::Transition;
use courtesy::domain::digest::{Digest, DigestOrder, Finding, OUR_OWN, Rows};
use courtesy::domain::facts::{Facts, Reach};
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::{Draft, LetterState, Line, NoticeKey, Subject};
use courtesy::domain::rule::Recipient;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{Begun, Claim, SetAside, Store};

use super::world::*;

const LATER: &str = "2026-06-29T07:00:05Z";

fn person(name: &str, address: &str) -> Person {
    Person { name: name.into(), address: Address::parse(address).expect("an address") }
}

fn reach_of_digests() -> Reach {
    let order = DigestOrder {
        rule: "daily-digest".into(),
        owners: true,
        fallback: person("Manager", "manager@ours.example.test"),
        overall: vec![person("IT", "it@ours.example.test")],
        previous: at("2026-06-28T02:00:00Z"),
        until: at("2026-06-30T02:00:00Z"),
    };
    Reach { digests: [order].into(), ..reach() }
}

async fn our_own(store: &SqliteStore) -> Facts {
    // Changed rules are what wakes our own people first.
    store.see_rules(vec![in_force(LATER)], at(LATER)).await.expect("rules");
    let due = store.facts(at("2026-06-30T03:00:00Z"), reach_of_digests(), None, 100).await.expect("facts");
    let ours = due.into_iter().find(|facts| facts.relationship.as_str() == OUR_OWN);
    Arc::unwrap_or_clone(ours.expect("our own people"))
}

fn in_force(fingerprint: &str) -> courtesy::store::RuleInForce {
    courtesy::store::RuleInForce {
        name: "daily-digest".into(),
        audience: courtesy::domain::filter::Audience::default(),
        fingerprint: fingerprint.into(),
        needs_receivables: false,
    }
}

fn of<'f>(facts: &'f Facts, name: &str) -> &'f Digest {
    facts.digests.iter().find(|digest| digest.person.name == name).expect("their digest")
}

fn told(rows: &Rows<courtesy::domain::digest::Told>) -> Vec<String> {
    rows.first
        .iter()
        .map(|told| {
            let customer = told.customer.as_ref().map_or(told.customer_name.as_str(), |id| id.as_str());
            format!("{customer} {}/{} {}: {}", told.rule, told.stage, told.about, told.state)
        })
        .collect()
}

async fn send(store: &SqliteStore, letter: LetterId) {
    let claim = claim(store, letter).await;
    let Begun::Attempt(attempt) = begin(store, claim).await else { panic!("an attempt") };
    let sent = Transition {
        state: LetterState::Sent,
        next_attempt_at: None,
        reason: "250 ok".into(),
        suppress: false,
        maybe_sent: false,
    };
    store.finish_attempt(letter, attempt, sent, vec![], at(LATER)).await.expect("noted");
}

#[tokio::test]
async fn owners_are_told_of_their_own_and_the_operator_of_all() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let sent = queue(&store, draft("friendly", &["R1", "R2"])).await;
        send(&store, sent).await;
        let cancelled = queue(&store, draft("firm", &["R1"])).await;
        let cancel = SetAside::Cancel;
        store.set_aside(cancelled, 0, cancel, "settled".into(), at(LATER)).await.expect("cancelled");
        let approve = Draft { approve: true, customer: Some("C2".into()), ..draft("final-notice", &["R3"]) };
        queue(&store, approve).await;
        let facts = our_own(&store).await;
        let people: Vec<_> = facts.digests.iter().map(|d| (d.person.name.as_str(), d.overall)).collect();
        assert_eq!(people, [("IT", true), ("Li Na", false), ("Manager", false)]);

        let own = of(&facts, "Li Na");
        assert_eq!(told(&own.news.sent), ["C1 payment-reminders/friendly R1: sent"]);
        assert_eq!(told(&own.news.unsent), ["C1 payment-reminders/firm R1: cancelled"]);
        assert_eq!(told(&own.news.waiting), Vec::<String>::new());
        let rest = of(&facts, "Manager");
        assert_eq!(told(&rest.news.waiting), ["C2 payment-reminders/final-notice R3: held"]);
        assert_eq!(rest.news.sent.all, 0);
        let all = of(&facts, "IT");
        assert_eq!((all.news.sent.all, all.news.unsent.all, all.news.waiting.all), (1, 1, 1));
    }
}

fn finding(subject: &str, what: &'static str) -> Finding {
    Finding {
        customer: "C1".into(),
        rule: "payment-reminders".into(),
        subject: Subject::Receivable(subject.into()),
        what,
        detail: what.into(),
    }
}

#[tokio::test]
async fn what_was_found_is_told_once_for_as_long_as_it_is_so() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let found = |findings, now| {
            let plan = courtesy::domain::plan::Plan { findings, ..quiet("ann@example.test", None) };
            store.enqueue(vec![plan], at(now))
        };
        let both = vec![finding("R1", "address missing"), finding("R2", "address missing")];
        found(both, NOON).await.expect("a plan");
        let matters = of(&our_own(&store).await, "Li Na").news.matters.clone();
        assert_eq!((matters.all, matters.first[0].count), (1, 2), "one line for a customer");
        assert_eq!(matters.first[0].about, "R1");

        // Found again, it keeps its moment; no longer found, it is gone.
        found(vec![finding("R2", "address missing")], "2026-07-05T04:00:00Z").await.expect("a plan");
        let kept = store.findings("address missing", None).await.expect("findings");
        assert_eq!(kept, [(finding("R2", "address missing"), at(NOON))]);
        found(vec![], "2026-07-06T04:00:00Z").await.expect("a plan");
        assert_eq!(store.findings("address missing", None).await.expect("findings"), []);
    }
}

fn digest_letter(round: &str) -> Draft {
    let line = Line {
        key: NoticeKey {
            rule: "daily-digest".into(),
            stage: "digest".into(),
            subject: Subject::Colleague("lina@ours.example.test".into()),
            round: round.into(),
            repetition: 0,
        },
        offset: "0d".parse().expect("an offset"),
        planned_on: day("2026-06-29"),
        leading: true,
    };
    Draft {
        customer: None,
        rule: "daily-digest".into(),
        class: Class::Internal,
        to: vec![Recipient::Other(Address::parse("lina@ours.example.test").expect("one"))],
        cc: vec![],
        budget: None,
        lines: vec![line],
        ..draft("digest", &["R1"])
    }
}

#[tokio::test]
async fn a_digest_is_queued_fenced_and_counted_like_any_letter() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        our_own(&store).await;
        let plan = planned(OUR_OWN, vec![digest_letter("2026-06-29T10:00")], None);
        let letter = store.enqueue(vec![plan.clone()], at(NOON)).await.expect("a plan").letters[0];
        assert_eq!(row(&store, letter).await.draft, digest_letter("2026-06-29T10:00"));
        assert_eq!(store.enqueue(vec![plan], at(NOON)).await.expect("a plan").letters, [], "it is there");

        let (row, facts) = store.letter_and_facts(letter, reach_of_digests()).await.expect("a letter");
        assert_eq!(facts.digests.len(), 1, "what the others are told is no concern of it");
        assert_eq!(facts.digests[0].since, at("2026-06-28T02:00:00Z"));
        // A letter that comes to wait meanwhile belongs in it.
        let claim = |facts| Claim {
            letter,
            attempts: row.attempts,
            facts,
            changed: None,
            made: made("digest"),
            redirected: false,
            day: day("2026-06-29"),
        };
        queue(&store, Draft { approve: true, ..draft("final-notice", &["R1"]) }).await;
        let late = store.begin_attempt(claim(facts), reach_of_digests(), at(LATER)).await.expect("an answer");
        assert_eq!(late, Begun::FactsChanged);
        let (_, facts) = store.letter_and_facts(letter, reach_of_digests()).await.expect("a letter");
        let begun =
            store.begin_attempt(claim(facts), reach_of_digests(), at(LATER)).await.expect("an answer");
        assert_eq!(begun, Begun::Attempt(1));

        // From now on there is only to tell what came after its occurrence.
        let facts = our_own(&store).await;
        assert_eq!(of(&facts, "Li Na").since, at("2026-06-29T02:00:00Z"));
        assert_eq!(of(&facts, "Li Na").past.len(), 1);
        assert_eq!(of(&facts, "Manager").since, at("2026-06-28T02:00:00Z"));
    }
}
