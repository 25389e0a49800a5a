//! What a person sees: results on stdout, everything else on stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::{Component, Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use super::harmless;

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

/// Where commands speak. Colours go only to a terminal, and `NO_COLOR` is
/// honoured.
pub struct Screen {
    out: Stream,
    err: Stream,
    quiet: bool,
    terminal: bool,
}

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
            terminal: io::stdout().is_terminal(),
        }
    }

    /// Whether a person is looking.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// How many columns a person's terminal has; `None` where nobody looks, or
    /// it does not say.
    #[must_use]
    pub fn width(&self) -> Option<usize> {
        let width = Table::new().width().filter(|_| self.terminal);
        width.filter(|width| *width >= 40).map(usize::from)
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

    /// Rows below a head, in columns that also line up where characters are
    /// two columns wide. On a terminal it keeps to its width; in a pipe every
    /// row is one line.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn table<const N: usize>(&mut self, head: [&str; N], rows: Vec<[String; N]>) -> io::Result<()> {
        let mut table = Table::new();
        table.load_style(NOTHING);
        // Some terminals do not know how wide they are.
        let wide = table.width().is_none_or(|width| width >= 40);
        if self.terminal && wide {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        table.set_header(head);
        table.add_rows(rows.into_iter().map(|row| row.map(|cell| harmless::one_line(&cell))));
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        self.result(lines.join("\n"))
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
