//! What people see, at a terminal of 80 and of 120 columns and in a pipe:
//! tables, colours, Chinese names, and the state of an installation.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use courtesy::cli::screen::Look;
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr as _;

use crate::support::{Said, command};

const LOOKS: [Look; 3] = [Look::Terminal(80), Look::Terminal(120), Look::Pipe];

/// Five in the afternoon of a Monday in Shanghai, when the day's letters have left.
const NOW: &str = "2026-10-12T09:00:00Z";

/// A business as `init` leaves it, in a folder that goes with it.
struct Shop(TempDir);

impl Shop {
    async fn new() -> Self {
        let shop = Self(tempfile::tempdir().expect("a folder"));
        command(&["init", shop.path("shop").to_str().expect("text")], Look::Pipe, NOW).await;
        shop
    }

    /// With customers, claims and letters in most of the states there are.
    async fn at_work() -> Self {
        let shop = Self::new().await;
        shop.import(
            "customers",
            "2026-08-01T02:00:00Z",
            "id,name,email,contact_name,locale,owner_name,owner_email\n\
             C1,Ann's Bakery,ann@bakery.test,Ann Lee,en,Li Na,lina@ours.test\n\
             C2,成都锦里餐饮管理有限公司,liu.fang@jinli.test,刘芳,zh-CN,Li Na,lina@ours.test\n\
             C3,Nobody's,,,en,,\n",
        )
        .await;
        shop.import(
            "receivables",
            "2026-08-01T02:00:00Z",
            "id,customer_id,kind,amount,currency,due_on,number\n\
             R1,C1,invoice,1200.50,EUR,2026-09-08,INV-1001\n\
             R2,C2,invoice,88000,CNY,2026-10-09,发票-1002\n\
             R3,C3,invoice,500,EUR,2026-10-08,INV-1003\n",
        )
        .await;
        for day in ["08-02", "09-02", "09-08", "09-14", "09-21", "10-12"] {
            shop.run(&["run", "--once"], Look::Pipe, &format!("2026-{day}T08:30:00Z")).await;
        }
        shop.run(&["record", "event", "C2", "visit", "--outcome", "positive"], Look::Pipe, NOW).await;
        shop.run(&["record", "payment", "R1", "200.50"], Look::Pipe, NOW).await;
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn import(&self, kind: &str, at: &str, csv: &str) {
        let file = self.path(&format!("{kind}.csv"));
        fs::write(&file, csv).expect("written");
        let said = self.run(&["import", kind, file.to_str().expect("text")], Look::Pipe, at).await;
        assert!(said.out.contains("new"), "{}{}", said.out, said.err);
    }

    async fn run(&self, words: &[&str], look: Look, now: &str) -> Said {
        let config = self.path("shop/config");
        let words = [&["--config", config.to_str().expect("text")], words].concat();
        let mut said = command(&words, look, now).await;
        let here = format!("{}/", self.0.path().display());
        for text in [&mut said.out, &mut said.err] {
            *text = text.replace(&here, "");
        }
        said
    }

    /// The same command on every look, one below the other.
    async fn shown(&self, words: &[&str]) -> String {
        let mut shown = String::new();
        for look in LOOKS {
            let said = self.run(words, look, NOW).await;
            let text = (said.out + &said.err).replace('\u{1b}', "␛");
            writeln!(shown, "=== {look:?}: courtesy {}\n{text}", words.join(" ")).expect("a string takes it");
        }
        shown
    }
}

/// A snapshot without the expression that made it, which is long.
macro_rules! snapshot {
    ($shown:expr) => {
        insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!($shown) })
    };
}

#[tokio::test]
async fn outbox_and_history_are_tables_that_fit_their_terminal() {
    let shop = Shop::at_work().await;
    let mut shown = shop.shown(&["outbox"]).await;
    shown += &shop.shown(&["outbox", "list", "--state", "held"]).await;
    shown += &shop.shown(&["history", "C2"]).await;
    shown += &shop.shown(&["history", "C1"]).await;
    snapshot!(shown);
}

#[tokio::test]
async fn no_line_of_a_table_is_wider_than_its_terminal() {
    let shop = Shop::at_work().await;
    for width in [60, 80, 100, 120, 200] {
        for words in [&["outbox"][..], &["history", "C1"], &["history", "C2"], &["backlog", "list"]] {
            let said = shop.run(words, Look::Terminal(width), NOW).await;
            let plain = anstream::adapter::strip_str(&said.out).to_string();
            for line in plain.lines() {
                assert!(line.width() <= width, "{words:?} at {width}: {line}");
            }
        }
    }
}

#[tokio::test]
async fn a_pipe_gets_every_row_in_a_line_and_no_colours() {
    let shop = Shop::at_work().await;
    let rows = shop.run(&["outbox", "--json"], Look::Pipe, NOW).await;
    let rows: serde_json::Value = serde_json::from_str(&rows.out).expect("JSON alone on stdout");
    let said = shop.run(&["outbox"], Look::Pipe, NOW).await;
    assert_eq!(said.out.lines().count(), 1 + rows.as_array().expect("a list").len());
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
    let json = shop.run(&["outbox", "--json"], Look::Terminal(80), NOW).await;
    assert!(!json.out.contains('\u{1b}'), "JSON is never coloured");
    let none = shop.run(&["outbox", "list", "--json", "--state", "rejected"], Look::Pipe, NOW).await;
    assert_eq!(none.out, "[]\n");
}

#[tokio::test]
async fn the_state_of_an_installation_and_what_to_do_next_are_told() {
    let new = Shop::new().await;
    let mut shown = new.shown(&["status"]).await;
    let at_work = Shop::at_work().await;
    shown += &at_work.shown(&["status"]).await;
    let courtesy = at_work.path("shop/config/courtesy.yaml");
    let good = fs::read_to_string(&courtesy).expect("text");
    let smtp = good
        .replace("deliver: { files: outbox }", "deliver: { smtp: { host: 127.0.0.1, tls: none } }")
        .replace("redirect_to: null", "redirect_to: me@ours.test")
        .replace("morningstar.example", "morningstar.test");
    fs::write(&courtesy, smtp).expect("written");
    shown += &at_work.shown(&["status"]).await;
    fs::write(&courtesy, good.replace("business:", "bussiness:")).expect("written");
    shown += &at_work.shown(&["status"]).await;
    fs::write(&courtesy, good).expect("written");
    fs::write(at_work.path("shop/data/courtesy.db"), "").expect("written");
    shown += &at_work.shown(&["status"]).await;
    snapshot!(shown);
}

#[tokio::test]
async fn the_state_is_told_to_machines_too_and_looking_changes_nothing() {
    let shop = Shop::new().await;
    let said = shop.run(&["status", "--json"], Look::Pipe, NOW).await;
    let state: serde_json::Value = serde_json::from_str(&said.out).expect("JSON alone on stdout");
    assert_eq!(state["in_order"], true);
    assert!(state["next"].as_array().is_some_and(|steps| !steps.is_empty()), "{state}");
    assert!(!shop.path("shop/data").exists(), "nothing was made");
}

#[tokio::test]
async fn what_the_data_lack_or_still_hold_is_warned_of() {
    let shop = Shop::at_work().await;
    let file = shop.path("shop/config/rules/product-news.yaml");
    let text = fs::read_to_string(&file).expect("text");
    let text =
        text.replace("class: marketing", "class: marketing\nwhere: { segment: dentists, owner: Li Ma }");
    fs::write(&file, text).expect("written");
    // Its letter waits for approval.
    let old = shop.path("shop/config/rules/payment-reminders.yaml");
    let text = fs::read_to_string(&old).expect("text");
    fs::write(&old, text.replace("rule: payment-reminders", "rule: payment-reminder")).expect("written");
    shop.import("customers", NOW, "id,name,email,locale\nC4,Chez Nous,nous@chez.test,fr\n").await;
    let shown = shop.shown(&["check"]).await;
    snapshot!(shown);
}

#[tokio::test]
async fn a_name_that_is_not_known_is_answered_with_the_nearest() {
    let shop = Shop::at_work().await;
    let mut shown = String::new();
    for words in [
        &["history", "C22"][..],
        &["history", "bakery"],
        &["history", "锦里"],
        &["history", "liu.fang@jinli.test"],
        &["record", "payment", "INV-1001", "5"],
        &["record", "payment", "R-1", "5"],
        &["record", "promise", "R11", "2026-10-20"],
        &["outbox", "list", "--customer", "c1"],
        &["outbox", "list", "--rule", "payment-reminder"],
        &["backlog", "start", "paymentreminders"],
        &["backlog", "list", "--rule", "nothing-like-it"],
        &["outbox", "show", "999"],
        &["outbox", "release", "999"],
    ] {
        let said = shop.run(words, Look::Pipe, NOW).await;
        writeln!(shown, "$ courtesy {}\n{}{}", words.join(" "), said.out, said.err)
            .expect("a string takes it");
    }
    snapshot!(shown);
}
