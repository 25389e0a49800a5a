//! `courtesy` alone: what state this installation is in, and what a person
//! would do next.
//!
//! Every source of what there is to say is a function that adds its lines
//! and steps; a new one is added to `of_config` or `of_store`.

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use owo_colors::OwoColorize as _;

use super::screen::{Screen, counted, shown};
use super::table::Tone;
use super::{Global, Verdict, in_force, load, lock};
use crate::config::{self, Config};
use crate::domain::address::masked_in;
use crate::domain::halt::Halt;
use crate::domain::notice::LetterState;
use crate::engine::reload::Changes;
use crate::problem::{Problem, Severity};
use crate::relay::{Deliver, Tls};
use crate::store::sqlite::{Overview, SqliteStore};

const EXAMPLES: &str = "\
Examples:
  courtesy                             the same without --strict
  courtesy --quiet status --strict     for cron and monitoring: says only what is wrong

Exit status: 0 in order, 1 where something keeps it from working: mistakes in the files, HOLD, a
mail server that takes nothing, uncertain letters, a daemon that does not look or refused files.
With --strict also where no daemon runs, letters wait for a person, or something is odd.";

/// How strict to be.
#[derive(Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct StatusArgs {
    /// Exit with 1 for whatever is to be seen to, and not only for what is broken
    #[arg(long)]
    strict: bool,
}

/// It looks once a minute, and a look at very many customers takes minutes.
const SILENCE_MAX: SignedDuration = SignedDuration::from_mins(15);
/// Backups are made every night.
const BACKUP_AGE_MAX: SignedDuration = SignedDuration::from_hours(3 * 24);

/// What there is to say.
#[derive(Default)]
struct State {
    lines: Vec<Line>,
    steps: Vec<Step>,
    /// Whether something keeps it from working.
    broken: bool,
}

/// How one thing stands.
struct Line {
    what: &'static str,
    how: String,
    tone: Tone,
}

/// What a person would do next.
struct Step {
    command: String,
    why: String,
}

impl State {
    fn line(&mut self, what: &'static str, how: impl Into<String>, tone: Tone) {
        self.lines.push(Line { what, how: how.into(), tone });
    }

    fn step(&mut self, command: impl Into<String>, why: impl Into<String>) {
        self.steps.push(Step { command: command.into(), why: why.into() });
    }

    fn broken(&mut self, what: &'static str, how: impl Into<String>) {
        self.line(what, how, Tone::Bad);
        self.broken = true;
    }
}

/// Looks at everything and says how it stands. It changes nothing.
///
/// # Errors
/// When stdout is closed.
pub fn run(
    args: &StatusArgs,
    global: &Global,
    now: Timestamp,
    screen: &mut Screen,
) -> anyhow::Result<Verdict> {
    let mut state = State::default();
    match config::find(global.config.as_deref()) {
        Err(problem) => nowhere(&problem, &mut state),
        Ok(file) => match load::config_at(&file) {
            Err(problems) => of_problems("config", &shown(&file), &problems, &mut state),
            Ok(config) => of_config(&config, now, &mut state),
        },
    }
    if global.json {
        screen.json(&as_json(&state))?;
    } else {
        show(&state, screen)?;
    }
    let seen_to = |line: &&Line| matches!(line.tone, Tone::Warning | Tone::Bad);
    let open = state.lines.iter().filter(seen_to);
    let fails = state.broken || (args.strict && open.clone().next().is_some());
    if !fails {
        return Ok(Verdict::Done);
    }
    // Whoever wants to hear of nothing else wants to hear of this.
    if global.quiet && !global.json {
        for Line { what, how, .. } in open {
            screen.complaint(format_args!("{what}{}{how}", if what.is_empty() { "" } else { ": " }))?;
        }
    }
    Ok(Verdict::Failed)
}

fn nowhere(problem: &Problem, state: &mut State) {
    state.broken("config", format!("none: {} {}", problem.file.display(), problem.message));
    state.step("courtesy demo", "a sample business through four months, to see what it does");
    state.step("courtesy init shop", "a new business: config, rules, letters");
    state.step("courtesy --config FILE", "looks at one that is elsewhere");
}

/// Counts the problems and names the first error.
fn of_problems(what: &'static str, file: &str, problems: &[Problem], state: &mut State) {
    let errors: Vec<&Problem> =
        problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    let first = errors.first().map(ToString::to_string).unwrap_or_default();
    state.broken(what, format!("{file}: {}", counted(errors.len(), "error")));
    state.line("", first, Tone::Bad);
    state.step(
        "courtesy check",
        "shows every mistake underlined, with the right word; a daemon that runs keeps what it has",
    );
}

fn of_config(config: &Config, now: Timestamp, state: &mut State) {
    of_files(config, now, state);
    of_mail(config, state);
    let zone = &config.settings.business.zone;
    if !config.store.exists() {
        state.line("data", format!("none yet in {}", shown(&config.store)), Tone::Warning);
        state.step(
            "courtesy import customers customers.csv",
            "then receivables, payments, events: what your books export",
        );
        return;
    }
    let mut looked_at = None;
    match SqliteStore::overview(&config.store, config.settings.guards, now) {
        Err(error) => {
            state.broken("data", error.to_string());
            state.step("courtesy check", "says what can be done about the store");
        }
        Ok(overview) => {
            of_hold(overview.halt.as_ref(), (zone, now), state);
            of_store(&overview, zone, state);
            of_safety(config, &overview, now, state);
            looked_at = overview.seen_at.filter(|_| overview.halt.is_none());
            if overview.last_sent_at.is_some() {
                trying_out(config, state);
            }
        }
    }
    of_daemon(config, now, looked_at, state);
}

/// The rules and templates, and what is odd about them.
fn of_files(config: &Config, now: Timestamp, state: &mut State) {
    let file = shown(&config.file);
    let mut found = config.warnings.clone();
    found.extend(config.problems_on(config.settings.business.day(now)));
    found.extend(load::letters(config).1);
    if found.iter().any(|problem| problem.severity == Severity::Error) {
        return of_problems("config", &file, &found, state);
    }
    let warnings = found.len();
    let stages = config.rules.iter().map(|rule| rule.stages.len()).sum::<usize>();
    let rules = counted(config.rules.len(), "rule");
    let how = format!("{file}: {rules}, {}", counted(stages, "stage"));
    if warnings == 0 {
        return state.line("config", how, Tone::Plain);
    }
    state.line("config", format!("{how}; {}", counted(warnings, "warning")), Tone::Warning);
    state.step("courtesy check", "shows what works, but probably not as meant");
}

/// Where letters go.
fn of_mail(config: &Config, state: &mut State) {
    match &config.deliver {
        Err(problem) => {
            state.line("mail", problem.message.clone(), Tone::Warning);
        }
        Ok(Deliver::Files(folder)) => {
            state.line("mail", format!("into files in {}: nothing leaves", shown(folder)), Tone::Warning);
        }
        Ok(Deliver::Smtp(smtp)) => {
            let how = match smtp.tls {
                Tls::Implicit | Tls::StartTls => "",
                Tls::None => ", in the clear on this machine",
            };
            state.line("mail", format!("by {}:{}{how}", smtp.host, smtp.port), Tone::Plain);
        }
    }
    if let Some(address) = &config.mail.redirect_to {
        state.line(
            "",
            format!("all of it to {address} (mail.redirect_to), and to nobody else"),
            Tone::Warning,
        );
    }
}

/// Why nothing leaves at all, if that is so: it comes before everything else.
fn of_hold(halt: Option<&Halt>, (zone, now): (&TimeZone, Timestamp), state: &mut State) {
    let Some(halt) = halt else { return };
    state.broken("HOLD", format!("nothing leaves: {}", halt.said(zone, now)));
    state.step("courtesy resume --dry-run", halt.advice());
}

/// What is known, what was sent, and what waits for a person.
fn of_store(overview: &Overview, zone: &TimeZone, state: &mut State) {
    let at = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string();
    if overview.customers == 0 {
        state.line("data", "no customer yet", Tone::Warning);
        state.step(
            "courtesy import customers customers.csv",
            "then receivables, payments, events: what your books export",
        );
    } else {
        let read = overview.payments_read_at.map_or_else(
            || "payments never imported".to_owned(),
            |moment| format!("payments imported {}", at(moment)),
        );
        let customers = counted(overview.customers, "customer");
        let open = counted(overview.open_receivables, "open receivable");
        state.line("data", format!("{customers}, {open}; {read}"), Tone::Plain);
        if overview.last_sent_at.is_none() {
            state.step("courtesy plan", "which letters that will be, to whom and when");
        }
    }
    let number = |of: LetterState| overview.letters(of);
    let last = overview.last_sent_at.map_or_else(String::new, |moment| format!(", the last {}", at(moment)));
    state.line("letters", format!("{} sent{last}", number(LetterState::Sent)), Tone::Plain);
    let waiting = number(LetterState::Queued) + number(LetterState::Retry);
    if waiting > 0 {
        state.line("", format!("{waiting} on their way by themselves"), Tone::Plain);
    }
    let (uncertain, held) = (number(LetterState::Uncertain), number(LetterState::Held));
    if uncertain > 0 {
        state.broken("", format!("{uncertain} uncertain: nobody knows whether they arrived"));
        state.step(
            "courtesy outbox list --state uncertain",
            "ask those they went to, then: courtesy outbox resolve NUMBER --sent, or --not-sent",
        );
    }
    if held > 0 {
        state.line("", format!("{held} held until a person agrees"), Tone::Warning);
        state.step(
            "courtesy outbox list --state held",
            "read them (outbox show NUMBER), then release or cancel them",
        );
    }
}

/// Whether the mail server takes letters, and how old the last backup is.
fn of_safety(config: &Config, overview: &Overview, now: Timestamp, state: &mut State) {
    let zone = &config.settings.business.zone;
    let at = |at: Timestamp| at.to_zoned_datetime(zone.clone()).strftime("%F %R").to_string();
    if let Some((since, why)) = &overview.mail_trouble {
        state.broken("", format!("the mail server takes nothing since {}: {}", at(*since), masked_in(why)));
        state.step("courtesy check --relay", "says what keeps it from the mail server; no letter is lost");
    }
    if let Some(made) = overview.backed_up_at {
        let old = now.duration_since(made) > BACKUP_AGE_MAX;
        let tone = if old { Tone::Warning } else { Tone::Plain };
        state.line("backup", format!("the last one {}", at(made)), tone);
    }
}

/// What keeps letters from those they are for, once somebody has seen some.
fn trying_out(config: &Config, state: &mut State) {
    if matches!(config.deliver, Ok(Deliver::Files(_))) {
        state.step(
            "courtesy check --relay",
            "when the letters read as they should: name your mail server under mail.deliver, then this",
        );
    }
    if config.mail.redirect_to.is_some() {
        let why = "when you have seen enough, take mail.redirect_to out";
        state.step(format!("edit {}", shown(&config.file)), why);
    }
}

/// Whether anybody sends. `looked_at` is when it looked last; `None` where
/// that is not known, or nothing may leave.
fn of_daemon(config: &Config, now: Timestamp, looked_at: Option<Timestamp>, state: &mut State) {
    match lock::holder(&config.data_dir) {
        Ok(Some(process)) => {
            state.line("daemon", format!("runs, process {process}"), Tone::Good);
            if let Some(at) = looked_at.filter(|at| now.duration_since(*at) > SILENCE_MAX) {
                let at = at.to_zoned_datetime(config.settings.business.zone.clone()).strftime("%F %R");
                state.broken("", format!("it has not looked since {at}; its log may say why"));
            }
            of_what_is_in_force(config, &process, state);
        }
        Ok(None) => {
            state.line("daemon", "does not run: nothing is sent", Tone::Warning);
            state.step("courtesy run", "the daemon; where systemd starts it: systemctl start courtesy");
        }
        Err(error) => state.line("daemon", format!("can't be seen from here: {error}"), Tone::Warning),
    }
}

/// Whether the daemon goes by the files as they are.
fn of_what_is_in_force(config: &Config, process: &str, state: &mut State) {
    let Some(announced) = in_force::read(&config.data_dir).filter(|announced| announced.process == process)
    else {
        return;
    };
    if let Some(why) = &announced.refused {
        let why = why.first().map_or("", String::as_str);
        state.broken("", format!("it refused changed files and goes by what it had: {why}"));
        state.step("courtesy reload", "looks at the files again, and says what is wrong with them");
    } else if !Changes::between(&announced.in_force, &load::in_force(config)).is_empty() {
        state.line("", "it goes by the files as they were before they were changed", Tone::Warning);
        state.step("courtesy reload", "shows what is different, and has it taken over");
    }
}

fn show(state: &State, screen: &mut Screen) -> anyhow::Result<()> {
    for Line { what, how, tone } in &state.lines {
        screen.entry(what, how, *tone)?;
    }
    if state.steps.is_empty() {
        screen.say("\nEverything is in order. `courtesy help` lists the commands.")?;
        return Ok(());
    }
    screen.say("\nNext:")?;
    for Step { command, why } in &state.steps {
        screen.say(format_args!("  {}\n      {why}", command.bold()))?;
    }
    screen.say("\n`courtesy help` lists the commands.")?;
    Ok(())
}

fn as_json(state: &State) -> serde_json::Value {
    let lines: Vec<_> =
        state.lines.iter().map(|line| serde_json::json!({ "what": line.what, "how": line.how })).collect();
    let steps: Vec<_> = state
        .steps
        .iter()
        .map(|step| serde_json::json!({ "command": step.command, "why": step.why }))
        .collect();
    serde_json::json!({ "in_order": !state.broken, "state": lines, "next": steps })
}
