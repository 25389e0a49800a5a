//! What comes back, and what nobody can know: taken once, with all that
//! follows.

use courtesy::domain::address::Address;
use courtesy::domain::customer::{Class, Suppression};
use courtesy::domain::delivery::{OnUncertain, Transition};
use courtesy::domain::ids::{CustomerId, LetterId};
use courtesy::domain::notice::{Draft, LetterState};
use courtesy::domain::returned::{Action, Alone, Fate, Mail, Says, UNWANTED, What};
use courtesy::store::sqlite::{Decided, Decision, SqliteStore};
use courtesy::store::{Begun, ImportKind, SetAside, Store, StoreError, Taken};

use super::forgetting;
use super::world::*;

const LATER: &str = "2026-06-29T07:00:05Z";
const NEXT: &str = "2026-06-30T04:00:00Z";

/// Sends a letter whose Message-ID names it.
async fn send_as(store: &SqliteStore, letter: LetterId, name: &str, state: LetterState) {
    let read = courtesy::store::Claim { made: made(name), ..claim(store, letter).await };
    let Begun::Attempt(attempt) = begin(store, read).await else { panic!("an attempt") };
    let transition = Transition {
        state,
        next_attempt_at: None,
        reason: "250 ok".into(),
        suppress: false,
        maybe_sent: state == LetterState::Uncertain,
    };
    store.finish_attempt(letter, attempt, transition, vec![], at(LATER)).await.expect("noted");
}

fn report(id: &str, letter: &str, fates: Vec<Fate>) -> Mail {
    let message_id = format!("{letter}@ours.example.test");
    Mail { id: id.into(), says: Says::Fates { message_id, fates } }
}

fn fate(address: &str, action: Action, status: (u8, u16, u16)) -> Fate {
    Fate { addresses: vec![address.into()], action, status: Some(status), detail: "said so".into() }
}

fn dead(address: &str) -> Fate {
    fate(address, Action::Failed, (5, 1, 1))
}

async fn take(store: &SqliteStore, mail: &Mail) -> Vec<Taken> {
    store.take_mail(mail.clone(), at(NEXT)).await.expect("an answer").expect("it is about a letter")
}

async fn alone(store: &SqliteStore, says: Says) -> Alone {
    store
        .take_mail(Mail { id: "m".into(), says }, at(NEXT))
        .await
        .expect("an answer")
        .expect_err("left alone")
}

#[tokio::test]
async fn a_letter_from_a_dead_address_frees_its_stage_once_and_never_the_one_sent_after() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Sent).await;
        let mail = report("m1", "first", vec![dead("ann@example.test")]);
        let taken = take(&store, &mail).await;
        assert_eq!((taken.len(), taken[0].letter, taken[0].new), (1, Some(letter), true));
        assert_eq!((taken[0].state, taken[0].frees), (Some(LetterState::Bounced), true));
        assert_eq!(taken[0].suppressed, Some(vec![]));
        let bounced = row(&store, letter).await;
        assert_eq!((bounced.state, bounced.reason.as_str()), (LetterState::Bounced, "came back: said so"));
        let facts = due(&store, NEXT).await;
        assert_eq!(facts[0].customers[0].notices, [], "its stage is free, and it is no demand");
        assert_eq!(facts[0].suppressions[0].cause, "came back: said so");

        // The address is mended and the same letter goes again, under the
        // same Message-ID; the old bounce says nothing about it.
        store
            .unsuppress("ann@example.test", "Lin".into(), "works again".into(), at(NEXT))
            .await
            .expect("lifted");
        let again = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, again, "first", LetterState::Sent).await;
        let known = take(&store, &mail).await;
        assert_eq!((known[0].new, known[0].frees, known[0].state), (false, false, Some(LetterState::Sent)));
        assert_eq!(row(&store, again).await.state, LetterState::Sent);
        assert_eq!(store.suppressions().await.expect("none"), []);
        // A new one is about the letter that left last.
        let new = take(&store, &report("m2", "first", vec![dead("ann@example.test")])).await;
        assert_eq!((new[0].letter, new[0].new), (Some(again), true));
    }
}

#[tokio::test]
async fn a_full_mailbox_keeps_the_stage_and_suppresses_nobody() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Sent).await;
        let full = fate("ann@example.test", Action::Failed, (5, 2, 2));
        let taken = take(&store, &report("m1", "first", vec![full])).await;
        assert_eq!((taken[0].frees, taken[0].suppressed.clone()), (false, None));
        let facts = due(&store, NEXT).await;
        assert_eq!(facts[0].customers[0].notices[0].state, LetterState::Bounced);
        assert_eq!(facts[0].suppressions, []);
        let again = planned("ann@example.test", vec![draft("friendly", &["R1"])], None);
        assert_eq!(store.enqueue(vec![again], at(NEXT)).await.expect("a plan").letters, []);
    }
}

#[tokio::test]
async fn a_copy_that_comes_back_is_told_and_leaves_the_letter_as_it_is() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Sent).await;
        let taken = take(&store, &report("m1", "first", vec![dead("lina@ours.example.test")])).await;
        assert_eq!((taken[0].copy, taken[0].state), (true, Some(LetterState::Sent)));
        assert_eq!(store.suppressions().await.expect("none"), []);
        let told = store.returned(letter).await.expect("one");
        assert_eq!((told[0].what, told[0].about.as_str()), ("bounced", "lina@ours.example.test"));
        let history = store.history(CustomerId::from("C1")).await.expect("a history");
        assert!(history.iter().any(|entry| entry.what == "bounced" && entry.letter == Some(letter)));
        // Somewhere that we never wrote to: it came back, and nobody is dead.
        let elsewhere = take(&store, &report("m2", "first", vec![dead("ann@elsewhere.test")])).await;
        assert_eq!((elsewhere[0].state, elsewhere[0].frees), (Some(LetterState::Bounced), false));
        assert_eq!(store.suppressions().await.expect("none"), []);
    }
}

#[tokio::test]
async fn any_report_shows_that_an_uncertain_letter_had_arrived_at_the_relay() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Uncertain).await;
        let delayed = fate("ann@example.test", Action::Delayed, (4, 4, 1));
        let taken = take(&store, &report("m1", "first", vec![delayed.clone()])).await;
        assert_eq!((taken[0].what, taken[0].state), (What::Delayed, Some(LetterState::Sent)));
        take(&store, &report("m2", "first", vec![delayed])).await;
        assert_eq!(row(&store, letter).await.state, LetterState::Sent, "a delay changes nothing more");
        let message_id = "nobody@ours.example.test".to_owned();
        let says = Says::Fates { message_id: message_id.clone(), fates: vec![dead("ann@example.test")] };
        assert_eq!(alone(&store, says).await, Alone::NoLetter(message_id));
    }
}

#[tokio::test]
async fn complaints_and_unsubscriptions_stop_courtesies_and_news_and_no_claim() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Sent).await;
        let message_id = "first@ours.example.test".to_owned();
        let complaint = Mail { id: "m1".into(), says: Says::Complaint { message_id, address: None } };
        let taken = take(&store, &complaint).await;
        assert_eq!((taken[0].what, taken[0].suppressed.clone()), (What::Complaint, Some(UNWANTED.to_vec())));
        assert_eq!(row(&store, letter).await.state, LetterState::Sent);
        let facts = due(&store, NEXT).await;
        let ann = Address::parse("ann@example.test").expect("one");
        let stops = |class| facts[0].suppression(&ann, class).is_some();
        assert_eq!(Class::ALL.map(stops), [false, true, true, false]);

        let unsubscribe =
            |from: &str, customer: &str| Says::Unsubscribe { from: from.into(), customer: customer.into() };
        let stranger = Alone::Stranger { customer: "C1".into(), from: "eve@example.test".into() };
        assert_eq!(alone(&store, unsubscribe("eve@example.test", "C1")).await, stranger);
        assert_eq!(
            alone(&store, unsubscribe("ann@example.test", "C9")).await,
            Alone::NoCustomer("C9".into())
        );
        let mail = Mail { id: "m2".into(), says: unsubscribe("ann@example.test", "C1") };
        assert_eq!(take(&store, &mail).await[0].customer, Some(CustomerId::from("C1")));
        assert!(!take(&store, &mail).await[0].new, "once");
    }
}

#[tokio::test]
async fn a_suppression_keeps_who_when_and_why_also_when_it_is_lifted() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        settle(&store, NOON, None).await;
        let suppression = Suppression {
            address: "Ann@example.test".into(),
            classes: vec![],
            cause: "asked for paper".into(),
        };
        let suppress = |who: &str| store.suppress(suppression.clone(), who.into(), at(NOON));
        assert!(suppress("Lin").await.expect("added"));
        assert!(!suppress("Wei").await.expect("there already"));
        assert_eq!(names_due(&store, NOON).await, ["ann@example.test"], "it is planned anew");
        let all = store.suppressions().await.expect("one");
        assert_eq!((all.len(), all[0].who.as_str(), all[0].at), (1, "Lin", at(NOON)));
        settle(&store, NOON, None).await;
        let lift = |reason: &str| store.unsuppress("ann@EXAMPLE.test", "Wei".into(), reason.into(), at(NEXT));
        assert_eq!(lift("e-mail again").await.expect("lifted"), all);
        assert_eq!(lift("again").await.expect("nothing"), []);
        assert_eq!(names_due(&store, NEXT).await, ["ann@example.test"], "it is planned anew");
        let history = store.history(CustomerId::from("C1")).await.expect("a history");
        let told: Vec<_> = history
            .iter()
            .filter(|entry| entry.about == "ann@example.test")
            .map(|entry| (entry.what, entry.detail.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("suppressed", "all classes: asked for paper (Lin)"),
                ("written to again", "all classes: e-mail again (Wei)")
            ]
        );
    }
}

#[tokio::test]
async fn a_suppressed_guarantor_wakes_those_whom_he_answers_for() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let guaranteed = "id,customer_id,kind,amount,currency,due_on,guarantor_name,guarantor_email\n\
            R5,C3,invoice,10,CNY,2026-06-20,Old Zhao,Zhao@Guarantor.example.test\n";
        import_as(&store, folder.path(), ImportKind::Receivables, guaranteed, |order| {
            order.allow_large_change = true;
        })
        .await
        .expect("taken");
        settle(&store, NOON, None).await;
        let suppression = Suppression {
            address: "zhao@guarantor.example.test".into(),
            classes: vec![],
            cause: "came back".into(),
        };
        store.suppress(suppression, "Lin".into(), at(NOON)).await.expect("added");
        let facts = due(&store, NOON).await;
        assert_eq!(facts.len(), 1);
        let item = &facts[0].customers[0].receivables[0];
        let guarantor = item.guarantor.as_ref().expect("he").address.clone();
        assert!(facts[0].suppression(&guarantor, Class::Dunning).is_some());
    }
}

#[tokio::test]
async fn what_was_being_sent_when_the_process_died_does_as_its_rule_says() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let mut letters = Vec::new();
        for (stage, on_uncertain) in [
            ("friendly", OnUncertain::Park),
            ("firm", OnUncertain::AssumeSent),
            ("final", OnUncertain::ResendSameId),
        ] {
            let letter = queue(&store, Draft { on_uncertain, ..draft(stage, &["R1"]) }).await;
            let read = claim(&store, letter).await;
            assert_eq!(begin(&store, read).await, Begun::Attempt(1));
            letters.push(letter);
        }
        assert_eq!(store.recover(at(LATER)).await.expect("letters"), letters);
        let mut states = Vec::new();
        for letter in &letters {
            let row = row(&store, *letter).await;
            assert!(row.maybe_sent);
            states.push(row.state);
        }
        assert_eq!(states, [LetterState::Uncertain, LetterState::Assumed, LetterState::Retry]);
        let waiting = store.claimable(at("2027-01-01T00:00:00Z"), 9).await.expect("ids");
        assert_eq!(waiting, [letters[2]], "what is parked or assumed is never sent by itself");
        for letter in &letters[..2] {
            let read = claim(&store, *letter).await;
            assert_eq!(begin(&store, read).await, Begun::Gone);
        }
        // What may have arrived frees nothing when it can't go again.
        let why = "settled".to_owned();
        assert!(store.set_aside(letters[2], 1, SetAside::Park, why, at(NEXT)).await.expect("parked"));
        assert_eq!(row(&store, letters[2]).await.state, LetterState::Uncertain);
        assert_eq!(due(&store, NEXT).await[0].customers[0].notices.len(), 3);
    }
}

#[tokio::test]
async fn a_held_letter_that_may_have_arrived_is_not_freed_by_what_was_settled() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let resent = Draft { on_uncertain: OnUncertain::ResendSameId, ..draft("friendly", &["R1"]) };
        let letter = queue(&store, resent).await;
        let read = claim(&store, letter).await;
        begin(&store, read).await;
        store.recover(at(LATER)).await.expect("one");
        store.decide(letter, Decision::Hold, "wait".into(), at(NEXT)).await.expect("held");
        assert!(store.withdraw(letter, "settled".into(), at(NEXT)).await.expect("withdrawn"));
        assert_eq!(row(&store, letter).await.state, LetterState::Uncertain);
    }
}

#[tokio::test]
async fn a_decision_is_made_once_and_never_about_a_letter_that_moved_on() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let decide = |letter, decision| store.decide(letter, decision, "by Lin".into(), at(NEXT));
        let letter = queue(&store, Draft { approve: true, ..draft("friendly", &["R1"]) }).await;
        assert_eq!(decide(letter, Decision::Release).await.expect("done"), Decided::Done);
        let again = decide(letter, Decision::Release).await.expect("done before");
        assert_eq!(again, Decided::Already(LetterState::Queued));
        send_as(&store, letter, "first", LetterState::Sent).await;
        for decision in
            [Decision::Release, Decision::Drop, Decision::Hold, Decision::Retry, Decision::WasNotSent]
        {
            let refused = decide(letter, decision).await.expect_err("it is gone");
            let StoreError::Refused(why) = refused else { panic!("{refused}") };
            assert!(why.contains("is sent now (250 ok), and was left as it is"), "{why}");
        }
        assert_eq!(row(&store, letter).await.state, LetterState::Sent);
        // Cancelled by itself is not cancelled by a person: that is for good.
        let other = queue(&store, draft("firm", &["R1"])).await;
        store.set_aside(other, 0, SetAside::Cancel, "settled".into(), at(NEXT)).await.expect("cancelled");
        assert!(matches!(decide(other, Decision::Drop).await, Err(StoreError::Refused(_))));
        let dropped = queue(&store, draft("firm", &["R1"])).await;
        assert_eq!(decide(dropped, Decision::Drop).await.expect("done"), Decided::Done);
        let again = decide(dropped, Decision::Drop).await.expect("done before");
        assert_eq!(again, Decided::Already(LetterState::Cancelled));
        assert!(matches!(decide(LetterId(99), Decision::Drop).await, Err(StoreError::NotFound(_))));
    }
}

#[tokio::test]
async fn an_uncertain_letter_that_a_later_one_overtook_stays_over() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let mut friendly = draft("friendly", &["R1", "R2"]);
        let mut firm = draft("firm", &["R1"]);
        firm.lines[0].offset = "+10d".parse().expect("an offset");
        let letter = queue(&store, friendly.clone()).await;
        send_as(&store, letter, "first", LetterState::Uncertain).await;
        let later = queue(&store, firm).await;
        send_as(&store, later, "second", LetterState::Sent).await;
        let resolve = |letter| store.decide(letter, Decision::WasNotSent, "by Lin".into(), at(NEXT));
        assert_eq!(resolve(letter).await.expect("done"), Decided::Done, "R2 may have its own again");
        friendly.lines.truncate(1);
        let letter = queue(&store, friendly).await;
        send_as(&store, letter, "third", LetterState::Uncertain).await;
        assert_eq!(resolve(letter).await.expect("done"), Decided::Overtaken);
        assert_eq!(resolve(letter).await.expect("done"), Decided::Already(LetterState::Cancelled));
    }
}

#[tokio::test]
async fn what_comes_back_about_somebody_forgotten_is_noted_without_saying_who() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letter = queue(&store, draft("friendly", &["R1"])).await;
        send_as(&store, letter, "first", LetterState::Sent).await;
        let paid = "id,receivable_id,amount,received_on\nP1,R1,100,2026-06-28\nP2,R2,50,2026-06-28\n";
        import(&store, folder.path(), ImportKind::Payments, paid).await;
        store.forget(forgetting::order("C1"), at(LATER)).await.expect("forgotten");
        let mut fate = dead("ann@example.test");
        fate.detail = "ann@example.test has left".into();
        let taken = take(&store, &report("m1", "first", vec![fate])).await;
        assert_eq!((taken[0].state, &taken[0].suppressed), (Some(LetterState::Bounced), &None));
        let complaint = Mail {
            id: "m2".into(),
            says: Says::Complaint {
                message_id: "first@ours.example.test".into(),
                address: Some("ann@example.test".into()),
            },
        };
        assert_eq!(take(&store, &complaint).await[0].what, What::Complaint);
        assert_eq!(store.suppressions().await.expect("a list"), []);
        let told = format!("{:?}", store.history(CustomerId::from("C1")).await.expect("a history"));
        assert!(told.contains("bounced") && !told.contains("ann@"), "{told}");
        assert!(!format!("{:?}", row(&store, letter).await).contains("ann@"));
    }
}
