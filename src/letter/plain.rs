//! The text part: a Markdown document as a person would have typed it.

use pulldown_cmark::{Alignment, Event, Tag, TagEnd};
use unicode_width::UnicodeWidthStr as _;

use super::clean;

/// Collects events into text.
#[derive(Default)]
pub struct Plain {
    out: String,
    /// The line being written, without its prefix.
    line: String,
    /// What each further line of the block begins with.
    prefixes: Vec<String>,
    /// Replaces the last prefix once: a bullet or a number.
    marker: Option<String>,
    /// The number of the next item, per list.
    lists: Vec<Option<u64>>,
    /// Where a link leads, and where its words begin in the line.
    links: Vec<(String, usize)>,
    table: Option<Table>,
    /// Whether the next block stands apart from what is there.
    gap: bool,
}

#[derive(Default)]
struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<String>>,
}

impl Plain {
    /// Takes the next event of the document.
    pub fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(*tag),
            Event::Text(text) => self.text(text),
            Event::Code(code) => self.text(&clean::unescape_references(code)),
            Event::HardBreak if self.table.is_some() => self.line.push(' '),
            Event::HardBreak => self.flush(),
            Event::SoftBreak => self.line.push(' '),
            Event::Rule => {
                self.block();
                self.line.push_str("---");
                self.close_block();
            }
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(text);
            }
            Event::Html(_) | Event::InlineHtml(_) | Event::TaskListMarker(_) => {}
        }
    }

    /// The whole text, ending with one line end.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.flush();
        self.out.truncate(self.out.trim_end().len());
        self.out.push('\n');
        self.out
    }

    fn text(&mut self, text: &str) {
        let mut lines = text.split('\n');
        self.push(lines.next().unwrap_or_default());
        for line in lines {
            self.flush();
            self.push(line);
        }
    }

    /// A no-break space keeps words together in HTML; in text it is a space.
    fn push(&mut self, text: &str) {
        self.line.extend(text.chars().map(|c| if c == '\u{a0}' { ' ' } else { c }));
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::CodeBlock(_) => self.block(),
            Tag::BlockQuote(_) => {
                self.block();
                self.prefixes.push("> ".into());
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.block();
                }
                self.lists.push(*first);
            }
            Tag::Item => self.start_item(),
            Tag::Link { dest_url, .. } => self.links.push((dest_url.to_string(), self.line.len())),
            Tag::Table(alignments) => {
                self.block();
                self.table = Some(Table { alignments: alignments.clone(), rows: vec![] });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(vec![]);
                }
            }
            _ => {}
        }
    }

    fn start_item(&mut self) {
        self.flush();
        self.gap = false;
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.prefixes.push(" ".repeat(marker.len()));
        self.marker = Some(marker);
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock => self.close_block(),
            TagEnd::BlockQuote(_) => {
                self.close_block();
                self.prefixes.pop();
            }
            TagEnd::Item => {
                self.flush();
                self.gap = false;
                self.marker = None;
                self.prefixes.pop();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.gap = self.lists.is_empty();
            }
            TagEnd::Link => self.end_link(),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.line);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(cell.trim().to_owned());
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    for line in table.lines() {
                        self.line = line;
                        self.flush();
                    }
                    self.gap = true;
                }
            }
            _ => {}
        }
    }

    /// `words: https://…`, `words <address>`, or the target alone where the
    /// words are the target.
    fn end_link(&mut self) {
        let Some((target, start)) = self.links.pop() else { return };
        let words = self.line.get(start..).unwrap_or_default();
        let mail = target.strip_prefix("mailto:");
        if words == target || mail == Some(words) || words.is_empty() {
            return;
        }
        if self.table.is_some() {
            // The heading says what the column is.
            self.line.truncate(start);
            self.line.push_str(mail.unwrap_or(&target));
        } else if let Some(address) = mail {
            self.line.extend([" <", address, ">"]);
        } else if target.starts_with("http") || target.starts_with("tel:") {
            let colon = if words.ends_with(super::markdown::is_wide) { "：" } else { ": " };
            self.line.extend([colon, target.as_str()]);
        }
    }

    /// Begins a block: what was before is closed.
    fn block(&mut self) {
        self.flush();
        if self.gap && !self.out.is_empty() {
            let prefix: String = self.prefixes.concat();
            self.out.push_str(prefix.trim_end());
            self.out.push('\n');
        }
        self.gap = false;
    }

    fn close_block(&mut self) {
        self.flush();
        self.gap = true;
    }

    /// Writes the line, if there is one.
    fn flush(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let marker = self.marker.take();
        for (index, prefix) in self.prefixes.iter().enumerate() {
            let last = index + 1 == self.prefixes.len();
            self.out.push_str(marker.as_deref().filter(|_| last).unwrap_or(prefix));
        }
        self.out.push_str(self.line.trim_end());
        self.out.push('\n');
        self.line.clear();
    }
}

impl Table {
    /// One line per row, the columns as wide as their widest cell; a CJK
    /// character is two columns wide.
    fn lines(&self) -> Vec<String> {
        let columns = self.alignments.len();
        let width = |index: usize| {
            self.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
        let mut lines: Vec<String> = self.rows.iter().map(|row| self.line(row, &widths)).collect();
        if !lines.is_empty() {
            lines.insert(1, rule);
        }
        lines
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for (index, width) in widths.iter().enumerate() {
            let cell = row.get(index).map_or("", String::as_str);
            let pad = " ".repeat(width.saturating_sub(cell.width()));
            let right = matches!(self.alignments.get(index), Some(Alignment::Right));
            let (before, after) = if right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            line.push_str(if index > 0 { "  " } else { "" });
            line.push_str(before);
            line.push_str(cell);
            line.push_str(after);
        }
        line.trim_end().to_owned()
    }
}
