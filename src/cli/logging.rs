//! The log: text for people, JSON for machines.

use std::fmt;
use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use super::{Command, Global, LogForm};
use crate::clock::{Clock, SystemClock};

/// The variable that says what is logged, `courtesy=debug` for example.
const FILTER: &str = "COURTESY_LOG";

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
        (true, false, false) => "warn,courtesy=info",
        (true, false, true) | (false, _, true) => "warn,courtesy=debug",
        (_, true, _) => "error",
        (false, false, false) if played => "error",
        (false, false, false) => "warn",
    };
    let filter = EnvFilter::try_from_env(FILTER).unwrap_or_else(|_| EnvFilter::new(usual));
    let lasting = matches!(command, Some(Command::Run(args)) if !args.once);
    let (writer, terminal, guard) = if lasting {
        let (writer, guard) = tracing_appender::non_blocking(io::stdout());
        (BoxMakeWriter::new(writer), io::stdout().is_terminal(), Some(guard))
    } else if daemon {
        (BoxMakeWriter::new(io::stdout), io::stdout().is_terminal(), None)
    } else {
        (BoxMakeWriter::new(io::stderr), io::stderr().is_terminal(), None)
    };
    let colour =
        terminal && anstream::ColorChoice::global() != anstream::ColorChoice::Never && colours_wanted();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(colour)
        .with_target(false)
        .log_internal_errors(false);
    match global.log.unwrap_or(LogForm::Text) {
        LogForm::Text => log.with_timer(LocalTime(TimeZone::system())).init(),
        LogForm::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
    guard
}

/// The time as a person reads it on this machine, to the second.
struct LocalTime(TimeZone);

impl FormatTime for LocalTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let now = SystemClock.now().to_zoned_datetime(self.0.clone());
        write!(w, "{}", now.strftime("%F %T%:z"))
    }
}

/// <https://no-color.org>: any value but an empty one turns colours off.
fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
