//! The commands. One file each; the only code that talks to a person.
//!
//! Invariant: results go to stdout, everything about them (progress, hints,
//! problems) to stderr, so that a pipe carries results alone. The daemon's
//! log is its result.

pub mod alarms;
pub mod backlog;
pub mod backup;
pub mod bounce;
pub mod check;
pub mod demo;
pub mod explain;
pub mod failure;
pub mod forget;
pub mod harmless;
pub mod history;
pub mod import;
pub mod in_force;
pub mod init;
pub mod load;
pub mod lock;
pub mod logging;
pub mod monitoring;
pub mod outbox;
pub mod package;
pub mod plan;
pub mod preview;
pub mod problems;
pub mod record;
pub mod reload;
pub mod resume;
pub mod run;
pub mod schema;
pub mod screen;
pub mod send_test;
pub mod status;
pub mod suppress;
pub mod table;
pub mod tree;
pub mod wanted;
pub mod when;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use owo_colors::OwoColorize as _;

use crate::clock::Clock;
use crate::domain::settings::Settings;
use crate::nearest::nearest;
use screen::Screen;
use when::When;

/// What stands above `courtesy --help`.
const AFTER_HELP: &str = "\
Begin here:
  courtesy                            what state it is in, and what to do next
  courtesy demo                       a sample business through four months, letters into files
  courtesy init shop && cd shop       a new business: config, rules, templates
  courtesy check                      is everything in order?
  courtesy import customers customers.csv
  courtesy plan                       which letters that will be, to whom and when
  courtesy run                        the daemon; its log is one line per letter

Exit status: 0 done, 1 failed, problems found or no configuration, 2 wrong usage.
`courtesy help COMMAND` shows examples for each command.";

/// The command line.
#[derive(Parser, Debug)]
#[command(
    name = "courtesy",
    version,
    about = "Payment reminders, thank-yous and check-ins by e-mail, by rules, unattended",
    after_help = AFTER_HELP,
    max_term_width = 100,
    disable_help_subcommand = false
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Words that people try for a command.
const SYNONYMS: [(&str, &[&str]); 10] = [
    ("check", &["test", "validate", "verify", "lint", "doctor"]),
    ("init", &["new", "setup", "create", "install"]),
    ("import", &["load", "upload", "csv"]),
    ("record", &["pay", "payment", "paid", "event", "visit", "promise", "dispute", "hold", "note"]),
    ("run", &["start", "daemon", "serve", "send", "once"]),
    ("outbox", &["queue", "letters", "letter", "mail", "mails", "list", "sent", "release", "held"]),
    ("history", &["log", "customer", "customers"]),
    ("reload", &["refresh", "reread", "hup", "apply"]),
    ("status", &["state", "info", "stats"]),
    ("plan", &["forecast", "rehearse", "simulate", "dry-run", "future", "next", "diff"]),
];

/// Reads the command line; what it can't be is answered with what it may
/// have been meant to be.
///
/// # Errors
/// What is wrong with it, or what it asks to be shown: help, the version.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    Cli::try_parse_from(&words).map_err(|mut error| {
        let wrong = match error.get(ContextKind::InvalidSubcommand) {
            // Only the command itself, and no word behind one.
            Some(ContextValue::String(word)) if words.get(1).is_some_and(|first| *first == **word) => word,
            _ => return error,
        };
        let close = error.get(ContextKind::SuggestedSubcommand).is_some_and(|near| is_close(wrong, near));
        let meant = SYNONYMS.iter().find(|(_, words)| words.contains(&wrong.as_str()));
        if let Some((command, _)) = meant.filter(|_| !close) {
            let near = ContextValue::Strings(vec![(*command).to_owned()]);
            error.insert(ContextKind::SuggestedSubcommand, near);
        }
        error
    })
}

/// Whether a suggestion is so near that no synonym is better.
fn is_close(word: &str, near: &ContextValue) -> bool {
    match near {
        ContextValue::String(near) => nearest(word, [near.as_str()]).is_some(),
        ContextValue::Strings(near) => nearest(word, near.iter().map(String::as_str)).is_some(),
        _ => false,
    }
}

/// What holds for every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "For every command")]
pub struct Global {
    /// The configuration [default: config/courtesy.yaml, then the one in /etc/courtesy]
    #[arg(long, global = true, env = "COURTESY_CONFIG", hide_env_values = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more: with `run`, every item that was left out and why
    #[arg(long, short, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// What would be at another time (check, explain, preview, plan, outbox show): 2026-03-02, or with a time of day
    #[arg(long, global = true, value_name = "TIME")]
    pub at: Option<When>,
    /// Results as JSON, of every command that shows something
    #[arg(long, global = true)]
    pub json: bool,
    /// Form of the log: text or json [default: text]
    #[arg(long, global = true, value_enum, value_name = "FORM", hide_possible_values = true)]
    pub log: Option<LogForm>,
}

impl Global {
    /// The moment that a command which only reads answers for: now, unless
    /// another was asked for.
    #[must_use]
    pub fn moment(&self, now: Timestamp, settings: &Settings) -> Timestamp {
        self.at.map_or(now, |when| when.asked(settings))
    }
}

/// The form of the log.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogForm {
    /// One line a person reads
    Text,
    /// One JSON object a line
    Json,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Write a new business: config, rules, calendars and templates, all commented
    Init(init::InitArgs),
    /// Play a sample business through four months with the real engine; letters into files
    Demo(demo::DemoArgs),
    /// Say what state this installation is in, and what to do next (also without any command)
    Status(status::StatusArgs),
    /// Find all problems in config, rules, templates and store
    Check(check::CheckArgs),
    /// Print or write the JSON Schema of the YAML files, for completion in an editor
    Schema(schema::SchemaArgs),
    /// Take customers, receivables, payments or events from a CSV file
    Import(import::ImportArgs),
    /// Write down what a person knows: a payment, a visit, a promise, a dispute …
    Record(record::RecordArgs),
    /// Run the daemon, or one pass with --once
    Run(run::RunArgs),
    /// Have a running daemon take over changed files, and show what is different
    Reload(reload::ReloadArgs),
    /// Say why a customer gets a letter or none, and what comes next
    Explain(explain::ExplainArgs),
    /// Show a letter before it is due, or all of them on one page
    Preview(preview::PreviewArgs),
    /// Send yourself a letter over the real relay, marked as a test
    SendTest(send_test::SendTestArgs),
    /// Show which letters will be sent in the days to come, to whom and why, by rehearsal on a copy
    Plan(plan::PlanArgs),
    /// Look at the queue and at what was sent
    Outbox(outbox::OutboxArgs),
    /// End a HOLD, in which nothing leaves, and let letters go that were too many
    Resume(resume::ResumeArgs),
    /// List addresses that must not be written to, add and remove them
    Suppress(suppress::SuppressArgs),
    /// Take in mail that came back: bounces, complaints, unsubscriptions
    Bounce(bounce::BounceArgs),
    /// Look at what was reached before a rule was first seen, or begin with it
    Backlog(backlog::BacklogArgs),
    /// Copy the store into one file, while the daemon goes on
    Backup(backup::BackupArgs),
    /// Put a backup in the store's place; nothing leaves until a person has looked
    Restore(backup::RestoreArgs),
    /// Erase what is personal of a customer; what the books need stays
    Forget(forget::ForgetArgs),
    /// Show everything sent to and recorded about a customer
    History(history::HistoryArgs),
    /// Print what a shell needs to complete commands and options
    Completions(package::CompletionsArgs),
    /// Write what a package of a distribution holds besides the program
    #[command(hide = true)]
    Package(package::PackageArgs),
}

/// What `--at` means to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timing {
    /// It answers for any moment.
    Asks,
    /// It acts or answers now.
    Now,
    /// It says when something happened.
    Dates,
}

impl Command {
    fn timing(&self) -> Timing {
        match self {
            Self::Check(_) | Self::Explain(_) | Self::Preview(_) | Self::Plan(_) => Timing::Asks,
            Self::Outbox(args) => args.timing(),
            Self::Record(args) => args.timing(),
            Self::Init(_)
            | Self::Demo(_)
            | Self::Status(_)
            | Self::Schema(_)
            | Self::Import(_)
            | Self::Run(_)
            | Self::Reload(_)
            | Self::SendTest(_)
            | Self::Resume(_)
            | Self::Suppress(_)
            | Self::Bounce(_)
            | Self::Backlog(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Forget(_)
            | Self::History(_)
            | Self::Completions(_)
            | Self::Package(_) => Timing::Now,
        }
    }
}

/// Whether `--at` is asked of a command that can't answer for another time.
fn is_timeless(cli: &Cli) -> bool {
    let timing = cli.command.as_ref().map_or(Timing::Now, Command::timing);
    cli.global.at.is_some() && timing == Timing::Now
}

/// What a command found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Done, nothing to complain about.
    Done,
    /// Failed, or problems were found; the person has been told.
    Failed,
    /// It was asked what it can't answer; the person has been told.
    WrongUsage,
    /// Not now; the same again later (`EX_TEMPFAIL` of sysexits.h, which mail
    /// servers know).
    TryAgain,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Done => 0,
            Verdict::Failed => 1,
            Verdict::WrongUsage => 2,
            Verdict::TryAgain => 75,
        })
    }
}

/// What the commands know of the world around the process.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Who called, for records.
    pub user: String,
}

/// Does what the command line asks.
///
/// # Errors
/// Whatever kept the command from doing it, for the person who called.
pub async fn run(
    cli: Cli,
    around: &Surroundings,
    clock: impl Clock,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    if is_timeless(&cli) {
        let why =
            "--at asks what would be at another time, and this command acts or answers now; leave it out";
        screen.complaint(format_args!("{} {why}", "error:".red().bold()))?;
        return Ok(Verdict::WrongUsage);
    }
    let global = &cli.global;
    match cli.command {
        None => status::run(&status::StatusArgs::default(), global, clock.now(), screen),
        Some(Command::Status(args)) => status::run(&args, global, clock.now(), screen),
        Some(Command::Init(args)) => init::run(&args, screen),
        Some(Command::Demo(args)) => demo::run(&args, clock.now(), screen).await,
        Some(Command::Check(args)) => check::run(&args, global, clock.now(), screen).await,
        Some(Command::Schema(args)) => schema::run(&args, global, screen),
        Some(Command::Import(args)) => import::run(args, global, clock.now(), screen).await,
        Some(Command::Record(args)) => record::run(args, global, around, clock.now(), screen).await,
        Some(Command::Run(args)) => run::run(&args, global, clock, screen).await,
        Some(Command::Reload(args)) => reload::run(&args, global, clock, screen).await,
        Some(Command::Explain(args)) => explain::run(&args, global, clock.now(), screen).await,
        Some(Command::Preview(args)) => preview::run(&args, global, clock.now(), screen).await,
        Some(Command::SendTest(args)) => send_test::run(&args, global, clock.now(), screen).await,
        Some(Command::Plan(args)) => plan::run(&args, global, clock.now(), screen).await,
        Some(Command::Outbox(args)) => outbox::run(&args, global, around, clock.now(), screen).await,
        Some(Command::Resume(args)) => resume::run(&args, global, around, clock.now(), screen).await,
        Some(Command::Suppress(args)) => suppress::run(&args, global, around, clock.now(), screen).await,
        Some(Command::Bounce(args)) => bounce::run(&args, global, clock.now(), screen).await,
        Some(Command::Backlog(args)) => backlog::run(&args, global, clock.now(), screen).await,
        Some(Command::Backup(args)) => backup::run(&args, global, clock.now(), screen).await,
        Some(Command::Restore(args)) => backup::restore(&args, global, clock.now(), screen).await,
        Some(Command::Forget(args)) => forget::run(&args, global, around, clock.now(), screen).await,
        Some(Command::Completions(args)) => package::complete(&args, screen),
        Some(Command::Package(args)) => package::run(&args, screen),
        Some(Command::History(args)) => history::run(&args, global, screen).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_example_is_wider_than_the_help() {
        for command in Cli::command().get_subcommands().chain([&Cli::command()]) {
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(examples.lines().all(|line| line.chars().count() <= 98), "{examples}");
        }
    }

    #[test]
    fn another_time_is_asked_of_what_reads_and_refused_by_what_acts() {
        let refused = |line: &str| is_timeless(&Cli::try_parse_from(line.split_whitespace()).expect(line));
        for line in ["check", "explain C1", "plan", "outbox show 1", "record event C1 visit"] {
            assert!(!refused(&format!("courtesy {line} --at 2026-03-02")), "{line}");
        }
        for line in
            ["", "run", "import payments p.csv", "record payment R1 5", "outbox release 1", "history C1"]
        {
            assert!(refused(&format!("courtesy --at 2026-03-02 {line}")), "{line}");
            assert!(!refused(&format!("courtesy {line}")), "{line}");
        }
        assert!(Cli::try_parse_from(["courtesy", "check", "--at", "yesterday"]).is_err());
        // Where it says when something happened, it is the same option.
        let dated = Cli::try_parse_from("courtesy record event C1 visit --at 2026-03-02".split(' '));
        assert_eq!(dated.expect("a date").global.at, "2026-03-02".parse().ok());
    }

    #[test]
    fn a_payment_is_for_a_claim_or_on_account() {
        let read = |line: &str| Cli::try_parse_from(line.split_whitespace());
        assert!(read("courtesy record payment INV-1 1200.50").is_ok());
        assert!(read("courtesy record payment INV-1 -1200.50 --on 2026-03-01").is_ok());
        assert!(read("courtesy record payment --customer C1 --currency CNY 500").is_ok());
        assert!(read("courtesy record payment 500").is_err());
        assert!(read("courtesy record payment INV-1 500 --customer C1").is_err());
    }
}
