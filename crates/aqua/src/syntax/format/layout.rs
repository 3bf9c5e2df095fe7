//! Pieces of a line, and lists that are broken where the line would be too long.

use super::{COLUMNS_MAX, INDENT};

/// A piece of a line.
pub(super) enum Piece<'t> {
    /// What is written as it is.
    Text(String),
    /// What can be written with one element per line.
    List(List<'t>),
}

pub(super) struct List<'t> {
    pub open: &'static str,
    pub close: &'static str,
    pub elements: Vec<Element<'t>>,
    /// Comments behind the last element.
    pub comments: Vec<&'t str>,
}

pub(super) struct Element<'t> {
    /// Comments above it.
    pub above: Vec<&'t str>,
    pub pieces: Vec<Piece<'t>>,
    /// The comment in its line.
    pub behind: Option<&'t str>,
}

impl List<'_> {
    fn has_comments(&self) -> bool {
        !self.comments.is_empty()
            || self
                .elements
                .iter()
                .any(|element| !element.above.is_empty() || element.behind.is_some())
    }

    /// Abilities stay in one line: the reference does not read them otherwise.
    fn is_breakable(&self) -> bool {
        self.has_comments() || !self.elements.is_empty() && self.open != "{"
    }

    /// Columns in one line; nothing if it must be broken.
    fn width(&self) -> Option<usize> {
        if self.has_comments() {
            return None;
        }
        let separators = 2 * self.elements.len().saturating_sub(1);
        let brackets = self.open.len() + self.close.len();
        let elements = self.elements.iter().map(|element| width(&element.pieces));
        let elements: Option<usize> = elements.sum();
        Some(separators + brackets + elements?)
    }
}

fn width(pieces: &[Piece]) -> Option<usize> {
    let pieces = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => Some(text.chars().count()),
        Piece::List(list) => list.width(),
    });
    pieces.sum()
}

/// Columns up to the first place where the line can be broken.
fn width_to_break(pieces: &[Piece]) -> usize {
    let mut columns = 0;
    for piece in pieces {
        match piece {
            Piece::Text(text) => columns += text.chars().count(),
            Piece::List(list) if list.is_breakable() => return columns + list.open.len(),
            Piece::List(list) => columns += list.open.len() + list.close.len(),
        }
    }
    columns
}

/// Writes pieces at the end of `out`, whose last line is indented by some columns. Behind them
/// some columns are needed.
pub(super) fn write(out: &mut String, pieces: &[Piece], indent: usize, behind: usize) {
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::List(list) => {
                let line = out.rfind('\n').map_or(0, |end| end + 1);
                let column = out[line..].chars().count();
                let rest = width_to_break(&pieces[index + 1..]) + behind;
                let fits = list
                    .width()
                    .is_some_and(|width| column + width + rest <= COLUMNS_MAX);
                if fits || !list.is_breakable() {
                    write_flat(out, list);
                } else {
                    write_broken(out, list, indent);
                }
            }
        }
    }
}

fn write_flat(out: &mut String, list: &List) {
    out.push_str(list.open);
    for (index, element) in list.elements.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        for piece in &element.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::List(list) => write_flat(out, list),
            }
        }
    }
    out.push_str(list.close);
}

fn write_broken(out: &mut String, list: &List, indent: usize) {
    let inner = indent + INDENT;
    out.push_str(list.open);
    let last = list.elements.len().saturating_sub(1);
    for (index, element) in list.elements.iter().enumerate() {
        for comment in &element.above {
            start_line(out, inner);
            out.push_str(comment);
        }
        start_line(out, inner);
        let comma = if index < last { "," } else { "" };
        write(out, &element.pieces, inner, comma.len());
        out.push_str(comma);
        if let Some(comment) = element.behind {
            out.push(' ');
            out.push_str(comment);
        }
    }
    for comment in &list.comments {
        start_line(out, inner);
        out.push_str(comment);
    }
    start_line(out, indent);
    out.push_str(list.close);
}

fn start_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}
