//! Letters before they are due: in a pipe, on a terminal, as a message, as a
//! page, in a browser.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use mail_parser::MessageParser;

use super::courtesy::Installation;
use super::played::Played;
use super::terminal::shown_on;

#[test]
fn a_made_up_letter_reads_the_same_in_a_pipe_and_on_a_terminal() {
    let shop = Installation::new();
    let shown = shop.run(&["preview", "payment-reminders/final-notice"]);
    assert_eq!(shown.code, 0, "{shown:?}");
    insta::assert_snapshot!("preview_in_a_pipe", shown.out);
    let arguments = "preview payment-reminders/final-notice --locale zh-CN";
    insta::assert_snapshot!("preview_on_a_terminal", shown_on(shop.path(), 80, arguments));
    assert!(!shop.path().join("data").exists(), "nothing is written down");
}

#[test]
fn what_is_misspelt_is_answered_with_what_was_meant() {
    let shop = Installation::new();
    for (letter, said) in [
        ("paymnt-reminders/firm", "did you mean `payment-reminders`?"),
        ("payment-reminders/frim", "did you mean `payment-reminders/firm`?"),
        ("payment-reminders/zzz", "there are payment-reminders/coming-due, payment-reminders/due-today"),
        ("payment-reminders", "which letter of `payment-reminders`? There are payment-reminders/coming-due"),
        ("zzz", "there are advance-reminders"),
    ] {
        let shown = shop.run(&["preview", letter]);
        assert_eq!(shown.code, 1, "{shown:?}");
        assert!(shown.err.contains(said), "{letter}: {}", shown.err);
    }
    assert_eq!(shop.run(&["preview"]).code, 2);
    assert_eq!(shop.run(&["preview", "visit-thanks"]).code, 0, "a rule with one letter needs no stage");
    assert_eq!(shop.run(&["preview", "onboarding-check-in/check-in/then"]).code, 0);
    assert_eq!(shop.run(&["preview", "daily-digest"]).code, 0);
    let other = shop.run(&["preview", "visit-thanks", "--locale", "fr"]);
    assert!(other.err.contains("no such letter in `fr`; its readers get it in `en`"), "{}", other.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_real_facts_it_says_what_the_planner_thinks_of_it() {
    let shop = Played::march().await;
    for (letter, about, text, remark) in [
        ("payment-reminders/friendly", "R1", "INV-1", "R1: sent 2026-03-13 09:00"),
        ("payment-reminders/final-notice", "R3", "发票3", "R3:"),
        ("payment-reminders/firm", "R5", "发票5", "below minimum"),
        ("payment-reminders/firm", "INV-2", "INV-2", "R2: not, settled"),
        ("visit-thanks", "C1", "Ann's Bakery", "E1: not: stale"),
        ("payment-reminders/firm", "C3", "INV-4", "C3 can't be written to: no address"),
        ("signing-thanks", "C1", "", "C1 has nothing that signing-thanks could be about"),
        ("daily-digest", "C1", "", "A digest is about many customers"),
    ] {
        let shown = shop.run(&["preview", letter, "--for", about]);
        assert_eq!(shown.code, 0, "{letter} {about}: {shown:?}");
        assert!(shown.out.contains(text), "{letter} {about}: {}", shown.out);
        assert!(shown.err.contains(remark), "{letter} {about}: {}", shown.err);
    }
    let english = shop.run(&["preview", "payment-reminders/firm", "--for", "R3", "--locale", "en"]);
    assert!(english.out.contains("Language: en") && english.out.contains("Overdue"), "{}", english.out);
    let unknown = shop.run(&["preview", "visit-thanks", "--for", "C9"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("no customer or receivable `C9`"), "{}", unknown.err);
}

#[test]
fn the_message_and_the_html_are_what_would_be_sent() {
    let shop = Installation::new();
    let arguments =
        ["preview", "payment-reminders/firm", "--eml", "firm.eml", "--html", "firm.html", "--json"];
    let shown = shop.run(&arguments);
    assert_eq!(shown.code, 0, "{shown:?}");
    let told: serde_json::Value = serde_json::from_str(&shown.out).expect("JSON alone on stdout");
    let bytes = fs::read(shop.path().join("firm.eml")).expect("the message");
    let message = MessageParser::default().parse(&bytes).expect("a message");
    assert_eq!(message.subject(), told["subject"].as_str());
    let html = fs::read_to_string(shop.path().join("firm.html")).expect("the page");
    assert_eq!(html, told["html"].as_str().expect("HTML"));
    assert_eq!(message.body_html(0).map(|part| part.replace("\r\n", "\n")), Some(html.replace("\r\n", "\n")));
    let nowhere = shop.run(&["preview", "visit-thanks", "--eml", "no/such/folder.eml"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.err.contains("cannot write no/such/folder.eml"), "{}", nowhere.err);
}

#[test]
fn a_browser_is_given_a_page_that_nobody_else_may_read() {
    let shop = Installation::new();
    let tools = shop.path().join("tools");
    fs::create_dir(&tools).expect("a folder");
    shop.write("tools/xdg-open", "#!/bin/sh\ncp \"$1\" opened.html; stat -c %a \"$1\" > mode; rm \"$1\"\n");
    fs::set_permissions(tools.join("xdg-open"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let opened = |path: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_courtesy"))
            .args(["preview", "visit-thanks", "--open"])
            .current_dir(shop.path())
            .env("PATH", path)
            .env("TMPDIR", shop.path())
            .env_remove("COURTESY_CONFIG")
            .output();
        output.expect("the program starts")
    };
    let done = opened(&format!("{}:/usr/bin:/bin", tools.display()));
    assert!(done.status.success(), "{done:?}");
    let page = fs::read_to_string(shop.path().join("opened.html")).expect("the page was opened");
    assert!(page.contains("Thank you for your time"), "{page}");
    assert_eq!(fs::read_to_string(shop.path().join("mode")).expect("its mode").trim(), "600");
    let without = opened("/nowhere");
    assert_eq!(without.status.code(), Some(1));
    let said = String::from_utf8_lossy(&without.stderr);
    assert!(said.contains("no browser was opened") && said.contains("the page is "), "{said}");
}

#[test]
fn a_mistake_in_one_letter_keeps_nobody_from_looking_at_another() {
    let shop = Installation::new();
    shop.edit(
        "templates/en/reminder/firm.md",
        "{% if",
        "{% if customer.contact_name == 1 / 0 %}x{% endif %}{% if",
    );
    let firm = shop.run(&["preview", "payment-reminders/firm"]);
    assert_eq!(firm.code, 1, "{firm:?}");
    assert!(firm.err.contains("reminder/firm.md"), "{}", firm.err);
    assert_eq!(shop.run(&["preview", "payment-reminders/friendly"]).code, 0);
    let all = shop.run(&["preview", "--all"]);
    assert_eq!(all.code, 1, "{all:?}");
    assert!(all.out.contains("1 could not be made"), "{}", all.out);
    let page = fs::read_to_string(shop.path().join("courtesy-preview.html")).expect("the page is there");
    assert!(page.contains("class=\"bad\""), "and says which");
}

#[test]
fn all_letters_of_a_rule_stand_side_by_side_on_one_page_without_network() {
    let shop = Installation::new();
    let all = shop.run(&["preview", "--all", "payment-reminders", "--html", "letters.html"]);
    assert_eq!((all.code, all.out.as_str()), (0, "letters.html: 6 letters in en, zh-CN\n"), "{all:?}");
    let page = fs::read_to_string(shop.path().join("letters.html")).expect("the page");
    assert_eq!(page.matches("<iframe ").count(), 12);
    let (before, _) = page.split_once("<main>").expect("letters");
    for word in ["http://", "https://", "@import", "url(", "<script src"] {
        assert!(!before.contains(word), "{word}");
    }
    assert!(!page.contains(" src=\"") && !page.contains("<script src"), "nothing is loaded");
    let wrong = shop.run(&["preview", "--all", "payment-remind"]);
    assert_eq!(wrong.code, 1, "{wrong:?}");
}
