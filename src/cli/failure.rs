//! What kept a command from doing its work, told to the person who called.

use std::error::Error;
use std::fmt;
use std::io;

use owo_colors::OwoColorize;

use super::problems;
use super::screen::Screen;
use crate::problem::Problem;

/// Problems in what a person wrote, as an error.
#[derive(Debug)]
pub struct Found(pub Vec<Problem>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Error for Found {}

/// Says what went wrong: problems with their place in the file, anything
/// else with its causes.
///
/// # Errors
/// When stderr is closed.
pub fn explain(error: &anyhow::Error, screen: &mut Screen) -> io::Result<()> {
    match error.downcast_ref::<Found>() {
        Some(Found(problems)) => {
            let colour = screen.is_err_coloured();
            screen.complaint(problems::render(problems, colour))
        }
        None => screen.complaint(format_args!("{} {error:#}", "error:".red().bold())),
    }
}

/// Whether the reader of our stdout has gone, as in `courtesy outbox | head`:
/// nothing is wrong then, and nothing is left to say.
#[must_use]
pub fn reader_is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
