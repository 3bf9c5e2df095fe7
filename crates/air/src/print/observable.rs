//! Text that scripts can see in error objects and tetraplets.

use crate::ast::{Instruction, Lens, NodeId};
use crate::script::Script;

use super::pieces::{Form, Spacing, header, write_lens};

/// The line that error objects carry in their field `instruction`: the
/// instruction without parentheses and nested bodies. A call without output ends
/// with a space.
///
/// ```
/// let script = weir_air::parse(r#"(call "p" ("s"  "f")  [])"#, &weir_air::Limits::default()).unwrap();
/// let text = weir_air::instruction_text(&script, weir_air::NodeId::ROOT);
/// assert_eq!(text, r#"call "p" ("s" "f") [] "#);
/// ```
pub fn instruction_text(script: &Script, id: NodeId) -> String {
    let instruction = &script.node(id).instruction;
    let mut out = String::new();
    let mut spacing = Spacing::default();
    header(
        script,
        instruction,
        Form::Observable,
        &mut String::new(),
        &mut |piece| {
            if spacing.wants_space(piece) {
                out.push(' ');
            }
            piece.write(&mut out);
        },
    );
    if matches!(instruction, Instruction::Call(call) if call.output.is_none()) {
        out.push(' ');
    }
    out
}

/// A lens in its normal form, with dots before brackets: `.$.a.[0].b` or `.length`.
pub fn lens_text(script: &Script, lens: &Lens) -> String {
    let mut out = String::new();
    write_lens(&mut out, script, lens, Form::Observable);
    out
}
