//! The log: text for people, JSON for machines.

mod journal;
mod losses;

use std::fmt;
use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;
use tracing::Subscriber;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use super::{Command, Global, LogForm};
use crate::clock::{Clock, SystemClock};
use journal::Levelled;
pub use losses::LOSSES;

/// The variable that says what is logged, `courtesy=debug` for example.
const FILTER: &str = "COURTESY_LOG";
/// What a daemon logs unless told otherwise.
pub const OF_DAEMON: &str = "warn,courtesy=info";
/// How many lines wait for whoever reads, a few megabytes: more than any day
/// brings, and no reason for a small machine to run out of memory.
const LINES_WAITING_MAX: usize = 10_000;

/// Starts the log. The daemon's goes to stdout, because it is its result and
/// `courtesy run | grep sent` should work; that of other commands to stderr,
/// and only what went wrong. What is played tells itself what a warning would
/// say, and when it was. A lasting log has a thread of its own, which writes
/// for as long as what this returns lives.
#[must_use]
pub fn start(global: &Global, command: Option<&Command>) -> Option<WorkerGuard> {
    let daemon = matches!(command, Some(Command::Run(_)));
    let played = matches!(command, Some(Command::Demo(_) | Command::Plan(_)));
    let usual = match (daemon, global.quiet, global.verbose) {
        (true, false, false) => OF_DAEMON,
        (true, false, true) | (false, _, true) => "warn,courtesy=debug",
        (_, true, _) => "error",
        (false, false, false) if played => "error",
        (false, false, false) => "warn",
    };
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(usual));
    let lasting = matches!(command, Some(Command::Run(args)) if !args.once);
    let (writer, onto, guard) = if lasting {
        let builder = NonBlockingBuilder::default().buffered_lines_limit(LINES_WAITING_MAX);
        let (writer, guard) = builder.finish(io::stdout());
        (BoxMakeWriter::new(losses::Counted::new(writer)), Onto::stdout(), Some(guard))
    } else if daemon {
        (BoxMakeWriter::new(io::stdout), Onto::stdout(), None)
    } else {
        (BoxMakeWriter::new(io::stderr), Onto::terminal_or_pipe(io::stderr().is_terminal()), None)
    };
    let form = global.log.unwrap_or(LogForm::Text);
    tracing_subscriber::registry().with(filter).with(lines(form, onto, writer, SystemClock)).init();
    guard
}

/// Where lines go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Onto {
    /// A terminal that shows colours.
    Terminal,
    /// A file, a pipe, a terminal without colours.
    Pipe,
    /// The journal, which takes the level from the beginning of a line.
    Journal,
}

impl Onto {
    fn stdout() -> Self {
        if journal::takes(&io::stdout()) {
            Self::Journal
        } else {
            Self::terminal_or_pipe(io::stdout().is_terminal())
        }
    }

    fn terminal_or_pipe(terminal: bool) -> Self {
        let never = anstream::ColorChoice::global() == anstream::ColorChoice::Never;
        if terminal && !never && colours_wanted() { Self::Terminal } else { Self::Pipe }
    }
}

/// Writes what happens as lines: text with the time of this machine's zone,
/// or JSON with UTC.
pub fn lines<S, W, C>(form: LogForm, onto: Onto, writer: W, clock: C) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    C: Clock,
{
    let log = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(onto == Onto::Terminal)
        .with_target(false)
        .log_internal_errors(false);
    match form {
        LogForm::Text => log
            .with_timer(LocalTime(TimeZone::system(), clock))
            .map_event_format(|lines| Levelled { lines, onto })
            .boxed(),
        LogForm::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_timer(Utc(clock))
            .map_event_format(|lines| Levelled { lines, onto })
            .boxed(),
    }
}

/// The time as a person reads it on this machine, to the second.
struct LocalTime<C>(TimeZone, C);

impl<C: Clock> FormatTime for LocalTime<C> {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let now = self.1.now().to_zoned_datetime(self.0.clone());
        write!(w, "{}", now.strftime("%F %T%:z"))
    }
}

/// The moment, to the microsecond, as RFC 3339 has it.
struct Utc<C>(C);

impl<C: Clock> FormatTime for Utc<C> {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.6}", self.0.now())
    }
}

/// <https://no-color.org>: any value but an empty one turns colours off.
fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
