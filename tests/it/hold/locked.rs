//! A store that can't be written for a while.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes the twenty seconds for which a lock is waited"]
async fn a_store_locked_for_longer_than_is_waited_sends_nothing_and_recovers_by_itself() {
    let shop = Shop::with(2).await;
    let (engine, mailbox) = shop.engine();
    let other = Connection::open(shop.file()).expect("the store");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let told = engine.pass().await.expect_err("it is locked");
    assert!(told.to_string().contains("locked"), "{told}");
    assert_eq!(mailbox.letters(), []);
    other.execute_batch("ROLLBACK").expect("free again");
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 2);
}

#[tokio::test]
async fn a_record_that_cannot_be_written_lets_nothing_leave_and_loses_nothing() {
    let shop = Shop::with(3).await;
    let (engine, mailbox) = shop.engine();
    let witness = shop.folder.path().join("courtesy.db.witness");
    std::fs::create_dir(&witness).expect("in the way");
    engine.pass().await.expect_err("what stands there can't be read");
    std::fs::remove_dir(&witness).expect("out of the way");
    engine.pass().await.expect("a pass");
    let aside = shop.folder.path().join("aside");
    std::fs::rename(&witness, &aside).expect("aside");
    std::fs::create_dir(&witness).expect("in the way again");
    engine.deliver().await.expect_err("nothing can be begun");
    assert_eq!(mailbox.letters(), []);
    std::fs::remove_dir(&witness).expect("out of the way");
    std::fs::rename(&aside, &witness).expect("back");
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 3);
}

/// Stands still, and counts how often somebody waits.
#[derive(Clone, Default)]
struct Still(Arc<AtomicUsize>);

impl Still {
    async fn waited(&self, times: usize) {
        while self.0.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        at(MONDAY)
    }

    async fn sleep(&self, _: Duration) {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_outcome_cannot_be_written_no_courier_begins_another_letter() {
    let shop = Shop::with(60).await;
    let (relay, mailbox) = MemoryRelay::new();
    let mut office = office();
    office.connections = 3;
    let clock = Still::default();
    let engine = Engine::new(shop.open(), relay, clock.clone(), office);
    assert_eq!(engine.pass().await.expect("the store works").queued, 60);
    let other = Connection::open(shop.file()).expect("the store");
    let refuse = "CREATE TRIGGER unwritten BEFORE UPDATE ON attempts WHEN NEW.letter = 1
                  BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute_batch(refuse).expect("one outcome can't be written");
    let delivering = tokio::spawn(async move { engine.deliver().await });
    clock.waited(300).await;
    // The others have finished what they had in hand, and wait.
    let meanwhile = mailbox.letters().len();
    other.execute_batch("DROP TRIGGER unwritten").expect("it can be written again");
    let report = delivering.await.expect("no panic").expect("the store works");
    assert!(meanwhile < 30, "{meanwhile} of 60 letters left meanwhile");
    assert_eq!((report.letters.get("sent"), mailbox.letters().len()), (Some(&60), 60));
}
