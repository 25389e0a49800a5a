//! CSV files as people and programs write them: taken whole, in part where
//! that was asked for, or refused with what to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use courtesy::domain::address::Address;
use courtesy::domain::facts::Facts;
use courtesy::domain::receivable::{Receivable, Status};
use courtesy::store::sqlite::SqliteStore;
use courtesy::store::{ImportKind, ImportReport, Store, StoreError};
use encoding_rs::{GB18030, WINDOWS_1252};
use tempfile::TempDir;

use crate::store::world::*;

fn memory() -> (SqliteStore, TempDir) {
    (SqliteStore::open_in_memory(options()).expect("a store"), tempfile::tempdir().expect("a folder"))
}

async fn customers(content: impl AsRef<[u8]>) -> (Result<ImportReport, StoreError>, Vec<Arc<Facts>>) {
    let (store, folder) = memory();
    let report = import_as(&store, folder.path(), ImportKind::Customers, content, |_| {}).await;
    (report, due(&store, NOON).await)
}

fn names(facts: &[Arc<Facts>]) -> Vec<&str> {
    facts.iter().flat_map(|facts| &facts.customers).map(|one| one.customer.name.as_str()).collect()
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[tokio::test]
async fn a_file_is_read_in_whatever_it_is_certainly_encoded_and_delimited() {
    let text = "id,name,email\n1,上海宏远贸易有限公司,a@example.test\n2,王芳,\n";
    let semicolons = "\"ID\";\"Name\" ;unused\r\n\r\n1;\"上海宏远贸易有限公司\";x\r\n2;王芳;\r\n;;\r\n";
    let tabs = "sort\tid\tNAME\n9\t1\t上海宏远贸易有限公司\n8\t2\t王芳";
    for (what, bytes) in [
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", format!("\u{feff}{text}").into_bytes()),
        ("UTF-16, little end first", utf16(text, false)),
        ("UTF-16, big end first", utf16(text, true)),
        ("GB18030", GB18030.encode(text).0.into_owned()),
        ("old line ends", text.replace('\n', "\r").into_bytes()),
        ("semicolons", semicolons.as_bytes().to_vec()),
        ("tabs, no last line end", tabs.as_bytes().to_vec()),
    ] {
        let (report, facts) = customers(bytes).await;
        let report = report.expect(what);
        assert_eq!((report.rows, report.added, report.kept), (2, 2, true), "{what}: {report:?}");
        let mut found = names(&facts);
        found.sort_unstable();
        assert_eq!(found, ["上海宏远贸易有限公司", "王芳"], "{what}");
    }
}

#[tokio::test]
async fn what_is_no_table_of_this_kind_is_refused_whole() {
    for (bytes, part) in [
        (b"".to_vec(), "is empty"),
        (b"\n\n \n".to_vec(), "is empty"),
        (b"id,name\n".to_vec(), "has a header and no rows"),
        (b"id,name\n,\n".to_vec(), "has a header and no rows"),
        (WINDOWS_1252.encode("id,name\n1,Müller\n").0.into_owned(), "save it as UTF-8"),
        (b"i\0d\0,\0n\0".to_vec(), "NUL bytes"),
        (
            b"id,nmae\n1,x\n".to_vec(),
            "the column `name` of customers is missing; is it the one called `nmae`?",
        ),
        (
            b"number,name\n1,x\n".to_vec(),
            "the column `id` of customers is missing; the first line has number, name",
        ),
        (b"id,name,Name\n1,x,y\n".to_vec(), "the column `name` is there twice"),
        (b"id,name\n1,\"x\n2,y\n3,z\n".to_vec(), "a quotation mark on line 2 is never closed"),
        ([b"\xFF\xFEi\0d\0,\0n\0\n\0".as_slice(), b"\x00\xD8\n\0"].concat(), "not valid UTF-16LE"),
    ] {
        let (report, facts) = customers(&bytes).await;
        let told = report.expect_err("a refusal").to_string();
        assert!(told.contains(part) && told.contains("customers.csv"), "{told}");
        assert!(facts.is_empty());
    }
    let (store, folder) = memory();
    let order = order(ImportKind::Customers, folder.path().join("none.csv"));
    let told = store.import(order, Arc::new(|_| {}), at(NOON)).await.expect_err("a refusal").to_string();
    assert!(told.contains("none.csv: can't be read"), "{told}");
}

#[tokio::test]
async fn every_bad_row_is_named_by_its_line_and_nothing_is_kept() {
    let file = "id,name,email,timezone,locale,country,owner_phone\n\
        1,\"Two\nlines\",a@example.test,Europe/Berlin,de,DE,1\n\
        2,NULL,,,,,\n\
        3,,,,,,\n\
        ,Nameless,,,,,\n\
        4,Ragged\n\
        5,Zone,,Asia/Beijing,,,\n\
        6,Tongue,,,Chinese,,\n\
        7,Land,,,,China,\n\
        1,Again,,,,,\n\
        8,\"Com, ma & <b>\u{202e}\",not an address,,,,\n\
        9,NULL,,Mars,Klingon,DE,\n\
        10,Com, ma,,,,,\n";
    let (report, facts) = customers(file).await;
    let report = report.expect("a report");
    let bad: Vec<_> = report
        .bad
        .iter()
        .flat_map(|bad| bad.reasons.iter().map(|reason| format!("{}: {reason}", bad.line)))
        .collect();
    let place = "write a place like Asia/Shanghai or Europe/Berlin";
    assert_eq!(
        bad,
        [
            "4: `name`: `NULL` stands for nothing; leave the cell empty",
            "5: `name` is empty",
            "6: `id` is empty",
            "7: 2 cells where the header has 7",
            &format!("8: `timezone`: `Asia/Beijing` is not a time zone; {place}"),
            "9: `locale`: `Chinese` is not a language tag; write it like zh-CN or en",
            "10: `country`: `China` is not a country; write the two letters of ISO 3166, like cn or de",
            "11: `id`: `1` is listed twice, first on line 2",
            "13: `name`: `NULL` stands for nothing; leave the cell empty",
            "13: `locale`: `Klingon` is not a language tag; write it like zh-CN or en",
            &format!("13: `timezone`: `Mars` is not a time zone; {place}"),
            "14: 8 cells where the header has 7; a text with the delimiter in it needs quotation marks",
        ]
    );
    assert_eq!((report.rows, report.bad_count, report.added, report.kept), (12, 10, 2, false));
    assert_eq!(report.unknown_columns, ["owner_phone"]);
    assert!(facts.is_empty(), "nothing is kept");

    let (store, folder) = memory();
    let report =
        import_as(&store, folder.path(), ImportKind::Customers, file, |order| order.keep_going = true)
            .await
            .expect("a report");
    assert_eq!((report.bad_count, report.added, report.kept), (10, 2, true));
    assert_eq!(report.unusable_addresses, 1);
    assert_eq!(names(&due(&store, NOON).await), ["Two\nlines", "Com, ma & <b>\u{202e}"]);
}

#[tokio::test]
async fn cells_that_must_fit_each_other_are_checked_where_both_are_known() {
    let (store, folder) = memory();
    fill(&store, folder.path()).await;
    for (kind, file, reasons) in [
        (
            ImportKind::Receivables,
            "id,customer_id,kind,amount,currency,due_on\n\
             R1,C1,invoice,1.5,JPY,2026-06-20\n\
             X1,C9,invoice,1.001,EUR,2026-06-20\n\
             X2,C1,credit_note,5,EUR,2026-06-20\n\
             X3,C1,invoice,\"1.234,50\",EUR,2026-06-20\n\
             X4,C1,invoice,5,RMB,2026-06-20\n",
            vec![
                (2, "`amount`: `1.5` has more than the 0 decimals of JPY"),
                (3, "`customer_id`: there is no customer `C9`"),
                (3, "`amount`: `1.001` has more than the 2 decimals of EUR"),
                (4, "`amount`: a credit note is what we owe"),
                (5, "`amount`: `1.234,50` is not an amount; write it with a point"),
                (6, "`currency`: `RMB` is not a currency"),
            ],
        ),
        (
            ImportKind::Payments,
            "id,receivable_id,customer_id,amount,currency,received_on\n\
             P1,R9,,1,,2026-06-20\n\
             P2,,,1,EUR,2026-06-20\n\
             P3,,C1,1,,2026-06-20\n\
             P4,R1,C2,1,,2026-06-20\n\
             P5,R1,,1,CNY,2026-06-20\n\
             P6,R1,,1.005,,2026-06-20\n\
             P7,R1,,1,,20.06.2026\n",
            vec![
                (2, "`receivable_id`: there is no receivable `R9`"),
                (3, "`receivable_id` is empty, and so is `customer_id`"),
                (4, "`currency` is empty; money on account"),
                (5, "`customer_id`: receivable `R1` is not of customer `C2`"),
                (6, "`currency`: receivable `R1` is in EUR"),
                (7, "`amount`: `1.005` has more than the 2 decimals of EUR"),
                (8, "`received_on`: `20.06.2026` is not a date; which part is the month"),
            ],
        ),
        (
            ImportKind::Events,
            "id,customer_id,kind,occurred_at,outcome\n\
             E1,C9,visit,2026-06-20T10:00Z,\n\
             E2,C1,visit,2026-06-20,\n\
             E3,C1,visit,2026-06-20T10:00,postive\n",
            vec![
                (2, "`customer_id`: there is no customer `C9`"),
                (3, "`occurred_at`: `2026-06-20` is not a moment; the time is missing"),
                (4, "`outcome`: `postive` is no outcome; did you mean `positive`?"),
            ],
        ),
    ] {
        let report = import_as(&store, folder.path(), kind, file, |_| {}).await.expect("a report");
        assert_eq!((report.added, report.kept), (0, false));
        let told = report.bad.iter().flat_map(|bad| bad.reasons.iter().map(|reason| (bad.line, reason)));
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), reasons.len(), "{report:?}");
        for (told, (line, part)) in told.iter().zip(reasons) {
            assert!(told.0 == line && told.1.starts_with(part), "{told:?} instead of {line} {part}");
        }
    }
}

async fn item(store: &SqliteStore, id: &str) -> Receivable {
    let facts = due(store, NOON).await;
    let mut items = facts.iter().flat_map(|facts| &facts.customers).flat_map(|one| &one.receivables);
    items.find(|item| item.id.as_str() == id).cloned().unwrap_or_else(|| panic!("no {id} in reach"))
}

const HEAD: &str = "id,customer_id,kind,amount,currency,due_on";

/// One receivable on a day at the business.
async fn on_day(
    store: &SqliteStore,
    folder: &TempDir,
    day: &str,
    due_on: &str,
    status: &str,
) -> ImportReport {
    let file = format!("{HEAD},status\nR1,C1,invoice,100,EUR,{due_on},{status}\n");
    let order = order(ImportKind::Receivables, write(folder.path(), "moved.csv", file));
    store.import(order, Arc::new(|_| {}), at(&format!("{day}T04:00:00Z"))).await.expect("an import")
}

#[tokio::test]
async fn a_due_date_that_moves_starts_a_round_or_continues_one() {
    let (store, folder) = memory();
    import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
    for (today, due_on, round_on, postponements) in [
        ("2026-06-01", "2026-06-20", "2026-06-20", 0),
        ("2026-06-02", "2026-06-20", "2026-06-20", 0),
        ("2026-06-25", "2026-07-10", "2026-07-10", 1),
        ("2026-06-25", "2026-06-20", "2026-07-10", 1),
        ("2026-06-26", "2026-07-10", "2026-07-10", 2),
        ("2026-06-26", "2026-06-30", "2026-06-30", 2),
    ] {
        on_day(&store, &folder, today, due_on, "open").await;
        let item = item(&store, "R1").await;
        assert_eq!(
            (item.due_on, item.round_on, item.postponements),
            (day(due_on), day(round_on), postponements)
        );
    }
}

#[tokio::test]
async fn a_status_is_taken_when_it_changes_and_its_days_are_known() {
    let (store, folder) = memory();
    import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
    on_day(&store, &folder, "2026-06-01", "2026-06-20", "").await;
    assert_eq!(item(&store, "R1").await.status, Status::Open);
    on_day(&store, &folder, "2026-06-05", "2026-06-20", "disputed").await;
    let report = on_day(&store, &folder, "2026-06-10", "2026-06-20", "Open").await;
    assert_eq!((report.changed, report.closed), (1, 0));
    let disputed = item(&store, "R1").await;
    assert_eq!(disputed.status, Status::Open);
    assert_eq!(
        (disputed.pauses[0].from, disputed.pauses[0].until),
        (day("2026-06-05"), Some(day("2026-06-09")))
    );
    let report = on_day(&store, &folder, "2026-06-12", "2026-06-20", "paid").await;
    assert_eq!((report.changed, report.closed), (1, 1));
    let paid = item(&store, "R1").await;
    assert_eq!((paid.status, paid.closed_on), (Status::Paid, Some(day("2026-06-12"))));
    assert_eq!(paid.settled().map(|(day, _)| day), Some(day("2026-06-12")));
    on_day(&store, &folder, "2026-06-13", "2026-06-20", "open").await;
    assert_eq!(item(&store, "R1").await.closed_on, None);
}

#[tokio::test]
async fn an_absent_column_changes_nothing_and_an_empty_cell_clears() {
    let (store, folder) = memory();
    fill(&store, folder.path()).await;
    let set = format!(
        "{HEAD},number,issued_on,pay_url\nR1,C1,invoice,100,EUR,2026-06-20,N-1,2026-05-20,https://pay.test/1\n"
    );
    import(&store, folder.path(), ImportKind::Receivables, &set).await;
    let clear = format!("{HEAD},number\nR1,C1,invoice,100.0,EUR,2026-06-20,\n");
    let report = import(&store, folder.path(), ImportKind::Receivables, &clear).await;
    assert_eq!(report.changed, 1);
    let item = item(&store, "R1").await;
    assert_eq!((item.number, item.issued_on, item.status), (None, Some(day("2026-05-20")), Status::Open));
    assert_eq!(item.pay_url.as_deref(), Some("https://pay.test/1"));
}

/// Thirty open items of one customer.
fn thirty(listed: std::ops::Range<u32>, amount: u32) -> String {
    let rows = listed.map(|n| format!("R{n},C1,invoice,{amount},EUR,2026-07-{:02}\n", n % 28 + 1));
    format!("{HEAD}\n{}", rows.collect::<String>())
}

#[tokio::test]
async fn a_file_that_would_close_hold_or_change_too_much_is_refused_unless_told() {
    let (store, folder) = memory();
    import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
    import(&store, folder.path(), ImportKind::Receivables, &thirty(0..30, 100)).await;
    let before = due(&store, NOON).await;
    for (file, complete, part) in [
        (
            thirty(0..3, 100),
            false,
            "0 would close, 0 change and 27 be held because they are missing; that is 90 %",
        ),
        (thirty(0..3, 100), true, "27 would close, 0 change and 0 be held"),
        (thirty(0..30, 101), false, "0 would close, 30 change and 0 be held"),
    ] {
        let told = import_as(&store, folder.path(), ImportKind::Receivables, &file, |order| {
            order.complete = complete;
        })
        .await
        .expect_err("a refusal")
        .to_string();
        assert!(told.contains(part) && told.contains("--allow-large-change"), "{told}");
        assert_eq!(due(&store, NOON).await, before, "nothing was changed");
    }
    let report = import_as(&store, folder.path(), ImportKind::Receivables, thirty(0..3, 100), |order| {
        order.complete = true;
        order.allow_large_change = true;
    })
    .await
    .expect("a report");
    assert_eq!((report.closed, report.unchanged, report.kept), (27, 3, true));
    let closed = item(&store, "R29").await;
    assert_eq!((closed.status, closed.closed_on), (Status::Paid, Some(day("2026-06-29"))));
    // What a complete file had lost is open again when it is back.
    let report = import(&store, folder.path(), ImportKind::Receivables, &thirty(0..4, 100)).await;
    assert_eq!((report.changed, report.closed, report.missing.len()), (1, 0, 0));
    assert_eq!(item(&store, "R3").await.status, Status::Open);
}

#[tokio::test]
async fn what_the_last_file_had_and_this_one_lacks_is_held_until_it_is_back() {
    let (store, folder) = memory();
    import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
    import(&store, folder.path(), ImportKind::Receivables, &thirty(0..30, 100)).await;
    let report = import(&store, folder.path(), ImportKind::Receivables, &thirty(0..28, 100)).await;
    assert_eq!(report.missing, ["R28", "R29"]);
    let held = item(&store, "R29").await;
    assert_eq!((held.pauses.len(), held.pauses[0].until), (1, None));
    assert_eq!(held.pauses[0].reason, "not in the last file");
    let report = import(&store, folder.path(), ImportKind::Receivables, &thirty(0..29, 100)).await;
    assert!(report.missing.is_empty(), "R29 is held already");
    assert!(item(&store, "R28").await.pauses[0].until.is_some());
    assert!(item(&store, "R29").await.pauses[0].until.is_none());
    // A bad row is listed all the same.
    let file = thirty(0..29, 100).replace("R5,C1,invoice,100", "R5,C1,invoice,1O0");
    let report =
        import_as(&store, folder.path(), ImportKind::Receivables, &file, |order| order.keep_going = true)
            .await
            .expect("a report");
    assert_eq!((report.bad_count, report.missing.len(), report.kept), (1, 0, true));
    let refused = import_as(&store, folder.path(), ImportKind::Receivables, &file, |order| {
        order.keep_going = true;
        order.complete = true;
    })
    .await
    .expect_err("a refusal");
    assert!(refused.to_string().contains("every row must be good"));
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_keeps_nothing() {
    let (store, folder) = memory();
    fill(&store, folder.path()).await;
    settle(&store, NOON, None).await;
    let file = format!(
        "{HEAD},status\nR1,C1,invoice,120,EUR,2026-06-20,open\nR2,C1,invoice,50,EUR,2026-06-10,paid\nR9,C2,deposit,9,CNY,2026-08-01,\n"
    );
    let dry = import_as(&store, folder.path(), ImportKind::Receivables, &file, |order| order.dry_run = true)
        .await
        .expect("a report");
    assert_eq!((dry.added, dry.changed, dry.closed, dry.missing.len(), dry.kept), (1, 2, 1, 1, false));
    assert!(names_due(&store, NOON).await.is_empty(), "nobody was woken");
    let wet = import(&store, folder.path(), ImportKind::Receivables, &file).await;
    assert_eq!(ImportReport { kept: false, ..wet }, dry);
}

#[tokio::test]
async fn attributes_tags_copies_and_a_block_reach_the_customer() {
    let file = "id,name,email,cc,tags,attributes,blocked,greeting,locale,country\n\
        1,One,a@example.test,b@example.test; broken ;c@example.test,vip; fair ,branch=Köln; size=3,yes,Frau Dr. Kern,de_DE,DE\n";
    let (report, facts) = customers(file).await;
    assert!(report.expect("a report").kept);
    let customer = &facts[0].customers[0].customer;
    let copies: Vec<_> = customer.cc.iter().map(Address::as_str).collect();
    assert_eq!(copies, ["b@example.test", "c@example.test"]);
    assert_eq!(customer.tags, ["vip", "fair"]);
    assert_eq!(customer.attributes["branch"], "Köln");
    assert_eq!(customer.attributes["size"], "3");
    assert!(customer.blocked);
    assert_eq!(customer.greeting.as_deref(), Some("Frau Dr. Kern"));
    assert_eq!((customer.locale.as_deref(), customer.country.as_deref()), (Some("de-DE"), Some("de")));
}

#[tokio::test]
async fn a_long_file_tells_how_far_it_is() {
    let (store, folder) = memory();
    let rows = (0..2_500).map(|n| format!("{n},Customer {n}")).collect::<Vec<_>>().join("\n");
    let order = order(ImportKind::Customers, write(folder.path(), "long.csv", format!("id,name\n{rows}")));
    let seen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&seen);
    let progress = Arc::new(move |rows: u64| {
        counter.fetch_max(rows, Ordering::SeqCst);
    });
    let report = store.import(order, progress, at(NOON)).await.expect("a report");
    assert_eq!((report.added, seen.load(Ordering::SeqCst)), (2_500, 2_500));
    assert_eq!(report.unusable_addresses, 0, "there is no column of addresses");
}

#[tokio::test]
async fn two_claims_of_one_number_are_told_apart_by_their_ids() {
    let (store, folder) = memory();
    import(&store, folder.path(), ImportKind::Customers, CUSTOMERS).await;
    let claims = "id,customer_id,kind,amount,currency,due_on,number\n\
        A,C1,invoice,100,EUR,2026-06-20,4711\nB,C2,invoice,200,EUR,2026-06-20,4711\n";
    import(&store, folder.path(), ImportKind::Receivables, claims).await;
    let payments = "id,receivable_id,amount,received_on\nP,A,60,2026-06-25\n";
    import(&store, folder.path(), ImportKind::Payments, payments).await;
    let facts = due(&store, NOON).await;
    let mut found: Vec<String> = facts
        .iter()
        .flat_map(|facts| &facts.customers)
        .flat_map(|of| &of.receivables)
        .map(|claim| format!("{} {:?} {}", claim.id, claim.number, claim.balance()))
        .collect();
    found.sort();
    assert_eq!(found, ["A Some(\"4711\") 40.00 EUR", "B Some(\"4711\") 200.00 EUR"]);
}
