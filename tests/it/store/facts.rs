//! Facts, waking and looking.

use std::collections::BTreeMap;

use courtesy::domain::facts::Reach;
use courtesy::domain::filter::{Audience, Filter};
use courtesy::domain::ids::{Relationship, RuleName};
use courtesy::domain::notice::LetterState;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, RuleInForce, SetAside, Store};

use super::world::*;

const NOON_LATER: &str = "2026-07-01T04:00:00Z";

#[tokio::test]
async fn customers_who_share_an_address_are_one_relationship() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let facts = due(&store, NOON).await;
        let names: Vec<_> = facts.iter().map(|facts| facts.relationship.as_str()).collect();
        assert_eq!(names, ["ann@example.test", "customer:C3"]);
        let ids: Vec<_> = facts[0].customers.iter().map(|one| one.customer.id.as_str()).collect();
        assert_eq!(ids, ["C1", "C2"]);
        let items: Vec<_> = facts[0].customers[0].receivables.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(items, ["R2", "R1"], "in order of due date");
        let customer = &facts[0].customers[0].customer;
        assert_eq!(customer.zone.iana_name(), Some("Europe/Berlin"));
        assert_eq!(customer.owner.as_ref().map(|owner| owner.name.as_str()), Some("Li Na"));
        assert_eq!(facts[0].customers[1].customer.zone.iana_name(), Some("Asia/Shanghai"));
        assert!(facts[1].customers[0].receivables.is_empty(), "R4 was first seen as paid");
    }
}

#[tokio::test]
async fn pages_are_whole_relationships_in_order_of_their_names() {
    for (store, folder) in both() {
        let row = |n| format!("K{n},Customer {n},k{:02}@example.test", n % 20);
        let customers = ["id,name,email".to_owned()].into_iter().chain((0..25).map(row));
        let customers = customers.collect::<Vec<_>>().join("\n");
        import(&store, folder.path(), ImportKind::Customers, &customers).await;
        for limit in [1, 3, 7, 100] {
            let mut seen = Vec::new();
            let mut after: Option<Relationship> = None;
            loop {
                let page = store.facts(at(NOON), reach(), after, limit).await.expect("a page");
                assert!(page.len() <= limit);
                let Some(last) = page.last() else { break };
                after = Some(last.relationship.clone());
                seen.extend(
                    page.iter().map(|facts| (facts.relationship.as_str().to_owned(), facts.customers.len())),
                );
            }
            let expected: Vec<_> =
                (0..20).map(|n| (format!("k{n:02}@example.test"), 1 + usize::from(n < 5))).collect();
            assert_eq!(seen, expected, "limit {limit}");
        }
    }
}

#[tokio::test]
async fn what_is_postponed_rests_as_if_it_had_not_been_looked_at_until_something_is_written() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        settle(&store, "2026-06-29T00:00:00Z", None).await;
        let payments = "id,receivable_id,amount,received_on\nP1,R1,4,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        let ann = || vec![(Relationship::from("ann@example.test"), at("2026-06-30T00:00:00Z"))];
        assert_eq!(names_due(&store, NOON).await, ["ann@example.test"]);
        store.postpone(ann()).await.expect("postponed");
        assert!(names_due(&store, "2026-06-29T23:59:59Z").await.is_empty());
        let again = due(&store, "2026-06-30T00:00:00Z").await;
        assert_eq!(again[0].looked_at, Some(at("2026-06-29T00:00:00Z")), "as before");
        // What is written after the facts were read is not postponed with them.
        let more = "id,receivable_id,amount,received_on\nP2,R1,5,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, more).await;
        store.postpone(ann()).await.expect("nothing to postpone");
        assert_eq!(names_due(&store, NOON).await, ["ann@example.test"]);
    }
}

#[tokio::test]
async fn who_was_looked_at_rests_until_its_time_or_until_something_is_written() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        settle(&store, NOON, Some("2026-07-01T00:00:00Z")).await;
        assert!(names_due(&store, "2026-06-30T23:59:59Z").await.is_empty());
        assert_eq!(names_due(&store, "2026-07-01T00:00:00Z").await.len(), 2);
        let looked_at: Vec<_> =
            due(&store, "2026-07-01T00:00:00Z").await.iter().map(|f| f.looked_at).collect();
        assert_eq!(looked_at, [Some(at(NOON)), Some(at(NOON))]);
        settle(&store, NOON_LATER, None).await;
        // A payment wakes its own relationship, and no other.
        let payments = "id,receivable_id,amount,received_on\nP1,R1,40,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        assert_eq!(names_due(&store, NOON).await, ["ann@example.test"]);
        // The same file again writes nothing and wakes nobody.
        settle(&store, NOON, None).await;
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
        import(&store, folder.path(), ImportKind::Receivables, RECEIVABLES).await;
        assert!(names_due(&store, NOON).await.is_empty());
    }
}

#[tokio::test]
async fn what_is_written_between_reading_and_queueing_is_looked_at_again() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let read = names_due(&store, NOON).await;
        let payments = "id,receivable_id,amount,received_on\nP1,R1,40,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        let plans = read.iter().map(|name| quiet(name, Some("2027-01-01T00:00:00Z"))).collect();
        store.enqueue(plans, at(NOON)).await.expect("plans");
        let again = due(&store, NOON).await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].relationship.as_str(), "ann@example.test");
        assert_eq!(again[0].looked_at, None, "the plan was made from older facts");
        assert_eq!(again[0].customers[0].receivables[1].payments.len(), 1);
        // A plan whose facts nobody was handed leaves it due as well.
        store.enqueue(vec![quiet("customer:C3", None)], at(NOON)).await.expect("a plan");
        assert_eq!(names_due(&store, NOON).await, ["ann@example.test", "customer:C3"]);
    }
}

#[tokio::test]
async fn a_mended_address_takes_its_history_along() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        settle(&store, NOON, None).await;
        let mended = "id,name,email\nC3,No Address,new@example.test\n";
        import(&store, folder.path(), ImportKind::Customers, mended).await;
        let facts = due(&store, NOON).await;
        let names: Vec<_> = facts.iter().map(|facts| facts.relationship.as_str()).collect();
        assert_eq!(names, ["customer:C3", "new@example.test"]);
        assert!(facts[0].customers.is_empty(), "the old name rests once it was looked at");
        assert_eq!(facts[1].customers[0].customer.id.as_str(), "C3");
        assert_eq!(facts[1].looked_at, Some(at(NOON)));
        assert_eq!(facts[1].customers[0].customer.locale.as_deref(), Some("zh-CN"), "no column, no change");
    }
}

#[tokio::test]
async fn reach_bounds_events_and_settled_items_but_nothing_that_is_open() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let payments = "id,receivable_id,customer_id,currency,amount,received_on\n\
            P1,R1,,,100,2026-05-30\nP2,R2,,,50,2026-06-02\nP3,R3,,,1000.01,2026-05-01\nP4,,C1,EUR,5,2026-01-01\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        let events = "id,customer_id,kind,occurred_at\n\
            E1,C1,visit,2025-12-31T23:00:00Z\nE2,C1,Visit,2026-06-01 09:00\nE3,C1,purchase,2020-01-01T00:00:00Z\n";
        import(&store, folder.path(), ImportKind::Events, events).await;
        let facts = due(&store, NOON).await;
        let ann = &facts[0].customers[0];
        let items: Vec<_> = ann.receivables.iter().map(|item| item.id.as_str()).collect();
        assert_eq!(items, ["R2"], "R1 was settled before the reach");
        assert_eq!(facts[0].customers[1].receivables[0].id.as_str(), "R3", "what is overpaid is a credit");
        assert_eq!(ann.on_account[0].amount.to_string(), "5.00 EUR");
        let moments: Vec<_> =
            ann.events.iter().map(|event| (event.kind.as_str(), event.occurred_at)).collect();
        assert_eq!(moments, [("visit", at("2026-06-01T07:00:00Z"))], "nine in Berlin");
        assert_eq!(ann.customer.purchases, 1, "purchases count however long ago");
    }
}

fn among(segment: &[&str]) -> Filter {
    Filter { segment: segment.iter().map(|s| (*s).to_owned()).collect(), ..Filter::default() }
}

fn rule(name: &str, fingerprint: &str, needs_receivables: bool, segment: &[&str]) -> RuleInForce {
    RuleInForce {
        name: RuleName::from(name),
        audience: Audience { r#where: among(segment), ..Audience::default() },
        fingerprint: fingerprint.to_owned(),
        needs_receivables,
    }
}

#[tokio::test]
async fn a_rule_is_first_seen_when_there_is_something_to_see() {
    for (store, folder) in both() {
        let rules = || vec![rule("reminders", "1", true, &[]), rule("thanks", "1", false, &[])];
        let seen = store.see_rules(rules(), at("2026-01-01T00:00:00Z")).await.expect("rules");
        assert_eq!(seen.keys().map(RuleName::as_str).collect::<Vec<_>>(), ["thanks"]);
        fill(&store, folder.path()).await;
        let seen = store.see_rules(rules(), at(NOON)).await.expect("rules");
        let first: BTreeMap<_, _> =
            seen.iter().map(|(name, seen)| (name.as_str(), seen.audiences[0].1)).collect();
        assert_eq!(first, BTreeMap::from([("reminders", at(NOON)), ("thanks", at("2026-01-01T00:00:00Z"))]));
    }
}

#[tokio::test]
async fn changed_rules_wake_everybody_and_the_same_ones_nobody() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let one = || rule("reminders", "1", true, &["key"]);
        store.see_rules(vec![one()], at(NOON)).await.expect("rules");
        let mut later = NOON;
        let wide = || vec![rule("reminders", "2", true, &["key", "small"])];
        let widened = [at(NOON), at("2026-06-30T04:00:00Z")];
        for (rules, wakes, expected) in [
            (vec![one()], false, &widened[..0]),
            (vec![rule("reminders", "2", true, &["key"])], true, &widened[..0]),
            (wide(), true, &widened[..]),
            (vec![], true, &widened[..0]),
            (vec![], false, &widened[..0]),
            // Taken out and put back, it begins anew.
            (wide(), true, &widened[1..]),
        ] {
            settle(&store, later, None).await;
            later = "2026-06-30T04:00:00Z";
            let seen = store.see_rules(rules.clone(), at(later)).await.expect("rules");
            assert_eq!(!names_due(&store, later).await.is_empty(), wakes, "{rules:?}");
            if let Some(seen) = seen.values().next().filter(|_| rules[0].audience.r#where.segment.len() == 2)
            {
                let moments: Vec<_> = seen.audiences.iter().map(|(_, at)| *at).collect();
                assert_eq!(moments, expected, "{rules:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_changed_unless_is_an_audience_of_its_own() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let mut rule = rule("reminders", "1", true, &[]);
        rule.audience.unless = among(&["small"]);
        store.see_rules(vec![rule.clone()], at(NOON)).await.expect("rules");
        let strict = rule.audience.clone();
        rule.audience.unless = Filter::default();
        let later = at("2026-06-30T04:00:00Z");
        for _ in 0..2 {
            let seen = store.see_rules(vec![rule.clone()], later).await.expect("rules");
            let expected = vec![(strict.clone(), at(NOON)), (Audience::default(), later)];
            assert_eq!(seen[&rule.name].audiences, expected);
        }
    }
}

#[tokio::test]
async fn audiences_written_when_they_were_only_filters_are_still_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    drop(SqliteStore::open(&file, options()).expect("a store"));
    let since = at(NOON).as_microsecond();
    let old = format!(r#"[[{{"kind":[],"min_balance":{{"CNY":"100"}},"segment":["key"]}},{since}]]"#);
    let conn = rusqlite::Connection::open(&file).expect("a database");
    let insert = "INSERT INTO rules (name, fingerprint, audiences, in_force) VALUES ('thanks', '1', ?1, 1)";
    conn.execute(insert, [old]).expect("a row");
    drop(conn);
    let store = SqliteStore::open(&file, options()).expect("a store");
    let mut rule = rule("thanks", "1", false, &["key"]);
    rule.audience.r#where.min_balance.insert("CNY".to_owned(), 100.into());
    let seen = store.see_rules(vec![rule.clone()], at("2026-06-30T04:00:00Z")).await.expect("rules");
    assert_eq!(seen[&rule.name].audiences, [(rule.audience, at(NOON))]);
}

#[tokio::test]
async fn a_plan_made_by_the_old_rules_does_not_put_anybody_to_rest() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        store.see_rules(vec![rule("reminders", "1", true, &[])], at(NOON)).await.expect("rules");
        let read = names_due(&store, NOON).await;
        store.see_rules(vec![rule("reminders", "2", true, &[])], at(NOON)).await.expect("rules");
        let plans = read.iter().map(|name| quiet(name, None)).collect();
        store.enqueue(plans, at(NOON)).await.expect("plans");
        assert_eq!(names_due(&store, NOON).await, read);
    }
}

#[tokio::test]
async fn what_becomes_of_a_letter_is_known_where_its_claim_has_moved() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let moved = RECEIVABLES.replace("R1,C1,", "R1,C3,");
        import(&store, folder.path(), ImportKind::Receivables, &moved).await;
        let state = async |store: &SqliteStore| {
            let facts = due(store, NOON).await;
            let of = facts.iter().find(|facts| facts.relationship.as_str() == "customer:C3").expect("due");
            of.customers[0].notices[0].state
        };
        assert_eq!(state(&store).await, LetterState::Queued);
        let why = "it is no longer hers".to_owned();
        assert!(store.set_aside(letter, 0, SetAside::Hold, why, at(NOON)).await.expect("an answer"));
        assert_eq!(state(&store).await, LetterState::Held);
    }
}

#[tokio::test]
async fn what_is_out_of_reach_is_in_no_facts_and_comes_back_with_it() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let paid = RECEIVABLES.replace("2026-06-10,open", "2026-06-10,paid");
        import(&store, folder.path(), ImportKind::Receivables, &paid).await;
        let events = "id,customer_id,kind,occurred_at\nE1,C1,visit,2026-06-01T10:00:00Z\n";
        import(&store, folder.path(), ImportKind::Events, events).await;
        let ann = async |events_since: &str, settled_since: &str| {
            let reach =
                Reach { events_since: at(events_since), settled_since: day(settled_since), ..reach() };
            let facts = store.facts(at(NOON), reach, None, 1).await.expect("facts");
            (facts[0].customers[0].events.len(), facts[0].customers[0].receivables.len())
        };
        for _ in 0..2 {
            assert_eq!(ann("2026-05-01T00:00:00Z", "2026-05-01").await, (1, 2));
            assert_eq!(ann("2026-06-01T10:00:00Z", "2026-05-01").await, (1, 2));
            assert_eq!(ann("2026-06-01T10:00:01Z", "2026-05-01").await, (0, 2));
            assert_eq!(ann("2026-06-02T00:00:00Z", "2027-01-01").await, (0, 1));
        }
    }
}
