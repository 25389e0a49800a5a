//! Problems as a person reads them: the wrong word underlined in its line.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as Level,
    SourceCode,
};

use super::screen::counted;
use crate::problem::{Place, Problem, Severity};

/// How wide a report is; narrower terminals break the lines themselves.
const WIDTH: usize = 100;

/// The longest line that is worth an excerpt; longer ones are no text that
/// somebody wrote.
const LINE_MAX_BYTES: usize = 300;

/// How many problems are shown; who has more begins with these.
const SHOWN_MAX: usize = 100;

/// Every problem with an excerpt of its file (the first hundred), and a line
/// that counts them. Nothing for no problems.
#[must_use]
pub fn render(problems: &[Problem], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_context_lines(1)
        .with_links(false)
        .without_syntax_highlighting();
    let mut out = String::new();
    for problem in problems.iter().take(SHOWN_MAX) {
        if handler.render_report(&mut out, &Report::new(problem)).is_err() {
            // The plain line says the same.
            out.push_str(&problem.to_string());
        }
        out.push('\n');
    }
    if !problems.is_empty() {
        out.push_str(&count(problems));
        out.push_str(if problems.len() > SHOWN_MAX { "; these are the first hundred" } else { "" });
        out.push('\n');
    }
    out
}

/// `2 errors, 1 warning`.
fn count(problems: &[Problem]) -> String {
    let of = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    match (of(Severity::Error), of(Severity::Warning)) {
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    }
}

/// The text without controls that a terminal would obey, each replaced by a
/// character of as many bytes, so that places stay right.
fn harmless(text: &str) -> String {
    let replaced = |c: char| match c {
        '\n' | '\t' => c,
        '\r' => ' ',
        c if c.is_control() && c.len_utf8() == 1 => '?',
        c if c.is_control() => '\u{bf}',
        c => c,
    };
    text.chars().map(replaced).collect()
}

/// The length of the longest of the lines around a place.
fn longest_line(place: &Place) -> usize {
    let line = place.text.get(..place.span.0).map_or(0, |before| before.matches('\n').count());
    place.text.lines().skip(line.saturating_sub(1)).take(3).map(str::len).max().unwrap_or(0)
}

/// A problem in the words of the crate that draws it.
#[derive(Debug)]
struct Report<'a> {
    problem: &'a Problem,
    source: Option<NamedSource<String>>,
}

impl<'a> Report<'a> {
    fn new(problem: &'a Problem) -> Self {
        let name = problem.file.display().to_string();
        let shown = problem.place.as_ref().filter(|place| longest_line(place) <= LINE_MAX_BYTES);
        let source = shown.map(|place| NamedSource::new(name, harmless(&place.text)));
        Self { problem, source }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without an excerpt there is no frame to name the file.
        if self.source.is_none() {
            write!(f, "{}: ", self.problem.file.display())?;
            if let Some((line, column)) = self.problem.line_and_column() {
                write!(f, "line {line}, column {column}: ")?;
            }
        }
        f.write_str(&harmless(&self.problem.message).replace('\t', " "))
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn severity(&self) -> Option<Level> {
        Some(match self.problem.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let one_line = |hint: &String| harmless(hint).replace('\t', " ");
        self.problem.hint.as_ref().map(|hint| Box::new(one_line(hint)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let (start, length) = self.problem.place.as_ref()?.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, length))))
    }
}
