//! `courtesy init`: a new business, with everything commented.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use include_dir::{Dir, DirEntry, include_dir};

use super::screen::Screen;
use super::{Verdict, schema};
use crate::config::YamlFile;

/// The shipped configuration, rules and calendars.
pub static CONFIG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/config");
/// The shipped letters, and the page that says how they are written.
pub static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// What is said about templates: beside them, and among the other pages.
pub const ABOUT_TEMPLATES: &str = include_str!("../../docs/templates.md");

const EXAMPLES: &str = "\
Examples:
  courtesy init /srv/courtesy       writes config/ and templates/ there
  courtesy init .                   here, if the folder is empty

Nothing leaves by accident: until `mail.deliver` is changed, letters become files in data/outbox/.";

/// Which folder.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// The folder to write into; made if it does not exist, and must be empty
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Writes the shipped files and says what to do next.
///
/// # Errors
/// When the folder is not empty or can't be written.
pub fn run(args: &InitArgs, screen: &mut Screen) -> anyhow::Result<Verdict> {
    refuse_full(&args.dir, "Choose a new one")?;
    write_shipped(&args.dir)?;
    let here = args.dir == Path::new(".");
    let step = if here { String::new() } else { format!("cd {} && ", quoted(&args.dir)) };
    screen.say(format_args!(
        "Wrote config and templates into {dir}.\n\n\
         Next:\n\
         \x20 1. Edit {config}: name, people, mail.from\n\
         \x20 2. {step}courtesy check\n\
         \x20 3. courtesy import customers customers.csv   (then receivables, payments, events)\n\n\
         Then `courtesy run`. Letters become files in {outbox} until `mail.deliver` says otherwise.",
        dir = args.dir.display(),
        config = args.dir.join("config/courtesy.yaml").display(),
        outbox = args.dir.join("data/outbox").display(),
    ))?;
    Ok(Verdict::Done)
}

/// Writes the shipped files into a folder, which is made if it is missing.
///
/// # Errors
/// When a file can't be written.
pub fn write_shipped(dir: &Path) -> anyhow::Result<()> {
    let config = dir.join("config");
    write_entries(&CONFIG, &config)?;
    schema::write_all(&config)?;
    write_templates(dir)
}

/// The same in one folder, as below `/etc`: the templates within it.
///
/// # Errors
/// When a file can't be written.
pub fn write_flat(dir: &Path) -> anyhow::Result<()> {
    write_entries(&CONFIG, dir)?;
    schema::write_all(dir)?;
    write_templates(dir)
}

/// The templates, with the page that explains them beside them.
fn write_templates(dir: &Path) -> anyhow::Result<()> {
    let folder = dir.join("templates");
    write_entries(&TEMPLATES, &folder)?;
    let page = folder.join("README.md");
    fs::write(&page, ABOUT_TEMPLATES).with_context(|| format!("cannot write {}", page.display()))
}

/// The line that tells an editor of the schema of a shipped file, where it
/// has one.
fn modeline_of(path: &Path) -> Option<String> {
    let folder = path.parent().and_then(Path::to_str).unwrap_or_default();
    let file = match (folder, path.file_name().and_then(OsStr::to_str)?) {
        ("", "courtesy.yaml") => YamlFile::Courtesy,
        ("", "testimonials.yaml") => YamlFile::Testimonials,
        ("rules", _) => YamlFile::Rule,
        ("calendars", _) => YamlFile::Calendar,
        _ => return None,
    };
    let is_yaml = path.extension().is_some_and(|ending| ending == "yaml");
    is_yaml.then(|| schema::modeline(file, path.components().count() - 1) + "\n")
}

/// Refuses a folder that has anything in it.
///
/// # Errors
/// When it has, with what to do.
pub fn refuse_full(dir: &Path, what_to_do: &str) -> anyhow::Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!("{} is not empty, and nothing in it is overwritten. {what_to_do}.", dir.display());
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", dir.display())),
    }
}

fn write_entries(from: &Dir<'_>, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in from.entries() {
        let name = entry.path().file_name().unwrap_or_default();
        let target = to.join(name);
        match entry {
            DirEntry::Dir(dir) => write_entries(dir, &target)?,
            DirEntry::File(file) => {
                let mut text = modeline_of(file.path()).unwrap_or_default().into_bytes();
                text.extend(file.contents());
                fs::write(&target, text).with_context(|| format!("cannot write {}", target.display()))?;
            }
        }
    }
    Ok(())
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
