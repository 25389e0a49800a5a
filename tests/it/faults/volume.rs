//! Input out of nothing but the characters that mean something: no panic, no
//! hang, and never a wrong yes. `COURTESY_MORE=50 cargo test --release volume`
//! tries fifty times as much.

use std::sync::Mutex;

use courtesy::domain::address::Address;
use courtesy::letter::Composer;
use courtesy::relay::{Relay, SmtpSettings, Timeouts};
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, Store as _};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::more;
use crate::relay::script::{Act, Scripted, Turn, pipelining};
use crate::relay::{Ends, PATIENT, SHORT, ann, ends, plain, smtp};
use crate::store::world::{NOON, at, import_as, options, reach};

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A file of each kind, as it should be.
fn good(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::Customers => {
            "id,name,email,timezone,attributes\nC1,\"Ann, Lee\",ann@example.test,Asia/Shanghai,a=1\n\
             C2,王芳,b@example.test,,\nC3,\"two\nlines\",,,\n"
        }
        ImportKind::Receivables => {
            "id,customer_id,kind,amount,currency,due_on,issued_on,status,limitation_on\n\
             R1,C1,invoice,100.50,EUR,2026-02-28,2026-01-31,open,2029-12-31\n\
             R2,C1,credit_note,-5,JPY,2026-03-01,,,\nR3,C2,promissory_note,7.125,KWD,2024-02-29,,paid,\n"
        }
        ImportKind::Payments => {
            "id,receivable_id,customer_id,amount,currency,received_on\nP1,R1,,10.50,EUR,2026-03-01\n\
             P2,,C2,99,CNY,2026-03-02\nP3,R1,,-10.50,EUR,2026-03-03\n"
        }
        ImportKind::Events => {
            "id,customer_id,kind,occurred_at,outcome,product\nE1,C1,visit,2026-03-01T09:00:00+08:00,positive,\n\
             E2,C2,delivery,2026-03-01 09:00,,Press\n"
        }
    }
}

/// With something in it that nobody meant.
fn damaged_csv(kind: ImportKind) -> impl Strategy<Value = Vec<u8>> {
    let good = good(kind);
    let piece =
        "[\",;\t\r\n\0\u{feff}\u{202e}=|'a-c0-9@.催eE+-]{0,12}|9{1,40}|-?0{1,40}|9999-12-31|-9999-01-01";
    (0..good.len(), 0..30_usize, piece, any::<bool>()).prop_map(move |(at, cut, put, utf16)| {
        let at = (0..=at).rev().find(|at| good.is_char_boundary(*at)).unwrap_or(0);
        let end = (at + cut..=good.len()).find(|end| good.is_char_boundary(*end)).unwrap_or(good.len());
        let text = format!("{}{put}{}", &good[..at], &good[end..]);
        if utf16 { text.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { text.into_bytes() }
    })
}

/// A kind, and a file that is nearly one of it or anything.
fn table() -> impl Strategy<Value = (ImportKind, Vec<u8>)> {
    let of = |kind| {
        let bytes = prop_oneof![
            3 => damaged_csv(kind),
            1 => proptest::collection::vec(any::<u8>(), 0..120),
        ];
        bytes.prop_map(move |bytes| (kind, bytes))
    };
    proptest::sample::select(ImportKind::ALL.to_vec()).prop_flat_map(of)
}

/// What a relay could say: nearly right, or anything.
fn reply() -> impl Strategy<Value = String> {
    prop_oneof![
        "([1-6][0-9x][0-9][- ]?([245][.][0-9][.][0-9] )?[a-z \u{1b}\u{202e}\0]{0,12}(\r\n|\n|\r|)){1,4}",
        "[ -~\r\n\t]{0,40}",
        "(250-[a-z]{0,30}\r\n){0,120}250 ok\r\n",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: more(200), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_is_taken_or_refused_and_never_a_panic((kind, bytes) in table()) {
        runtime().block_on(async {
            let (store, folder) = (SqliteStore::open_in_memory(options()).expect("a store"), tempfile::tempdir().expect("a folder"));
            // Those whom the others speak of.
            for known in ImportKind::ALL.into_iter().take_while(|other| *other != kind) {
                import_as(&store, folder.path(), known, good(known), |_| {}).await.expect("a good file");
            }
            if let Ok(report) = import_as(&store, folder.path(), kind, &bytes, |order| order.keep_going = true).await {
                assert!(report.rows >= report.added, "{report:?}");
            }
            // What was taken can be read again.
            store.facts(at(NOON), reach(), None, 100).await.expect("facts");
        });
    }

    #[test]
    fn any_text_is_one_address_or_none(text in prop_oneof![
        any::<String>(),
        "[a-zA-Z0-9.+@,; <>\"\r\n\0\u{200b}\u{202e}ü催-]{0,40}",
        "[a-z.]{1,70}@[a-zü催.-]{1,200}",
    ]) {
        if let Ok(address) = Address::parse(&text) {
            let plain = address.as_str();
            prop_assert!(plain.is_ascii() && plain.len() <= 254, "{plain:?}");
            prop_assert!(!plain.contains(|c: char| c.is_control() || " <>,;\"\\()".contains(c)), "{plain:?}");
            prop_assert_eq!(plain.matches('@').count(), 1);
            prop_assert_eq!(Address::parse(plain).map(|again| again.as_str().to_owned()), Ok(plain.to_owned()));
            prop_assert!(!format!("{address:?}").contains(plain), "shown in full for debugging");
        }
    }

    #[test]
    fn any_template_is_loaded_or_refused_and_never_a_panic(
        text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}| customer\\.name | items | if | for x in | endif | endfor |\\||date|money|[a-z.\"'()*_`<>\\[\\]|\n -]){0,40}",
        headless in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("en")).expect("made");
        let layout = "<!DOCTYPE html>\n<html lang=\"{{ locale }}\"><body>{{ content }}</body></html>\n";
        std::fs::write(folder.path().join("layout.html"), layout).expect("written");
        let head = if headless { "" } else { "---\nsubject: \"Hello {{ customer.name }}\"\n---\n" };
        std::fs::write(folder.path().join("en/letter.md"), format!("{head}{text}")).expect("written");
        if let Err(problems) = Composer::load(folder.path()) {
            prop_assert!(!problems.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: more(120), failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a relay says at whichever moment, the conversation ends, and
    /// a letter counts as sent only if a 2xx was the answer to its final dot.
    #[test]
    fn whatever_a_relay_says_a_letter_is_sent_only_by_a_yes_to_its_final_dot(
        verb in proptest::sample::select(vec!["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "."]),
        said in reply(),
    ) {
        runtime().block_on(async {
            let told = said.clone();
            let dots = std::sync::Arc::new(Mutex::new(0));
            let counted = std::sync::Arc::clone(&dots);
            let scripted = Scripted::start(move |turn: Turn| {
                if turn.verb == "." {
                    *counted.lock().expect("not poisoned") += 1;
                }
                if turn.verb == verb { Act::Say(told.clone()) } else { pipelining(turn) }
            });
            let timeouts = Timeouts {
                greeting: SHORT, command: SHORT, data: SHORT, body: SHORT, final_dot: SHORT, ..PATIENT
            };
            let relay = smtp(SmtpSettings { timeouts, ..plain(scripted.port()) });
            let Ok(mut session) = relay.open().await else { return };
            let outcome = relay.deliver(&mut session, &ann()).await;
            let dots = *dots.lock().expect("not poisoned");
            if ends(&outcome) == Ends::Sent {
                assert_eq!(dots, 1, "{verb} {said:?}: {outcome:?}");
                assert!(verb != "." || said.starts_with('2'), "{said:?}: {outcome:?}");
            }
            let shown = format!("{outcome:?}");
            assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown:?}");
        });
    }
}
