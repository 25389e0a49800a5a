//! The outbox: queued once, fenced, recovered.

use courtesy::domain::address::Address;
use courtesy::domain::delivery::{LeftOut, Reply, Transition};
use courtesy::domain::ids::{CustomerId, LetterId};
use courtesy::domain::notice::{LetterState, Priority};
use courtesy::domain::settings::Guards;
use courtesy::store::sqlite::{Decision, SqliteStore};
use courtesy::store::{Begun, ImportKind, OutboxFilter, SetAside, Store, StoreError};

use jiff::Timestamp;

use super::world::*;

fn to(state: LetterState) -> Transition {
    Transition {
        state,
        next_attempt_at: None,
        reason: format!("became {state}"),
        suppress: false,
        maybe_sent: false,
    }
}

async fn finish(store: &SqliteStore, letter: LetterId, attempt: u32, transition: Transition) {
    store
        .finish_attempt(letter, attempt, transition, vec![], at("2026-06-29T07:00:05Z"))
        .await
        .expect("noted");
}

#[tokio::test]
async fn a_draft_comes_back_as_it_was_decided() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let mut odd = draft("firm", &["R1", "R2"]);
        odd.deadline = None;
        odd.budget = None;
        odd.cc = vec![];
        odd.passed_over = vec![];
        odd.lines[1].leading = true;
        odd.lines[1].offset = "+10bd".parse().expect("an offset");
        for draft in [draft("friendly", &["R1", "R2"]), odd] {
            let letter = queue(&store, draft.clone()).await;
            let row = row(&store, letter).await;
            assert_eq!(row.draft, draft);
            assert_eq!(
                (row.state, row.attempts, row.next_attempt_at),
                (LetterState::Queued, 0, draft.not_before)
            );
            assert_eq!((row.queued_at, row.first_attempt_at, row.made), (at(NOON), None, None));
        }
    }
}

#[tokio::test]
async fn what_comes_once_a_month_is_not_unusual_after_a_long_month_and_holidays() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        queue(&store, draft("friendly", &["R1"])).await;
        for (now, busiest) in
            [("2026-07-30T07:00:00Z", 1), ("2026-08-12T07:00:00Z", 1), ("2026-08-14T07:00:00Z", 0)]
        {
            let standing = store.standing(Guards::default(), at(now)).await.expect("it stands");
            assert_eq!(standing.volumes.busiest, busiest, "{now}");
        }
    }
}

#[tokio::test]
async fn a_notice_is_carried_by_one_live_letter_only() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let again = planned(
            "ann@example.test",
            vec![draft("friendly", &["R1"]), draft("friendly", &["R2", "R1"])],
            None,
        );
        assert_eq!(store.enqueue(vec![again.clone()], at(NOON)).await.expect("a plan").letters, []);
        // Once its letter is over without having been sent, it is free.
        store.set_aside(letter, 0, SetAside::Cancel, "paid".into(), at(NOON)).await.expect("an answer");
        let freed = store.enqueue(vec![again], at(NOON)).await.expect("a plan").letters;
        assert_eq!(freed.len(), 1, "the second draft would carry R1 too");
        assert_eq!(due(&store, NOON).await[0].customers[0].notices.len(), 1);
    }
}

#[tokio::test]
async fn the_most_important_letter_goes_first_and_none_before_its_time() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let mut thanks = draft("thanks", &["R2"]);
        thanks.priority = Priority::THANKS;
        let mut later = draft("final", &["R2"]);
        later.not_before = at("2026-06-30T07:00:00Z");
        let mut approve = draft("approve", &["R2"]);
        approve.approve = true;
        let thanks = queue(&store, thanks).await;
        let reminder = queue(&store, draft("friendly", &["R1"])).await;
        let later = queue(&store, later).await;
        let approve = queue(&store, approve).await;
        assert_eq!(store.claimable(at("2026-06-29T06:59:59Z"), 9).await.expect("ids"), []);
        assert_eq!(
            store.next_due_at().await.expect("now"),
            Some(Timestamp::UNIX_EPOCH),
            "somebody to look at"
        );
        settle(&store, NOON, None).await;
        assert_eq!(store.next_due_at().await.expect("one"), Some(at("2026-06-29T07:00:00Z")));
        assert_eq!(store.claimable(at("2026-06-29T07:00:00Z"), 9).await.expect("ids"), [reminder, thanks]);
        assert_eq!(
            store.claimable(at("2026-07-29T07:00:00Z"), 9).await.expect("ids"),
            [reminder, later, thanks]
        );
        assert_eq!(store.claimable(at("2026-07-29T07:00:00Z"), 1).await.expect("ids"), [reminder]);
        let held = row(&store, approve).await;
        assert_eq!((held.state, held.reason.as_str(), held.approved), (LetterState::Held, "approval", false));
        let now = at("2026-06-30T08:00:00Z");
        store.decide(approve, Decision::Release, "go".into(), now).await.expect("released");
        let released = row(&store, approve).await;
        assert_eq!(
            (released.state, released.approved, released.next_attempt_at),
            (LetterState::Queued, true, now)
        );
    }
}

#[tokio::test]
async fn an_attempt_keeps_the_bytes_and_its_end_is_fenced() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let first = claim(&store, letter).await;
        assert_eq!(begin(&store, first.clone()).await, Begun::Attempt(1));
        let sending = row(&store, letter).await;
        assert_eq!((sending.state, sending.attempts), (LetterState::Sending, 1));
        assert_eq!(
            (sending.made, sending.first_attempt_at),
            (Some(made("bytes")), Some(at("2026-06-29T07:00:00Z")))
        );
        assert_eq!(begin(&store, first).await, Begun::Gone, "nobody else can attempt it");
        let gone =
            store.set_aside(letter, 1, SetAside::Cancel, "no".into(), at(NOON)).await.expect("an answer");
        assert!(!gone, "what is being sent can't be put aside");
        let retry =
            Transition { next_attempt_at: Some(at("2026-06-29T22:30:00Z")), ..to(LetterState::Retry) };
        finish(&store, letter, 1, retry).await;
        let waiting = row(&store, letter).await;
        assert_eq!(
            (waiting.state, waiting.next_attempt_at),
            (LetterState::Retry, at("2026-06-29T22:30:00Z"))
        );
        let notice = &due(&store, NOON).await[0].customers[0].notices[0];
        assert_eq!(notice.day, day("2026-06-30"), "half past midnight in Berlin");
        let second = claim(&store, letter).await;
        assert_eq!(begin(&store, second).await, Begun::Attempt(2));
        finish(&store, letter, 1, to(LetterState::Rejected)).await;
        assert_eq!(
            row(&store, letter).await.state,
            LetterState::Sending,
            "a late answer to the first attempt"
        );
        finish(&store, letter, 2, to(LetterState::Sent)).await;
        finish(&store, letter, 2, to(LetterState::Held)).await;
        let sent = row(&store, letter).await;
        assert_eq!((sent.state, sent.reason.as_str()), (LetterState::Sent, "became sent"));
        assert_eq!(sent.finished_at, Some(at("2026-06-29T07:00:05Z")));
        let notice = &due(&store, NOON).await[0].customers[0].notices[0];
        assert_eq!(
            (notice.state, notice.day, notice.to_customer),
            (LetterState::Sent, day("2026-06-29"), true)
        );
    }
}

#[tokio::test]
async fn an_attempt_is_refused_when_a_payment_arrives_in_between() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let read = claim(&store, letter).await;
        let payments = "id,receivable_id,amount,received_on\nP1,R1,100,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, payments).await;
        assert_eq!(begin(&store, read).await, Begun::FactsChanged);
        assert_eq!(row(&store, letter).await.state, LetterState::Queued);
        let fresh = claim(&store, letter).await;
        assert_eq!(begin(&store, fresh).await, Begun::Attempt(1), "what was decided anew may go");
    }
}

#[tokio::test]
async fn rules_that_look_meanwhile_change_no_facts_but_other_letters_do() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let read = claim(&store, letter).await;
        settle(&store, "2026-07-02T00:00:00Z", None).await;
        let other = queue(&store, draft("firm", &["R2"])).await;
        assert_eq!(begin(&store, read).await, Begun::FactsChanged, "the budget sees another letter");
        let read = claim(&store, letter).await;
        settle(&store, "2026-07-03T00:00:00Z", None).await;
        assert_eq!(begin(&store, read).await, Begun::Attempt(1));
        let suppressed = claim(&store, other).await;
        finish(&store, letter, 1, Transition { suppress: true, ..to(LetterState::Rejected) }).await;
        assert_eq!(begin(&store, suppressed).await, Begun::FactsChanged);
        let facts = due(&store, NOON).await;
        assert_eq!(facts[0].suppressions[0].address, "ann@example.test");
        assert_eq!(facts[0].suppressions[0].cause, "became rejected");
        assert_eq!(facts[0].customers[0].notices.len(), 1, "the rejected letter's notice is free");
    }
}

#[tokio::test]
async fn other_lines_decided_at_the_last_moment_take_the_place_of_the_old() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1", "R2"])).await;
        let other = queue(&store, draft("firm", &["R1"])).await;
        let mut read = claim(&store, letter).await;
        read.changed = Some(draft("firm", &["R1"]));
        assert_eq!(begin(&store, read.clone()).await, Begun::FactsChanged, "another letter carries it");
        read.changed = Some(draft("firm", &["R2"]));
        assert_eq!(begin(&store, read).await, Begun::Attempt(1));
        assert_eq!(row(&store, letter).await.draft, draft("firm", &["R2"]));
        let keys: Vec<_> = due(&store, NOON).await[0].customers[0]
            .notices
            .iter()
            .map(|n| (n.letter, n.key.clone()))
            .collect();
        assert_eq!(keys, [(letter, key("R2", "firm")), (other, key("R1", "firm"))]);
    }
}

#[tokio::test]
async fn what_was_being_sent_when_the_process_died_is_uncertain_until_a_person_knows() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let read = claim(&store, letter).await;
        begin(&store, read).await;
        assert_eq!(store.recover(at("2026-06-29T08:00:00Z")).await.expect("letters"), [letter]);
        assert_eq!(store.recover(at("2026-06-29T08:00:00Z")).await.expect("letters"), []);
        let lost = row(&store, letter).await;
        assert_eq!(lost.state, LetterState::Uncertain);
        assert_eq!(lost.reason, "the process ended between handing over and the answer");
        finish(&store, letter, 1, to(LetterState::Sent)).await;
        assert_eq!(row(&store, letter).await.state, LetterState::Uncertain);
        let again = planned("ann@example.test", vec![draft("friendly", &["R1"])], None);
        assert_eq!(store.enqueue(vec![again.clone()], at(NOON)).await.expect("a plan").letters, []);
        store
            .decide(letter, Decision::WasNotSent, "the relay has no trace of it".into(), at(NOON))
            .await
            .expect("done");
        assert_eq!(store.enqueue(vec![again], at(NOON)).await.expect("a plan").letters.len(), 1);
        let refused = store.decide(letter, Decision::Release, String::new(), at(NOON)).await;
        assert!(matches!(refused, Err(StoreError::Refused(why)) if why.contains("cancelled")));
    }
}

#[tokio::test]
async fn a_dropped_letter_consumes_its_stage() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        store.decide(letter, Decision::Drop, "I have called him".into(), at(NOON)).await.expect("dropped");
        let notice = due(&store, NOON).await[0].customers[0].notices[0].clone();
        assert_eq!((notice.state, notice.dropped), (LetterState::Cancelled, true));
        let again = planned("ann@example.test", vec![draft("friendly", &["R1"])], None);
        assert_eq!(store.enqueue(vec![again], at(NOON)).await.expect("a plan").letters, []);
    }
}

#[tokio::test]
async fn letters_put_aside_wait_or_are_held() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        let until = at("2026-07-01T22:30:00Z");
        assert!(
            store.set_aside(letter, 0, SetAside::Later(until), "hours".into(), at(NOON)).await.expect("ok")
        );
        assert_eq!(due(&store, NOON).await[0].customers[0].notices[0].day, day("2026-07-02"));
        settle(&store, NOON, None).await;
        assert_eq!(store.next_due_at().await.expect("one"), Some(until));
        assert!(!store.set_aside(letter, 1, SetAside::Hold, "stale".into(), at(NOON)).await.expect("ok"));
        assert!(store.set_aside(letter, 0, SetAside::Hold, "template".into(), at(NOON)).await.expect("ok"));
        settle(&store, NOON, None).await;
        assert_eq!(store.next_due_at().await.expect("none"), None);
        assert!(
            !store.set_aside(letter, 0, SetAside::Cancel, "no".into(), at(NOON)).await.expect("ok"),
            "held"
        );
        let held = row(&store, letter).await;
        assert_eq!((held.state, held.reason.as_str()), (LetterState::Held, "template"));
        let unknown = store.letter_and_facts(LetterId(99), reach()).await;
        assert!(matches!(unknown, Err(StoreError::NotFound(_))));
    }
}

#[tokio::test]
async fn the_outbox_is_listed_newest_first_and_history_oldest_first() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let first = queue(&store, draft("friendly", &["R1"])).await;
        let second = queue(&store, draft("firm", &["R2"])).await;
        let read = claim(&store, first).await;
        begin(&store, read).await;
        let reply = Reply { code: 550, enhanced: None, text: "no such user".into() };
        let left_out =
            vec![LeftOut { address: Address::parse("lina@ours.example.test").expect("one"), reply }];
        store
            .finish_attempt(first, 1, to(LetterState::Sent), left_out, at("2026-06-29T07:00:05Z"))
            .await
            .expect("noted");
        let ids = |filter: OutboxFilter| {
            let store = store.clone();
            async move { store.outbox(filter).await.expect("rows").iter().map(|row| row.id).collect::<Vec<_>>() }
        };
        assert_eq!(ids(OutboxFilter { limit: 9, ..OutboxFilter::default() }).await, [second, first]);
        assert_eq!(ids(OutboxFilter { limit: 1, ..OutboxFilter::default() }).await, [second]);
        let sent = OutboxFilter {
            states: vec![LetterState::Sent, LetterState::Held],
            limit: 9,
            ..OutboxFilter::default()
        };
        assert_eq!(ids(sent).await, [first]);
        let nobody =
            OutboxFilter { customer: Some(CustomerId::from("C2")), limit: 9, ..OutboxFilter::default() };
        assert_eq!(ids(nobody).await, []);
        let history = store.history(CustomerId::from("C1")).await.expect("a history");
        let letters: Vec<_> = history.iter().map(|entry| (entry.about.as_str(), entry.letter)).collect();
        assert_eq!(
            letters,
            [("payment-reminders/firm", Some(second)), ("payment-reminders/friendly", Some(first))]
        );
        let detail = &history[1].detail;
        assert!(detail.contains("; to ann@example.test; about receivable R1; "), "{detail}");
        assert!(
            detail.ends_with("left out lina@ours.example.test: 550 no such user; became sent"),
            "{detail}"
        );
    }
}
