//! E-mail addresses: checked once, at the border.

use std::fmt;

/// An address that can be written to: `local@domain`, the domain in its
/// ASCII form (RFC 5890), at most 254 characters (RFC 5321 4.5.3.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Box<str>);

/// Why a text can't be written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("no address")]
    Missing,
    /// No `@`, or nothing on one side of it.
    #[error("the address has nothing before the @, nothing after it, or none")]
    NoDomain,
    /// A comma, a semicolon or a second `@`: whom it means is not ours to guess.
    #[error("more than one address in one field")]
    Several,
    /// A space, control or invisible character inside.
    #[error("the address has a space or an invisible character in it")]
    Invisible,
    /// A character that needs quoting or is not allowed.
    #[error("the address has a character that does not belong in one")]
    Character,
    /// Letters outside ASCII before the `@` (SMTPUTF8, RFC 6531).
    #[error("the part before the @ is not ASCII, which needs SMTPUTF8; most relays can't deliver it")]
    NeedsUtf8,
    /// No point in the domain, an empty label, or no valid IDN.
    #[error("the domain of the address is not one")]
    Domain,
    /// Longer than RFC 5321 allows.
    #[error("the address is longer than 254 characters")]
    TooLong,
}

impl Address {
    /// Reads one address. Spaces around it and `mailto:` are dropped; the
    /// domain is lower-cased and an international one converted. Nothing is
    /// split, repaired or guessed.
    ///
    /// # Errors
    /// [`AddressError`], which says what stands in the way.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        if text.is_empty() {
            return Err(AddressError::Missing);
        }
        if text.contains([',', ';']) || text.matches('@').count() > 1 {
            return Err(AddressError::Several);
        }
        if text.chars().any(is_invisible) {
            return Err(AddressError::Invisible);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressError::NoDomain)?;
        if local.is_empty() || domain.is_empty() {
            return Err(AddressError::NoDomain);
        }
        check_local(local)?;
        let domain = ascii_domain(domain)?;
        if local.len() > 64 || local.len() + 1 + domain.len() > 254 {
            return Err(AddressError::TooLong);
        }
        Ok(Self(format!("{local}@{domain}").into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address in lower case, by which the same mailbox is recognised
    /// (no provider of note tells `Ann@` from `ann@`).
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// `c***@e***.com`: enough to recognise, too little to write to.
    #[must_use]
    pub fn masked(&self) -> String {
        let head = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
        let (local, domain) = self.0.split_once('@').unwrap_or((&self.0, ""));
        let (host, tld) = domain.rsplit_once('.').unwrap_or((domain, ""));
        format!("{}***@{}***.{tld}", head(local), head(host))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    /// Masked, so that a stray `{:?}` in a log tells nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// A text with every address in it masked: relays repeat them in what they
/// say.
#[must_use]
pub fn masked_in(text: &str) -> String {
    let of_address = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c| !of_address(c)).unwrap_or(rest.len());
        let gap = rest[word..].find(of_address).map_or(rest.len(), |gap| word + gap);
        masked.push_str(&masked_word(&rest[..word]));
        masked.push_str(&rest[word..gap]);
        rest = &rest[gap..];
    }
    masked
}

fn masked_word(word: &str) -> String {
    let bare = word.trim_end_matches('.');
    match (Address::parse(bare), bare.split_once('@')) {
        (Ok(address), _) => address.masked() + &word[bare.len()..],
        (Err(_), Some((local, domain))) if !local.is_empty() && !domain.is_empty() => "***".to_owned(),
        (Err(_), _) => word.to_owned(),
    }
}

/// Whether a character takes no room or reorders others: spaces, controls,
/// zero-width characters, bidirectional controls, the byte-order mark.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn check_local(local: &str) -> Result<(), AddressError> {
    if !local.is_ascii() {
        return Err(AddressError::NeedsUtf8);
    }
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if dots || !local.chars().all(atom) { Err(AddressError::Character) } else { Ok(()) }
}

fn ascii_domain(domain: &str) -> Result<String, AddressError> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| AddressError::Domain)?;
    let labels: Vec<&str> = ascii.split('.').collect();
    let label_ok = |label: &&str| !label.is_empty() && label.len() <= 63;
    let top_level_is_a_name = labels.last().is_some_and(|top| !top.bytes().all(|b| b.is_ascii_digit()));
    if labels.len() < 2 || !labels.iter().all(label_ok) || !top_level_is_a_name {
        return Err(AddressError::Domain);
    }
    Ok(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_normalised_or_refused_with_its_reason() {
        use AddressError::*;
        for (text, expected) in [
            ("c1@example.test", Ok("c1@example.test")),
            ("  Ann.Lee@EXAMPLE.test ", Ok("Ann.Lee@example.test")),
            ("mailto:a@b.test", Ok("a@b.test")),
            ("li@例子.test", Ok("li@xn--fsqu00a.test")),
            ("o'brien+x@mail.example.test", Ok("o'brien+x@mail.example.test")),
            ("", Err(Missing)),
            ("unknown", Err(NoDomain)),
            ("c1@", Err(NoDomain)),
            ("@x.test", Err(NoDomain)),
            ("a@b", Err(Domain)),
            ("a@b..test", Err(Domain)),
            ("a@-b.test", Err(Domain)),
            ("a@127.0.0.1", Err(Domain)),
            ("a@b.test,c@d.test", Err(Several)),
            ("a@b.test; c@d.test", Err(Several)),
            ("a@b@c.test", Err(Several)),
            ("a b1@example.test", Err(Invisible)),
            ("a\u{200b}@example.test", Err(Invisible)),
            ("a\r\nBcc:x@example.test", Err(Invisible)),
            ("a<b>@example.test", Err(Character)),
            ("a..b@example.test", Err(Character)),
            ("李@example.test", Err(NeedsUtf8)),
        ] {
            let read = Address::parse(text);
            assert_eq!(read.as_ref().map(Address::as_str).map_err(|e| *e), expected, "{text:?}");
        }
        let long = format!("{}@{}test", "a".repeat(64), "b.".repeat(100));
        assert_eq!(Address::parse(&long), Err(TooLong));
    }

    #[test]
    fn what_a_relay_repeats_is_masked() {
        for (said, shown) in [
            ("250 2.0.0 queued as Q1", "250 2.0.0 queued as Q1"),
            ("550 5.1.1 <ann.lee@example.test>: no such user", "550 5.1.1 <a***@e***.test>: no such user"),
            ("ann@example.test, bob@b.example.", "a***@e***.test, b***@b***.example."),
            ("mailbox ann@localhost is full", "mailbox *** is full"),
            ("at @ ten, user@", "at @ ten, user@"),
            ("王芳@公司.中国 不存在", "*** 不存在"),
        ] {
            assert_eq!(masked_in(said), shown, "{said}");
        }
    }
}
