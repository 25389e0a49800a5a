//! The right word nearest to a wrong one.

use super::read::Complaint;

/// The word that was probably meant: one letter away, or a quarter of the
/// letters of a long one, with `-`, `_` and capitals counting for nothing.
pub(crate) fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long texts are no misspelt words, and comparing is quadratic.
    if wrong.len() > 100 {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('_', "-");
    let wrong = plain(wrong);
    right
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.chars().count().max(wrong.chars().count()) / 4).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// "`x` is not a class", with the nearest one or all of them.
pub(super) fn not_a_word(text: &str, what: &str, words: &[&str]) -> Complaint {
    let message = format!("`{text}` is not {what}");
    match (nearest(text, words.iter().copied()), words) {
        (Some(right), _) => Complaint::new(message, format!("did you mean `{right}`?")),
        (None, [only]) => Complaint::new(message, format!("write `{only}`")),
        (None, _) => Complaint::new(message, format!("write one of {}", words.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let keys = ["stage", "stages", "template", "not_while", "stale_after", "at"];
        for (wrong, expected) in [
            ("stgaes", Some("stages")),
            ("Template", Some("template")),
            ("not-while", Some("not_while")),
            ("staleafter", Some("stale_after")),
            ("zzz", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, keys), expected, "{wrong}");
        }
    }
}
