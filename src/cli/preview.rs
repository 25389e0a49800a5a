//! `courtesy preview`: a letter before it is due, as its reader would see it.

mod page;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize;

use super::screen::{Screen, shown};
use super::wanted::{FactsArgs, Shown, composer, rule};
use super::{Global, Verdict, load};
use crate::config::Config;
use crate::domain::delivery::Parcel;
use crate::letter::mime;

const EXAMPLES: &str = "\
Examples:
  courtesy preview payment-reminders/firm                  a made-up one, in the terminal
  courtesy preview payment-reminders/firm --for INV-4711   with the facts of a claim
  courtesy preview visit-thanks --for C001 --locale zh-CN --open
  courtesy preview payment-thanks --for C001 --eml thanks.eml
  courtesy preview --all --open                            every letter, in all languages
  courtesy preview --all payment-reminders --html letters.html

Nothing is sent and nothing is written down.";

/// Where `--all` goes, unless told otherwise.
const PAGE: &str = "courtesy-preview.html";

/// Which letter, and where to.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PreviewArgs {
    /// Rule and stage, like payment-reminders/firm; with --all a rule alone, or nothing
    #[arg(value_name = "RULE/STAGE", required_unless_present = "all")]
    pub letter: Option<String>,
    /// With whose facts, in which language
    #[command(flatten)]
    pub facts: FactsArgs,
    /// Every letter of the rule, or of all rules, in every language, on one page
    #[arg(long, conflicts_with_all = ["about", "locale", "eml"])]
    pub all: bool,
    /// Open the HTML in a browser
    #[arg(long)]
    pub open: bool,
    /// Write the HTML to this file
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the message to this file, for a mail program
    #[arg(long, value_name = "FILE")]
    pub eml: Option<PathBuf>,
}

/// Shows the letter, or all of them.
///
/// # Errors
/// When the configuration has problems, there is no such letter, or a file
/// can't be written.
pub async fn run(
    args: &PreviewArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let config = load::config(global)?;
    if args.all {
        return all(args, &config, screen);
    }
    let text = args.letter.as_deref().context("which letter? Write RULE/STAGE, or --all")?;
    let letter = args.facts.letter(text, &config, global.moment(now, &config.settings), now).await?;
    let parcel = mime::build(&letter.content, &config.mail, &message_id(&letter, &config), now)?;
    show(&letter, &parcel, global, screen)?;
    let write = |file: &Path, bytes: &[u8]| {
        fs::write(file, bytes).with_context(|| format!("cannot write {}", shown(file)))
    };
    if let Some(file) = &args.html {
        write(file, letter.content.html.as_bytes())?;
        screen.note(format_args!("HTML: {}", shown(file)))?;
    }
    if let Some(file) = &args.eml {
        write(file, &parcel.bytes)?;
        screen.note(format_args!("Message: {}", shown(file)))?;
    }
    match &args.html {
        Some(file) if args.open => open(file)?,
        None if args.open => open(&private_page(&letter.content.html)?)?,
        Some(_) | None => {}
    }
    Ok(Verdict::Done)
}

/// Unlike any that a letter is sent with.
fn message_id(letter: &Shown, config: &Config) -> String {
    let start: String = letter.content.fingerprint.chars().take(24).collect();
    format!("preview.{start}@{}", config.mail.from.address.domain())
}

fn show(letter: &Shown, parcel: &Parcel, global: &Global, screen: &mut Screen) -> anyhow::Result<()> {
    let content = &letter.content;
    let everybody = |people: &[crate::domain::customer::Person]| {
        people.iter().map(|person| format!("{} <{}>", person.name, person.address)).collect::<Vec<_>>()
    };
    if global.json {
        screen.json(&serde_json::json!({
            "rule": letter.rule,
            "stage": letter.stage,
            "locale": content.locale,
            "class": content.class.as_str(),
            "to": everybody(&content.to),
            "cc": everybody(&content.cc),
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "attachments": content.attachments.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
            "remarks": letter.remarks,
        }))?;
        return Ok(());
    }
    let mut heads = vec![("From", parcel.from.to_string()), ("To", everybody(&content.to).join(", "))];
    heads.push(("Cc", everybody(&content.cc).join(", ")));
    heads.push(("Reply-To", everybody(std::slice::from_ref(&content.reply_to)).join("")));
    heads.push(("Subject", content.subject.bold().to_string()));
    heads.push(("Language", content.locale.clone()));
    let files: Vec<&str> = content.attachments.iter().map(|file| file.name.as_str()).collect();
    heads.push(("Attached", files.join(", ")));
    for (name, value) in heads.into_iter().filter(|(_, value)| !value.is_empty()) {
        screen.result(format_args!("{:<9} {value}", format!("{name}:").dimmed()))?;
    }
    screen.result(format_args!("\n{}", content.text.trim_end()))?;
    for remark in &letter.remarks {
        screen.note(format_args!("{} {remark}", "note:".yellow()))?;
    }
    Ok(())
}

/// Writes the page of every letter.
fn all(args: &PreviewArgs, config: &Config, screen: &mut Screen) -> anyhow::Result<Verdict> {
    let composer = composer(config)?;
    let rules = match &args.letter {
        Some(name) => vec![rule(config, name)?],
        None => config.rules.iter().collect(),
    };
    let page = page::Page::of(&rules, &composer, config);
    let file = args.html.clone().unwrap_or_else(|| PathBuf::from(PAGE));
    fs::write(&file, page.render()).with_context(|| format!("cannot write {}", shown(&file)))?;
    screen.say(format_args!("{}: {}", shown(&file), page.summary()))?;
    if args.open {
        open(&file)?;
    }
    Ok(if page.failed() { Verdict::Failed } else { Verdict::Done })
}

/// A page for the browser that nobody else may read: it may hold what a
/// customer owes.
fn private_page(html: &str) -> anyhow::Result<PathBuf> {
    let file = std::env::temp_dir().join(format!("courtesy-preview-{}.html", std::process::id()));
    let cannot = || format!("cannot write {}; name another file with --html", file.display());
    let mut page =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).with_context(cannot)?;
    page.write_all(html.as_bytes()).with_context(cannot)?;
    Ok(file)
}

fn open(file: &Path) -> anyhow::Result<()> {
    let absolute = fs::canonicalize(file).with_context(|| format!("cannot open {}", shown(file)))?;
    let opened = Command::new("xdg-open").arg(&absolute).stdin(Stdio::null()).stdout(Stdio::null()).status();
    match opened {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("no browser took {} (xdg-open: {status})", absolute.display()),
        Err(error) => bail!("no browser was opened (xdg-open: {error}); the page is {}", absolute.display()),
    }
}
