//! What those who watch see of a running daemon, over real sockets.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::courtesy::{Daemon, Installation};
use crate::relay::tls::Pki;
use crate::support::repository;

/// A daemon that is watched, and where.
struct Watched {
    installation: Installation,
    daemon: Daemon,
    address: String,
}

impl Watched {
    fn start() -> Self {
        let installation = Installation::with_a_customer();
        installation.edit("config/courtesy.yaml", "listen: null", "listen: 127.0.0.1:0");
        let mut daemon = Daemon::start_unready(&installation);
        let line = daemon.wait_for("monitoring listens");
        let address = line.trim().rsplit("address=").next().expect("an address").to_owned();
        daemon.wait_for("ready");
        Self { installation, daemon, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("a timeout");
        stream
    }

    /// The whole answer to a request.
    fn asked(&self, method: &str, path: &str) -> String {
        let mut stream = self.connect();
        let mut answer = String::new();
        // Whoever is turned away may find the connection reset.
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: courtesy\r\n\r\n").unwrap_or_default();
        stream.read_to_string(&mut answer).unwrap_or_default();
        answer
    }

    /// The answer, once it is of this status.
    fn answers(&self, path: &str, status: u16) -> String {
        let line = format!("HTTP/1.1 {status} ");
        loop {
            let answer = self.asked("GET", path);
            if answer.starts_with(&line) {
                return answer;
            }
            thread::yield_now();
        }
    }
}

#[test]
fn it_is_seen_whether_it_lives_and_does_its_work() {
    let mut watched = Watched::start();
    watched.answers("/healthz", 200);
    watched.answers("/readyz", 200);
    assert!(watched.asked("GET", "/elsewhere").starts_with("HTTP/1.1 404 "));
    assert!(watched.asked("POST", "/healthz").starts_with("HTTP/1.1 405 "));
    watched.installation.edit("config/courtesy.yaml", "business:", "bussiness:");
    watched.daemon.hang_up();
    watched.daemon.wait_for("stays in force");
    let why = watched.answers("/readyz", 503);
    assert!(why.contains("the configuration was refused") && why.contains("bussiness"), "{why}");
    watched.answers("/healthz", 200);
    assert!(watched.answers("/metrics", 200).contains("\ncourtesy_config_refused 1\n"));
    watched.installation.edit("config/courtesy.yaml", "bussiness:", "business:");
    watched.daemon.hang_up();
    watched.answers("/readyz", 200);
    assert_eq!(watched.daemon.stop(), Some(0));
}

#[test]
fn every_number_has_its_name_in_the_documentation() {
    let mut watched = Watched::start();
    watched.answers("/readyz", 200);
    assert_eq!(watched.installation.run(&["backup", "copy.db"]).code, 0);
    watched.installation.record_visit();
    watched.daemon.hang_up();
    watched.daemon.wait_for(" sent ");
    let page = watched.answers("/metrics", 200);
    let named =
        |line: &str| line.strip_prefix("# TYPE ").map(|rest| rest.split(' ').next().unwrap_or("").to_owned());
    let mut shown: Vec<String> = page.lines().filter_map(named).collect();
    let text = fs::read_to_string(repository("docs/operating.md")).expect("the page");
    let in_row = |line: &str| {
        line.strip_prefix("| `courtesy_")
            .map(|rest| format!("courtesy_{}", rest.split('`').next().unwrap_or("")))
    };
    let mut documented: Vec<String> =
        text.lines().filter_map(in_row).map(|name| name.split('{').next().unwrap_or("").to_owned()).collect();
    // Payments were never imported here.
    shown.push("courtesy_payments_read_timestamp_seconds".to_owned());
    shown.sort();
    documented.sort();
    assert_eq!(shown, documented);
    assert!(page.contains("\ncourtesy_letters{rule=\"visit-thanks\",state=\"sent\"} 1\n"), "{page}");
    assert!(page.contains("\ncourtesy_customers 1\n") && page.contains("\ncourtesy_ready 1\n"), "{page}");
    assert!(!page.contains("example.test"), "nobody's address");
    let status = watched.answers("/status", 200);
    let (_, json) = status.split_once("\r\n\r\n").expect("a body");
    let status: serde_json::Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(status["store"]["rules"]["visit-thanks"]["sent"], 1, "{status:#}");
    assert_eq!((&status["ready"], &status["process"]), (&true.into(), &watched.daemon.id().into()));
    assert_eq!(watched.daemon.stop(), Some(0));
}

#[test]
fn whoever_is_slow_or_hostile_keeps_no_letter_and_not_for_long_the_others() {
    let mut watched = Watched::start();
    let mut crowd = Vec::new();
    for n in 0..100 {
        let mut stream = watched.connect();
        let said: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET /metr",
            2 => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            _ => b"GET /metrics HTTP/1.1\r\nHost: courtesy\r\nX: ",
        };
        // Some are turned away at once.
        stream.write_all(said).unwrap_or_default();
        crowd.push(stream);
    }
    let mut endless = watched.connect();
    let flood = vec![b'x'; 1 << 20];
    // It stops reading after a little.
    endless.write_all(&flood).unwrap_or_default();
    watched.installation.record_visit();
    watched.daemon.hang_up();
    watched.daemon.wait_for(" sent ");
    // They are still there, and are shown out after a while.
    watched.answers("/healthz", 200);
    drop(crowd);
    assert_eq!(watched.daemon.stop(), Some(0));
}

/// An installation whose signs of life go to this address.
fn pinging(url: &str) -> Installation {
    let installation = Installation::with_a_customer();
    installation.edit("config/courtesy.yaml", "ping_url: null", &format!("ping_url: \"{url}\""));
    installation
}

/// What is asked for, read up to the empty line.
fn request(stream: &mut impl std::io::Read) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("it asks") == 1 {
        read.push(byte[0]);
    }
    String::from_utf8(read).expect("text")
}

#[test]
fn a_sign_of_life_comes_after_each_look_and_nobody_waits_for_its_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let installation = pinging(&format!("http://127.0.0.1:{port}/secret?x=1"));
    let mut daemon = Daemon::start(&installation);
    let (mut first, _) = listener.accept().expect("a sign of life");
    let asked = request(&mut first);
    assert!(asked.starts_with("GET /secret?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked}");
    // It is not answered, and letters go all the same.
    installation.record_visit();
    daemon.hang_up();
    daemon.wait_for(" sent ");
    first.write_all(b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n").expect("it listens");
    let line = daemon.wait_for("nobody takes the sign of life");
    assert!(line.contains("500") && !line.contains("secret"), "{line}");
    let (mut second, _) = listener.accept().expect("the next sign");
    request(&mut second);
    second.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").expect("it listens");
    daemon.wait_for("signs of life are taken again");
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_sign_of_life_is_encrypted_and_only_given_to_whom_it_is_for() {
    let pki = Pki::valid();
    let authority = pki.folder.path().join("ca.pem");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://127.0.0.1:{}/secret", listener.local_addr().expect("an address").port());
    listener.set_nonblocking(true).expect("for tokio");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (tell, told) = std::sync::mpsc::channel();
    runtime.spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
        loop {
            let (stream, _) = listener.accept().await.expect("somebody");
            let Ok(mut stream) = pki.acceptor.accept(stream).await else {
                tell.send("refused".to_owned()).expect("the test waits");
                continue;
            };
            let mut asked = vec![0; 1024];
            let length = stream.read(&mut asked).await.expect("it asks");
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("it listens");
            tell.send(String::from_utf8_lossy(&asked[..length]).into_owned()).expect("the test waits");
        }
    });
    let installation = pinging(&url);
    let heard = || told.recv_timeout(Duration::from_mins(1)).expect("a sign of life");
    let trusting = ("SSL_CERT_FILE", authority.to_str().expect("text"));
    let mut daemon = Daemon::start_under(&installation, trusting);
    assert!(heard().starts_with("GET /secret HTTP/1.1\r\n"));
    assert_eq!(daemon.stop(), Some(0));
    let mut daemon = Daemon::start(&installation);
    assert_eq!(heard(), "refused");
    daemon.wait_for("nobody takes the sign of life");
    assert_eq!(daemon.stop(), Some(0));
}
