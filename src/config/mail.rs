//! From the keys under `mail` to the letter's and the relay's settings, and
//! the one secret there is.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::courtesy_shape::{RawDeliver, RawMail, RawSecret, RawSmtp, RawTimeouts};
use super::forms::{Given, Spot};
use super::read::Reader;
use super::settings::or;
use super::source::At;
use crate::domain::customer::Person;
use crate::letter::{MailSettings, ReplyTo, Unsubscribe};
use crate::problem::Problem;
use crate::relay::{Credentials, Deliver, SmtpSettings, Timeouts, Tls};

/// More sessions than any relay likes.
const CONNECTIONS_MAX: u32 = 32;

/// A shorter wait for the last answer makes letters uncertain that were taken:
/// a relay may scan a message for minutes (RFC 5321 4.5.3.2.6 asks for ten).
const FINAL_DOT_LEAST: Duration = Duration::from_mins(5);

/// What secrets and paths are looked up in.
pub(super) struct Surroundings<'a> {
    /// The folder of `courtesy.yaml`.
    pub folder: &'a Path,
    /// `data_dir`, resolved.
    pub data_dir: &'a Path,
    /// The environment variable of a name.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

/// Who signs, where answers go, and what may go along: `attachments` is the
/// folder, resolved.
pub(super) fn letters(raw: &RawMail, attachments: PathBuf, reader: &mut Reader<'_>) -> MailSettings {
    let unsubscribe = raw.unsubscribe.as_ref();
    let url = unsubscribe.and_then(|raw| raw.url.as_ref());
    let good = |url: &str| {
        url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
            && url.chars().all(|c| c.is_ascii_graphic())
    };
    if let Some(given) = url.filter(|given| !good(given)) {
        let hint = "one-click unsubscription needs https:// (RFC 8058) and no spaces";
        reader.error(&given.at, format!("`{}` can't be used to unsubscribe", given.value), hint);
    }
    MailSettings {
        from: raw.from.value.clone(),
        reply_to: or(raw.reply_to.as_ref(), ReplyTo::Owner),
        redirect_to: raw.redirect_to.as_ref().map(|address| address.value.clone()),
        unsubscribe: Unsubscribe {
            mailto: or(unsubscribe.and_then(|raw| raw.mailto.as_ref()), raw.from.address.clone()),
            url: url.map(|url| url.value.clone()),
        },
        attachments,
    }
}

/// Where letters are handed over. What is wrong with the settings is noted;
/// a password that can't be read here and now is returned as the error of
/// the delivery alone, because most commands never deliver.
pub(super) fn deliver(
    raw: &RawMail,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Result<Deliver, Problem> {
    match &raw.deliver {
        None => Ok(Deliver::Files(around.data_dir.join("outbox"))),
        Some(RawDeliver::Files(folder)) => Ok(Deliver::Files(around.data_dir.join(&folder.value))),
        Some(RawDeliver::Smtp(smtp)) => {
            check_smtp(smtp, reader);
            check_sender(&raw.from, smtp, reader);
            smtp_settings(smtp, raw.from.address.domain(), around, reader).map(Deliver::Smtp)
        }
    }
}

fn smtp_settings(
    raw: &RawSmtp,
    domain: &str,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Result<SmtpSettings, Problem> {
    let tls = or(raw.tls.as_ref(), Tls::Implicit);
    let port = match tls {
        Tls::Implicit => 465,
        Tls::StartTls => 587,
        Tls::None => 25,
    };
    Ok(SmtpSettings {
        host: raw.host.value.clone(),
        port: or(raw.port.as_ref(), port),
        tls,
        ca_file: raw.ca_file.as_ref().map(|file| around.folder.join(&file.value)),
        credentials: credentials(raw, around, reader)?,
        hello: or(raw.hello.as_ref(), domain.to_owned()),
        connections: or(raw.connections.as_ref(), 4) as usize,
        rate_per_min: raw.rate.as_ref().map(|rate| rate.0),
        timeouts: raw.timeouts.as_ref().map(timeouts).unwrap_or_default(),
    })
}

fn timeouts(raw: &RawTimeouts) -> Timeouts {
    let default = Timeouts::default();
    let or = |given: &Option<Spot<super::scalars::Timeout>>, default| {
        given.as_ref().map_or(default, |given| given.0)
    };
    Timeouts {
        connect: or(&raw.connect, default.connect),
        greeting: or(&raw.greeting, default.greeting),
        command: or(&raw.command, default.command),
        data: or(&raw.data, default.data),
        body: or(&raw.body, default.body),
        final_dot: or(&raw.final_dot, default.final_dot),
    }
}

fn check_smtp(raw: &RawSmtp, reader: &mut Reader<'_>) {
    check_host(&raw.host, reader);
    if let Some(tls) = &raw.tls
        && tls.value == Tls::None
        && !is_loopback(&raw.host)
    {
        let message =
            format!("`tls: none` would send letters and password to {} in clear text", raw.host.value);
        reader.error(
            &tls.at,
            message,
            "write implicit or starttls; none is for 127.0.0.1, ::1 and localhost only",
        );
    }
    if let Some(port) = &raw.port {
        check_port(port, or(raw.tls.as_ref(), Tls::Implicit), reader);
    }
    if let Some(given) =
        raw.connections.as_ref().filter(|given| !(1..=CONNECTIONS_MAX).contains(&given.value))
    {
        let message = format!("`connections: {}` is not between 1 and {CONNECTIONS_MAX}", given.value);
        reader.error(&given.at, message, "4 is a good start");
    }
    let final_dot = raw.timeouts.as_ref().and_then(|timeouts| timeouts.final_dot.as_ref());
    if let Some(given) = final_dot.filter(|given| given.0 < FINAL_DOT_LEAST) {
        let message = "`final_dot` below five minutes would leave letters uncertain that were only slow";
        reader.error(&given.at, message, "write 5min or more, or leave it out for ten minutes");
    }
    if let Some(hello) = raw.hello.as_ref().filter(|hello| !is_hello(hello)) {
        let message = format!("`{}` is no name to greet a server with", hello.value);
        reader.error(
            &hello.at,
            message,
            "write a domain like mail.example.com, or an address like [192.0.2.1]",
        );
    }
    match (&raw.username, &raw.password) {
        (Some(Given(Some(name))), None) => {
            reader.error(&name.at, "`username` without `password`", "add `password: { credential: … }`");
        }
        (None, Some(Given(Some(password)))) => {
            reader.error(place_of(password), "`password` without `username`", "add `username: …`");
        }
        // Both or none; or one that can't be read, which was said.
        (None | Some(Given(None)), None) | (None, Some(Given(None))) | (Some(_), Some(_)) => {}
    }
}

/// Receivers ask whether the server that hands a letter over may do so for
/// the sender's domain (SPF, RFC 7208; DMARC, RFC 7489). A provider vouches
/// for the domain of its account, and seldom for another.
fn check_sender(from: &Spot<Person>, smtp: &RawSmtp, reader: &mut Reader<'_>) {
    let Some(Given(Some(account))) = &smtp.username else { return };
    let Some((_, domain)) = account.rsplit_once('@') else { return };
    let (own, theirs) = (from.address.domain().to_lowercase(), domain.to_lowercase());
    let below = |one: &str, other: &str| one.strip_suffix(other).is_some_and(|rest| rest.ends_with('.'));
    if own == theirs || below(&own, &theirs) || below(&theirs, &own) {
        return;
    }
    let message = format!(
        "letters come from {own}, and the account that sends them is of {theirs}: they may be taken for forged"
    );
    let hint = format!(
        "receivers look up whether {theirs}'s server may write for {own} (SPF, DKIM and DMARC in the DNS of {own}), \
         and sort out or refuse what it may not; write from an address of {theirs}, or have {own}'s DNS allow it"
    );
    reader.warning(&from.at, message, hint);
}

fn check_host(host: &Spot<String>, reader: &mut Reader<'_>) {
    let good = host.parse::<IpAddr>().is_ok()
        || (host.len() <= 253 && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-')));
    if !good {
        let hint = "write the name alone, like smtp.example.com; the port has its own key";
        reader.error(&host.at, format!("`{}` is not the name of a host", host.value), hint);
    }
}

fn check_port(port: &Spot<u16>, tls: Tls, reader: &mut Reader<'_>) {
    let usual = match (port.value, tls) {
        (0, _) => {
            reader.error(&port.at, "port 0 is not one", "write a number up to 65535, like 465");
            return;
        }
        (587 | 25, Tls::Implicit) => "tls: starttls",
        (465, Tls::StartTls) => "tls: implicit",
        _ => return,
    };
    let message = format!("port {} usually speaks `{usual}`", port.value);
    reader.warning(&port.at, message, "ask your provider; `courtesy check --relay` tries it");
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A domain or an address literal (RFC 5321 4.1.1.1, 4.1.3).
fn is_hello(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return literal.strip_prefix("IPv6:").unwrap_or(literal).parse::<IpAddr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

fn place_of(secret: &RawSecret) -> &At {
    match secret {
        RawSecret::Credential(name) | RawSecret::Env(name) => &name.at,
        RawSecret::File(file) => &file.at,
    }
}

fn credentials(
    raw: &RawSmtp,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Result<Option<Credentials>, Problem> {
    let (Some(Given(Some(username))), Some(Given(Some(secret)))) = (&raw.username, &raw.password) else {
        return Ok(None);
    };
    let password = read_secret(secret, around)
        .map_err(|(message, hint)| reader.source.error(place_of(secret).clone(), message).hint(hint))?;
    Ok(Some(Credentials { username: username.value.clone(), password }))
}

/// The secret, or why there is none and what to do.
fn read_secret(
    secret: &RawSecret,
    around: &Surroundings<'_>,
) -> Result<SecretString, (String, &'static str)> {
    let (text, hint) = match secret {
        RawSecret::Credential(name) => {
            let hint = "systemd hands it over with LoadCredential= (as a rule from /etc/courtesy/smtp-password) and \
                 only to the service; elsewhere use `file`";
            let folder = (around.environment)("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                (format!("credential `{}` is not here: CREDENTIALS_DIRECTORY is not set", name.value), hint)
            })?;
            (read_file(&PathBuf::from(folder).join(&name.value), hint)?, hint)
        }
        RawSecret::File(file) => {
            let hint = "the file must exist and be readable for the user that runs courtesy";
            (read_file(&around.folder.join(&file.value), hint)?, hint)
        }
        RawSecret::Env(name) => {
            let hint = "set it for the process that runs courtesy";
            let missing = || (format!("the environment variable {} is not set", name.value), hint);
            ((around.environment)(&name.value).ok_or_else(missing)?, hint)
        }
    };
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(("the password is empty".to_owned(), hint));
    }
    Ok(SecretString::from(secret))
}

fn read_file(file: &Path, hint: &'static str) -> Result<String, (String, &'static str)> {
    std::fs::read_to_string(file)
        .map_err(|error| (format!("the password can't be read from {}: {error}", file.display()), hint))
}
