//! `courtesy schema`: what may stand in the YAML files.

use super::Verdict;
use super::screen::Screen;

/// Prints the JSON Schema of `courtesy.yaml` and of a rule.
///
/// # Errors
/// When stdout is closed.
pub fn run(screen: &mut Screen) -> anyhow::Result<Verdict> {
    screen.json(&crate::config::schema())?;
    Ok(Verdict::Done)
}
