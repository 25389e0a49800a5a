//! A message as it goes over the wire after DATA (RFC 5321 4.5.2).
//!
//! Invariant: the bytes hold the end-of-mail sequence once, at their end, as
//! any server would read it: a bare CR or LF is refused rather than repaired,
//! because servers disagree on what it ends ("SMTP smuggling").

use crate::domain::delivery::Reply;

/// Longest line without its end (RFC 5321 4.5.3.1.6, RFC 5322 2.1.1).
const LINE_MAX: usize = 998;

/// A message with its dots doubled and its final dot.
#[derive(Debug)]
pub(super) struct Body {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the final dot stands.
    pub dot_at: usize,
    /// The size to announce: the message with its last line end, without
    /// doubled dots and the final one (RFC 1870 3).
    pub size: usize,
    /// Whether it needs 8BITMIME (RFC 6152).
    pub eight_bit: bool,
}

/// What makes a message impossible to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Flaw {
    /// Nothing in it.
    #[error("the message is empty")]
    Empty,
    /// CR without LF or LF without CR.
    #[error("the message has a line end that is not CR LF")]
    BareLineEnd,
    /// NUL.
    #[error("the message has a NUL in it")]
    Nul,
    /// Longer than [`LINE_MAX`].
    #[error("the message has a line of more than 998 bytes")]
    LongLine,
    /// 8-bit bytes for a server without 8BITMIME.
    #[error("the message has bytes outside ASCII, which this relay does not take")]
    EightBit,
}

impl Flaw {
    /// The flaw in a relay's words, though no relay was asked: trying again
    /// would not help, so the letter is refused for good and a person sees
    /// it. RFC 3463 calls these "media errors", 5.6.x.
    pub fn as_reply(self) -> Reply {
        let detail = match self {
            Self::Empty | Self::BareLineEnd | Self::Nul | Self::LongLine => 0,
            Self::EightBit => 3,
        };
        Reply {
            code: 554,
            enhanced: Some((5, 6, detail)),
            text: format!("5.6.{detail} {self} (not offered to the relay)"),
        }
    }
}

impl Body {
    /// Doubles dots and adds the final one; a last line without an end gets
    /// one.
    pub fn new(message: &[u8]) -> Result<Self, Flaw> {
        if message.is_empty() {
            return Err(Flaw::Empty);
        }
        let mut bytes = Vec::with_capacity(message.len() + message.len() / 64 + 8);
        let mut size = 0;
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            let line = check(line)?;
            if line.first() == Some(&b'.') {
                bytes.push(b'.');
            }
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(b"\r\n");
            size += line.len() + 2;
        }
        let dot_at = bytes.len();
        bytes.extend_from_slice(b".\r\n");
        Ok(Self { bytes, dot_at, size, eight_bit: !message.is_ascii() })
    }
}

/// The line without its end.
fn check(line: &[u8]) -> Result<&[u8], Flaw> {
    let line = match line {
        [line @ .., b'\r', b'\n'] => line,
        [.., b'\n'] => return Err(Flaw::BareLineEnd),
        unended => unended,
    };
    if line.contains(&b'\r') {
        return Err(Flaw::BareLineEnd);
    }
    if line.contains(&0) {
        return Err(Flaw::Nul);
    }
    if line.len() > LINE_MAX { Err(Flaw::LongLine) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_final_one_stands_alone() {
        for (message, expected, size) in [
            ("a\r\n", "a\r\n.\r\n", 3),
            ("a", "a\r\n.\r\n", 3),
            (".\r\n", "..\r\n.\r\n", 3),
            ("a\r\n.\r\n.b\r\n..c\r\nd.\r\n", "a\r\n..\r\n..b\r\n...c\r\nd.\r\n.\r\n", 19),
            ("\r\n\r\n", "\r\n\r\n.\r\n", 4),
        ] {
            let body = Body::new(message.as_bytes()).unwrap();
            assert_eq!(String::from_utf8_lossy(&body.bytes), expected, "{message:?}");
            assert_eq!((body.size, body.dot_at), (size, expected.len() - 3), "{message:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_arrives_is_what_was_written_and_ends_once(lines in proptest::collection::vec("[.a ]{0,5}", 1..8)) {
            let message = lines.join("\r\n") + "\r\n";
            let sent = String::from_utf8(Body::new(message.as_bytes()).unwrap().bytes).unwrap();
            let inside = sent.strip_suffix(".\r\n").unwrap();
            let after_a_line = "\r\n".to_owned() + inside;
            proptest::prop_assert!(!after_a_line.contains("\r\n.\r\n"));
            let arrived: String =
                inside.split_inclusive('\n').map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            proptest::prop_assert_eq!(arrived, message);
        }
    }

    #[test]
    fn a_message_that_servers_could_read_differently_is_refused() {
        let long = [vec![b'x'; 999], b"\r\n".to_vec()].concat();
        for (message, expected) in [
            (&b""[..], Flaw::Empty),
            (b"a\n.\nb\r\n", Flaw::BareLineEnd),
            (b"a\r.\r\n", Flaw::BareLineEnd),
            (b"a\r\r\n", Flaw::BareLineEnd),
            (b"a\r", Flaw::BareLineEnd),
            (b"a\0b\r\n", Flaw::Nul),
            (&long, Flaw::LongLine),
        ] {
            assert_eq!(Body::new(message).unwrap_err(), expected, "{message:?}");
        }
        assert!(Body::new("a\r\n".as_bytes()).is_ok_and(|body| !body.eight_bit));
        assert!(Body::new("é\r\n".as_bytes()).is_ok_and(|body| body.eight_bit));
    }
}
