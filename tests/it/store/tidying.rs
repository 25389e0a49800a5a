//! Texts that were kept for long enough go; the record stays.

use courtesy::domain::customer::Class;
use courtesy::domain::delivery::Transition;
use courtesy::domain::ids::LetterId;
use courtesy::domain::notice::LetterState;
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{Claim, ImportKind, Made, OutboxLetter, Store, Tidied, Tidying};

use super::world::*;

const PHRASE: &str = "a sentence that only this letter has";

/// Long enough that the file keeps most of it on pages of its own.
fn long(text: &str) -> Made {
    let mut made = made(text);
    made.parcel.bytes = PHRASE.repeat(400).as_bytes().into();
    made
}

async fn sent(store: &SqliteStore, stage: &str, class: Class, receivables: &[&str]) -> LetterId {
    let letter = queue(store, courtesy::domain::notice::Draft { class, ..draft(stage, receivables) }).await;
    end(store, letter, LetterState::Sent).await;
    letter
}

async fn end(store: &SqliteStore, letter: LetterId, state: LetterState) {
    let read = Claim { made: long(&letter.to_string()), ..claim(store, letter).await };
    begin(store, read).await;
    let transition = Transition {
        state,
        next_attempt_at: None,
        reason: "250 Ok".to_owned(),
        suppress: false,
        maybe_sent: false,
    };
    store
        .finish_attempt(letter, 1, transition, vec![], at("2026-06-29T07:00:05Z"))
        .await
        .expect("it is noted");
}

/// Two years later.
const LATER: &str = "2028-07-01T00:00:00Z";

async fn tidy(store: &SqliteStore, before: &str, limit: usize) -> Tidied {
    let because = "after 2 years, as agreed".to_owned();
    store.tidy(Tidying { before: at(before), because, limit }, at(LATER)).await.expect("it is tidied")
}

async fn rows(store: &SqliteStore, letters: &[LetterId]) -> Vec<OutboxLetter> {
    let mut rows = Vec::new();
    for letter in letters {
        rows.push(row(store, *letter).await);
    }
    rows
}

fn has_text(row: &OutboxLetter) -> bool {
    let made = row.made.as_ref().expect("what was made stays");
    assert_eq!(made.parcel.bytes.is_empty(), row.emptied.is_some());
    assert_eq!(made.subject, "Your invoice");
    row.emptied.is_none()
}

#[tokio::test]
async fn an_old_text_goes_and_what_was_sent_to_whom_stays() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let letters = [
            sent(&store, "friendly", Class::Courtesy, &["R1"]).await,
            sent(&store, "firm", Class::Courtesy, &["R1"]).await,
            sent(&store, "final", Class::Courtesy, &["R1"]).await,
        ];
        settle(&store, LATER, None).await;
        let before = rows(&store, &letters).await;
        assert_eq!(tidy(&store, "2026-06-29T07:00:05Z", 9).await, Tidied { letters: 0, more: false });
        assert_eq!(tidy(&store, "2026-06-29T08:00:00Z", 2).await, Tidied { letters: 2, more: true });
        assert_eq!(tidy(&store, "2026-06-29T08:00:00Z", 2).await, Tidied { letters: 1, more: false });
        assert_eq!(tidy(&store, "2026-06-29T08:00:00Z", 2).await, Tidied { letters: 0, more: false });
        for (was, is) in before.into_iter().zip(rows(&store, &letters).await) {
            assert!(has_text(&was) && !has_text(&is));
            let emptied = is.emptied.clone().expect("it is said");
            assert_eq!((emptied.at, emptied.because.as_str()), (at(LATER), "after 2 years, as agreed"));
            let mut rest = is;
            (rest.emptied, rest.made) = (None, was.made.clone());
            assert_eq!(rest, was, "all else is as it was");
        }
        assert_eq!(names_due(&store, LATER).await, [""; 0], "nobody is looked at again for it");
        let history = store.history("C1".into()).await.expect("a history");
        let told = "its text was removed on 2028-07-01, after 2 years, as agreed";
        assert_eq!(history.iter().filter(|entry| entry.detail.contains(told)).count(), 3, "{history:?}");
    }
}

#[tokio::test]
async fn what_waits_is_uncertain_or_reminds_of_what_is_still_owed_keeps_its_text() {
    for (store, folder) in both() {
        fill(&store, folder.path()).await;
        let sent = [
            sent(&store, "friendly", Class::Dunning, &["R1"]).await,
            sent(&store, "thanks", Class::Courtesy, &["R1"]).await,
            sent(&store, "firm", Class::Dunning, &["R2"]).await,
        ];
        let mut letters = sent.to_vec();
        for state in [LetterState::Retry, LetterState::Uncertain, LetterState::Held] {
            let letter = queue(&store, draft(state.as_str(), &["R2"])).await;
            end(&store, letter, state).await;
            letters.push(letter);
        }
        assert_eq!(tidy(&store, "2028-06-30T00:00:00Z", 99).await.letters, 1, "the thanks alone");
        let kept: Vec<bool> = rows(&store, &letters).await.iter().map(has_text).collect();
        assert_eq!(kept, [true, false, true, true, true, true]);

        let paid = "id,receivable_id,amount,received_on\nP1,R1,100,2028-06-20\n";
        import(&store, folder.path(), ImportKind::Payments, paid).await;
        import(
            &store,
            folder.path(),
            ImportKind::Receivables,
            &RECEIVABLES.replace("2026-06-10,open", "2026-06-10,legal"),
        )
        .await;
        assert_eq!(tidy(&store, "2028-06-30T12:00:00Z", 99).await.letters, 0, "they are asked about daily");
        assert_eq!(tidy(&store, "2028-07-01T12:00:00Z", 99).await.letters, 1, "the one that is paid");
        let kept: Vec<bool> = rows(&store, &letters).await.iter().map(has_text).collect();
        assert_eq!(kept, [false, false, true, true, true, true], "a court may ask about R2");
    }
}

/// Everything that lies beside the store and in it, as bytes.
pub fn on_disk(store: &SqliteStore) -> Vec<u8> {
    let file = store.path().expect("a file");
    let mut bytes = std::fs::read(file).expect("the store");
    let log = file.with_file_name("courtesy.db-wal");
    bytes.extend(std::fs::read(log).unwrap_or_default());
    bytes
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn the_bytes_of_a_removed_text_are_gone_from_the_disk_while_the_store_is_open() {
    let (store, folder) = both().remove(0);
    fill(&store, folder.path()).await;
    sent(&store, "friendly", Class::Courtesy, &["R1"]).await;
    assert!(contains(&on_disk(&store), PHRASE));
    assert_eq!(tidy(&store, LATER, 9).await.letters, 1);
    let bytes = on_disk(&store);
    assert!(!contains(&bytes, PHRASE) && contains(&bytes, "ann@example.test"));
}

#[tokio::test]
async fn a_reader_delays_the_emptying_of_the_log_and_no_letter() {
    let (store, folder) = both().remove(0);
    fill(&store, folder.path()).await;
    sent(&store, "friendly", Class::Courtesy, &["R1"]).await;
    let reader = rusqlite::Connection::open(store.path().expect("a file")).expect("a reader");
    reader.execute_batch("BEGIN; SELECT COUNT(*) FROM letters;").expect("it reads");
    assert_eq!(tidy(&store, LATER, 9).await.letters, 1, "it does not wait");
    assert!(contains(&on_disk(&store), PHRASE));
    reader.execute_batch("COMMIT").expect("it is done");
    assert_eq!(tidy(&store, LATER, 9).await.letters, 0);
    assert!(!contains(&on_disk(&store), PHRASE), "it is made up for");
}
