//! Tables without borders, fitted to the terminal: ids lose their middle, nothing wraps.

use super::Palette;
use unicode_width::UnicodeWidthStr;

/// Ids are shown with this many characters unless the format is wide.
const ID_WIDTH: usize = 9;
/// No column is cut below this.
const WIDTH_MIN: usize = 6;
const GAP: usize = 2;

/// How the cells of a column are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Left aligned; cut at its end where the terminal is narrow.
    Text(&'static str),
    /// Right aligned; never cut.
    Number(&'static str),
    /// Left aligned; shortened in its middle unless the format is wide.
    Id(&'static str),
}

/// One cell. Its width is that of the plain text; the style is put around it when it is written.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    paint: fn(&Palette, &str) -> String,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into().replace(['\n', '\r', '\t'], " "),
            paint: |_, text| text.to_owned(),
        }
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self {
            paint: Palette::error,
            ..Self::new(text)
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Rows under named columns.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells stay empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = cells.into_iter().take(self.columns.len()).collect();
        row.resize_with(self.columns.len(), || Cell::new(""));
        self.rows.push(row);
    }

    pub(super) fn render(&self, palette: &Palette, width: usize, wide: bool) -> String {
        let ellipsis = palette.ellipsis();
        let mut rows = self.rows.clone();
        if !wide {
            for row in &mut rows {
                for (cell, column) in row.iter_mut().zip(&self.columns) {
                    if matches!(column, Column::Id(_)) {
                        cell.text = shorten(&cell.text, ID_WIDTH, ellipsis);
                    }
                }
            }
        }
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                rows.iter()
                    .map(|row| row[index].text.width())
                    .chain([column.title().width()])
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        fit(&self.columns, &mut widths, width);

        let mut text = String::new();
        let header: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell {
                text: column.title().to_owned(),
                paint: Palette::bold,
            })
            .collect();
        for row in std::iter::once(&header).chain(&rows) {
            let mut line = String::new();
            for ((cell, column), width) in row.iter().zip(&self.columns).zip(&widths) {
                let shown = match column {
                    Column::Text(_) => cut(&cell.text, *width, ellipsis),
                    Column::Id(_) => shorten(&cell.text, *width, ellipsis),
                    Column::Number(_) => cell.text.clone(),
                };
                let padding = " ".repeat(width.saturating_sub(shown.width()));
                let painted = (cell.paint)(palette, &shown);
                if !line.is_empty() {
                    line.push_str(&" ".repeat(GAP));
                }
                if matches!(column, Column::Number(_)) {
                    line.push_str(&padding);
                    line.push_str(&painted);
                } else {
                    line.push_str(&painted);
                    line.push_str(&padding);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::Text(title) | Self::Number(title) | Self::Id(title) => title,
        }
    }
}

/// Takes width from the widest column that may lose it, until the line fits.
fn fit(columns: &[Column], widths: &mut [usize], available: usize) {
    let gaps = GAP * columns.len().saturating_sub(1);
    loop {
        let total = widths.iter().sum::<usize>() + gaps;
        let widest = (0..columns.len())
            .filter(|&index| !matches!(columns[index], Column::Number(_)))
            .max_by_key(|&index| widths[index]);
        match widest {
            Some(index) if total > available && widths[index] > WIDTH_MIN => {
                let excess = total - available;
                let second = (0..columns.len())
                    .filter(|&other| other != index && !matches!(columns[other], Column::Number(_)))
                    .map(|other| widths[other])
                    .max()
                    .unwrap_or(WIDTH_MIN)
                    .max(WIDTH_MIN);
                // Down to the second widest at once, then in single steps where two are equal.
                let step = (widths[index] - second.min(widths[index])).clamp(1, excess);
                widths[index] = (widths[index] - step).max(WIDTH_MIN);
            }
            _ => return,
        }
    }
}

/// As much of the beginning as there is room for.
pub(super) fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown: String = take_width(text.chars(), width.saturating_sub(ellipsis.width()));
    shown.push_str(ellipsis);
    shown
}

/// Keeps both ends, because peer ids begin alike.
pub(crate) fn shorten(text: &str, width: usize, ellipsis: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(ellipsis.width());
    let tail: String = take_width(text.chars().rev(), kept.div_ceil(2));
    let head: String = take_width(text.chars(), kept / 2);
    head + ellipsis + &tail.chars().rev().collect::<String>()
}

fn take_width(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|char| {
            used += unicode_width::UnicodeWidthChar::width(*char).unwrap_or_default();
            used <= width
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Cell, Column, Palette, Table};
    use expect_test::{Expect, expect};

    fn check(width: usize, wide: bool, expected: &Expect) {
        let mut table = Table::new(&[
            Column::Text("REPLICA"),
            Column::Id("PEER"),
            Column::Number("TIME"),
            Column::Text("RESULT"),
        ]);
        let peer = "16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v";
        for (name, time) in [("node-0", "2.1 ms"), ("node-1", "12.4 ms")] {
            table.row([
                Cell::new(name),
                peer.into(),
                time.into(),
                "\"Hello, Ada, from the other side\"".into(),
            ]);
        }
        let text = table.render(&Palette::plain(), width, wide);
        assert!(wide || text.lines().all(|line| line.len() <= width));
        expected.assert_eq(&text);
    }

    #[test]
    fn ids_lose_their_middle() {
        check(
            80,
            false,
            &expect![[r#"
                REPLICA  PEER          TIME  RESULT
                node-0   16U..Xq7v   2.1 ms  "Hello, Ada, from the other side"
                node-1   16U..Xq7v  12.4 ms  "Hello, Ada, from the other side"
            "#]],
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_text() {
        check(
            40,
            false,
            &expect![[r#"
                REPLICA  PEER          TIME  RESULT
                node-0   16U..Xq7v   2.1 ms  "Hello, A..
                node-1   16U..Xq7v  12.4 ms  "Hello, A..
            "#]],
        );
    }

    #[test]
    fn wide_shows_all() {
        check(
            usize::MAX,
            true,
            &expect![[r#"
                REPLICA  PEER                                                      TIME  RESULT
                node-0   16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v   2.1 ms  "Hello, Ada, from the other side"
                node-1   16Uiu2HAmJ5Gxy7iQeqtVRfbrPXzAJTjUVpZvTzRrp6ZxKzNeXq7v  12.4 ms  "Hello, Ada, from the other side"
            "#]],
        );
    }
}
