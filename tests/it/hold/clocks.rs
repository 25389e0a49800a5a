//! Clocks that lie.

use courtesy::domain::halt::Halt;
use courtesy::domain::notice::LetterState;
use courtesy::engine::rehearsal;
use jiff::SignedDuration;

use super::*;

const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

#[tokio::test]
async fn a_year_ahead_or_back_sends_nothing_until_the_clock_is_right_again() {
    let shop = Shop::with(3).await;
    let (engine, mailbox) = shop.engine();
    beat(&engine).await;
    let sent = mailbox.take().len();
    assert_eq!(sent, 3);
    for (wrong, name) in [
        (at(MONDAY) + YEAR, "clock leapt ahead"),
        (at(MONDAY) - YEAR, "clock went back"),
        (at("1970-01-01T00:00:07Z"), "clock went back"),
    ] {
        shop.clock.set(wrong);
        let (pass, delivery) = beat(&engine).await;
        assert_eq!(pass.halt.as_ref().map(Halt::name), Some(name));
        assert_eq!(delivery.halt.as_ref().map(Halt::name), Some(name));
        // A restart under the wrong clock knows it too.
        let (restarted, other) = shop.engine();
        beat(&restarted).await;
        assert_eq!((mailbox.letters().len(), other.letters().len()), (0, 0), "at {wrong}");
        shop.clock.set(at(MONDAY) + SignedDuration::from_mins(5));
        let (pass, _) = beat(&engine).await;
        assert_eq!(pass.halt, None, "it goes on by itself");
    }
    assert_eq!(mailbox.letters(), []);
}

#[tokio::test]
async fn an_hour_back_waits_and_ten_minutes_do_not() {
    let shop = Shop::with(1).await;
    let (engine, mailbox) = shop.engine();
    beat(&engine).await;
    shop.clock.advance(SignedDuration::from_mins(-10));
    assert_eq!(beat(&engine).await.0.halt, None);
    shop.clock.advance(SignedDuration::from_mins(-50));
    assert!(matches!(beat(&engine).await.0.halt, Some(Halt::ClockBack { .. })));
    shop.clock.advance(SignedDuration::from_mins(60));
    assert_eq!(beat(&engine).await.0.halt, None);
    assert_eq!(mailbox.letters().len(), 1, "and nothing is said twice");
}

#[tokio::test]
async fn three_days_asleep_over_two_stages_are_one_letter() {
    let shop = Shop::with(1).await;
    let (engine, mailbox) = shop.engine();
    beat(&engine).await;
    assert_eq!(mailbox.take().len(), 1);
    // Firm would come seven days after friendly; it slept over the days
    // before and after.
    shop.clock.advance(SignedDuration::from_hours(24 * 6));
    beat(&engine).await;
    shop.clock.advance(SignedDuration::from_hours(24 * 3));
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.halt, mailbox.letters().len()), (None, 1));
}

#[tokio::test]
async fn two_months_off_are_a_persons_word_away_and_then_one_letter_in_the_right_tone() {
    let shop = Shop::with(1).await;
    let (engine, mailbox) = shop.engine();
    beat(&engine).await;
    assert_eq!(mailbox.take().len(), 1);
    shop.clock.advance(SignedDuration::from_hours(24 * 61));
    let (pass, _) = beat(&engine).await;
    assert!(matches!(pass.halt, Some(Halt::Away { .. })), "{pass:?}");
    engine.store().resume(shop.clock.now()).await.expect("resumed");
    beat(&engine).await;
    let letters = mailbox.letters();
    assert_eq!(letters.len(), 1);
    let stages: Vec<_> = in_state(engine.store(), LetterState::Sent)
        .await
        .iter()
        .map(|letter| letter.draft.stage.to_string())
        .collect();
    assert_eq!(stages, ["firm", "friendly"], "newest first");
}

#[tokio::test]
async fn what_a_wrong_clock_put_off_is_looked_at_again_when_a_person_resumes() {
    let shop = Shop::with(0).await;
    let (engine, mailbox) = shop.engine();
    beat(&engine).await;
    // Twenty days ahead is within what a holiday may be; a customer is
    // imported, and looked at under the wrong clock.
    shop.clock.advance(SignedDuration::from_hours(24 * 20));
    beat(&engine).await;
    fill(engine.store(), shop.folder.path(), 0..1).await;
    beat(&engine).await;
    let too_early = mailbox.take().len();
    assert_eq!(too_early, 1);
    shop.clock.set(at(MONDAY) + SignedDuration::from_hours(1));
    assert!(matches!(beat(&engine).await.0.halt, Some(Halt::ClockBack { .. })));
    engine.store().resume(shop.clock.now()).await.expect("resumed");
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.halt, mailbox.letters().len()), (None, 0), "what was sent was sent");
    // The next stage comes seven days after the day it really left, and not
    // after the one that the clock showed.
    rehearsal::run_until(&engine, at(MONDAY) + SignedDuration::from_hours(24 * 8)).await.expect("days");
    assert_eq!(mailbox.letters().len(), 1);
}

#[tokio::test]
async fn whoever_looks_after_it_is_told_the_next_day_when_nothing_left_and_why() {
    let shop = Shop::with(1).await;
    let (relay, mailbox) = MemoryRelay::new();
    let mut office = crate::support::shipped_office();
    office.settings.guards.free_space = 0;
    office.rules.retain(|rule| rule.name.as_str() == "daily-digest");
    let engine = shop.engine_with(relay, office);
    beat(&engine).await;
    shop.clock.advance(SignedDuration::from_hours(-2));
    assert!(beat(&engine).await.0.halt.is_some());
    shop.clock.set(at(MONDAY) + SignedDuration::from_hours(1));
    rehearsal::run_until(&engine, at(MONDAY) + SignedDuration::from_hours(24 * 2)).await.expect("two days");
    let letters = mailbox.letters();
    let told: Vec<_> = letters
        .iter()
        .filter(|parcel| parcel.to.as_str().starts_with("it@"))
        .map(|parcel| String::from_utf8_lossy(&parcel.bytes).into_owned())
        .filter(|text| text.contains("clock went back"))
        .collect();
    assert_eq!(told.len(), 1, "once: {letters:?}");
}
