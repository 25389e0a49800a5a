//! `courtesy check --relay`: what keeps us from the mail server is said in
//! plain words, at its place, and nothing is sent.

use std::fmt::Write as _;

use courtesy::cli::Verdict;
use courtesy::cli::screen::Look;
use rcgen::CertificateParams;
use tempfile::TempDir;

use super::script::{Act, Script, Scripted, Turn, polite, say};
use super::tls::{Pki, secure};
use crate::support::command;

const NOW: &str = "2026-10-01T02:00:00Z";

/// A business whose mail goes to a server.
fn business(smtp: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
        std::fs::write(file, text).expect("written");
    };
    write("pw", "correct horse\n");
    write("templates/en/thanks.md", "---\nsubject: Thanks\n---\nThank you.\n");
    write("templates/layout.html", include_str!("../../../templates/layout.html"));
    write(
        "config/rules/thanks.yaml",
        "rule: thanks\nclass: courtesy\nanchor: event.visit\nstages: [{ stage: thanks, at: 0d, template: thanks }]\n",
    );
    write(
        "config/courtesy.yaml",
        &format!(
            "business: {{ name: Morningstar, timezone: Asia/Shanghai }}\n\
             people: {{ operator: it@morningstar.test }}\n\
             mail:\n  \
               from: accounts@morningstar.test\n  \
               deliver:\n    \
                 smtp:\n{smtp}      \
                   timeouts: {{ connect: 2s, greeting: 1s, command: 1s }}\n"
        ),
    );
    dir
}

/// What `check --relay` says of it.
async fn said(smtp: &str) -> (Verdict, String) {
    let dir = business(smtp);
    let config = dir.path().join("config");
    let words = ["--config", config.to_str().expect("text"), "check", "--relay"];
    let said = command(&words, Look::Pipe, NOW).await;
    (said.verdict, (said.out + &said.err).replace(dir.path().to_str().expect("text"), ""))
}

fn keys(port: u16, tls: &str, more: &str) -> String {
    format!("      host: 127.0.0.1\n      port: {port}\n      tls: {tls}\n{more}")
}

const ACCOUNT: &str = "      username: accounts\n      password: { file: ../pw }\n";

struct Case {
    title: &'static str,
    tls: &'static str,
    account: &'static str,
    pki: Pki,
    /// Whether our side trusts the authority of that certificate.
    trusted: bool,
    /// Whether the server speaks TLS from the first byte.
    implicit: bool,
    script: Script,
}

fn case(
    title: &'static str,
    tls: &'static str,
    script: impl Fn(Turn) -> Act + Send + Sync + 'static,
) -> Case {
    Case {
        title,
        tls,
        account: ACCOUNT,
        pki: Pki::valid(),
        trusted: true,
        implicit: tls == "implicit",
        script: Box::new(script),
    }
}

fn cases() -> Vec<Case> {
    let good = || secure("PLAIN");
    let on = |verb: &'static str, act: Act| {
        move |turn: Turn| if turn.verb == verb { act.clone() } else { secure("PLAIN")(turn) }
    };
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    };
    let early = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2998, 1, 1);
        params.not_after = rcgen::date_time_ymd(2999, 1, 1);
    };
    vec![
        case("all is well", "starttls", good()),
        Case { account: "", ..case("all is well without logging in", "none", polite) },
        Case { pki: Pki::for_name("mail.example", |_| {}), ..case("another name", "implicit", good()) },
        Case { pki: Pki::for_name("127.0.0.1", expired), ..case("expired", "implicit", good()) },
        Case { pki: Pki::for_name("127.0.0.1", early), ..case("not yet valid", "implicit", good()) },
        Case { trusted: false, ..case("a signer nobody knows", "starttls", good()) },
        Case { implicit: false, ..case("the port of STARTTLS", "implicit", good()) },
        Case { implicit: true, ..case("the port of implicit TLS", "starttls", good()) },
        Case { account: "", ..case("STARTTLS missing", "starttls", polite) },
        case("STARTTLS refused", "starttls", on("STARTTLS", say("501 5.5.4 no"))),
        case("no way to log in", "starttls", secure("CRAM-MD5")),
        case("password refused", "starttls", on("AUTH", say("535 5.7.8 authentication failed"))),
        case("not now", "starttls", on("AUTH", say("454 4.7.0 try again later"))),
        case("another sender", "starttls", on("MAIL", say("553 5.7.1 not your address"))),
        case("an unwelcome guest", "starttls", on("greeting", say("554 5.7.1 you are on a list"))),
        case("silence", "none", on("EHLO", Act::Hang)),
        case("hanging up", "none", on("EHLO", Act::Close)),
        case("a web server", "none", on("greeting", say("HTTP/1.1 400 Bad Request"))),
    ]
}

#[tokio::test]
async fn every_trouble_with_the_mail_server_is_explained_and_nothing_is_sent() {
    let mut shown = String::new();
    for Case { title, tls, account, pki, trusted, implicit, script } in cases() {
        let scripted = Scripted::with_tls(pki.acceptor.clone(), implicit, script);
        let ca = pki.folder.path().join("ca.pem");
        let other = Pki::valid();
        let ca = if trusted { ca } else { other.folder.path().join("ca.pem") };
        let more = match tls {
            "none" => account.to_owned(),
            _ => format!("{account}      ca_file: {}\n", ca.display()),
        };
        let (verdict, said) = said(&keys(scripted.port(), tls, &more)).await;
        assert_eq!(verdict == Verdict::Done, title.starts_with("all is well"), "{title}: {said}");
        assert_eq!(scripted.taken(), [], "{title}");
        let lines = scripted.lines();
        assert!(!lines.iter().any(|line| line.starts_with("RCPT") || line == "DATA"), "{title}: {lines:?}");
        let said = said.replace(&scripted.port().to_string(), "PORT");
        let said: Vec<&str> = said.lines().filter(|line| !line.contains("ca_file")).collect();
        writeln!(shown, "=== {title}\n{}\n", said.join("\n")).expect("a string takes it");
    }
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(shown) });
}

#[tokio::test]
async fn a_port_where_nobody_listens_and_a_host_that_nobody_knows_are_named() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let (verdict, refused) = said(&keys(port, "none", "")).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(refused.contains(&format!("nothing listens at 127.0.0.1:{port}")), "{refused}");
    let nowhere = "      host: no-such-host.invalid\n";
    let (verdict, unknown) = said(nowhere).await;
    assert_eq!(verdict, Verdict::Failed);
    assert!(unknown.contains("nobody knows a host `no-such-host.invalid`"), "{unknown}");
    assert!(unknown.contains("courtesy.yaml:7:13"), "the name is underlined: {unknown}");
}

#[tokio::test]
async fn an_editor_gets_it_as_json() {
    let scripted = Scripted::start(polite);
    let dir = business(&keys(scripted.port(), "none", ACCOUNT));
    let config = dir.path().join("config");
    let words = ["--config", config.to_str().expect("text"), "--json", "check", "--relay"];
    let said = command(&words, Look::Pipe, NOW).await;
    assert_eq!(said.verdict, Verdict::Failed);
    let found: serde_json::Value = serde_json::from_str(&said.out).expect("JSON alone on stdout");
    assert_eq!((&found[0]["severity"], &found[0]["line"]), (&"error".into(), &10.into()), "{found}");
    assert_eq!((&found[0]["column"], &found[0]["end_column"]), (&17.into(), &25.into()), "{found}");
    assert!(found[0]["message"].as_str().is_some_and(|text| text.contains("no way to log in")), "{found}");
}
