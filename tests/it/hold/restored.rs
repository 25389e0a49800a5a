//! A store that is an older copy of itself.

use courtesy::domain::halt::Halt;
use courtesy::domain::notice::LetterState;
use courtesy::domain::settings::Guards;
use courtesy::engine::rehearsal;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{Store, StoreError};
use jiff::SignedDuration;

use super::*;

const GUARDS: Guards = Guards { away_days: 60, free_space: 0 };

async fn halt(shop: &Shop, store: &SqliteStore) -> Option<Halt> {
    store.standing(GUARDS, shop.clock.now()).await.expect("the store works").halt
}

/// Puts the copy where the store was, as an administrator would.
fn restore(shop: &Shop, copy: &Path) {
    for ending in ["", "-wal", "-shm"] {
        let mut name = shop.file().into_os_string();
        name.push(ending);
        std::fs::remove_file(name).ok();
    }
    std::fs::copy(copy, shop.file()).expect("restored");
}

/// A shop of which a copy was made before the first letters left.
async fn copied_too_early(customers: usize) -> (Shop, PathBuf, Mailbox) {
    let shop = Shop::with(customers).await;
    let copy = shop.folder.path().join("yesterday.db");
    let (engine, mailbox) = shop.engine();
    engine.pass().await.expect("the store works");
    engine.store().backup(&copy).await.expect("a backup");
    let delivery = engine.deliver().await.expect("the store works");
    assert_eq!(delivery.letters.get("sent"), Some(&u64::try_from(customers).expect("few")));
    (shop, copy, mailbox)
}

#[tokio::test]
async fn yesterdays_backup_sends_nothing_again_and_names_what_left_since() {
    let (shop, copy, mailbox) = copied_too_early(3).await;
    restore(&shop, &copy);
    let (engine, again) = shop.engine();
    let (pass, delivery) = beat(&engine).await;
    assert!(matches!(pass.halt, Some(Halt::Restored { unknown: 3, whole: true, .. })), "{pass:?}");
    assert_eq!(delivery.halt, pass.halt);
    assert_eq!((again.letters().len(), mailbox.letters().len()), (0, 3));

    let (perhaps, seen) = engine.store().perhaps_sent().await.expect("the store works");
    let about: Vec<_> = perhaps.iter().flat_map(|letter| letter.about.clone()).collect();
    assert_eq!(about.len(), 3);
    assert!(about.contains(&"R1".to_owned()), "{perhaps:?}");
    assert_eq!(seen, Some(at(MONDAY)));

    // A person agrees: what may have been sent is uncertain, once and for all.
    let counted = engine.store().count_perhaps_sent(shop.clock.now()).await.expect("the store works");
    assert_eq!(counted, 3);
    engine.store().resume(shop.clock.now()).await.expect("the store works");
    let (pass, delivery) = beat(&engine).await;
    assert_eq!((pass.halt, delivery.halt), (None, None));
    assert_eq!(again.letters(), []);
    let uncertain = in_state(engine.store(), LetterState::Uncertain).await;
    assert_eq!(uncertain.len(), 3);
    assert!(uncertain[0].reason.starts_with("perhaps sent (begun at 2026-03-02 10:00"), "{uncertain:?}");
    // And the ladder goes on from there.
    rehearsal::run_until(&engine, at(MONDAY) + SignedDuration::from_hours(24 * 8)).await.expect("a week");
    let next = again.letters();
    assert_eq!(next.len(), 3, "the next stage, not the same one");
}

#[tokio::test]
async fn what_the_copy_never_knew_is_written_down_from_the_record() {
    let shop = Shop::with(1).await;
    let copy = shop.folder.path().join("yesterday.db");
    let (engine, _) = shop.engine();
    beat(&engine).await;
    engine.store().backup(&copy).await.expect("a backup");
    // A new customer with a claim, who is written to; then all that is lost.
    fill(engine.store(), shop.folder.path(), 0..2).await;
    let (_, delivery) = beat(&engine).await;
    assert_eq!(delivery.letters.get("sent"), Some(&1));
    drop(engine);
    restore(&shop, &copy);
    let (engine, again) = shop.engine();
    assert!(matches!(
        halt(&shop, engine.store()).await,
        Some(Halt::Restored { unknown: 1, whole: true, .. })
    ));
    engine.store().count_perhaps_sent(shop.clock.now()).await.expect("the store works");
    engine.store().resume(shop.clock.now()).await.expect("the store works");
    // The same export is imported again, and the reminder is known.
    fill(engine.store(), shop.folder.path(), 0..2).await;
    beat(&engine).await;
    assert_eq!(again.letters(), []);
    let uncertain = in_state(engine.store(), LetterState::Uncertain).await;
    assert_eq!(uncertain.len(), 1);
    assert_eq!(uncertain[0].draft.customer.as_ref().map(ToString::to_string), Some("C1".to_owned()));
}

#[tokio::test]
async fn a_copy_put_in_the_place_of_an_open_store_stops_the_next_attempt() {
    let (shop, copy, _) = copied_too_early(1).await;
    restore(&shop, &copy);
    let store = shop.open();
    // Even a courier that never asked whether anything may leave is refused.
    let letter = store.claimable(shop.clock.now(), 1).await.expect("the outbox")[0];
    let office = office();
    let reach = office.reach(shop.clock.now());
    let (row, facts) = store.letter_and_facts(letter, reach.clone()).await.expect("the letter");
    let made = office
        .preview(store.rules_seen().await.expect("rules"), &row, &facts, None, shop.clock.now())
        .expect("it would leave");
    let claim = courtesy::store::Claim {
        letter,
        attempts: 0,
        facts,
        changed: None,
        made,
        redirected: false,
        day: jiff::civil::date(2026, 3, 2),
    };
    let refused = store.begin_attempt(claim, reach, shop.clock.now()).await.expect_err("a refusal");
    assert!(matches!(&refused, StoreError::Refused(why) if why.starts_with("HOLD")), "{refused}");
    assert_eq!(in_state(&store, LetterState::Queued).await.len(), 1, "it is as it was");
}

#[tokio::test]
async fn without_its_record_a_copy_asks_until_when_and_assumes_what_the_rules_say() {
    let (shop, copy, _) = copied_too_early(2).await;
    restore(&shop, &copy);
    // On another machine: the record is not there, and days have passed.
    let witness = shop.folder.path().join("courtesy.db.witness");
    let (engine, _) = shop.engine();
    assert!(halt(&shop, engine.store()).await.is_some());
    engine.store().count_perhaps_sent(shop.clock.now()).await.expect("counted");
    engine.store().resume(shop.clock.now()).await.expect("resumed");
    fill(engine.store(), shop.folder.path(), 0..3).await;
    std::fs::remove_file(&witness).expect("gone");
    let monday = shop.clock.now();
    shop.clock.advance(SignedDuration::from_hours(24 * 20));
    let (again, mailbox) = shop.engine();
    let (pass, _) = beat(&again).await;
    assert_eq!(pass.halt, Some(Halt::Unwitnessed));

    let virtual_clock = VirtualClock::new(monday);
    let planner = Engine::new(again.store().clone(), MemoryRelay::new().0, virtual_clock, office());
    let assumed = rehearsal::would_have_sent(&planner, shop.clock.now(), async |now| {
        again.store().assume_sent(now, now).await
    })
    .await
    .expect("the store works");
    // C2 has its first and second reminder, the others their second.
    assert_eq!(assumed, 4, "{:?}", in_state(again.store(), LetterState::Uncertain).await);
    again.store().resume(shop.clock.now()).await.expect("resumed");
    let (pass, _) = beat(&again).await;
    assert_eq!((pass.halt, mailbox.letters()), (None, vec![]), "nothing is sent twice");
    assert!(witness.exists(), "the record is begun anew");
}

#[tokio::test]
async fn a_copy_made_before_the_first_letter_is_known_for_one_where_its_record_is_not() {
    let (shop, copy, mailbox) = copied_too_early(2).await;
    restore(&shop, &copy);
    // On another machine, where nothing tells of the letters that left since.
    std::fs::remove_file(shop.folder.path().join("courtesy.db.witness")).expect("the record");
    let (engine, again) = shop.engine();
    let (pass, delivery) = beat(&engine).await;
    assert_eq!((&pass.halt, &delivery.halt), (&Some(Halt::Unwitnessed), &pass.halt));
    assert_eq!((again.letters().len(), mailbox.letters().len()), (0, 2));
}

#[tokio::test]
async fn a_store_from_which_nothing_was_sent_may_be_begun_anew() {
    let shop = Shop::with(0).await;
    let (engine, _) = shop.engine();
    beat(&engine).await;
    drop(engine);
    let record = std::fs::read_to_string(shop.folder.path().join("courtesy.db.witness")).expect("the record");
    assert_eq!(record.lines().count(), 1, "{record}");
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", shop.file().display())).ok();
    }
    fill(&shop.open(), shop.folder.path(), 0..1).await;
    let (engine, mailbox) = shop.engine();
    assert_eq!((beat(&engine).await.0.halt, mailbox.letters().len()), (None, 1));
}

#[tokio::test]
async fn a_half_written_line_and_a_store_ahead_of_its_record_are_no_hold() {
    let shop = Shop::with(2).await;
    let (engine, _) = shop.engine();
    beat(&engine).await;
    drop(engine);
    let witness = shop.folder.path().join("courtesy.db.witness");
    let text = std::fs::read_to_string(&witness).expect("the record");
    assert_eq!(text.lines().count(), 3, "{text}");
    // Killed after the commit, in the middle of the line.
    std::fs::write(&witness, &text[..text.len() - 20]).expect("torn");
    let (engine, mailbox) = shop.engine();
    assert_eq!(halt(&shop, engine.store()).await, None);
    fill(engine.store(), shop.folder.path(), 0..3).await;
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 1);
    let mended = std::fs::read_to_string(&witness).expect("the record");
    assert!(mended.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{mended}");
}

#[tokio::test]
async fn the_store_that_vanished_is_not_begun_anew_while_its_record_is_there() {
    let (shop, _, _) = copied_too_early(1).await;
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", shop.file().display())).ok();
    }
    let told = SqliteStore::open(&shop.file(), OpenOptions { business_zone: zone() }).expect_err("a refusal");
    assert!(told.to_string().contains("letters have been sent from it; restore the last backup"), "{told}");
    assert!(!shop.file().exists());
}
