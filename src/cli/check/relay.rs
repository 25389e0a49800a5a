//! `courtesy check --relay`: what keeps us from the mail server, in plain
//! words.

use std::time::Duration;

use crate::cli::screen::shown;
use crate::config::{Config, place_of};
use crate::domain::address::Address;
use crate::domain::delivery::{BadCertificate, Obstacle, Reply, SmtpStage, Unreachable};
use crate::problem::{Place, Problem};
use crate::relay::{Deliver, FilesRelay, Relay as _, SmtpRelay, SmtpSettings, Timeouts, Tls};

/// Somebody waits for the answer, so nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a try came to.
pub(super) enum Tried {
    /// It takes letters; in a sentence.
    Good(String),
    /// It does not.
    Bad(Problem),
}

/// Connects, verifies, logs in and asks whether we may write as `mail.from`.
/// Nothing is sent.
pub(super) async fn try_out(config: &Config) -> Tried {
    let deliver = match &config.deliver {
        Ok(deliver) => deliver.clone(),
        Err(problem) => return Tried::Bad(problem.clone()),
    };
    match deliver {
        Deliver::Files(folder) => match FilesRelay::new(folder.clone()).open().await {
            Ok(_) => {
                Tried::Good(format!("letters become files in {}: no mail server to try", shown(&folder)))
            }
            Err(unreachable) => {
                let problem = Problem::error(&config.file, unreachable.to_string());
                Tried::Bad(problem.hint("letters become files there: give the service the right to write"))
            }
        },
        Deliver::Smtp(smtp) => {
            let from = &config.mail.from.address;
            let smtp = SmtpSettings { timeouts: impatient(smtp.timeouts), ..smtp };
            match try_server(&smtp, from).await {
                Ok(()) => Tried::Good(welcome(&smtp, from)),
                Err(Finding { key, message, hint }) => {
                    let problem = Problem::error(&config.file, message).hint(hint);
                    Tried::Bad(Problem { place: place(config, key), ..problem })
                }
            }
        }
    }
}

fn impatient(timeouts: Timeouts) -> Timeouts {
    let Timeouts { connect, greeting, command, .. } = timeouts;
    let cap = |timeout: Duration| timeout.min(PATIENCE);
    Timeouts { connect: cap(connect), greeting: cap(greeting), command: cap(command), ..timeouts }
}

fn welcome(smtp: &SmtpSettings, from: &Address) -> String {
    let secrecy = if smtp.tls == Tls::None { "in the clear on this machine" } else { "encrypted" };
    let account = smtp.credentials.as_ref().map_or_else(
        || "without logging in".to_owned(),
        |credentials| format!("logged in as {}", credentials.username),
    );
    format!("{}:{} takes letters from {from}: {secrecy}, {account}", smtp.host, smtp.port)
}

/// Where in courtesy.yaml the mistake is, most probably.
fn place(config: &Config, key: &str) -> Option<Place> {
    match key {
        "from" => place_of(&config.file, &["mail", "from"]),
        key => place_of(&config.file, &["mail", "deliver", "smtp", key]),
    }
}

/// What is wrong, at which key, and what to do.
#[derive(PartialEq, Eq, Debug)]
struct Finding {
    key: &'static str,
    message: String,
    hint: String,
}

impl Finding {
    fn new(key: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { key, message: message.into(), hint: hint.into() }
    }
}

async fn try_server(smtp: &SmtpSettings, from: &Address) -> Result<(), Finding> {
    let relay = SmtpRelay::new(smtp.clone())
        .map_err(|error| Finding::new("host", error.to_string(), "until then no letter can leave"))?;
    let mut session = relay.open().await.map_err(|unreachable| explain(&unreachable, smtp))?;
    let refusal = relay.refusal_of(&mut session, from).await;
    relay.close(session).await;
    match refusal {
        Ok(None) => Ok(()),
        Ok(Some(reply)) => Err(unwelcome(from, &reply, smtp)),
        Err(unreachable) => Err(explain(&unreachable, smtp)),
    }
}

fn unwelcome(from: &Address, reply: &Reply, smtp: &SmtpSettings) -> Finding {
    let message = format!("{} does not let us write as {from}: it said {reply}", smtp.host);
    let hint = match &smtp.credentials {
        Some(credentials) => format!(
            "most providers let an account write only as itself: write as {}, or have {from} allowed for it",
            credentials.username
        ),
        None => "most servers want a login first: add `username` and `password`".to_owned(),
    };
    Finding::new("from", message, hint)
}

fn explain(unreachable: &Unreachable, smtp: &SmtpSettings) -> Finding {
    let (host, server) = (&smtp.host, format!("{}:{}", smtp.host, smtp.port));
    let said = &unreachable.cause;
    match &unreachable.obstacle {
        Obstacle::UnknownHost => Finding::new(
            "host",
            format!("nobody knows a host `{host}` ({said})"),
            "is it spelt right? If so, this machine has no name server or no network",
        ),
        Obstacle::Refused => Finding::new(
            "port",
            format!("nothing listens at {server}: the connection was refused"),
            "mail servers take letters at port 465 (`tls: implicit`) or 587 (`tls: starttls`): ask your provider which",
        ),
        Obstacle::NoWay => Finding::new(
            "host",
            format!("there is no way from here to {server} ({said})"),
            "is this machine online? A firewall may forbid it",
        ),
        Obstacle::Silence => silence(unreachable.stage, smtp),
        Obstacle::HungUp => hung_up(unreachable.stage, smtp),
        Obstacle::Nonsense => Finding::new(
            "port",
            format!("what answers at {server} is no mail server ({said})"),
            "is the port right? 465 or 587, as a rule",
        ),
        Obstacle::Declined => Finding::new(
            "host",
            format!("{server} does not want to talk to us: {said}"),
            "it may know this machine as a sender of spam, or not at all: ask whoever runs it, with these words",
        ),
        Obstacle::NotThisMachine => Finding::new(
            "tls",
            said.clone(),
            "letters and password would cross the network for all to read: write `tls: implicit` or `starttls`",
        ),
        Obstacle::NotTls
        | Obstacle::OldTls
        | Obstacle::NoStartTls
        | Obstacle::StartTlsRefused
        | Obstacle::Interference => encryption(unreachable, smtp),
        Obstacle::Certificate(why) => certificate(why, said, smtp),
        Obstacle::NoLogin | Obstacle::LoginRefused | Obstacle::LoginPostponed => login(unreachable, smtp),
        Obstacle::Other => {
            Finding::new("host", format!("{server} can't be used: {unreachable}"), "try it again")
        }
    }
}

fn silence(stage: SmtpStage, smtp: &SmtpSettings) -> Finding {
    let server = format!("{}:{}", smtp.host, smtp.port);
    match (stage, smtp.tls) {
        (SmtpStage::Connect, _) => Finding::new(
            "port",
            format!("{server} does not answer"),
            "a firewall on the way swallows the connection, or the port is wrong; many networks close port 25",
        ),
        (SmtpStage::Greeting, Tls::StartTls | Tls::None) => Finding::new(
            "tls",
            format!("{server} takes the connection and says nothing"),
            "a server that is encrypted from the first byte waits for us to begin: write `tls: implicit` (port 465)",
        ),
        (stage, _) => Finding::new(
            "host",
            format!("{server} falls silent ({stage})"),
            "it may be overloaded: try again, then ask whoever runs it",
        ),
    }
}

fn hung_up(stage: SmtpStage, smtp: &SmtpSettings) -> Finding {
    let server = format!("{}:{}", smtp.host, smtp.port);
    match (stage, smtp.tls) {
        (SmtpStage::Greeting, Tls::StartTls | Tls::None) => Finding::new(
            "tls",
            format!("{server} takes the connection and ends it"),
            "it may be encrypted from the first byte: try `tls: implicit`; or it does not want this machine",
        ),
        (SmtpStage::Tls, Tls::Implicit) => Finding::new(
            "tls",
            format!("{server} ends the connection when encryption begins"),
            "it may begin in the clear: try `tls: starttls`, as a rule at port 587",
        ),
        (stage, _) => Finding::new(
            "host",
            format!("{server} ends the connection ({stage})"),
            "it may not want this machine, or not now: try again, then ask whoever runs it",
        ),
    }
}

fn encryption(unreachable: &Unreachable, smtp: &SmtpSettings) -> Finding {
    let server = format!("{}:{}", smtp.host, smtp.port);
    match unreachable.obstacle {
        Obstacle::NotTls => Finding::new(
            "tls",
            format!("{server} is not encrypted from the first byte"),
            "a port that begins in the clear needs `tls: starttls`, as a rule 587",
        ),
        Obstacle::NoStartTls => Finding::new(
            "tls",
            format!("{server} does not offer STARTTLS, so nothing was said to it: no login, no letter"),
            "it may be encrypted from the first byte (`tls: implicit`, port 465); if not, or if it did before, \
             somebody on the way may have taken the offer out",
        ),
        Obstacle::OldTls => Finding::new(
            "host",
            format!("{server} knows no encryption that is still safe"),
            "TLS 1.2 is the least: whoever runs it must bring it up to date",
        ),
        _ => Finding::new(
            "tls",
            format!("{server} offers STARTTLS, and it fails: {}", unreachable.cause),
            "try `tls: implicit` (port 465), or ask whoever runs it, with these words",
        ),
    }
}

fn certificate(why: &BadCertificate, said: &str, smtp: &SmtpSettings) -> Finding {
    let host = &smtp.host;
    let names = |names: &[String]| match names {
        [] => String::new(),
        names => format!(": it is for {}", names.join(", ")),
    };
    match why {
        BadCertificate::WrongName(presented) => Finding::new(
            "host",
            format!("the certificate is not for `{host}`{}", names(presented)),
            "write the name that the certificate is for; if you do not know that name, it is somebody else's server",
        ),
        BadCertificate::Expired => Finding::new(
            "host",
            format!("the certificate of `{host}` has expired"),
            "whoever runs the server must renew it; is this machine's clock right?",
        ),
        BadCertificate::NotYetValid => Finding::new(
            "host",
            format!("the certificate of `{host}` is not valid yet"),
            "is this machine's clock right?",
        ),
        BadCertificate::UnknownIssuer => Finding::new(
            "host",
            format!("nobody whom this machine trusts has signed the certificate of `{host}`"),
            "if it is your own server with a certificate of its own, name that in `ca_file`; otherwise it is not \
             the server that it says",
        ),
        BadCertificate::Other => Finding::new("host", said, "whoever runs the server must mend it"),
    }
}

fn login(unreachable: &Unreachable, smtp: &SmtpSettings) -> Finding {
    let host = &smtp.host;
    let account = smtp.credentials.as_ref().map_or("nobody", |credentials| credentials.username.as_str());
    match unreachable.obstacle {
        Obstacle::NoLogin => Finding::new(
            "username",
            format!("`{host}` offers no way to log in that we know (AUTH PLAIN or LOGIN)"),
            "leave `username` and `password` out if it needs none, or try the port that your provider names for \
             sending",
        ),
        Obstacle::LoginPostponed => Finding::new(
            "username",
            format!("`{host}` can't let us log in now: {}", unreachable.cause),
            "too many tries, perhaps; try again later",
        ),
        _ => Finding::new(
            "password",
            format!("`{host}` does not let `{account}` log in: {}", unreachable.cause),
            "user name or password is wrong; many providers want a password made for programs (an \"app password\"), \
             or sending by SMTP allowed for the account first",
        ),
    }
}
