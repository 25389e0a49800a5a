//! `courtesy reload`, and what a daemon does not take over.

use std::fs;

use super::courtesy::{Daemon, Installation};

#[test]
fn a_reload_shows_what_is_different_and_ends_when_it_is_in_force() {
    let installation = Installation::with_a_customer();
    let idle = installation.run(&["reload"]);
    assert!(idle.code == 1 && idle.err.contains("no daemon runs"), "{idle:?}");
    let mut daemon = Daemon::start(&installation);
    let same = installation.run(&["reload"]);
    assert!(same.code == 0 && same.out.contains("as they are in force"), "{same:?}");
    installation.edit("config/rules/visit-thanks.yaml", "+0min", "+20min");
    installation.edit("config/courtesy.yaml", "per_pass: 500", "per_pass: 400");
    fs::remove_file(installation.path().join("config/rules/trip-greeting.yaml")).expect("it was there");
    let status = installation.run(&["status"]);
    assert!(status.out.contains("as they were before they were changed"), "{status:?}");
    for arguments in [&["reload", "--dry-run"][..], &["reload"]] {
        let shown = installation.run(arguments);
        assert_eq!(shown.code, 0, "{shown:?}");
        for change in ["changed  visit-thanks", "removed  trip-greeting", "changed  settings"] {
            assert!(shown.out.contains(change), "{change} in {shown:?}");
        }
    }
    daemon.wait_for("visit-thanks changed, trip-greeting removed, settings changed");
    let status = installation.run(&["status"]);
    assert!(!status.out.contains("courtesy reload"), "{status:?}");

    installation.edit("templates/en/thanks/visit.md", "subject: \"", "subject: \"Hello: ");
    installation.edit("config/courtesy.yaml", "accounts@morningstar.example>", "admin@mill.example>");
    let status = installation.run(&["status"]);
    assert!(status.out.contains("as they were before they were changed"), "{status:?}");
    let shown = installation.run(&["reload"]);
    assert!(shown.code == 0 && shown.out.contains("changed  template en/thanks/visit.md"), "{shown:?}");
    daemon.wait_for("no rule changed, settings changed, template en/thanks/visit.md changed");
    assert_eq!(daemon.stop(), Some(0));
    installation.edit("templates/en/thanks/visit.md", "Hello: ", "Good day: ");
    let mut daemon = Daemon::start(&installation);
    assert_eq!(daemon.told("no rule changed, template en/thanks/visit.md changed"), 1);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_reload_of_a_mistake_says_where_it_is_and_changes_nothing() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/rules/visit-thanks.yaml", "class:", "clas:");
    let refused = installation.run(&["reload"]);
    assert!(refused.code == 1 && refused.err.contains("visit-thanks.yaml:"), "{refused:?}");
    // The daemon was not even asked; one that is, says so until it is mended.
    daemon.hang_up();
    daemon.wait_for("stays in force");
    installation.edit("config/rules/visit-thanks.yaml", "clas:", "class:");
    let status = installation.run(&["status"]);
    assert!(status.code == 1 && status.out.contains("it refused changed files"), "{status:?}");
    let mended = installation.run(&["reload"]);
    assert!(mended.code == 0 && mended.out.contains("has taken it over"), "{mended:?}");
    assert_eq!(installation.run(&["status"]).code, 0);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_rule_whose_letters_wait_is_not_taken_away_unless_told() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "unusual: { above: 200", "unusual: { above: 1");
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    for _ in 0..2 {
        installation.record_visit();
    }
    let mut daemon = Daemon::start(&installation);
    daemon.wait_for("far more letters are due than usual");
    fs::remove_file(installation.path().join("config/rules/visit-thanks.yaml")).expect("it was there");
    let refused = installation.run(&["reload"]);
    assert!(refused.code == 1 && refused.err.contains("`visit-thanks` (2)"), "{refused:?}");
    daemon.hang_up();
    let line = daemon.wait_for("not reloaded");
    assert!(line.contains("`visit-thanks` (2)"), "{line}");
    let status = installation.run(&["status"]);
    assert!(status.code == 1 && status.out.contains("`visit-thanks` (2)"), "{status:?}");
    let told = installation.run(&["reload", "--force"]);
    assert!(told.code == 0 && told.out.contains("removed  visit-thanks"), "{told:?}");
    daemon.wait_for("cancelled");
    daemon.wait_for("cancelled");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn the_last_rule_is_not_taken_away_unless_told() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    let rules = installation.path().join("config/rules");
    fs::rename(&rules, installation.path().join("kept")).expect("moved");
    fs::create_dir(&rules).expect("an empty folder");
    let refused = installation.run(&["reload"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    daemon.hang_up();
    let line = daemon.wait_for("not reloaded");
    assert!(line.contains("no rule") || line.contains("no rules"), "{line}");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn another_way_out_is_taken_over_and_another_foundation_is_not() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/courtesy.yaml", "deliver: { files: outbox }", "deliver: { files: elsewhere }");
    assert_eq!(installation.run(&["reload"]).code, 0);
    installation.record_visit();
    daemon.hang_up();
    daemon.wait_for(" sent ");
    let letters = fs::read_dir(installation.path().join("data/elsewhere")).expect("the new folder").count();
    assert_eq!(letters, 1);
    installation.edit("config/courtesy.yaml", "timezone: Asia/Shanghai", "timezone: Europe/Berlin");
    let refused = installation.run(&["reload"]);
    assert!(refused.code == 1 && refused.err.contains("`business.timezone` is another"), "{refused:?}");
    assert_eq!(daemon.stop(), Some(0));
}
