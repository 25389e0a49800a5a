//! A real Postfix, private to the test: its own configuration, queue and
//! mailbox below a temporary folder, a certificate made here, accounts of its
//! own, and a restriction that greylists. What arrived is read by Python's
//! `email` package, which shares no code with us.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::black_box::courtesy::Installation;

/// Debian's `nobody`, who owns the mailbox.
const NOBODY: u32 = 65_534;

const MAIN: &str = r"
compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/data
maillog_file = DIR/log
maillog_file_prefixes = DIR
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
virtual_mailbox_domains = example.test
virtual_mailbox_base = DIR/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_sasl_auth_enable = yes
smtpd_sasl_authenticated_header = yes
smtpd_tls_received_header = yes
smtpd_tls_auth_only = yes
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = DIR/etc/cert.pem
smtpd_tls_key_file = DIR/etc/key.pem
smtpd_recipient_restrictions = check_recipient_access regexp:DIR/etc/access, permit_sasl_authenticated, reject
";

const MASTER: &str = "
127.0.0.1:STARTTLS inet n - n - - smtpd
127.0.0.1:IMPLICIT inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// Debian's Postfix looks for it in `sasl` beside `main.cf`.
const SASL: &str = "
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: DIR/sasldb
mech_list: PLAIN LOGIN
";

const GREYLISTED: &str = "/^later@/ 451 4.7.1 greylisted, try later\n/^gone@/ 550 5.1.1 no such user\n";

/// Reads every message of a mailbox with the current policy, and says what it
/// found.
const READER: &str = r#"
import email, email.policy, json, pathlib, sys
found = []
for path in sorted(pathlib.Path(sys.argv[1]).glob("new/*")):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    plain = message.get_body(preferencelist=("plain",))
    html = message.get_body(preferencelist=("html",))
    found.append({
        "defects": [str(d) for part in message.walk() for d in part.defects]
            + [str(d) for value in message.values() for d in getattr(value, "defects", [])],
        "for": message["X-Original-To"], "from": str(message["From"]), "to": str(message["To"]),
        "cc": str(message["Cc"] or ""), "bcc": str(message["Bcc"] or ""),
        "subject": str(message["Subject"]), "id": str(message["Message-ID"]).strip("<>"),
        "auto": str(message["Auto-Submitted"]), "type": message.get_content_type(),
        "secured": "(using TLS" in str(message["Received"]),
        "account": "Authenticated sender: accounts" in str(message["Received"]),
        "plain": plain.get_content(), "html": html.get_content(),
    })
print(json.dumps(found))
"#;

/// A running Postfix.
struct Postfix {
    dir: TempDir,
    starttls: u16,
    implicit: u16,
}

/// Runs a tool until it ends well.
fn tool(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}

fn id_of(user: &str) -> u32 {
    tool(Command::new("id").args(["-u", user])).trim().parse().expect("a number")
}

impl Postfix {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let postfix = Self { dir, starttls: free_port(), implicit: free_port() };
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(postfix.dir.path(), open).expect("for postfix's own user");
        for folder in ["etc/sasl", "queue", "data", "mail"] {
            fs::create_dir_all(postfix.at(folder)).expect("made");
        }
        chown(postfix.at("data"), Some(id_of("postfix")), None).expect("needs root, as Postfix does");
        chown(postfix.at("mail"), Some(NOBODY), None).expect("changed");
        postfix.certificate();
        postfix.account();
        let ports = [("STARTTLS", postfix.starttls), ("IMPLICIT", postfix.implicit)];
        let master =
            ports.iter().fold(MASTER.to_owned(), |text, (name, port)| text.replace(name, &port.to_string()));
        postfix.write("etc/main.cf", MAIN);
        postfix.write("etc/master.cf", &master);
        postfix.write("etc/access", GREYLISTED);
        postfix.tell("start");
        for (_, port) in ports {
            while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
                thread::yield_now();
            }
        }
        postfix
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let dir = self.dir.path().to_str().expect("a path of text");
        fs::write(self.at(name), text.replace("DIR", dir)).expect("written");
    }

    fn certificate(&self) {
        let mut params = CertificateParams::new(Vec::new()).expect("params");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &authority).expect("signed");
        self.write("etc/cert.pem", &certificate.pem());
        self.write("etc/key.pem", &key.serialize_pem());
        self.write("etc/ca.pem", &authority.pem());
    }

    fn account(&self) {
        self.write("etc/sasl/smtpd.conf", SASL);
        self.write("password", "battery staple");
        let password = fs::File::open(self.at("password")).expect("it is there");
        let mut make = Command::new("/usr/sbin/saslpasswd2");
        make.args(["-p", "-c", "-u", "relay.test", "-f"])
            .arg(self.at("sasldb"))
            .arg("accounts")
            .stdin(password);
        tool(&mut make);
        chown(self.at("sasldb"), Some(id_of("postfix")), None).expect("changed");
    }

    fn tell(&self, word: &str) {
        let mut command = Command::new("/usr/sbin/postfix");
        command.arg("-c").arg(self.at("etc")).arg(word);
        // Not `output`: the daemons would keep its pipes open.
        let told = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("Debian's postfix");
        assert!(told.success(), "postfix {word}");
    }

    /// The settings of the way out, with these in addition.
    fn settings(&self, port: u16, tls: &str) -> String {
        format!(
            "smtp: {{ host: 127.0.0.1, port: {port}, tls: {tls}, ca_file: {}, username: accounts@relay.test, \
             password: {{ file: {} }}, connections: 2 }}",
            self.at("etc/ca.pem").display(),
            self.at("password").display()
        )
    }

    /// What arrived, once so many letters have.
    fn arrived(&self, count: usize) -> Vec<Value> {
        let mailbox = self.at("mail/box");
        let delivered = || fs::read_dir(mailbox.join("new")).map_or(0, Iterator::count);
        while delivered() < count {
            let log = fs::read_to_string(self.at("log")).unwrap_or_default();
            assert!(!log.contains("status=bounced") && !log.contains("fatal:"), "{log}");
            thread::yield_now();
        }
        let read = tool(Command::new("/usr/bin/python3").arg("-c").arg(READER).arg(&mailbox));
        let found: Vec<Value> = serde_json::from_str(&read).expect("JSON");
        assert_eq!(found.len(), count, "{found:?}");
        found
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.tell("stop");
    }
}

/// The shipped rules and templates, with customers whose words are no words
/// of ASCII.
fn shop(postfix: &Postfix, port: u16, tls: &str) -> Installation {
    let shop = Installation::with_a_customer();
    shop.edit(
        "config/courtesy.yaml",
        "deliver: { files: outbox }",
        &format!("deliver: {{ {} }}", postfix.settings(port, tls)),
    );
    shop.write(
        "customers.csv",
        "id,name,email,contact_name,locale\n\
         C1,Ann's Bakery,ann@example.test,Ann Lee,en\n\
         C2,北京面包房,wang@example.test,王小姐,zh-CN\n\
         C3,\"Müller, \"\"Söhne\"\" & Co\",later@example.test,Zoë Müller,en\n\
         C4,Nobody,gone@example.test,Nobody,en\n",
    );
    assert_eq!(shop.run(&["import", "customers", "customers.csv"]).code, 0);
    for customer in ["C1", "C2", "C3", "C4"] {
        let note = "谢谢您的茶. The lamp: < 5 kg & \"bright\".";
        let recorded =
            shop.run(&["record", "event", customer, "visit", "--outcome", "positive", "--note", note]);
        assert_eq!(recorded.code, 0, "{recorded:?}");
    }
    shop
}

fn outbox(shop: &Installation) -> Vec<Value> {
    let listed = shop.run(&["outbox", "--json"]);
    serde_json::from_str(&listed.out).expect("JSON")
}

/// What Python read is what we meant.
fn as_intended(shop: &Installation, mail: &Value) {
    let row = outbox(shop).into_iter().find(|row| row["message_id"] == mail["id"]).expect("a letter of ours");
    let shown = shop.run(&["outbox", "show", &row["id"].to_string(), "--json"]);
    let meant: Value = serde_json::from_str(&shown.out).expect("JSON");
    let lines = |text: &Value| text.as_str().unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    assert_eq!(mail["defects"], Value::Array(vec![]), "{mail}");
    assert_eq!(mail["for"], row["to"]);
    assert_eq!((&mail["subject"], lines(&mail["plain"])), (&row["subject"], lines(&meant["text"])));
    assert_eq!((mail["cc"].as_str(), mail["bcc"].as_str()), (Some(""), Some("")));
    assert!(mail["to"].as_str().is_some_and(|to| to.contains(row["to"].as_str().expect("text"))), "{mail}");
    assert!(
        mail["from"].as_str().is_some_and(|from| from.ends_with("<accounts@morningstar.example>")),
        "{mail}"
    );
    assert_eq!(
        (mail["type"].as_str(), mail["auto"].as_str()),
        (Some("multipart/alternative"), Some("auto-generated"))
    );
    assert_eq!((&mail["secured"], &mail["account"]), (&Value::Bool(true), &Value::Bool(true)), "{mail}");
    let html = mail["html"].as_str().expect("an HTML part");
    assert!(html.contains("&lt; 5 kg &amp;") || !lines(&mail["plain"]).contains("5 kg"), "{html}");
}

#[test]
#[ignore = "needs postfix"]
fn a_real_postfix_delivers_what_was_meant_over_tls_with_a_login_and_after_greylisting() {
    let postfix = Postfix::start();
    for (port, tls) in [(postfix.starttls, "starttls"), (postfix.implicit, "implicit")] {
        let mailbox = postfix.at("mail/box");
        if mailbox.exists() {
            fs::remove_dir_all(&mailbox).expect("an empty mailbox");
        }
        postfix.write("etc/access", GREYLISTED);
        postfix.tell("reload");
        let shop = shop(&postfix, port, tls);
        let checked = shop.run(&["check", "--relay"]);
        assert_eq!(checked.code, 0, "{checked:?}");
        let first = shop.run(&["run", "--once"]);
        assert!(first.out.contains("2 sent"), "{first:?}");
        for mail in postfix.arrived(2) {
            as_intended(&shop, &mail);
        }
        let state = |customer: &str| {
            let rows = outbox(&shop);
            let row = rows.iter().find(|row| row["customer"] == customer).expect("a letter").clone();
            (row["state"].as_str().expect("text").to_owned(), row["id"].to_string())
        };
        assert_eq!(state("C4").0, "rejected");
        let (waits, id) = state("C3");
        assert_eq!(waits, "retry");

        postfix.write("etc/access", "/^gone@/ 550 5.1.1 no such user\n");
        postfix.tell("reload");
        assert_eq!(shop.run(&["outbox", "retry", &id]).code, 0);
        let second = shop.run(&["run", "--once"]);
        assert!(second.out.contains("1 sent"), "{second:?}");
        for mail in postfix.arrived(3) {
            as_intended(&shop, &mail);
        }
    }
}

#[test]
#[ignore = "needs postfix"]
fn a_real_postfix_that_does_not_know_us_or_whose_certificate_we_do_not_gets_nothing() {
    let postfix = Postfix::start();
    let shop = shop(&postfix, postfix.starttls, "starttls");
    let password = postfix.at("password");
    fs::write(&password, "battery stable").expect("written");
    let refused = shop.run(&["run", "--once"]);
    assert!(refused.code == 1 && refused.out.contains("535 5.7.8"), "{refused:?}");
    fs::write(&password, "battery staple").expect("written");
    stranger(&postfix.at("etc/ca.pem"));
    let unknown = shop.run(&["run", "--once"]);
    assert!(unknown.code == 1 && unknown.out.contains("certificate"), "{unknown:?}");
    assert!(!format!("{refused:?}{unknown:?}").contains("battery"), "the password is never shown");
    assert!(outbox(&shop).iter().all(|row| row["state"] == "queued" && row["attempts"] == 0));
    let log = fs::read_to_string(postfix.at("log")).expect("its log");
    assert!(!log.contains("from=<accounts@"), "nothing was handed over: {log}");
}

/// Replaces the authority by one that has signed nothing.
fn stranger(file: &Path) {
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let other = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    fs::write(file, other.pem()).expect("written");
}
