//! Names in WIT are `kebab-case`; callers may also spell them `snake_case` or `camelCase`.

/// The spelling in which two spellings of the same name are equal.
pub(crate) fn fold(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The spelling in which records reach the caller.
pub(crate) fn snake(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_spellings_are_one_name() {
        for spelling in ["count-words", "count_words", "countWords", "COUNT-WORDS"] {
            assert_eq!(fold(spelling), "countwords");
        }
        assert_eq!(snake("count-words"), "count_words");
    }
}
