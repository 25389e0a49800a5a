//! Lines for the journal of systemd, which takes the level of a line from its
//! beginning (sd-daemon(3)), so that `journalctl -p warning` works.

use std::fmt;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::Onto;

/// Says which stream leads to the journal, as `device:inode` (systemd.exec(5)).
const STREAM: &str = "JOURNAL_STREAM";

/// Whether a stream leads to the journal: a pipe behind us has the variable as
/// well, and is another stream.
pub(super) fn takes(stream: &impl AsFd) -> bool {
    let Ok(announced) = std::env::var(STREAM) else { return false };
    let own = stream.as_fd().try_clone_to_owned().and_then(|own| File::from(own).metadata());
    own.is_ok_and(|own| announced == format!("{}:{}", own.dev(), own.ino()))
}

/// Lines of a form, with their level before them where the journal reads them.
pub(super) struct Levelled<F> {
    pub(super) lines: F,
    pub(super) onto: Onto,
}

impl<S, N, F> FormatEvent<S, N> for Levelled<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if self.onto == Onto::Journal {
            write!(writer, "<{}>", priority(*event.metadata().level()))?;
        }
        self.lines.format_event(context, writer, event)
    }
}

/// As syslog(3) counts: error, warning, informational, debug.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}
