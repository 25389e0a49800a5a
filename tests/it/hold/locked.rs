//! A store that can't be written for a while.

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
