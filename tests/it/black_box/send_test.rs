//! A letter to oneself, over a relay that does as it is told.

use mail_parser::MessageParser;

use super::courtesy::{Installation, run_in};
use super::played::Played;
use crate::relay::script::{Scripted, Turn, polite, say};

/// Letters leave by SMTP to this port.
fn by_smtp(shop: &std::path::Path, port: u16) {
    let file = shop.join("config/courtesy.yaml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let smtp = format!("  deliver: {{ smtp: {{ host: 127.0.0.1, port: {port}, tls: none }} }}");
    let lines: Vec<String> = text
        .lines()
        .map(|line| if line.starts_with("  deliver: {") { smtp.clone() } else { line.to_owned() })
        .collect();
    std::fs::write(file, lines.join("\n") + "\n").expect("written");
}

/// The program beside the relay, which lives in this process.
async fn run(shop: &std::path::Path, arguments: &[&'static str]) -> (i32, String, String) {
    let (shop, arguments) = (shop.to_owned(), arguments.to_vec());
    let ran = tokio::task::spawn_blocking(move || run_in(&shop, &arguments)).await.expect("it ends");
    (ran.code, ran.out, ran.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_arrives_marked_as_a_test_at_one_of_us_alone_and_is_written_down_nowhere() {
    let shop = Played::march().await;
    let relay = Scripted::start(polite);
    by_smtp(shop.path(), relay.port());
    let before = shop.run(&["outbox", "--json"]).out;
    let arguments = ["send-test", "payment-reminders/firm", "--to", "me@ours.example.test", "--for", "R3"];
    let (code, out, err) = run(shop.path(), &arguments).await;
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("the mail server took it (250 2.0.0 queued as Q1)"), "{out}");
    let taken = relay.taken();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].to, ["me@ours.example.test"]);
    let message = MessageParser::default().parse(&taken[0].bytes).expect("a message");
    let subject = message.subject().expect("a subject");
    assert!(subject.starts_with("[test, to bao@example.test; copy to wei@ours.example.test] "), "{subject}");
    assert!(message.header("X-Courtesy-Test").is_some());
    assert!(message.body_text(0).is_some_and(|text| text.contains("发票3")));
    assert_eq!(shop.run(&["outbox", "--json"]).out, before, "nothing is recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_it_is_said_in_plain_words() {
    let shop = Installation::new();
    let refuse = |verb: &'static str, reply: &'static str| {
        move |turn: Turn| if turn.verb == verb { say(reply) } else { polite(turn) }
    };
    for (verb, reply, said) in [
        (
            "RCPT",
            "550 5.1.1 no such user",
            "does not take letters for me@ours.example.test (550 5.1.1 no such user)",
        ),
        ("MAIL", "550 5.7.1 not you", "does not take the letter at MAIL (550 5.7.1 not you)"),
        (".", "451 4.3.0 later", "put it off"),
        (".", "554 5.7.1 spam", "takes the letter for spam"),
        ("greeting", "554 no", "it answers, but not as a mail server does"),
    ] {
        let relay = Scripted::start(refuse(verb, reply));
        by_smtp(shop.path(), relay.port());
        let (code, _, err) =
            run(shop.path(), &["send-test", "visit-thanks", "--to", "me@ours.example.test"]).await;
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("not sent:") && err.contains(said), "{verb} {reply}: {err}");
    }
    let cut = Scripted::start(|turn: Turn| match turn.verb {
        "." => crate::relay::script::Act::TakeAndClose,
        _ => polite(turn),
    });
    by_smtp(shop.path(), cut.port());
    let (code, _, err) =
        run(shop.path(), &["send-test", "visit-thanks", "--to", "me@ours.example.test"]).await;
    assert!(code == 1 && err.contains("nobody can know"), "{err}");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = gone.local_addr().expect("bound").port();
    drop(gone);
    by_smtp(shop.path(), port);
    let (code, _, err) =
        run(shop.path(), &["send-test", "visit-thanks", "--to", "me@ours.example.test"]).await;
    assert!(code == 1 && err.contains("host and port"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_never_goes_to_a_customer() {
    let shop = Played::march().await;
    for (address, said) in [
        ("ann@example.test", "is read by customer C1"),
        ("Ann@Example.Test", "is read by customer C1"),
        ("nonsense", "is no address"),
    ] {
        let refused = shop.run(&["send-test", "visit-thanks", "--to", address]);
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(refused.err.contains(said), "{}", refused.err);
    }
    let count = || std::fs::read_dir(shop.path().join("data/outbox")).map_or(0, Iterator::count);
    let before = count();
    let filed = shop.run(&["send-test", "visit-thanks", "--to", "me@ours.example.test"]);
    assert_eq!(filed.code, 0, "{filed:?}");
    assert!(filed.out.contains("nothing left this machine"), "{}", filed.out);
    assert_eq!(count(), before + 1);
}
