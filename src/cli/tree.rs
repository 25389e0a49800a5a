//! What belongs to what, as a tree of lines.

use unicode_width::UnicodeWidthStr as _;

/// A line and what belongs to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    text: String,
    below: Vec<Self>,
}

impl Node {
    /// A line to which nothing belongs.
    pub fn leaf(text: impl Into<String>) -> Self {
        Self { text: text.into(), below: Vec::new() }
    }

    /// A line with what belongs to it.
    pub fn new(text: impl Into<String>, below: Vec<Self>) -> Self {
        Self { text: text.into(), below }
    }

    /// The tree, one line a node; where a width is given, longer lines are
    /// broken between words.
    #[must_use]
    pub fn render(&self, width: Option<usize>) -> String {
        let mut lines = wrapped(&self.text, width);
        draw(&self.below, "", width, &mut lines);
        lines.join("\n")
    }
}

fn draw(nodes: &[Node], indent: &str, width: Option<usize>, lines: &mut Vec<String>) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let (head, tail) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let own = if node.below.is_empty() { "" } else { "│  " };
        let room = width.map(|width| width.saturating_sub(indent.width() + 3));
        for (number, line) in wrapped(&node.text, room).into_iter().enumerate() {
            // What is broken stands in by two, so that no part looks like a node.
            lines.push(match number {
                0 => format!("{indent}{head}{line}"),
                _ => format!("{indent}{tail}{own}  {line}"),
            });
        }
        draw(&node.below, &format!("{indent}{tail}"), width, lines);
    }
}

/// A text in lines of at most so many columns, colours counting for nothing.
fn wrapped(text: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.map(|width| width.max(30)) else { return vec![text.to_owned()] };
    let columns = |word: &str| anstream::adapter::strip_str(word).to_string().width();
    let mut lines = Vec::new();
    let (mut line, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let wide = columns(word);
        // Later lines stand in by up to five.
        let room = if lines.is_empty() { width } else { width - 5 };
        if used > 0 && used + 1 + wide > room {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 || !line.is_empty() {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += wide;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Node {
        Node::new(
            "one",
            vec![
                Node::new("two two two two two two two two two", vec![Node::leaf("three")]),
                Node::leaf("四四四四四四四 四四四四四四四四 四四四四"),
            ],
        )
    }

    #[test]
    fn in_a_pipe_every_node_is_one_line() {
        let drawn = tree().render(None);
        let expected = "one\n├─ two two two two two two two two two\n│  └─ three\n└─ 四四四四四四四 四四四四四四四四 四四四四";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn on_a_terminal_no_line_is_wider_than_it_and_wide_characters_count_twice() {
        let drawn = tree().render(Some(36));
        for line in drawn.lines() {
            assert!(line.width() <= 36, "{line}");
        }
        assert!(drawn.contains("│  │    two"), "{drawn}");
        assert!(drawn.contains("     四"), "{drawn}");
    }
}
