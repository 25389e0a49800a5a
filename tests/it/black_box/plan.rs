//! The letters of days to come, and what another configuration would change,
//! as a person reads them in a pipe and on a terminal.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::courtesy::{Shown, run_in};
use super::terminal::{shown_on, typed};

/// Monday; Labour Day closes from Friday to Tuesday.
const MONDAY: &str = "2026-04-27T08:00";

/// A shop with the shipped files and hours, where nothing has run yet.
struct Shop {
    dir: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(run_in(dir.path(), &["init", "."]).code, 0);
        Self { dir }
    }

    /// With three customers who owe something.
    fn with_claims() -> Self {
        let shop = Self::new();
        shop.import(
            "customers",
            "id,name,email,locale,owner_name,owner_email\n\
             C1,Ann's Bakery,ann@example.test,en,Wei Zhang,wei@ours.example.test\n\
             C2,北京宏远机械制造有限公司,bao@example.test,zh-CN,Wei Zhang,wei@ours.example.test\n\
             C3,Nowhere Ltd,,en,,\n",
        );
        shop.import(
            "receivables",
            "id,customer_id,kind,amount,currency,due_on,number,limitation_on\n\
             R1,C1,invoice,1200,CNY,2026-04-29,INV-1,2031-01-01\n\
             R2,C1,invoice,80.50,EUR,2026-04-30,INV-2,2031-01-01\n\
             R3,C2,invoice,99000,CNY,2026-04-27,发票3,2031-01-01\n\
             R4,C3,invoice,500,CNY,2026-04-27,INV-4,2031-01-01\n",
        );
        shop
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn import(&self, kind: &str, csv: &str) {
        fs::write(self.path().join("import.csv"), csv).expect("written");
        let taken = self.run(&["import", kind, "import.csv"]);
        assert_eq!(taken.code, 0, "{taken:?}");
    }

    fn run(&self, arguments: &[&str]) -> Shown {
        run_in(self.path(), arguments)
    }

    fn plan(&self, arguments: &[&str]) -> Shown {
        self.run(&[&["plan", "--at", MONDAY], arguments].concat())
    }

    /// The configuration once more, in another folder.
    fn copy_config(&self, to: &str) {
        let copied = Command::new("cp").args(["-r", "config", to]).current_dir(self.path()).status();
        assert!(copied.expect("cp is there").success());
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let file = self.path().join(name);
        let text = fs::read_to_string(&file).expect("a text file");
        assert!(text.contains(from), "{name} has `{from}`");
        fs::write(file, text.replacen(from, to, 1)).expect("written");
    }

    fn store(&self) -> Vec<u8> {
        fs::read(self.path().join("data/courtesy.db")).expect("a store")
    }

    /// The same on a terminal of so many columns.
    fn on_terminal(&self, columns: u16, arguments: &str) -> String {
        shown_on(self.path(), columns, &format!("plan --at {MONDAY} {arguments}"))
    }
}

#[test]
fn a_plan_says_what_leaves_when_to_whom_and_why_then() {
    let shop = Shop::with_claims();
    let before = shop.store();
    let plan = shop.plan(&["--days", "21"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    insta::assert_snapshot!("plan_in_a_pipe", plan.out);
    assert!(plan.err.contains("nothing has run on this data yet"), "{}", plan.err);
    assert!(!plan.err.contains("rehearsed"), "no progress in a pipe: {}", plan.err);
    assert_eq!(shop.store(), before, "the store is only read");
    assert!(!shop.path().join("data/outbox").exists(), "nothing is sent");
    assert_eq!(shop.plan(&["--days", "21"]).out, plan.out, "and it says the same again");
}

#[test]
fn on_a_terminal_it_keeps_to_the_width_and_shows_how_far_it_is() {
    let shop = Shop::with_claims();
    let out = shop.on_terminal(90, "--days 21");
    insta::assert_snapshot!("plan_on_a_terminal", out);
    let width = |line: &str| unicode_width::UnicodeWidthStr::width(line);
    let tables = out.lines().skip(1).take_while(|line| !line.contains("wait for a person from"));
    assert!(tables.into_iter().all(|line| width(line) <= 90), "{out}");
    let program = env!("CARGO_BIN_EXE_courtesy");
    let err = typed(shop.path(), &format!("{program} plan --at {MONDAY} --days 21 >/dev/null"));
    assert!(err.contains("of 21 days rehearsed"), "{err}");
}

#[test]
fn of_one_customer_every_letter_is_told_with_its_reason() {
    let shop = Shop::with_claims();
    insta::assert_snapshot!("plan_of_a_customer", shop.plan(&["--customer", "C1", "--days", "50"]).out);
}

#[test]
fn a_machine_gets_every_letter_with_all_there_is_to_know() {
    let shop = Shop::with_claims();
    let plan = shop.plan(&["--json", "--customer", "C1"]);
    let read: serde_json::Value = serde_json::from_str(&plan.out).expect("JSON alone on stdout");
    let letter = &read["letters"][0];
    assert_eq!(letter["rule"], "payment-reminders");
    assert_eq!(letter["stage"], "due-today");
    assert_eq!((&letter["day"], &letter["to"][0]), (&"2026-04-29".into(), &"ann@example.test".into()));
    assert_eq!(letter["amounts"][0], "1200.00 CNY");
    assert_eq!(letter["notices"][0]["notice"], "payment-reminders/due-today/receivable:R1/2026-04-29/0");
}

#[test]
fn an_edit_is_shown_as_a_diff_before_it_is_in_force() {
    let shop = Shop::with_claims();
    shop.copy_config("next");
    let same = shop.plan(&["--against", "next"]);
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.out.contains("no rule changed") && same.out.contains("Nothing changes"), "{}", same.out);
    // Later, earlier, gone, new, and with a copy to the owner.
    shop.edit("next/rules/payment-reminders.yaml", "at: +3d, ", "at: +5d, ");
    shop.edit("next/rules/payment-reminders.yaml", "at: +30d,", "at: +40d,");
    shop.edit(
        "next/rules/payment-reminders.yaml",
        "template: reminder/due-today }",
        "template: reminder/due-today, cc: [owner] }",
    );
    shop.edit(
        "next/rules/payment-reminders.yaml",
        "  - { stage: coming-due,   at: -7d,  template: reminder/coming-due }\n",
        "",
    );
    let diff = shop.plan(&["--against", "next"]);
    assert_eq!(diff.code, 0, "{diff:?}");
    insta::assert_snapshot!("plan_against_in_a_pipe", diff.out);
    let out = shop.on_terminal(100, "--against next");
    insta::assert_snapshot!("plan_against_on_a_terminal", out);
    let program = env!("CARGO_BIN_EXE_courtesy");
    let plain =
        typed(shop.path(), &format!("NO_COLOR=1 {program} plan --at {MONDAY} --against next 2>/dev/null"));
    assert!(out.contains('\u{1b}') && !plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn a_rule_that_is_new_there_is_first_seen_as_the_plan_begins() {
    let shop = Shop::with_claims();
    let seen = shop.run(&["run", "--once"]);
    assert_eq!(seen.code, 0, "{seen:?}");
    shop.copy_config("next");
    shop.edit("next/rules/payment-reminders.yaml", "rule: payment-reminders", "rule: payment-reminders-anew");
    // Reached long ago: a new rule leaves it alone, as after a reload.
    let diff = shop.run(&["plan", "--against", "next", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&diff.out).expect("JSON");
    assert_eq!(read["rules"], "payment-reminders-anew added, payment-reminders removed");
    let appears = |change: &&serde_json::Value| change["change"] == "appears";
    let all = read["changes"].as_array().expect("a list");
    assert_eq!(all.iter().filter(appears).count(), 0, "{read}");
}

#[test]
fn what_can_not_be_planned_is_said_with_what_to_do() {
    let empty = Shop::new();
    let none = empty.plan(&[]);
    assert_eq!(none.code, 1);
    assert!(none.err.contains("courtesy import customers"), "{}", none.err);
    let shop = Shop::with_claims();
    for (arguments, code, said) in [
        (vec!["--rule", "payment-reminder"], 1, "did you mean `payment-reminders`?"),
        (vec!["--customer", "c1"], 1, "C1"),
        (vec!["--days", "0"], 2, "0 is not in 1..=3650"),
        (vec!["--days", "100000"], 2, "100000 is not in 1..=3650"),
        (vec!["--against", "nowhere"], 1, "there is no such file"),
    ] {
        let shown = shop.plan(&arguments);
        assert_eq!(shown.code, code, "{shown:?}");
        assert!(shown.err.contains(said), "{said} in {}", shown.err);
    }
    shop.copy_config("next");
    shop.edit("next/rules/visit-thanks.yaml", "class:", "clas:");
    let broken = shop.plan(&["--against", "next"]);
    assert!(broken.code == 1 && broken.err.contains("visit-thanks.yaml"), "{broken:?}");
}

#[test]
fn a_store_without_claims_has_a_plan_without_letters() {
    let shop = Shop::new();
    shop.import("customers", "id,name,email\nC1,Ann,ann@example.test\n");
    let plan = shop.plan(&["--rule", "payment-reminders"]);
    assert!(plan.code == 0 && plan.out.contains("No letter."), "{plan:?}");
    let ann = shop.plan(&["--customer", "Ann", "--rule", "payment-reminders"]);
    assert!(ann.out.contains("`courtesy explain C1` says why"), "{ann:?}");
}
