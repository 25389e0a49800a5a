//! The operator hears of trouble at once, and once.

use std::fs;

use super::courtesy::{Daemon, Installation};
use super::hold::copied_too_early;

/// A letter as it is read.
#[derive(PartialEq, Debug)]
struct Alarm {
    to: String,
    subject: String,
    text: String,
}

/// The letters about trouble, in the order in which they were made.
fn alarms(installation: &Installation) -> Vec<Alarm> {
    let letters = installation.letters();
    let read = letters.iter().map(|letter| {
        let mail = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
        assert_eq!(mail.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
        let to = mail.to().and_then(|to| to.first()).and_then(|to| to.address());
        Alarm {
            to: to.unwrap_or_default().to_owned(),
            subject: mail.subject().unwrap_or_default().to_owned(),
            text: mail.body_text(0).unwrap_or_default().into_owned(),
        }
    });
    read.filter(|letter| letter.subject.starts_with("Courtesy: ")).collect()
}

/// Lets the daemon look once more, and waits until it has.
fn look(daemon: &mut Daemon) {
    daemon.hang_up();
    daemon.wait_for("reloaded");
}

#[test]
fn refused_files_are_told_to_the_operator_once_also_over_a_new_start() {
    let installation = Installation::with_a_customer();
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/rules/visit-thanks.yaml", "class:", "clas:");
    daemon.hang_up();
    daemon.wait_for("stays in force");
    // What was handed over is noted at the next look.
    daemon.hang_up();
    daemon.wait_for("the operator was told of trouble");
    daemon.hang_up();
    daemon.wait_for("stays in force");
    let told = alarms(&installation);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].to, "it@morningstar.example");
    assert_eq!(told[0].subject, "Courtesy: changed files were refused");
    for word in ["Changed files were refused", "visit-thanks.yaml:", "courtesy reload"] {
        assert!(told[0].text.contains(word), "{word} in {}", told[0].text);
    }
    installation.edit("config/rules/visit-thanks.yaml", "clas:", "class:");
    assert_eq!(daemon.stop(), Some(0));
    let kept = fs::read_to_string(installation.path().join("data/courtesy.alarms")).expect("kept");
    assert!(kept.contains("configuration"), "{kept}");
    let mut daemon = Daemon::start(&installation);
    installation.edit("config/rules/visit-thanks.yaml", "class:", "clas:");
    for _ in 0..2 {
        daemon.hang_up();
        daemon.wait_for("stays in force");
    }
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(alarms(&installation), told);
}

#[test]
fn a_letter_that_stumbles_and_many_more_than_usual_are_told_and_what_was_wanted_is_not() {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "unusual: { above: 200", "unusual: { above: 1");
    installation.edit("config/courtesy.yaml", "moments: 1 per 1d", "moments: 9 per 1d");
    installation.edit("config/courtesy.yaml", "locale: en", "locale: zh-CN");
    for _ in 0..2 {
        installation.record_visit();
    }
    let mut daemon = Daemon::start(&installation);
    daemon.wait_for("far more letters are due than usual");
    look(&mut daemon);
    while daemon.told("the operator was told of trouble") == 0 {
        look(&mut daemon);
    }
    let told = alarms(&installation);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(told[0].subject, "Courtesy: 发信量异常，2 封待放行");
    let text = &told[0].text;
    assert!(text.contains("Morningstar Machinery 的 Courtesy 有事需要您处理。"), "{text}");
}

#[test]
fn in_a_hold_the_operator_is_told_and_nothing_else_leaves() {
    let installation = copied_too_early();
    let before = installation.letters().len();
    let mut daemon = Daemon::start(&installation);
    daemon.wait_for("HOLD");
    while daemon.told("the operator was told of trouble") == 0 {
        look(&mut daemon);
    }
    assert_eq!(daemon.stop(), Some(0));
    let told = alarms(&installation);
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].subject, "Courtesy: nothing leaves (HOLD): restored store");
    assert!(told[0].text.contains("courtesy resume --dry-run"), "{}", told[0].text);
    assert_eq!(installation.letters().len(), before + 1);
}
