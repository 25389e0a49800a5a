//! Rows in columns: for a pipe one line each, for a terminal as wide as it
//! is. Characters that are two columns wide count as two.

use owo_colors::OwoColorize as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::harmless;

/// Between two columns.
const GAP: usize = 2;
/// A column of texts with less room than this reads like a ribbon; its texts
/// stand below their rows instead.
const TEXT_MIN: usize = 24;
/// What is narrower is a date, a word, an id, and is never broken.
const WORD_MAX: usize = 18;
/// How far texts below their row are moved in.
const INDENT: usize = 4;

/// What a cell says by its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// Done.
    Good,
    /// A person should look at it.
    Warning,
    /// It failed.
    Bad,
}

impl Tone {
    /// The text in its colour.
    #[must_use]
    pub fn paint(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Good => text.green().to_string(),
            Self::Warning => text.yellow().to_string(),
            Self::Bad => text.red().to_string(),
        }
    }
}

/// One value of a row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A value with a tone, on one line.
    #[must_use]
    pub fn new(text: &str, tone: Tone) -> Self {
        Self { text: harmless::one_line(text), tone }
    }

    fn width(&self) -> usize {
        self.text.width()
    }

    /// Whether it is prose, which may be broken: several words, or Chinese.
    fn is_text(&self) -> bool {
        self.text.matches(' ').count() > 2 || self.text.chars().any(|c| c.width() == Some(2))
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(&text, Tone::Plain)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// The rows below their head, without a line end. `width` is that of the
/// terminal; without one every row is a line, however long.
#[must_use]
pub fn lay_out<const N: usize>(head: [&str; N], rows: &[[Cell; N]], width: Option<usize>) -> String {
    let natural: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| row[column].width()).chain([head[column].width()]).max().unwrap_or_default()
    });
    let layout = Layout::new(natural, rows, width);
    let head = head.map(|name| Cell::new(name, Tone::Plain));
    let mut lines = layout.row(&head, &|text, _| text.bold().to_string());
    if !layout.below.is_empty() {
        // The names of what stands below would only be in the way.
        lines.truncate(1);
    }
    lines.extend(rows.iter().flat_map(|row| layout.row(row, &|text, tone| tone.paint(text))));
    lines.join("\n")
}

/// Which column has how much room.
struct Layout {
    /// The columns side by side, each with its width.
    beside: Vec<(usize, usize)>,
    /// The columns whose texts stand below their row.
    below: Vec<usize>,
    /// How wide a text below its row may be.
    room: usize,
}

impl Layout {
    fn new<const N: usize>(natural: [usize; N], rows: &[[Cell; N]], width: Option<usize>) -> Self {
        let all = || natural.iter().copied().enumerate();
        let whole = |width: usize| Self { beside: all().collect(), below: vec![], room: width };
        let Some(width) = width else { return whole(usize::MAX) };
        // A terminal's reader is spared columns that say nothing.
        let said: Vec<(usize, usize)> =
            all().filter(|(column, _)| rows.iter().any(|row| !row[*column].text.is_empty())).collect();
        let is_text =
            |column: usize| natural[column] > WORD_MAX && rows.iter().any(|row| row[column].is_text());
        let (texts, mut words): (Vec<_>, Vec<_>) =
            said.iter().copied().partition(|(column, _)| is_text(*column));
        let taken: usize = words.iter().map(|(_, natural)| natural + GAP).sum();
        let gaps = texts.len().saturating_sub(1) * GAP;
        let room = width.saturating_sub(taken + gaps);
        if texts.iter().map(|(_, natural)| natural).sum::<usize>() <= room {
            return Self { beside: said, below: vec![], room: width };
        }
        if room < TEXT_MIN * texts.len() || texts.is_empty() {
            let mut below: Vec<usize> = texts.into_iter().map(|(column, _)| column).collect();
            while let Some(widest) = too_wide(&words, width) {
                below.push(words.remove(widest).0);
            }
            below.sort_unstable();
            return Self { beside: words, below, room: width.saturating_sub(INDENT).max(TEXT_MIN) };
        }
        let shares = shared_out(room, &texts);
        let share = |(column, natural): (usize, usize)| {
            (column, shares.iter().find(|(of, _)| *of == column).map_or(natural, |(_, share)| *share))
        };
        Self { beside: said.into_iter().map(share).collect(), below: vec![], room: width }
    }

    /// The lines of one row.
    fn row<const N: usize>(&self, row: &[Cell; N], paint: &dyn Fn(&str, Tone) -> String) -> Vec<String> {
        let cells: Vec<(usize, Vec<String>, Tone)> = self
            .beside
            .iter()
            .map(|(column, width)| (*width, wrapped(&row[*column].text, *width), row[*column].tone))
            .collect();
        let height = cells.iter().map(|(_, lines, _)| lines.len()).max().unwrap_or_default();
        let mut lines: Vec<String> = (0..height).map(|line| joined(&cells, line, paint)).collect();
        for column in &self.below {
            let Cell { text, tone } = &row[*column];
            let texts = wrapped(text, self.room).into_iter().filter(|text| !text.is_empty());
            lines.extend(texts.map(|text| format!("{:INDENT$}{}", "", paint(&text, *tone))));
        }
        lines
    }
}

/// Which of the columns is the widest, if they do not fit beside each other.
fn too_wide(columns: &[(usize, usize)], width: usize) -> Option<usize> {
    let whole = columns.iter().map(|(_, natural)| natural + GAP).sum::<usize>().saturating_sub(GAP);
    let widest = (0..columns.len()).max_by_key(|index| columns[*index].1);
    widest.filter(|_| whole > width && columns.len() > 1)
}

/// One line of cells side by side, without spaces at its end.
fn joined(cells: &[(usize, Vec<String>, Tone)], line: usize, paint: &dyn Fn(&str, Tone) -> String) -> String {
    let mut out = String::new();
    let mut owed = 0;
    for (width, lines, tone) in cells {
        let text = lines.get(line).map_or("", String::as_str);
        if !text.is_empty() {
            out.push_str(&" ".repeat(owed));
            out.push_str(&paint(text, *tone));
            owed = 0;
        }
        owed += width.saturating_sub(text.width()) + GAP;
    }
    out
}

/// The room, shared out so that no text has more than it needs.
fn shared_out(room: usize, texts: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut by_need = texts.to_vec();
    by_need.sort_by_key(|(_, natural)| *natural);
    let (mut left, mut waiting) = (room, by_need.len());
    by_need
        .into_iter()
        .map(|(column, natural)| {
            let share = natural.min(left / waiting);
            left -= share;
            waiting -= 1;
            (column, share)
        })
        .collect()
}

/// The lines of a text that has so much room: broken between words, and
/// within one that is longer than a line or written without spaces.
#[must_use]
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let text = text.trim_end();
    if text.width() <= room {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    // Where the line may be broken: behind its last space.
    let mut breakable: Option<usize> = None;
    for c in text.chars() {
        let wide = c.width().unwrap_or_default();
        if used + wide > room && !line.is_empty() {
            let rest = breakable.filter(|_| c != ' ').map(|at| line.split_off(at)).unwrap_or_default();
            lines.push(std::mem::replace(&mut line, rest).trim_end().to_owned());
            used = line.width();
            breakable = None;
        }
        if c == ' ' && line.is_empty() {
            continue;
        }
        line.push(c);
        used += wide;
        if c == ' ' || wide == 2 {
            breakable = Some(line.len());
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words_and_wide_characters_count_two() {
        for (text, room, expected) in [
            ("short", 10, vec!["short"]),
            ("the drawings follow on Friday", 12, vec!["the drawings", "follow on", "Friday"]),
            ("请按时付款谢谢", 8, vec!["请按时付", "款谢谢"]),
            ("第 2026-0012 号发票", 12, vec!["第 2026-0012", "号发票"]),
            ("unbreakable", 4, vec!["unbr", "eaka", "ble"]),
            ("", 4, vec![""]),
        ] {
            assert_eq!(wrapped(text, room), expected, "{text}");
        }
    }

    #[test]
    fn room_is_shared_by_need() {
        assert_eq!(shared_out(100, &[(0, 20), (1, 500)]), [(0, 20), (1, 80)]);
        assert_eq!(shared_out(100, &[(0, 200), (1, 500)]), [(0, 50), (1, 50)]);
    }

    #[test]
    fn no_line_is_wider_than_its_terminal_and_a_pipe_has_one_for_each_row() {
        let row = |text: &str| ["42".into(), "2026-03-02 09:00".into(), "C001".into(), Cell::from(text)];
        let rows = [
            row("Invoice 2026-0012 was due on 27 February 2026, a while ago"),
            row("第二十七号发票已经到期，请尽快安排付款，谢谢"),
        ];
        let head = ["no", "when", "customer", "subject"];
        for width in [60, 80, 120] {
            let shown = lay_out(head, &rows, Some(width));
            let plain = anstream::adapter::strip_str(&shown).to_string();
            assert!(plain.lines().all(|line| line.width() <= width), "{width}: {plain}");
        }
        assert_eq!(lay_out(head, &rows, None).lines().count(), 3);
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_nothing() {
        let cell = Cell::from("Ann\u{1b}[2J\u{202e}\nLee");
        assert_eq!(cell.text, "Ann [2J Lee");
    }
}
