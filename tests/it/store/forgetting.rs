//! Whoever asks to be forgotten is, and nothing goes twice for it.

use std::fmt::Write as _;

use courtesy::domain::customer::{Class, Suppression};
use courtesy::domain::delivery::Transition;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::{Draft, LetterState};
use courtesy::store::sqlite::{Forget, Forgotten, SqliteStore};
use courtesy::store::{ImportKind, Record, Store, StoreError, With};
use rusqlite::Connection;

use super::tidying::{contains, on_disk};
use super::world::*;

pub fn order(customer: &str) -> Forget {
    Forget {
        customer: customer.into(),
        who: "tester".to_owned(),
        because: "asked in writing".to_owned(),
        with_open_claims: false,
        ours: vec!["lina@ours.example.test".to_owned()],
        dry_run: false,
        rewrite: false,
    }
}

async fn forget(store: &SqliteStore, order: Forget) -> Result<Forgotten, StoreError> {
    store.forget(order, at("2026-07-10T00:00:00Z")).await
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    match answer {
        Err(StoreError::Refused(why) | StoreError::NotFound(why)) => why,
        other => panic!("{other:?} instead of a refusal"),
    }
}

async fn all_settled(store: &SqliteStore, folder: &std::path::Path) {
    let paid = "id,receivable_id,amount,received_on\nP1,R1,100,2026-06-28\nP2,R2,50,2026-06-28\n";
    import(store, folder, ImportKind::Payments, paid).await;
}

async fn end(store: &SqliteStore, letter: LetterId, state: LetterState) {
    let read = claim(store, letter).await;
    begin(store, read).await;
    let reason = "451 <ann@example.test> later".to_owned();
    let transition = Transition { state, next_attempt_at: None, reason, suppress: false, maybe_sent: false };
    store.finish_attempt(letter, 1, transition, vec![], at("2026-06-29T07:00:05Z")).await.expect("noted");
}

async fn thanks(store: &SqliteStore, stage: &str) -> LetterId {
    let passed_over = vec!["friendly: address suppressed (550 <ann@example.test>)".to_owned()];
    queue(store, Draft { class: Class::Courtesy, passed_over, ..draft(stage, &["R1"]) }).await
}

#[tokio::test]
async fn something_owed_or_a_letter_on_its_way_keeps_everything_as_it_is() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let before = due(&store, NOON).await;
        let why = refusal(forget(&store, order("C1")).await);
        assert!(why.contains("R2, R1") && why.contains("17, 3 e"), "{why}");
        let shown = forget(&store, Forget { dry_run: true, ..order("C1") }).await.expect("it is only shown");
        assert_eq!((shown.open, shown.claims_kept), (vec!["R2".to_owned(), "R1".to_owned()], 2));
        assert_eq!(due(&store, NOON).await, before);

        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let read = claim(&store, letter).await;
        begin(&store, read).await;
        let with_open_claims = true;
        let why = refusal(forget(&store, Forget { with_open_claims, ..order("C1") }).await);
        assert!(why.contains("letter 1 is just on its way"), "{why}");
        let why = refusal(forget(&store, order("c1")).await);
        assert!(why.contains("did you mean `C1` (Morning Star)"), "{why}");
    }
}

#[tokio::test]
async fn letters_that_wait_are_cancelled_and_what_may_have_arrived_never_goes_again() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let waiting = thanks(&store, "one").await;
        let uncertain = thanks(&store, "two").await;
        end(&store, uncertain, LetterState::Uncertain).await;
        let sent = thanks(&store, "three").await;
        end(&store, sent, LetterState::Sent).await;
        all_settled(&store, folder.path()).await;
        let done = forget(&store, order("C1")).await.expect("forgotten");
        assert_eq!((done.cancelled, done.assumed, done.letters), (1, 1, 2), "{done:?}");
        for (letter, state) in
            [(waiting, LetterState::Cancelled), (uncertain, LetterState::Assumed), (sent, LetterState::Sent)]
        {
            let row = row(&store, letter).await;
            assert_eq!((row.state, row.draft.passed_over), (state, vec![]));
            if let Some(made) = row.made {
                assert_eq!(
                    (made.subject.as_str(), made.parcel.to.as_str()),
                    ("", "forgotten@customer.invalid")
                );
                assert!(made.parcel.bytes.is_empty() && !row.reason.contains('@'), "{}", row.reason);
                assert_eq!(row.emptied.expect("it is said").because, "when the customer was forgotten");
            }
        }
        // Its stages stay taken.
        let again =
            planned("customer:C1", vec![Draft { class: Class::Courtesy, ..draft("two", &["R1"]) }], None);
        assert_eq!(store.enqueue(vec![again], at(NOON)).await.expect("a plan").letters, []);
        assert!(store.history("C1".into()).await.expect("a history").len() > 3);
    }
}

#[tokio::test]
async fn an_address_that_another_customer_has_stays_theirs() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        all_settled(&store, folder.path()).await;
        let none = Suppression { address: "ann@example.test".into(), classes: vec![], cause: "550".into() };
        store.suppress(none.clone(), String::new(), at(NOON)).await.expect("suppressed");
        let done = forget(&store, order("C1")).await.expect("forgotten");
        assert_eq!((done.elsewhere, done.addresses), (vec!["customer C2".to_owned()], 0));
        assert_eq!(store.suppressions().await.expect("a list")[0].suppression, none);
        let facts = due(&store, NOON).await;
        let theirs =
            facts.iter().find(|facts| facts.relationship.as_str() == "ann@example.test").expect("C2's");
        assert_eq!(theirs.customers.len(), 1);
        let own = facts.iter().find(|facts| facts.relationship.as_str() == "customer:C1").expect("C1's");
        let customer = &own.customers[0].customer;
        assert!(customer.forgotten_at.is_some() && customer.address.is_err() && customer.owner.is_some());
    }
}

#[tokio::test]
async fn an_import_brings_nothing_back_until_a_person_says_so_and_what_was_unwanted_stays_so() {
    for (store, folder) in both() {
        let alone = CUSTOMERS.replace("Ann@Example.test", "bea@example.test");
        import(&store, folder.path(), ImportKind::Customers, &alone).await;
        import(&store, folder.path(), ImportKind::Receivables, RECEIVABLES).await;
        all_settled(&store, folder.path()).await;
        let dead =
            Suppression { address: "ann@example.test".into(), classes: vec![], cause: "Ann left".into() };
        store.suppress(dead, "tester".into(), at(NOON)).await.expect("suppressed");
        forget(&store, order("C1")).await.expect("forgotten");
        assert_eq!(store.suppressions().await.expect("a list"), []);

        let report = import(&store, folder.path(), ImportKind::Customers, &alone).await;
        assert_eq!((report.forgotten, report.changed), (vec!["C1".to_owned()], 0));
        let more = format!(
            "{},guarantor_email,description\n{}\nR9,C1,invoice,9,EUR,2026-08-01,open,gus@example.test,Lessons for Ann\n",
            RECEIVABLES.lines().next().expect("a head"),
            RECEIVABLES.lines().skip(1).map(|line| format!("{line},,")).collect::<Vec<_>>().join("\n"),
        );
        let report = import(&store, folder.path(), ImportKind::Receivables, &more).await;
        assert_eq!((report.forgotten, report.added), (vec!["C1".to_owned()], 1));
        let report = import(&store, folder.path(), ImportKind::Receivables, &more).await;
        assert_eq!((report.added, report.changed), (0, 0), "the same file twice");
        let events = "id,customer_id,kind,occurred_at,outcome,note\nE9,C1,visit,2026-06-29T10:00,positive,Ann was ill\n";
        assert_eq!(import(&store, folder.path(), ImportKind::Events, events).await.forgotten, ["C1"]);
        let facts = due(&store, NOON).await;
        let of = facts.iter().flat_map(|facts| &facts.customers).find(|of| of.customer.id.as_str() == "C1");
        let of = of.expect("it is known by its number");
        assert_eq!(
            (&of.customer.name[..], &of.events[0].note, of.events[0].outcome),
            ("forgotten", &None, None)
        );
        let new = of.receivables.iter().find(|item| item.id.as_str() == "R9").expect("it is booked");
        assert!(new.guarantor.is_none() && new.description.is_none());

        let visit = Record::Event {
            id: None,
            with: With::Customer("C1".into()),
            kind: "visit".into(),
            occurred_at: at(NOON),
            outcome: None,
            product: None,
            note: Some("Ann again".into()),
        };
        let why = refusal(store.record(visit, at(NOON)).await);
        assert!(why.contains("was forgotten on 2026-07-10"), "{why}");

        let back = |why: &str| store.remember("C1".into(), "tester".into(), why.into(), at(NOON));
        assert!(back("bought again").await.expect("taken back") && !back("").await.expect("once"));
        import(&store, folder.path(), ImportKind::Customers, &alone).await;
        let known: Vec<_> =
            store.suppressions().await.expect("a list").into_iter().map(|s| s.suppression).collect();
        assert_eq!(known.len(), 2, "all classes, and what can be unsubscribed from: {known:?}");
        assert!(known.iter().all(|one| one.address == "ann@example.test" && !one.cause.contains("Ann")));
        let history = store.history("C1".into()).await.expect("a history");
        let said: Vec<_> = history.iter().map(|entry| entry.what).collect();
        assert!(said.contains(&"forgotten") && said.contains(&"no longer forgotten"), "{said:?}");
    }
}

#[tokio::test]
async fn forgetting_twice_is_forgetting_once() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        all_settled(&store, folder.path()).await;
        let first = forget(&store, order("C1")).await.expect("forgotten");
        let again = forget(&store, order("C1")).await.expect("forgotten");
        assert_eq!((first.before, again.before), (None, Some(at("2026-07-10T00:00:00Z"))));
        let nothing = Forgotten { before: again.before, ..Forgotten::default() };
        let kept = Forgotten { claims_kept: 0, payments_kept: 0, rewritten: false, wiped: false, ..again };
        assert_eq!(kept, nothing, "there was nothing left to go");
        assert_eq!(store.forgotten().await.expect("a list").len(), 1);
    }
}

#[tokio::test]
async fn nothing_of_one_among_thousands_is_left_on_the_disk_while_the_store_is_open() {
    let (store, folder) = both().remove(0);
    let mut rows = "id,name,email,contact_name,segment,attributes\n".to_owned();
    // In an order in which pages are divided again and again.
    for n in (0..3_000).map(|n| (n * 1_009) % 3_000) {
        writeln!(
            rows,
            "K{n},Zelma Quist {n},zq{n}@zelma.test,Quirin{n},s,\"{{\"\"dog\"\":\"\"Fido{n}\"\"}}\""
        )
        .expect("a text");
    }
    import(&store, folder.path(), ImportKind::Customers, &rows).await;
    import(
        &store,
        folder.path(),
        ImportKind::Customers,
        &rows.replace("Quirin", "Quirina").replace("@zelma.test", "@quist.test"),
    )
    .await;
    for n in [0, 1_517, 2_999] {
        let traces = [
            format!("Zelma Quist {n}\n"),
            format!("zq{n}@quist"),
            format!("Quirin{n}"),
            format!("Quirina{n}"),
            format!("Fido{n}\""),
            format!("zq{n}@zelma"),
        ];
        let bytes = on_disk(&store);
        assert!(contains(&bytes, &traces[1]) && contains(&bytes, &traces[3]));
        let done = forget(&store, order(&format!("K{n}"))).await.expect("forgotten");
        assert!(done.wiped && done.addresses == 1, "{done:?}");
        let bytes = on_disk(&store);
        for trace in &traces {
            // The number of another one may begin with this one's.
            let alone = trace.trim_end().as_bytes();
            let found = bytes
                .windows(alone.len() + 1)
                .filter(|window| window.starts_with(alone) && !window[alone.len()].is_ascii_digit());
            assert_eq!(found.count(), 0, "{trace}");
        }
    }
    assert_eq!(store.forgotten().await.expect("a list").len(), 3);
}

#[tokio::test]
async fn a_store_of_the_schema_before_forgets_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("courtesy.db");
    drop(SqliteStore::open(&file, options()).expect("a store"));
    let ask = |pragma: &str| -> i64 {
        let conn = Connection::open(&file).expect("a database");
        conn.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).expect("a number")
    };
    let (application, newest) = (ask("application_id"), ask("user_version"));
    std::fs::remove_file(&file).expect("gone");
    let old = Connection::open(&file).expect("a database");
    for sql in [
        include_str!("../../../src/store/migrations/0001.sql"),
        include_str!("../../../src/store/migrations/0002.sql"),
        include_str!("../../../src/store/migrations/0003.sql"),
        include_str!("../../../src/store/migrations/0004.sql"),
        include_str!("../../../src/store/migrations/0005.sql"),
    ] {
        old.execute_batch(sql).expect("a step");
    }
    old.execute_batch(&format!(
        "PRAGMA application_id = {application}; PRAGMA user_version = 5;
         INSERT INTO relationships (key, name) VALUES (7, 'ann@example.test');
         INSERT INTO customers (key, id, relationship, name, email) VALUES (1, 'C1', 7, 'Ann Lee', 'ann@example.test');
         INSERT INTO letters (id, customer, rule, stage, class, template, recipients, copies, approve, priority,
             not_before, passed_over, state, reason, queued_at, next_attempt_at, finished_at, day)
         VALUES (1, 1, 'visit-thanks', 'thanks', 'courtesy', 't', 'customer', '', 0, 200, 1, '[]', 'sent', '250 Ok',
             1, 1, 2, '1970-01-01');
         INSERT INTO made VALUES (1, 'en', 'Dear Ann', 'f', 'a@ours.test', 'ann@example.test', '', 'm@ours.test',
             CAST('Thanks, Ann' AS BLOB));"
    ))
    .expect("a letter of before");
    drop(old);
    let store = SqliteStore::open(&file, options()).expect("it is brought up to date");
    let done = forget(&store, order("C1")).await.expect("forgotten");
    assert_eq!((done.letters, done.addresses, done.rewritten, done.wiped), (1, 1, true, true));
    let bytes = on_disk(&store);
    assert!(!contains(&bytes, "Ann") && !contains(&bytes, "ann@example"), "also what lay in free pages");
    assert_eq!(row(&store, LetterId(1)).await.state, LetterState::Sent);
    drop(store);
    assert_eq!(ask("user_version"), newest);
}
