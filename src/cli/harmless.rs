//! Words from elsewhere on their way to a person's terminal: what a terminal
//! would obey rather than show does not get there.

/// Whether a terminal obeys it: controls, and what reorders or ends a line
/// (Unicode's bidirectional controls and separators).
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text as one line: a run of what is obeyed becomes a space, what only
/// reorders goes.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let breaks = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if breaks && !line.ends_with(' ') {
            line.push(' ');
        } else if !is_obeyed(c) {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

/// The text with its lines; of what is obeyed only our own colours pass.
#[must_use]
pub fn lines(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(length) = colour(rest) {
            harmless.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        if matches!(c, '\n' | '\t') || !is_obeyed(c) {
            harmless.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    harmless
}

/// The length of the colour that a text begins with: bold, underlined, a
/// foreground, or back to usual. Never one that hides.
fn colour(text: &str) -> Option<usize> {
    let (parameters, _) = text.strip_prefix("\u{1b}[")?.split_once('m')?;
    let numbers: Vec<u8> =
        parameters.split(';').map(str::parse).collect::<Result<_, std::num::ParseIntError>>().ok()?;
    is_ours(&numbers).then_some("\u{1b}[".len() + parameters.len() + "m".len())
}

fn is_ours(parameters: &[u8]) -> bool {
    match parameters {
        [] => true,
        [0..=4 | 22..=24 | 30..=37 | 39 | 90..=97, rest @ ..]
        | [38, 5, _, rest @ ..]
        | [38, 2, _, _, _, rest @ ..] => is_ours(rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_does_not_get_there() {
        for (text, line, many) in [
            ("Ann Lee 王小姐 🎉", "Ann Lee 王小姐 🎉", "Ann Lee 王小姐 🎉"),
            ("a\r\nINFO sent b", "a INFO sent b", "a\nINFO sent b"),
            ("a\tb\0c\u{7}", "a b c", "a\tbc"),
            ("\u{202e}gnitser\u{2066}", "gnitser", "gnitser"),
            ("a\u{2028}b", "a b", "ab"),
            ("\u{1b}[1;31mred\u{1b}[0m", "[1;31mred [0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{1b}[38;2;9;8;7;1mx", "[38;2;9;8;7;1mx", "\u{1b}[38;2;9;8;7;1mx"),
            ("\u{1b}[38;2;9;8;7;8mx", "[38;2;9;8;7;8mx", "[38;2;9;8;7;8mx"),
            ("\u{1b}[8mhidden", "[8mhidden", "[8mhidden"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}", "[2J ]0;title", "[2J]0;title"),
            ("\u{1b}[1", "[1", "[1"),
            ("\u{9b}31m", "31m", "31m"),
        ] {
            assert_eq!((one_line(text).as_str(), lines(text).as_str()), (line, many), "{text:?}");
        }
    }
}
