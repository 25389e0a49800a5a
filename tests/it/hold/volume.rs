//! Far more letters than usual, and the share of a rule in a day.

use courtesy::domain::notice::LetterState;
use jiff::SignedDuration;

use super::*;

#[tokio::test]
async fn a_volume_far_above_the_usual_is_held_and_one_word_lets_it_go() {
    let shop = Shop::with(250).await;
    let (engine, mailbox) = shop.engine();
    let (pass, delivery) = beat(&engine).await;
    assert_eq!((pass.unusual, pass.queued), (250, 250));
    assert!(delivery.letters.is_empty() && mailbox.letters().is_empty(), "{delivery:?}");
    let held = in_state(engine.store(), LetterState::Held).await;
    assert_eq!(held.len(), 250);
    assert_eq!(held[0].reason, "unusual volume (250 letters in a day, 200 is the limit)");
    // What is added on top waits as well, and is not told as a second day's.
    fill(engine.store(), shop.folder.path(), 0..252).await;
    assert_eq!(beat(&engine).await.0.unusual, 2);

    let released =
        engine.store().release_unusual("released".into(), shop.clock.now()).await.expect("a number");
    assert_eq!(released, 252);
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 252);
    // The person has agreed to such a day: a few more are no question.
    fill(engine.store(), shop.folder.path(), 0..260).await;
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.unusual, mailbox.letters().len()), (0, 260));
    // And from tomorrow on it is what the business does.
    shop.clock.advance(SignedDuration::from_hours(24));
    fill(engine.store(), shop.folder.path(), 0..700).await;
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.unusual, mailbox.letters().len()), (0, 700));
}

#[tokio::test]
async fn held_letters_that_are_no_longer_due_need_nobody() {
    let shop = Shop::with(201).await;
    let (engine, mailbox) = shop.engine();
    assert_eq!(beat(&engine).await.0.unusual, 201);
    // The import was a mistake: all of it is paid.
    let mut receivables = "id,customer_id,kind,amount,currency,due_on,status\n".to_owned();
    for n in 0..201 {
        writeln!(receivables, "R{n},C{n},invoice,1000,CNY,2026-02-20,paid").expect("a text");
    }
    let file = shop.folder.path().join("import.csv");
    std::fs::write(&file, receivables).expect("a file");
    let order = ImportOrder {
        kind: ImportKind::Receivables,
        file,
        dry_run: false,
        keep_going: false,
        complete: false,
        allow_large_change: true,
        share: 1.0,
        zone: zone(),
    };
    engine.store().import(order, Arc::new(|_| {}), shop.clock.now()).await.expect("an import");
    beat(&engine).await;
    assert_eq!(in_state(engine.store(), LetterState::Held).await.len(), 0);
    assert_eq!(in_state(engine.store(), LetterState::Cancelled).await.len(), 201);
    assert_eq!(mailbox.letters(), []);
}

#[tokio::test]
async fn a_rule_has_its_share_of_a_day_and_the_rest_follows_the_next() {
    let shop = Shop::with(25).await;
    let (relay, mailbox) = MemoryRelay::new();
    let mut office = office();
    office.settings.letters.per_rule = 10;
    let engine = shop.engine_with(relay, office);
    for (day, sent, left) in [(0, 10, 15), (1, 20, 5), (2, 25, 0)] {
        let (pass, _) = beat(&engine).await;
        assert_eq!(mailbox.letters().len(), sent, "on day {day}");
        assert_eq!(pass.capped_rules.values().sum::<u32>(), left);
        // Another heartbeat of the same day brings nothing, and looks at
        // nobody for whom there is no room.
        shop.clock.advance(SignedDuration::from_mins(1));
        let (again, _) = beat(&engine).await;
        assert_eq!((again.queued, again.capped_rules.len()), (0, 0));
        assert!(again.relationships <= 10, "{} were looked at", again.relationships);
        shop.clock.advance(SignedDuration::from_hours(24));
    }
}
