//! `courtesy demo`: a sample business through four months, with the shipped
//! rules and letters and the engine that also runs in earnest.

mod page;
mod rows;
mod seen;
mod story;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use owo_colors::OwoColorize;

use super::failure::Found;
use super::screen::Screen;
use super::{Verdict, init, load};
use crate::clock::VirtualClock;
use crate::domain::calendar::instant_at;
use crate::domain::ids::{CustomerId, LetterId, RuleName};
use crate::domain::notice::LetterState;
use crate::domain::settings::Settings;
use crate::engine::{Engine, rehearsal};
use crate::relay::Relay;
use crate::store::sqlite::SqliteStore;
use crate::store::{ImportKind, ImportOrder, OutboxFilter, Store};
use page::Entry;
use rows::ROWS;
use seen::Seen;
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
    let play = Play::perform(&args.dir, now, screen).await?;
    play.finish(&args.dir, screen).await?;
    Ok(Verdict::Done)
}

/// What was played.
struct Play {
    store: SqliteStore,
    settings: Settings,
    /// What letters may quote of what others say.
    quotes: Vec<String>,
    /// Where the store is kept in the end.
    store_file: PathBuf,
    begin: Date,
    now: Timestamp,
    entries: Vec<Entry>,
}

impl Play {
    /// Sets the business up in a folder, and lets its months pass until
    /// `now`.
    async fn perform(dir: &Path, now: Timestamp, screen: &mut Screen) -> anyhow::Result<Self> {
        set_up(dir)?;
        let config = load::config_at(&dir.join("config/courtesy.yaml")).map_err(Found)?;
        let settings = config.settings.clone();
        let zone = settings.business.zone.clone();
        let share = config.import_share;
        let store_file = config.store.clone();
        let quotes = config.testimonials.iter().map(|one| one.quote.clone()).collect();
        let store = SqliteStore::open_in_memory(load::options(&config))?;
        let relay = load::relay(&config)?;
        let office = load::office(config).map_err(Found)?;
        let begin = now.to_zoned_datetime(zone.clone()).date() - DAYS.days();
        let clock = VirtualClock::new(instant_at(begin.at(7, 0, 0, 0), &zone));
        let engine = Engine::new(store.clone(), relay, clock.clone(), office);
        let told = Story::new(begin, &zone, &dir.join("sample"))?;
        let mut stage = Stage {
            engine,
            store: store.clone(),
            clock,
            zone,
            share,
            told: BTreeSet::new(),
            entries: Vec::new(),
        };
        stage.play(&told, now, screen).await?;
        Ok(Self { store, settings, quotes, store_file, begin, now, entries: stage.entries })
    }

    /// Keeps the store, writes the page, and says what there is.
    async fn finish(self, dir: &Path, screen: &mut Screen) -> anyhow::Result<()> {
        if let Some(folder) = self.store_file.parent() {
            fs::create_dir_all(folder)?;
        }
        self.store.backup(&self.store_file).await?;
        let page = dir.join("index.html");
        let seen = self.seen().await?;
        let total = total(&seen);
        let rows = ROWS.iter().map(|row| row.as_json(&seen)).collect();
        fs::write(&page, page::render(&total, &rows, &self.entries))
            .with_context(|| format!("cannot write {}", page.display()))?;
        if !screen.is_quiet() {
            screen.say(format_args!("\n{total}\n"))?;
            let rows = ROWS.iter().map(|row| row.line(&seen)).collect();
            screen.table(["what the business needs", "what showed it"], rows)?;
        }
        screen.say(format_args!(
            "\nLetters: {letters}\nTo leaf through them: {page}\n\n\
             It is a working installation that goes on from today:\n  cd {dir} && courtesy run --once",
            letters = dir.join("data/outbox").display(),
            page = page.display(),
            dir = dir.display(),
        ))?;
        Ok(())
    }

    async fn seen(&self) -> anyhow::Result<Seen> {
        let (settings, quotes) = (self.settings.clone(), self.quotes.clone());
        Ok(Seen::read(&self.store, settings, quotes, self.begin, self.now).await?)
    }
}

/// A play in progress.
struct Stage<R> {
    engine: Engine<SqliteStore, R, VirtualClock>,
    store: SqliteStore,
    clock: VirtualClock,
    zone: TimeZone,
    share: f64,
    told: BTreeSet<LetterId>,
    entries: Vec<Entry>,
}

impl<R: Relay> Stage<R> {
    /// Lets time pass until `now`; at each scene the business writes down
    /// what happened.
    async fn play(&mut self, story: &Story, now: Timestamp, screen: &mut Screen) -> anyhow::Result<()> {
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
                What::Release(customer, rule) => self.release(customer, rule, scene.at).await?,
            };
            if happened {
                self.tell(scene.at, &scene.words, screen)?;
            }
        }
        rehearsal::run_until(&self.engine, now).await?;
        self.tell_letters(screen).await
    }

    /// Releases a customer's letters by a rule that wait for approval; false
    /// if none does.
    async fn release(&self, customer: &CustomerId, rule: &RuleName, at: Timestamp) -> anyhow::Result<bool> {
        let filter = OutboxFilter {
            states: vec![LetterState::Held],
            customer: Some(customer.clone()),
            rule: Some(rule.clone()),
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

    /// One line for every letter that has left since the last time. What our
    /// own people hear of each day stands in the page alone.
    async fn tell_letters(&mut self, screen: &mut Screen) -> anyhow::Result<()> {
        let sent = OutboxFilter { states: vec![LetterState::Sent], limit: usize::MAX, ..Default::default() };
        let mut letters = self.store.outbox(sent).await?;
        letters.retain(|letter| self.told.insert(letter.id));
        letters.sort_by_key(|letter| (letter.finished_at, letter.id));
        for letter in letters {
            let entry = Entry::letter(&letter, &self.zone);
            if let Entry::Letter { when, rule, to, subject, digest: false, .. } = &entry {
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
}

/// How many letters came of it, in a sentence.
fn total(seen: &Seen) -> String {
    let (letters, digests, others) = seen.totals();
    let mut parts = vec![format!("{letters} letters in four months")];
    if digests > 0 {
        parts.push(format!("{digests} digests for its people"));
    }
    parts.extend(others.iter().map(|(state, count)| format!("{count} {state}")));
    parts.join(", ") + "."
}

/// Writes the shipped configuration into a folder. The examples of what
/// customers say are taken in: nobody real reads them.
fn set_up(dir: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(dir.join(MARKER), "Made by `courtesy demo`; `--force` replaces it.\n")?;
    init::write_shipped(dir)?;
    let file = dir.join("config/courtesy.yaml");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    fs::write(&file, text.replace("\n# testimonials: ", "\ntestimonials: "))
        .with_context(|| format!("cannot write {}", file.display()))
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
