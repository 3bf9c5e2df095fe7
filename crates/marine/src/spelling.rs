//! Names in WIT are `kebab-case`; callers may also spell them `snake_case` or `camelCase`.

use std::fmt::{self, Display, Write};

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

/// The most letters of a type or of a list of names that an error repeats.
pub(crate) const TEXT_CHARS_MAX: usize = 300;

/// The first letters of a text, with an ellipsis if that is not all.
pub(crate) fn shorten(text: &str, letters_max: usize) -> String {
    match text.char_indices().nth(letters_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What is displayed, as [`shorten`] cuts it; no more of it is written than that.
pub(crate) fn brief(text: &impl Display) -> String {
    /// Stops the writer when there is enough.
    struct Enough(String);

    impl Write for Enough {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.push_str(&shorten(text, TEXT_CHARS_MAX + 1));
            // At least as many bytes as letters: whoever has four times as many bytes has enough letters.
            if self.0.len() > 4 * TEXT_CHARS_MAX {
                return Err(fmt::Error);
            }
            Ok(())
        }
    }

    let mut start = Enough(String::new());
    // The error only says that there was enough.
    let _ = write!(start, "{text}");
    shorten(&start.0, TEXT_CHARS_MAX)
}

/// As many of these as fit into a message, with commas.
pub(crate) fn brief_list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut list = String::new();
    for item in items {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&shorten(item.as_ref(), TEXT_CHARS_MAX + 1));
        if list.len() > 4 * TEXT_CHARS_MAX {
            break;
        }
    }
    shorten(&list, TEXT_CHARS_MAX)
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
