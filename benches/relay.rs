//! Letters a second to Postfix' `smtp-sink` over loopback: ours, as a ratio of
//! Postfix' own load generator `smtp-source`, and of what the stock client
//! of `lettre` manages. `cargo bench --bench relay`; prints and exits.

use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use courtesy::domain::address::Address;
use courtesy::domain::delivery::{Outcome, Parcel};
use courtesy::relay::{Relay, SmtpRelay, SmtpSettings, Timeouts, Tls};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use tokio::task::JoinSet;
use tokio::time::Instant;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SESSIONS: usize = 4;
const LETTERS: usize = 20_000;
/// The stock client is so slow that fewer must do.
const LETTERS_STOCK: usize = 80;
const ROUNDS: usize = 3;
const SIZE: usize = 4_096;

struct Sink {
    process: Child,
    port: u16,
}

impl Sink {
    async fn start(options: &[&str]) -> Fallible<Self> {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let process = Command::new("/usr/sbin/smtp-sink")
            .args(if is_root() { &["-u", "root"][..] } else { &[] })
            .args(options)
            .args([&format!("127.0.0.1:{port}"), "256"])
            .stderr(Stdio::null())
            .spawn()?;
        let listens = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), listens).await?;
        Ok(Self { process, port })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        }
    }
}

/// As root `smtp-sink` must be told whom to run as; otherwise it must not.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

fn parcel() -> Fallible<Parcel> {
    let mut bytes = b"Subject: a letter\r\n\r\n".to_vec();
    while bytes.len() < SIZE {
        bytes.extend_from_slice("x".repeat(70).as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    Ok(Parcel {
        from: Address::parse("accounts@morningstar.test")?,
        to: Address::parse("ann@example.test")?,
        cc: vec![],
        message_id: "1@morningstar.test".to_owned(),
        bytes: bytes.into(),
    })
}

async fn carry(relay: &SmtpRelay, letters: usize) -> Fallible<()> {
    let parcel = parcel()?;
    let mut session = relay.open().await?;
    for _ in 0..letters {
        if !relay.is_usable(&session) {
            relay.close(session).await;
            session = relay.open().await?;
        }
        relay.ready(&mut session).await;
        match relay.deliver(&mut session, &parcel).await {
            Outcome::Accepted { .. } => {}
            other => return Err(format!("{other:?}").into()),
        }
    }
    relay.close(session).await;
    Ok(())
}

async fn ours(port: u16) -> Fallible<f64> {
    let relay = Arc::new(SmtpRelay::new(SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::None,
        ca_file: None,
        credentials: None,
        hello: "courtesy.test".to_owned(),
        connections: SESSIONS,
        rate_per_min: None,
        timeouts: Timeouts::default(),
    })?);
    let begun = Instant::now();
    let mut sessions = JoinSet::new();
    for _ in 0..SESSIONS {
        let relay = Arc::clone(&relay);
        sessions.spawn(async move { carry(&relay, LETTERS / SESSIONS).await });
    }
    while let Some(session) = sessions.join_next().await {
        session??;
    }
    Ok(rate(LETTERS, begun))
}

async fn stock(port: u16) -> Fallible<f64> {
    let begun = Instant::now();
    let mut sessions = JoinSet::new();
    for _ in 0..SESSIONS {
        sessions.spawn(async move {
            let parcel = parcel()?;
            let envelope = lettre::address::Envelope::new(
                Some(parcel.from.as_str().parse()?),
                vec![parcel.to.as_str().parse()?],
            )?;
            let hello = ClientId::Domain("courtesy.test".to_owned());
            let server = ("127.0.0.1", port);
            let mut connection =
                AsyncSmtpConnection::connect_tokio1(server, None, &hello, None, None).await?;
            for _ in 0..LETTERS_STOCK / SESSIONS {
                connection.send(&envelope, &parcel.bytes).await?;
            }
            connection.quit().await?;
            Fallible::Ok(())
        });
    }
    while let Some(session) = sessions.join_next().await {
        session??;
    }
    Ok(rate(LETTERS_STOCK, begun))
}

fn postfix(port: u16) -> Fallible<f64> {
    let begun = Instant::now();
    let (sessions, letters, size) = (SESSIONS.to_string(), LETTERS.to_string(), SIZE.to_string());
    let ended = Command::new("/usr/sbin/smtp-source")
        .args(["-d", "-s", &sessions, "-m", &letters, "-l", &size, &format!("127.0.0.1:{port}")])
        .status()?;
    if ended.success() { Ok(rate(LETTERS, begun)) } else { Err("smtp-source failed".into()) }
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn rate(letters: usize, begun: Instant) -> f64 {
    letters as f64 / begun.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a report for the person who ran it")]
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Fallible<()> {
    for (name, options) in [("PIPELINING", &[][..]), ("one by one", &["-p"][..])] {
        let sink = Sink::start(options).await?;
        let (mut best_ours, mut best_postfix) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            best_ours = best_ours.max(ours(sink.port).await?);
            best_postfix = best_postfix.max(postfix(sink.port)?);
        }
        let best_stock = stock(sink.port).await?;
        println!(
            "{name}: ours {best_ours:.0} letters/s, smtp-source {best_postfix:.0}, lettre's own path {best_stock:.0}; \
             ratio to smtp-source {:.2}, to lettre {:.0}",
            best_ours / best_postfix,
            best_ours / best_stock,
        );
    }
    Ok(())
}
