//! What a person writes down.

use courtesy::domain::facts::Facts;
use courtesy::domain::ids::CustomerId;
use courtesy::domain::receivable::{PauseCause, Status};
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, Payers, Record, Recorded, Store, StoreError, With};

use super::world::*;

async fn record(store: &SqliteStore, record: Record) -> Recorded {
    store.record(record, at(NOON)).await.expect("recorded")
}

fn payment(receivable: Option<&str>, amount: &str) -> Record {
    Record::Payment {
        id: None,
        receivable: receivable.map(Into::into),
        customer: receivable.is_none().then(|| "C1".into()),
        amount: amount.into(),
        currency: None,
        received_on: day("2026-06-28"),
    }
}

fn status(status: Status) -> Record {
    Record::Status { receivable: "R1".into(), status, today: day("2026-06-29") }
}

fn promise(amount: Option<&str>, promised_on: &str) -> Record {
    Record::Promise {
        receivable: "R1".into(),
        promised_on: day(promised_on),
        amount: amount.map(Into::into),
        until: day(promised_on),
        latest: day("2026-07-29"),
        at_most: 2,
        who: "Li Na".into(),
        reason: "called".into(),
    }
}

#[tokio::test]
async fn recording_the_same_twice_is_noticed() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let event = Record::Event {
            id: None,
            with: With::Customer("C1".into()),
            kind: " Visit".into(),
            occurred_at: at(NOON),
            outcome: None,
            product: None,
            note: None,
        };
        let hold = Record::Pause {
            cause: PauseCause::Hold,
            receivable: None,
            customer: Some("C1".into()),
            from: day("2026-06-29"),
            until: None,
            who: "Li Na".into(),
            reason: "fire at theirs".into(),
        };
        for what in
            [payment(Some("R1"), "40"), event, hold, promise(None, "2026-07-05"), status(Status::Legal)]
        {
            let first = record(&store, what.clone()).await;
            assert!(first.new, "{first:?}");
            let second = record(&store, what).await;
            assert!(!second.new, "{second:?}");
        }
        let facts = due(&store, NOON).await;
        let ann = &facts[0].customers[0];
        assert_eq!((ann.events.len(), ann.events[0].kind.as_str()), (1, "visit"));
        assert_eq!(ann.pauses.len(), 1);
        let item =
            ann.receivables.iter().find(|item| item.id.as_str() == "R1").expect("closed before our eyes");
        assert_eq!((item.payments.len(), item.promises.len(), item.status), (1, 1, Status::Legal));
    }
}

#[tokio::test]
async fn a_recorded_payment_that_the_books_list_later_counts_once() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        record(&store, payment(Some("R1"), "40")).await;
        let payments =
            "id,receivable_id,amount,received_on\nB7,R1,40.00,2026-06-28\nB8,R1,40.00,2026-06-28\n";
        let report = import(&store, folder.path(), ImportKind::Payments, payments).await;
        assert_eq!((report.added, report.unchanged), (1, 1), "one was known, the other is another");
        let report = import(&store, folder.path(), ImportKind::Payments, payments).await;
        assert_eq!((report.added, report.changed, report.unchanged), (0, 0, 2));
        let facts = due(&store, NOON).await;
        assert_eq!(facts[0].customers[0].receivables[1].balance().to_string(), "20.00 EUR");
    }
}

#[tokio::test]
async fn a_recorded_payment_that_the_books_date_otherwise_counts_once_where_it_would_overpay() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        record(&store, payment(Some("R1"), "100")).await;
        let list = |rows: &str| format!("id,receivable_id,amount,received_on\n{rows}");
        let books = list("B7,R1,100.00,2026-06-30\n");
        let report = import(&store, folder.path(), ImportKind::Payments, &books).await;
        assert_eq!((report.added, report.changed), (0, 1));
        let report = import(&store, folder.path(), ImportKind::Payments, &books).await;
        assert_eq!(report.unchanged, 1, "the books' date stands");
        // Half of it twice may be two payments: both count.
        record(&store, payment(Some("R2"), "25")).await;
        let report =
            import(&store, folder.path(), ImportKind::Payments, &list("B9,R2,25,2026-06-30\n")).await;
        assert_eq!(report.added, 1);
        // So does the whole of it again a month later, as a credit.
        let report =
            import(&store, folder.path(), ImportKind::Payments, &list("B8,R1,100,2026-07-30\n")).await;
        assert_eq!(report.added, 1);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_what_may_be_meant() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        for (what, part) in [
            (payment(Some("r1"), "1"), "did you mean `R1`?"),
            (payment(Some("RR1"), "1"), "did you mean `R1`?"),
            (payment(Some("X"), "1"), "no receivable `X`"),
            (payment(Some("R1"), "1,50"), "`1,50` is not an amount"),
            (payment(None, "1"), "needs a currency"),
            (payment(Some("R1"), "0"), "a payment of nothing"),
            (promise(None, "2026-06-01"), "is over"),
            (promise(Some("-1"), "2026-07-01"), "promises nothing"),
        ] {
            let told = store.record(what.clone(), at(NOON)).await.expect_err("an error");
            assert!(matches!(told, StoreError::NotFound(_) | StoreError::Refused(_)));
            assert!(told.to_string().contains(part), "{told}");
        }
        let told = store.history(CustomerId::from("morning star")).await.expect_err("an error");
        assert_eq!(told.to_string(), "no customer `morning star`; did you mean `C1` (Morning Star)?");
    }
}

#[tokio::test]
async fn a_new_promise_takes_the_place_of_the_pending_one_and_both_count() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        record(&store, promise(None, "2026-07-05")).await;
        let later = "2026-07-02T04:00:00Z";
        store.record(promise(Some("60"), "2026-07-09"), at(later)).await.expect("recorded");
        let facts = due(&store, NOON).await;
        let promises: Vec<_> = facts[0].customers[0].receivables[1]
            .promises
            .iter()
            .map(|p| (p.made_on, p.promised_on, p.ended_on, p.binding))
            .collect();
        assert_eq!(
            promises,
            [
                (day("2026-06-29"), day("2026-07-05"), Some(day("2026-07-01")), true),
                (day("2026-07-02"), day("2026-07-09"), None, true),
            ]
        );
        // The third is beyond the limit: it is known, and ends nothing.
        let third = store.record(promise(None, "2026-07-10"), at(later)).await.expect("recorded");
        assert!(third.sentence.contains("reminders go on: 2 were made before"), "{}", third.sentence);
        let facts = due(&store, NOON).await;
        let promises = &facts[0].customers[0].receivables[1].promises;
        assert_eq!((promises[1].ended_on, promises[2].binding), (None, false));
    }
}

#[tokio::test]
async fn a_pause_ends_on_the_day_it_is_ended() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let disputed = RECEIVABLES.replace("2026-06-20,open", "2026-06-20,disputed");
        import(&store, folder.path(), ImportKind::Receivables, &disputed).await;
        let item = |facts: &[std::sync::Arc<Facts>]| facts[0].customers[0].receivables[1].clone();
        let facts = due(&store, NOON).await;
        assert_eq!((item(&facts).status, item(&facts).pauses[0].until), (Status::Disputed, None));
        let resume = Record::Resume {
            cause: PauseCause::Dispute,
            receivable: Some("R1".into()),
            customer: None,
            until: day("2026-07-03"),
        };
        assert!(record(&store, resume.clone()).await.new);
        assert!(!record(&store, resume).await.new);
        let facts = due(&store, NOON).await;
        assert_eq!(
            (item(&facts).status, item(&facts).pauses[0].until),
            (Status::Open, Some(day("2026-07-03")))
        );
        // The books still say disputed; a person knows better until they say something new.
        import(&store, folder.path(), ImportKind::Receivables, &disputed).await;
        assert_eq!(item(&due(&store, NOON).await).status, Status::Open);
    }
}

#[tokio::test]
async fn history_tells_what_was_recorded_and_changed() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        record(&store, payment(Some("R1"), "40")).await;
        record(&store, promise(Some("60"), "2026-07-05")).await;
        record(&store, status(Status::Legal)).await;
        let moved = RECEIVABLES.replace("2026-06-10", "2026-07-31");
        import(&store, folder.path(), ImportKind::Receivables, &moved).await;
        let lines: Vec<_> = store
            .history(CustomerId::from("C1"))
            .await
            .expect("a history")
            .iter()
            .map(|entry| format!("{} {}: {}", entry.what, entry.about, entry.detail))
            .collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert!(lines[0].starts_with("payment R1: 40.00 EUR (r-"), "{lines:?}");
        assert!(
            lines.contains(&"promise R1: 60.00 by 2026-07-05, until 2026-07-05; called (Li Na)".to_owned())
        );
        assert!(lines.contains(&"status R1: open -> legal (person)".to_owned()), "{lines:?}");
        assert!(lines.contains(&"due_on R2: 2026-06-10 -> 2026-07-31 (import)".to_owned()), "{lines:?}");
    }
}

#[tokio::test]
async fn an_acknowledgement_is_kept_once_a_day_and_stands_in_the_history() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let acknowledgement = || Record::Acknowledgement {
            receivable: Some("R1".into()),
            customer: None,
            acknowledged_on: day("2026-06-29"),
            who: "lin".to_owned(),
            reason: "signed statement".to_owned(),
        };
        assert!(record(&store, acknowledgement()).await.new);
        assert!(!record(&store, acknowledgement()).await.new);
        let history = store.history(CustomerId::from("C1")).await.expect("a history");
        let found: Vec<_> = history.iter().filter(|entry| entry.what == "acknowledgement").collect();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].detail, "signed statement (lin)");
    }
}

fn news(id: Option<&str>, with: With, occurred_at: &str) -> Record {
    Record::Event {
        id: id.map(Into::into),
        with,
        kind: "announcement".into(),
        occurred_at: at(occurred_at),
        outcome: None,
        product: None,
        note: None,
    }
}

#[tokio::test]
async fn one_event_with_many_is_one_for_each_and_once_a_day() {
    let customers =
        "id,name,segment,tags\nD1,One,dentist,regular; key\nD2,Two,dentist,\nF1,Three,farmer,regular\n";
    let dentists = || With::Segment("dentist".into());
    for (store, folder) in both() {
        import(&store, folder.path(), ImportKind::Customers, customers).await;
        settle(&store, NOON, None).await;
        let first = record(&store, news(None, dentists(), NOON)).await;
        assert_eq!(first.sentence, "announcement with 2 customers of segment `dentist`");
        assert_eq!(names_due(&store, NOON).await, ["customer:D1", "customer:D2"]);
        let again = record(&store, news(None, dentists(), "2026-06-29T09:30:00Z")).await;
        assert!(!again.new, "{again:?}");
        assert_eq!(
            again.sentence,
            "announcement with 2 customers of segment `dentist`; 2 already there, on 2026-06-29: give another an \
             --id of its own"
        );
        let regulars = record(&store, news(None, With::Tag("regular".into()), NOON)).await;
        assert_eq!(
            regulars.sentence,
            "announcement with 2 customers with tag `regular`; 1 new, 1 already there"
        );
        for (id, new) in [("news-7", true), ("news-7", false), ("news-8", true)] {
            let all = record(&store, news(Some(id), With::Everyone, NOON)).await;
            assert_eq!(all.new, new, "{all:?}");
        }
        let tomorrow = record(&store, news(None, dentists(), "2026-06-30T04:00:00Z")).await;
        assert_eq!(tomorrow.sentence, "announcement with 2 customers of segment `dentist`");
        let counts: Vec<_> =
            due(&store, NOON).await.iter().map(|facts| facts.customers[0].events.len()).collect();
        assert_eq!(counts, [4, 4, 3]);
    }
}

#[tokio::test]
async fn an_event_with_nobody_or_with_a_number_that_is_taken_is_refused_whole() {
    for (store, folder) in both() {
        let customers = "id,name,segment,tags\nD1,One,dentist,regular\nD2,Two,dentist,\n";
        import(&store, folder.path(), ImportKind::Customers, customers).await;
        let taken = news(Some("news/D2"), With::Customer("D2".into()), "2026-01-01T00:00:00Z");
        assert!(record(&store, taken).await.new);
        for (with, part) in [
            (
                With::Segment("dentists".into()),
                "no customer is of segment `dentists`; did you mean `dentist`?",
            ),
            (With::Tag("vip".into()), "no customer has the tag `vip`"),
            (With::Everyone, "there is another event `news/D2`; give this one a number of its own"),
        ] {
            let told = store.record(news(Some("news"), with, NOON), at(NOON)).await.expect_err("an error");
            assert_eq!(told.to_string(), part);
        }
        let events: Vec<_> =
            due(&store, NOON).await.iter().map(|facts| facts.customers[0].events.len()).collect();
        assert_eq!(events, [0, 1], "not even the first");
    }
}

#[tokio::test]
async fn an_odd_payment_is_recorded_and_said_so() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let paid = |receivable: &str, amount: &str, on: &str| Record::Payment {
            id: Some(format!("{receivable}-{amount}")),
            receivable: Some(receivable.into()),
            customer: None,
            amount: amount.into(),
            currency: None,
            received_on: day(on),
        };
        for (what, told) in [
            (paid("R1", "40", "2026-06-29"), ", its balance is 60.00 EUR"),
            (paid("R1", "60", "2026-06-29"), ", its balance is 0.00 EUR"),
            (
                paid("R2", "80", "2026-06-29"),
                ", its balance is -30.00 EUR; 30.00 EUR more than was owed, which counts as credit",
            ),
            (
                paid("R2", "5", "2026-06-29"),
                ", its balance is -35.00 EUR; 5.00 EUR more than was owed, which counts as credit",
            ),
            (paid("R2", "-10", "2026-06-29"), ", its balance is -25.00 EUR"),
            (
                paid("R3", "10", "2026-06-30"),
                ", its balance is 990.00 CNY; 2026-06-30 is still to come, and it counts already",
            ),
            (paid("R4", "70", "2026-06-29"), "; it was not awaited, for the status is paid"),
        ] {
            let recorded = record(&store, what).await;
            let (_, after) = recorded.sentence.split_once("for receivable `").expect("the claim");
            assert_eq!(&after[3..], told);
        }
    }
}

#[tokio::test]
async fn whoever_settled_everything_in_time_pays_in_time() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let day_of = |text| day(text);
        assert_eq!(store.payers(day_of("2026-01-01")).await.expect("a count"), Payers::default());
        // C1 pays one claim in time and one too late, C2 its only one ahead.
        for (claim, amount, on) in
            [("R1", "100", "2026-06-23"), ("R2", "50", "2026-06-23"), ("R3", "1000", "2026-06-28")]
        {
            let mut paid = payment(Some(claim), amount);
            if let Record::Payment { received_on, .. } = &mut paid {
                *received_on = day_of(on);
            }
            record(&store, paid).await;
        }
        assert_eq!(store.payers(day_of("2026-01-01")).await.expect("a count"), Payers { all: 2, on_time: 1 });
        assert_eq!(store.payers(day_of("2026-06-24")).await.expect("a count"), Payers { all: 1, on_time: 1 });
    }
}
