//! What a person sees: results on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::{Component, Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use owo_colors::OwoColorize as _;

use super::harmless;
use super::table::{Cell, Tone, lay_out, wrapped};

/// A path without its detours: `shop/config/../data` is `shop/data`.
#[must_use]
pub fn shown(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            (Component::CurDir, _) => {}
            _ => plain.push(part),
        }
    }
    plain.display().to_string()
}

/// `1 letter`, `2 letters`.
#[must_use]
pub fn counted(number: impl Into<Count>, what: &str) -> String {
    let Count(number) = number.into();
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// How many there are of something.
#[derive(Clone, Copy, Debug)]
pub struct Count(u64);

impl From<u64> for Count {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<usize> for Count {
    fn from(number: usize) -> Self {
        Self(number as u64)
    }
}

/// Where commands speak. Colours go only to a terminal, and `NO_COLOR` is
/// honoured.
pub struct Screen {
    out: Stream,
    err: Stream,
    quiet: bool,
    look: Look,
}

/// What results are shown on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// A terminal of so many columns.
    Terminal(usize),
    /// A pipe or a file.
    Pipe,
}

impl Look {
    fn of_stdout() -> Self {
        if !io::stdout().is_terminal() {
            return Self::Pipe;
        }
        // Some terminals do not know how wide they are.
        let known = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self::Terminal(known.filter(|width| *width >= WIDTH_MIN).unwrap_or(usize::MAX))
    }
}

/// No terminal that a person reads is narrower.
const WIDTH_MIN: usize = 40;

/// One of the two ways to a person.
struct Stream {
    writer: Box<dyn Write + Send>,
    coloured: bool,
}

impl Stream {
    fn line(&mut self, text: impl Display) -> io::Result<()> {
        // Names and notes are other people's words.
        writeln!(self.writer, "{}", harmless::lines(&text.to_string()))?;
        self.writer.flush()
    }
}

impl Screen {
    /// Speaks on the process's own streams.
    #[must_use]
    pub fn standard(quiet: bool) -> Self {
        let coloured = |choice| choice != ColorChoice::Never;
        Self {
            out: Stream {
                coloured: coloured(AutoStream::choice(&io::stdout())),
                writer: Box::new(AutoStream::auto(io::stdout())),
            },
            err: Stream {
                coloured: coloured(AutoStream::choice(&io::stderr())),
                writer: Box::new(AutoStream::auto(io::stderr())),
            },
            quiet,
            look: Look::of_stdout(),
        }
    }

    /// Speaks into two writers, as if stdout were such a thing. Only a
    /// terminal is coloured.
    #[must_use]
    pub fn onto(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, look: Look) -> Self {
        let (coloured, choice) = match look {
            Look::Terminal(_) => (true, ColorChoice::Always),
            Look::Pipe => (false, ColorChoice::Never),
        };
        let stream = |writer| Stream { writer: Box::new(AutoStream::new(writer, choice)), coloured };
        Self { out: stream(out), err: stream(err), quiet: false, look }
    }

    /// Whether a person is looking.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.look != Look::Pipe
    }

    /// How many columns a person's terminal has; `None` where nobody looks, or
    /// it does not say.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        match self.look {
            Look::Terminal(width) if width < usize::MAX => Some(width),
            Look::Terminal(_) | Look::Pipe => None,
        }
    }

    /// Whether results may be coloured.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.out.coloured
    }

    /// Whether complaints may be coloured.
    #[must_use]
    pub fn is_err_coloured(&self) -> bool {
        self.err.coloured
    }

    /// Whether nothing but errors is wanted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A result, on stdout, at any rate.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn result(&mut self, text: impl Display) -> io::Result<()> {
        self.out.line(text)
    }

    /// A word about what was done, on stdout, unless quiet.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn say(&mut self, text: impl Display) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.result(text) }
    }

    /// A word beside the result, on stderr, unless quiet.
    ///
    /// # Errors
    /// When stderr is closed.
    pub fn note(&mut self, text: impl Display) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.complaint(text) }
    }

    /// What is wrong, on stderr, at any rate.
    ///
    /// # Errors
    /// When stderr is closed.
    pub fn complaint(&mut self, text: impl Display) -> io::Result<()> {
        self.err.line(text)
    }

    /// A value as JSON, on stdout. JSON escapes its controls, and a program
    /// gets the rest as it is.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        writeln!(self.out.writer, "{value:#}")?;
        self.out.writer.flush()
    }

    /// Something with its name before it, on stdout, unless quiet; at a
    /// terminal its lines are kept to its width, below each other.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn entry(&mut self, name: &str, text: &str, tone: Tone) -> io::Result<()> {
        const NAME_WIDTH: usize = 9;
        let room = match self.look {
            Look::Terminal(width) => width.saturating_sub(NAME_WIDTH),
            Look::Pipe => usize::MAX,
        };
        let mut name = name;
        for line in wrapped(text, room) {
            self.say(format_args!("{:<NAME_WIDTH$}{}", name.bold(), tone.paint(&line)))?;
            name = "";
        }
        Ok(())
    }

    /// Rows below a head, in columns that also line up where characters are
    /// two columns wide. On a terminal it keeps to its width; in a pipe every
    /// row is one line.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn table<const N: usize, C: Into<Cell>>(
        &mut self,
        head: [&str; N],
        rows: Vec<[C; N]>,
    ) -> io::Result<()> {
        let width = match self.look {
            Look::Terminal(width) => Some(width),
            Look::Pipe => None,
        };
        let rows: Vec<[Cell; N]> = rows.into_iter().map(|row| row.map(Into::into)).collect();
        self.result(lay_out(head, &rows, width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_without_detours() {
        for (path, expected) in [
            ("config/../data/courtesy.db", "data/courtesy.db"),
            ("./shop/config/../../x", "x"),
            ("../data", "../data"),
            ("/etc/courtesy/../x", "/etc/x"),
        ] {
            assert_eq!(shown(Path::new(path)), expected, "{path}");
        }
    }
}
