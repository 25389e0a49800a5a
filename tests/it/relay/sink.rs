//! Against `smtp-sink`, which comes with Postfix: a relay that is not ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use courtesy::domain::delivery::{Parcel, SmtpStage};
use courtesy::relay::{Relay, SmtpRelay, SmtpSettings, Timeouts};
use mail_parser::MessageParser;
use tokio::task::JoinSet;

use super::{Ends, PATIENT, ends, letter, open, plain, smtp};

const LETTERS: usize = 200;
const SESSIONS: usize = 4;

/// A running `smtp-sink` that writes every message into a file of its own.
struct Sink {
    process: Child,
    port: u16,
}

impl Sink {
    async fn start(folder: &Path) -> Self {
        Self::with(folder, &[]).await
    }

    /// With these flags, which make it misbehave.
    async fn with(folder: &Path, flags: &[&str]) -> Self {
        let port = {
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
            listener.local_addr().expect("bound").port()
        };
        let process = Command::new("/usr/sbin/smtp-sink")
            .args(if is_root() { &["-u", "root"][..] } else { &[] })
            .args(["-d", "%M."])
            .args(flags)
            .arg(format!("127.0.0.1:{port}"))
            .arg("64")
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("smtp-sink of Debian's postfix");
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENT.connect, listens).await.expect("smtp-sink listens");
        Self { process, port }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.process.kill().expect("still running");
        self.process.wait().expect("ended");
    }
}

/// As root it must be told whom to run as; otherwise it must not.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

fn numbered(n: usize) -> Parcel {
    let bytes = format!(
        "From: accounts@morningstar.test\r\nTo: c{n}@example.test\r\nSubject: =?utf-8?b?5a+56LSm?= {n}\r\n\
         Message-ID: <{n}@morningstar.test>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         Dear customer {n},\r\n.\r\n..two dots\r\n\r\n{}.end\r\n",
        "a line of some length, to make the letter more than a packet\r\n".repeat(n)
    );
    Parcel {
        message_id: format!("{n}@morningstar.test"),
        ..letter(&format!("c{n}@example.test"), &[], bytes)
    }
}

/// Takes letters over one session after the other until there are none.
async fn carry(relay: &SmtpRelay, numbers: impl Iterator<Item = usize>) {
    let mut session = open(relay).await;
    for n in numbers {
        if !relay.is_usable(&session) {
            relay.close(session).await;
            session = open(relay).await;
        }
        relay.ready(&mut session).await;
        let outcome = relay.deliver(&mut session, &numbered(n)).await;
        assert_eq!(ends(&outcome), Ends::Sent, "{n}: {outcome:?}");
    }
    relay.close(session).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs smtp-sink"]
async fn two_hundred_letters_over_four_sessions_reach_a_real_relay_once_and_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::start(folder.path()).await;
    let relay = std::sync::Arc::new(smtp(SmtpSettings { connections: SESSIONS, ..plain(sink.port) }));
    let mut sessions = JoinSet::new();
    for first in 0..SESSIONS {
        let relay = std::sync::Arc::clone(&relay);
        sessions.spawn(async move { carry(&relay, (first..LETTERS).step_by(SESSIONS)).await });
    }
    while let Some(session) = sessions.join_next().await {
        session.expect("every letter sent");
    }
    drop(sink);

    let mut copies: BTreeMap<String, usize> = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let dump = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        // smtp-sink puts the envelope in front of the header, as `X-` fields and a `Received`.
        let message = MessageParser::new().parse(&dump).expect("a message");
        let id = message.message_id().expect("a Message-ID").to_owned();
        let n: usize = id.split('@').next().and_then(|n| n.parse().ok()).expect("a number");
        let envelope_to = message.header_raw("X-Rcpt-Args").expect("the envelope").trim().to_owned();
        assert!(envelope_to.starts_with(&format!("<c{n}@example.test>")), "{envelope_to}");
        let sent = String::from_utf8(numbered(n).bytes.to_vec()).expect("text");
        let original = MessageParser::new().parse(&sent).expect("a message");
        assert_eq!(message.subject(), original.subject());
        let original = sent.replace("\r\n", "\n");
        assert!(dump.trim_end().ends_with(original.trim_end()), "{id} is not byte for byte the same");
        *copies.entry(id).or_default() += 1;
    }
    assert_eq!(copies.len(), LETTERS);
    assert!(copies.values().all(|count| *count == 1), "{copies:?}");
}

/// What a flag makes it do, and what we make of it.
#[tokio::test]
#[ignore = "needs smtp-sink"]
async fn whatever_a_real_relay_is_told_to_do_wrong_is_named_for_what_it_is() {
    use SmtpStage::{Data, Ehlo, FinalDot, Greeting, Mail, Rcpt};
    let not_sent = Ends::NotSent;
    let refused = Ends::LetterRefused;
    for (flags, expected) in [
        // -q ends the session without a word, -Q with 421.
        (&["-q", "CONNECT"][..], not_sent(Greeting)),
        (&["-q", "EHLO"], not_sent(Ehlo)),
        (&["-q", "MAIL"], not_sent(Mail)),
        (&["-q", "RCPT"], not_sent(Rcpt)),
        (&["-q", "DATA"], not_sent(Data)),
        (&["-q", "."], Ends::Uncertain),
        (&["-Q", "CONNECT"], not_sent(Greeting)),
        (&["-Q", "EHLO"], not_sent(Ehlo)),
        (&["-Q", "MAIL"], not_sent(Mail)),
        (&["-Q", "RCPT"], not_sent(Rcpt)),
        (&["-Q", "DATA"], not_sent(Data)),
        (&["-Q", "."], not_sent(FinalDot)),
        // -f refuses for good, -r for now.
        (&["-f", "CONNECT"], not_sent(Greeting)),
        (&["-f", "EHLO"], Ends::Sent),
        (&["-f", "EHLO,HELO"], not_sent(Ehlo)),
        (&["-f", "MAIL"], refused(Mail, 500)),
        (&["-f", "RCPT"], Ends::RecipientRefused(500)),
        (&["-f", "DATA"], refused(Data, 500)),
        (&["-f", "."], refused(FinalDot, 500)),
        (&["-r", "CONNECT"], not_sent(Greeting)),
        (&["-r", "EHLO"], not_sent(Ehlo)),
        (&["-r", "MAIL"], not_sent(Mail)),
        (&["-r", "RCPT"], not_sent(Rcpt)),
        (&["-r", "DATA"], not_sent(Data)),
        (&["-r", "."], not_sent(FinalDot)),
        // -W answers late, here later than is waited for; then within it. It can't do
        // so for commands that come together.
        (&["-W", "MAIL:3", "-p"], not_sent(Mail)),
        (&["-W", "DATA:3", "-p"], not_sent(Data)),
        (&["-W", ".:3", "-p"], Ends::Uncertain),
        (&["-W", "RCPT:1", "-p"], Ends::Sent),
        // No extensions, and a firewall that garbles the greeting.
        (&["-e"], Ends::Sent),
        (&["-p", "-8", "-N"], Ends::Sent),
        (&["-P"], Ends::Sent),
    ] {
        let ended = tried_with(flags).await;
        assert_eq!(ended, expected, "{flags:?}");
    }
    // -A refuses while the letter is on its way.
    let early = tried_with(&["-A", "0"]).await;
    assert!(matches!(early, Ends::LetterRefused(FinalDot | SmtpStage::Body, 550)), "{early:?}");
}

async fn tried_with(flags: &[&str]) -> Ends {
    let folder = tempfile::tempdir().expect("a folder");
    let sink = Sink::with(folder.path(), flags).await;
    let two = Duration::from_secs(2);
    let timeouts = if flags[0] == "-W" {
        Timeouts { command: two, data: two, final_dot: two, ..PATIENT }
    } else {
        PATIENT
    };
    let relay = smtp(SmtpSettings { timeouts, ..plain(sink.port) });
    match relay.open().await {
        Ok(mut session) => ends(&relay.deliver(&mut session, &numbered(1)).await),
        Err(unreachable) => Ends::NotSent(unreachable.stage),
    }
}
