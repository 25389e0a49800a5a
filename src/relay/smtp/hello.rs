//! From nothing to a session: connect, greeting, EHLO, STARTTLS, AUTH.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;

use crate::domain::delivery::{Obstacle, SmtpStage, Unreachable};
use crate::relay::{Credentials, SmtpSettings, Tls};

use super::reply::Answer;
use super::tls::Encryption;
use super::wire::{Broken, Deadline, Stream, Wire};

/// The longest command line, without its end (RFC 5321 4.5.3.1.4).
const COMMAND_MAX: usize = 510;

/// What the relay offers in its answer to EHLO, as far as we use it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of its own that is there or not")]
pub(super) struct Offers {
    /// Several commands in one write (RFC 2920).
    pub pipelining: bool,
    /// The size is announced with MAIL (RFC 1870).
    pub size: bool,
    /// 8-bit bytes in the message (RFC 6152).
    pub eight_bit: bool,
    starttls: bool,
    auth_plain: bool,
    auth_login: bool,
}

impl Offers {
    /// Keywords in any case; also the form `AUTH=PLAIN` of old servers.
    fn read(lines: &[String]) -> Self {
        let mut offers = Self::default();
        for line in lines {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']);
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("SIZE") => offers.size = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("AUTH") => {
                    for mechanism in words {
                        offers.auth_plain |= mechanism == "PLAIN";
                        offers.auth_login |= mechanism == "LOGIN";
                    }
                }
                Some(_) | None => {}
            }
        }
        offers
    }
}

/// Opens a connection and brings it to where MAIL may follow.
pub(super) async fn open(
    settings: &SmtpSettings,
    encryption: Option<&Encryption>,
) -> Result<(Wire, Offers), Unreachable> {
    let connecting = Deadline::within(settings.timeouts.connect);
    let stream = connect(settings, connecting).await?;
    let stream = match (settings.tls, encryption) {
        (Tls::Implicit, Some(encryption)) => encryption.wrap(stream, connecting).await?,
        (Tls::Implicit | Tls::StartTls | Tls::None, _) => Stream::Plain(stream),
    };
    let mut wire = Wire::new(stream);
    greeting(&mut wire, settings).await?;
    let mut offers = ehlo(&mut wire, settings).await?;
    if settings.tls == Tls::StartTls {
        wire = starttls(wire, offers, settings, encryption).await?;
        // What was offered in the clear counts for nothing (RFC 3207 4.2).
        offers = ehlo(&mut wire, settings).await?;
    }
    if let Some(credentials) = &settings.credentials {
        log_in(&mut wire, offers, credentials, Deadline::within(settings.timeouts.command)).await?;
    }
    Ok((wire, offers))
}

/// A failure of the wire at a stage, told to whoever wants a session.
pub(super) fn broken(stage: SmtpStage) -> impl Fn(Broken) -> Unreachable {
    move |broken| Unreachable {
        stage,
        cause: broken.to_string(),
        obstacle: broken.obstacle(),
        needs_person: false,
    }
}

fn refused(stage: SmtpStage, answer: &Answer) -> Unreachable {
    let cause = format!("the relay said {}", answer.reply);
    Unreachable { stage, cause, obstacle: Obstacle::Declined, needs_person: false }
}

/// Tries every address of the host, each with its share of the time, so that
/// one that swallows packets does not hide the others.
async fn connect(settings: &SmtpSettings, deadline: Deadline) -> Result<TcpStream, Unreachable> {
    let failed = |cause: String, obstacle: Obstacle| Unreachable {
        stage: SmtpStage::Connect,
        cause,
        needs_person: obstacle == Obstacle::NotThisMachine,
        obstacle,
    };
    let host = bare(&settings.host);
    let look_up = async { Ok(tokio::net::lookup_host((host, settings.port)).await?.collect::<Vec<_>>()) };
    let addresses: Vec<SocketAddr> = deadline
        .hold(look_up)
        .await
        .map_err(|error| failed(format!("looking up `{host}`: {error}"), Obstacle::UnknownHost))?;
    let mut last = failed(format!("`{host}` has no address"), Obstacle::UnknownHost);
    for (tried, address) in addresses.iter().enumerate() {
        if settings.tls == Tls::None && !address.ip().is_loopback() {
            let cause = format!(
                "`{host}` is {}, not this machine, and `tls: none` is only for this machine",
                address.ip()
            );
            return Err(failed(cause, Obstacle::NotThisMachine));
        }
        let share = deadline.share(addresses.len() - tried);
        match share.hold(async { Ok(TcpStream::connect(address).await?) }).await {
            Ok(stream) => {
                // Otherwise the system holds small writes back until the last one is
                // acknowledged, and a letter takes 40 ms instead of one.
                stream.set_nodelay(true).map_err(|error| failed(error.to_string(), Obstacle::Other))?;
                return Ok(stream);
            }
            Err(error) => last = failed(format!("connecting to {address}: {error}"), error.obstacle()),
        }
    }
    Err(last)
}

/// The host without the brackets of an IPv6 address.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

async fn greeting(wire: &mut Wire, settings: &SmtpSettings) -> Result<(), Unreachable> {
    let deadline = Deadline::within(settings.timeouts.greeting);
    let answer = wire.answer(deadline).await.map_err(broken(SmtpStage::Greeting))?;
    if answer.is_yes() { Ok(()) } else { Err(refused(SmtpStage::Greeting, &answer)) }
}

/// EHLO, or HELO where that is not understood (RFC 5321 3.2).
async fn ehlo(wire: &mut Wire, settings: &SmtpSettings) -> Result<Offers, Unreachable> {
    let deadline = Deadline::within(settings.timeouts.greeting);
    let hello = &settings.hello;
    let answer = wire.ask(&format!("EHLO {hello}"), deadline).await.map_err(broken(SmtpStage::Ehlo))?;
    if answer.is_yes() {
        return Ok(Offers::read(&answer.lines[1..]));
    }
    if answer.reply.code / 100 != 5 {
        return Err(refused(SmtpStage::Ehlo, &answer));
    }
    let answer = wire.ask(&format!("HELO {hello}"), deadline).await.map_err(broken(SmtpStage::Ehlo))?;
    if answer.is_yes() { Ok(Offers::default()) } else { Err(refused(SmtpStage::Ehlo, &answer)) }
}

async fn starttls(
    mut wire: Wire,
    offers: Offers,
    settings: &SmtpSettings,
    encryption: Option<&Encryption>,
) -> Result<Wire, Unreachable> {
    let person = |cause: &str, obstacle| Unreachable {
        stage: SmtpStage::Tls,
        cause: cause.to_owned(),
        obstacle,
        needs_person: true,
    };
    let Some(encryption) = encryption.filter(|_| offers.starttls) else {
        return Err(person(
            "the relay does not offer STARTTLS, or somebody in between took the offer away; nothing was sent",
            Obstacle::NoStartTls,
        ));
    };
    let deadline = Deadline::within(settings.timeouts.command);
    let answer = wire.ask("STARTTLS", deadline).await.map_err(broken(SmtpStage::Tls))?;
    if !answer.is_yes() {
        let needs_person = answer.reply.code / 100 == 5;
        let refused = refused(SmtpStage::Tls, &answer);
        return Err(Unreachable { needs_person, obstacle: Obstacle::StartTlsRefused, ..refused });
    }
    let stream = wire.into_plain().ok_or_else(|| {
        person(
            "something was said in the clear behind the go-ahead for TLS: a broken relay or an attack",
            Obstacle::Interference,
        )
    })?;
    let handshake = Deadline::within(settings.timeouts.connect);
    Ok(Wire::new(encryption.wrap(stream, handshake).await?))
}

/// AUTH PLAIN (RFC 4616), or LOGIN where only that is offered. The caller has
/// made sure that the connection is encrypted or stays on this machine.
async fn log_in(
    wire: &mut Wire,
    offers: Offers,
    credentials: &Credentials,
    deadline: Deadline,
) -> Result<(), Unreachable> {
    let (username, password) = (&credentials.username, credentials.password.expose_secret());
    let (first, rest) = if offers.auth_plain {
        let response = BASE64.encode(format!("\0{username}\0{password}"));
        let whole = format!("AUTH PLAIN {response}");
        // RFC 4954 4: a response that makes the line too long follows on its own.
        if whole.len() <= COMMAND_MAX { (whole, vec![]) } else { ("AUTH PLAIN".to_owned(), vec![response]) }
    } else if offers.auth_login {
        ("AUTH LOGIN".to_owned(), vec![BASE64.encode(username), BASE64.encode(password)])
    } else {
        let cause = "a user name is configured, but the relay offers neither AUTH PLAIN nor AUTH LOGIN here";
        return Err(Unreachable {
            stage: SmtpStage::Auth,
            cause: cause.to_owned(),
            obstacle: Obstacle::NoLogin,
            needs_person: true,
        });
    };
    let mut answer = wire.ask(&first, deadline).await.map_err(broken(SmtpStage::Auth))?;
    for response in &rest {
        if answer.reply.code != 334 {
            break;
        }
        answer = wire.ask(response, deadline).await.map_err(broken(SmtpStage::Auth))?;
    }
    if answer.is_yes() {
        return Ok(());
    }
    let secrets = [password, first.rsplit(' ').next().unwrap_or_default()];
    let repeats = secrets.into_iter().chain(rest.iter().map(String::as_str)).any(|secret| {
        // `AUTH PLAIN` and `AUTH LOGIN` alone are no secret.
        !matches!(secret, "PLAIN" | "LOGIN") && answer.reply.text.contains(secret)
    });
    let text = if repeats { "(its words repeat the credentials)" } else { &answer.reply.text };
    let for_good = answer.reply.code / 100 == 5;
    Err(Unreachable {
        stage: SmtpStage::Auth,
        cause: format!("the relay said {} {text}", answer.reply.code),
        obstacle: if for_good { Obstacle::LoginRefused } else { Obstacle::LoginPostponed },
        needs_person: for_good,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_read_in_any_case_and_in_the_old_form() {
        let read =
            |lines: &[&str]| Offers::read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let all =
            read(&["Pipelining", "size 10240000", "8bitmime", "StartTLS", "auth login plain", "X-OTHER"]);
        assert!(
            all.pipelining && all.size && all.eight_bit && all.starttls && all.auth_plain && all.auth_login
        );
        assert!(read(&["AUTH=LOGIN"]).auth_login);
        assert_eq!(read(&["AUTH CRAM-MD5", "XPIPELINING", ""]), Offers::default());
    }

    #[test]
    fn the_host_of_a_literal_is_bare() {
        assert_eq!([bare("[::1]"), bare("::1"), bare("mail.example")], ["::1", "::1", "mail.example"]);
    }
}
