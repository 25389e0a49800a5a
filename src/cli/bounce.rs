//! `courtesy bounce`: takes in what came back by mail.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize;

use super::screen::Screen;
use super::suppress::words;
use super::{Global, Verdict, failure, load};
use crate::domain::ids::CustomerId;
use crate::domain::notice::LetterState;
use crate::domain::returned::{Alone, What};
use crate::inbox;
use crate::store::Taken;

const EXAMPLES: &str = "\
Examples:
  courtesy bounce returned.eml
  courtesy bounce Maildir/new/*       again and again, by cron: each mail counts once
  courtesy bounce - < returned.eml
  courtesy bounce --json Maildir/new/*

A mail server hands each mail over by an alias, as the user that runs Courtesy:
  bounces: \"|/usr/local/bin/courtesy --config /etc/courtesy bounce --ignore-others -\"

It reads bounces (RFC 3464, Exim, qmail), complaints (RFC 5965) and answers to List-Unsubscribe.
A letter is found by its Message-ID. One that came back is `bounced`: no delivered demand. A dead
address is suppressed, and the stage is sent again once it is mended; a full mailbox is not.

Exit status: 0 taken, now or before; 1 something was left alone; 75 try again: it could not be
written down, and nothing of it was.";

/// What to read.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BounceArgs {
    /// Files of one mail each; - is stdin
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Mail that is none of ours is no failure: for mail servers, which would send it back
    #[arg(long)]
    ignore_others: bool,
}

/// What became of one mail.
struct Read<'a> {
    file: &'a Path,
    answer: Result<Vec<Taken>, Alone>,
}

/// Takes each mail. What keeps it from being taken is told with its own exit
/// status, at which a mail server tries again.
///
/// # Errors
/// When there is nobody to tell.
pub async fn run(
    args: &BounceArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    match take_all(args, global, now, screen).await {
        Err(error) if !failure::reader_is_gone(&error) => {
            failure::explain(&error, screen)?;
            Ok(Verdict::TryAgain)
        }
        done => done,
    }
}

async fn take_all(
    args: &BounceArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    // First of all, for nothing else may keep a pipe from being read.
    let piped = if args.files.iter().any(|file| file == Path::new(STDIN)) { from_stdin()? } else { vec![] };
    let config = load::config(global)?;
    let store = load::existing_store(&config)?;
    let mut read = Vec::new();
    let mut unread = false;
    for file in &args.files {
        let opened =
            if file == Path::new(STDIN) { Ok(piped.clone()) } else { File::open(file).and_then(beginning) };
        match opened {
            Ok(bytes) => {
                let answer = store.take_mail(inbox::read(&bytes), now).await?;
                read.push(Read { file, answer });
            }
            // Another reader of the folder may have moved it: the rest counts.
            Err(error) => {
                screen.complaint(format_args!("{} {}: {error}", "error:".red().bold(), file.display()))?;
                unread = true;
            }
        }
    }
    if global.json {
        screen.json(&read.iter().flat_map(as_json).collect())?;
    } else {
        read.iter().try_for_each(|one| tell(one, screen))?;
    }
    let alone = read.iter().any(|one| one.answer.is_err());
    Ok(match (unread, alone && !args.ignore_others) {
        (true, _) => Verdict::TryAgain,
        (false, true) => Verdict::Failed,
        (false, false) => Verdict::Done,
    })
}

const STDIN: &str = "-";

/// As much of a mail as is read from stdin. The rest is drained, so that
/// whoever writes into the pipe is not told that it broke.
fn from_stdin() -> io::Result<Vec<u8>> {
    let mut stdin = io::stdin().lock();
    let bytes = beginning(&mut stdin)?;
    io::copy(&mut stdin, &mut io::sink())?;
    Ok(bytes)
}

fn beginning(reader: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(inbox::READ_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn tell(read: &Read<'_>, screen: &mut Screen) -> io::Result<()> {
    let file = read.file.display();
    match &read.answer {
        Err(why) => screen.complaint(format_args!("{file}: {} {why}", "left alone:".yellow())),
        Ok(taken) => taken.iter().try_for_each(|one| screen.say(format_args!("{file}: {}", sentence(one)))),
    }
}

fn sentence(taken: &Taken) -> String {
    let letter = taken.letter.map(|letter| format!("letter {letter}")).unwrap_or_default();
    let (address, detail) = (&taken.address, &taken.detail);
    let copy = if taken.copy { "the copy of " } else { "" };
    let mut said = match taken.what {
        What::Bounced | What::Refused => format!("{copy}{letter} to {address} came back ({detail})"),
        What::Delayed => format!("{copy}{letter} to {address} is on its way ({detail})"),
        What::Delivered => format!("{copy}{letter} to {address} was delivered"),
        What::Complaint => format!("{address} called {letter} unwanted"),
        What::Unsubscribed => format!("{address} unsubscribes"),
    };
    if !taken.new {
        return said + ", as was known";
    }
    if taken.frees {
        said += "; its stage is sent again once the address is mended";
    } else if let (What::Bounced, Some(LetterState::Bounced)) = (taken.what, taken.state) {
        said += "; it counts as sent, and as no delivered demand";
    } else if let Some(state) = taken.state.filter(|_| taken.letter.is_some()) {
        said = format!("{said}; the letter is {state}");
    }
    if let Some(classes) = &taken.suppressed {
        said = format!("{said}; no letters of {} go there any more", words(classes));
    }
    said
}

fn as_json(read: &Read<'_>) -> Vec<serde_json::Value> {
    let file = read.file.display().to_string();
    let one = |taken: &Taken| {
        serde_json::json!({
            "file": file,
            "what": taken.what.as_str(),
            "new": taken.new,
            "letter": taken.letter.map(|letter| letter.0),
            "customer": taken.customer.as_ref().map(CustomerId::as_str),
            "address": taken.address,
            "copy": taken.copy,
            "detail": taken.detail,
            "state": taken.state.map(LetterState::as_str),
            "stage_is_free": taken.frees,
            "suppressed": taken.suppressed.as_deref().map(words),
        })
    };
    match &read.answer {
        Ok(taken) => taken.iter().map(one).collect(),
        Err(why) => vec![serde_json::json!({ "file": file, "left_alone": why.to_string() })],
    }
}
