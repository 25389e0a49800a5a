//! The right word nearest to a wrong one: for keys and commands, columns and
//! ids, and the variables of templates.

/// Long texts are no misspelt words, and comparing is quadratic.
const WORD_BYTES_MAX: usize = 100;

/// The word that was probably meant: one letter away, or a quarter of the
/// letters of a long one, where two letters that changed places are one, and
/// `-`, `_`, spaces and capitals count for nothing.
pub fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    near(wrong, right).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// The words that may have been meant, the nearest first, at most so many.
pub fn few_nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let mut found: Vec<_> = near(wrong, right).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, word)| word).take(most).collect()
}

/// "did you mean `firm`?", where a word is near enough.
pub fn did_you_mean<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wrong, right).map(|right| format!("did you mean `{right}`?"))
}

/// The words that are near enough, each with its distance.
fn near<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = (usize, &'a str)> {
    let wrong = Some(plain(wrong)).filter(|wrong| wrong.len() <= WORD_BYTES_MAX);
    right.into_iter().filter_map(move |word| {
        let (wrong, right) = (wrong.as_deref()?, plain(word));
        let longer = right.chars().count().max(wrong.chars().count());
        let distance = strsim::damerau_levenshtein(wrong, &right);
        (distance <= (longer / 4).max(1)).then_some((distance, word))
    })
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words =
            ["stage", "stages", "template", "not_while", "stale_after", "at", "invoice", "instalment"];
        for (wrong, expected) in [
            ("stgaes", Some("stages")),
            ("Template", Some("template")),
            ("not-while", Some("not_while")),
            ("not while", Some("not_while")),
            ("staleafter", Some("stale_after")),
            ("invioce", Some("invoice")),
            ("Installment", Some("instalment")),
            ("rechnung", None),
            ("zzz", None),
            ("x", None),
            ("", None),
            (&"stage".repeat(30), None),
        ] {
            assert_eq!(nearest(wrong, words), expected, "{wrong}");
        }
    }

    #[test]
    fn a_few_are_named_from_the_nearest_on() {
        let ids = ["INV-4710", "INV-4711", "INV-4771", "C001"];
        assert_eq!(few_nearest("inv-4711", ids, 2), ["INV-4711", "INV-4710"]);
        assert_eq!(few_nearest("Z-1", ids, 2), Vec::<&str>::new());
        assert_eq!(did_you_mean("C01", ids).as_deref(), Some("did you mean `C001`?"));
    }
}
