//! `courtesy check`: everything that is wrong, at once.

mod relay;
mod words;

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use owo_colors::OwoColorize;

use self::relay::Tried;
use super::failure::Found;
use super::screen::{Screen, counted, shown};
use super::{Global, Verdict, load, problems, schema};
use crate::config::Config;
use crate::letter::Composer;
use crate::problem::{Problem, Severity};
use crate::store::StoreError;
use crate::store::sqlite::SqliteStore;

const EXAMPLES: &str = "\
Examples:
  courtesy check                the configuration, rules, calendars, templates and store
  courtesy check --relay        and whether the mail server lets us in
  courtesy check --json         for an editor: file, line, column, message, hint
  courtesy check --strict       for a pipeline: warnings fail, too

A running daemon takes changed files over on SIGHUP (systemctl reload courtesy); with an error in
them it keeps what it has.";

/// How much to check.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Connect to the mail server and log in, without sending anything
    #[arg(long)]
    pub relay: bool,
    /// Fail for warnings, too
    #[arg(long)]
    pub strict: bool,
}

/// Shows every problem. An error fails the check, a warning does not, unless
/// it is strict.
///
/// # Errors
/// When there is no configuration, or stdout is closed.
pub async fn run(
    args: &CheckArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let mut found = Vec::new();
    let mut good = Vec::new();
    match load::config(global) {
        Ok(config) => {
            let now = global.moment(now, &config.settings);
            found = of_parts(&config, now);
            good.push(summary(&config));
            if args.relay {
                match relay::try_out(&config).await {
                    Tried::Good(welcome) => good.push(welcome),
                    Tried::Bad(problem) => found.push(problem),
                }
            }
        }
        Err(error) => match error.downcast::<Found>() {
            Ok(Found(problems)) => found.extend(problems),
            Err(other) => return Err(other),
        },
    }
    let fatal = |problem: &Problem| args.strict || problem.severity == Severity::Error;
    let failed = found.iter().any(fatal);
    if global.json {
        screen.json(&found.iter().map(as_json).collect())?;
    } else {
        if !found.is_empty() {
            let colour = screen.is_coloured();
            screen.result(problems::render(&found, colour).trim_end())?;
        }
        for sentence in good.iter().filter(|_| !failed) {
            screen.say(format_args!("{} {sentence}", "ok".green().bold()))?;
        }
    }
    Ok(if failed { Verdict::Failed } else { Verdict::Done })
}

fn summary(config: &Config) -> String {
    let stages: usize = config.rules.iter().map(|rule| rule.stages.len()).sum();
    format!(
        "{}: {}, {}, store {}",
        shown(&config.file),
        counted(config.rules.len(), "rule"),
        counted(stages, "stage"),
        shown(&config.store)
    )
}

/// What only shows once the files themselves are in order.
fn of_parts(config: &Config, now: Timestamp) -> Vec<Problem> {
    let mut found = config.warnings.clone();
    found.extend(config.problems_on(config.settings.business.day(now)));
    found.extend(schema::outdated(config.file.parent().unwrap_or(Path::new("."))));
    let (composer, of_templates) = load::letters(config);
    found.extend(of_templates);
    // A store that is not there yet is made by the first import.
    if config.store.exists() {
        let written: Vec<&str> = composer.iter().flat_map(Composer::locales).collect();
        match of_store(config, now, &written) {
            Ok(problems) => found.extend(problems),
            Err(error) => found.push(Problem::error(shown(&config.store), error.to_string())),
        }
    }
    found
}

/// What the data says of the rules, where there is any.
fn of_store(config: &Config, now: Timestamp, written: &[&str]) -> Result<Vec<Problem>, StoreError> {
    let overview = SqliteStore::overview(&config.store, config.settings.guards, now)?;
    let mut found = words::orphans(config, &overview);
    if let Some(halt) = &overview.halt {
        let said = halt.said(&config.settings.business.zone, now);
        found.push(
            Problem::warning(shown(&config.store), format!("HOLD, nothing leaves: {said}"))
                .hint(halt.advice()),
        );
    }
    if overview.customers > 0 {
        let known = SqliteStore::vocabulary(&config.store)?;
        found.extend(words::unknown(config, &known));
        found.extend(words::unwritten(config, &known, written));
    }
    Ok(found)
}

fn as_json(problem: &Problem) -> serde_json::Value {
    let place = problem.line_and_column();
    let end = problem.end_line_and_column();
    serde_json::json!({
        "severity": problem.severity.to_string(),
        "file": problem.file,
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "end_line": end.map(|(line, _)| line),
        "end_column": end.map(|(_, column)| column),
        "message": problem.message,
        "hint": problem.hint,
    })
}
