//! Why they get it, why not, and what comes next: in a pipe, on a terminal,
//! for machines.

use super::played::Played;
use super::terminal::shown_on;

/// The names of files change with every word of a letter.
fn without_hashes(text: &str) -> String {
    let mut parts = text.split(".eml").collect::<Vec<_>>();
    let last = parts.pop().unwrap_or_default();
    let named = |part: &&str| {
        let start = part.len() - "0123456789abcdef".len();
        assert!(part[start..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{part}");
        format!("{}0123456789abcdef.eml", &part[..start])
    };
    parts.iter().map(named).collect::<String>() + last
}

#[tokio::test(flavor = "multi_thread")]
async fn every_letter_and_every_silence_is_accounted_for() {
    let shop = Played::march().await;
    for (name, about, at) in [
        ("a_promise_is_pending", "R1", "2026-03-18"),
        ("a_promise_was_broken", "C1", "2026-04-10T12:30"),
        ("disputed_and_below_the_least", "C2", "2026-03-20"),
        ("no_address", "C3", "2026-04-10T12:30"),
        ("settled", "INV-2", "2026-03-20"),
        ("long_settled", "R2", "2028-03-20"),
    ] {
        let told = shop.run(&["explain", about, "--at", at]);
        assert_eq!(told.code, 0, "{told:?}");
        assert!(!told.out.contains('\u{1b}'), "no colours in a pipe");
        insta::assert_snapshot!(format!("explain_{name}"), without_hashes(&told.out));
    }
    insta::assert_snapshot!(
        "explain_on_a_terminal",
        without_hashes(&shown_on(shop.path(), 80, "explain R1 --at 2026-03-18"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_moment_before_a_letter_left_says_that_it_is_due() {
    let shop = Played::march().await;
    let firm = |at: &str| {
        let told = shop.run(&["explain", "R1", "--at", at]);
        assert_eq!(told.code, 0, "{told:?}");
        let line = told.out.lines().find(|line| line.contains(" friendly ")).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{}", told.out))
    };
    assert!(firm("2026-03-12").contains("waits until 2026-03-13"), "{}", firm("2026-03-12"));
    assert!(
        firm("2026-03-13T09:00").contains("due now, to ann@example.test"),
        "{}",
        firm("2026-03-13T09:00")
    );
    assert!(firm("2026-03-13T10:00").contains("sent 2026-03-13 09:00"), "{}", firm("2026-03-13T10:00"));
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_get_every_rule_with_its_stages() {
    let shop = Played::march().await;
    let told = shop.run(&["explain", "R3", "--at", "2026-03-20", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&told.out).expect("JSON alone on stdout");
    let rules = read["rules"].as_array().expect("rules");
    let reminders = rules.iter().find(|rule| rule["rule"] == "payment-reminders").expect("the rule");
    assert_eq!(reminders["silenced"]["name"], "disputed");
    let stages = reminders["stages"].as_array().expect("stages");
    let of = |name: &str| stages.iter().find(|stage| stage["stage"] == name).expect("the stage");
    assert_eq!(of("friendly")["fate"], "written");
    assert_eq!(of("firm")["fate"], "not");
    assert_eq!(of("firm")["why"]["name"], "disputed");
    assert_eq!(
        (&of("final-notice")["fate"], &of("final-notice")["after"]),
        (&"follows".into(), &"firm".into())
    );
    assert!(reminders["near"].to_string().contains("两箱货未到"), "{}", reminders["near"]);
    assert!(
        reminders["letters"]
            .as_array()
            .is_some_and(|letters| letters.iter().all(|one| one["state"] == "sent"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_asked_about_is_found_by_what_a_person_knows() {
    let shop = Played::march().await;
    for (about, found) in [
        ("C1", "(C1)"),
        ("ann@example.test", "(C1)"),
        ("北京宏远机械制造有限公司", "(C2)"),
        ("发票3", "(R3)"),
        ("receivable:R3", "(R3)"),
        ("customer:C3", "(C3)"),
    ] {
        let told = shop.run(&["explain", about]);
        assert!(told.code == 0 && told.out.contains(found), "{about}: {told:?}");
    }
    for (about, said) in [
        ("c1", "no customer or receivable `c1`"),
        ("R33", "no customer or receivable `R33`"),
        ("", "no customer or receivable ``"),
        ("receivable:C1", "no receivable `C1`"),
    ] {
        let told = shop.run(&["explain", about]);
        assert_eq!(told.code, 1, "{about}: {told:?}");
        assert!(told.err.contains(said), "{about}: {}", told.err);
    }
    assert!(shop.run(&["explain", "c1"]).err.contains("`C1`"), "what was meant is named");
    assert!(shop.run(&["explain", "C1", "--at", "yesterday"]).err.contains("2026-03-02"), "how to write it");
}

#[test]
fn with_no_data_yet_it_says_where_to_begin() {
    let shop = super::courtesy::Installation::new();
    let told = shop.run(&["explain", "C1"]);
    assert_eq!(told.code, 1);
    assert!(told.err.contains("courtesy import customers"), "{}", told.err);
}

#[test]
fn before_the_first_pass_it_says_what_the_first_pass_will_see() {
    let shop = super::courtesy::Installation::new();
    shop.write("c.csv", "id,name,email\nC1,Ann's Bakery,ann@example.test\n");
    shop.write("r.csv", "id,customer_id,kind,amount,currency,due_on\nR1,C1,invoice,1200,CNY,2020-03-10\n");
    for (kind, file) in [("customers", "c.csv"), ("receivables", "r.csv")] {
        assert_eq!(shop.run(&["import", kind, file]).code, 0);
    }
    let told = shop.run(&["explain", "R1", "--at", "2020-09-01"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("backlog"), "{}", told.out);
    assert!(told.err.contains("No pass has seen these rules yet"), "{}", told.err);
}
