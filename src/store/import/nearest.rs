//! The nearest right word to a wrong one.

/// The candidate that takes the fewest edits, if those are few enough to be
/// a slip: at most a third of the word, or two in a short one, for two letters
/// that changed places are two edits.
pub(in crate::store) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (edits(&word, &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits <= candidate.chars().count().max(6) / 3)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements from one word to the other.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != *b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let words = ["invoice", "instalment", "credit_note"];
        assert_eq!(nearest("invioce", words), Some("invoice"));
        assert_eq!(nearest("Installment", words), Some("instalment"));
        assert_eq!(nearest("credit note", words), Some("credit_note"));
        assert_eq!(nearest("rechnung", words), None);
    }
}
