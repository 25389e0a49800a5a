//! A table as it stands in a letter, for the Markdown and for the HTML
//! engine.

use tera::{State, TeraResult, Value};

/// Headings and cells, ready to be written.
pub(super) struct Grid {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A column's heading, and how its cells stand.
pub(super) struct Column {
    pub(super) heading: String,
    pub(super) stand: Stand,
}

/// How the cells of a column stand. Those with an alignment do not break over
/// lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Words, over as many lines as they need.
    Flowing,
    /// One line, to the left.
    Left,
    /// One line, to the right.
    Right,
}

/// What stands in a cell.
#[derive(Default)]
pub(super) struct Cell {
    pub(super) pieces: Vec<Piece>,
    pub(super) link: Option<String>,
    pub(super) strong: bool,
}

/// A part of a cell's text.
pub(super) enum Piece {
    /// In one piece, whatever the width.
    Unbroken(String),
    /// As it comes.
    Plain(String),
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Plain(text.into())], ..Self::default() }
    }

    pub(super) fn strong(text: impl Into<String>) -> Self {
        Self { strong: true, ..Self::plain(text) }
    }

    fn escaped(&self, state: &State<'_>) -> TeraResult<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Plain(text) => out.push_str(&state.escape(text)?),
                Piece::Unbroken(text) => {
                    out.extend(["<span style=\"white-space: nowrap\">", &state.escape(text)?, "</span>"]);
                }
            }
        }
        Ok(out)
    }
}

impl Stand {
    fn as_markdown(self) -> &'static str {
        match self {
            Self::Flowing => "---|",
            Self::Left => ":---|",
            Self::Right => "---:|",
        }
    }

    /// The end of an element's opening tag.
    fn as_html(self) -> &'static str {
        match self {
            Self::Flowing => ">",
            Self::Left => " style=\"white-space: nowrap\">",
            Self::Right => " align=\"right\" style=\"text-align: right; white-space: nowrap\">",
        }
    }
}

impl Grid {
    /// As GitHub's Markdown writes tables.
    pub(super) fn as_markdown(&self, state: &State<'_>) -> TeraResult<Value> {
        let mut out = String::from("|");
        for column in &self.columns {
            out.extend([" ", &state.escape(&column.heading)?, " |"]);
        }
        out.push_str("\n|");
        for column in &self.columns {
            out.push_str(column.stand.as_markdown());
        }
        for cells in &self.rows {
            out.push_str("\n|");
            for cell in cells {
                let text = cell.escaped(state)?;
                match &cell.link {
                    Some(url) => out.extend([" [", &text, "](", &state.escape(url)?, ") |"]),
                    None if cell.strong && !text.is_empty() => out.extend([" **", &text, "** |"]),
                    None => out.extend([" ", &text, " |"]),
                }
            }
        }
        out.push('\n');
        Ok(Value::safe_string(&out))
    }

    /// As HTML, for templates that bring their own.
    pub(super) fn as_html(&self, state: &State<'_>) -> TeraResult<Value> {
        let mut out = String::from("<table cellpadding=\"0\" cellspacing=\"0\"><thead><tr>");
        for column in &self.columns {
            out.extend(["<th", column.stand.as_html(), &state.escape(&column.heading)?, "</th>"]);
        }
        out.push_str("</tr></thead><tbody>");
        for cells in &self.rows {
            out.push_str("<tr>");
            for (column, cell) in self.columns.iter().zip(cells) {
                let text = cell.escaped(state)?;
                out.extend(["<td", column.stand.as_html()]);
                match &cell.link {
                    Some(url) => out.extend(["<a href=\"", &state.escape(url)?, "\">", &text, "</a></td>"]),
                    None if cell.strong => out.extend(["<strong>", &text, "</strong></td>"]),
                    None => out.extend([text.as_str(), "</td>"]),
                }
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table>");
        Ok(Value::safe_string(&out))
    }
}
