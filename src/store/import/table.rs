//! A CSV file as rows of checked cells.

use std::io::{self, Read};

use csv::StringRecord;

use super::super::ImportKind;
use super::cells;
use super::columns::{Column, columns_of};
use crate::domain::address::Address;
use crate::nearest::nearest;

/// No header is longer.
const HEADER_BYTES: usize = 64 * 1024;
/// No row is longer; what is, has a quotation mark that is never closed.
const ROW_BYTES: u64 = 16 * 1024 * 1024;

type Source = Bounded<io::Chain<io::Cursor<Vec<u8>>, Box<dyn Read>>>;

/// The rows of a file.
pub(super) struct Table {
    reader: csv::Reader<Source>,
    record: StringRecord,
    columns: &'static [Column],
    /// Where each column stands in the file.
    places: Vec<Option<usize>>,
    width: usize,
    email: Option<usize>,
    pub(super) unknown: Vec<String>,
}

/// One row of the file.
pub(super) struct Row {
    /// The line it starts on, counting from 1.
    pub(super) line: u64,
    /// Its id, where it has one, good or bad.
    pub(super) id: Option<String>,
    /// Its cells in the order of the columns, or everything that is wrong.
    pub(super) cells: Result<Vec<Option<String>>, Vec<String>>,
}

impl Table {
    /// Reads the header.
    pub(super) fn open(mut source: Box<dyn Read>, kind: ImportKind) -> Result<Self, String> {
        let columns = columns_of(kind);
        let head = head(&mut source)?;
        let delimiter = delimiter(&head, columns);
        let source = Bounded { inner: io::Cursor::new(head).chain(source), left: ROW_BYTES, last: 0 };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(source);
        let mut record = StringRecord::new();
        reader.read_record(&mut record).map_err(|error| error.to_string())?;
        let names: Vec<String> = record.iter().map(|name| name.trim().to_lowercase()).collect();
        let (places, unknown) = places(&names, columns, kind)?;
        let email =
            columns.iter().position(|column| column.name == "email").filter(|at| places[*at].is_some());
        let width = names.len();
        Ok(Self { reader, record, columns, places, width, email, unknown })
    }

    /// Which columns the file has.
    pub(super) fn present(&self) -> Vec<bool> {
        self.places.iter().map(Option::is_some).collect()
    }

    /// Whether a good row has an address that can be written to, or its file
    /// no column for one.
    pub(super) fn is_reachable(&self, cells: &[Option<String>]) -> bool {
        self.email.is_none_or(|at| Address::parse(cells[at].as_deref().unwrap_or_default()).is_ok())
    }

    /// The next row that is not empty.
    pub(super) fn next_row(&mut self) -> Result<Option<Row>, String> {
        loop {
            let before = self.swallowed();
            self.reader.get_mut().left = ROW_BYTES;
            if !self.reader.read_record(&mut self.record).map_err(|error| cause(&error))? {
                return match before.filter(|_| self.reader.get_ref().last != b'"') {
                    Some(line) => Err(format!("a quotation mark on line {line} is never closed")),
                    None => Ok(None),
                };
            }
            if self.record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let line = self.record.position().map_or(0, csv::Position::line);
            let id = self.places[0]
                .and_then(|at| self.record.get(at))
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty());
            let cells = self.cells();
            return Ok(Some(Row { line, id, cells }));
        }
    }

    fn cells(&self) -> Result<Vec<Option<String>>, Vec<String>> {
        let count = self.record.len();
        if count != self.width {
            // Which cell is which can't be told.
            let hint = if count > self.width {
                "; a text with the delimiter in it needs quotation marks"
            } else {
                ""
            };
            return Err(vec![format!("{count} cells where the header has {}{hint}", self.width)]);
        }
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut reasons = Vec::new();
        for (column, place) in self.columns.iter().zip(&self.places) {
            match self.cell(column, *place) {
                Ok(cell) => cells.push(cell),
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() { Ok(cells) } else { Err(reasons) }
    }

    fn cell(&self, column: &Column, place: Option<usize>) -> Result<Option<String>, String> {
        let text = place.and_then(|at| self.record.get(at)).map_or("", str::trim);
        if text.is_empty() {
            let why = || format!("`{}` is empty", column.name);
            return if column.required { Err(why()) } else { Ok(None) };
        }
        let told = |why: String| format!("`{}`: {why}", column.name);
        cells::any(text).map_err(told)?;
        (column.check)(text).map(Some).map_err(told)
    }

    /// Whether the last cell swallowed line ends; if the file then does not
    /// end with a quotation mark, it was never closed.
    fn swallowed(&self) -> Option<u64> {
        let last = self.record.iter().next_back()?;
        last.trim_end().contains('\n').then(|| self.record.position().map_or(0, csv::Position::line))
    }
}

fn cause(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

/// The bytes of the first line, read ahead.
fn head(source: &mut dyn Read) -> Result<Vec<u8>, String> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = source.read(&mut buffer).map_err(|error| error.to_string())?;
        head.extend_from_slice(&buffer[..read]);
        if read == 0 || first_line(&head).is_some() {
            break;
        }
        if head.len() > HEADER_BYTES {
            return Err("the first line is longer than 64 KiB; it should be the header".into());
        }
    }
    if head.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty".into());
    }
    Ok(head)
}

/// The first line that is not empty; line ends inside quotation marks don't
/// end it.
fn first_line(head: &[u8]) -> Option<&[u8]> {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let mut quoted = false;
    let end = head[start..].iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\r' | b'\n')
    })?;
    Some(&head[start..start + end])
}

/// The delimiter that makes the most known columns of the header.
fn delimiter(head: &[u8], columns: &[Column]) -> u8 {
    let line = String::from_utf8_lossy(first_line(head).unwrap_or(head));
    let known = |delimiter: u8| {
        line.split(char::from(delimiter))
            .filter(|name| {
                let name = name.trim().trim_matches('"').trim().to_lowercase();
                columns.iter().any(|column| column.name == name)
            })
            .count()
    };
    // The last of equals wins, and that is the comma.
    [b'\t', b';', b','].into_iter().max_by_key(|delimiter| known(*delimiter)).unwrap_or(b',')
}

type Places = (Vec<Option<usize>>, Vec<String>);

fn places(names: &[String], columns: &[Column], kind: ImportKind) -> Result<Places, String> {
    if let Some((at, name)) =
        names.iter().enumerate().find(|(at, name)| !name.is_empty() && names[..*at].contains(name))
    {
        return Err(format!("the column `{name}` is there twice, the second time in place {}", at + 1));
    }
    let places: Vec<Option<usize>> =
        columns.iter().map(|column| names.iter().position(|name| name == column.name)).collect();
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| !name.is_empty() && !columns.iter().any(|column| column.name == **name))
        .cloned()
        .collect();
    for (column, place) in columns.iter().zip(&places) {
        if column.required && place.is_none() {
            let hint = match nearest(column.name, unknown.iter().map(String::as_str)) {
                Some(near) => format!("; is it the one called `{near}`?"),
                None => format!("; the first line has {}", names.join(", ")),
            };
            return Err(format!("the column `{}` of {} is missing{hint}", column.name, kind.as_str()));
        }
    }
    let has =
        |name| columns.iter().zip(&places).any(|(column, place)| column.name == name && place.is_some());
    if kind == ImportKind::Payments && !has("receivable_id") && !has("customer_id") {
        return Err("payments need a column `receivable_id`, or `customer_id` for money on account".into());
    }
    Ok((places, unknown))
}

/// Stops a row that never ends, and knows how the file ends.
struct Bounded<R> {
    inner: R,
    left: u64,
    /// The last byte that is no white space.
    last: u8,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(
                "a row is longer than 16 MiB; a quotation mark is opened and never closed",
            ));
        }
        let read = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(read as u64);
        if let Some(last) = buffer[..read].iter().rev().find(|byte| !byte.is_ascii_whitespace()) {
            self.last = *last;
        }
        Ok(read)
    }
}
