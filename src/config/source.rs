//! A file as it was read, and how problems point into it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::problem::{Place, Problem};

/// A place in a text: from and until, in bytes.
pub(super) type At = Range<usize>;

/// How large a file of settings may be. The largest sensible one is a few
/// kilobytes; a wrong path must not cost memory or time.
const SIZE_MAX_BYTES: u64 = 128 * 1024;

/// A file and its text.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// As the user would name it.
    pub file: PathBuf,
    /// Everything in it.
    pub text: Arc<str>,
}

impl Source {
    /// A text under a name.
    #[cfg(test)]
    pub fn new(file: impl Into<PathBuf>, text: &str) -> Self {
        Self { file: file.into(), text: text.into() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A problem that says why it can't be read: missing, too large, not
    /// UTF-8.
    pub fn read(file: &Path) -> Result<Self, Problem> {
        Self::read_up_to(file, SIZE_MAX_BYTES)
    }

    /// Reads a file that somebody else published, of up to so many bytes.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_up_to(file: &Path, size_max_bytes: u64) -> Result<Self, Problem> {
        let failed = |error: std::io::Error| {
            Problem::error(file, format!("can't be read: {error}"))
                .hint("does it exist, and may this user read it?")
        };
        let found = std::fs::metadata(file).map_err(failed)?;
        let size = found.len();
        if !found.is_file() {
            // A pipe would be waited for without end.
            return Err(Problem::error(file, "is not a file"));
        }
        if size > size_max_bytes {
            return Err(Problem::error(file, format!("is {size} bytes, too large to be a file of settings")));
        }
        let bytes = std::fs::read(file).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(file, &error))?;
        Ok(Self { file: file.to_path_buf(), text: text.into() })
    }

    /// An error at a place.
    pub fn error(&self, at: At, message: impl Into<String>) -> Problem {
        self.at(Problem::error(self.file.clone(), message), at)
    }

    /// A warning at a place.
    pub fn warning(&self, at: At, message: impl Into<String>) -> Problem {
        self.at(Problem::warning(self.file.clone(), message), at)
    }

    fn at(&self, problem: Problem, at: At) -> Problem {
        problem.at(Arc::clone(&self.text), at.start, at.end.saturating_sub(at.start))
    }

    /// A place to keep after the source is gone.
    pub fn place(&self, at: &At) -> Place {
        Place { text: Arc::clone(&self.text), span: (at.start, at.end.saturating_sub(at.start)) }
    }

    /// The line of a byte, counting from 1.
    pub fn line(&self, byte: usize) -> usize {
        self.text[..byte.min(self.text.len())].matches('\n').count() + 1
    }
}

/// The lines before the wrong byte are shown, and the place right behind
/// them, so that the person finds it.
fn not_utf8(file: &Path, error: &std::string::FromUtf8Error) -> Problem {
    let good = error.utf8_error().valid_up_to();
    let text: Arc<str> = String::from_utf8_lossy(error.as_bytes()).into();
    Problem::error(file, "is not UTF-8 text")
        .at(text, good, '\u{fffd}'.len_utf8())
        .hint("save it as UTF-8; it may be in GB18030 or another older encoding")
}
