//! `courtesy demo`: a sample business through four months, with the shipped
//! rules and letters and the engine that also runs in earnest.

mod page;
mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use owo_colors::OwoColorize;

use super::failure::Found;
use super::screen::Screen;
use super::{Verdict, init, load};
use crate::clock::VirtualClock;
use crate::domain::calendar::instant_at;
use crate::domain::ids::{CustomerId, LetterId};
use crate::domain::notice::LetterState;
use crate::engine::{Engine, rehearsal};
use crate::relay::Relay;
use crate::store::sqlite::SqliteStore;
use crate::store::{ImportKind, ImportOrder, OutboxFilter, OutboxLetter, Store};
use page::Entry;
use story::{Story, What};

const EXAMPLES: &str = "\
Examples:
  courtesy demo                    into ./courtesy-demo
  courtesy demo show --force       makes it anew where a demo stood before

Afterwards:
  open courtesy-demo/index.html and leaf through the letters, or
  cd courtesy-demo && courtesy outbox && courtesy history C03 && courtesy run --once";

/// Marks a folder as ours, so that `--force` never deletes anything else.
const MARKER: &str = ".courtesy-demo";

/// How long the sample business is followed, in days: four months.
const DAYS: i32 = 122;

/// Where to, and whether anew.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// The folder to write into
    #[arg(value_name = "DIR", default_value = "courtesy-demo")]
    pub dir: PathBuf,
    /// Replace a demo that stands there already
    #[arg(long)]
    pub force: bool,
}

/// Plays the sample business until `now`.
///
/// # Errors
/// When the folder is in use or can't be written.
pub async fn run(args: &DemoArgs, now: Timestamp, screen: &mut Screen) -> anyhow::Result<Verdict> {
    // The virtual clock knows no nanoseconds.
    let now = Timestamp::from_second(now.as_second())?;
    make_room(args)?;
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot create {}", args.dir.display()))?;
    fs::write(args.dir.join(MARKER), "Made by `courtesy demo`; `--force` replaces it.\n")?;
    init::write_shipped(&args.dir)?;
    let config = load::config_at(&args.dir.join("config/courtesy.yaml")).map_err(Found)?;
    let zone = config.settings.business.zone.clone();
    let share = config.import_share;
    let store_file = config.store.clone();
    let store = SqliteStore::open_in_memory(load::options(&config))?;
    let relay = load::relay(&config)?;
    let office = load::office(config).map_err(Found)?;
    let begin = now.to_zoned_datetime(zone.clone()).date() - DAYS.days();
    let clock = VirtualClock::new(instant_at(begin.at(7, 0, 0, 0), &zone));
    let engine = Engine::new(store.clone(), relay, clock.clone(), office);
    let told = Story::new(begin, &zone, &args.dir.join("sample"))?;
    let mut play = Play { engine, store, clock, zone, share, told: BTreeSet::new(), entries: Vec::new() };
    play.perform(&told, now, screen).await?;
    play.finish(&args.dir, &store_file, screen).await?;
    Ok(Verdict::Done)
}

/// A play in progress.
struct Play<R> {
    engine: Engine<SqliteStore, R, VirtualClock>,
    store: SqliteStore,
    clock: VirtualClock,
    zone: TimeZone,
    share: f64,
    told: BTreeSet<LetterId>,
    entries: Vec<Entry>,
}

impl<R: Relay> Play<R> {
    /// Lets time pass until `now`; at each scene the business writes down
    /// what happened.
    async fn perform(&mut self, story: &Story, now: Timestamp, screen: &mut Screen) -> anyhow::Result<()> {
        for scene in story.scenes() {
            if scene.at > now {
                break;
            }
            rehearsal::run_until(&self.engine, scene.at).await?;
            self.tell_letters(screen).await?;
            self.clock.set(scene.at);
            for (kind, file) in &scene.imports {
                self.import(*kind, file).await?;
            }
            let happened = match &scene.what {
                What::Books => true,
                What::Record(record) => {
                    self.store.record(record.clone(), scene.at).await?;
                    true
                }
                What::Release(customer) => self.release(customer, scene.at).await?,
            };
            if happened {
                self.tell(scene.at, &scene.words, screen)?;
            }
        }
        rehearsal::run_until(&self.engine, now).await?;
        self.tell_letters(screen).await
    }

    /// Releases the letters to a customer that wait for approval; false if
    /// none does, as the calendar may have it.
    async fn release(&self, customer: &CustomerId, at: Timestamp) -> anyhow::Result<bool> {
        let filter = OutboxFilter {
            states: vec![LetterState::Held],
            customer: Some(customer.clone()),
            limit: usize::MAX,
            ..Default::default()
        };
        let held = self.store.outbox(filter).await?;
        for letter in &held {
            self.store.release(letter.id, true, "released by Li Na".to_owned(), at).await?;
        }
        Ok(!held.is_empty())
    }

    async fn import(&self, kind: ImportKind, file: &Path) -> anyhow::Result<()> {
        let order = ImportOrder {
            kind,
            file: file.to_owned(),
            dry_run: false,
            keep_going: false,
            complete: false,
            allow_large_change: false,
            share: self.share,
            zone: self.zone.clone(),
        };
        let report = self.store.import(order, Arc::new(|_| ()), self.clock_now()).await?;
        match report.bad.first() {
            None => Ok(()),
            Some(bad) => bail!("{}:{}: {}", file.display(), bad.line, bad.reasons.join("; ")),
        }
    }

    fn clock_now(&self) -> Timestamp {
        crate::clock::Clock::now(&self.clock)
    }

    /// One line of the story.
    fn tell(&mut self, at: Timestamp, words: &str, screen: &mut Screen) -> anyhow::Result<()> {
        let when = at.to_zoned_datetime(self.zone.clone()).strftime("%F %R").to_string();
        screen.say(format_args!("{when}  {}", format_args!("· {words}").dimmed()))?;
        self.entries.push(Entry::Scene { when, words: words.to_owned() });
        Ok(())
    }

    /// One line for every letter that has left since the last time.
    async fn tell_letters(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        let sent = OutboxFilter { states: vec![LetterState::Sent], limit: usize::MAX, ..Default::default() };
        let mut letters = self.store.outbox(sent).await?;
        letters.retain(|letter| self.told.insert(letter.id));
        letters.sort_by_key(|letter| (letter.finished_at, letter.id));
        for letter in letters {
            let entry = Entry::letter(&letter, &self.zone);
            if let Entry::Letter { when, rule, to, subject, .. } = &entry {
                screen.say(format_args!(
                    "{when}  {} {to}  {}",
                    format_args!("{rule:<34}").cyan(),
                    subject.bold()
                ))?;
            }
            self.entries.push(entry);
        }
        Ok(())
    }

    /// Keeps the store, writes the page, and says what there is.
    async fn finish(self, dir: &Path, store_file: &Path, screen: &mut Screen) -> anyhow::Result<()> {
        if let Some(folder) = store_file.parent() {
            fs::create_dir_all(folder)?;
        }
        self.store.backup(store_file).await?;
        let page = dir.join("index.html");
        fs::write(&page, page::render(&self.entries))
            .with_context(|| format!("cannot write {}", page.display()))?;
        let all = self.store.outbox(OutboxFilter { limit: usize::MAX, ..Default::default() }).await?;
        summarise(&all, screen)?;
        screen.say(format_args!(
            "\nLetters: {letters}\nTo leaf through them: {page}\n\n\
             It is a working installation that goes on from today:\n  cd {dir} && courtesy run --once",
            letters = dir.join("data/outbox").display(),
            page = page.display(),
            dir = dir.display(),
        ))?;
        Ok(())
    }
}

/// Letters by rule and stage, and what else became of the rest.
fn summarise(letters: &[OutboxLetter], screen: &mut Screen) -> anyhow::Result<()> {
    let mut by_stage: BTreeMap<String, BTreeMap<LetterState, usize>> = BTreeMap::new();
    for letter in letters {
        let name = format!("{}/{}", letter.draft.rule, letter.draft.stage);
        *by_stage.entry(name).or_default().entry(letter.state).or_default() += 1;
    }
    let count =
        |states: &BTreeMap<LetterState, usize>, state| states.get(&state).copied().unwrap_or_default();
    let rows = by_stage
        .iter()
        .map(|(name, states)| {
            let others: Vec<_> = states
                .iter()
                .filter(|(state, _)| **state != LetterState::Sent)
                .map(|(state, count)| format!("{count} {state}"))
                .collect();
            [name.clone(), count(states, LetterState::Sent).to_string(), others.join(", ")]
        })
        .collect();
    let sent = letters.iter().filter(|letter| letter.state == LetterState::Sent).count();
    if screen.is_quiet() {
        return Ok(());
    }
    screen.say(format_args!("\n{sent} letters in four months:\n"))?;
    screen.table(["rule/stage", "sent", "other"], rows)?;
    Ok(())
}

/// Refuses a folder that holds something else, and clears one that holds a
/// former demo if asked to.
fn make_room(args: &DemoArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    if !dir.join(MARKER).exists() {
        return init::refuse_full(dir, "Name a new folder: courtesy demo DIR");
    }
    if !args.force {
        bail!(
            "{} holds a demo already: open {}, or make it anew with `courtesy demo {} --force`",
            dir.display(),
            dir.join("index.html").display(),
            dir.display()
        );
    }
    for name in ["config", "templates", "sample", "data"] {
        let folder = dir.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_former_demo_is_ever_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let args = |force| DemoArgs { dir: folder.path().to_owned(), force };
        make_room(&args(false)).expect("an empty folder will do");
        let letters = folder.path().join("data/outbox");
        fs::create_dir_all(&letters).expect("a folder with letters");
        make_room(&args(true)).expect_err("somebody's letters stay");
        assert!(letters.exists());
        fs::write(folder.path().join(MARKER), "").expect("marked");
        let refusal = make_room(&args(false)).expect_err("only when asked to").to_string();
        assert!(refusal.contains("--force"), "{refusal}");
        make_room(&args(true)).expect("asked to");
        assert!(!letters.exists());
    }
}
