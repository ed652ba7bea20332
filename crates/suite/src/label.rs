//! How two labels are compared when they differ in length.

/// Labels of so many tokens are whole sentences.
const SENTENCE: usize = 5;

/// Whether two labels of so many tokens are compared by their mean log-probability a token: acts of unequal length are.
///
/// Whole sentences are not. Both stand in the question, so a model that chooses one decides it where they part; a mean over
/// the tokens that then follow of themselves would make any preference look like none.
#[must_use]
pub fn normalised_by_length(first: usize, second: usize) -> bool {
    first != second && first.min(second) < SENTENCE
}

#[cfg(test)]
mod tests {
    use super::normalised_by_length;

    #[test]
    fn acts_are_and_sentences_are_not() {
        assert!(normalised_by_length(1, 2) && normalised_by_length(9, 4));
        assert!(!normalised_by_length(3, 3) && !normalised_by_length(7, 9));
    }
}
