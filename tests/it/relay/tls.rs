//! Encryption and credentials: nothing is told to whom we can't verify.

use std::sync::Arc;

use courtesy::domain::delivery::{SmtpStage, Unreachable};
use courtesy::relay::{Credentials, Relay, SmtpSettings, Timeouts, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::script::{Act, Script, Scripted, Turn, polite, say};
use super::stages::{impatient_at, is_silence, nonsense};
use super::{Ends, MESSAGE, PATIENT, SHORT, ann, ends, letter, open, plain, smtp};

const PASSWORD: &str = "correct horse";
/// `\0accounts\0correct horse`
const PLAIN: &str = "AGFjY291bnRzAGNvcnJlY3QgaG9yc2U=";
/// `accounts`, `correct horse`
const LOGIN: [&str; 2] = ["YWNjb3VudHM=", "Y29ycmVjdCBob3JzZQ=="];

/// An authority, and a server with a certificate of it for one name.
pub struct Pki {
    pub acceptor: TlsAcceptor,
    pub folder: tempfile::TempDir,
}

impl Pki {
    pub fn for_name(name: &str, change: fn(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        change(&mut params);
        let certificate = params.signed_by(&key, &authority).expect("signed");
        let config =
            rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
                )
                .expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("written");
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), folder }
    }

    pub fn valid() -> Self {
        Self::for_name("127.0.0.1", |_| {})
    }

    /// Settings that trust its authority.
    fn settings(&self, port: u16, tls: Tls) -> SmtpSettings {
        SmtpSettings { tls, ca_file: Some(self.folder.path().join("ca.pem")), ..with_credentials(port) }
    }
}

fn with_credentials(port: u16) -> SmtpSettings {
    let credentials = Credentials { username: "accounts".to_owned(), password: PASSWORD.into() };
    SmtpSettings { credentials: Some(credentials), ..plain(port) }
}

/// Offers STARTTLS and these mechanisms, and knows the password.
pub fn secure(mechanisms: &'static str) -> impl Fn(Turn) -> Act + Send + Sync + Clone {
    move |turn| match (turn.verb, turn.line) {
        ("EHLO", _) => Act::Say(format!("250-relay.test\r\n250-starttls\r\n250 auth {mechanisms}\r\n")),
        ("STARTTLS", _) => Act::SayAndEncrypt("220 go ahead\r\n".to_owned()),
        ("AUTH", "AUTH LOGIN") => say("334 VXNlcm5hbWU6"),
        ("AUTH", line) if line == LOGIN[0] => say("334 UGFzc3dvcmQ6"),
        ("AUTH", line) if line == LOGIN[1] || line == format!("AUTH PLAIN {PLAIN}") => {
            say("235 2.7.0 welcome")
        }
        ("AUTH", _) => say("535 5.7.8 wrong"),
        _ => polite(turn),
    }
}

fn told_no_secret(scripted: &Scripted) {
    let lines = scripted.lines();
    let secrets = [PLAIN, LOGIN[0], LOGIN[1], "AUTH", "MAIL"];
    assert!(!lines.iter().any(|line| secrets.iter().any(|secret| line.contains(secret))), "{lines:?}");
}

async fn refused(settings: SmtpSettings) -> Unreachable {
    smtp(settings).open().await.expect_err("no session")
}

#[tokio::test]
async fn letters_go_under_tls_from_the_first_byte_or_after_starttls_with_either_login() {
    let pki = Pki::valid();
    for tls in [Tls::Implicit, Tls::StartTls] {
        for mechanisms in ["plain login", "LOGIN", "CRAM-MD5 Plain"] {
            let acceptor = pki.acceptor.clone();
            let scripted = Scripted::with_tls(acceptor, tls == Tls::Implicit, secure(mechanisms));
            let relay = smtp(pki.settings(scripted.port(), tls));
            let mut session = open(&relay).await;
            for _ in 0..3 {
                relay.ready(&mut session).await;
                let outcome = relay.deliver(&mut session, &ann()).await;
                assert_eq!(ends(&outcome), Ends::Sent, "{tls:?} {mechanisms}: {outcome:?}");
            }
            relay.close(session).await;
            assert_eq!(scripted.taken().len(), 3);
            assert_eq!(scripted.taken()[2].bytes, &*ann().bytes);
            let greetings = scripted.lines().iter().filter(|line| line.starts_with("EHLO")).count();
            assert_eq!(greetings, if tls == Tls::StartTls { 2 } else { 1 });
        }
    }
}

#[tokio::test]
async fn a_large_letter_goes_whole_under_tls() {
    let pki = Pki::valid();
    let scripted = Scripted::with_tls(pki.acceptor.clone(), true, secure("PLAIN"));
    let relay = smtp(pki.settings(scripted.port(), Tls::Implicit));
    let mut session = open(&relay).await;
    let parcel = letter("ann@example.test", &[], ".line\r\n".repeat(200_000));
    let outcome = relay.deliver(&mut session, &parcel).await;
    assert_eq!(ends(&outcome), Ends::Sent, "{outcome:?}");
    assert_eq!(scripted.taken()[0].bytes, &*parcel.bytes);
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_needs_a_person_and_is_told_nothing() {
    let wrong_host = Pki::for_name("mail.example", |_| {});
    let expired = Pki::for_name("127.0.0.1", |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let (good, other) = (Pki::valid(), Pki::valid());
    for (served, trusted) in [(&wrong_host, &wrong_host), (&expired, &expired), (&good, &other)] {
        for tls in [Tls::Implicit, Tls::StartTls] {
            let acceptor = served.acceptor.clone();
            let scripted = Scripted::with_tls(acceptor, tls == Tls::Implicit, secure("PLAIN"));
            let unreachable = refused(trusted.settings(scripted.port(), tls)).await;
            assert_eq!(
                (unreachable.stage, unreachable.needs_person),
                (SmtpStage::Tls, true),
                "{unreachable}"
            );
            assert!(unreachable.cause.contains("certificate"), "{unreachable}");
            told_no_secret(&scripted);
        }
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_told_nothing() {
    let pki = Pki::valid();
    let scripted = Scripted::start(secure("PLAIN"));
    let unreachable = refused(pki.settings(scripted.port(), Tls::Implicit)).await;
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Tls, false), "{unreachable}");
    assert!(unreachable.cause.contains("starttls"), "{unreachable}");
    told_no_secret(&scripted);
}

#[tokio::test]
async fn starttls_that_is_not_offered_refused_or_tampered_with_is_never_done_without() {
    let pki = Pki::valid();
    let stripped = |turn: Turn| {
        if turn.verb == "EHLO" {
            Act::Say("250-relay.test\r\n250 AUTH PLAIN\r\n".into())
        } else {
            polite(turn)
        }
    };
    let no_ehlo = |turn: Turn| if turn.verb == "EHLO" { say("502 what?") } else { polite(turn) };
    let refuses =
        |turn: Turn| if turn.verb == "STARTTLS" { say("501 5.5.4 no") } else { secure("PLAIN")(turn) };
    let busy =
        |turn: Turn| if turn.verb == "STARTTLS" { say("454 4.7.0 not now") } else { secure("PLAIN")(turn) };
    let injects = |turn: Turn| match turn.verb {
        "STARTTLS" => Act::SayAndEncrypt("220 go ahead\r\n250 injected\r\n".to_owned()),
        _ => secure("PLAIN")(turn),
    };
    let half_injects = |turn: Turn| match turn.verb {
        "STARTTLS" => Act::SayAndEncrypt("220 go ahead\r\n2".to_owned()),
        _ => secure("PLAIN")(turn),
    };
    let scripts: [(&str, Script, bool); 6] = [
        ("stripped", Box::new(stripped), true),
        ("no EHLO", Box::new(no_ehlo), true),
        ("refused", Box::new(refuses), true),
        ("busy", Box::new(busy), false),
        ("injected", Box::new(injects), true),
        ("half injected", Box::new(half_injects), true),
    ];
    for (name, script, needs_person) in scripts {
        let scripted = Scripted::with_tls(pki.acceptor.clone(), false, script);
        let unreachable = refused(pki.settings(scripted.port(), Tls::StartTls)).await;
        assert_eq!(
            (unreachable.stage, unreachable.needs_person),
            (SmtpStage::Tls, needs_person),
            "{name}: {unreachable}"
        );
        told_no_secret(&scripted);
    }
}

#[tokio::test]
async fn what_was_offered_in_the_clear_counts_for_nothing_under_tls() {
    let pki = Pki::valid();
    // AUTH only in the clear: a client that remembers it would log in with what was tampered with.
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let script = move |turn: Turn| match turn.verb {
        "EHLO" if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 => say("250 relay.test"),
        _ => secure("PLAIN")(turn),
    };
    let scripted = Scripted::with_tls(pki.acceptor.clone(), false, script);
    let unreachable = refused(pki.settings(scripted.port(), Tls::StartTls)).await;
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Auth, true), "{unreachable}");
    told_no_secret(&scripted);
}

#[tokio::test]
async fn refused_credentials_need_a_person_and_no_secret_is_repeated() {
    for (reply, needs_person) in [
        (format!("535 5.7.8 {PASSWORD} is wrong"), true),
        (format!("500 5.5.1 unknown command AUTH PLAIN {PLAIN}"), true),
        ("535 5.7.8 wrong".to_owned(), true),
        ("454 4.7.0 later".to_owned(), false),
        ("421 4.7.0 too many".to_owned(), false),
        ("354 go on".to_owned(), false),
    ] {
        let told = reply.clone();
        let script = move |turn: Turn| if turn.verb == "AUTH" { say(&told) } else { secure("PLAIN")(turn) };
        let scripted = Scripted::start(script);
        let unreachable = refused(with_credentials(scripted.port())).await;
        assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Auth, needs_person), "{reply}");
        assert!(unreachable.cause.contains(&reply[..3]), "{unreachable}");
        let shown = format!("{unreachable} {unreachable:?}");
        assert!(!shown.contains(PASSWORD) && !shown.contains(PLAIN), "{shown}");
    }
    let shown = format!("{:?} {:?}", with_credentials(25), smtp(with_credentials(25)));
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[tokio::test]
async fn a_password_too_long_for_one_line_follows_on_its_own() {
    let script = |turn: Turn| match (turn.verb, turn.line) {
        ("AUTH", "AUTH PLAIN") => say("334 "),
        ("AUTH", line) if line.len() > 500 => say("235 welcome"),
        _ => secure("PLAIN")(turn),
    };
    let scripted = Scripted::start(script);
    let credentials = Credentials { username: "accounts".to_owned(), password: "x".repeat(600).into() };
    let settings = SmtpSettings { credentials: Some(credentials), ..plain(scripted.port()) };
    let relay = smtp(settings);
    relay.close(open(&relay).await).await;
    assert!(scripted.lines().iter().any(|line| line == "AUTH PLAIN"));
}

#[tokio::test]
async fn silence_and_nonsense_at_starttls_and_auth_cost_no_letter_and_no_secret() {
    let pki = Arc::new(Pki::valid());
    let mut running = JoinSet::new();
    for (verb, stage) in [("STARTTLS", SmtpStage::Tls), ("AUTH", SmtpStage::Auth)] {
        for act in nonsense() {
            let pki = Arc::clone(&pki);
            running.spawn(async move {
                let told = act.clone();
                let script =
                    move |turn: Turn| if turn.verb == verb { told.clone() } else { secure("PLAIN")(turn) };
                let scripted = Scripted::with_tls(pki.acceptor.clone(), false, script);
                let mut settings = pki.settings(scripted.port(), Tls::StartTls);
                if is_silence(&act) {
                    settings.timeouts = impatient_at(verb);
                }
                let unreachable = refused(settings).await;
                assert_eq!((unreachable.stage, unreachable.needs_person), (stage, false), "{verb} {act:?}");
                assert_eq!(scripted.taken(), []);
                if verb == "STARTTLS" {
                    told_no_secret(&scripted);
                }
            });
        }
    }
    while let Some(tried) = running.join_next().await {
        tried.expect("as expected");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let pki = Pki::valid();
    let script = |turn: Turn| match turn.verb {
        "STARTTLS" => Act::SayAndHang("220 go ahead\r\n".to_owned()),
        _ => secure("PLAIN")(turn),
    };
    let scripted = Scripted::start(script);
    let timeouts = Timeouts { connect: SHORT, ..PATIENT };
    let unreachable =
        refused(SmtpSettings { timeouts, ..pki.settings(scripted.port(), Tls::StartTls) }).await;
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Tls, false), "{unreachable}");
    told_no_secret(&scripted);
}

#[tokio::test]
async fn under_tls_the_end_of_a_letter_is_as_certain_as_in_the_clear() {
    let pki = Pki::valid();
    let (body, dot) = (SmtpStage::Body, SmtpStage::FinalDot);
    let hang_after = |said: &str| Act::SayAndHang(said.to_owned());
    let long = letter("ann@example.test", &[], ("x".repeat(900) + "\r\n").repeat(7_000));
    for (verb, act, expected) in [
        (".", Act::Hang, Ends::Uncertain),
        (".", Act::Close, Ends::Uncertain),
        (".", Act::Reset, Ends::Uncertain),
        (".", Act::TakeAndClose, Ends::Uncertain),
        (".", say("354 go on"), Ends::Uncertain),
        (".", say("451 4.3.0 not now"), Ends::NotSent(dot)),
        (".", say("554 5.7.1 spam"), Ends::LetterRefused(dot, 554)),
        ("body", hang_after("552 5.3.4 too big\r\n"), Ends::LetterRefused(body, 552)),
        ("body", hang_after(""), Ends::NotSent(body)),
        ("body", Act::Reset, Ends::NotSent(body)),
        ("MAIL", Act::Close, Ends::NotSent(SmtpStage::Mail)),
    ] {
        let told = act.clone();
        let script = move |turn: Turn| if turn.verb == verb { told.clone() } else { secure("PLAIN")(turn) };
        let scripted = Scripted::with_tls(pki.acceptor.clone(), true, script);
        let mut settings = pki.settings(scripted.port(), Tls::Implicit);
        if is_silence(&act) {
            settings.timeouts = impatient_at(verb);
        }
        let relay = smtp(settings);
        let mut session = open(&relay).await;
        let parcel = if verb == "body" { long.clone() } else { letter("ann@example.test", &[], MESSAGE) };
        let outcome = relay.deliver(&mut session, &parcel).await;
        assert_eq!(ends(&outcome), expected, "{verb} {act:?}: {outcome:?}");
        assert!(!relay.is_usable(&session), "{verb} {act:?}");
        assert_eq!(scripted.taken().len(), usize::from(act == Act::TakeAndClose), "{verb} {act:?}");
    }
}

#[tokio::test]
async fn a_host_that_nobody_knows_is_named_and_may_be_known_later() {
    let pki = Pki::for_name("relay.invalid", |_| {});
    let timeouts = Timeouts { connect: SHORT, ..PATIENT };
    let host = "relay.invalid".to_owned();
    let unreachable = refused(SmtpSettings { host, timeouts, ..pki.settings(465, Tls::Implicit) }).await;
    assert_eq!((unreachable.stage, unreachable.needs_person), (SmtpStage::Connect, false), "{unreachable}");
    assert!(unreachable.cause.contains("relay.invalid"), "{unreachable}");
}
