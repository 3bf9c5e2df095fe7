//! Byte offsets and the positions of the protocol: lines, and UTF-16 code units in them.

use tower_lsp_server::ls_types::{Position, Range};
use weir_aqua::Span;

/// Where the lines of a text start.
#[derive(Debug, Clone)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Finds the lines of a text. LF, CR LF and CR end a line, as in the protocol.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (index, byte) in bytes.iter().enumerate() {
            let ends = match byte {
                b'\n' => true,
                b'\r' => bytes.get(index + 1) != Some(&b'\n'),
                _ => false,
            };
            if ends {
                starts.push(index as u32 + 1);
            }
        }
        Self { starts }
    }

    /// The position of an offset of the text; the end for what lies behind it.
    pub fn position(&self, text: &str, offset: u32) -> Position {
        let offset = floor(text, offset as usize);
        let line = self
            .starts
            .partition_point(|start| *start as usize <= offset)
            - 1;
        let start = floor(text, self.starts[line] as usize);
        let character = text[start..offset].encode_utf16().count();
        Position::new(line as u32, character as u32)
    }

    /// The offset of a position. Positions behind the end of a line mean its end,
    /// as the protocol says; those in the middle of a character, its start.
    pub fn offset(&self, text: &str, position: Position) -> u32 {
        let Some(start) = self.starts.get(position.line as usize) else {
            return text.len() as u32;
        };
        let end = self
            .starts
            .get(position.line as usize + 1)
            .map_or(text.len(), |next| *next as usize);
        let start = floor(text, *start as usize);
        let line = text[start..floor(text, end)].trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (index, character) in line.char_indices() {
            units += character.len_utf16() as u32;
            if units > position.character {
                return (start + index) as u32;
            }
        }
        (start + line.len()) as u32
    }

    /// The range of a span.
    pub fn range(&self, text: &str, span: Span) -> Range {
        Range::new(
            self.position(text, span.start),
            self.position(text, span.end),
        )
    }

    /// The span of a range.
    pub fn span(&self, text: &str, range: Range) -> Span {
        let start = self.offset(text, range.start);
        Span::new(start, self.offset(text, range.end).max(start))
    }
}

/// The start of the character that the offset lies in; the end of the text at most.
fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}
