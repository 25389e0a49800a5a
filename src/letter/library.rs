//! The folder of templates: one folder per language, one file per letter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use tera::{ErrorKind, Tera};

use super::catalogue::{self, LAYOUT, LOOPS_MAX, Variable};
use super::layout::{self, Styles};
use super::{engine, fingerprint, markdown};
use crate::problem::{Problem, Severity};

/// The most bytes of one file.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The name of the layout, as a file and in the HTML engine.
pub(super) const LAYOUT_FILE: &str = "layout.html";

/// Every template, parsed.
pub(super) struct Library {
    pub(super) subjects: Tera,
    pub(super) markdown: Tera,
    pub(super) html: Tera,
    pub(super) styles: Styles,
    /// The letters of each language.
    pub(super) locales: BTreeMap<String, BTreeMap<String, Letter>>,
    /// What is odd but no error.
    pub(super) warnings: Vec<Problem>,
}

/// One file of the folder.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Where it is.
    pub(super) file: PathBuf,
    /// Its name in the engines, `zh-CN/reminder/firm.md`.
    pub(super) id: String,
    /// The name of the HTML that replaces its HTML part, if there is one.
    pub(super) html: Option<String>,
    /// The whole text.
    pub(super) text: Arc<str>,
    /// Where the body begins, in bytes.
    pub(super) body_at: usize,
    /// Where the subject begins, if it stands there as it reads.
    pub(super) subject_at: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    subject: String,
}

/// A file as it was found.
struct Found {
    file: PathBuf,
    id: String,
    text: Arc<str>,
}

impl Library {
    /// Reads and parses everything below `dir`.
    pub(super) fn load(dir: &Path) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut library = Self {
            subjects: engine::subjects(),
            markdown: engine::markdown(),
            html: engine::html(),
            styles: Styles::default(),
            locales: BTreeMap::new(),
            warnings: vec![],
        };
        library.load_layout(dir, &mut problems);
        match find_locales(dir) {
            Ok(locales) if locales.is_empty() => {
                let hint = "make a folder per language, like templates/en/reminder/firm.md";
                problems.push(Problem::error(dir, "no language has a folder of templates").hint(hint));
            }
            Ok(locales) => {
                for locale in locales {
                    library.load_locale(dir, &locale, &mut problems);
                }
            }
            Err(problem) => problems.push(problem),
        }
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        library.warnings = problems;
        Ok(library)
    }

    fn load_layout(&mut self, dir: &Path, problems: &mut Vec<Problem>) {
        let file = dir.join(LAYOUT_FILE);
        let found = match read(&file, LAYOUT_FILE.to_owned()) {
            Ok(found) => found,
            Err(problem) => return problems.push(problem.hint("`courtesy init` brings one")),
        };
        match layout::prepare(&found.text) {
            Ok(layout) => {
                self.styles = layout.styles;
                look(&found, 0, LAYOUT, problems);
                // As it was written first, where an error has its place.
                let before = problems.len();
                add(&mut engine::html(), LAYOUT_FILE, &found.text, &found, 0, problems);
                if problems.len() == before {
                    add(&mut self.html, LAYOUT_FILE, &layout.page, &found, 0, problems);
                }
            }
            Err(cause) => problems.push(Problem::error(&file, cause)),
        }
    }

    fn load_locale(&mut self, dir: &Path, locale: &str, problems: &mut Vec<Problem>) {
        let mut files = BTreeMap::new();
        collect(&dir.join(locale), locale, &mut files, problems);
        // Pieces come first, because letters include them.
        let (pieces, letters): (Vec<_>, Vec<_>) = files.into_values().partition(|found| is_piece(&found.id));
        for piece in &pieces {
            look(piece, 0, &[], problems);
            let engine = if is_markdown(&piece.id) { &mut self.markdown } else { &mut self.html };
            // Without its last line end, so that it can stand in a sentence.
            add(engine, &piece.id, piece.text.trim_end(), piece, 0, problems);
        }
        let (pages, letters): (Vec<_>, Vec<_>) =
            letters.into_iter().partition(|found| !is_markdown(&found.id));
        let mut html = BTreeSet::new();
        for page in &pages {
            look(page, 0, &[], problems);
            add(&mut self.html, &page.id, &page.text, page, 0, problems);
            html.insert(page.id.clone());
        }
        let mut known = BTreeMap::new();
        for found in letters {
            if let Some((name, letter)) = self.load_letter(locale, &found, &mut html, problems) {
                known.insert(name, letter);
            }
        }
        for orphan in html {
            let problem = Problem::warning(dir.join(&orphan), "there is no letter of this name");
            problems.push(problem.hint("an .html file replaces the HTML part of the .md file beside it"));
        }
        self.locales.insert(locale.to_owned(), known);
    }

    fn load_letter(
        &mut self,
        locale: &str,
        found: &Found,
        html: &mut BTreeSet<String>,
        problems: &mut Vec<Problem>,
    ) -> Option<(String, Letter)> {
        let (subject, subject_at, body_at) = match header(found) {
            Ok(header) => header,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let body = &found.text[body_at..];
        look(found, body_at, &[], problems);
        for mut problem in look_through(&subject, found, subject_at.unwrap_or_default(), &[]) {
            if subject_at.is_none() {
                problem.place = None;
            }
            problems.push(problem);
        }
        add(&mut self.subjects, &found.id, &subject, found, subject_at.unwrap_or_default(), problems);
        add(&mut self.markdown, &found.id, body, found, body_at, problems);
        if body.trim().is_empty() {
            problems.push(Problem::error(&found.file, "the letter has no words"));
        }
        if markdown::has_indented_code(body) {
            let problem =
                Problem::warning(&found.file, "lines that begin with four spaces become a block of code");
            problems.push(problem.hint("begin them at the margin"));
        }
        let stem = found.id.strip_suffix(".md")?;
        let name = stem.strip_prefix(locale)?.strip_prefix('/')?.to_owned();
        let page = format!("{stem}.html");
        let letter = Letter {
            file: found.file.clone(),
            id: found.id.clone(),
            html: html.remove(&page).then_some(page),
            text: found.text.clone(),
            body_at,
            subject_at,
        };
        Some((name, letter))
    }
}

/// A hash of each file of the templates, by its name below the folder; none
/// where one can't be read.
#[must_use]
pub fn fingerprints(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let problems = &mut Vec::new();
    for locale in find_locales(dir).unwrap_or_default() {
        collect(&dir.join(&locale), &locale, &mut files, problems);
    }
    let Ok(layout) = read(&dir.join(LAYOUT_FILE), LAYOUT_FILE.to_owned()) else { return BTreeMap::new() };
    if !problems.is_empty() {
        return BTreeMap::new();
    }
    let files = files.into_values().chain([layout]);
    files.map(|found| (found.id, fingerprint::hash([&*found.text]))).collect()
}

fn is_markdown(id: &str) -> bool {
    id.rsplit_once('.').is_some_and(|(_, ending)| ending == "md")
}

fn is_piece(id: &str) -> bool {
    id.rsplit('/').next().is_some_and(|file| file.starts_with('_'))
}

fn find_locales(dir: &Path) -> Result<Vec<String>, Problem> {
    let entries = fs::read_dir(dir)
        .map_err(|error| Problem::error(dir, format!("the folder of templates can't be read: {error}")))?;
    let mut locales: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    locales.sort();
    Ok(locales)
}

/// Finds the `.md` and `.html` files below a folder.
fn collect(dir: &Path, id: &str, found: &mut BTreeMap<String, Found>, problems: &mut Vec<Problem>) {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => return problems.push(Problem::error(dir, format!("can't be read: {error}"))),
    };
    for entry in entries.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let (path, id) = (entry.path(), format!("{id}/{name}"));
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &id, found, problems);
        } else if [".md", ".html"].iter().any(|ending| name.ends_with(ending)) {
            match read(&path, id.clone()) {
                Ok(file) => drop(found.insert(id, file)),
                Err(problem) => problems.push(problem),
            }
        }
    }
}

/// Reads one file: UTF-8, with or without a mark of byte order.
fn read(file: &Path, id: String) -> Result<Found, Problem> {
    let problem = |what: String| Problem::error(file, what);
    let size = fs::metadata(file).map_err(|error| problem(format!("can't be read: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(problem(format!("the file has {size} bytes; a letter has {FILE_BYTES_MAX} at most")));
    }
    let bytes = fs::read(file).map_err(|error| problem(format!("can't be read: {error}")))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| problem("the file is not UTF-8".into()).hint("save it as UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
    Ok(Found { file: file.to_owned(), id, text: text.into() })
}

/// Takes the header off: the subject, where it stands, where the body
/// begins.
fn header(found: &Found) -> Result<(String, Option<usize>, usize), Problem> {
    let text = &found.text;
    let hint = "begin the file with three lines: ---, subject: \"…\", ---";
    let inner = text
        .strip_prefix("---\n")
        .ok_or_else(|| Problem::error(&found.file, "the header with the subject is missing").hint(hint))?;
    let end = inner
        .find("\n---")
        .ok_or_else(|| Problem::error(&found.file, "the header does not end").hint(hint))?;
    let body_at = inner[end + 1..].find('\n').map_or(text.len(), |line| 4 + end + 1 + line + 1);
    let header: Header = serde_yaml::from_str(&inner[..end]).map_err(|error| {
        Problem::error(&found.file, format!("the header can't be read: {error}")).hint(hint).at(
            text.clone(),
            4,
            end,
        )
    })?;
    if header.subject.trim().is_empty() {
        return Err(Problem::error(&found.file, "the subject is empty").hint(hint).at(text.clone(), 4, end));
    }
    let subject_at = inner[..end].find(&header.subject).map(|at| at + 4);
    Ok((header.subject, subject_at, body_at))
}

fn look(found: &Found, from: usize, further: &'static [Variable], problems: &mut Vec<Problem>) {
    problems.extend(look_through(&found.text[from..], found, from, further));
}

/// Compares the names in a template with those that exist.
fn look_through(source: &str, found: &Found, offset: usize, further: &'static [Variable]) -> Vec<Problem> {
    let seen = catalogue::look(source, further);
    let unknown = seen.unknown.into_iter().map(|name| {
        let problem = Problem::error(&found.file, format!("no variable is called `{}`", name.path)).at(
            found.text.clone(),
            offset + name.start,
            name.length,
        );
        match name.nearest {
            Some(nearest) => problem.hint(format!("did you mean `{nearest}`?")),
            None => problem.hint("templates/README.md lists them all"),
        }
    });
    let deep = seen.too_deep.map(|at| {
        let message = format!("loops are nested deeper than {LOOPS_MAX}");
        Problem::error(&found.file, message).at(found.text.clone(), offset + at, 2)
    });
    // Style sheets are full of braces, letters have none.
    let lost = seen.lost.into_iter().filter(|_| is_markdown(&found.id)).map(|(start, length)| {
        Problem::error(&found.file, "a brace that belongs to no `{{ … }}` would stand in the letter")
            .at(found.text.clone(), offset + start, length)
            .hint("put back the brace that was lost; a real one is written {{ \"{\" }}")
    });
    unknown.chain(deep).chain(lost).collect()
}

fn add(tera: &mut Tera, id: &str, source: &str, found: &Found, offset: usize, problems: &mut Vec<Problem>) {
    if let Err(error) = tera.add_raw_template(id, source) {
        let problem = tera_problem(&error, &found.file, &found.text, offset);
        match problem.place {
            Some(_) => problems.push(problem),
            None => problems.extend(reported(&problem.message, source, found, offset)),
        }
    }
}

/// Names of filters and tests that do not exist come as one text of reports,
/// `error: … --> id:line:column`, counted in the source.
fn reported(text: &str, source: &str, found: &Found, offset: usize) -> Vec<Problem> {
    let report = |text: &str| {
        let (message, rest) = text.split_once('\n').unwrap_or((text, ""));
        let problem = Problem::error(&found.file, message.trim());
        let mut numbers = rest.lines().next().unwrap_or_default().rsplit(':').map(|part| part.trim().parse());
        let (Some(Ok(column)), Some(Ok(line))) = (numbers.next(), numbers.next()) else { return problem };
        let before: usize =
            source.split_inclusive('\n').take(usize::saturating_sub(line, 1)).map(str::len).sum();
        let within = source.get(before..).unwrap_or_default();
        let start: usize = within.chars().take(usize::saturating_sub(column, 1)).map(char::len_utf8).sum();
        problem.at(found.text.clone(), offset + before + start, 1)
    };
    text.split("error: ").map(str::trim).filter(|part| !part.is_empty()).map(report).collect()
}

/// An error of the engine as a problem, at its place if that is known.
fn tera_problem(error: &tera::Error, file: &Path, text: &Arc<str>, offset: usize) -> Problem {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let problem = Problem::error(file, report.message().trim().to_owned());
            let range = &report.span().range;
            if offset + range.end <= text.len() {
                problem.at(text.clone(), offset + range.start, range.len())
            } else {
                problem
            }
        }
        _ => Problem::error(file, error.to_string()),
    }
}
