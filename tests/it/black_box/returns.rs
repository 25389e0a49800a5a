//! Mail that came back, handed over as a mail server or a person does, and
//! addresses that are not written to.

use super::courtesy::Installation;

/// A letter that was sent, and the Message-ID it has.
fn with_a_letter() -> (Installation, String) {
    let installation = Installation::with_a_customer();
    installation.record_visit();
    let sent = installation.run(&["run", "--once"]);
    assert!(sent.out.contains("1 sent"), "{sent:?}");
    let letter = installation.letters().pop().expect("a letter");
    let id = letter.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID");
    let id = id.trim().to_owned();
    (installation, id)
}

fn bounce(id: &str) -> String {
    format!(
        "From: MAILER-DAEMON@relay.example\r\nMessage-ID: <dsn@relay.example>\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n\
         Final-Recipient: rfc822; ann@example.test\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 no such user\r\n\r\n\
         --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {id}\r\nSubject: Thank you\r\n\r\n\
         Dear Ann,\r\n{}\r\n--b--\r\n",
        "x".repeat(400_000)
    )
}

#[test]
fn a_bounce_that_a_mail_server_hands_over_is_taken_once_and_shown() {
    let (installation, id) = with_a_letter();
    let taken = installation.run_reading(&["bounce", "-"], bounce(&id).as_bytes());
    assert_eq!(taken.code, 0, "{taken:?}");
    assert!(
        taken.out.contains("letter 1 to ann@example.test came back (550 5.1.1 no such user)"),
        "{taken:?}"
    );
    assert!(taken.out.contains("no letters of all classes go there any more"), "{taken:?}");
    installation.write("again.eml", &bounce(&id));
    let again = installation.run(&["bounce", "again.eml", "--json"]);
    assert_eq!(again.code, 0, "{again:?}");
    let json: serde_json::Value = serde_json::from_str(&again.out).expect("JSON alone on stdout");
    assert_eq!((&json[0]["new"], &json[0]["letter"]), (&false.into(), &1.into()), "{json}");

    let shown = installation.run(&["outbox", "show", "1"]);
    assert!(shown.out.contains("state       bounced"), "{}", shown.out);
    assert!(shown.out.contains("ann@example.test: 550 5.1.1 no such user"), "{}", shown.out);
    let history = installation.run(&["history", "C1"]);
    assert!(history.out.contains("bounced") && history.out.contains("suppressed"), "{}", history.out);
    let listed = installation.run(&["suppress", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&listed.out).expect("JSON alone on stdout");
    assert_eq!(json[0]["address"], "ann@example.test");
}

#[test]
fn other_mail_is_left_alone_and_what_can_not_be_written_down_is_tried_again() {
    let (installation, id) = with_a_letter();
    let away =
        "From: Ann <ann@example.test>\r\nAuto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nI am away.\r\n";
    let left = installation.run_reading(&["bounce", "-"], away.as_bytes());
    assert!(left.code == 1 && left.err.contains("left alone: an automatic reply"), "{left:?}");
    let pipe = installation.run_reading(&["bounce", "--ignore-others", "-"], away.as_bytes());
    assert_eq!(pipe.code, 0, "a mail server would send it back: {pipe:?}");
    let strange = installation.run_reading(&["bounce", "-"], bounce("<x@elsewhere.example>").as_bytes());
    assert!(strange.code == 1 && strange.err.contains("no letter of ours"), "{strange:?}");

    installation.write("good.eml", &bounce(&id));
    let lost = installation.run(&["bounce", "nowhere.eml", "good.eml"]);
    assert!(lost.code == 75 && lost.err.contains("nowhere.eml"), "{lost:?}");
    assert!(lost.out.contains("letter 1 to ann@example.test came back"), "the rest is taken: {lost:?}");
    installation.edit("config/courtesy.yaml", "business:", "bussiness:");
    let broken = installation.run_reading(&["bounce", "--ignore-others", "-"], bounce(&id).as_bytes());
    assert_eq!(broken.code, 75, "nothing is lost by a typo: {broken:?}");
    installation.edit("config/courtesy.yaml", "bussiness:", "business:");
    std::fs::rename(installation.path().join("data"), installation.path().join("away")).expect("moved");
    assert_eq!(installation.run_reading(&["bounce", "-"], bounce(&id).as_bytes()).code, 75);
}

#[test]
fn a_mistyped_address_is_answered_with_the_right_one() {
    let installation = Installation::with_a_customer();
    let none = installation.run(&["suppress"]);
    assert!(none.code == 0 && none.out.is_empty() && none.err.contains("No address"), "{none:?}");
    let wrong = installation.run(&["suppress", "add", "ann@exmaple.test", "--reason", "typed in a hurry"]);
    assert!(wrong.code == 0 && wrong.err.contains("Did you mean ann@example.test?"), "{wrong:?}");
    let added = installation.run(&["suppress", "add", "--customer", "C1", "--unsubscribed"]);
    assert!(added.out.contains("No letters of courtesy and marketing go to ann@example.test"), "{added:?}");
    let again = installation.run(&["suppress", "add", "--customer", "C1", "--unsubscribed"]);
    assert!(again.code == 0 && again.out.contains("already"), "{again:?}");
    let listed = installation.run(&["suppress"]);
    assert!(listed.out.contains("unsubscribed") && listed.out.contains("tester"), "{}", listed.out);
    let removed = installation.run(&["suppress", "remove", "ann@exmaple.test", "bob@example.test"]);
    assert!(removed.code == 1 && removed.err.contains("bob@example.test is not suppressed"), "{removed:?}");
    assert_eq!(installation.run(&["suppress"]).out, listed.out, "all or none");
    let removed = installation.run(&["suppress", "remove", "an@example.test"]);
    assert!(removed.err.contains("did you mean ann@example.test?"), "{removed:?}");
    assert_eq!(installation.run(&["suppress", "add", "no-address", "--reason", "x"]).code, 2);
    assert_eq!(installation.run(&["suppress", "add", "ann@example.test"]).code, 2, "a reason is asked for");
}

#[test]
fn one_wrong_number_keeps_no_other_decision_back() {
    let (installation, _) = with_a_letter();
    let mixed = installation.run(&["outbox", "cancel", "99", "1"]);
    assert_eq!(mixed.code, 1);
    assert!(mixed.err.contains("no letter 99") && mixed.err.contains("letter 1 is sent now"), "{mixed:?}");
}
