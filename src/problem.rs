//! Something wrong in what a person wrote, with its place and what to do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// It works, but probably not as meant.
    Warning,
    /// Nothing is loaded until it is mended.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A place in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The text of the file, for the excerpt.
    pub text: Arc<str>,
    /// Where in it, in bytes: start and length.
    pub span: (usize, usize),
}

/// One finding about the configuration, rules, templates or store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Which file or folder, as the user would name it.
    pub file: PathBuf,
    /// Where in it, if anywhere in particular.
    pub place: Option<Place>,
    /// What is wrong: names the thing, in one sentence.
    pub message: String,
    /// What to do, or the nearest right word.
    pub hint: Option<String>,
}

impl Problem {
    /// An error about a whole file.
    pub fn error(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            place: None,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning about a whole file.
    pub fn warning(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, message) }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, text: Arc<str>, start: usize, length: usize) -> Self {
        self.place = Some(Place { text, span: (start, length) });
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Line and column of the place, both counting from 1; columns count
    /// characters.
    #[must_use]
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let place = self.place.as_ref()?;
        place.line_and_column(place.span.0)
    }

    /// The same of the first character behind the place.
    #[must_use]
    pub fn end_line_and_column(&self) -> Option<(usize, usize)> {
        let place = self.place.as_ref()?;
        place.line_and_column(place.span.0 + place.span.1)
    }
}

impl Place {
    /// Line and column of a byte.
    fn line_and_column(&self, byte: usize) -> Option<(usize, usize)> {
        let before = self.text.get(..byte)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }
}

impl fmt::Display for Problem {
    /// One line for logs: `file:line:column: error: message (hint)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.line_and_column() {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}: {}", self.severity, one_line(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, " ({})", one_line(hint)),
            None => Ok(()),
        }
    }
}

/// Without line ends and controls, which a quoted value may contain: a line
/// in a log must stay one, and a terminal must not obey it.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
