//! What was reached before a rule was first seen.

use super::courtesy::Installation;

#[test]
fn what_is_older_than_the_rules_is_left_alone_listed_and_begun_with_when_told() {
    let installation = Installation::with_a_customer();
    installation.edit("config/rules/payment-reminders.yaml", "schedule:", "# schedule:");
    installation.write(
        "receivables.csv",
        "id,customer_id,kind,amount,currency,due_on,limitation_on\n\
         R1,C1,invoice,500,CNY,2020-03-02,2099-12-31\n",
    );
    assert_eq!(installation.run(&["import", "receivables", "receivables.csv"]).code, 0);
    let first = installation.run(&["run", "--once"]);
    assert!(first.out.contains("0 sent"), "{first:?}");
    let listed = installation.run(&["backlog", "list"]);
    assert!(listed.out.contains("payment-reminders") && listed.out.contains("receivable:R1"), "{listed:?}");
    let none = installation.run(&["backlog", "list", "--rule", "visit-thanks"]);
    assert!(none.out.is_empty() && none.err.contains("Nothing is left alone"), "{none:?}");

    let unknown = installation.run(&["backlog", "start", "payment-reminder"]);
    assert!(unknown.code == 1 && unknown.err.contains("payment-reminders"), "{unknown:?}");
    let started = installation.run(&["backlog", "start", "payment-reminders"]);
    assert_eq!(started.code, 0, "{started:?}");
    let second = installation.run(&["run", "--once"]);
    assert!(second.out.contains("1 sent"), "{second:?}");
    assert!(installation.run(&["outbox"]).out.contains("payment-reminders/friendly"), "the lowest stage");
    let third = installation.run(&["run", "--once"]);
    assert!(third.out.contains("0 sent"), "{third:?}");
    let empty = installation.run(&["backlog", "list"]);
    assert!(empty.out.is_empty(), "{empty:?}");
}

#[test]
fn a_letter_that_waits_for_approval_can_be_read_before_it_is_released() {
    let installation = Installation::with_a_customer();
    installation.chase_the_backlog();
    installation.edit(
        "config/rules/payment-reminders.yaml",
        "template: reminder/friendly }",
        "template: reminder/friendly, approve: true }",
    );
    installation.write(
        "receivables.csv",
        "id,customer_id,kind,amount,currency,due_on,limitation_on\n\
         R1,C1,invoice,500,CNY,2020-03-02,2099-12-31\n",
    );
    assert_eq!(installation.run(&["import", "receivables", "receivables.csv"]).code, 0);
    assert!(installation.run(&["run", "--once"]).out.contains("1 of them wait for a person"));
    let listed = installation.run(&["outbox", "--state", "held", "--json"]);
    let outbox: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON");
    let id = outbox[0]["id"].to_string();
    let shown = installation.run(&["outbox", "show", &id]);
    assert!(shown.out.contains("As it would leave now") && shown.out.contains("500.00"), "{shown:?}");
    assert!(installation.letters().is_empty(), "reading it sends nothing");
    assert_eq!(installation.run(&["record", "payment", "R1", "500"]).code, 0);
    let paid = installation.run(&["outbox", "show", &id]);
    assert!(paid.out.contains("It would not leave now: settled"), "{paid:?}");
}

#[test]
fn changed_settings_are_looked_at_like_changed_rules() {
    let installation = Installation::with_a_customer();
    installation.chase_the_backlog();
    installation.edit("config/rules/payment-reminders.yaml", "at: +45d", "at: +9000d");
    installation.edit("config/courtesy.yaml", "max_data_age: null", "max_data_age: 3bd");
    installation.write(
        "receivables.csv",
        "id,customer_id,kind,amount,currency,due_on,limitation_on\n\
         R1,C1,invoice,500,CNY,2020-03-02,2099-12-31\n",
    );
    assert_eq!(installation.run(&["import", "receivables", "receivables.csv"]).code, 0);
    let old = installation.run(&["run", "--once"]);
    assert!(old.out.contains("0 sent") && old.out.contains("1 data too old"), "{old:?}");
    installation.edit("config/courtesy.yaml", "max_data_age: 3bd", "max_data_age: null");
    assert!(installation.run(&["run", "--once"]).out.contains("1 sent"), "nothing else was written");
}
