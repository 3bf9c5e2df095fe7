//! A place in a text, shown with the line it is on.
//!
//! Scripts may be one line of megabytes, so a line is shown only around the place.

use super::Palette;
use std::ops::Range;
use unicode_width::UnicodeWidthStr;

/// Characters of the line that are shown before the place.
const CONTEXT_BEFORE: usize = 40;
/// Characters of the line that are shown in all.
const LINE_MAX: usize = 100;

/// Line and column, both from 1; the column counts characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// Three lines: where, the text, and a mark under the place with what is to be seen there.
pub(crate) fn excerpt(
    name: &str,
    text: &str,
    place: Range<usize>,
    message: &str,
    palette: &Palette,
) -> String {
    let (line, column) = position(text, place.start);
    let start = text
        .get(..place.start)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1);
    let content = text[start..].split('\n').next().unwrap_or_default();
    let skipped = column.saturating_sub(1 + CONTEXT_BEFORE);
    let ellipsis = palette.ellipsis();
    let head = if skipped > 0 { ellipsis } else { "" };
    let shown: String = content
        .chars()
        .skip(skipped)
        .take(LINE_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    let tail = if content.chars().count() > skipped + LINE_MAX {
        ellipsis
    } else {
        ""
    };
    let before: String = shown.chars().take(column - 1 - skipped).collect();
    let marked: String = text
        .get(place)
        .unwrap_or_default()
        .chars()
        .take_while(|char| *char != '\n')
        .take(LINE_MAX.saturating_sub(before.chars().count()))
        .collect();
    let mark = "^".repeat(marked.trim_end().width().max(1));
    let margin = " ".repeat(line.to_string().len());
    let gap = " ".repeat(head.width() + before.width());
    format!(
        "  {}\n  {}{head}{shown}{tail}\n  {}{gap}{}",
        palette.dim(&format!("at {name}:{line}:{column}")),
        palette.dim(&format!("{line} | ")),
        palette.dim(&format!("{margin} | ")),
        palette.error(format!("{mark} {message}").trim_end()),
    )
}

#[cfg(test)]
mod tests {
    use super::{Palette, excerpt, position};
    use expect_test::{Expect, expect};

    fn check(text: &str, place: &str, expected: &Expect) {
        let start = text.find(place).expect("the place is in the text");
        let shown = excerpt(
            "x.air",
            text,
            start..start + place.len(),
            "here",
            &Palette::plain(),
        );
        expected.assert_eq(&format!("shown\n{shown}"));
    }

    #[test]
    fn a_place_is_shown_with_its_line() {
        check(
            "(seq\n  (call peer (\"a\" \"b\") [])\n  (null))",
            "peer",
            &expect![[r#"
                shown
                  at x.air:2:9
                  2 |   (call peer ("a" "b") [])
                    |         ^^^^ here"#]],
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let text = format!(
            "{}(oops){}",
            "(null) ".repeat(1_000),
            " (null)".repeat(1_000)
        );
        check(
            &text,
            "oops",
            &expect![[r#"
                shown
                  at x.air:1:7002
                  1 | ..ll) (null) (null) (null) (null) (null) (oops) (null) (null) (null) (null) (null) (null) (null) (null..
                    |                                           ^^^^ here"#]],
        );
    }

    #[test]
    fn a_place_over_several_lines_is_marked_on_its_first() {
        check(
            "(seq\n  (null)\n)",
            "(seq\n  (null)\n)",
            &expect![[r#"
                shown
                  at x.air:1:1
                  1 | (seq
                    | ^^^^ here"#]],
        );
    }

    #[test]
    fn a_place_at_the_end_of_an_empty_text_has_a_position() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("äö\n", 5), (2, 1));
        check(
            "",
            "",
            &expect![[r#"
                shown
                  at x.air:1:1
                  1 | 
                    | ^ here"#]],
        );
    }
}
