//! From a configuration to the parts it names. Used by every command, and
//! again by the daemon when it is told to reload.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::Global;
use super::failure::Found;
use super::screen::shown;
use crate::config::{self, CalendarEnd, Config, TemplateUse};
use crate::engine::Office;
use crate::engine::reload::{InForce, Loaded};
use crate::letter::{self, Composer, MailSettings, ReplyTo};
use crate::problem::{Problem, Severity};
use crate::relay::{AnyRelay, Deliver};
use crate::store::sqlite::{OpenOptions, SqliteStore};

/// Finds and reads the configuration.
///
/// # Errors
/// When there is none, or it has problems.
pub fn config(global: &Global) -> anyhow::Result<Config> {
    let file = config::find(global.config.as_deref()).map_err(|problem| Found(vec![problem]))?;
    Ok(config_at(&file).map_err(Found)?)
}

/// Reads the configuration in a file.
///
/// # Errors
/// Every problem found.
pub fn config_at(file: &Path) -> Result<Config, Vec<Problem>> {
    config::load(file, &|name| std::env::var(name).ok())
}

/// Opens the store, and makes it if this is the first time.
///
/// # Errors
/// When it can't be used; says what to do.
pub fn store(config: &Config) -> anyhow::Result<SqliteStore> {
    let file = &config.store;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    Ok(SqliteStore::open(file, options(config))?)
}

/// Opens the store for a command that only reads.
///
/// # Errors
/// As [`store`]; and when there is none yet.
pub fn existing_store(config: &Config) -> anyhow::Result<SqliteStore> {
    if !config.store.exists() {
        anyhow::bail!(
            "there is no data yet in {}; begin with `courtesy import customers FILE`",
            shown(&config.store)
        );
    }
    Ok(SqliteStore::open(&config.store, options(config))?)
}

/// What the store needs to know of the business.
#[must_use]
pub fn options(config: &Config) -> OpenOptions {
    OpenOptions { business_zone: config.settings.business.zone.clone() }
}

/// The templates, parsed and tried with every rule.
///
/// # Errors
/// Every problem of the templates; warnings alone are none.
pub fn composer(config: &Config) -> Result<(Composer, Vec<Problem>), Vec<Problem>> {
    match letters(config) {
        (Some(composer), found) if found.iter().all(|problem| problem.severity == Severity::Warning) => {
            Ok((composer, found))
        }
        (_, found) => Err(found),
    }
}

/// The same for those who go on whatever is found.
#[must_use]
pub fn letters(config: &Config) -> (Option<Composer>, Vec<Problem>) {
    let composer = match Composer::load(&config.templates) {
        Ok(composer) => composer.quoting(config.testimonials.clone()),
        Err(found) => return (None, found),
    };
    let found = composer.check_named(&config.rules, &config.settings, &|rule, stage, template| {
        let uses = config.template_uses.iter().filter(|named| named.rule == rule.name);
        uses.filter(|named| named.template == template)
            .find(|named| named.stage.as_str().split('/').next() == Some(stage.name.as_str()))
            .map(TemplateUse::place)
    });
    (Some(composer), found)
}

/// Everything the engine works with that comes from files.
///
/// # Errors
/// Every problem of the templates.
pub fn office(config: Config) -> Result<Office, Vec<Problem>> {
    // Read first: what changes meanwhile is read again with the next reload.
    let in_force = in_force(&config);
    let (composer, _) = composer(&config)?;
    let connections = connections(&deliver(&config).map_err(|problem| vec![problem])?);
    Ok(Office {
        settings: config.settings,
        rules: config.rules,
        in_force,
        composer,
        mail: config.mail,
        connections,
        mask_addresses: config.log.mask_addresses,
        calendar_ends: config.calendar_ends.iter().map(CalendarEnd::named).collect(),
    })
}

/// Its fingerprints.
#[must_use]
pub fn in_force(config: &Config) -> InForce {
    InForce {
        rules: config.fingerprints.clone(),
        settings: fingerprint(&format!("{:?}", config.settings)),
        sender: fingerprint(&sender(config)),
        templates: letter::fingerprints(&config.templates),
    }
}

/// Who signs, who answers for it and who is quoted, in words. Addresses stand
/// in full, which `Debug` would mask.
fn sender(config: &Config) -> String {
    // A copy of the files in another folder is the same.
    let mail = MailSettings { attachments: PathBuf::new(), ..config.mail.clone() };
    let business = &config.settings.business;
    let reply_to = match &mail.reply_to {
        ReplyTo::Owner => None,
        ReplyTo::Fixed(person) => Some(person),
    };
    let people = [Some(&mail.from), reply_to, Some(&business.operator), business.manager.as_ref()];
    let addresses = people.map(|person| person.map(|person| &person.address));
    let addresses = addresses.into_iter().flatten().chain(&mail.redirect_to);
    let addresses: Vec<String> =
        addresses.chain([&mail.unsubscribe.mailto]).map(ToString::to_string).collect();
    format!("{mail:?} {addresses:?} {:?} {}", config.testimonials, config.log.mask_addresses)
}

/// A hash of something in words. Every field of the settings shows itself in
/// `Debug`, addresses masked, and all maps and sets are ordered.
fn fingerprint(text: &str) -> String {
    format!("{:x}", u128::from_be_bytes(digest_half(&Sha256::digest(text))))
}

fn digest_half(digest: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// What a running daemon can't take over, because its store and its lock
/// stand on it.
#[derive(Debug)]
pub struct Foundation {
    data_dir: PathBuf,
    store: PathBuf,
    zone: TimeZone,
}

impl Foundation {
    /// Of a configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            data_dir: config.data_dir.clone(),
            store: config.store.clone(),
            zone: config.settings.business.zone.clone(),
        }
    }

    /// Where a configuration stands on another one.
    fn moved(&self, config: &Config) -> Vec<Problem> {
        let after = Self::of(config);
        [
            (self.data_dir != after.data_dir, ["data_dir", ""]),
            (self.store != after.store, ["store", ""]),
            (self.zone != after.zone, ["business", "timezone"]),
        ]
        .into_iter()
        .filter(|(moved, _)| *moved)
        .map(|(_, keys)| {
            let keys: Vec<&str> = keys.into_iter().filter(|key| !key.is_empty()).collect();
            let message = format!("`{}` is another, which only a new start takes over", keys.join("."));
            Problem {
                place: config::place_of(&config.file, &keys),
                ..Problem::error(config.file.clone(), message)
            }
            .hint("start the daemon anew: systemctl restart courtesy")
        })
        .collect()
    }
}

/// The same again from the files, for a daemon that stands on `foundation`
/// and delivers by `relay`.
///
/// # Errors
/// Every problem found.
pub fn reload(
    file: &Path,
    foundation: &Foundation,
    relay: &AnyRelay,
) -> Result<Loaded<AnyRelay>, Vec<Problem>> {
    let config = config_at(file)?;
    let moved = foundation.moved(&config);
    if !moved.is_empty() {
        return Err(moved);
    }
    let deliver = deliver(&config).map_err(|problem| vec![problem])?;
    let place = config::place_of(file, &["mail", "deliver"]);
    let another = (!relay.is_of(&deliver))
        .then(|| AnyRelay::new(&deliver))
        .transpose()
        .map_err(|error| vec![Problem { place, ..Problem::error(file, error.to_string()) }])?;
    Ok(Loaded { office: office(config)?, relay: another })
}

/// The way out.
///
/// # Errors
/// When the relay's settings can't be used.
pub fn relay(config: &Config) -> anyhow::Result<AnyRelay> {
    let deliver = deliver(config).map_err(|problem| Found(vec![problem]))?;
    AnyRelay::new(&deliver).context("mail.deliver")
}

/// Where letters are handed over; what only delivering needs, such as the
/// password, is asked for here.
fn deliver(config: &Config) -> Result<Deliver, Problem> {
    config.deliver.clone()
}

fn connections(deliver: &Deliver) -> usize {
    match deliver {
        Deliver::Files(_) => 1,
        Deliver::Smtp(smtp) => smtp.connections,
    }
}
