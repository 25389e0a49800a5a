//! Markdown, rendered once into both parts of a letter: HTML with a style on
//! every element, and text as a person would have typed it.
//!
//! Both come from the same parsed document, so they can't say different
//! things, and a value that looks like Markdown is literal in both.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::clean;
use super::layout::Styles;
use super::plain::Plain;

/// The two parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts {
    /// What stands in the layout's place for the letter.
    pub html: String,
    /// Paragraphs are one line each, for the reader to fold; tables are
    /// aligned.
    pub text: String,
}

/// Renders a document.
#[must_use]
pub fn render(markdown: &str, styles: &Styles) -> Parts {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut html = Html::new(styles);
    let mut plain = Plain::default();
    for event in joined_lines(Parser::new_ext(markdown, options)) {
        plain.take(&event);
        html.take(event);
    }
    Parts { html: html.out, text: plain.finish() }
}

/// Within a paragraph a line end is a space, but nothing between Chinese or
/// Japanese characters, which are not set apart.
fn joined_lines<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut after_wide = false;
    let mut events = events.peekable();
    std::iter::from_fn(move || {
        let event = events.next()?;
        let event = if matches!(event, Event::SoftBreak) {
            let before_wide = matches!(events.peek(), Some(Event::Text(text)) if text.starts_with(is_wide));
            Event::Text(if after_wide && before_wide { "" } else { " " }.into())
        } else {
            event
        };
        match &event {
            Event::Text(text) if !text.is_empty() => after_wide = text.ends_with(is_wide),
            _ => {}
        }
        Some(event)
    })
}

/// CJK characters and their punctuation.
pub(super) fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether a link may be offered; anything else stays text.
fn is_safe_link(target: &str) -> bool {
    ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| target.starts_with(scheme))
}

struct Html<'s> {
    out: String,
    styles: &'s Styles,
    alignments: Vec<Alignment>,
    column: usize,
    in_head: bool,
    links: Vec<bool>,
}

impl<'s> Html<'s> {
    fn new(styles: &'s Styles) -> Self {
        Self { out: String::new(), styles, alignments: vec![], column: 0, in_head: false, links: vec![] }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => clean::push_html(&text, &mut self.out),
            Event::Code(code) => {
                self.open("code");
                clean::push_html(&clean::unescape_references(&code), &mut self.out);
                self.out.push_str("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.out.push_str(&html),
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.open("hr"),
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                clean::push_html(&text, &mut self.out);
            }
            Event::TaskListMarker(_) => {}
        }
    }

    /// `<tag style="…">`.
    fn open(&mut self, tag: &'static str) {
        self.open_with(tag, "", "");
    }

    /// The same with attributes, each with a space before it, and with
    /// styles of its own after those of the sheet.
    fn open_with(&mut self, tag: &'static str, attributes: &str, own: &str) {
        self.out.push('<');
        self.out.push_str(tag);
        self.out.push_str(attributes);
        let style = self.styles.of(tag).unwrap_or_default();
        if !(style.is_empty() && own.is_empty()) {
            self.out.extend([" style=\"", style, own, "\""]);
        }
        self.out.push('>');
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Table(alignments) => {
                self.alignments = alignments;
                self.open_with("table", " cellpadding=\"0\" cellspacing=\"0\"", "");
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.out.push_str("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.out.push_str("<tr>");
            }
            Tag::TableCell => self.start_cell(),
            Tag::Link { dest_url, .. } => {
                let safe = is_safe_link(&dest_url);
                self.links.push(safe);
                if safe {
                    let mut href = String::from(" href=\"");
                    clean::push_html(&dest_url, &mut href);
                    href.push('"');
                    self.open_with("a", &href, "");
                }
            }
            Tag::List(Some(start)) if start != 1 => self.open_with("ol", &format!(" start=\"{start}\""), ""),
            tag => {
                if let Some(name) = element(tag.to_end()) {
                    self.open(name);
                }
            }
        }
    }

    /// A column with an alignment does not break over lines.
    fn start_cell(&mut self) {
        let (align, own) = match self.alignments.get(self.column) {
            Some(Alignment::Right) => (" align=\"right\"", "text-align: right;white-space: nowrap;"),
            Some(Alignment::Center) => (" align=\"center\"", "text-align: center;white-space: nowrap;"),
            Some(Alignment::Left) => ("", "white-space: nowrap;"),
            Some(Alignment::None) | None => ("", ""),
        };
        self.open_with(if self.in_head { "th" } else { "td" }, align, own);
        self.column += 1;
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::TableHead => {
                self.in_head = false;
                self.out.push_str("</tr></thead>\n<tbody>");
            }
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.out.push_str(if self.in_head { "</th>" } else { "</td>" }),
            TagEnd::Table => self.out.push_str("</tbody></table>\n"),
            TagEnd::Link => {
                if self.links.pop() == Some(true) {
                    self.out.push_str("</a>");
                }
            }
            tag => {
                if let Some(name) = element(tag) {
                    self.out.push_str("</");
                    self.out.push_str(name);
                    self.out.push_str(if is_block(tag) { ">\n" } else { ">" });
                }
            }
        }
    }
}

/// The element of a tag that needs nothing further. Images have none: a
/// letter loads nothing from outside, and their words stand as text.
fn element(tag: TagEnd) -> Option<&'static str> {
    use pulldown_cmark::HeadingLevel::{H1, H2};
    match tag {
        TagEnd::Paragraph => Some("p"),
        TagEnd::Heading(H1) => Some("h1"),
        TagEnd::Heading(H2) => Some("h2"),
        TagEnd::Heading(_) => Some("h3"),
        TagEnd::BlockQuote(_) => Some("blockquote"),
        TagEnd::CodeBlock => Some("pre"),
        TagEnd::List(true) => Some("ol"),
        TagEnd::List(false) => Some("ul"),
        TagEnd::Item => Some("li"),
        TagEnd::Emphasis => Some("em"),
        TagEnd::Strong => Some("strong"),
        TagEnd::Strikethrough => Some("s"),
        _ => None,
    }
}

fn is_block(tag: TagEnd) -> bool {
    !matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough)
}

/// Whether a code block was written with indentation, which in a letter is
/// as a rule a slip.
#[must_use]
pub fn has_indented_code(markdown: &str) -> bool {
    Parser::new(markdown).any(|event| matches!(event, Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(markdown: &str, html: &str, text: &str) {
        let parts = render(markdown, &Styles::default());
        assert_eq!((parts.html.trim_end(), parts.text.as_str()), (html, text), "{markdown}");
    }

    #[test]
    fn one_document_gives_both_parts() {
        check("a *b* **c**\nd", "<p>a <em>b</em> <strong>c</strong> d</p>", "a b c d\n");
        check("尊敬的\n客户", "<p>尊敬的客户</p>", "尊敬的客户\n");
        check("a  \nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>", "a\nb\n\nc\n");
        check(
            "- a\n- b\n",
            "<ul>\n<li>a</li>\n<li>b</li>\n</ul>".replace(">\n<li>a", "><li>a").as_str(),
            "- a\n- b\n",
        );
        check("3. a\n4. b\n", "<ol start=\"3\"><li>a</li>\n<li>b</li>\n</ol>", "3. a\n4. b\n");
        check("> q\n\n---\n", "<blockquote><p>q</p>\n</blockquote>\n<hr>", "> q\n\n---\n");
        check("![logo](http://x.test/l.png)", "<p>logo</p>", "logo\n");
    }

    #[test]
    fn links_show_where_they_lead() {
        check(
            "[Pay](https://p.example/1)",
            "<p><a href=\"https://p.example/1\">Pay</a></p>",
            "Pay: https://p.example/1\n",
        );
        check(
            "<https://p.example/1>",
            "<p><a href=\"https://p.example/1\">https://p.example/1</a></p>",
            "https://p.example/1\n",
        );
        check(
            "[Ann](mailto:ann@x.example)",
            "<p><a href=\"mailto:ann@x.example\">Ann</a></p>",
            "Ann <ann@x.example>\n",
        );
        check("[x](javascript:alert(1))", "<p>x</p>", "x\n");
    }

    #[test]
    fn tables_are_aligned_by_what_the_eye_sees() {
        check(
            "| 项目 | Due |\n|---|---:|\n| a&#124;b | 1 |\n| 发票 12 | 345678 |\n",
            "<table cellpadding=\"0\" cellspacing=\"0\"><thead><tr><th>项目</th><th align=\"right\" style=\"text-align: right;white-space: nowrap;\">Due</th></tr></thead>\n<tbody><tr><td>a|b</td><td align=\"right\" style=\"text-align: right;white-space: nowrap;\">1</td></tr>\n<tr><td>发票 12</td><td align=\"right\" style=\"text-align: right;white-space: nowrap;\">345678</td></tr>\n</tbody></table>",
            "项目        Due\n-------  ------\na|b           1\n发票 12  345678\n",
        );
    }
}
