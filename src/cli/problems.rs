//! Problems as a person reads them: the wrong word underlined in its line.

use std::fmt;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity as Level,
    SourceCode,
};

use crate::problem::{Problem, Severity};

/// How wide a report is; narrower terminals break the lines themselves.
const WIDTH: usize = 100;

/// Every problem with an excerpt of its file, and a line that counts them.
/// Nothing for no problems.
#[must_use]
pub fn render(problems: &[Problem], colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_context_lines(1)
        .with_links(false)
        .without_syntax_highlighting();
    let mut out = String::new();
    for problem in problems {
        if handler.render_report(&mut out, &Report::new(problem)).is_err() {
            // The plain line says the same.
            out.push_str(&problem.to_string());
        }
        out.push('\n');
    }
    if !problems.is_empty() {
        out.push_str(&count(problems));
        out.push('\n');
    }
    out
}

/// `2 errors, 1 warning`.
fn count(problems: &[Problem]) -> String {
    let of = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let words = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    match (of(Severity::Error), of(Severity::Warning)) {
        (errors, 0) => words(errors, "error"),
        (0, warnings) => words(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", words(errors, "error"), words(warnings, "warning")),
    }
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
        let source = problem.place.as_ref().map(|place| NamedSource::new(name, place.text.to_string()));
        Self { problem, source }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without an excerpt there is no frame to name the file.
        if self.source.is_none() {
            write!(f, "{}: ", self.problem.file.display())?;
        }
        f.write_str(&self.problem.message)
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
        self.problem.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, length) = self.problem.place.as_ref()?.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, length))))
    }
}
