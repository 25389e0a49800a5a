//! A fault of this program in one letter keeps to that letter.

use courtesy::domain::delivery::{Outcome, Parcel, Unreachable};
use courtesy::domain::notice::LetterState;
use courtesy::relay::MemorySession;

use super::*;

/// Hands over every letter but one, over which it stumbles.
struct Stumbles {
    over: &'static str,
    inner: MemoryRelay,
}

impl Relay for Stumbles {
    type Session = MemorySession;

    async fn open(&self) -> Result<MemorySession, Unreachable> {
        self.inner.open().await
    }

    async fn deliver(&self, session: &mut MemorySession, parcel: &Parcel) -> Outcome {
        // Somewhere in the middle of the conversation.
        tokio::task::yield_now().await;
        assert_ne!(parcel.to.as_str(), self.over, "on purpose");
        self.inner.deliver(session, parcel).await
    }

    fn is_usable(&self, session: &MemorySession) -> bool {
        self.inner.is_usable(session)
    }

    async fn close(&self, session: MemorySession) {
        self.inner.close(session).await;
    }
}

#[tokio::test]
async fn a_panic_while_handing_over_leaves_that_letter_uncertain_at_once_and_the_rest_goes() {
    let shop = Shop::with(20).await;
    let (inner, mailbox) = MemoryRelay::new();
    let engine = shop.engine_with(Stumbles { over: "c7@example.test", inner }, office());
    let (_, delivery) = beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 19);
    assert_eq!((delivery.letters.get("sent"), delivery.letters.get("uncertain")), (Some(&19), Some(&1)));
    assert!(in_state(engine.store(), LetterState::Sending).await.is_empty());
    let uncertain = in_state(engine.store(), LetterState::Uncertain).await;
    assert_eq!(uncertain[0].reason, "handing it over panicked; please report this");
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 19, "and it is not tried again");
}

/// More than a number can hold when there are two of them.
const ABSURD: &str = "79228162514264337593543950335";

/// What no import lets through: a customer with two such claims.
fn make_absurd(shop: &Shop, customer: usize) {
    let conn = rusqlite::Connection::open(shop.file()).expect("the store");
    conn.execute_batch(&format!(
        "UPDATE receivables SET amount = '{ABSURD}' WHERE id = 'R{customer}';
         INSERT INTO receivables (id, customer, kind, amount, currency, due_on, round_on, status,
                                  imported_status, first_seen, reach_on, listed)
         SELECT id || 'b', customer, kind, amount, currency, due_on, round_on, status,
                imported_status, first_seen, reach_on, 0
         FROM receivables WHERE id = 'R{customer}';"
    ))
    .expect("changed");
}

fn mend(shop: &Shop, customer: usize) {
    let conn = rusqlite::Connection::open(shop.file()).expect("the store");
    conn.execute("UPDATE receivables SET amount = '1000' WHERE id LIKE ?1", [format!("R{customer}%")])
        .expect("changed");
}

#[tokio::test]
async fn a_panic_while_planning_for_one_customer_keeps_that_one_waiting_and_nobody_else() {
    let shop = Shop::with(20).await;
    make_absurd(&shop, 7);
    let (engine, mailbox) = shop.engine();
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.faulty, pass.queued, mailbox.take().len()), (1, 19, 19));
    // It is looked at every hour, and gets its letter once it can be planned.
    shop.clock.advance(jiff::SignedDuration::from_mins(61));
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.faulty, pass.queued), (1, 0));
    mend(&shop, 7);
    beat(&engine).await;
    let letters = mailbox.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to.as_str(), "c7@example.test");
}

#[tokio::test]
async fn a_panic_while_making_one_letter_holds_it_and_the_rest_goes() {
    let shop = Shop::with(20).await;
    let (engine, mailbox) = shop.engine();
    assert_eq!(engine.pass().await.expect("the store works").queued, 20);
    make_absurd(&shop, 7);
    engine.deliver().await.expect("the store works");
    assert_eq!(mailbox.take().len(), 19);
    let held = in_state(engine.store(), LetterState::Held).await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].reason, "making the letter panicked; please report this");
    // While it waits for a person, passes go on.
    fill(engine.store(), shop.folder.path(), 0..22).await;
    let (pass, _) = beat(&engine).await;
    assert_eq!((pass.faulty, mailbox.take().len()), (1, 2));
    mend(&shop, 7);
    let released = engine.store().release(held[0].id, true, "mended".to_owned(), shop.clock.now()).await;
    assert!(released.expect("the store works"));
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 1);
}

#[tokio::test]
async fn a_letter_that_cannot_be_rendered_or_is_too_large_is_held_and_the_rest_goes() {
    let template = "---\nsubject: \"An open claim\"\n---\nDear {{ customer.greeting }},\n\n\
        {% if customer.id == \"C1\" %}{{ customer.name | date }}{% endif %}\
        {% if customer.id == \"C2\" %}{% for a in range(end=100) %}{% for b in range(end=100) %}\
        long long long long long long long long long long long long long long long long long long long \
        long long long long long long long{% endfor %}{% endfor %}{% endif %}\n";
    let templates = tempfile::tempdir().expect("a folder");
    let layout = "<!DOCTYPE html>\n<html lang=\"{{ locale }}\"><body>{{ content }}</body></html>\n";
    std::fs::write(templates.path().join("layout.html"), layout).expect("written");
    std::fs::create_dir_all(templates.path().join("en/reminder")).expect("made");
    for stage in ["coming-due", "due-today", "friendly", "firm", "final-notice"] {
        std::fs::write(templates.path().join(format!("en/reminder/{stage}.md")), template).expect("written");
    }
    let shop = Shop::with(5).await;
    let (relay, mailbox) = MemoryRelay::new();
    let mut office = office();
    office.composer = courtesy::letter::Composer::load(templates.path()).expect("it loads");
    let engine = shop.engine_with(relay, office);
    beat(&engine).await;
    assert_eq!(mailbox.letters().len(), 3);
    let mut held: Vec<(String, String)> = in_state(engine.store(), LetterState::Held)
        .await
        .into_iter()
        .map(|letter| (letter.draft.whose().to_owned(), letter.reason))
        .collect();
    held.sort();
    let [(first, no_date), (second, too_large)] = &held[..] else { panic!("{held:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("C1", "C2"));
    assert!(no_date.contains("is not a date") && too_large.contains("larger than 1048576 bytes"), "{held:?}");
}
