//! The shortest text of a program.

use crate::ast::NodeId;
use crate::script::Script;

use super::pieces::{Form, Piece, header};

/// The shortest text with the same program: no comments, and spaces only where
/// two tokens would become one. Names are kept, since scripts can see them in
/// error objects.
pub fn minify(script: &Script) -> String {
    let mut out = String::new();
    let mut scratch = String::new();
    let mut open: Vec<NodeId> = Vec::new();
    for (index, node) in script.nodes().iter().enumerate() {
        while open.pop_if(|end| end.index() <= index).is_some() {
            out.push(')');
        }
        out.push('(');
        let mut after_word = false;
        header(
            script,
            &node.instruction,
            Form::Short,
            &mut scratch,
            &mut |piece| {
                // A word ends at a parenthesis, but goes on at a quote or an opening bracket.
                let joins = matches!(piece, Piece::Word(_) | Piece::String(_) | Piece::SquareOpen);
                if after_word && joins {
                    out.push(' ');
                }
                after_word = matches!(piece, Piece::Word(_));
                piece.write(&mut out);
            },
        );
        open.push(node.end);
    }
    out.extend(open.iter().map(|_| ')'));
    out
}
