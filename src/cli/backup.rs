//! `courtesy backup` and `courtesy restore`: the store as one file, and back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize as _;

use super::screen::{Screen, counted, shown};
use super::{Global, Verdict, load, lock};
use crate::domain::halt::Halt;
use crate::store::StoreError;
use crate::store::sqlite::{Backup, SqliteStore};

const EXAMPLES: &str = "\
Examples:
  courtesy backup /mnt/backups                   a new file there, named by the moment
  courtesy backup /mnt/backups --keep 30         and only the newest thirty of them stay
  courtesy backup before-upgrade.db              a file of this name, which must not exist yet

The daemon goes on meanwhile. The copy is read back whole before it gets its name. It holds the
customers, what they owe and every letter: keep it as safe as the books. The configuration and the
templates are files of your own and no part of it, and no password is.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  systemctl stop courtesy
  courtesy restore /mnt/backups/courtesy-20260302T020000Z.db
  courtesy import payments payments.csv          what was paid since; the other files too
  courtesy resume --dry-run                      what may have been sent since
  courtesy resume                                letters leave again
  systemctl start courtesy

Nothing leaves until `courtesy resume`: whoever paid after the backup was made would be reminded.
The store of before is set aside beside the new one and never deleted. On another machine, where
no record of sent letters stands beside the store, `resume` asks until when some may have left.";

/// What a backup's name begins and ends with.
const NAME: (&str, &str) = ("courtesy-", ".db");

/// Where to.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BackupArgs {
    /// A folder, or a file that does not exist yet
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// Keep so many backups in the folder and delete the older ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

/// From where.
#[derive(Args, Debug)]
#[command(after_help = RESTORE_EXAMPLES)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    from: PathBuf,
}

/// Makes a backup.
///
/// # Errors
/// When there is no store yet, or the copy can't be made or read back.
pub async fn run(
    args: &BackupArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let into = fs::metadata(&args.to).is_ok_and(|meta| meta.is_dir());
    if args.keep.is_some() && !into {
        bail!("--keep is for a folder, and {} is none", shown(&args.to));
    }
    let to = if into {
        args.to.join(format!("{}{}{}", NAME.0, now.strftime("%Y%m%dT%H%M%SZ"), NAME.1))
    } else {
        args.to.clone()
    };
    let backup = store.backup(&to).await?;
    store.note_backup(now).await?;
    let gone = match args.keep {
        Some(keep) => thin_out(&args.to, usize::try_from(keep).unwrap_or(usize::MAX))?,
        None => Vec::new(),
    };
    if global.json {
        let gone: Vec<_> = gone.iter().map(|file| file.display().to_string()).collect();
        screen.json(&serde_json::json!({
            "file": to.display().to_string(), "bytes": backup.bytes, "customers": backup.customers,
            "letters": backup.letters, "deleted": gone,
        }))?;
        return Ok(Verdict::Done);
    }
    screen.say(format_args!("{}: {}, read back whole", shown(&to), described(&backup)))?;
    for file in gone {
        screen.note(format_args!("deleted {}", shown(&file)))?;
    }
    Ok(Verdict::Done)
}

/// Puts a backup in the store's place.
///
/// # Errors
/// While the daemon runs; when the file is no backup, or the disk refuses.
pub async fn restore(
    args: &RestoreArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    let _lock = lock::take(&config.data_dir).context("a restore needs the store to itself")?;
    let restored = SqliteStore::restore(&args.from, &config.store, now)?;
    let store = load::existing_store(&config)?;
    let zone = config.settings.business.zone.clone();
    let halt = store.standing(config.settings.guards, now).await?.halt;
    // Without it, those who paid since would be reminded.
    let halt = halt.context("the restored store would send at once; this is a fault of Courtesy")?;
    let (perhaps, _) = store.perhaps_sent().await?;
    screen.say(format_args!("{} is in place: {}", shown(&args.from), described(&restored.backup)))?;
    if let Some(aside) = &restored.set_aside {
        screen.note(format_args!("The store of before is set aside in {}.", shown(aside)))?;
    }
    match restored.back.as_deref() {
        Some([]) => {}
        Some(back) => screen.complaint(format_args!(
            "{} these customers asked to be forgotten after the backup was made, and are back: {}; say \
             `courtesy forget` for each of them before `courtesy resume`",
            "warning:".yellow(),
            back.join(", ")
        ))?,
        None => screen.note(
            "Whether somebody asked to be forgotten since can't be told from here; if so, forget them again.",
        )?,
    }
    screen.note(format_args!("HOLD: {}.", halt.said(&zone, now)))?;
    if matches!(halt, Halt::Restored { .. }) {
        screen.note(format_args!("{} may have been sent since.", counted(perhaps.len(), "letter")))?;
    }
    screen.note(format_args!(
        "Nothing leaves. Import what happened since, payments above all; {}.",
        halt.advice()
    ))?;
    Ok(Verdict::Done)
}

fn described(backup: &Backup) -> String {
    let bytes = backup.bytes;
    let size = if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) };
    format!("{size}, {}, {}", counted(backup.customers, "customer"), counted(backup.letters, "letter"))
}

/// Deletes all backups in a folder but the newest; what has another name is
/// none of ours.
fn thin_out(folder: &Path, keep: usize) -> anyhow::Result<Vec<PathBuf>> {
    let mut backups = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", shown(folder)))? {
        let name = entry?.file_name();
        let Some(moment) = name.to_str().and_then(|name| name.strip_prefix(NAME.0)?.strip_suffix(NAME.1))
        else {
            continue;
        };
        let digits = moment.bytes().filter(u8::is_ascii_digit).count();
        if digits == 14 && moment.len() == 16 {
            backups.push(folder.join(&name));
        }
    }
    // Their names sort by the moment.
    backups.sort();
    let gone = backups.len().saturating_sub(keep);
    backups.truncate(gone);
    for file in &backups {
        fs::remove_file(file)
            .map_err(|error| StoreError::Refused(format!("{} can't be deleted: {error}", file.display())))?;
    }
    Ok(backups)
}
