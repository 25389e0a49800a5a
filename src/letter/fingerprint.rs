//! Hashes: what a letter shows, and what tells one thing from another.

use sha2::{Digest as _, Sha256};

use super::Content;

/// A hash of everything the letter shows and takes along.
pub(super) fn of(content: &Content) -> String {
    let mut parts = vec![
        content.locale.clone(),
        content.subject.clone(),
        content.text.clone(),
        content.html.clone(),
        content.class.as_str().to_owned(),
        content.thread.clone(),
        content.customer.clone(),
        format!("{} to, {} cc", content.to.len(), content.cc.len()),
    ];
    for person in content.to.iter().chain(&content.cc).chain([&content.reply_to]) {
        parts.extend([person.name.clone(), person.address.to_string()]);
    }
    for file in &content.attachments {
        parts.extend([file.name.clone(), file.media_type.to_owned(), file.sha256.clone()]);
    }
    hash(parts.iter().map(String::as_str))
}

/// SHA-256 in hex over parts that can't run into each other.
pub(super) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part.len().to_le_bytes());
        sha.update(part.as_bytes());
    }
    hex(&sha.finalize())
}

/// Bytes as two digits each.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for half in [byte >> 4, byte & 0xf] {
            hex.extend(char::from_digit(half.into(), 16));
        }
    }
    hex
}
