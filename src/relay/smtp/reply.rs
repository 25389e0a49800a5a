//! What a relay may answer: replies of bounded size, read strictly (RFC 5321
//! 4.2), with enhanced codes (RFC 2034, RFC 3463).

use crate::domain::address::is_invisible;
use crate::domain::delivery::Reply;

/// Longest line of a reply, in bytes with its end. RFC 5321 4.5.3.1.5 asks for
/// 512; servers exceed it.
pub(super) const LINE_MAX: usize = 4 * 1024;
/// Most lines of one reply.
pub(super) const LINES_MAX: usize = 100;
/// Most bytes of one reply.
pub(super) const REPLY_MAX: usize = 64 * 1024;
/// Most characters of a reply's text that are kept.
const TEXT_MAX: usize = 200;

/// One whole reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// Code and first line.
    pub reply: Reply,
    /// The text of every line without its code; what EHLO offers.
    pub lines: Vec<String>,
}

impl Answer {
    /// Whether it says yes: 2xx.
    pub fn is_yes(&self) -> bool {
        self.reply.code / 100 == 2
    }

    /// Whether it says no, for now or for good: 4xx or 5xx.
    pub fn is_no(&self) -> bool {
        matches!(self.reply.code / 100, 4 | 5)
    }
}

/// Why what came is no reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Malformed {
    /// No code of three digits, 1xx to 5xx, and a space or hyphen behind it.
    #[error("the answer is not SMTP")]
    NotSmtp,
    /// The lines of one reply have different codes.
    #[error("the lines of the answer contradict each other")]
    Contradiction,
    /// More than [`LINE_MAX`], [`LINES_MAX`] or [`REPLY_MAX`].
    #[error("the answer is too long")]
    TooLong,
}

/// Takes the first whole reply off the front of what was received; `None`
/// while it is incomplete.
pub(super) fn take(received: &mut Vec<u8>) -> Result<Option<Answer>, Malformed> {
    let Some((answer, length)) = read(received)? else { return Ok(None) };
    received.drain(..length);
    Ok(Some(answer))
}

fn read(received: &[u8]) -> Result<Option<(Answer, usize)>, Malformed> {
    let mut lines: Vec<&[u8]> = Vec::new();
    let mut start = 0;
    while let Some(length) = received[start..].iter().position(|byte| *byte == b'\n') {
        let line = &received[start..start + length];
        start += length + 1;
        if length + 1 > LINE_MAX || lines.len() == LINES_MAX || start > REPLY_MAX {
            return Err(Malformed::TooLong);
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_last = check(line)?;
        lines.push(line);
        if lines[0][..3] != line[..3] {
            return Err(Malformed::Contradiction);
        }
        if is_last {
            return Ok(Some((answer(&lines), start)));
        }
    }
    if received.len() - start >= LINE_MAX || received.len() >= REPLY_MAX {
        return Err(Malformed::TooLong);
    }
    Ok(None)
}

/// Checks the form of a line; says whether it is the last one.
fn check(line: &[u8]) -> Result<bool, Malformed> {
    match line {
        [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', rest @ ..] => match rest.first() {
            None | Some(b' ') => Ok(true),
            Some(b'-') => Ok(false),
            Some(_) => Err(Malformed::NotSmtp),
        },
        _ => Err(Malformed::NotSmtp),
    }
}

fn answer(lines: &[&[u8]]) -> Answer {
    let code = lines[0][..3].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let lines: Vec<String> = lines.iter().map(|line| clean(line.get(4..).unwrap_or_default())).collect();
    let enhanced = enhanced(&lines[0]);
    let text = lines[0].chars().take(TEXT_MAX).collect();
    Answer { reply: Reply { code, enhanced, text }, lines }
}

/// A line as it may stand in a log: no controls, nothing that reorders.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line).replace('\t', " ");
    text.chars().filter(|c| *c == ' ' || !is_invisible(*c)).collect::<String>().trim().to_owned()
}

/// `5.1.1` at the start of a text; some servers write `#5.1.1` or `5.1.1:`.
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let word = text.split(' ').next()?.trim_start_matches('#').trim_end_matches([':', ';', ',']);
    let mut parts = word.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |part: &str| {
        let plain = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| part.parse::<u16>().ok()).flatten()
    };
    let class = match class {
        "2" => 2,
        "4" => 4,
        "5" => 5,
        _ => return None,
    };
    parts.next().is_none().then_some((class, number(subject)?, number(detail)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, enhanced code, text, and how many bytes are left.
    type Read = (u16, Option<(u8, u16, u16)>, String, usize);

    fn taken(bytes: &[u8]) -> Result<Option<Read>, Malformed> {
        let mut received = bytes.to_vec();
        take(&mut received).map(|answer| {
            answer.map(|Answer { reply, .. }| (reply.code, reply.enhanced, reply.text, received.len()))
        })
    }

    #[test]
    fn a_reply_is_read_with_its_codes_and_nothing_behind_it() {
        for (bytes, expected) in [
            (&b"250 ok\r\n"[..], (250, None, "ok", 0)),
            (b"250\r\n", (250, None, "", 0)),
            (b"250 ok\n", (250, None, "ok", 0)),
            (b"250 2.1.0 Ok\r\n250 next\r\n", (250, Some((2, 1, 0)), "2.1.0 Ok", 10)),
            (b"550-5.1.1 no such\r\n550 5.1.1 user\r\n", (550, Some((5, 1, 1)), "5.1.1 no such", 0)),
            (b"550 #5.1.0 Address rejected\r\n", (550, Some((5, 1, 0)), "#5.1.0 Address rejected", 0)),
            (b"554 5.7.1: no\r\n", (554, Some((5, 7, 1)), "5.7.1: no", 0)),
            (b"550 5.9.8.7 listed\r\n", (550, None, "5.9.8.7 listed", 0)),
            (b"550 5.1 short\r\n", (550, None, "5.1 short", 0)),
            (b"550 5.1234.1 long\r\n", (550, None, "5.1234.1 long", 0)),
            (b"250 a\x1b[31m\x00b\tc\xe2\x80\xaed\r\n", (250, None, "a[31mb cd", 0)),
        ] {
            let (code, enhanced, text, rest) = expected;
            assert_eq!(taken(bytes), Ok(Some((code, enhanced, text.to_owned(), rest))), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_reply_is_refused_as_soon_as_it_shows() {
        for (bytes, expected) in [
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), Malformed::NotSmtp),
            (b"25 ok\r\n".to_vec(), Malformed::NotSmtp),
            (b"2500 ok\r\n".to_vec(), Malformed::NotSmtp),
            (b"650 ok\r\n".to_vec(), Malformed::NotSmtp),
            (b"\r\n".to_vec(), Malformed::NotSmtp),
            (b"250-a\r\n550 b\r\n".to_vec(), Malformed::Contradiction),
            (b"250-a\r\n550-b\r\n".to_vec(), Malformed::Contradiction),
            (vec![b'2'; LINE_MAX], Malformed::TooLong),
            ([b"250 ".to_vec(), vec![b'x'; LINE_MAX], b"\r\n".to_vec()].concat(), Malformed::TooLong),
            (b"250-x\r\n".repeat(LINES_MAX + 1), Malformed::TooLong),
            ([b"250-".to_vec(), vec![b'x'; 4000], b"\r\n".to_vec()].concat().repeat(17), Malformed::TooLong),
        ] {
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]).into_owned();
            assert_eq!(taken(&bytes), Err(expected), "{shown}");
        }
    }

    #[test]
    fn an_incomplete_reply_waits_for_the_rest() {
        let whole = b"250-one\r\n250 two\r\n";
        for length in 0..whole.len() {
            assert_eq!(taken(&whole[..length]), Ok(None), "{length}");
        }
        assert!(matches!(taken(whole), Ok(Some((250, None, _, 0)))));
    }

    proptest::proptest! {
        #[test]
        fn a_reply_reads_the_same_however_it_arrives(bytes in "[25][50][0-3][- ][a 5.]{0,3}\\r?\\n?[250 \\-x\\r\\n]{0,40}") {
            let (mut whole, mut piece_by_piece) = (bytes.clone().into_bytes(), Vec::new());
            let at_once = take(&mut whole);
            let mut rest = bytes.bytes();
            let in_pieces = loop {
                match take(&mut piece_by_piece) {
                    Ok(None) => match rest.next() {
                        Some(byte) => piece_by_piece.push(byte),
                        None => break Ok(None),
                    },
                    decided => break decided,
                }
            };
            proptest::prop_assert_eq!(at_once, in_pieces);
        }
    }

    #[test]
    fn a_text_keeps_at_most_200_characters() {
        let long = format!("250 {}\r\n", "界".repeat(900));
        let (_, _, text, _) = taken(long.as_bytes()).unwrap().unwrap();
        assert_eq!(text.chars().count(), 200);
    }
}
